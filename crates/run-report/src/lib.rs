//! Reads runs and puts their figures beside the study's, or beside one another.
//!
//! [`collect()`] reads run folders, [`Summary`] compares what they hold with the published figures ([`mod@reference`]) and
//! takes means over seeds, [`Comparison`] says what differs between runs, [`Tables`] lays either out for terminals and as
//! Markdown, [`write_figures`] draws, [`write_page`] puts everything into one page, [`export_projector`] hands latents on to be
//! looked at elsewhere. [`Verification`] holds files against manifests. Nothing here computes a result: every number was written
//! by a stage, or by the scripts that time them. Only where latents have more dimensions than paper, they are projected to be
//! looked at.

mod base64;
mod blocks;
mod collect;
mod compare;
mod drawing;
mod figure;
mod figure_name;
mod figures;
mod fit;
mod given;
mod html;
mod measured;
mod notes;
mod projection;
mod projector;
pub mod reference;
mod seeds;
mod source_images;
mod spread;
mod stage;
mod summary;
mod table;
#[cfg(test)]
mod testing;
mod text;
mod verify;
mod write;

pub use collect::{Collected, Run, Training, Variant, collect, collect_chosen};
pub use compare::{
    ComparedFigure, ComparedParameter, ComparedRun, Comparison, Condition, Grouping, Judgement, Lineage, Operator,
    Outcome, Side,
};
pub use figure::Figure;
pub use figure_name::Direction;
pub use figures::{Figures, write_figures};
pub use given::{Given, RunChoice, choices, folders};
pub use html::{WrittenPage, write_page};
pub use projector::{ProjectorExport, export_projector};
pub use spread::{Spread, Verdict};
pub use stage::{StageRecord, StageState};
pub use summary::{Compared, Difference, GroupSummary, RunSummary, Sources, Summary};
pub use table::Tables;
pub use verify::{Finding, FindingKind, Verification, VerifiedRun, verify};
pub use write::{default_folder, write_summary};

//! Reads runs and puts their figures beside the study's.
//!
//! [`collect()`] reads run folders, [`Summary`] compares what they hold with the published figures ([`mod@reference`]) and
//! takes means over seeds, [`Tables`] lays a summary out for terminals and as Markdown. Nothing here computes a result:
//! every figure was written by a stage.

mod blocks;
mod collect;
mod figure;
mod notes;
pub mod reference;
mod seeds;
mod spread;
mod stage;
mod summary;
mod table;
#[cfg(test)]
mod testing;
mod write;

pub use collect::{Collected, Run, Training, Variant, collect};
pub use figure::Figure;
pub use spread::{Spread, Verdict};
pub use stage::{StageRecord, StageState};
pub use summary::{Compared, Difference, GroupSummary, RunSummary, Sources, Summary};
pub use table::Tables;
pub use write::{default_folder, write_summary};

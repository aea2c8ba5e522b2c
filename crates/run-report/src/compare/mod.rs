//! Runs side by side: what differs between them, and what each was made from.

mod blocks;
mod condition;
mod figures;
mod lineage;
mod parameters;
mod remarks;
mod sides;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use run_store::{Document, Stage, document_text};
use serde::{Deserialize, Serialize};

use crate::collect::{Run, Training, names};
use crate::figure::Figure;
use crate::seeds::title;
use crate::spread::Spread;
use crate::stage::{StageRecord, StageState};
use crate::text::lossy_path;

pub(crate) use blocks::{blocks, lead, legend};
pub use condition::{Condition, Judgement, Operator, Outcome};
pub use figures::ComparedFigure;
pub use lineage::Lineage;
pub use parameters::ComparedParameter;
pub(crate) use parameters::parameters;
pub(crate) use remarks::{Aspect, aspects};

/// Runs side by side. Shares are in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What is compared, in the order given. What follows has one value for each.
    pub sides: Vec<Side>,
    /// Parameters that are not the same on all sides whose stage is finished, in the order of the stages.
    pub parameters: Vec<ComparedParameter>,
    /// How many are the same.
    pub same_parameter_count: usize,
    /// Figures that are not the same on all sides that have them, or that only one side has.
    pub figures: Vec<ComparedFigure>,
    /// How many are the same.
    pub same_figure_count: usize,
    /// What a reader should know before comparing.
    pub remarks: Vec<String>,
    /// The runs of all sides, in the order given.
    pub runs: Vec<ComparedRun>,
    /// What became of the conditions on differences.
    pub conditions: Vec<Judgement>,
}

impl Document for Comparison {
    const KIND: &'static str = "a comparison of runs";
}

/// One side of a comparison: a run, or runs that differ only by seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// The run's name, or what the names of its runs share.
    pub name: String,
    /// The names of its runs, by seed.
    pub runs: Vec<String>,
    /// All its figures, over its runs.
    pub figures: BTreeMap<Figure, Spread>,
}

/// A run of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedRun {
    /// Its folder's name and its variant's tag, or the path where two are named alike.
    pub name: String,
    /// Its folder, as it was given; what is no Unicode in it shows as �.
    #[serde(serialize_with = "lossy_path")]
    pub path: PathBuf,
    /// The variant that stands in the place of the run's own results where there is one.
    pub tag: Option<String>,
    /// The stages that have this variant.
    pub variants: Vec<Stage>,
    /// What was trained, and on what; `null` before training has ended.
    pub training: Option<Training>,
    /// How its stages stand, the chosen variant's in the place of the run's own.
    pub stages: BTreeMap<Stage, StageRecord>,
    /// From what its finished stages were made, when and why.
    pub lineage: BTreeMap<Stage, Lineage>,
}

/// Whether runs that differ only by seed stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// They do, as mean and standard deviation.
    BySeed,
    /// Each stands alone.
    Each,
}

impl Comparison {
    /// Compares `runs`, and the differences of all sides from the first with `conditions`.
    #[must_use]
    pub fn of(runs: &[Run], grouping: Grouping, conditions: &[Condition]) -> Self {
        let names = names(runs);
        let (members, mut remarks) = sides::sides(runs, &names, grouping);
        remarks.extend(remarks::remarks(&members));
        let sides: Vec<Side> = members.iter().map(sides::Members::side).collect();
        let (parameters, same_parameter_count) = parameters::compare(&members);
        let (figures, same_figure_count) = figures::compare(&sides, &members);
        let runs = runs.iter().zip(&names).map(|(run, name)| ComparedRun::of(run, name)).collect();
        let mut comparison = Self {
            sides,
            parameters,
            same_parameter_count,
            figures,
            same_figure_count,
            remarks,
            runs,
            conditions: Vec::new(),
        };
        comparison.conditions = conditions.iter().flat_map(|condition| condition.judge(&comparison)).collect();
        comparison
    }

    /// The text of the comparison as JSON.
    ///
    /// # Errors
    /// A value has no JSON form.
    pub fn json(&self) -> serde_json::Result<String> {
        document_text(self)
    }

    /// The first run of `side`: runs of one side have the same finished stages, of the same model.
    fn first_run(&self, side: &Side) -> Option<&ComparedRun> {
        let first = side.runs.first()?;
        self.runs.iter().find(|run| run.name == *first)
    }

    /// Sides of which something can be read.
    #[must_use]
    pub fn readable_count(&self) -> usize {
        let is_readable = |run: &ComparedRun| {
            let mut states = run.stages.values().map(|stage| stage.state);
            states.any(|state| matches!(state, StageState::Finished | StageState::Outdated))
        };
        self.sides.iter().filter(|side| self.first_run(side).is_some_and(is_readable)).count()
    }
}

impl Side {
    /// Its name, and how many runs it has if it has more than one.
    pub(crate) fn title(&self) -> String {
        title(&self.name, self.runs.len())
    }

    /// `figure` of `self` minus that of `first`.
    fn difference(&self, first: &Self, figure: Figure) -> Option<f64> {
        Some(self.figures.get(&figure)?.mean - first.figures.get(&figure)?.mean)
    }
}

impl ComparedRun {
    /// Its stages by the names of their folders.
    pub(crate) fn named_stages(&self) -> Vec<(String, &StageRecord)> {
        let tag = |stage: &Stage| self.tag.as_deref().filter(|_| self.variants.contains(stage));
        let name = |stage: &Stage| tag(stage).map_or_else(|| stage.to_string(), |tag| format!("{stage}@{tag}"));
        self.stages.iter().map(|(stage, record)| (name(stage), record)).collect()
    }

    fn of(run: &Run, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            path: run.dir.path().to_owned(),
            tag: run.tag.clone(),
            variants: run.chosen_variants(),
            training: run.training.clone(),
            stages: run.stages.clone(),
            lineage: lineage::lineage(run),
        }
    }
}

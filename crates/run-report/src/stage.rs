//! One stage folder of a run: whether its figures may be used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Component;

use run_store::{FinishedStage, Manifest, Stage, StageDir, StoreError};
use serde::{Deserialize, Serialize};

/// How a stage folder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// It is whole, and made from what the earlier stages hold now.
    Finished,
    /// The stage has not run to its end.
    Missing,
    /// It was made from an earlier result of the stage before it. Its figures are not those of the run, and are left out.
    Outdated,
    /// It is damaged, or of a newer version.
    Unreadable,
}

/// A stage of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// How its folder stands.
    pub state: StageState,
    /// Why it is outdated or unreadable.
    pub problem: Option<String>,
    /// The command that makes it.
    pub command: String,
    /// Wall-clock time it took.
    pub seconds: Option<f64>,
    /// The most memory it held at once, where the system told.
    pub peak_memory_mib: Option<f64>,
    /// Processor threads it was allowed.
    pub threads: Option<u32>,
    /// `cpu` or `cuda:N`.
    pub device: Option<String>,
    /// The arithmetic of its heavy part.
    pub precision: Option<String>,
}

/// Why a stage folder gives no figures.
pub(crate) struct NoFigures {
    pub state: StageState,
    pub problem: Option<String>,
}

impl NoFigures {
    pub const MISSING: Self = Self { state: StageState::Missing, problem: None };

    fn outdated(producer: &str) -> Self {
        let problem = format!("it was made from an earlier {producer}");
        Self { state: StageState::Outdated, problem: Some(problem) }
    }
}

impl From<StoreError> for NoFigures {
    fn from(error: StoreError) -> Self {
        Self { state: StageState::Unreadable, problem: Some(error.to_string()) }
    }
}

impl StageRecord {
    /// The record of a folder without figures.
    pub(crate) fn without_figures(dir: &StageDir, reason: NoFigures) -> Self {
        Self {
            state: reason.state,
            problem: reason.problem,
            command: dir.command(),
            seconds: None,
            peak_memory_mib: None,
            threads: None,
            device: None,
            precision: None,
        }
    }

    /// Why there is no result of `stage` to use, and what to do.
    pub(crate) fn lack(&self, stage: Stage) -> String {
        let problem = self.problem.as_deref().unwrap_or("no reason known");
        match self.state {
            StageState::Outdated => format!("{stage} is outdated, as {problem}; run `{}`", self.command),
            StageState::Unreadable => format!("{stage} cannot be read: {problem}"),
            StageState::Missing | StageState::Finished => format!("{stage} is not there; run `{}`", self.command),
        }
    }

    /// The record of a finished stage.
    pub(crate) fn finished(dir: &StageDir, manifest: &Manifest) -> Self {
        let environment = &manifest.environment;
        Self {
            state: StageState::Finished,
            seconds: Some(manifest.seconds),
            peak_memory_mib: manifest.peak_memory_mib,
            threads: Some(environment.threads),
            device: Some(environment.device.clone()),
            precision: Some(environment.precision.clone()),
            ..Self::without_figures(dir, NoFigures::MISSING)
        }
    }
}

/// The stages of a run that were read so far.
#[derive(Default)]
pub(crate) struct Upstream {
    pub finished: BTreeMap<&'static str, Manifest>,
    pub outdated: BTreeSet<&'static str>,
}

impl Upstream {
    /// The stage whose present result is not what `manifest`'s stage read.
    fn superseded(&self, manifest: &Manifest) -> Option<&'static str> {
        manifest.inputs.values().find_map(|input| {
            // An input of the same run is recorded as `stage/file`.
            let mut parts = input.path.components();
            let (Some(Component::Normal(producer)), Some(Component::Normal(name)), None) =
                (parts.next(), parts.next(), parts.next())
            else {
                return None;
            };
            let (producer, name) = (producer.to_str()?, name.to_str()?);
            if let Some(outdated) = self.outdated.get(producer) {
                return Some(*outdated);
            }
            let (producer, present) = self.finished.get_key_value(producer)?;
            let same = present.outputs.get(name).is_some_and(|output| output.blake3 == input.blake3);
            (!same).then_some(*producer)
        })
    }
}

/// Opens the folder `dir` if its figures are those of the run as it stands.
pub(crate) fn open(dir: &StageDir, upstream: &Upstream) -> Result<FinishedStage, NoFigures> {
    let finished = FinishedStage::open(dir.clone()).map_err(|error| match error {
        StoreError::Missing { .. } => NoFigures::MISSING,
        error => error.into(),
    })?;
    match upstream.superseded(finished.manifest()) {
        Some(producer) => Err(NoFigures::outdated(producer)),
        None => Ok(finished),
    }
}

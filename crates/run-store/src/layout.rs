//! Every path of a run, spelled once.

pub mod file;
pub mod input;
pub mod parameter;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::names::{one_line, parse_tag, quoted};

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// What models are fitted on.
    Train,
    /// What they are judged on.
    Test,
}

impl Split {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::Train, Self::Test];

    /// The name, as it stands in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }

    /// The latents file of this split.
    #[must_use]
    pub fn latents_file(self) -> &'static str {
        match self {
            Self::Train => file::TRAIN_LATENTS,
            Self::Test => file::TEST_LATENTS,
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// A stage of the pipeline. Its folder in a run bears its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// IDX files → prepared dataset.
    MnistData,
    /// Prepared dataset → reader, a classifier of images that judges reconstructions.
    ReaderTrain,
    /// Prepared dataset → autoencoder.
    AeTrain,
    /// Autoencoder + dataset → an autoencoder whose latents fall into clusters.
    AeRefine,
    /// Autoencoder + dataset → latents.
    LatentExport,
    /// Latents → clusters and their scores.
    ClusterEval,
    /// Latents → classifier and its scores.
    LatentClassify,
    /// Autoencoder + dataset + reader → how readable and how exact reconstructions are.
    ReconEval,
}

impl Stage {
    /// Every stage, in the order in which each finds its inputs ready.
    pub const ALL: [Self; 8] = [
        Self::MnistData,
        Self::ReaderTrain,
        Self::AeTrain,
        Self::AeRefine,
        Self::LatentExport,
        Self::ClusterEval,
        Self::LatentClassify,
        Self::ReconEval,
    ];

    /// Whether the stage's folder lies with a prepared dataset, for every run on it to use, and not in a run.
    #[must_use]
    pub fn is_of_dataset(self) -> bool {
        matches!(self, Self::MnistData | Self::ReaderTrain)
    }

    /// The stages of a run whose model is trained, not refined from another's, in order.
    pub fn of_a_trained_run() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|stage| !stage.is_of_dataset() && *stage != Self::AeRefine)
    }

    /// The name of the program and of its folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MnistData => "mnist-data",
            Self::ReaderTrain => "reader-train",
            Self::AeTrain => "ae-train",
            Self::AeRefine => "ae-refine",
            Self::LatentExport => "latent-export",
            Self::ClusterEval => "cluster-eval",
            Self::LatentClassify => "latent-classify",
            Self::ReconEval => "recon-eval",
        }
    }

    /// Raised when the same inputs and parameters would give other outputs than before, so that old results are redone.
    #[must_use]
    pub fn format_version(self) -> u32 {
        match self {
            Self::AeRefine => 8,
            Self::ClusterEval => 3,
            Self::AeTrain => 2,
            _ => 1,
        }
    }

    /// The stage that gives a run its model in another way, so that a run has the folder of one of the two.
    #[must_use]
    pub fn rival(self) -> Option<Self> {
        match self {
            Self::AeTrain => Some(Self::AeRefine),
            Self::AeRefine => Some(Self::AeTrain),
            _ => None,
        }
    }

    /// Whether the stage keeps a checkpoint to go on from.
    #[must_use]
    pub fn is_resumable(self) -> bool {
        matches!(self, Self::AeTrain | Self::AeRefine | Self::LatentClassify)
    }

    /// The files that a finished folder of this stage holds for some models only.
    #[must_use]
    pub fn outputs_of_some(self) -> &'static [&'static str] {
        match self {
            Self::AeTrain => &[file::PRIOR_SAMPLES, file::PRIOR_GRID],
            _ => &[],
        }
    }

    /// The files that every finished folder of this stage holds, besides its manifest and its checkpoint.
    #[must_use]
    pub fn outputs(self) -> &'static [&'static str] {
        match self {
            Self::MnistData => &[file::DATASET, file::METRICS],
            Self::AeTrain | Self::AeRefine => &[
                file::MODEL,
                file::WEIGHTS,
                file::WEIGHTS_BY_EPOCH,
                file::HISTORY,
                file::RECONSTRUCTIONS,
                file::METRICS,
            ],
            Self::LatentExport => &[file::TRAIN_LATENTS, file::TEST_LATENTS],
            Self::ClusterEval => &[file::KMEANS, file::ASSIGNMENTS, file::METRICS],
            Self::LatentClassify | Self::ReaderTrain => &[file::MODEL, file::WEIGHTS, file::HISTORY, file::METRICS],
            Self::ReconEval => &[file::READINGS, file::METRICS],
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// The folder of one run: a model on its way from weights to scores.
///
/// A prepared dataset is a run too, of the one stage that prepares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// The run at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The run that the file `path` of a stage lies in, without the steps up and down that lead to it, as seen from the current
    /// folder; as `path` says it where that leads nowhere.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<Self> {
        let run = path.parent()?.parent()?;
        let Ok(canonical) = run.canonicalize() else { return Some(Self::new(run)) };
        let current = std::env::current_dir().and_then(|folder| folder.canonicalize());
        let seen = current.ok().and_then(|current| Some(canonical.strip_prefix(current).ok()?.to_owned()));
        Some(Self::new(seen.unwrap_or(canonical)))
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether both are one folder that is there, whichever way leads to it.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let folder = |run: &Self| run.path.canonicalize().ok();
        folder(self).is_some_and(|one| folder(other) == Some(one))
    }

    /// The run's name: the last part of its path.
    #[must_use]
    pub fn name(&self) -> String {
        let absolute = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let name = absolute.file_name().map_or_else(|| self.path.to_string_lossy(), |name| name.to_string_lossy());
        // The folder may be anybody's, and its name goes to terminals and pages.
        one_line(&name)
    }

    /// The folder of `stage`, or of its variant `tag`.
    #[must_use]
    pub fn stage(&self, stage: Stage, tag: Option<&str>) -> StageDir {
        StageDir { run: self.path.clone(), stage, tag: tag.map(str::to_owned) }
    }

    /// How well the run's latents fall into each number of clusters, once that was tried: of no stage, as no stage depends on it.
    #[must_use]
    pub fn cluster_counts(&self) -> PathBuf {
        self.path.join(file::CLUSTER_COUNTS)
    }

    /// The folder that the run's model comes from: a run is either trained or refined from another.
    #[must_use]
    pub fn model_stage(&self) -> StageDir {
        let refined = self.stage(Stage::AeRefine, None);
        if refined.is_there() { refined } else { self.stage(Stage::AeTrain, None) }
    }

    /// The tags of `stage`'s variants that are on disk, in order.
    #[must_use]
    pub fn tags(&self, stage: Stage) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(&self.path) else { return Vec::new() };
        let mut tags: Vec<String> = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let (stage_name, tag) = name.split_once('@')?;
                (stage_name == stage.name()).then(|| parse_tag(tag).ok())?
            })
            .collect();
        tags.sort();
        tags
    }
}

/// The folder that one stage writes in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageDir {
    run: PathBuf,
    stage: Stage,
    tag: Option<String>,
}

impl StageDir {
    /// The stage that writes here.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The variant's tag, if this is a variant.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The run's folder.
    #[must_use]
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// The folder's name: `cluster-eval`, or `cluster-eval@k20` for a variant.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.tag {
            Some(tag) => format!("{}@{tag}", self.stage),
            None => self.stage.to_string(),
        }
    }

    /// Run and stage in one word, for messages: `cae-32/cluster-eval`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}/{}", RunDir::new(&self.run).name(), self.name())
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.run.join(self.name())
    }

    /// A file in the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The command that makes this folder, for messages.
    #[must_use]
    pub fn command(&self) -> String {
        let tag = self.tag.as_ref().map_or_else(String::new, |tag| format!(" --tag {}", quoted(tag)));
        format!("{} --run {}{tag}", self.stage, quoted(&self.run.to_string_lossy()))
    }

    /// Where a new result is written before it takes the folder's place.
    pub(crate) fn partial(&self) -> PathBuf {
        self.run.join(format!(".{}.partial", self.name()))
    }

    /// Where the old result waits during the exchange, on file systems that cannot swap two folders in one step.
    pub(crate) fn previous(&self) -> PathBuf {
        self.run.join(format!(".{}.previous", self.name()))
    }

    /// The file whose lock says that the folder is being written. Stages of which a run has one share it.
    pub(crate) fn lock(&self) -> PathBuf {
        let name = match self.stage {
            Stage::AeRefine => Stage::AeTrain.to_string(),
            _ => self.name(),
        };
        self.run.join(format!(".{name}.lock"))
    }

    /// Whether there is a folder, be it that a kill fell between the two steps of its replacement.
    pub(crate) fn is_there(&self) -> bool {
        self.path().exists() || self.previous().exists()
    }

    /// The folder that must not be there beside this one.
    pub(crate) fn rival(&self) -> Option<Self> {
        Some(Self { run: self.run.clone(), stage: self.stage.rival()?, tag: None })
    }
}

/// The folder of the original IDX files of `dataset`, below the current folder.
#[must_use]
pub fn raw_dataset(dataset: &str) -> PathBuf {
    Path::new("data/raw").join(dataset)
}

/// The run that prepares `dataset`, below the current folder.
#[must_use]
pub fn prepared_dataset(dataset: &str) -> RunDir {
    RunDir::new(Path::new("data/prepared").join(dataset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_shows_the_tree_of_a_run() {
        let mut tree = "artifacts/cae-32/\n".to_owned();
        for stage in Stage::of_a_trained_run() {
            let mut files = [&[file::MANIFEST], stage.outputs()].concat().join("  ");
            if stage.is_resumable() {
                files += &format!("  {}/", file::CHECKPOINT);
            }
            tree += &format!("  {:<17}{files}\n", format!("{stage}/"));
        }
        assert!(include_str!("../../../README.md").contains(&tree), "README.md lacks\n{tree}");
    }

    #[test]
    fn variants_live_beside_their_stage() {
        let variant = RunDir::new("artifacts/cae-32").stage(Stage::ClusterEval, Some("k20"));
        assert_eq!(variant.path(), Path::new("artifacts/cae-32/cluster-eval@k20"));
        assert_eq!(variant.command(), "cluster-eval --run artifacts/cae-32 --tag k20");
    }
}

//! Small studies: a folder with a prepared dataset and one run, laid out as the project's own.

use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use assert_cmd::Command;
use run_store::{ModelKind, RunDir, Stage, StageDir, prepared_dataset};
use tempfile::TempDir;

use crate::binaries;
use crate::files::Tree;
use crate::outcome::succeeded;

/// Every model there is.
pub const MODELS: &[ModelKind] = ModelKind::ALL;

/// The stages of a study, in order. A refinement is a run of its own, made of another's.
pub fn stages() -> impl Iterator<Item = Stage> {
    Stage::ALL.into_iter().filter(|stage| *stage != Stage::AeRefine)
}

/// A stage that takes longer hangs.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// A project of a test's own, in a folder that vanishes with it.
#[derive(Debug)]
pub struct Study {
    folder: Arc<TempDir>,
    /// Where the runs lie, seen from there.
    artifacts: PathBuf,
    model: ModelKind,
    latent_dim: u32,
}

/// The folder of the committed slice of MNIST: 512 training and 128 test images.
#[must_use]
pub fn slice() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist-slice")
}

impl Study {
    /// A study of `model` without any file.
    #[must_use]
    pub fn empty(model: ModelKind) -> Self {
        Self::empty_in(&std::env::temp_dir(), model)
    }

    fn empty_in(parent: &Path, model: ModelKind) -> Self {
        let folder = Arc::new(tempfile::tempdir_in(parent).unwrap());
        Self { folder, artifacts: PathBuf::from("artifacts"), model, latent_dim: 2 }
    }

    /// The study of `model` in the same project, beside this one.
    #[must_use]
    pub fn beside(&self, model: ModelKind) -> Self {
        let (folder, artifacts) = (Arc::clone(&self.folder), self.artifacts.clone());
        Self { folder, artifacts, model, latent_dim: self.latent_dim }
    }

    /// This study, whose runs lie in the folder `artifacts` of the project, or elsewhere.
    #[must_use]
    pub fn with_artifacts(self, artifacts: &Path) -> Self {
        Self { artifacts: artifacts.to_owned(), ..self }
    }

    /// This study with a model of `latent_dim` dimensions, where it has no run yet.
    #[must_use]
    pub fn with_latent_dim(self, latent_dim: u32) -> Self {
        assert!(!self.run().path().exists());
        Self { latent_dim, ..self }
    }

    /// A study of `model` whose dataset is prepared.
    #[must_use]
    pub fn prepared(model: ModelKind) -> Self {
        static PREPARED: OnceLock<Tree> = OnceLock::new();
        let tree = PREPARED.get_or_init(|| {
            let study = Self::empty(model);
            study.run_stages(&[Stage::MnistData]);
            Tree::read(study.path())
        });
        Self::holding(tree, &std::env::temp_dir(), model)
    }

    /// A study of `model` that has been through every stage.
    ///
    /// The stages run once for all tests. Each test gets a copy of the whole folder, so that the run finds its dataset.
    #[must_use]
    pub fn finished(model: ModelKind) -> Self {
        static FINISHED: [OnceLock<Tree>; MODELS.len()] = [const { OnceLock::new() }; MODELS.len()];
        let tree = FINISHED[model as usize].get_or_init(|| {
            let study = Self::prepared(model);
            study.run_stages(&stages().skip(1).collect::<Vec<_>>());
            Tree::read(study.path())
        });
        Self::holding(tree, &std::env::temp_dir(), model)
    }

    /// A copy of this study in another place.
    #[must_use]
    pub fn copy(&self) -> Self {
        let study = Self { latent_dim: self.latent_dim, ..Self::empty(self.model) };
        Tree::read(self.path()).write(study.path());
        study
    }

    /// A study of `model`, its folder below `parent`, with the files of `tree`.
    #[must_use]
    pub fn holding(tree: &Tree, parent: &Path, model: ModelKind) -> Self {
        let study = Self::empty_in(parent, model);
        tree.write(study.path());
        study
    }

    /// Runs stages, which have to end well.
    #[track_caller]
    pub fn run_stages(&self, stages: &[Stage]) {
        for stage in stages {
            succeeded(self.command(*stage));
        }
    }

    /// The project's folder, where commands run.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The run, seen from outside the folder.
    #[must_use]
    pub fn run(&self) -> RunDir {
        RunDir::new(self.path().join(self.run_argument(Stage::AeTrain)))
    }

    /// The folder of `stage`, seen from outside.
    #[must_use]
    pub fn dir(&self, stage: Stage) -> StageDir {
        RunDir::new(self.path().join(self.run_argument(stage))).stage(stage, None)
    }

    /// What `stage` is given as `--run`: a dataset's preparation is a run of its own.
    fn run_argument(&self, stage: Stage) -> PathBuf {
        match stage {
            _ if stage.is_of_dataset() => prepared_dataset("mnist").path().to_owned(),
            Stage::AeRefine => self.artifacts.join(format!("{}-{}+refined", self.model, self.latent_dim)),
            _ => self.artifacts.join(format!("{}-{}", self.model, self.latent_dim)),
        }
    }

    /// The parameters that make `stage` quick.
    fn parameters(&self, stage: Stage) -> Vec<(&'static str, String)> {
        let own = |name, value: &str| (name, value.to_owned());
        match stage {
            Stage::MnistData => vec![own("--source", slice().to_str().unwrap())],
            // Images 256 to 511 of the slice are those that no run of these tests is trained on.
            Stage::ReaderTrain => {
                vec![own("--first", "256"), own("--count", "256"), own("--batch-size", "32"), own("--epochs", "4")]
            }
            Stage::AeTrain => vec![
                own("--model", self.model.name()),
                own("--latent-dim", &self.latent_dim.to_string()),
                own("--epochs", "2"),
                own("--batch-size", "64"),
                own("--train-count", "256"),
                own("--test-count", "64"),
            ],
            Stage::AeRefine => vec![
                own("--from", self.run_argument(Stage::AeTrain).to_str().unwrap()),
                own("--recipe", "contrast:1,imsat:2,student:1,prototypes+aspc+reconstruction:1"),
                own("--heads", "3"),
                own("--hidden-units", "16"),
                own("--batch-size", "64"),
            ],
            Stage::LatentExport | Stage::ReconEval => Vec::new(),
            Stage::ClusterEval => vec![own("--restarts", "3")],
            Stage::LatentClassify => vec![own("--epochs", "3")],
        }
    }

    /// The command that runs `stage` in this study.
    #[must_use]
    pub fn command(&self, stage: Stage) -> Command {
        self.command_with(stage, &[])
    }

    /// The command that runs `stage` in this study, with some parameters changed or added.
    #[must_use]
    pub fn command_with(&self, stage: Stage, changes: &[(&str, &str)]) -> Command {
        let mut command = Command::from_std(self.process_with(stage, changes));
        command.timeout(TIME_LIMIT);
        command
    }

    /// As [`command_with`](Self::command_with), for tests that deal with the running process.
    #[must_use]
    pub fn process_with(&self, stage: Stage, changes: &[(&str, &str)]) -> process::Command {
        let mut command = self.bare_process(stage);
        command.arg("--run").arg(self.run_argument(stage)).args(["--threads", "1"]);
        let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
        for (name, value) in self.parameters(stage).iter().filter(|(name, _)| !is_changed(name)) {
            command.args([name, value.as_str()]);
        }
        command.args(changes.iter().flat_map(|(name, value)| [name, value]));
        command
    }

    /// The command of `stage` with `arguments` alone.
    #[must_use]
    pub fn bare_command(&self, stage: Stage, arguments: &[&str]) -> Command {
        let mut command = Command::from_std(self.bare_process(stage));
        command.args(arguments).timeout(TIME_LIMIT);
        command
    }

    /// The command of run-report with `arguments`.
    #[must_use]
    pub fn report(&self, arguments: &[&str]) -> Command {
        let mut command = Command::from_std(self.report_process(arguments));
        command.timeout(TIME_LIMIT);
        command
    }

    /// As [`report`](Self::report), for tests that deal with the running process.
    #[must_use]
    pub fn report_process(&self, arguments: &[&str]) -> process::Command {
        let mut process = binaries::program(binaries::REPORT);
        process.current_dir(self.path()).args(arguments);
        process
    }

    /// The process of `stage` without arguments.
    #[must_use]
    pub fn bare_process(&self, stage: Stage) -> process::Command {
        let mut command = binaries::stage(stage);
        command.current_dir(self.path());
        command
    }
}

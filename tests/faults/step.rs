//! Everything that writes into a project: the stages, and run-report where it writes.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use pipeline_tests::Study;
use run_store::{ArtifactsDir, Stage};

/// A program that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Stage(Stage),
    /// A command of run-report.
    Report(&'static str),
}

/// In the order in which each finds what it needs.
pub const STEPS: [Step; 12] = [
    Step::Stage(Stage::MnistData),
    Step::Stage(Stage::ReaderTrain),
    Step::Stage(Stage::AeTrain),
    Step::Stage(Stage::LatentExport),
    Step::Stage(Stage::ClusterEval),
    Step::Stage(Stage::LatentClassify),
    Step::Stage(Stage::ReconEval),
    Step::Stage(Stage::AeRefine),
    Step::Report("table"),
    Step::Report("html"),
    Step::Report("figures"),
    Step::Report("export"),
];

/// Where latents go for TensorBoard.
const PROJECTOR: &str = "projector";

impl Step {
    pub fn stages() -> impl Iterator<Item = Stage> {
        STEPS.into_iter().filter_map(|step| match step {
            Self::Stage(stage) => Some(stage),
            Self::Report(_) => None,
        })
    }

    /// The command, from the start if so `forced`; its messages are kept.
    pub fn command(self, study: &Study, forced: bool) -> Command {
        let mut command = match self {
            Self::Stage(stage) => study.process_with(stage, &[]),
            Self::Report(name) => {
                let runs = [Stage::AeTrain, Stage::AeRefine].map(|stage| study.dir(stage).run().to_owned());
                let mut command = study.report_process(&[name]);
                if name == "export" {
                    command.args(["--tensorboard-projector", PROJECTOR]);
                }
                // As the project sees them, since some reports say where they lie.
                command.args(runs.iter().map(|run| run.strip_prefix(study.path()).unwrap()));
                command
            }
        };
        if forced && matches!(self, Self::Stage(_)) {
            command.arg("--force");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// The files and folders that it makes, seen from outside.
    pub fn products(self, study: &Study) -> Vec<PathBuf> {
        let artifacts = ArtifactsDir::new(study.path().join("artifacts"));
        match self {
            Self::Stage(stage) => vec![study.dir(stage).path()],
            Self::Report("table") => vec![artifacts.summary_markdown(), artifacts.summary_json()],
            Self::Report("html") => vec![artifacts.page()],
            Self::Report("figures") => vec![artifacts.figures().path().to_owned()],
            Self::Report(_) => vec![study.path().join(PROJECTOR)],
        }
    }
}

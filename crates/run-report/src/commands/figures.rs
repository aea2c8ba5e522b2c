//! `run-report figures`: what runs left, drawn.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use run_report::{collect, default_folder, write_figures};
use run_store::{ArtifactsDir, FiguresDir};

use super::{NO_RUN, note_skipped, say};

/// Draws what runs left, each figure as PNG and as SVG.
///
/// task1: the first test digits as each model redraws them; losses, classifier, readability: curves against epoch; cost:
/// seconds and memory; and for each run latents, confusion, and what a variational model makes of its prior. Runs that differ
/// only by seed are shown as mean ± standard deviation, or by the first of them. A run that lacks a stage is left out of what
/// shows it, and a line says so. Exits 0 if at least one figure was drawn.
#[derive(Args)]
pub struct FiguresArgs {
    /// Folders of runs, as in artifacts/*; files are passed over
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Folder to write the figures to [default: figures, beside the first run]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Draws the figures, and says on stderr which.
pub fn figures(args: &FiguresArgs) -> anyhow::Result<()> {
    let collected = collect(&args.runs)?;
    note_skipped(&collected.skipped);
    ensure!(!collected.runs.is_empty(), NO_RUN);
    let beside = || default_folder(&collected.runs).map(|artifacts| ArtifactsDir::new(artifacts).figures());
    let folder = args.out.clone().map(FiguresDir::new).or_else(beside);
    let folder = folder.context("cannot tell where the first run lies: say with --out where the figures should go")?;
    let figures = write_figures(collected.runs, &folder, |path| say(&format!("wrote {}", path.display())))?;
    for line in &figures.left_out {
        say(&format!("note: {line}"));
    }
    ensure!(
        !figures.files.is_empty(),
        "none of the runs has what a figure shows; `run-report table` says what each of them lacks"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use run_store::{RunDir, Stage, file};

    use super::*;

    #[test]
    fn no_run_that_can_be_drawn_is_an_error_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::new(folder.path().join("damaged"));
        let dir = run.stage(Stage::AeTrain, None);
        std::fs::create_dir_all(dir.path()).unwrap();
        std::fs::write(dir.file(file::MANIFEST), "{").unwrap();
        let error = figures(&FiguresArgs { runs: vec![run.path().to_owned()], out: None }).unwrap_err().to_string();
        assert!(error.contains("none of the runs") && error.contains("run-report table"), "{error}");
        assert!(!folder.path().join("figures").exists());
    }
}

//! `run-report figures`: what runs left, drawn.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use run_report::{collect, default_folder, write_figures};
use run_store::{ArtifactsDir, FiguresDir, Growth, read_document};
use stage_cli::say;

use super::{NO_RUN, note_skipped};

/// Draws what runs left, each figure as PNG and as SVG.
///
/// task1: the first test digits as each model redraws them; losses, classifier, readability: curves against epoch; cost:
/// seconds and memory; growth: the same against the number of images, if that was measured; and for each run latents, confusion,
/// the images that belong to their clusters least clearly, what other numbers of clusters are worth if they were tried, what
/// refining did to its latents, and what a variational model makes of its prior. Runs that differ only by seed are shown as mean ± standard deviation, or by the first of them. A run that lacks a stage is left out of what
/// shows it, and a line says so. Exits 0 if at least one figure was drawn.
#[derive(Args)]
pub struct FiguresArgs {
    /// Folders of runs, as in artifacts/*; files are passed over
    #[arg(value_name = "RUN", required_unless_present = "growth")]
    runs: Vec<PathBuf>,
    /// What `scripts/pipeline growth` measured [default: growth.json beside the first run, if it is there]
    #[arg(long, value_name = "FILE")]
    growth: Option<PathBuf>,
    /// Folder to write the figures to [default: figures, beside the first run, or else beside what --growth names]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Draws the figures, and says on stderr which.
pub fn figures(args: &FiguresArgs) -> anyhow::Result<()> {
    let collected = collect(&args.runs)?;
    note_skipped(&collected.skipped);
    ensure!(!collected.runs.is_empty() || args.growth.is_some(), NO_RUN);
    let artifacts = default_folder(&collected.runs).or_else(|| Some(args.growth.as_ref()?.parent()?.to_owned()));
    let artifacts = artifacts.map(ArtifactsDir::new);
    let growth = read_growth(args, artifacts.as_ref())?;
    let folder = args.out.clone().map(FiguresDir::new).or_else(|| artifacts.map(|artifacts| artifacts.figures()));
    let folder = folder.context("cannot tell where the first run lies: say with --out where the figures should go")?;
    let wrote = |path: &Path| say(&format!("wrote {}", path.display()));
    let figures = write_figures(collected.runs, growth.as_ref(), &folder, wrote)?;
    for line in &figures.left_out {
        say(&format!("note: {line}"));
    }
    ensure!(
        !figures.files.is_empty(),
        "none of the runs has what a figure shows; `run-report table` says what each of them lacks"
    );
    Ok(())
}

/// What `--growth` names; or what lies in `artifacts`, of which a line says if it cannot be read: it is no reason to draw nothing.
fn read_growth(args: &FiguresArgs, artifacts: Option<&ArtifactsDir>) -> anyhow::Result<Option<Growth>> {
    if let Some(path) = &args.growth {
        return Ok(Some(read_document(path)?));
    }
    let Some(path) = artifacts.map(ArtifactsDir::growth).filter(|path| path.exists()) else { return Ok(None) };
    let growth = read_document(&path);
    if let Err(error) = &growth {
        say(&format!("note: growth is not drawn: {error}"));
    }
    Ok(growth.ok())
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
        let error = figures(&FiguresArgs { runs: vec![run.path().to_owned()], growth: None, out: None })
            .unwrap_err()
            .to_string();
        assert!(error.contains("none of the runs") && error.contains("run-report table"), "{error}");
        assert!(!folder.path().join("figures").exists());
    }
}

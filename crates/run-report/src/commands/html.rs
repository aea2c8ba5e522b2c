//! `run-report html`: the page that shows everything.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use run_report::{collect, default_folder, write_page};
use run_store::ArtifactsDir;
use stage_cli::say;

use super::{NO_RUN, note_skipped};

/// Writes one page that shows everything: a file to open in a browser, which asks the network for nothing.
///
/// It opens with the table against the study, and then lets a person sort and compare runs, move through the epochs of all
/// reconstructions, and walk through the latents of each model. Of runs that differ only by seed the first is shown there. A run that
/// lacks a stage is left out of what shows it, and the page says so. Exits 0 if at least one run can be read.
#[derive(Args)]
pub struct HtmlArgs {
    /// Folders of runs, as in artifacts/*; files are passed over
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// The page [default: report.html, beside the first run]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Writes the page, and says on stderr where it is and how large.
pub fn html(args: &HtmlArgs) -> anyhow::Result<()> {
    let collected = collect(&args.runs)?;
    note_skipped(&collected.skipped);
    ensure!(!collected.runs.is_empty(), NO_RUN);
    ensure!(
        collected.runs.iter().any(|run| run.is_readable()),
        "none of the runs can be read; `run-report table` says what is wrong with each of them"
    );
    let beside = || default_folder(&collected.runs).map(|artifacts| ArtifactsDir::new(artifacts).page());
    let path = args.out.clone().or_else(beside);
    let path = path.context("cannot tell where the first run lies: say with --out where the page should go")?;
    let page = write_page(collected.runs, &path)?;
    for line in &page.left_out {
        say(&format!("note: {line}"));
    }
    say(&format!("wrote {} ({:.1} MB)", path.display(), page.size as f64 / 1e6));
    Ok(())
}

//! `run-report export`: runs for other programs to show.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use run_report::{choices, collect_chosen, export_projector};
use run_store::{ProjectorDir, quoted};
use stage_cli::say;

use super::{NO_RUN, note_skipped, note_without_variant};

/// Writes the latents of runs for TensorBoard's embedding projector: what each point is, and its image.
///
/// `tensorboard --logdir DIR` then shows them under "Projector", the runs in its list of tensors. Each point knows its split,
/// index and label, and if the run has clusters, its cluster and the digit that this is named after. The images are those of the
/// prepared dataset that the run's manifest names; where that is gone, points come without. A run without latents is left out,
/// and a line says so. Exits 0 if at least one run was exported.
#[derive(Args)]
pub struct ExportArgs {
    /// Folders of runs; patterns such as 'artifacts/cae-32*'; RUN@TAG for a run with its variant TAG, as from --tag, in the
    /// place of its own clustering
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Folder to write for TensorBoard's embedding projector: a new or empty one, or one with an earlier export, which is
    /// replaced
    #[arg(long, value_name = "DIR", required = true)]
    tensorboard_projector: PathBuf,
    /// Export only the first N points of each split
    #[arg(long, value_name = "N")]
    count: Option<NonZeroUsize>,
}

/// Exports the runs, and says on stderr what was written.
pub fn export(args: &ExportArgs) -> anyhow::Result<()> {
    let given = choices(&args.runs)?;
    note_without_variant(&given.without_variant);
    let collected = collect_chosen(given.choices)?;
    note_skipped(&collected.skipped);
    ensure!(!collected.runs.is_empty(), NO_RUN);
    let folder = ProjectorDir::new(&args.tensorboard_projector);
    let export = export_projector(&collected.runs, &folder, args.count)?;
    for line in &export.notes {
        say(&format!("note: {line}"));
    }
    ensure!(!export.runs.is_empty(), "none of the runs has latents to export; nothing was written");
    let runs = if export.runs.len() == 1 { "run" } else { "runs" };
    let points: usize = export.runs.iter().map(|(_, count)| count).sum();
    let (count, word) = (export.runs.len(), quoted(&folder.path().to_string_lossy()));
    let folder = folder.path().display();
    say(&format!("wrote {folder}: {count} {runs} with {points} points; `tensorboard --logdir {word}` shows them"));
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;
    use run_store::{RunDir, Stage, file};

    use super::*;
    use crate::{Command, CommandLine};

    fn parse(arguments: &[&str]) -> Result<ExportArgs, clap::Error> {
        let line = CommandLine::try_parse_from(["run-report", "export"].iter().chain(arguments))?;
        let Command::Export(args) = line.command else { unreachable!() };
        Ok(args)
    }

    #[test]
    fn wrong_usage_is_named() {
        let message = |arguments: &[&str]| parse(arguments).err().unwrap().to_string();
        assert!(message(&["run"]).contains("--tensorboard-projector <DIR>"));
        assert!(message(&["--tensorboard-projector", "out"]).contains("<RUN>"));
        assert!(message(&["run", "--tensorboard-projector", "out", "--count", "0"]).contains("--count"));
    }

    #[test]
    fn no_run_and_no_latents_are_errors_that_say_what_to_do_and_write_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let export_of = |run: &str| {
            let args = parse(&[run, "--tensorboard-projector", out.to_str().unwrap()]).unwrap();
            export(&args).unwrap_err().to_string()
        };
        assert!(export_of(folder.path().to_str().unwrap()).contains("scripts/pipeline"));
        assert!(export_of("no/such-run").contains("no/such-run is missing"));
        let run = RunDir::new(folder.path().join("damaged"));
        let dir = run.stage(Stage::AeTrain, None);
        std::fs::create_dir_all(dir.path()).unwrap();
        std::fs::write(dir.file(file::MANIFEST), "{").unwrap();
        assert!(export_of(run.path().to_str().unwrap()).contains("none of the runs has latents"));
        assert!(!out.exists());
    }
}

//! `run-report table`: runs beside the study.

use std::io::Write;
use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use run_report::{Summary, Tables, collect, default_folder, write_summary};
use stage_cli::say;

use super::{NO_RUN, note_skipped};

/// Shows the figures of runs beside those of the study's report and of Keras, and writes them to summary.md and
/// summary.json.
///
/// Runs that follow the study's protocol are compared; others are shown alone, with what they do differently. Runs that
/// differ only by seed are shown as mean ± standard deviation too. A run that lacks stages or is damaged is shown as far as
/// it goes, with what is wrong below the tables. Exits 0 if at least one run can be read.
#[derive(Args)]
pub struct TableArgs {
    /// Folders of runs, as in artifacts/*; files are passed over
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Folder to write summary.md and summary.json to [default: the one that holds the first run]
    #[arg(long, value_name = "DIR", conflicts_with = "no_write")]
    out: Option<PathBuf>,
    /// Write no files
    #[arg(long)]
    no_write: bool,
    /// Print summary.json instead of the tables
    #[arg(long)]
    json: bool,
}

/// Shows the tables on `out`.
pub fn table(args: &TableArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let collected = collect(&args.runs)?;
    note_skipped(&collected.skipped);
    ensure!(!collected.runs.is_empty(), NO_RUN);
    let folder = args.out.clone().or_else(|| default_folder(&collected.runs));
    let is_readable = collected.runs.iter().any(|run| run.is_readable());
    let summary = Summary::of(collected.runs);
    let tables = Tables::of(&summary);
    let text = if args.json { summary.json()? } else { tables.terminal() };
    // A reader that has gone, as `head` does, is no reason not to write the files.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Some(folder) = folder.filter(|_| !args.no_write) {
        let [for_people, for_programs] = write_summary(&folder, &summary, &tables.markdown())?;
        say(&format!("wrote {} and {}", for_people.display(), for_programs.display()));
    }
    ensure!(is_readable, "none of the runs can be read; what is wrong with each stands below the tables");
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use clap::Parser;
    use run_store::{RunDir, Stage, file};

    use super::*;
    use crate::{Command, CommandLine};

    fn run(arguments: &[&Path]) -> (anyhow::Result<()>, String) {
        let program = [Path::new("run-report"), Path::new("table")];
        let Command::Table(args) = CommandLine::parse_from(program.iter().chain(arguments)).command else {
            unreachable!()
        };
        let mut out = Vec::new();
        let result = table(&args, &mut out);
        (result, String::from_utf8(out).unwrap())
    }

    /// A run whose one stage cannot be read.
    fn damaged(folder: &Path) -> PathBuf {
        let run = RunDir::new(folder.join("damaged"));
        let dir = run.stage(Stage::AeTrain, None);
        std::fs::create_dir_all(dir.path()).unwrap();
        std::fs::write(dir.file(file::MANIFEST), "{").unwrap();
        run.path().to_owned()
    }

    #[test]
    fn no_run_is_an_error_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        let (result, out) = run(&[&folder.path().join("empty")]);
        assert!(result.unwrap_err().to_string().contains("scripts/pipeline"));
        assert_eq!(out, "");
    }

    #[test]
    fn runs_that_cannot_be_read_are_shown_and_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (result, out) = run(&[&damaged(folder.path())]);
        assert!(result.unwrap_err().to_string().contains("none of the runs can be read"));
        assert!(out.contains("damaged: cannot read ae-train"), "{out}");
        assert!(folder.path().join("summary.json").exists());
    }

    #[test]
    fn json_goes_to_stdout_and_files_where_they_are_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let damaged = damaged(folder.path());
        let (_, out) = run(&[&damaged, Path::new("--json"), Path::new("--no-write")]);
        assert!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["runs"][0]["stages"]["ae-train"].is_object());
        assert!(!folder.path().join("summary.json").exists());
        let other = folder.path().join("other");
        let _ = run(&[&damaged, Path::new("--out"), &other]);
        assert!(other.join("summary.md").exists() && !folder.path().join("summary.md").exists());
    }
}

//! `run-report verify`: files against manifests.

use std::io::Write;
use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use run_report::{folders, verify as verify_folders};

use super::{NO_RUN, note_skipped};

/// Rehashes every file that the stages and variants of runs wrote, and every input that is still where it was read, and names
/// what is not as the manifests say.
///
/// Writes nothing. Prepared datasets can be verified too, as data/prepared/mnist. Exits 1 if anything does not hold.
#[derive(Args)]
pub struct VerifyArgs {
    /// Folders of runs, or patterns such as 'artifacts/*'; files are passed over
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows the verification on `out`.
pub fn verify(args: &VerifyArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let verification = verify_folders(&folders(&args.runs)?)?;
    note_skipped(&verification.skipped);
    let total = verification.runs.len();
    ensure!(total > 0, NO_RUN);
    let text = if args.json { verification.json()? } else { verification.terminal() };
    // A reader that has gone, as `head` does, changes nothing in what was found.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    let failed = verification.runs.iter().filter(|run| !run.holds()).count();
    ensure!(failed == 0, "{failed} of {total} runs {} not as recorded", if failed == 1 { "is" } else { "are" });
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;
    use run_store::{RunDir, Stage};

    use super::*;
    use crate::{Command, CommandLine};

    fn run(arguments: &[&str]) -> (anyhow::Result<()>, String) {
        let Command::Verify(args) = CommandLine::parse_from(["run-report", "verify"].iter().chain(arguments)).command
        else {
            unreachable!()
        };
        let mut out = Vec::new();
        let result = verify(&args, &mut out);
        (result, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_run_that_does_not_hold_is_shown_and_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let run_dir = RunDir::new(folder.path().join("cae-32"));
        std::fs::create_dir_all(run_dir.stage(Stage::AeTrain, None).path()).unwrap();
        let path = run_dir.path().display().to_string();
        let (result, out) = run(&[&path]);
        assert_eq!(result.unwrap_err().to_string(), "1 of 1 runs is not as recorded");
        assert!(out.contains("ae-train is unfinished") && out.contains("ae-train --run"), "{out}");
        let (_, json) = run(&[&path, "--json"]);
        let document: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(document["runs"][0]["findings"][0]["kind"], "unfinished");
    }

    #[test]
    fn no_run_is_an_error_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().display().to_string();
        assert!(run(&[&empty]).0.unwrap_err().to_string().contains("scripts/pipeline"));
        assert!(run(&["no/such-run"]).0.unwrap_err().to_string().contains("no/such-run is missing"));
    }
}

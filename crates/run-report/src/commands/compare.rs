//! `run-report compare`: runs beside one another.

use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{bail, ensure};
use clap::Args;
use run_report::{
    Comparison, Condition, Direction, Figure, Grouping, Judgement, Outcome, Run, Tables, choices, collect_chosen,
};
use stage_cli::say;

use super::{note_skipped, note_without_variant};

const EXAMPLE: &str = "as in `run-report compare artifacts/ae-2 artifacts/cae-2`";

/// Shows which parameters and figures differ between runs, by how much, which run is better, and what each was made from.
///
/// What is the same is only counted. Runs that differ only by seed stand together as mean ± standard deviation. Exits 1 if
/// fewer than two runs can be read, or a condition of --fail-if holds or cannot be told.
#[derive(Args)]
#[command(after_long_help = figures_help())]
pub struct CompareArgs {
    /// Folders of runs; patterns such as 'artifacts/cae-32*'; RUN@TAG for a run with its variant TAG, as from --tag, in the
    /// place of its own clustering or classifier
    #[arg(value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Show runs that differ only by seed one by one
    #[arg(long)]
    each: bool,
    /// Exit 1 if FIGURE OPERATOR NUMBER holds for a later run minus the first, of seeds that stand together for their means, as
    /// in 'cluster.accuracy < -1.0': more than a percentage point lost. OPERATOR is <, <=, > or >=. May be given several times;
    /// --help lists the figures
    #[arg(long, value_name = "CONDITION")]
    fail_if: Vec<Condition>,
    /// Print Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The figures that conditions may be about.
fn figures_help() -> String {
    let mut text = "Figures of --fail-if; of a percentage, NUMBER is in percentage points:\n".to_owned();
    for figure in Figure::ALL {
        let better = match figure.direction() {
            Some(Direction::Higher) => "higher is better",
            Some(Direction::Lower) => "lower is better",
            None => "neither is better",
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {:<27}{:<35}{better}", figure.name(), figure.unit());
    }
    text
}

/// Shows the comparison on `out`.
pub fn compare(args: &CompareArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let given = choices(&args.runs)?;
    note_without_variant(&given.without_variant);
    let collected = collect_chosen(given.choices)?;
    note_skipped(&collected.skipped);
    ensure_two(&collected.runs)?;
    let grouping = if args.each { Grouping::Each } else { Grouping::BySeed };
    let comparison = Comparison::of(&collected.runs, grouping, &args.fail_if);
    let text = match (args.json, args.markdown) {
        (true, _) => comparison.json()?,
        (_, true) => Tables::compared(&comparison).markdown(),
        _ => Tables::compared(&comparison).terminal(),
    };
    // A reader that has gone, as `head` does, is no reason not to judge.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ensure!(
        comparison.readable_count() > 1,
        "fewer than two of the runs can be read; what is wrong with each stands below the tables"
    );
    judged(&comparison.conditions)
}

fn ensure_two(runs: &[Run]) -> anyhow::Result<()> {
    match runs {
        [] => bail!("no run to compare: give at least two, {EXAMPLE}"),
        [run] => bail!(
            "only one run to compare, {}: give another one, {EXAMPLE}; a run that is given twice counts once",
            run.dir.path().display()
        ),
        _ => Ok(()),
    }
}

/// Says which conditions hold or cannot be told.
fn judged(judgements: &[Judgement]) -> anyhow::Result<()> {
    let with = |outcome: Outcome| judgements.iter().filter(move |judgement| judgement.outcome == outcome);
    let (holding, unknown) = (with(Outcome::Holds).count(), with(Outcome::CannotBeTold).count());
    for judgement in with(Outcome::Holds).chain(with(Outcome::CannotBeTold)) {
        say(&format!("--fail-if: {judgement}"));
    }
    let total = judgements.len();
    let verb = if holding == 1 { "holds" } else { "hold" };
    ensure!(unknown == 0, "{unknown} of {total} conditions cannot be told; {holding} {verb}");
    ensure!(holding == 0, "{holding} of {total} conditions {verb}");
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

    fn parse(arguments: &[&str]) -> Result<CompareArgs, clap::Error> {
        let line = CommandLine::try_parse_from(["run-report", "compare"].iter().chain(arguments))?;
        let Command::Compare(args) = line.command else { unreachable!() };
        Ok(args)
    }

    fn run(arguments: &[&str]) -> (anyhow::Result<()>, String) {
        let mut out = Vec::new();
        let result = compare(&parse(arguments).unwrap(), &mut out);
        (result, String::from_utf8(out).unwrap())
    }

    /// A run whose one stage cannot be read.
    fn damaged(folder: &Path, name: &str) -> String {
        let run = RunDir::new(folder.join(name));
        let dir = run.stage(Stage::AeTrain, None);
        std::fs::create_dir_all(dir.path()).unwrap();
        std::fs::write(dir.file(file::MANIFEST), "{").unwrap();
        run.path().display().to_string()
    }

    #[test]
    fn no_run_and_one_run_are_errors_that_say_what_to_give() {
        let folder = tempfile::tempdir().unwrap();
        let one = damaged(folder.path(), "one");
        let error = run(&[]).0.unwrap_err().to_string();
        assert!(error.starts_with("no run to compare: give at least two, as in `run-report compare"), "{error}");
        for arguments in [&[one.as_str()][..], &[&one, &one], &[&one, &folder.path().display().to_string()]] {
            let (result, out) = run(arguments);
            let error = result.unwrap_err().to_string();
            assert!(error.starts_with(&format!("only one run to compare, {one}: give another")), "{error}");
            assert_eq!(out, "");
        }
        assert!(run(&[&one, "no/such-run"]).0.unwrap_err().to_string().contains("no/such-run is missing"));
    }

    #[test]
    fn runs_that_cannot_be_read_are_shown_and_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (damaged(folder.path(), "one"), damaged(folder.path(), "two"));
        let (result, out) = run(&[&one, &two]);
        assert!(result.unwrap_err().to_string().contains("fewer than two of the runs can be read"));
        assert!(out.contains("one: cannot read ae-train") && out.contains("ae-train --run"), "{out}");
        let (_, json) = run(&[&one, &two, "--json"]);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["schema_version"], 1);
        assert!(run(&[&one, &two, "--markdown"]).1.starts_with("# Runs side by side"));
    }

    #[test]
    fn a_condition_that_holds_or_cannot_be_told_is_an_error() {
        let judgement = |outcome| Judgement {
            condition: "test.mse > 0".to_owned(),
            side: "b".to_owned(),
            against: "a".to_owned(),
            difference: Some(1.0),
            outcome,
            problem: None,
        };
        let of = |outcomes: &[Outcome]| judged(&outcomes.iter().copied().map(judgement).collect::<Vec<_>>());
        assert!(of(&[]).is_ok() && of(&[Outcome::DoesNotHold]).is_ok());
        let error = of(&[Outcome::DoesNotHold, Outcome::Holds]).unwrap_err().to_string();
        assert_eq!(error, "1 of 2 conditions holds");
        let error = of(&[Outcome::CannotBeTold, Outcome::Holds, Outcome::Holds]).unwrap_err().to_string();
        assert_eq!(error, "1 of 3 conditions cannot be told; 2 hold");
    }

    #[test]
    fn a_wrong_condition_is_wrong_usage() {
        for wrong in ["cluster.accuracy", "accuracy < 1", "test.mse < much", "test.mse = 1"] {
            let error = parse(&["a", "b", "--fail-if", wrong]).err().unwrap();
            assert_eq!(error.exit_code(), 2, "{wrong}");
            assert!(error.to_string().contains("--fail-if"), "{error}");
        }
        let args = parse(&["a", "b", "--fail-if", "cluster.accuracy < -1", "--fail-if", "test.mse > 0.1"]).unwrap();
        assert_eq!((args.runs.len(), args.fail_if.len()), (2, 2));
        assert_eq!(parse(&["a", "b", "--json", "--markdown"]).err().unwrap().exit_code(), 2);
    }

    #[test]
    fn help_lists_every_figure() {
        let help = figures_help();
        assert!(Figure::ALL.into_iter().all(|figure| help.contains(figure.name())), "{help}");
    }
}

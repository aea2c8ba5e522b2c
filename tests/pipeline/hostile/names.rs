//! Names that want to be more than a name.

use std::fs;

use pipeline_tests::{Study, error_text, succeeded};
use run_store::{ModelKind, Stage};

#[test]
fn arguments_that_lead_away_or_cannot_be_seen() {
    let study = Study::empty(ModelKind::Ae);
    let refused = |stage: Stage, name: &str, value: &str| {
        let error = error_text(study.command_with(stage, &[(name, value)]), 2);
        assert!(error.contains("invalid value"), "{error}");
    };
    let long = "x".repeat(300);
    for tag in ["", "..", "../x", "/x", "a b", "a\nb", "\u{430}", long.as_str()] {
        refused(Stage::ClusterEval, "--tag", tag);
    }
    for name in ["", "..", "../mnist", "/mnist", "a\\b", "a\nb", "a\u{202e}b", long.as_str()] {
        refused(Stage::MnistData, "--name", name);
    }
    for run in ["artifacts/a\nb", "artifacts/a\u{1b}[2J", "artifacts/\u{200b}", &format!("artifacts/{long}")] {
        let error = error_text(study.bare_command(Stage::ClusterEval, &["--run", run]), 2);
        assert!(error.contains("expected a folder with a name"), "{error}");
    }
    assert!(fs::read_dir(study.path()).unwrap().next().is_none());
}

/// A look-alike is another name: what is read and written is what was named.
#[test]
fn names_that_look_alike_are_apart() {
    let study = Study::prepared(ModelKind::Ae);
    for run in ["artifacts/cae", "artifacts/c\u{430}e"] {
        let arguments = ["--run", run, "--train-count", "8", "--test-count", "4", "--epochs", "1", "--batch-size", "8"];
        succeeded(study.bare_command(Stage::AeTrain, &arguments));
    }
    assert_eq!(fs::read_dir(study.path().join("artifacts")).unwrap().count(), 2);
}

/// Folders may be named by any bytes.
#[cfg(unix)]
#[test]
fn a_run_whose_name_is_no_unicode_is_reported() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let study = Study::finished(ModelKind::Ae);
    let run = OsStr::from_bytes(b"artifacts/\xff\xfe");
    fs::rename(study.run().path(), study.path().join(run)).unwrap();
    for command in ["table", "html", "verify", "figures"] {
        let mut command = study.report(&[command]);
        command.arg(run);
        succeeded(command);
    }
    let other = study.copy();
    let mut compare = study.report(&["compare", "--json"]);
    compare.args([study.path().join(run), other.path().join(run)]);
    assert!(succeeded(compare).contains('\u{fffd}'));
}

/// The folder may have its name from anybody.
#[test]
fn a_terminal_is_told_nothing_by_a_folders_name() {
    let study = Study::finished(ModelKind::Ae);
    let artifacts = study.path().join("artifacts");
    let run = "artifacts/a\u{1b}[2J;$(touch x)\u{202e}";
    fs::rename(study.run().path(), study.path().join(run)).unwrap();
    for command in ["table", "html", "verify", "compare", "figures"] {
        let output = study.report(&[command, run]).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.code().is_some_and(|code| code < 2), "{command}: {said}");
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said}");
    }
    for entry in fs::read_dir(artifacts.join("figures")).unwrap() {
        assert!(!entry.unwrap().file_name().to_string_lossy().contains(['\u{1b}', '/', '$']));
    }
}

/// Nor does it make a line of its own, which would look as if the program had said it.
#[test]
fn a_folders_name_says_nothing_by_itself() {
    let study = Study::finished(ModelKind::Ae);
    let (run, empty) = ("artifacts/a\nforged: as recorded", "artifacts/b\nforged: passed over");
    fs::rename(study.run().path(), study.path().join(run)).unwrap();
    fs::create_dir(study.path().join(empty)).unwrap();
    for command in ["table", "html", "verify", "compare", "figures"] {
        let output = study.report(&[command, run, empty]).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(said.contains(r"a\u000aforged") || said.contains(r"b\u000aforged"), "{command}: {said}");
        assert!(!said.lines().any(|line| line.starts_with("forged")), "{command}: {said}");
    }
    // Nor where a program ends because of it.
    for command in [
        study.bare_command(Stage::LatentExport, &["--run", "b\nforged: done/ae-2"]),
        study.report(&["verify", "b\nforged: done/ae-2"]),
    ] {
        let said = error_text(command, 1);
        assert!(said.contains(r"b\u000aforged"), "{said}");
        assert_eq!(said.lines().filter(|line| line.starts_with("forged")).count(), 0, "{said}");
    }
}

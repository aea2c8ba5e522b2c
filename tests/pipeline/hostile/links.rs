//! Links, pipes and paths that a run brings along.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pipeline_tests::{FileStates, Study, cost_of, edit_manifest, refused, succeeded};
use run_store::{ModelKind, Stage, file};

/// A study with a folder of the user's own beside the run, which nothing may touch.
fn study_and_victim() -> (Study, PathBuf) {
    let study = Study::finished(ModelKind::Ae);
    let victim = study.path().join("victim");
    fs::create_dir_all(victim.join(file::CHECKPOINT).join("epoch-00001")).unwrap();
    for path in ["letter", "checkpoint/letter", "checkpoint/epoch-00001/letter"] {
        fs::write(victim.join(path), "dear reader").unwrap();
    }
    (study, victim)
}

#[test]
fn a_lock_that_is_a_link() {
    let (study, victim) = study_and_victim();
    let lock = study.run().path().join(".cluster-eval.lock");
    fs::remove_file(&lock).unwrap();
    symlink(victim.join("letter"), &lock).unwrap();
    let expected = ["artifacts/ae-2/.cluster-eval.lock", "found a link", "remove it"];
    refused(&study, study.command_with(Stage::ClusterEval, &[("--k", "3")]), &expected);
}

/// Where a stage works, is swapped in, and keeps what it replaces.
#[test]
fn folders_that_are_links() {
    for (stage, changes) in [(Stage::ClusterEval, ("--k", "3")), (Stage::AeTrain, ("--epochs", "3"))] {
        let (study, victim) = study_and_victim();
        let before = FileStates::of(&victim);
        let dir = study.dir(stage);
        for name in ["partial", "previous"] {
            symlink(&victim, study.run().path().join(format!(".{stage}.{name}"))).unwrap();
        }
        succeeded(study.command_with(stage, &[changes]));
        assert!(fs::symlink_metadata(dir.path()).unwrap().is_dir());
        before.assert_untouched();

        // The link itself is replaced.
        fs::remove_dir_all(dir.path()).unwrap();
        symlink(&victim, dir.path()).unwrap();
        succeeded(study.command_with(stage, &[changes]));
        assert!(fs::symlink_metadata(dir.path()).unwrap().is_dir());
        before.assert_untouched();

        // A link in the place of checkpoints, and among them.
        let partial = study.run().path().join(format!(".{stage}.partial"));
        fs::create_dir_all(&partial).unwrap();
        symlink(victim.join(file::CHECKPOINT), partial.join(file::CHECKPOINT)).unwrap();
        succeeded(study.command_with(stage, &[(changes.0, "4")]));
        fs::create_dir_all(partial.join(file::CHECKPOINT)).unwrap();
        symlink(&victim, partial.join(file::CHECKPOINT).join("epoch-00001")).unwrap();
        symlink(&victim, partial.join(file::CHECKPOINT).join("more")).unwrap();
        succeeded(study.command_with(stage, &[(changes.0, "5")]));
        before.assert_untouched();
        assert!(!partial.exists());
    }
}

#[test]
fn reports_that_are_links() {
    let (study, victim) = study_and_victim();
    let before = FileStates::of(&victim);
    let artifacts = study.path().join("artifacts");
    for name in ["summary.md", "summary.json", "report.html"] {
        symlink(victim.join("letter"), artifacts.join(name)).unwrap();
    }
    symlink(&victim, artifacts.join(".figures.partial")).unwrap();
    for command in ["table", "html", "figures"] {
        succeeded(study.report(&[command, "artifacts/ae-2"]));
    }
    before.assert_untouched();
    assert!(fs::symlink_metadata(artifacts.join("summary.md")).unwrap().is_file());
}

/// What a pipe has to say would be waited for.
#[test]
fn pipes_and_devices() {
    let (study, _) = study_and_victim();
    let fifo = |path: &Path| {
        let _ = fs::remove_file(path);
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    let refused_at_once = |stage: Stage, expected: &str| {
        let cost = cost_of(study.process_with(stage, &[]));
        assert_eq!(cost.code, Some(1), "{}", cost.error);
        assert!(cost.error.contains(expected), "{}", cost.error);
        assert!(cost.time < Duration::from_secs(10));
    };
    let latents = study.dir(Stage::LatentExport).file(file::TRAIN_LATENTS);
    fifo(&latents);
    refused_at_once(Stage::ClusterEval, "found a link, or something else than a file");
    fs::remove_file(&latents).unwrap();
    symlink("/dev/zero", &latents).unwrap();
    refused_at_once(Stage::ClusterEval, "found a link, or something else than a file");
    let manifest = study.dir(Stage::LatentExport).file(file::MANIFEST);
    fifo(&manifest);
    refused_at_once(Stage::ClusterEval, "manifest.json: expected a regular file");
    let lock = study.run().path().join(".latent-export.lock");
    fifo(&lock);
    refused_at_once(Stage::LatentExport, "expected a lock's file");

    // Beside a report that is replaced, and in a folder that may be an export.
    let artifacts = study.path().join("artifacts");
    fifo(&artifacts.join(".summary.md.1.partial"));
    fs::create_dir(artifacts.join("empty")).unwrap();
    fifo(&artifacts.join("empty/projector_config.pbtxt"));
    let cost = cost_of(study.report_process(&["table", "artifacts/ae-2", "artifacts/empty"]));
    assert_eq!(cost.code, Some(0), "{}", cost.error);
    assert!(cost.time < Duration::from_secs(10));
}

#[test]
fn paths_in_a_manifest() {
    let (study, victim) = study_and_victim();
    let export = study.dir(Stage::LatentExport);
    let whole = fs::read(export.file(file::MANIFEST)).unwrap();
    let record = |manifest: &mut serde_json::Value| manifest["outputs"][file::TRAIN_LATENTS].clone();
    for path in ["../../../victim/letter", "/etc/passwd", "..", "checkpoint/../../x"] {
        edit_manifest(&export, |manifest| manifest["outputs"][path] = record(manifest));
        let expected = format!("expected a path below the folder, found \"{path}\"");
        refused(&study, study.command(Stage::ClusterEval), &["manifest.json", &expected]);
        let said = study.report(&["verify", "artifacts/ae-2"]).output().unwrap();
        assert_eq!(said.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&said.stdout).contains("expected a path below the folder"));
        fs::write(export.file(file::MANIFEST), &whole).unwrap();
    }
    // A dataset is looked for where a dataset's files lie, and taken where its own manifest knows it.
    let trained = study.dir(Stage::AeTrain);
    fs::copy(study.dir(Stage::MnistData).file(file::DATASET), victim.join("letter")).unwrap();
    edit_manifest(&trained, |manifest| manifest["inputs"]["dataset"]["path"] = "../../victim/letter".into());
    let command = study.command_with(Stage::LatentExport, &[("--train-count", "9")]);
    refused(&study, command, &["expected to be told which dataset", "found no such input"]);
}

/// A link to all there is must not be walked.
#[test]
fn a_link_to_the_root_in_a_stage() {
    let (study, _) = study_and_victim();
    let dir = study.dir(Stage::ClusterEval);
    symlink("/", dir.file("more")).unwrap();
    let output = study.report(&["verify", "artifacts/ae-2"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("cluster-eval/more") && said.lines().count() < 20, "{said}");
}

#[test]
fn files_keep_the_users_umask() {
    let (study, _) = study_and_victim();
    let process = study.process_with(Stage::ClusterEval, &[("--k", "3")]);
    let mut shell = Command::new("sh");
    shell.current_dir(study.path()).args(["-c", "umask 027; exec \"$0\" \"$@\""]);
    shell.arg(process.get_program()).args(process.get_args());
    assert!(shell.status().unwrap().success());
    let dir = study.dir(Stage::ClusterEval).path();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o750);
    for entry in fs::read_dir(&dir).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o640);
    }
}

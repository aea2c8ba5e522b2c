//! Places where nothing can be written. Each is found out before any long work.

use std::fs;

use pipeline_tests::{Study, error_text, refused};
use run_store::{ModelKind, Stage};

/// A training that would take minutes: the answer must come before it.
const LONG: &[(&str, &str)] = &[("--epochs", "1000000")];

#[test]
fn below_a_regular_file() {
    let study = Study::prepared(ModelKind::Ae);
    fs::write(study.path().join("artifacts"), "a file").unwrap();
    refused(&study, study.command_with(Stage::AeTrain, LONG), &["cannot create artifacts/ae-2"]);
    let arguments = ["--run", "artifacts/mnist", "--source", "nowhere"];
    refused(&study, study.bare_command(Stage::MnistData, &arguments), &["nowhere"]);
}

/// Not even root may write there.
#[cfg(target_os = "linux")]
#[test]
fn in_the_system_s_own_folder() {
    let study = Study::prepared(ModelKind::Ae);
    let arguments = ["--run", "/proc/ae-2", "--train-count", "256", "--test-count", "64"];
    refused(&study, study.bare_command(Stage::AeTrain, &arguments), &["cannot create /proc/ae-2"]);
}

#[cfg(unix)]
#[test]
fn in_a_read_only_folder() {
    use std::os::unix::fs::PermissionsExt;

    let study = Study::finished(ModelKind::Ae);
    let run = study.run();
    fs::remove_dir_all(study.dir(Stage::ClusterEval).path()).unwrap();
    fs::remove_file(run.path().join(".cluster-eval.lock")).unwrap();
    let allow = |mode| fs::set_permissions(run.path(), fs::Permissions::from_mode(mode)).unwrap();
    allow(0o555);
    if fs::write(run.path().join("probe"), "").is_ok() {
        println!("skipped: permissions mean nothing to this user");
        return;
    }
    refused(&study, study.command(Stage::ClusterEval), &["cannot create artifacts/ae-2", "Permission denied"]);
    allow(0o755);
}

#[test]
fn a_file_in_the_place_of_the_run() {
    let study = Study::prepared(ModelKind::Ae);
    fs::create_dir(study.path().join("artifacts")).unwrap();
    fs::write(study.run().path(), "a file").unwrap();
    refused(&study, study.command_with(Stage::AeTrain, LONG), &["cannot create artifacts/ae-2"]);
}

#[test]
fn a_file_in_the_place_of_the_stage() {
    let study = Study::finished(ModelKind::Ae);
    let path = study.dir(Stage::ClusterEval).path();
    fs::remove_dir_all(&path).unwrap();
    fs::write(&path, "a file").unwrap();
    refused(&study, study.command(Stage::ClusterEval), &["artifacts/ae-2/cluster-eval", "expected a folder"]);
}

#[test]
fn a_prediction_into_nowhere() {
    let study = Study::finished(ModelKind::Ae);
    let latents = "artifacts/ae-2/latent-export/test.parquet";
    for output in ["nowhere/out.parquet", "artifacts"] {
        let arguments = ["predict", "--run", "artifacts/ae-2", "--latents", latents, "--output", output];
        let error = error_text(study.bare_command(Stage::ClusterEval, &arguments), 1);
        assert!(error.contains(output), "{error}");
        assert!(!study.path().join(".artifacts.partial").exists());
    }
}

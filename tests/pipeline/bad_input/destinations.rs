//! Places where nothing can be written. Each is found out before any long work.

use std::fs;
#[cfg(unix)]
use std::path::Path;

use pipeline_tests::{FileStates, Study, error_text, refused};
#[cfg(unix)]
use run_store::file;
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

/// A finished result that may not be looked at is not done again over.
#[cfg(unix)]
#[test]
fn a_result_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;

    let study = Study::finished(ModelKind::Ae);
    let folder = study.dir(Stage::AeTrain).path();
    let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    allow(&folder, 0o000);
    if fs::read_dir(&folder).is_ok() {
        println!("skipped: permissions mean nothing to this user");
        return allow(&folder, 0o755);
    }
    for stage in [Stage::AeTrain, Stage::LatentExport] {
        let error = error_text(study.command(stage), 1);
        assert!(error.contains("manifest.json") && error.contains("Permission denied"), "{error}");
    }
    allow(&folder, 0o755);
    let weights = study.dir(Stage::AeTrain).file(file::WEIGHTS);
    allow(&weights, 0o000);
    let error = error_text(study.command(Stage::AeTrain), 1);
    assert!(error.contains("weights.safetensors") && error.contains("Permission denied"), "{error}");
}

/// What is asked to be written goes over nothing that a stage has made, nor over what is read for it.
#[test]
fn a_result_in_the_place_of_another() {
    let study = Study::finished(ModelKind::Cvae);
    let latents = "artifacts/cvae-2/latent-export/test.parquet";
    let before = FileStates::of(study.path());
    for output in ["artifacts/cvae-2/cluster-eval/kmeans.bin", latents] {
        let arguments = ["predict", "--run", "artifacts/cvae-2", "--latents", latents, "--output", output];
        let error = error_text(study.bare_command(Stage::ClusterEval, &arguments), 1);
        assert!(error.contains(output) && error.contains("name another"), "{error}");
    }
    let weights = "artifacts/cvae-2/ae-train/weights.safetensors";
    let arguments = ["sample", "--run", "artifacts/cvae-2", "--count", "4", "--output", weights];
    let error = error_text(study.bare_command(Stage::AeTrain, &arguments), 1);
    assert!(error.contains("found the result of a stage"), "{error}");
    let error = error_text(study.report(&["html", "artifacts/cvae-2", "--out", weights]), 1);
    assert!(error.contains("found the result of a stage"), "{error}");
    before.assert_untouched();
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

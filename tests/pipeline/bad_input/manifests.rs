//! Manifests of earlier stages, and of a stage's own folder, that cannot be used.

use std::fs;

use pipeline_tests::{Study, correct_manifest, edit_json, edit_manifest, refused, said, stages};
use run_store::{ModelKind, Stage, file};

/// Each stage that reads another's folder.
const READERS: [(Stage, Stage); 9] = [
    (Stage::MnistData, Stage::ReaderTrain),
    (Stage::MnistData, Stage::AeTrain),
    (Stage::MnistData, Stage::LatentExport),
    (Stage::AeTrain, Stage::LatentExport),
    (Stage::LatentExport, Stage::ClusterEval),
    (Stage::LatentExport, Stage::LatentClassify),
    (Stage::MnistData, Stage::ReconEval),
    (Stage::AeTrain, Stage::ReconEval),
    (Stage::ReaderTrain, Stage::ReconEval),
];

#[test]
fn a_missing_stage_is_named_with_its_command() {
    for (missing, reader) in READERS {
        let study = Study::finished(ModelKind::Ae);
        let dir = study.dir(missing);
        let run = if missing.is_of_dataset() { "data/prepared/mnist" } else { "artifacts/ae-2" };
        let expected = [&format!("{missing}/manifest.json is missing: run `{missing} --run {run}` first")[..]];
        fs::remove_file(dir.file(file::MANIFEST)).unwrap();
        refused(&study, study.command(reader), &expected);
        fs::remove_dir_all(dir.path()).unwrap();
        refused(&study, study.command(reader), &expected);
    }
}

#[test]
fn nothing_at_all_is_made_before_an_input_is_found() {
    let study = Study::empty(ModelKind::Ae);
    for stage in stages().skip(1) {
        refused(&study, study.command(stage), &["manifest.json is missing: run `"]);
    }
    assert!(!study.run().path().exists());
}

#[test]
fn another_stage_s_manifest() {
    let study = Study::finished(ModelKind::Ae);
    edit_manifest(&study.dir(Stage::AeTrain), |manifest| manifest["stage"] = Stage::LatentClassify.name().into());
    let expected =
        "expected the manifest of ae-train, found that of latent-classify; run `ae-train --run artifacts/ae-2 --force`";
    refused(&study, study.command(Stage::LatentExport), &["ae-train/manifest.json", expected]);
    said(study.command(Stage::AeTrain), "rerun: its manifest is that of latent-classify");
}

#[test]
fn a_manifest_from_the_future() {
    let newer = ["manifest.json: a stage manifest has schema version 999, and this program reads up to 1"];
    for (earlier, reader) in READERS {
        let study = Study::finished(ModelKind::Ae);
        edit_manifest(&study.dir(earlier), |manifest| manifest["schema_version"] = 999.into());
        refused(&study, study.command(reader), &newer);
    }
    for stage in stages() {
        let study = Study::finished(ModelKind::Ae);
        edit_manifest(&study.dir(stage), |manifest| manifest["schema_version"] = 999.into());
        refused(&study, study.command(stage), &newer);
        let mut forced = study.command(stage);
        forced.arg("--force");
        said(forced, "(rerun: forced)");
    }
}

#[test]
fn a_broken_manifest_of_an_earlier_stage() {
    for (earlier, reader) in READERS {
        let study = Study::finished(ModelKind::Ae);
        for content in ["", "{", "[]", r#"{"schema_version": -1}"#, r#"{"schema_version": 1}"#] {
            fs::write(study.dir(earlier).file(file::MANIFEST), content).unwrap();
            refused(&study, study.command(reader), &["manifest.json: expected a stage manifest as JSON"]);
        }
    }
}

#[test]
fn a_manifest_of_another_stage() {
    let study = Study::finished(ModelKind::Ae);
    let other = study.dir(Stage::ClusterEval).file(file::MANIFEST);
    fs::copy(other, study.dir(Stage::LatentExport).file(file::MANIFEST)).unwrap();
    refused(&study, study.command(Stage::LatentClassify), &["latent-export/", "latent-export --run artifacts/ae-2"]);
}

#[test]
fn a_training_that_does_not_say_its_dataset() {
    let study = Study::finished(ModelKind::Ae);
    edit_manifest(&study.dir(Stage::AeTrain), |manifest| manifest["inputs"] = serde_json::json!({}));
    refused(&study, study.command(Stage::LatentExport), &["--data"]);
    let mut command = study.command_with(Stage::LatentExport, &[("--data", "data/prepared/mnist")]);
    said(
        {
            command.arg("--dry-run");
            command
        },
        "up to date",
    );
}

#[test]
fn figures_from_the_future_or_none() {
    let study = Study::finished(ModelKind::Ae);
    for stage in stages().filter(|stage| stage.outputs().contains(&file::METRICS)) {
        let dir = study.dir(stage);
        edit_json(&dir.file(file::METRICS), |metrics| metrics["schema_version"] = 999.into());
        correct_manifest(&dir, file::METRICS);
        refused(&study, study.command(stage), &["metrics.json", "schema version 999, and this program reads up to 1"]);
        fs::write(dir.file(file::METRICS), r#"{"schema_version": 1}"#).unwrap();
        correct_manifest(&dir, file::METRICS);
        refused(&study, study.command(stage), &["metrics.json: expected", "missing field"]);
        let mut forced = study.command(stage);
        forced.arg("--force");
        said(forced, "(rerun: forced)");
    }
}

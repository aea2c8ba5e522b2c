//! Readers that cannot judge a run.

use std::fs;

use pipeline_tests::{Study, correct_manifest, edit_json, edit_manifest, refused, said, succeeded, truncate};
use run_store::{
    ModelKind, ReaderMetrics, ReconstructionMetrics, Stage, file, read_document, read_tensors, write_tensors,
};

const READER: &str = "data/prepared/mnist/reader-train";

#[track_caller]
fn judgement_refused(study: &Study, expected: &[&str]) {
    refused(study, study.command(Stage::ReconEval), expected);
}

/// A reader that learnt from the run's own images would find them readable when a stranger would not.
#[test]
fn a_reader_of_the_runs_own_images() {
    let study = Study::finished(ModelKind::Ae);
    succeeded(study.command_with(Stage::ReaderTrain, &[("--first", "255")]));
    let expected = "expected a reader of other images than the first 256, which the run was trained on, found one that \
                    learnt from image 255 on; train another with `reader-train --run DIR --first N`";
    judgement_refused(&study, &[READER, expected]);
    succeeded(study.command(Stage::ReaderTrain));
    said(study.command(Stage::ReconEval), "up to date");
}

/// Refined on fewer images, a model has seen all the same what it was trained on.
#[test]
fn a_reader_of_images_that_only_the_parent_saw() {
    let study = Study::finished(ModelKind::Ae);
    succeeded(study.command_with(Stage::ReaderTrain, &[("--first", "255")]));
    succeeded(study.command_with(Stage::AeRefine, &[("--train-count", "128")]));
    let run = study.dir(Stage::AeRefine).run().display().to_string();
    let expected = "other images than the first 256, which the run was trained on";
    refused(&study, study.bare_command(Stage::ReconEval, &["--run", &run]), &[READER, expected]);
    succeeded(study.command(Stage::ReaderTrain));
    succeeded(study.bare_command(Stage::ReconEval, &["--run", &run]));
}

#[test]
fn a_reader_of_another_dataset() {
    let study = Study::finished(ModelKind::Ae);
    edit_manifest(&study.dir(Stage::ReaderTrain), |manifest| {
        manifest["inputs"]["dataset"]["blake3"] = "0".repeat(64).into()
    });
    judgement_refused(&study, &[READER, "expected a reader of the dataset that the run was trained on"]);
}

#[test]
fn a_reader_whose_images_nobody_knows() {
    let study = Study::finished(ModelKind::Ae);
    let forget =
        |manifest: &mut serde_json::Value| drop(manifest["parameters"].as_object_mut().unwrap().remove("first"));
    edit_manifest(&study.dir(Stage::ReaderTrain), forget);
    judgement_refused(&study, &[READER, "learnt from image an unknown on"]);
}

/// Its weights are finite. What comes of them is not, and would be no figure.
#[test]
fn a_reader_whose_weights_overflow() {
    let study = Study::finished(ModelKind::Ae);
    let dir = study.dir(Stage::ReaderTrain);
    let path = dir.file(file::WEIGHTS);
    let mut tensors = read_tensors(&path).unwrap();
    for tensor in &mut tensors {
        tensor.values.fill(3e38);
    }
    write_tensors(&path, &tensors).unwrap();
    correct_manifest(&dir, file::WEIGHTS);
    judgement_refused(&study, &["not finite", "the reader anew with `reader-train --force`"]);
}

#[test]
fn a_reader_that_was_damaged() {
    let study = Study::finished(ModelKind::Ae);
    let dir = study.dir(Stage::ReaderTrain);
    truncate(&dir.file(file::WEIGHTS));
    let advice = "run `reader-train --run data/prepared/mnist --force`";
    judgement_refused(&study, &[READER, "weights.safetensors", "as its manifest says", advice]);
    correct_manifest(&dir, file::WEIGHTS);
    judgement_refused(&study, &[READER, "expected weights as safetensors"]);
}

#[test]
fn a_reader_of_other_images_or_classes() {
    for (name, value) in [("class_count", 11), ("image_height", 32)] {
        let study = Study::finished(ModelKind::Ae);
        let dir = study.dir(Stage::ReaderTrain);
        edit_json(&dir.file(file::MODEL), |model| model[name] = value.into());
        correct_manifest(&dir, file::MODEL);
        judgement_refused(
            &study,
            &["model.json: expected a reader of 28 × 28 pixels and 10 classes", "train it again"],
        );
    }
}

#[test]
fn more_images_than_there_are_to_learn_from() {
    let study = Study::prepared(ModelKind::Ae);
    let command = study.command_with(Stage::ReaderTrain, &[("--first", "512")]);
    refused(&study, command, &["expected training images from 512 on", "found 512 in all", "use a lower --first"]);
    // What there is, if it is less than was asked for.
    succeeded(study.command_with(Stage::ReaderTrain, &[("--first", "400")]));
    let metrics: ReaderMetrics = read_document(&study.dir(Stage::ReaderTrain).file(file::METRICS)).unwrap();
    assert_eq!(metrics.train_count, 112);
}

#[test]
fn weights_by_epoch_that_are_not_as_they_should_be() {
    let study = Study::finished(ModelKind::Ae);
    let dir = study.dir(Stage::AeTrain);
    let other = Study::finished(ModelKind::Cae);
    fs::copy(other.dir(Stage::AeTrain).file(file::WEIGHTS_BY_EPOCH), dir.file(file::WEIGHTS_BY_EPOCH)).unwrap();
    judgement_refused(&study, &["weights_by_epoch.safetensors", "as its manifest says"]);
    correct_manifest(&dir, file::WEIGHTS_BY_EPOCH);
    judgement_refused(
        &study,
        &["weights_by_epoch.safetensors", "expected no tensor `epoch-0000", "train the model again"],
    );
}

/// Another reader is a reason to judge again, and is asked in the place of the dataset's own.
#[test]
fn another_reader_judges_anew() {
    let study = Study::finished(ModelKind::Ae);
    let metrics =
        || -> ReconstructionMetrics { read_document(&study.dir(Stage::ReconEval).file(file::METRICS)).unwrap() };
    let readings = || fs::read(study.dir(Stage::ReconEval).file(file::READINGS)).unwrap();
    let (before, read_before) = (metrics(), readings());
    assert_eq!(before.epochs.iter().map(|row| row.epoch).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!((before.image_count, before.sheet_count), (64, 16));
    succeeded(study.command_with(Stage::ReaderTrain, &[("--seed", "1")]));
    said(study.command(Stage::ReconEval), "(rerun: input reader_metrics changed, input reader_weights changed)");
    let after = metrics();
    assert_eq!(before.epochs[2].mean_squared_error, after.epochs[2].mean_squared_error);
    // Of so few images, two readers may read as many.
    assert!(read_before != readings(), "another reader read the same to the last bit");
}

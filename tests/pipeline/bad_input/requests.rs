//! Requests that are well-formed, and that the data cannot meet.

use std::fs;

use pipeline_tests::{Study, refused, succeeded};
use run_store::{ModelKind, Stage};

#[test]
fn more_images_than_there_are() {
    let study = Study::finished(ModelKind::Ae);
    for (flag, count, found) in [("--train-count", "513", "512"), ("--test-count", "4294967295", "128")] {
        let change = [(flag, count)];
        let expected = format!("use {flag} {found} or less");
        refused(&study, study.command_with(Stage::AeTrain, &change), &["data/prepared/mnist", &expected]);
        refused(&study, study.command_with(Stage::LatentExport, &change), &["dataset.bin", &expected]);
    }
    succeeded(study.command_with(Stage::LatentExport, &[("--train-count", "512"), ("--test-count", "128")]));
}

#[test]
fn more_clusters_than_latents() {
    let study = Study::finished(ModelKind::Ae);
    for k in ["257", "4294967295"] {
        let expected = format!("expected at least {k} different latents");
        let command = study.command_with(Stage::ClusterEval, &[("--k", k)]);
        refused(&study, command, &["latent-export/train.parquet", &expected, "use a lower --k"]);
    }
}

#[test]
fn images_that_the_model_cannot_take() {
    let study = Study::empty(ModelKind::Cae);
    let raw = study.path().join("data/raw/odd");
    fs::create_dir_all(&raw).unwrap();
    for split in ["train", "t10k"] {
        let mut images = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 7];
        images.resize(images.len() + 2 * 5 * 7, 9);
        fs::write(raw.join(format!("{split}-images-idx3-ubyte")), images).unwrap();
        fs::write(raw.join(format!("{split}-labels-idx1-ubyte")), [0, 0, 8, 1, 0, 0, 0, 2, 0, 1]).unwrap();
    }
    // Any size and number of classes is a dataset; found by its name where no source is given.
    succeeded(study.bare_command(Stage::MnistData, &["--run", "data/prepared/odd"]));
    let train = |model| {
        let counts =
            [("--train-count", "2"), ("--test-count", "2"), ("--data", "data/prepared/odd"), ("--model", model)];
        study.command_with(Stage::AeTrain, &counts)
    };
    refused(&study, train("cae"), &["data/prepared/odd: expected images", "multiples of 4", "5 × 7"]);
    succeeded(train("ae"));
    study.run_stages(&[Stage::LatentExport]);
    succeeded(study.command_with(Stage::ClusterEval, &[("--k", "1")]));
    study.run_stages(&[Stage::LatentClassify]);
}

#[test]
fn a_dataset_that_is_not_the_model_s() {
    let study = Study::finished(ModelKind::Ae);
    let raw = study.path().join("data/raw/small");
    fs::create_dir_all(&raw).unwrap();
    for split in ["train", "t10k"] {
        let images = [&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2][..], &[1; 4]].concat();
        fs::write(raw.join(format!("{split}-images-idx3-ubyte")), images).unwrap();
        fs::write(raw.join(format!("{split}-labels-idx1-ubyte")), [0, 0, 8, 1, 0, 0, 0, 1, 5]).unwrap();
    }
    succeeded(study.bare_command(Stage::MnistData, &["--run", "data/prepared/small"]));
    let command = study.command_with(Stage::LatentExport, &[("--data", "data/prepared/small")]);
    refused(&study, command, &["dataset.bin: expected images of 28 × 28 pixels", "found 2 × 2"]);
}

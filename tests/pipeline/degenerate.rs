//! Data with little in it: each stage works, or says why not.

use std::fs;

use pipeline_tests::{Study, error_text, succeeded};
use run_store::{ClassifyMetrics, ClusterMetrics, ModelKind, Stage, file, read_document};

/// Images of each split, as many as the tests' trainings and their reader take.
const COUNTS: [(&str, u32); 2] = [("train", 512), ("t10k", 128)];

/// A study of `model` on a dataset of its own: images of `side` × `side`, the pixels of each from `pixels`, its label from `label`.
fn study(model: ModelKind, side: u32, pixels: impl Fn(u32) -> Vec<u8>, label: impl Fn(u32) -> u8) -> Study {
    let study = unprepared(model, side, pixels, label);
    succeeded(study.command_with(Stage::MnistData, &[("--source", "raw")]));
    study
}

/// The same before the dataset is prepared from its files, in `raw`.
fn unprepared(model: ModelKind, side: u32, pixels: impl Fn(u32) -> Vec<u8>, label: impl Fn(u32) -> u8) -> Study {
    let study = Study::empty(model);
    let raw = study.path().join("raw");
    fs::create_dir(&raw).unwrap();
    let write = |name: String, magic: u8, sizes: &[u32], content: Vec<u8>| {
        let mut bytes = vec![0, 0, 8, magic];
        bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend(content);
        fs::write(raw.join(name), bytes).unwrap();
    };
    for (split, count) in COUNTS {
        let images = (0..count).flat_map(&pixels).collect();
        write(format!("{split}-images-idx3-ubyte"), 3, &[count, side, side], images);
        write(format!("{split}-labels-idx1-ubyte"), 1, &[count], (0..count).map(&label).collect());
    }
    study
}

/// An image unlike any other.
fn noise(image: u32, side: u32) -> Vec<u8> {
    let mut state = u64::from(image) + 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..side * side).map(next).collect()
}

/// Runs every stage after the data, and run-report. Where there are too few points to cluster, that has to be said as in `without`;
/// everything else has to work.
fn run_all(study: &Study, training: &[(&str, &str)], without: Option<&str>) {
    succeeded(study.command(Stage::ReaderTrain));
    succeeded(study.command_with(Stage::AeTrain, training));
    study.run_stages(&[Stage::LatentExport, Stage::LatentClassify, Stage::ReconEval]);
    // K-means is what needs as many different latents as clusters; of refining, only objectives that begin with it.
    for (stage, changes, advice) in [
        (Stage::ClusterEval, [].as_slice(), "use a lower --k"),
        (Stage::AeRefine, &[("--recipe", "dec:1")], "use a lower --clusters"),
    ] {
        match without {
            None => drop(succeeded(study.command_with(stage, changes))),
            Some(why) => {
                let error = error_text(study.command_with(stage, changes), 1);
                assert!(error.contains(why) && error.contains(advice), "{stage}: {error}");
            }
        }
    }
    succeeded(study.command(Stage::AeRefine));
    if without.is_some() {
        // What is asked for is what can be had.
        succeeded(study.command_with(Stage::ClusterEval, &[("--k", "1")]));
    }
    let run = study.run().path().to_str().unwrap().to_owned();
    for command in ["table", "html", "figures", "verify"] {
        succeeded(study.report(&[command, &run]));
    }
}

#[test]
fn constant_images() {
    for (model, grey) in [(ModelKind::Ae, 0), (ModelKind::Cae, 255)] {
        let study = study(model, 28, |_| vec![grey; 28 * 28], |image| (image % 10) as u8);
        run_all(&study, &[], Some("expected at least 10 different latents, one a cluster, found 1"));
    }
}

#[test]
fn one_class_only() {
    // Named 0, so that there is one class; and 7, so that there are eight of which seven have no image.
    for label in [0, 7] {
        let study = study(ModelKind::Ae, 28, |image| noise(image, 28), |_| label);
        run_all(&study, &[], None);
        let clusters: ClusterMetrics = read_document(&study.dir(Stage::ClusterEval).file(file::METRICS)).unwrap();
        assert_eq!(clusters.cluster_count, u32::from(label) + 1);
        let train = &clusters.splits["train"];
        assert_eq!((train.majority_accuracy, train.normalized_mutual_information.is_finite()), (1.0, true));
        let classifier: ClassifyMetrics = read_document(&study.dir(Stage::LatentClassify).file(file::METRICS)).unwrap();
        assert!(classifier.splits["test"].loss.is_finite());
    }
}

#[test]
fn fewer_points_than_clusters() {
    let study = study(ModelKind::Ae, 28, |image| noise(image, 28), |image| (image % 10) as u8);
    let few = [("--train-count", "5"), ("--test-count", "3")];
    run_all(&study, &few, Some("expected at least 10 different latents, one a cluster, found 5"));
}

#[test]
fn one_image() {
    let study = study(ModelKind::Cae, 28, |image| noise(image, 28), |image| (image % 10) as u8);
    succeeded(study.command_with(Stage::AeTrain, &[("--train-count", "1"), ("--test-count", "1")]));
    study.run_stages(&[Stage::LatentExport, Stage::LatentClassify]);
    let error = error_text(study.command(Stage::AeRefine), 1);
    assert!(error.contains("at least 2 training images to tell apart, found 1; use a higher --train-count"), "{error}");
}

#[test]
fn duplicate_points() {
    // As many different images as classes.
    let study = study(ModelKind::Ae, 28, |image| noise(image % 3, 28), |image| (image % 3) as u8);
    run_all(&study, &[], None);
    let error = error_text(study.command_with(Stage::ClusterEval, &[("--k", "4")]), 1);
    assert!(error.contains("expected at least 4 different latents, one a cluster, found 3"), "{error}");
    for (from, option) in [("3", "--to"), ("4", "--from and --to")] {
        let run = study.run().path().display().to_string();
        let arguments = ["choose", "--run", &run, "--from", from, "--to", "4", "--splits", "1"];
        let error = error_text(study.bare_command(Stage::ClusterEval, &arguments), 1);
        assert!(error.contains(&format!("found 3; use a lower {option}")), "{error}");
    }
}

#[test]
fn more_latents_than_the_data_carries() {
    // 16 pixels.
    for model in [ModelKind::Ae, ModelKind::Cae] {
        let study = study(model, 4, |image| noise(image, 4), |image| (image % 10) as u8).with_latent_dim(512);
        run_all(&study, &[], None);
    }
}

/// Behind two poolings such images are one value a channel, and a batch of one image is nothing that has a variance.
#[test]
fn a_reader_of_small_images_and_a_batch_of_one() {
    let study = study(ModelKind::Ae, 4, |image| noise(image, 4), |image| (image % 10) as u8);
    for batches in [&[("--count", "33")][..], &[("--count", "3"), ("--batch-size", "1")]] {
        let said = succeeded(study.command_with(Stage::ReaderTrain, batches));
        assert!(said.contains("test accuracy"), "{said}");
    }
}

/// In such files it says that nobody labelled the image.
#[test]
fn the_highest_byte_is_no_label() {
    let images = |image| noise(image, 4);
    let study = unprepared(ModelKind::Ae, 4, images, |image| if image == 100 { 255 } else { 1 });
    let error = error_text(study.command_with(Stage::MnistData, &[("--source", "raw")]), 1);
    assert!(error.contains("expected labels below 255, found 255 of image 100"), "{error}");
}

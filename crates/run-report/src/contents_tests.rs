//! What the files of a run made for tests hold: small, and different enough to be told apart in figures.

use std::path::Path;

use run_store::{
    Assignments, ClassifierEpoch, Clustered, DecodedLatent, DecodedSheet, ElboEpoch, ElboParts, FinishedStage, History,
    LatentWriter, Latents, LatentsHeader, Layer, ModelDescription, NamedTensor, Reading, Reconstruction,
    ReconstructionReading, Reconstructions, Split, Stage, TrainingEpoch, file, write_document, write_tensors,
};

use super::Example;

/// Images of a run, their sides, and the digits there are.
const IMAGES: u32 = 40;
const SIDE: u32 = 4;
const DIGITS: u32 = 10;
/// Digits of a sheet.
const SHEET: u32 = 16;

/// Writes the file `name` of `stage`, if it is one that figures are drawn from; says whether it did.
pub(super) fn write(example: &Example, stage: Stage, name: &str, path: &Path) -> bool {
    match (stage, name) {
        (Stage::AeTrain, file::MODEL) => write_document(path, &description(example)).unwrap(),
        (Stage::AeTrain, file::WEIGHTS) => write_tensors(path, &weights(example)).unwrap(),
        (Stage::AeTrain, file::HISTORY) => TrainingEpoch::write(path, &history(example)).unwrap(),
        (Stage::AeTrain, file::RECONSTRUCTIONS) => reconstructions(example).write(path).unwrap(),
        (Stage::AeTrain, file::PRIOR_SAMPLES) => decoded(3).write(path).unwrap(),
        (Stage::AeTrain, file::PRIOR_GRID) => decoded(5).write(path).unwrap(),
        (Stage::LatentExport, file::TRAIN_LATENTS) => latents(example, Split::Train, path),
        (Stage::LatentExport, file::TEST_LATENTS) => latents(example, Split::Test, path),
        (Stage::ClusterEval, file::ASSIGNMENTS) => assignments(example).write(path).unwrap(),
        (Stage::LatentClassify, file::HISTORY) => ClassifierEpoch::write(path, &classifier_history(example)).unwrap(),
        (Stage::ReconEval, file::READINGS) => ReconstructionReading::write(path, &readings(example)).unwrap(),
        _ => return false,
    }
    true
}

/// The smallest model that maps its images to its latents and back.
fn description(example: &Example) -> ModelDescription {
    ModelDescription {
        model: example.model,
        latent_dim: example.latent_dim,
        image_height: SIDE,
        image_width: SIDE,
        pixel_divisor: 255.0,
        encoder: vec![Layer::Flatten, Layer::Dense { units: example.latent_dim }],
        decoder: vec![Layer::Dense { units: SIDE * SIDE }, Layer::Sigmoid],
    }
}

/// Every pixel of a reconstruction is about half as bright as can be: other trainings leave other weights.
fn weights(example: &Example) -> Vec<NamedTensor> {
    let (pixels, latent) = ((SIDE * SIDE) as usize, example.latent_dim as usize);
    let filled = |name: &str, shape: Vec<usize>, value: f32| {
        let values = vec![value; shape.iter().product()];
        NamedTensor { name: name.to_owned(), shape, values }
    };
    let brightness = 0.01 * example.seed as f32 + 0.001 * example.epochs as f32;
    vec![
        filled("decoder.0.bias", vec![pixels], brightness),
        filled("decoder.0.weight", vec![pixels, latent], 0.0),
        filled("encoder.1.bias", vec![latent], 0.0),
        filled("encoder.1.weight", vec![latent, pixels], 0.0),
    ]
}

fn history(example: &Example) -> Vec<TrainingEpoch> {
    let seed = example.seed as f64;
    let epoch = |epoch: u32| {
        let loss = 0.2 + (0.3 + 0.1 * seed) / f64::from(epoch);
        let parts = ElboParts { reconstruction_nats: 500.0 * loss, kl_nats: 10.0 * loss };
        let elbo = example.model.is_variational().then_some(ElboEpoch { train: parts, test: parts });
        TrainingEpoch { epoch, train_loss: loss, test_loss: 0.9 * loss, elbo }
    };
    (1..=example.epochs).map(epoch).collect()
}

fn classifier_history(example: &Example) -> Vec<ClassifierEpoch> {
    let epoch = |epoch: u32| {
        let loss = 1.0 / f64::from(epoch);
        ClassifierEpoch {
            epoch,
            train_loss: loss,
            train_accuracy: 1.0 - 0.5 * loss,
            test_loss: 1.1 * loss,
            test_accuracy: 0.9 - 0.5 * loss,
        }
    };
    (1..=example.epochs).map(epoch).collect()
}

/// The epochs whose weights are kept.
fn kept(example: &Example) -> Vec<u32> {
    [0, 1, 5, 10, 15, 20].into_iter().filter(|epoch| *epoch < example.epochs).chain([example.epochs]).collect()
}

/// Originals are as grey as their index, of 16; reconstructions as their epoch, of 25.
fn reconstructions(example: &Example) -> Reconstructions {
    let image = |grey: f32| vec![grey; (SIDE * SIDE) as usize];
    let row = |epoch: u32, index: u32| Reconstruction {
        epoch,
        index,
        label: (index % DIGITS) as u8,
        original: image(index as f32 / SHEET as f32),
        reconstruction: image(epoch as f32 / 25.0),
    };
    let rows = kept(example).into_iter().flat_map(|epoch| (0..SHEET).map(move |index| row(epoch, index)));
    Reconstructions { height: SIDE, width: SIDE, rows: rows.collect() }
}

/// The first digit of each sheet cannot be read once it is redrawn.
fn readings(example: &Example) -> Vec<ReconstructionReading> {
    let row = |epoch: u32, index: u32| ReconstructionReading {
        epoch,
        index,
        label: (index % DIGITS) as u8,
        original: Reading { predicted: (index % DIGITS) as u8, probability: 0.99 },
        reconstruction: Reading { predicted: 3, probability: if index == 0 { 0.25 } else { 0.75 } },
        mean_squared_error: 0.02,
        binary_cross_entropy: 0.2,
        structural_similarity: None,
    };
    kept(example).into_iter().flat_map(|epoch| (0..SHEET).map(move |index| row(epoch, index))).collect()
}

/// Digits lie apart in the first two dimensions, the images of each close together.
fn latents(example: &Example, split: Split, path: &Path) {
    let trained = FinishedStage::open(example.dir.stage(Stage::AeTrain, None)).unwrap();
    let header = LatentsHeader {
        run: example.dir.name(),
        model: example.model.name().to_owned(),
        model_fingerprint: trained.file(file::WEIGHTS).unwrap().hash().to_string(),
        dataset: "mnist".to_owned(),
        split: split.name().to_owned(),
        class_count: DIGITS,
    };
    let dimensions = example.latent_dim as usize;
    let labels: Vec<u8> = (0..IMAGES).map(|image| (image % DIGITS) as u8).collect();
    let value = |image: u32, dimension: usize| {
        let (digit, copy) = ((image % DIGITS) as f32, (image / DIGITS) as f32);
        let centre = [10.0 * (digit % 5.0), 20.0 * (digit / 5.0).floor()].get(dimension).copied().unwrap_or_default();
        centre + copy * (1.0 + dimension as f32) * 0.1
    };
    let values: Vec<f32> =
        (0..IMAGES).flat_map(|image| (0..dimensions).map(move |dimension| value(image, dimension))).collect();
    let mut writer = LatentWriter::create(path, &header, dimensions, false).unwrap();
    writer.write(0, &labels, &values, &[]).unwrap();
    writer.finish().unwrap();
}

/// The later an image comes, the less clear is where it belongs.
fn confidences(count: usize) -> Vec<f32> {
    (0..count).map(|image| 1.0 - image as f32 / 64.0).collect()
}

/// Each digit is a cluster of its own, and the last has no name.
fn assignments(example: &Example) -> Assignments {
    let path = |split: Split| example.dir.stage(Stage::LatentExport, None).file(split.latents_file());
    let names: Vec<Option<u8>> = (0..DIGITS as u8).map(|digit| (digit < 9).then_some(digit)).collect();
    let mut assignments = Assignments::default();
    for split in Split::ALL {
        let latents = Latents::read(&path(split)).unwrap();
        let clusters: Vec<u32> = latents.labels.iter().map(|label| u32::from(*label)).collect();
        let (squared_distances, confidences) = (vec![0.0; clusters.len()], confidences(clusters.len()));
        let clustered =
            Clustered { clusters: &clusters, squared_distances: &squared_distances, confidences: &confidences };
        assignments.append(split, &latents, clustered, &names);
    }
    assignments
}

fn decoded(columns: u32) -> DecodedSheet {
    let row = |position: u32| DecodedLatent {
        latent: vec![(position % columns) as f32, (position / columns) as f32],
        image: vec![0.5; (SIDE * SIDE) as usize],
    };
    let rows = (0..columns * columns).map(row).collect();
    DecodedSheet { height: SIDE, width: SIDE, latent_dim: 2, columns, rows }
}

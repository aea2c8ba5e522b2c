//! The stage recon-eval: a trained autoencoder, its dataset and a reader → how readable and how exact its reconstructions of the
//! test images are, after each epoch that the training kept.
//!
//! The report counted by eye; here a [reader](autoencoders::Classifier::reader) counts, which never saw an image that the run was
//! trained on. It trains nothing.

mod quality;
mod redraw;
mod score;

use std::path::Path;

use anyhow::{Context, ensure};
use autoencoders::{Autoencoder, Classifier, WeightsByEpoch};
use run_store::{
    DatasetFile, FinishedStage, KEPT_EPOCH_LIMIT, Manifest, ModelDescription, Plan, ReaderDescription, ReaderMetrics,
    ReconstructionMetrics, ReconstructionReading, RunDir, Stage, TrainMetrics, file, input, parameter, read_document,
    write_document,
};
use serde::Serialize;
use stage_cli::{Options, Progress, Summary, execute, percent};
use training::{DeviceChoice, prepare_process};

use crate::redraw::readings;
use crate::score::score;

/// An image is readable if the reader gives its true class at least this probability.
const READABLE_PROBABILITY: f64 = 0.5;

/// What to judge.
#[derive(Clone, Debug)]
pub struct Config {
    /// The run.
    pub run: RunDir,
    /// The prepared dataset whose reader judges; by default the one that the model was trained on.
    pub reader: Option<RunDir>,
    /// Where to compute.
    pub device: DeviceChoice,
}

#[derive(Serialize)]
struct Parameters {
    readable_probability: f64,
}

/// Judges the reconstructions, unless that is up to date.
///
/// # Errors
/// The model, the dataset or the reader is missing, broken, or they do not fit each other; the reader learnt from images that
/// the run was trained on; or the destination cannot be written.
pub fn run(config: &Config, options: &Options, progress: &mut dyn Progress) -> anyhow::Result<Summary> {
    let dir = config.run.stage(Stage::ReconEval, None);
    let trained = FinishedStage::open(config.run.model_stage())?;
    let (model_file, weights) = (trained.file(file::MODEL)?, trained.file(file::WEIGHTS_BY_EPOCH)?);
    // They say how many of the first test images the training was judged by: as many are judged here.
    let train_metrics_file = trained.file(file::METRICS)?;
    let train_metrics: TrainMetrics = read_document(train_metrics_file.path())?;
    let prepared = trained.dataset(None)?;
    let dataset_file = prepared.file(file::DATASET)?;
    let reader_dir = config.reader.as_ref().unwrap_or(&prepared.run_dir()).stage(Stage::ReaderTrain, None);
    let reader = FinishedStage::open(reader_dir.clone())?;
    let (reader_model, reader_weights) = (reader.file(file::MODEL)?, reader.file(file::WEIGHTS)?);
    let reader_metrics_file = reader.file(file::METRICS)?;
    check_independence(&reader_dir.path(), reader.manifest(), trained.manifest(), trained.seen_count()?)?;
    let parameters = Parameters { readable_probability: READABLE_PROBABILITY };
    let plan = Plan::new(dir.clone(), &parameters)?
        .input(input::DATASET, &dataset_file)
        .input(input::MODEL, &model_file)
        .input(input::WEIGHTS, &weights)
        .input(input::TRAINING_METRICS, &train_metrics_file)
        .input(input::READER_MODEL, &reader_model)
        .input(input::READER_WEIGHTS, &reader_weights)
        .input(input::READER_METRICS, &reader_metrics_file);
    let outcome = execute(plan, options, progress, |work, progress| {
        let (device, environment) = prepare_process(config.device, options.threads).map_err(anyhow::Error::msg)?;
        let description: ModelDescription = read_document(model_file.path())?;
        let bytes = DatasetFile::read(dataset_file.path())?;
        let dataset = bytes.dataset()?;
        description.check_images(&dataset, dataset_file.path())?;
        let reader_description: ReaderDescription = read_document(reader_model.path())?;
        check_reader(reader_model.path(), &reader_description, &description, dataset.class_count)?;
        let images = dataset.test.first(train_metrics.test_count as usize);
        ensure!(
            images.len() == train_metrics.test_count as usize,
            "{}: expected at least {} test images, as the run was judged by, found {}; use the dataset that it was trained on",
            dataset_file.path().display(),
            train_metrics.test_count,
            images.len()
        );
        let mut model = Autoencoder::for_values_of(description, device, weights.path())
            .with_context(|| format!("{} and its weights", model_file.path().display()))?;
        let kept = WeightsByEpoch::read(weights.path(), model.parameters())?;
        check_kept(weights.path(), &kept, &train_metrics, images.len())?;
        let reader = Classifier::load_reader(&reader_description, device, reader_weights.path())
            .with_context(|| format!("{} and its weights", reader_model.path().display()))?;
        let rows = readings(&reader, &images, (&mut model, &kept), device, progress)
            .with_context(|| format!("{}, read by {}", weights.path().display(), reader_weights.path().display()))?;
        let reader_metrics: ReaderMetrics = read_document(reader_metrics_file.path())?;
        let metrics = score(&rows, READABLE_PROBABILITY, reader_metrics.test_accuracy);
        ReconstructionReading::write(&work.file(file::READINGS)?, &rows)?;
        write_document(&work.file(file::METRICS)?, &metrics)?;
        Ok(environment)
    })?;
    Summary::of_stage(&dir, outcome, figures)
}

/// Checks that the reader learnt from none of the first `seen_count` images, which the run's model learnt from.
fn check_independence(
    reader_path: &Path,
    reader: &Manifest,
    trained: &Manifest,
    seen_count: u32,
) -> anyhow::Result<()> {
    let advice = format!(
        "train another with `{} --run DIR --first N`, on images that the run was not trained on",
        Stage::ReaderTrain
    );
    let dataset = |manifest: &Manifest| manifest.inputs.get(input::DATASET).map(|input| input.blake3.clone());
    ensure!(
        dataset(reader).is_some() && dataset(reader) == dataset(trained),
        "{}: expected a reader of the dataset that the run was trained on, found another's; {advice}",
        reader_path.display()
    );
    let first = reader.parameters.get(parameter::FIRST).and_then(serde_json::Value::as_u64);
    ensure!(
        first.is_some_and(|first| first >= u64::from(seen_count)),
        "{}: expected a reader of other images than the first {seen_count}, which the run was trained on, found one that \
         learnt from image {} on; {advice}",
        reader_path.display(),
        first.map_or_else(|| "an unknown".to_owned(), |first| first.to_string())
    );
    Ok(())
}

/// The most rows of readings: each takes some hundred bytes of memory.
const ROW_LIMIT: usize = 1 << 24;

/// Checks that the epochs in the file at `path` are those of the training, and not too many for `image_count` images.
fn check_kept(path: &Path, kept: &WeightsByEpoch, training: &TrainMetrics, image_count: usize) -> anyhow::Result<()> {
    let (last, count) = (kept.epochs().last(), kept.epochs().count());
    ensure!(
        last == Some(training.epochs),
        "{}: expected as the last epoch {}, as many as were trained, found {}; train again with --force",
        path.display(),
        training.epochs,
        last.map_or_else(|| "none".to_owned(), |last| last.to_string())
    );
    ensure!(
        count <= KEPT_EPOCH_LIMIT,
        "{}: expected at most {KEPT_EPOCH_LIMIT} epochs, found {count}; train again, and keep fewer",
        path.display()
    );
    ensure!(
        count.saturating_mul(image_count) <= ROW_LIMIT,
        "{}: expected at most {ROW_LIMIT} images and epochs together, found {count} epochs of {image_count} images; judge the \
         model by a lower --test-count, or keep fewer epochs of it",
        path.display()
    );
    Ok(())
}

/// Checks that the reader takes what the model makes, and knows the dataset's classes.
fn check_reader(
    path: &Path,
    reader: &ReaderDescription,
    model: &ModelDescription,
    class_count: u32,
) -> anyhow::Result<()> {
    let of_reader = (reader.image_height, reader.image_width, reader.class_count);
    let of_data = (model.image_height, model.image_width, class_count);
    ensure!(
        of_reader == of_data,
        "{}: expected a reader of {} × {} pixels and {} classes, found one of {} × {} and {}; train it again with --force",
        path.display(),
        of_data.0,
        of_data.1,
        of_data.2,
        of_reader.0,
        of_reader.1,
        of_reader.2
    );
    Ok(())
}

fn figures(metrics: &ReconstructionMetrics) -> Vec<(String, String)> {
    let mut figures = Vec::new();
    if let Some(last) = metrics.epochs.last() {
        figures.extend([
            ("readable".to_owned(), format!("{}/{} of the sheet", last.readable.sheet_readable, metrics.sheet_count)),
            (
                "readable share".to_owned(),
                format!("{} of {}", percent(last.readable.readable_share), metrics.image_count),
            ),
            ("originals".to_owned(), percent(metrics.originals.readable_share)),
            ("mean squared error".to_owned(), format!("{:.4}", last.mean_squared_error)),
        ]);
        let similarity = last.structural_similarity.map(|value| format!("{value:.3}"));
        figures.extend(similarity.map(|value| ("structural similarity".to_owned(), value)));
        let ratio = last.peak_signal_to_noise_ratio_db.map(|value| format!("{value:.2} dB"));
        figures.extend(ratio.map(|value| ("peak signal-to-noise ratio".to_owned(), value)));
    }
    figures
}

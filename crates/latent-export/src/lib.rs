//! The stage latent-export: a trained encoder and its dataset → the latent of every image, in Parquet.
//!
//! It works in batches, so beside the dataset, whose file it reads whole, its memory does not grow with the number of images; and it
//! refuses a latent that is not finite.
//! It trains nothing and looks at labels only to write them beside the latents.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use autoencoders::{Autoencoder, Mode};
use run_store::{
    DatasetFile, FinishedStage, LabelledImages, LatentWriter, LatentsHeader, ModelDescription, Plan, RunDir, Split,
    Stage, TrainMetrics, file, input, read_document,
};
use serde::Serialize;
use stage_cli::{Options, Progress, Summary, execute};
use tch::{Kind, Tensor, no_grad};
use training::{DeviceChoice, prepare_process};

/// Images that are encoded at once: so few that what flows between layers stays in the caches.
const BATCH_SIZE: i64 = 64;
/// Images in a row group of the file, a multiple of the batch.
const ROW_GROUP_SIZE: usize = 8192;

/// What to export.
#[derive(Clone, Debug)]
pub struct Config {
    /// The run.
    pub run: RunDir,
    /// The prepared dataset; by default the one that the model was trained on.
    pub data: Option<RunDir>,
    /// The first training images are exported, this many; by default as many as the model was trained on.
    pub train_count: Option<u32>,
    /// Likewise test images.
    pub test_count: Option<u32>,
    /// Whether to export the log variances of a variational encoder beside its means.
    pub with_logvar: bool,
    /// Where to compute.
    pub device: DeviceChoice,
}

#[derive(Serialize)]
struct Parameters {
    run: String,
    train_count: u32,
    test_count: u32,
    with_logvar: bool,
}

/// Exports the latents, unless they are up to date.
///
/// # Errors
/// The model or the dataset is missing, broken, or they do not fit each other; a latent is not finite; or the destination
/// cannot be written.
pub fn run(config: &Config, options: &Options, progress: &mut dyn Progress) -> anyhow::Result<Summary> {
    let dir = config.run.stage(Stage::LatentExport, None);
    let trained = FinishedStage::open(config.run.model_stage())?;
    let (model_file, weights) = (trained.file(file::MODEL)?, trained.file(file::WEIGHTS)?);
    let metrics: TrainMetrics = read_document(trained.file(file::METRICS)?.path())?;
    let dataset =
        trained.dataset(config.data.as_ref()).context("a dataset is needed; --data says where another one is")?;
    let dataset = dataset.file(file::DATASET)?;
    let dataset_path = dataset.path().to_owned();
    let counts = [config.train_count.unwrap_or(metrics.train_count), config.test_count.unwrap_or(metrics.test_count)];
    let [train_count, test_count] = counts;
    let parameters = Parameters { run: config.run.name(), train_count, test_count, with_logvar: config.with_logvar };
    let plan = Plan::new(dir.clone(), &parameters)?
        .input(input::DATASET, &dataset)
        .input(input::MODEL, &model_file)
        .input(input::WEIGHTS, &weights);
    let outcome = execute(plan, options, progress, |work, progress| {
        let (device, environment) = prepare_process(config.device, options.threads).map_err(anyhow::Error::msg)?;
        let description: ModelDescription = read_document(model_file.path())?;
        let model = Autoencoder::load(description, device, weights.path())
            .with_context(|| format!("{} and its weights", model_file.path().display()))?;
        if config.with_logvar && !model.description().model.is_variational() {
            bail!(
                "{}: expected a variational encoder, as only such has log variances, found {}; leave out --with-logvar",
                model_file.path().display(),
                model.description().model
            );
        }
        let dataset_file = DatasetFile::read(dataset.path())?;
        let dataset = dataset_file.dataset()?;
        model.description().check_images(&dataset, &dataset_path)?;
        for (split, count) in Split::ALL.into_iter().zip(counts) {
            let found = dataset.split(split).len();
            ensure!(
                found >= count as usize,
                "{}: expected at least {count} {split} images, found {found}; use --{split}-count {found} or less",
                dataset_path.display()
            );
        }
        progress.begin("latents", counts.iter().map(|count| u64::from(*count)).sum(), "images");
        for (split, count) in Split::ALL.into_iter().zip(counts) {
            let images = dataset.split(split);
            let header = LatentsHeader {
                run: config.run.name(),
                model: model.description().model.to_string(),
                model_fingerprint: weights.hash().to_string(),
                dataset: dataset.name.to_owned(),
                split: split.to_string(),
                class_count: dataset.class_count,
            };
            let dimensions = model.description().latent_dim as usize;
            let mut writer =
                LatentWriter::create(&work.file(split.latents_file())?, &header, dimensions, config.with_logvar)?;
            export((&model, weights.path()), images.first(count as usize), &mut writer, device, progress)?;
            writer.finish()?;
        }
        progress.end();
        Ok(environment)
    })?;
    Ok(Summary::of_files(
        &dir,
        outcome,
        vec![
            ("train".to_owned(), format!("{train_count} latents")),
            ("test".to_owned(), format!("{test_count} latents")),
        ],
    ))
}

/// Encodes `images` batch by batch, with the model of the file `weights`.
fn export(
    (model, weights): (&Autoencoder, &Path),
    images: LabelledImages<'_>,
    writer: &mut LatentWriter,
    device: tch::Device,
    progress: &mut dyn Progress,
) -> anyhow::Result<()> {
    let width = (images.pixels.len() / images.len().max(1)).max(1);
    let at_once = model.at_once(BATCH_SIZE) as usize;
    let pixels = images.pixels.chunks(ROW_GROUP_SIZE * width);
    for (group, (pixels, labels)) in pixels.zip(images.labels.chunks(ROW_GROUP_SIZE)).enumerate() {
        let (mut values, mut log_variances) = (Vec::new(), Vec::new());
        for pixels in pixels.chunks(at_once * width) {
            let count = (pixels.len() / width) as i64;
            let batch = Tensor::f_from_data_size(pixels, &[count, width as i64], Kind::Uint8)?;
            let encoding = no_grad(|| {
                let images = model.preprocess(&batch.to_device(device));
                model.encode(&images, Mode::Inference)
            });
            values.extend(Vec::<f32>::try_from(encoding.mean.reshape([-1]))?);
            if let Some(log_variance) = encoding.log_variance.filter(|_| writer.with_log_variances()) {
                log_variances.extend(Vec::<f32>::try_from(log_variance.reshape([-1]))?);
            }
            progress.advance(count as u64);
        }
        let first = group * ROW_GROUP_SIZE;
        ensure!(
            values.iter().chain(&log_variances).all(|value| value.is_finite()),
            "{}: expected an encoder that gives finite latents, found others among those of {} images from {first} on; train it again",
            weights.display(),
            labels.len()
        );
        writer.write(u32::try_from(first)?, labels, &values, &log_variances)?;
    }
    Ok(())
}

//! The stage reader-train: a prepared dataset → a reader, the small convolutional classifier of images that says whether a
//! reconstruction can still be read.
//!
//! It lies with the dataset, for all runs on it. It learns from training images that no run of the study learns from, so that it
//! judges them as a stranger; it never sees a reconstruction to learn.

mod view;

use anyhow::{Context, anyhow, bail, ensure};
use autoencoders::{Classifier, Weights, describe_reader};
use run_store::{
    ClassifierEpoch, Dataset, DatasetFile, FinishedStage, History, LabelledImages, Plan, ReaderMetrics, RunDir, Stage,
    file, input, write_document,
};
use serde::Serialize;
use stage_cli::{Options, Progress, Summary, execute, percent};
use tch::{Device, Kind, Tensor};
use training::{
    Augmentation, Batches, DeviceChoice, Examples, Lesson, NotFinite, Optimizer, OptimizerRule, REPORT_COUNTS, Remedy,
    Schedule, Seed, judge_classifier, prepare_process, train_classifier,
};

pub use crate::view::View;

/// Everything that decides the outputs. It is what the manifest records as parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Protocol {
    /// Position of the first training image that is used.
    pub first: u32,
    /// The most training images that are used, from there: fewer where there are fewer.
    pub count: u32,
    /// Passes over them.
    pub epochs: u32,
    /// Images in a step.
    pub batch_size: u32,
    /// The optimizer's largest step size.
    pub learning_rate: f64,
    /// How the step size changes.
    pub schedule: Schedule,
    /// The optimizer.
    pub optimizer: OptimizerRule,
    /// How each image is changed before it is shown.
    pub view: View,
    /// The seed.
    pub seed: u64,
}

impl Default for Protocol {
    /// The training images of MNIST that the study leaves, and what takes a reader above 99 % on them in a minute or two.
    fn default() -> Self {
        Self {
            first: REPORT_COUNTS.0,
            count: 40_000,
            epochs: 8,
            batch_size: 128,
            learning_rate: 2e-3,
            schedule: Schedule::Cosine,
            optimizer: OptimizerRule::Adam,
            view: View {
                blur_share: 1.0,
                augmentation: Augmentation {
                    rotation_degrees: 8.0,
                    shear: 0.1,
                    log_scale: 0.1,
                    shift_pixels: 1.5,
                    ..Augmentation::NONE
                },
            },
            seed: 0,
        }
    }
}

/// A reader, where it goes and where it computes.
#[derive(Clone, Debug)]
pub struct Config {
    /// The prepared dataset; the reader goes beside it.
    pub run: RunDir,
    /// What decides the outputs.
    pub protocol: Protocol,
    /// Where to compute.
    pub device: DeviceChoice,
}

/// Trains the reader, unless it is up to date.
///
/// # Errors
/// The dataset is missing, broken or too small; the loss ceases to be finite; or the destination cannot be written.
pub fn run(config: &Config, options: &Options, progress: &mut dyn Progress) -> anyhow::Result<Summary> {
    let dir = config.run.stage(Stage::ReaderTrain, None);
    let dataset_file = FinishedStage::open(config.run.stage(Stage::MnistData, None))?.file(file::DATASET)?;
    let plan = Plan::new(dir.clone(), &config.protocol)?.input(input::DATASET, &dataset_file);
    let outcome = execute(plan, options, progress, |work, progress| {
        let (device, environment) = prepare_process(config.device, options.threads).map_err(anyhow::Error::msg)?;
        let protocol = &config.protocol;
        let bytes = DatasetFile::read(dataset_file.path())?;
        let dataset = bytes.dataset()?;
        let train_images = chosen(&dataset, protocol)?;
        let description = describe_reader(dataset.height, dataset.width, dataset.class_count);
        let reader = Classifier::reader(&description, device, protocol.seed)
            .with_context(|| dataset_file.path().display().to_string())?;
        let (train, test) = (examples(&train_images, device)?, examples(&dataset.test, device)?);
        let size = (i64::from(dataset.height), i64::from(dataset.width));
        let history = train_reader(&reader, protocol, (&train, &test), size, progress)?;
        let Some(last) = history.last() else { bail!("no epoch was trained") };
        let metrics = ReaderMetrics {
            dataset: dataset.name.to_owned(),
            train_count: u32::try_from(train_images.len())?,
            test_count: dataset.test.len() as u64,
            epochs: last.epoch,
            parameter_count: reader.parameters().trainable_count(),
            train_accuracy: last.train_accuracy,
            test_loss: last.test_loss,
            test_accuracy: last.test_accuracy,
        };
        reader.save(&work.file(file::WEIGHTS)?)?;
        write_document(&work.file(file::MODEL)?, &description)?;
        ClassifierEpoch::write(&work.file(file::HISTORY)?, &history)?;
        write_document(&work.file(file::METRICS)?, &metrics)?;
        Ok(environment)
    })?;
    Summary::of_stage(&dir, outcome, |metrics: &ReaderMetrics| {
        vec![
            ("test accuracy".to_owned(), percent(metrics.test_accuracy)),
            ("test loss".to_owned(), format!("{:.4}", metrics.test_loss)),
        ]
    })
}

/// The training images that the reader learns from.
fn chosen<'a>(dataset: &Dataset<'a>, protocol: &Protocol) -> anyhow::Result<LabelledImages<'a>> {
    let (first, found) = (protocol.first as usize, dataset.train.len());
    ensure!(
        first < found,
        "{}: expected training images from {first} on, which no run is trained on, found {found} in all; use a lower --first, and \
         train runs on no more images than that (--train-count)",
        dataset.name
    );
    let end = found.min(first + protocol.count as usize);
    Ok(dataset.train.range(first..end))
}

fn examples(images: &LabelledImages<'_>, device: Device) -> anyhow::Result<Examples> {
    let count = images.len() as i64;
    let shape = [count, images.pixels.len() as i64 / count.max(1)];
    let pixels = Tensor::f_from_data_size(images.pixels, &shape, Kind::Uint8)?;
    Ok(Examples::new(&pixels, images.labels, device))
}

/// One pass over the training images.
struct Pass<'a> {
    protocol: &'a Protocol,
    /// Steps of the whole training.
    steps: u64,
    /// Rows and columns of an image.
    size: (i64, i64),
    progress: &'a mut dyn Progress,
}

impl Lesson for Pass<'_> {
    fn view(&self, images: Tensor) -> Tensor {
        self.protocol.view.of(&images, self.size)
    }

    fn learning_rate(&self, steps: u32) -> f64 {
        self.protocol.learning_rate * self.protocol.schedule.factor(u64::from(steps), self.steps, 0)
    }

    fn advance(&mut self, images: u64) {
        self.progress.advance(images);
    }
}

fn train_reader(
    reader: &Classifier,
    protocol: &Protocol,
    (train, test): (&Examples, &Examples),
    size: (i64, i64),
    progress: &mut dyn Progress,
) -> anyhow::Result<Vec<ClassifierEpoch>> {
    let mut optimizer = Optimizer::new(protocol.optimizer, protocol.learning_rate, reader.parameters().trainable());
    let batch_size = i64::from(protocol.batch_size);
    let steps = u64::from(protocol.epochs) * (train.count() as u64).div_ceil(u64::from(protocol.batch_size));
    let mut history = Vec::new();
    progress.begin("reader", u64::from(protocol.epochs) * train.count() as u64, "images");
    for epoch in 1..=protocol.epochs {
        let mut generator = Seed(protocol.seed).epoch(epoch);
        let batches = Batches::shuffled(train.count(), batch_size, &mut generator, train.device());
        let mut pass = Pass { protocol, steps, size, progress: &mut *progress };
        let trained = train_classifier(reader, &mut optimizer, train, (epoch, batches), &mut pass);
        let refuse = |error: NotFinite| anyhow!(error.with(Remedy::StartOver));
        let (train_loss, train_accuracy) = trained.map_err(refuse)?;
        let answers = judge_classifier(reader, test)?;
        NotFinite::check_epoch(epoch, &[("of test images", answers.loss)], (reader.parameters(), &optimizer))
            .map_err(refuse)?;
        progress.milestone(&format!("epoch {epoch}/{} · test accuracy {}", protocol.epochs, percent(answers.accuracy)));
        history.push(ClassifierEpoch {
            epoch,
            train_loss,
            train_accuracy,
            test_loss: answers.loss,
            test_accuracy: answers.accuracy,
        });
    }
    progress.end();
    Ok(history)
}

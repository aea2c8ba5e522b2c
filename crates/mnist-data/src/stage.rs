//! From four files to a prepared dataset.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use run_store::{
    CLASS_LIMIT, Dataset, DatasetMetrics, Environment, LabelledImages, Plan, RunDir, Split, Stage, VerifiedFile, file,
    write_dataset, write_document,
};
use serde::Serialize;
use stage_cli::{Options, Progress, Summary, execute};

use crate::idx::{Images, read_images, read_labels};

/// What to prepare.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the prepared dataset goes.
    pub run: RunDir,
    /// The name it is known by.
    pub name: String,
    /// Images of each split.
    pub images: [PathBuf; 2],
    /// Labels of each split.
    pub labels: [PathBuf; 2],
}

impl Config {
    /// The MNIST-like quartet in `folder`, each file raw or with `.gz` at the end of its name.
    ///
    /// # Errors
    /// One of the four is in neither form.
    pub fn quartet(run: RunDir, name: String, folder: &Path) -> anyhow::Result<Self> {
        let find = |stem: &str| -> anyhow::Result<PathBuf> {
            let raw = folder.join(stem);
            let compressed = folder.join(format!("{stem}.gz"));
            for path in [&raw, &compressed] {
                // What lies behind a folder that is closed to this user is not missing.
                if path.try_exists().with_context(|| format!("cannot read {}", path.display()))? {
                    return Ok(path.clone());
                }
            }
            bail!(
                "{} is missing (nor is there a .gz of it): put the dataset's four IDX files there, \
                 `scripts/pipeline setup` does it for mnist and fashion-mnist",
                raw.display()
            )
        };
        Ok(Self {
            run,
            name,
            images: [find("train-images-idx3-ubyte")?, find("t10k-images-idx3-ubyte")?],
            labels: [find("train-labels-idx1-ubyte")?, find("t10k-labels-idx1-ubyte")?],
        })
    }
}

#[derive(Serialize)]
struct Parameters<'a> {
    name: &'a str,
}

/// Prepares the dataset, unless it is up to date.
///
/// # Errors
/// A file is missing, broken, or disagrees with the others; or the destination cannot be written.
pub fn run(config: &Config, options: &Options, progress: &mut dyn Progress) -> anyhow::Result<Summary> {
    let dir = config.run.stage(Stage::MnistData, None);
    let mut plan = Plan::new(dir.clone(), &Parameters { name: &config.name })?;
    for (split, (images, labels)) in Split::ALL.iter().zip(config.images.iter().zip(&config.labels)) {
        plan = plan
            .input(&format!("{split} images"), &VerifiedFile::external(images)?)
            .input(&format!("{split} labels"), &VerifiedFile::external(labels)?);
    }
    let outcome = execute(plan, options, progress, |work, _| {
        let [train, test] = &config.images;
        let [train_labels, test_labels] = &config.labels;
        let (train, train_labels) = (read_images(train)?, read_labels(train_labels)?);
        let (test, test_labels) = (read_images(test)?, read_labels(test_labels)?);
        let dataset = assemble(config, &train, &train_labels, &test, &test_labels)?;
        write_dataset(&work.file(file::DATASET)?, &dataset)?;
        write_document(&work.file(file::METRICS)?, &metrics(&dataset))?;
        Ok(Environment { threads: 1, device: "cpu".to_owned(), precision: "u8".to_owned(), libtorch: None })
    })?;
    Summary::of_stage(&dir, outcome, figures)
}

/// Checks that the four files belong together.
fn assemble<'a>(
    config: &'a Config,
    train: &'a Images,
    train_labels: &'a [u8],
    test: &'a Images,
    test_labels: &'a [u8],
) -> anyhow::Result<Dataset<'a>> {
    for (split, (images, labels)) in [(train, train_labels), (test, test_labels)].into_iter().enumerate() {
        ensure!(
            images.count == labels.len(),
            "{} has {} images and {} has {} labels: expected one label for each image; use two files of the same split",
            config.images[split].display(),
            images.count,
            config.labels[split].display(),
            labels.len()
        );
    }
    for (labels, path) in [train_labels, test_labels].into_iter().zip(&config.labels) {
        if let Some(index) = labels.iter().position(|label| u32::from(*label) >= CLASS_LIMIT) {
            bail!(
                "{}: expected labels below {CLASS_LIMIT}, found {} of image {index}, which says that there is none; label it, or leave it out",
                path.display(),
                labels[index]
            );
        }
    }
    ensure!(
        (train.height, train.width) == (test.height, test.width),
        "{} has images of {} × {} pixels and {} of {} × {}: expected one size; use two splits of the same dataset",
        config.images[0].display(),
        train.height,
        train.width,
        config.images[1].display(),
        test.height,
        test.width
    );
    let class_count = train_labels.iter().chain(test_labels).max().map_or(0, |label| u32::from(*label) + 1);
    Ok(Dataset {
        name: &config.name,
        height: u32::try_from(train.height).context("the images are too high")?,
        width: u32::try_from(train.width).context("the images are too wide")?,
        class_count,
        train: LabelledImages { pixels: &train.pixels, labels: train_labels },
        test: LabelledImages { pixels: &test.pixels, labels: test_labels },
    })
}

fn metrics(dataset: &Dataset<'_>) -> DatasetMetrics {
    let per_class = |split: Split| {
        let mut counts = vec![0; dataset.class_count as usize];
        dataset.split(split).labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
        counts
    };
    DatasetMetrics {
        dataset: dataset.name.to_owned(),
        image_height: dataset.height,
        image_width: dataset.width,
        class_count: dataset.class_count,
        train_images_per_class: per_class(Split::Train),
        test_images_per_class: per_class(Split::Test),
    }
}

fn figures(metrics: &DatasetMetrics) -> Vec<(String, String)> {
    let count = |per_class: &[u64]| per_class.iter().sum::<u64>().to_string();
    vec![
        ("dataset".to_owned(), metrics.dataset.clone()),
        (
            "images".to_owned(),
            format!("{} × {} pixels, {} classes", metrics.image_height, metrics.image_width, metrics.class_count),
        ),
        ("train".to_owned(), count(&metrics.train_images_per_class)),
        ("test".to_owned(), count(&metrics.test_images_per_class)),
    ]
}

//! What the figures of one stage folder are.

use std::collections::BTreeMap;

use run_store::{
    ClassifyMetrics, ClusterMetrics, Document, FinishedStage, Manifest, ReconstructionMetrics, Split, Stage, StageDir,
    StoreError, TrainMetrics, file, parameter, read_document,
};
use serde_json::Value;

use crate::collect::Training;
use crate::figure::Figure;

/// What a stage folder says of its run.
#[derive(Default)]
pub(crate) struct Measured {
    pub figures: BTreeMap<Figure, f64>,
    pub training: Option<Training>,
    pub reconstructions: Option<ReconstructionMetrics>,
    pub cluster_count: Option<u32>,
}

impl Measured {
    /// Reads the figures of `finished`, which lies in `dir`.
    pub fn read(dir: &StageDir, finished: &FinishedStage) -> Result<Self, StoreError> {
        match dir.stage() {
            Stage::AeTrain | Stage::AeRefine => {
                let metrics: TrainMetrics = metrics(finished)?;
                // A lower bound is in nats an image: not to be compared with other losses.
                let losses = match metrics.elbo {
                    None => vec![(Figure::LossTrain, metrics.train_loss), (Figure::LossTest, metrics.test_loss)],
                    Some(elbo) => vec![
                        (Figure::NegativeElboTrain, metrics.train_loss),
                        (Figure::NegativeElboTest, metrics.test_loss),
                        (Figure::ReconstructionNatsTest, elbo.test.reconstruction_nats),
                        (Figure::KlNatsTest, elbo.test.kl_nats),
                    ],
                };
                let exactness = (Figure::MeanSquaredErrorTest, metrics.test_mean_squared_error);
                let training = training(dir, finished.manifest(), metrics)?;
                let figures = losses.into_iter().chain([exactness]).collect();
                Ok(Self { figures, training: Some(training), ..Self::default() })
            }
            Stage::ClusterEval => {
                let metrics: ClusterMetrics = metrics(finished)?;
                let train = split(&metrics.splits, Split::Train, dir)?;
                let figures = [
                    (Figure::MajorityAccuracyTrain, train.majority_accuracy),
                    (Figure::OneToOneAccuracyTrain, train.one_to_one_accuracy),
                    (Figure::NormalizedMutualInformationTrain, train.normalized_mutual_information),
                ];
                Ok(Self { figures: figures.into(), cluster_count: Some(metrics.cluster_count), ..Self::default() })
            }
            Stage::LatentClassify => {
                let metrics: ClassifyMetrics = metrics(finished)?;
                let figures = [
                    (Figure::ClassifierAccuracyTrain, split(&metrics.splits, Split::Train, dir)?.accuracy),
                    (Figure::ClassifierAccuracyTest, split(&metrics.splits, Split::Test, dir)?.accuracy),
                ];
                Ok(Self { figures: figures.into(), ..Self::default() })
            }
            Stage::ReconEval => {
                let metrics: ReconstructionMetrics = metrics(finished)?;
                let Some(last) = metrics.epochs.last() else {
                    let problem = "expected figures of at least one epoch, found none";
                    let advice = format!("rerun {} with --force", dir.stage());
                    return Err(StoreError::invalid(&dir.file(file::METRICS), problem, advice));
                };
                let always = [
                    (Figure::SheetReadable, f64::from(last.readable.sheet_readable)),
                    (Figure::ReadableShare, last.readable.readable_share),
                    (Figure::BinaryCrossEntropyTest, last.binary_cross_entropy),
                ];
                let ratio = last.peak_signal_to_noise_ratio_db.map(|ratio| (Figure::PeakSignalToNoiseRatioTest, ratio));
                let similarity = last.structural_similarity.map(|value| (Figure::StructuralSimilarityTest, value));
                let figures = always.into_iter().chain(ratio).chain(similarity).collect();
                Ok(Self { figures, reconstructions: Some(metrics), ..Self::default() })
            }
            Stage::MnistData | Stage::ReaderTrain | Stage::LatentExport => Ok(Self::default()),
        }
    }
}

fn metrics<M: Document>(finished: &FinishedStage) -> Result<M, StoreError> {
    read_document(finished.file(file::METRICS)?.path())
}

fn split<'a, T>(splits: &'a BTreeMap<String, T>, split: Split, dir: &StageDir) -> Result<&'a T, StoreError> {
    splits.get(split.name()).ok_or_else(|| {
        let problem = format!("expected figures of the {split} split, found none");
        StoreError::invalid(&dir.file(file::METRICS), problem, format!("rerun {} with --force", dir.stage()))
    })
}

fn training(dir: &StageDir, manifest: &Manifest, metrics: TrainMetrics) -> Result<Training, StoreError> {
    let lacks = |name: &str, kind: &str| {
        let found = manifest.parameters.get(name).map_or_else(|| "none".to_owned(), ToString::to_string);
        let problem = format!("expected {kind} as the parameter `{name}`, found {found}");
        StoreError::invalid(&dir.file(file::MANIFEST), problem, format!("rerun {} with --force", dir.stage()))
    };
    let number =
        |name: &str| manifest.parameters.get(name).and_then(Value::as_u64).ok_or_else(|| lacks(name, "a count"));
    let model = manifest
        .parameters
        .get(parameter::MODEL)
        .and_then(Value::as_str)
        .ok_or_else(|| lacks(parameter::MODEL, "a name"))?;
    Ok(Training {
        model: model.to_owned(),
        latent_dim: number(parameter::LATENT_DIM)?,
        seed: number(parameter::SEED)?,
        dataset: metrics.dataset,
        epochs: metrics.epochs,
        train_count: metrics.train_count,
        test_count: metrics.test_count,
    })
}

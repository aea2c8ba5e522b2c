//! What the study's report and its Keras counterpart reached: the one place with published figures.

use run_store::{ModelKind, Stage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::figure::Figure;
use crate::spread::Spread;

/// Where the report's figures are from.
pub const REPORT_SOURCE: &str = "the study's report, as printed there, where it gives no spread";

/// Where Keras' figures are from.
pub const KERAS_SOURCE: &str = "the study's protocol in Keras 3.15 on TensorFlow 2.21, without shuffling, K-means by \
                                scikit-learn 1.9 with 10 restarts; mean ± standard deviation of seeds 0, 1, 2";

const KERAS_RUN_COUNT: u32 = 3;

/// The dataset of the study.
pub const DATASET: &str = "mnist";

/// K-means clusters of the study.
pub const CLUSTER_COUNT: u32 = 10;

/// The study's parameters of `stage` that decide the figures of `model`, by their names in manifests.
#[must_use]
pub fn parameters(stage: Stage, model: &str) -> Map<String, Value> {
    let is_variational = model.parse().is_ok_and(ModelKind::is_variational);
    let parameters = match stage {
        Stage::AeTrain => json!({
            "epochs": 25,
            "batch_size": 256,
            "learning_rate": 0.001,
            "optimizer": "nadam",
            "loss": if is_variational { "elbo" } else { "bce" },
            "shuffle": false,
            "train_count": 20_000,
            "test_count": 4_000,
        }),
        Stage::LatentExport => json!({ "train_count": 20_000, "test_count": 4_000 }),
        Stage::ClusterEval => json!({ "restarts": 10, "iterations": 300, "tolerance": 1e-4 }),
        Stage::LatentClassify => json!({
            "epochs": 25,
            "batch_size": 256,
            "learning_rate": 0.001,
            "optimizer": "adam",
            "shuffle": false,
        }),
        Stage::ReconEval => json!({ "readable_probability": 0.5 }),
        Stage::MnistData | Stage::ReaderTrain | Stage::AeRefine => Value::Null,
    };
    match parameters {
        Value::Object(parameters) => parameters,
        _ => Map::new(),
    }
}

/// The columns of the tables below: model and latent size.
const MODELS: [(ModelKind, u32); 4] =
    [(ModelKind::Ae, 2), (ModelKind::Ae, 32), (ModelKind::Cae, 2), (ModelKind::Cae, 32)];

/// The report's figures; accuracies in per cent.
const REPORT: [(Figure, [Option<f64>; 4]); 2] = [
    (Figure::MajorityAccuracyTrain, [Some(41.74), Some(43.34), Some(45.19), Some(54.57)]),
    (Figure::ClassifierAccuracyTest, [Some(54.0), Some(78.0), None, Some(94.0)]),
];

/// What a reader should know of a figure of the report.
const REPORT_REMARKS: [(Figure, ModelKind, u32, &str); 1] = [(
    Figure::ClassifierAccuracyTest,
    ModelKind::Ae,
    2,
    "the report does not say which model of latent size 2 this is",
)];

/// Keras' figures after 25 epochs, mean and sample standard deviation; accuracies in per cent.
const KERAS: [(Figure, [(f64, f64); 4]); 7] = [
    (Figure::MajorityAccuracyTrain, [(42.5, 4.4), (49.7, 0.7), (45.4, 4.9), (52.8, 4.7)]),
    (Figure::OneToOneAccuracyTrain, [(33.6, 4.9), (38.9, 2.1), (38.9, 7.4), (49.6, 4.8)]),
    (Figure::ClassifierAccuracyTrain, [(54.5, 2.8), (77.5, 0.2), (55.7, 2.5), (94.6, 0.6)]),
    (Figure::ClassifierAccuracyTest, [(49.0, 2.4), (73.3, 0.3), (52.1, 3.4), (92.4, 0.7)]),
    (Figure::LossTrain, [(0.2128, 0.0006), (0.1985, 0.0005), (0.2712, 0.0015), (0.1541, 0.0001)]),
    (Figure::LossTest, [(0.1998, 0.0006), (0.1791, 0.0009), (0.2822, 0.0285), (0.1676, 0.0021)]),
    (Figure::MeanSquaredErrorTest, [(0.0469, 0.0002), (0.0398, 0.0003), (0.0598, 0.0084), (0.0168, 0.0005)]),
];

/// A figure of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportFigure {
    /// The value; shares in [0, 1].
    pub value: f64,
    /// What a reader should know of it.
    pub remark: Option<String>,
}

/// What the report shows for a model.
#[must_use]
pub fn report(figure: Figure, model: &str, latent_dim: u64) -> Option<ReportFigure> {
    let (_, row) = REPORT.iter().find(|(name, _)| *name == figure)?;
    let column = column(model, latent_dim)?;
    let value = (*row.get(column)?)?;
    let (kind, size) = *MODELS.get(column)?;
    let remark = REPORT_REMARKS.iter().find(|remark| (remark.0, remark.1, remark.2) == (figure, kind, size));
    Some(ReportFigure { value: unit(figure, value), remark: remark.map(|remark| remark.3.to_owned()) })
}

/// What Keras reaches for a model.
#[must_use]
pub fn keras(figure: Figure, model: &str, latent_dim: u64) -> Option<Spread> {
    let (_, row) = KERAS.iter().find(|(name, _)| *name == figure)?;
    let (mean, sd) = row.get(column(model, latent_dim)?)?;
    Some(Spread { mean: unit(figure, *mean), sd: Some(unit(figure, *sd)), run_count: KERAS_RUN_COUNT })
}

fn column(model: &str, latent_dim: u64) -> Option<usize> {
    MODELS.iter().position(|(kind, size)| kind.name() == model && u64::from(*size) == latent_dim)
}

/// A printed value in the figure's own unit, which for per cent is the share, without the dust of a division.
fn unit(figure: Figure, printed: f64) -> f64 {
    if figure.is_share() { (printed * 100.0).round() / 10_000.0 } else { printed }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn figures_are_found_by_model() {
        let report = report(Figure::MajorityAccuracyTrain, "cae", 32).unwrap();
        assert_eq!((report.value, report.remark), (0.5457, None));
        assert_eq!(keras(Figure::LossTest, "ae", 2).unwrap().mean, 0.1998);
        assert_eq!(keras(Figure::ClassifierAccuracyTest, "ae", 32).unwrap().sd, Some(0.003));
    }

    #[test]
    fn what_was_not_published_has_no_figure() {
        assert_eq!(report(Figure::ClassifierAccuracyTest, "cae", 2), None);
        assert_eq!(keras(Figure::NormalizedMutualInformationTrain, "ae", 2), None);
        assert_eq!(keras(Figure::LossTest, "ae", 16), None);
        assert_eq!(keras(Figure::LossTest, "cvae", 2), None);
    }
}

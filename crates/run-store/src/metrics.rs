//! `metrics.json` of each stage: its figures, each with its unit in its name where it has one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::agreement;
use crate::bounds::{coefficient, count, not_negative, optional_coefficient, optional_share, share};
use crate::document::{Document, VALUE_LIMIT};
use crate::history::ElboEpoch;

/// What mnist-data prepared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetMetrics {
    /// The dataset's name.
    pub dataset: String,
    /// Rows of an image.
    pub image_height: u32,
    /// Columns of an image.
    pub image_width: u32,
    /// Labels are below this.
    pub class_count: u32,
    /// Training images of each class.
    pub train_images_per_class: Vec<u64>,
    /// Test images of each class.
    pub test_images_per_class: Vec<u64>,
}

impl Document for DatasetMetrics {
    const KIND: &'static str = "dataset figures";

    fn check(&self) -> Result<(), String> {
        agreement::of_dataset(self)
    }
}

/// What ae-train reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainMetrics {
    /// The dataset's name.
    pub dataset: String,
    /// Training images used.
    #[serde(deserialize_with = "count")]
    pub train_count: u32,
    /// Test images used.
    #[serde(deserialize_with = "count")]
    pub test_count: u32,
    /// Epochs trained.
    #[serde(deserialize_with = "count")]
    pub epochs: u32,
    /// Values that training changes.
    pub parameter_count: u64,
    /// The last epoch's mean loss while it trained: nats a pixel for binary cross-entropy, nats an image for a negative
    /// evidence lower bound.
    #[serde(deserialize_with = "not_negative")]
    pub train_loss: f64,
    /// Mean loss over the test images, in inference mode, likewise.
    #[serde(deserialize_with = "not_negative")]
    pub test_loss: f64,
    /// Mean squared error over the test images' pixels in [0, 1], in inference mode.
    #[serde(deserialize_with = "not_negative")]
    pub test_mean_squared_error: f64,
    /// What the losses are made of, if they are negative evidence lower bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elbo: Option<ElboEpoch>,
}

impl Document for TrainMetrics {
    const KIND: &'static str = "training figures";
}

/// What ae-refine reached: a training's figures, and what it says of its clusters itself, all without labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefineMetrics {
    /// As of a training. Its losses are those of reconstructions, in inference mode, and it counts epochs of refinement.
    #[serde(flatten)]
    pub training: TrainMetrics,
    /// Clusters.
    pub cluster_count: u32,
    /// Whether the test images were learnt from too.
    pub with_test: bool,
    /// The first of the training images that this model, or what it was refined from, learnt from; `null` where an earlier version
    /// did not say.
    #[serde(default)]
    pub seen_count: Option<u32>,
    /// Share of the heads' weighted votes that went to the clusters they chose together, in the last epoch that had heads, in [0, 1];
    /// `null` if none had.
    #[serde(default, deserialize_with = "optional_share")]
    pub head_agreement: Option<f64>,
    /// Share of images that the last student named otherwise than it was taught, in [0, 1]; `null` if there was none.
    #[serde(default, deserialize_with = "optional_share")]
    pub renamed: Option<f64>,
}

impl Document for RefineMetrics {
    const KIND: &'static str = "a refinement's figures";
}

/// What reader-train reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReaderMetrics {
    /// The dataset's name.
    pub dataset: String,
    /// Training images used.
    #[serde(deserialize_with = "count")]
    pub train_count: u32,
    /// Test images it was judged on: all there are.
    pub test_count: u64,
    /// Epochs trained.
    pub epochs: u32,
    /// Values that training changes.
    pub parameter_count: u64,
    /// Share of the last epoch's training images that were read right while it trained.
    #[serde(deserialize_with = "share")]
    pub train_accuracy: f64,
    /// Mean cross-entropy over the test images, in nats.
    #[serde(deserialize_with = "not_negative")]
    pub test_loss: f64,
    /// Share of the test images that are read right.
    #[serde(deserialize_with = "share")]
    pub test_accuracy: f64,
}

impl Document for ReaderMetrics {
    const KIND: &'static str = "a reader's figures";
}

/// What recon-eval found in the reconstructions of the test images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReconstructionMetrics {
    /// Test images.
    pub image_count: u32,
    /// The first of them that are shown as a sheet.
    pub sheet_count: u32,
    /// An image is readable if the reader gives its true class at least this probability.
    #[serde(deserialize_with = "share")]
    pub readable_probability: f64,
    /// Share of all test images of the dataset that the reader reads right.
    #[serde(deserialize_with = "share")]
    pub reader_test_accuracy: f64,
    /// How readable the originals are: no reconstruction need be more.
    pub originals: ReadableCounts,
    /// The reconstructions after each epoch that was kept, in order; the last is the trained model.
    pub epochs: Vec<ReconstructionEpoch>,
}

impl Document for ReconstructionMetrics {
    const KIND: &'static str = "figures of reconstructions";

    fn check(&self) -> Result<(), String> {
        agreement::of_reconstructions(self)
    }
}

/// How many images can be read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadableCounts {
    /// Readable images of the sheet.
    pub sheet_readable: u32,
    /// Share of all images that are readable, in [0, 1].
    #[serde(deserialize_with = "share")]
    pub readable_share: f64,
}

/// Reconstructions after one epoch; figures are means over the images, pixels in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReconstructionEpoch {
    /// Epochs trained; 0 is the untrained model.
    pub epoch: u32,
    /// How many can be read.
    #[serde(flatten)]
    pub readable: ReadableCounts,
    /// Mean squared error.
    #[serde(deserialize_with = "not_negative")]
    pub mean_squared_error: f64,
    /// Binary cross-entropy, in nats a pixel.
    #[serde(deserialize_with = "not_negative")]
    pub binary_cross_entropy: f64,
    /// Peak signal-to-noise ratio of each image, in dB; images that are redrawn exactly are left out, `null` if all are.
    pub peak_signal_to_noise_ratio_db: Option<f64>,
    /// Structural similarity (Wang et al. 2004), in [−1, 1]; `null` for images too small for its window.
    #[serde(default, deserialize_with = "optional_coefficient")]
    pub structural_similarity: Option<f64>,
}

/// What cluster-eval found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterMetrics {
    /// Clusters asked for.
    pub cluster_count: u32,
    /// The majority name of each cluster, from the training split; `null` for an empty cluster.
    pub majority_names: Vec<Option<u8>>,
    /// The one-to-one name of each cluster, from the training split; `null` where classes ran out, or no image
    /// of the class that is left is in the cluster.
    pub one_to_one_names: Vec<Option<u8>>,
    /// Figures of each split, by name.
    pub splits: BTreeMap<String, ClusterSplitMetrics>,
}

impl ClusterMetrics {
    /// The most clusters whose figures a document holds, where there are `class_count` classes: of each cluster two names, and the
    /// images of each class in both splits.
    #[must_use]
    pub fn most_clusters(class_count: u32) -> u32 {
        // Some room is left for brackets, and for what does not grow.
        (VALUE_LIMIT as u64 / (2 * u64::from(class_count) + 4)).saturating_sub(16) as u32
    }
}

impl Document for ClusterMetrics {
    const KIND: &'static str = "clustering figures";

    fn check(&self) -> Result<(), String> {
        agreement::of_clusters(self)
    }
}

/// Scores of one split's clusters, all in [0, 1] unless said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterSplitMetrics {
    /// Images.
    pub count: u64,
    /// Share of images whose cluster's majority name is their class (the report's accuracy).
    #[serde(deserialize_with = "share")]
    pub majority_accuracy: f64,
    /// Share of images whose cluster's one-to-one name is their class.
    #[serde(deserialize_with = "share")]
    pub one_to_one_accuracy: f64,
    /// Normalized mutual information of clusters and classes, arithmetic mean.
    #[serde(deserialize_with = "share")]
    pub normalized_mutual_information: f64,
    /// Adjusted Rand index of clusters and classes, in [−1, 1].
    #[serde(deserialize_with = "coefficient")]
    pub adjusted_rand_index: f64,
    /// Sum of squared distances to the nearest centroid.
    #[serde(deserialize_with = "not_negative")]
    pub inertia: f64,
    /// Cohesion against separation; `null` where it is undefined.
    pub silhouette: Option<SilhouetteMetrics>,
    /// Images of each cluster (row) and true class (column).
    pub cluster_by_class: Vec<Vec<u64>>,
}

/// A sampled silhouette.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SilhouetteMetrics {
    /// Mean silhouette coefficient, in [−1, 1].
    #[serde(deserialize_with = "coefficient")]
    pub mean: f64,
    /// Images it was taken over.
    pub sample_size: u64,
}

/// What latent-classify reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassifyMetrics {
    /// Epochs trained.
    pub epochs: u32,
    /// Figures of each split after the last epoch, by name.
    pub splits: BTreeMap<String, ClassifySplitMetrics>,
}

impl Document for ClassifyMetrics {
    const KIND: &'static str = "classifier figures";

    fn check(&self) -> Result<(), String> {
        agreement::of_classes(self)
    }
}

/// A classifier's figures on one split, in inference mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassifySplitMetrics {
    /// Images.
    pub count: u64,
    /// Mean cross-entropy in nats.
    #[serde(deserialize_with = "not_negative")]
    pub loss: f64,
    /// Share of images classified right.
    #[serde(deserialize_with = "share")]
    pub accuracy: f64,
    /// Images of each true class (row) and predicted class (column).
    pub confusion: Vec<Vec<u64>>,
    /// Figures of each class.
    pub classes: Vec<ClassMetrics>,
}

/// A classifier's figures for one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// The class.
    pub class: u8,
    /// Share of the images predicted so that are; `null` where none was predicted so.
    #[serde(default, deserialize_with = "optional_share")]
    pub precision: Option<f64>,
    /// Share of the images that are so that were predicted so; `null` where there is none.
    #[serde(default, deserialize_with = "optional_share")]
    pub recall: Option<f64>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::document::{read_document, write_document};

    #[test]
    fn figures_that_no_run_can_have_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.json");
        let split = ClassifySplitMetrics {
            count: 2,
            loss: 0.25,
            accuracy: 1.0,
            confusion: vec![vec![2]],
            classes: vec![ClassMetrics { class: 0, precision: Some(1.0), recall: None }],
        };
        let sound = ClassifyMetrics { epochs: 1, splits: BTreeMap::from([("test".to_owned(), split)]) };
        write_document(&path, &sound).unwrap();
        assert_eq!(read_document::<ClassifyMetrics>(&path).unwrap(), sound);
        let text = std::fs::read_to_string(&path).unwrap();
        for (figure, impossible, expected) in [
            ("\"accuracy\": 1.0", "\"accuracy\": 5.0", "a share from 0 to 1, found 5"),
            ("\"precision\": 1.0", "\"precision\": -1.0", "a share from 0 to 1, found -1"),
            ("\"loss\": 0.25", "\"loss\": -0.25", "a number from 0 up, found -0.25"),
        ] {
            assert!(text.contains(figure), "{text}");
            std::fs::write(&path, text.replace(figure, impossible)).unwrap();
            let error = read_document::<ClassifyMetrics>(&path).unwrap_err().to_string();
            assert!(error.contains("metrics.json") && error.contains(expected), "{error}");
        }
        // What is not known may be left out, as older programs did.
        std::fs::write(&path, text.replace(",\n          \"recall\": null", "")).unwrap();
        assert_eq!(read_document::<ClassifyMetrics>(&path).unwrap(), sound);
    }
    #[test]
    fn as_many_clusters_as_are_let_in_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.json");
        let is_written = |class_count: u32, cluster_count: u32| {
            let clusters = cluster_count as usize;
            let split = ClusterSplitMetrics {
                count: 0,
                majority_accuracy: 1.0,
                one_to_one_accuracy: 1.0,
                normalized_mutual_information: 1.0,
                adjusted_rand_index: 1.0,
                inertia: 0.0,
                silhouette: None,
                cluster_by_class: vec![vec![0; class_count as usize]; clusters],
            };
            let metrics = ClusterMetrics {
                cluster_count,
                majority_names: vec![None; clusters],
                one_to_one_names: vec![None; clusters],
                splits: ["train", "test"].map(|name| (name.to_owned(), split.clone())).into(),
            };
            write_document(&path, &metrics).is_ok() && read_document::<ClusterMetrics>(&path).unwrap() == metrics
        };
        for class_count in [1, 2, 10, 256] {
            let most = ClusterMetrics::most_clusters(class_count);
            assert!(is_written(class_count, most), "{class_count} classes, {most} clusters");
        }
        assert!(!is_written(10, 24_000));
    }
}

//! The figures that the tables compare. What people call them is in [`figure_name`](crate::figure_name).

use run_store::{ModelKind, Stage};
use serde::{Deserialize, Serialize};

/// A figure of a run. Its name in files is its variant in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Share of training images whose K-means cluster is named after their digit, each cluster bearing its most common one.
    MajorityAccuracyTrain,
    /// The same, each digit naming one cluster.
    OneToOneAccuracyTrain,
    /// Normalized mutual information of clusters and digits on the training images, in [0, 1].
    NormalizedMutualInformationTrain,
    /// Share of training images that the classifier on the latents gets right.
    ClassifierAccuracyTrain,
    /// The same for test images.
    ClassifierAccuracyTest,
    /// The autoencoder's mean loss in its last epoch, while it trained; of a refined one, after it.
    LossTrain,
    /// The autoencoder's mean loss over the test images.
    LossTest,
    /// Mean squared error of the test images' pixels in [0, 1].
    MeanSquaredErrorTest,
    /// A variational autoencoder's mean negative evidence lower bound in its last epoch, while it trained, in nats an image.
    NegativeElboTrain,
    /// The same over the test images.
    NegativeElboTest,
    /// The part of it that is cross-entropy of pixels.
    ReconstructionNatsTest,
    /// The part of it that is divergence from the prior.
    KlNatsTest,
    /// How many of the first 16 test images can be read once they are redrawn.
    SheetReadable,
    /// Share of all test images that can be.
    ReadableShare,
    /// Binary cross-entropy of the redrawn test images, in nats a pixel.
    BinaryCrossEntropyTest,
    /// Their mean peak signal-to-noise ratio, in dB.
    PeakSignalToNoiseRatioTest,
    /// Their mean structural similarity, in [−1, 1].
    StructuralSimilarityTest,
}

impl Figure {
    /// Every figure, in the order of the tables.
    pub const ALL: [Self; 17] = [
        Self::MajorityAccuracyTrain,
        Self::OneToOneAccuracyTrain,
        Self::NormalizedMutualInformationTrain,
        Self::ClassifierAccuracyTrain,
        Self::ClassifierAccuracyTest,
        Self::LossTrain,
        Self::LossTest,
        Self::MeanSquaredErrorTest,
        Self::NegativeElboTrain,
        Self::NegativeElboTest,
        Self::ReconstructionNatsTest,
        Self::KlNatsTest,
        Self::SheetReadable,
        Self::ReadableShare,
        Self::BinaryCrossEntropyTest,
        Self::PeakSignalToNoiseRatioTest,
        Self::StructuralSimilarityTest,
    ];

    /// The stage that measures it.
    #[must_use]
    pub fn stage(self) -> Stage {
        match self {
            Self::MajorityAccuracyTrain | Self::OneToOneAccuracyTrain | Self::NormalizedMutualInformationTrain => {
                Stage::ClusterEval
            }
            Self::ClassifierAccuracyTrain | Self::ClassifierAccuracyTest => Stage::LatentClassify,
            Self::LossTrain
            | Self::LossTest
            | Self::MeanSquaredErrorTest
            | Self::NegativeElboTrain
            | Self::NegativeElboTest
            | Self::ReconstructionNatsTest
            | Self::KlNatsTest => Stage::AeTrain,
            Self::SheetReadable
            | Self::ReadableShare
            | Self::BinaryCrossEntropyTest
            | Self::PeakSignalToNoiseRatioTest
            | Self::StructuralSimilarityTest => Stage::ReconEval,
        }
    }

    /// Whether runs of `model` have it, where the model is known: a lower bound is another loss in another unit.
    #[must_use]
    pub fn is_of(self, model: Option<&str>) -> bool {
        let is_variational = model.and_then(|model| model.parse().ok()).map(ModelKind::is_variational);
        match self {
            Self::LossTrain | Self::LossTest => is_variational != Some(true),
            Self::NegativeElboTrain | Self::NegativeElboTest | Self::ReconstructionNatsTest | Self::KlNatsTest => {
                is_variational == Some(true)
            }
            _ => true,
        }
    }

    /// Whether it is a loss of whatever kind the training was told to lower.
    #[must_use]
    pub fn is_of_loss(self) -> bool {
        matches!(self, Self::LossTrain | Self::LossTest)
    }

    /// Whether it is a share of images, which people read in per cent.
    #[must_use]
    pub fn is_share(self) -> bool {
        matches!(
            self,
            Self::MajorityAccuracyTrain
                | Self::OneToOneAccuracyTrain
                | Self::ClassifierAccuracyTrain
                | Self::ClassifierAccuracyTest
                | Self::ReadableShare
        )
    }

    /// Half of the last digit's unit in [`text`](Self::text), in the figure's own unit: how far a printed value may be
    /// from the one that was measured.
    #[must_use]
    pub fn rounding(self) -> f64 {
        let scale = if self.is_share() { 100.0 } else { 1.0 };
        0.5 * 0.1_f64.powi(i32::from(self.decimals())) / scale
    }

    /// The value as people read it: shares in per cent.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        self.value_text(value, self.decimals())
    }

    /// A difference or a deviation in the same unit, with so many digits after the point.
    pub(crate) fn text_with(self, value: f64, decimals: u8) -> String {
        let value = self.as_read(value);
        // A count is whole, its mean over runs need not be.
        let decimals = if self == Self::SheetReadable && value.fract() == 0.0 { 0 } else { decimals };
        format!("{value:.*}", usize::from(decimals))
    }

    /// The value in the unit that people read it in: per cent or percentage points for a share.
    #[must_use]
    pub fn as_read(self, value: f64) -> f64 {
        if self.is_share() { 100.0 * value } else { value }
    }

    /// Digits after the point.
    pub(crate) fn decimals(self) -> u8 {
        match self {
            Self::NormalizedMutualInformationTrain | Self::StructuralSimilarityTest => 3,
            Self::LossTrain | Self::LossTest | Self::MeanSquaredErrorTest | Self::BinaryCrossEntropyTest => 4,
            Self::PeakSignalToNoiseRatioTest => 2,
            _ => 1,
        }
    }
}

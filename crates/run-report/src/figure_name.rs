//! What figures are called where people name them, in which unit they read them, and which way is better.

use serde::{Deserialize, Serialize};

use stage_cli::per_cent;

use crate::figure::Figure;

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// As with accuracies.
    Higher,
    /// As with losses.
    Lower,
}

impl Figure {
    /// A value as people read it, with so many digits after the point. Unlike a difference or a deviation, a share that is not all of
    /// something is not rounded to it.
    pub(crate) fn value_text(self, value: f64, decimals: u8) -> String {
        if self.is_share() { per_cent(value, decimals) } else { self.text_with(value, decimals) }
    }

    /// Its short name: what is judged, a dot, and by what.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MajorityAccuracyTrain => "cluster.accuracy",
            Self::OneToOneAccuracyTrain => "cluster.one_to_one",
            Self::NormalizedMutualInformationTrain => "cluster.nmi",
            Self::ClassifierAccuracyTrain => "classifier.train_accuracy",
            Self::ClassifierAccuracyTest => "classifier.test_accuracy",
            Self::LossTrain => "train.loss",
            Self::LossTest => "test.loss",
            Self::MeanSquaredErrorTest => "test.mse",
            Self::NegativeElboTrain => "elbo.train_loss",
            Self::NegativeElboTest => "elbo.test_loss",
            Self::ReconstructionNatsTest => "elbo.test_reconstruction",
            Self::KlNatsTest => "elbo.test_kl",
            Self::SheetReadable => "readable.sheet",
            Self::ReadableShare => "readable.share",
            Self::BinaryCrossEntropyTest => "test.bce",
            Self::PeakSignalToNoiseRatioTest => "test.psnr",
            Self::StructuralSimilarityTest => "test.ssim",
        }
    }

    /// The figure that is called `name`.
    ///
    /// # Errors
    /// There is none; the message lists those that there are.
    pub fn named(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|figure| figure.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            format!("there is no figure `{name}`; there are {}", names.join(", "))
        })
    }

    /// What it counts, in the unit that people read it in.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::MajorityAccuracyTrain => "% of training images, by majority",
            Self::OneToOneAccuracyTrain => "% of training images, one to one",
            Self::ClassifierAccuracyTrain => "% of training images",
            Self::ClassifierAccuracyTest | Self::ReadableShare => "% of test images",
            Self::NormalizedMutualInformationTrain => "0 to 1",
            Self::LossTrain => "of training images, last epoch",
            Self::LossTest => "after it, of test images",
            Self::MeanSquaredErrorTest => "of pixels in [0, 1]",
            Self::NegativeElboTrain | Self::NegativeElboTest | Self::ReconstructionNatsTest | Self::KlNatsTest => {
                "nats an image"
            }
            Self::SheetReadable => "of the first 16 test images",
            Self::BinaryCrossEntropyTest => "nats a pixel",
            Self::PeakSignalToNoiseRatioTest => "dB",
            Self::StructuralSimilarityTest => "-1 to 1",
        }
    }

    /// Which way is better. None where neither is by itself: a divergence from the prior is the price of a better picture.
    #[must_use]
    pub fn direction(self) -> Option<Direction> {
        match self {
            Self::MajorityAccuracyTrain
            | Self::OneToOneAccuracyTrain
            | Self::NormalizedMutualInformationTrain
            | Self::ClassifierAccuracyTrain
            | Self::ClassifierAccuracyTest
            | Self::SheetReadable
            | Self::ReadableShare
            | Self::PeakSignalToNoiseRatioTest
            | Self::StructuralSimilarityTest => Some(Direction::Higher),
            Self::LossTrain
            | Self::LossTest
            | Self::MeanSquaredErrorTest
            | Self::NegativeElboTrain
            | Self::NegativeElboTest
            | Self::ReconstructionNatsTest
            | Self::BinaryCrossEntropyTest => Some(Direction::Lower),
            Self::KlNatsTest => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_share_that_is_not_all_is_not_rounded_to_it_and_a_difference_is() {
        let accuracy = Figure::ClassifierAccuracyTest;
        assert_eq!([accuracy.value_text(0.9996, 1), accuracy.text_with(0.9996, 1)], ["99.96", "100.0"]);
        assert_eq!(Figure::MeanSquaredErrorTest.value_text(0.9996, 2), "1.00");
    }

    #[test]
    fn every_figure_is_found_by_its_name() {
        let names: BTreeSet<&str> = Figure::ALL.into_iter().map(Figure::name).collect();
        assert_eq!(names.len(), Figure::ALL.len());
        for figure in Figure::ALL {
            assert_eq!(Figure::named(figure.name()), Ok(figure));
        }
        let error = Figure::named("cluster.acc").unwrap_err();
        assert!(error.contains("`cluster.acc`") && names.iter().all(|name| error.contains(name)), "{error}");
    }

    #[test]
    fn what_is_a_loss_is_better_lower() {
        let of = |name| Figure::named(name).unwrap().direction();
        assert_eq!(of("cluster.accuracy"), Some(Direction::Higher));
        assert_eq!(of("test.psnr"), Some(Direction::Higher));
        assert_eq!(of("test.mse"), Some(Direction::Lower));
        assert_eq!(of("elbo.test_reconstruction"), Some(Direction::Lower));
        assert_eq!(of("elbo.test_kl"), None);
    }
}

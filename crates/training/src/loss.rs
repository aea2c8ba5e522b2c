//! How far a reconstruction is from its image.

use run_store::named_choice;
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

/// A loss between logits and images, a mean over all pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReconstructionLoss {
    /// Binary cross-entropy, in nats a pixel, taken from the logits, where it is exact for every value.
    Bce,
    /// Mean squared error.
    Mse,
}

impl ReconstructionLoss {
    /// The mean loss of N × pixels `logits`, whose sigmoid should be `images` in [0, 1].
    pub fn mean(self, logits: &Tensor, images: &Tensor) -> Tensor {
        match self {
            Self::Bce => logits.binary_cross_entropy_with_logits::<&Tensor>(images, None, None, Reduction::Mean),
            Self::Mse => (logits.sigmoid() - images).square().mean(Kind::Float),
        }
    }
}

named_choice!(ReconstructionLoss { Bce => "bce", Mse => "mse" });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_formulas() {
        let (logits, images) = ([0.3_f32, -1.2, 40.0], [0.0_f32, 0.25, 1.0]);
        let sigmoid = |x: f32| 1.0 / (1.0 + f64::from(-x).exp());
        let pairs = || logits.into_iter().map(sigmoid).zip(images.map(f64::from));
        let bce = pairs().take(2).map(|(p, t)| -t * p.ln() - (1.0 - t) * (1.0 - p).ln()).sum::<f64>() / 3.0;
        let mse = pairs().map(|(p, t)| (p - t) * (p - t)).sum::<f64>() / 3.0;
        let of = |loss: ReconstructionLoss| {
            loss.mean(&Tensor::from_slice(&logits), &Tensor::from_slice(&images)).double_value(&[])
        };
        assert!((of(ReconstructionLoss::Bce) - bce).abs() < 1e-6);
        assert!((of(ReconstructionLoss::Mse) - mse).abs() < 1e-6);
    }
}

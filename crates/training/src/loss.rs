//! How far a reconstruction is from its image.

use autoencoders::Encoding;
use run_store::{ElboParts, named_choice};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

/// What training lowers: a function of images and what became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Binary cross-entropy, in nats a pixel, taken from the logits, where it is exact for every value.
    Bce,
    /// Mean squared error.
    Mse,
    /// The negative evidence lower bound (Kingma & Welling 2014), in nats an image: binary cross-entropy summed over pixels,
    /// and the divergence of the latent's Gaussian from the prior. For variational models.
    Elbo,
}

named_choice!(Loss { Bce => "bce", Mse => "mse", Elbo => "elbo" });

/// A loss, read from the device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossValue {
    /// What training lowers.
    pub total: f64,
    /// What it is made of, if it is a negative evidence lower bound.
    pub elbo: Option<ElboParts>,
}

impl Loss {
    /// The mean loss of N images in [0, 1], N × pixels, whose `encoding` was drawn from and decoded to N × pixels `logits`:
    /// the loss, and behind it the parts that it is the sum of, if it has any. So sums over batches are one operation.
    pub fn terms(self, logits: &Tensor, images: &Tensor, encoding: &Encoding) -> Tensor {
        match (self, &encoding.log_variance) {
            (Self::Mse, _) => mean_squared_error(logits, images).view(1),
            (Self::Elbo, Some(log_variance)) => {
                let count = images.size()[0] as f64;
                let reconstruction = binary_cross_entropy(logits, images, Reduction::Sum) / count;
                let divergence = divergence_from_prior(&encoding.mean, log_variance) / count;
                Tensor::stack(&[&reconstruction + &divergence, reconstruction, divergence], 0)
            }
            // Without a Gaussian there is no divergence.
            (Self::Bce | Self::Elbo, _) => binary_cross_entropy(logits, images, Reduction::Mean).view(1),
        }
    }
}

impl LossValue {
    /// The loss whose [`terms`](Loss::terms) are `terms` · `scale`.
    #[must_use]
    pub fn of(terms: &Tensor, scale: f64) -> Self {
        let term = |index: i64| terms.double_value(&[index]) * scale;
        // A divergence of almost nothing may round to less than nothing.
        let divergence = || if term(2) < 0.0 { 0.0 } else { term(2) };
        let elbo = (terms.numel() > 1).then(|| ElboParts { reconstruction_nats: term(1), kl_nats: divergence() });
        Self { total: term(0), elbo }
    }
}

/// The mean over all pixels of N × pixels `logits`, whose sigmoid should be `images` in [0, 1].
pub fn mean_squared_error(logits: &Tensor, images: &Tensor) -> Tensor {
    (logits.sigmoid() - images).square().mean(Kind::Float)
}

fn binary_cross_entropy(logits: &Tensor, images: &Tensor, reduction: Reduction) -> Tensor {
    logits.binary_cross_entropy_with_logits::<&Tensor>(images, None, None, reduction)
}

/// The Kullback–Leibler divergence of Gaussians with independent coordinates from the standard one, ½ Σ (μ² + σ² − 1 − ln σ²),
/// summed over images too.
fn divergence_from_prior(mean: &Tensor, log_variance: &Tensor) -> Tensor {
    (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(Kind::Float) * 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sigmoid(x: f32) -> f64 {
        1.0 / (1.0 + f64::from(-x).exp())
    }

    #[test]
    fn values_are_those_of_the_formulas() {
        let (logits, images) = ([0.3_f32, -1.2, 40.0], [0.0_f32, 0.25, 1.0]);
        let pairs = || logits.into_iter().map(sigmoid).zip(images.map(f64::from));
        let bce = pairs().take(2).map(|(p, t)| -t * p.ln() - (1.0 - t) * (1.0 - p).ln()).sum::<f64>() / 3.0;
        let mse = pairs().map(|(p, t)| (p - t) * (p - t)).sum::<f64>() / 3.0;
        let encoding = Encoding { mean: Tensor::from_slice(&[0.0_f32]), log_variance: None };
        let of = |loss: Loss| {
            let terms = loss.terms(&Tensor::from_slice(&logits), &Tensor::from_slice(&images), &encoding);
            LossValue::of(&terms, 1.0)
        };
        assert!((of(Loss::Bce).total - bce).abs() < 1e-6 && of(Loss::Bce).elbo.is_none());
        assert!((of(Loss::Mse).total - mse).abs() < 1e-6);
    }

    #[test]
    fn a_divergence_is_never_less_than_nothing() {
        let of = |divergence: f64| {
            LossValue::of(&Tensor::from_slice(&[5.0, 5.0, divergence]), 1.0).elbo.map(|parts| parts.kl_nats)
        };
        assert_eq!([of(-6e-8), of(0.25)], [Some(0.0), Some(0.25)]);
        assert!(of(f64::NAN).is_some_and(f64::is_nan));
    }

    /// Against the integral that the divergence is: E[ln q(z) − ln p(z)] under q, by midpoints over ten deviations each way.
    #[test]
    fn the_divergence_is_its_integral() {
        let (mean, log_variance) = ([0.7_f64, -1.5, 0.0, 0.1], [-0.8_f64, 0.4, 0.0, -3.0]);
        let integral = |mean: f64, deviation: f64| {
            let steps = 20_000;
            let width = 20.0 * deviation / f64::from(steps);
            let log_density = |z: f64, mean: f64, deviation: f64| {
                -0.5 * ((z - mean) / deviation).powi(2) - deviation.ln() - 0.5 * std::f64::consts::TAU.ln()
            };
            let points = (0..steps).map(|step| mean - 10.0 * deviation + width * (f64::from(step) + 0.5));
            let term = |z| {
                let own = log_density(z, mean, deviation);
                own.exp() * (own - log_density(z, 0.0, 1.0)) * width
            };
            points.map(term).sum::<f64>()
        };
        let expected: f64 = mean.iter().zip(log_variance).map(|(m, v)| integral(*m, (v / 2.0).exp())).sum();
        // Two images of two coordinates.
        let rows = |values: [f64; 4]| Tensor::from_slice(&values.map(|value| value as f32)).view([2, 2]);
        let encoding = Encoding { mean: rows(mean), log_variance: Some(rows(log_variance)) };
        let (logits, images) = ([0.3_f32, -1.2, 2.0, 0.1], [0.0_f32, 0.25, 1.0, 0.5]);
        let tensor = |values: &[f32]| Tensor::from_slice(values).view([2, 2]);
        let value = LossValue::of(&Loss::Elbo.terms(&tensor(&logits), &tensor(&images), &encoding), 1.0);
        let parts = value.elbo.unwrap_or(ElboParts { reconstruction_nats: 0.0, kl_nats: 0.0 });
        assert!((parts.kl_nats - expected / 2.0).abs() < 1e-5, "{parts:?}, expected {}", expected / 2.0);
        let pixel = |(logit, t): (&f32, &f32)| {
            -f64::from(*t) * sigmoid(*logit).ln() - f64::from(1.0 - t) * (1.0 - sigmoid(*logit)).ln()
        };
        let reconstruction = logits.iter().zip(&images).map(pixel).sum::<f64>() / 2.0;
        assert!((parts.reconstruction_nats - reconstruction).abs() < 1e-5);
        assert!((value.total - parts.reconstruction_nats - parts.kl_nats).abs() < 1e-5);
    }
}

//! What a step lowers: the loss of the reconstruction, and for a tuned training a second loss on two views of each image.

use autoencoders::{Autoencoder, Encoding, Mode};
use serde::Serialize;
use tch::{Kind, Tensor};
use training::{Augmentation, Contrast};

use crate::config::Protocol;

/// A second loss, on the latents of two views of each image: the image, and the image under a random map. What both share is
/// most of what tells digits apart, so it is what the latents come to spread over; the reconstruction keeps the rest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ContrastProtocol {
    /// Its weight at the first step.
    pub weight: f64,
    /// Its weight at the last.
    pub final_weight: f64,
    /// How the weight falls between: the difference is multiplied by the part of the training that is left, to this power.
    pub decay_power: f64,
    /// The part of the training after which nearest neighbours count as views, in [0, 1].
    pub neighbours_from: f64,
    /// The length that latents are drawn to: the contrast is of directions only, and K-means is not.
    pub radius: f64,
    /// The weight of the mean squared relative difference of their lengths from it.
    pub radius_weight: f64,
    /// The contrast itself.
    #[serde(flatten)]
    pub contrast: Contrast,
    /// The random maps.
    #[serde(flatten)]
    pub augmentation: Augmentation,
}

impl ContrastProtocol {
    /// Its weight where `part` of the training, in [0, 1], is done.
    fn weight_at(&self, part: f64) -> f64 {
        self.final_weight + (self.weight - self.final_weight) * (1.0 - part).powf(self.decay_power)
    }

    /// The second loss of N views and N others, 2 N × latent, where `part` of the training is done.
    fn of(&self, views: &Tensor, part: f64) -> Tensor {
        let neighbour_share = if part >= self.neighbours_from { self.contrast.neighbour_share } else { 0.0 };
        let count = views.size()[0] / 2;
        let contrast = Contrast { neighbour_share, ..self.contrast };
        let weighted = contrast.of(&views.narrow(0, 0, count), &views.narrow(0, count, count)) * self.weight_at(part);
        let lengths = views.norm_scalaropt_dim(2.0, [1], false);
        weighted + (lengths / self.radius - 1.0).square().mean(Kind::Float) * self.radius_weight
    }
}

/// The terms of the loss of `images`, N × pixels in [0, 1], and what a step lowers, where `part` of the training is done.
pub(crate) fn objective(model: &Autoencoder, protocol: &Protocol, images: &Tensor, part: f64) -> (Tensor, Tensor) {
    let Some(contrast) = &protocol.contrast else {
        let terms = terms(model, protocol, images, &model.encode(images, Mode::Training));
        let total = terms.get(0);
        return (terms, total);
    };
    let (height, width) = (model.description().image_height, model.description().image_width);
    let other_views = contrast.augmentation.apply(images, i64::from(height), i64::from(width));
    let views = model.encode(&Tensor::cat(&[images, &other_views], 0), Mode::Training).mean;
    let encoding = Encoding { mean: views.narrow(0, 0, images.size()[0]), log_variance: None };
    let terms = terms(model, protocol, images, &encoding);
    let total = terms.get(0) + contrast.of(&views, part);
    (terms, total)
}

fn terms(model: &Autoencoder, protocol: &Protocol, images: &Tensor, encoding: &Encoding) -> Tensor {
    let logits = model.decode_logits(&encoding.sample(), Mode::Training);
    protocol.loss.terms(&logits, images, encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_falls_as_said() {
        let augmentation = Augmentation::NONE;
        let protocol = ContrastProtocol {
            weight: 0.2,
            final_weight: 0.1,
            decay_power: 2.0,
            neighbours_from: 0.5,
            radius: 2.0,
            radius_weight: 0.0,
            contrast: Contrast { temperature: 0.2, neighbours: 1, neighbour_share: 0.5 },
            augmentation,
        };
        for (part, weight) in [(0.0, 0.2), (0.5, 0.125), (1.0, 0.1)] {
            assert!((protocol.weight_at(part) - weight).abs() < 1e-12);
        }
        // Lengths of 1, where 2 are wanted, cost, whatever the directions.
        let views = Tensor::from_slice(&[1.0_f32, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 2.0]).view([4, 2]);
        let cost = |radius_weight| ContrastProtocol { radius_weight, ..protocol }.of(&views, 0.0).double_value(&[]);
        assert!((cost(3.0) - cost(0.0) - 3.0 * 0.25 / 2.0).abs() < 1e-5);
    }
}

//! A loss on latents alone: two views of one image lie together, views of different images apart.

use serde::Serialize;
use tch::{Kind, Tensor};

/// Normalised temperature-scaled cross-entropy (NT-Xent; Chen et al. 2020, "A simple framework for contrastive learning of
/// visual representations"), where an image's nearest neighbours in the batch count as further views of it (after Dwibedi et
/// al. 2021, "With a little help from my friends").
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Contrast {
    /// Divides cosine similarities: the lower it is, the more the nearest others matter.
    pub temperature: f64,
    /// How many nearest neighbours count as views.
    pub neighbours: u32,
    /// The part of the loss that is theirs, in [0, 1].
    pub neighbour_share: f64,
}

impl Contrast {
    /// The mean over N images of which `one` and `other`, N × latent each, are views.
    pub fn of(&self, one: &Tensor, other: &Tensor) -> Tensor {
        let count = one.size()[0];
        let views = Tensor::cat(&[one, other], 0);
        let norms = views.norm_scalaropt_dim(2.0, [1], true).clamp_min(1e-12);
        let directions = views / norms;
        // No view is to be told from itself.
        let own = Tensor::eye(2 * count, (Kind::Bool, directions.device()));
        let similarities =
            (directions.matmul(&directions.tr()) / self.temperature).masked_fill(&own, f64::NEG_INFINITY);
        let partners = (Tensor::arange(2 * count, (Kind::Int64, similarities.device())) + count).remainder(2 * count);
        let log_probabilities = similarities.log_softmax(1, Kind::Float);
        let partner = partners.unsqueeze(1);
        let own_view = -log_probabilities.gather(1, &partner, false).mean(Kind::Float);
        // One image has no neighbours, as the last of a batch may be.
        if self.neighbour_share == 0.0 || count < 2 {
            return own_view;
        }
        let others = similarities.detach().scatter_value(1, &partner, f64::NEG_INFINITY);
        let neighbours = i64::from(self.neighbours).min(2 * count - 2).max(1);
        let (_, nearest) = others.topk(neighbours, 1, true, false);
        let of_neighbours = -log_probabilities.gather(1, &nearest, false).mean(Kind::Float);
        own_view * (1.0 - self.neighbour_share) + of_neighbours * self.neighbour_share
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use tch::Device;

    /// The definition, one pair after the other.
    fn by_hand(contrast: Contrast, one: &[[f64; 2]], other: &[[f64; 2]]) -> f64 {
        let views: Vec<[f64; 2]> = one.iter().chain(other).copied().collect();
        let similarity = |a: [f64; 2], b: [f64; 2]| {
            (a[0] * b[0] + a[1] * b[1]) / a[0].hypot(a[1]) / b[0].hypot(b[1]) / contrast.temperature
        };
        let count = one.len();
        let loss = |view: usize| {
            let others = (0..views.len()).filter(|other| *other != view);
            let total: f64 = others.clone().map(|other| similarity(views[view], views[other]).exp()).sum();
            let term = |other: usize| total.ln() - similarity(views[view], views[other]);
            let partner = (view + count) % views.len();
            let mut nearest: Vec<usize> = others.filter(|other| *other != partner).collect();
            nearest.sort_by(|a, b| similarity(views[view], views[*b]).total_cmp(&similarity(views[view], views[*a])));
            nearest.truncate(contrast.neighbours as usize);
            let of_neighbours = nearest.iter().map(|other| term(*other)).sum::<f64>() / nearest.len() as f64;
            (1.0 - contrast.neighbour_share) * term(partner) + contrast.neighbour_share * of_neighbours
        };
        (0..views.len()).map(loss).sum::<f64>() / views.len() as f64
    }

    #[test]
    fn one_image_is_told_from_nothing() {
        let contrast = Contrast { temperature: 0.2, neighbours: 1, neighbour_share: 0.5 };
        let view = Tensor::from_slice(&[1.0_f32, 0.2]).view([1, 2]);
        assert_eq!(contrast.of(&view, &(&view * -1.0)).double_value(&[]), 0.0);
    }

    #[test]
    fn values_are_those_of_the_definition() {
        let one = [[1.0, 0.2], [-0.5, 1.5], [0.3, -2.0]];
        let other = [[0.8, 0.1], [-0.7, 0.9], [-0.4, -1.0]];
        let tensor = |rows: &[[f64; 2]]| Tensor::from_slice2(rows).to_kind(Kind::Float);
        for (neighbours, neighbour_share) in [(1, 0.0), (1, 0.5), (2, 0.3)] {
            let contrast = Contrast { temperature: 0.2, neighbours, neighbour_share };
            let found = contrast.of(&tensor(&one), &tensor(&other)).double_value(&[]);
            let expected = by_hand(contrast, &one, &other);
            assert!((found - expected).abs() < 1e-5, "expected {expected}, found {found}");
        }
    }

    /// A step against the gradient brings two views of an image nearer to each other than to others.
    #[test]
    fn its_gradient_pulls_views_together() {
        tch::manual_seed(3);
        let contrast = Contrast { temperature: 0.5, neighbours: 1, neighbour_share: 0.0 };
        let one = Tensor::randn([8, 4], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let other = Tensor::randn([8, 4], (Kind::Float, Device::Cpu));
        let loss = contrast.of(&one, &other);
        let gradient = Tensor::run_backward(&[&loss], &[&one], false, false).pop().unwrap();
        let moved = tch::no_grad(|| contrast.of(&(&one - gradient * 0.5), &other));
        assert!(moved.double_value(&[]) < loss.double_value(&[]));
    }
}

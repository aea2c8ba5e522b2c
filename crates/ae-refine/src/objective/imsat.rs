//! Information-maximising self-augmented training (Hu et al. 2017, "Learning discrete representations via information maximizing
//! self-augmented training"), where a random map of the image is the augmentation.

use serde::Serialize;
use tch::{Kind, Tensor};

/// The weights of the objective's parts. It lowers R − λ (μ H(Y) − H(Y|X)), of which R is the divergence of a moved image's
/// assignment from the image's own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Imsat {
    /// λ: the weight of the information between image and cluster.
    pub information_weight: f64,
    /// μ: the weight of the clusters' entropy within it; above 1 it holds clusters to one size.
    pub marginal_weight: f64,
}

impl Imsat {
    /// The loss of one head on a batch, from its N × clusters logits of images and of moved images.
    pub(crate) fn loss(&self, logits: &Tensor, moved_logits: &Tensor) -> Tensor {
        let log_assigned = logits.log_softmax(1, Kind::Float);
        let assigned = log_assigned.exp();
        let mean_entropy = entropy(&assigned, &log_assigned).mean(Kind::Float);
        let marginal = assigned.mean_dim([0].as_slice(), false, Kind::Float);
        // What an image is assigned to is what its moved form should be, and not the other way round.
        let (aim, log_aim) = (assigned.detach(), log_assigned.detach());
        let divergence = (&aim * (log_aim - moved_logits.log_softmax(1, Kind::Float)))
            .sum_dim_intlist([1].as_slice(), false, Kind::Float)
            .mean(Kind::Float);
        divergence - self.information(&marginal, &mean_entropy) * self.information_weight
    }

    /// μ H(Y) − H(Y|X), in nats, of heads whose assignments have the means `marginal`, … × clusters, and mean entropies
    /// `mean_entropy`, ….
    pub(crate) fn information(&self, marginal: &Tensor, mean_entropy: &Tensor) -> Tensor {
        let log_marginal = marginal.clamp_min(f64::from(f32::MIN_POSITIVE)).log();
        entropy(marginal, &log_marginal) * self.marginal_weight - mean_entropy
    }
}

/// The entropy along the last dimension, in nats.
pub(crate) fn entropy(probabilities: &Tensor, log_probabilities: &Tensor) -> Tensor {
    -(probabilities * log_probabilities).sum_dim_intlist([-1].as_slice(), false, Kind::Float)
}

//! Latents are told apart by their distances from fixed prototypes (Snell et al. 2017, "Prototypical networks for few-shot
//! learning"): where `aspc` draws all latents of a cluster together as hard as it can, this draws those that lie nearer to another.

use serde::Serialize;
use tch::{Kind, Tensor};

use super::dec::squared_distances;

/// How sharply distances tell latents apart, and what that counts for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prototypes {
    /// Its weight beside other objectives.
    pub prototype_weight: f64,
    /// What squared distances are divided by, in units of the prototypes' squared distance from the origin.
    pub prototype_temperature: f64,
}

impl Prototypes {
    /// The mean cross-entropy, in nats, of the softmax of negative squared distances of N × latent from clusters × latent (the
    /// paper's equation 2) with `names`, N of i64. `radius` is the prototypes' distance from the origin.
    pub(crate) fn loss(&self, latents: &Tensor, prototypes: &Tensor, names: &Tensor, radius: f64) -> Tensor {
        let logits = squared_distances(latents, prototypes) / -(self.prototype_temperature * radius * radius);
        logits.to_kind(Kind::Float).cross_entropy_for_logits(names)
    }
}

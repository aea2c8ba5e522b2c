//! Self-training with a noisy student (Xie et al. 2020, "Self-training with Noisy Student improves ImageNet classification"): a
//! network that begins anew learns from moved images what its teacher says of them as they are, and becomes the next teacher. Here
//! the first teacher is whatever found the clusters, and what a student says is the mean of what it sees in several views.

use serde::Serialize;
use tch::{Kind, Tensor};

/// How a student names images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Naming {
    /// Views of each image.
    pub views: u32,
    /// How far images are moved in these views, as a share of the augmentation.
    pub view_share: f64,
}

/// The mean cross-entropy, in nats, of N × clusters `logits` of moved images with the names, N of i64, that they are taught.
pub(crate) fn loss(logits: &Tensor, names: &Tensor) -> Tensor {
    logits.cross_entropy_for_logits(names)
}

/// N × clusters: the mean over views of the probabilities that N × clusters logits, one tensor a view, give.
pub(crate) fn assignment(views: impl IntoIterator<Item = Tensor>) -> Option<Tensor> {
    let (sum, count) = views.into_iter().fold((None, 0), |(sum, count), logits| {
        let probabilities = logits.softmax(1, Kind::Float);
        (Some(sum.map_or_else(|| probabilities.shallow_clone(), |sum: Tensor| sum + &probabilities)), count + 1)
    });
    sum.map(|sum| sum / f64::from(count))
}

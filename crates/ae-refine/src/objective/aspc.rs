//! Adaptive self-paced clustering with data augmentation (Guo et al. 2020, "Adaptive self-paced deep clustering with data
//! augmentation"): the latents of moved images approach their image's centre; images far from theirs wait until nearer ones are
//! there.

use tch::{Kind, Tensor};

/// Which images take part, N of 0 or 1, by their squared distances from their centres, N: those no farther than the mean and, more
/// of it the more of the phase is done, a standard deviation (the paper's equation 9). So images that are farther than both
/// together take part in no epoch, not even in the last, where `part` is 1.
pub(crate) fn taking_part(squared_distances: &Tensor, part: f64) -> Tensor {
    let mean = squared_distances.mean(Kind::Float);
    let deviation = squared_distances.std(false);
    squared_distances.le_tensor(&(mean + deviation * part)).to_kind(Kind::Float)
}

/// The mean over N images of the squared distances from their centres, N × latent, in units of `radius`², of those that take part.
pub(crate) fn loss(latents: &Tensor, centres: &Tensor, taking_part: &Tensor, radius: f64) -> Tensor {
    let distances = (latents - centres).square().sum_dim_intlist([1].as_slice(), false, Kind::Float);
    (distances * taking_part).mean(Kind::Float) / (radius * radius)
}

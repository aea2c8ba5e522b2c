//! Deep embedded clustering (Xie et al. 2016, "Unsupervised deep embedding for clustering analysis"): latents have a soft
//! assignment to centroids, and approach a sharpened form of it.

use tch::{Kind, Tensor};

/// N × latent, clusters × latent → N × clusters squared distances.
pub(crate) fn squared_distances(latents: &Tensor, centroids: &Tensor) -> Tensor {
    (latents.unsqueeze(1) - centroids.unsqueeze(0)).square().sum_dim_intlist([2].as_slice(), false, Kind::Float)
}

/// Student's t-distribution with one degree of freedom around each centroid: N × clusters, q of the paper's equation 1.
pub(crate) fn soft_assignment(latents: &Tensor, centroids: &Tensor) -> Tensor {
    let similarity = (squared_distances(latents, centroids) + 1.0).reciprocal();
    let total = similarity.sum_dim_intlist([1].as_slice(), true, Kind::Float);
    similarity / total
}

/// What `assigned`, N × clusters, should approach: its squares over each cluster's size, p of equation 3.
pub(crate) fn target_distribution(assigned: &Tensor) -> Tensor {
    let sharpened = assigned.square() / assigned.sum_dim_intlist([0].as_slice(), true, Kind::Float);
    let total = sharpened.sum_dim_intlist([1].as_slice(), true, Kind::Float);
    sharpened / total
}

/// The mean Kullback–Leibler divergence of `assigned` from `target`, both N × clusters, equation 2.
pub(crate) fn loss(target: &Tensor, assigned: &Tensor) -> Tensor {
    let log = |probabilities: &Tensor| probabilities.clamp_min(f64::from(f32::MIN_POSITIVE)).log();
    (target * (log(target) - log(assigned))).sum_dim_intlist([1].as_slice(), false, Kind::Float).mean(Kind::Float)
}

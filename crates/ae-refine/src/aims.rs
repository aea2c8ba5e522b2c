//! What the objectives of a phase have to know of all images.

use anyhow::anyhow;
use autoencoders::{Autoencoder, Mode};
use clustering::{FitOptions, KMeansError, fit, minimum_cost_assignment};
use tch::{Kind, Tensor, no_grad};
use training::{Batch, Batches};

use crate::config::Protocol;
use crate::names::{names, of_heads, taught};
use crate::objective::{Objective, aspc, centres, dec};
use crate::recipe::Place;
use crate::state::State;

/// Images that are encoded at once where nothing is learnt.
const ENCODED_AT_ONCE: i64 = 1000;
/// Fits of K-means that centroids begin with.
const RESTARTS: usize = 10;
/// The largest distance between a cluster and a centroid, in the steps in which they are compared.
const DISTANCE_STEPS: f64 = 1e9;

/// What was found out about all images, as they are, before an epoch: one row for each.
#[derive(Debug, Default)]
pub(crate) struct Aims {
    /// N × clusters: what soft assignments approach, for `dec`.
    pub target: Option<Tensor>,
    /// For `aspc` and `prototypes`.
    pub centred: Option<Centred>,
}

/// Fixed centres.
#[derive(Debug)]
pub(crate) struct Centred {
    /// Clusters × latent.
    pub centres: Tensor,
    /// Which is each image's, N of i64.
    pub named: Tensor,
    /// N of 0 or 1, whether it takes part in `aspc`.
    pub taking_part: Tensor,
}

/// Gives the centroids their places, for objectives that need some, and a student its first names: where a student or a trained head
/// has said in which cluster each image is, by that, else by K-means.
pub(crate) fn begin_phase(
    model: &Autoencoder,
    state: &mut State,
    (protocol, clusters): (&Protocol, u32),
    (epoch, place): (u32, Place<'_>),
    pixels: &Tensor,
) -> anyhow::Result<()> {
    if place.phase.has(Objective::Student) {
        let names = match names(model, state, &protocol.imsat, pixels) {
            Some(names) => names,
            None => {
                let latents = encode_all(model, pixels);
                nearest(&latents, &k_means(&latents, protocol.seed, clusters)?)
            }
        };
        if let Some(student) = &mut state.student {
            student.begin(protocol, epoch, &names);
        }
    }
    if !place.phase.has_centroids() {
        return Ok(());
    }
    let latents = encode_all(model, pixels);
    // What has been named is named as it was learnt, where K-means would have to find it in latents that no one has moved yet.
    let named = place.phase.has_fixed_centres().then(|| names(model, state, &protocol.imsat, pixels)).flatten();
    let centroids = match named {
        Some(named) => centres::spread(&means(&latents, &named, clusters), protocol.radius),
        None => k_means(&latents, protocol.seed, clusters)?,
    };
    state.heads.place_centroids(&centroids);
    Ok(())
}

/// The centroids, clusters × latent, that K-means finds among N × latent.
fn k_means(latents: &Tensor, seed: u64, clusters: u32) -> anyhow::Result<Tensor> {
    let (dimensions, device) = (latents.size()[1] as usize, latents.device());
    let latents = Vec::<f32>::try_from(latents.reshape([-1]))?;
    let options = FitOptions::new(clusters as usize, RESTARTS, seed);
    let centroids = fit(&latents, dimensions, &options).map_err(|error| match error {
        KMeansError::TooFewPoints { .. } => anyhow!("{error}; use a lower --clusters, or images that differ"),
        KMeansError::OutOfRange { .. } => anyhow!("{error}; the model has diverged: use a lower --learning-rate"),
        KMeansError::Fit(_) => error.into(),
    })?;
    Ok(Tensor::from_slice(&centroids).view([i64::from(clusters), -1]).to_kind(Kind::Float).to_device(device))
}

/// The centroid nearest to each of N latents, i64.
fn nearest(latents: &Tensor, centroids: &Tensor) -> Tensor {
    by_rows(latents, |latents| dec::squared_distances(latents, centroids).argmin(1, false))
}

/// What `compute` gives for some of N latents at a time, in their order: distances take clusters times their memory.
fn by_rows(latents: &Tensor, compute: impl Fn(&Tensor) -> Tensor) -> Tensor {
    no_grad(|| Tensor::cat(&latents.split(ENCODED_AT_ONCE, 0).iter().map(compute).collect::<Vec<Tensor>>(), 0))
}

/// The mean latent of each cluster, clusters × latent; the mean of all for one that is empty.
fn means(latents: &Tensor, named: &Tensor, clusters: u32) -> Tensor {
    let members = named.one_hot(i64::from(clusters)).to_kind(Kind::Float);
    let counts = members.sum_dim_intlist([0].as_slice(), false, Kind::Float).unsqueeze(1);
    let means = members.tr().matmul(latents) / counts.clamp_min(1.0);
    let of_all = latents.mean_dim([0].as_slice(), true, Kind::Float);
    means.where_self(&counts.gt(0.0), &of_all)
}

/// The clusters `named`, N of i64, numbered as the centroids that their means, of N × latent, lie nearest to, one to one: by the
/// least sum of squared distances. Which number a head gives to a cluster is chance, and the centroids have had theirs before.
fn numbered_as(named: &Tensor, latents: &Tensor, centroids: &Tensor) -> Tensor {
    let clusters = centroids.size()[0] as usize;
    let distances =
        no_grad(|| dec::squared_distances(&means(latents, named, clusters as u32), centroids)).to_kind(Kind::Double);
    // Whole numbers, as the matching is exact.
    let steps = &distances / distances.max().clamp_min(f64::MIN_POSITIVE) * DISTANCE_STEPS;
    let costs = Vec::<f64>::try_from(steps.round().reshape([-1])).unwrap_or_default();
    let costs: Vec<i64> = costs.into_iter().map(|cost| cost as i64).collect();
    let numbers: Vec<i64> = minimum_cost_assignment(&costs, clusters, clusters)
        .into_iter()
        .enumerate()
        .map(|(cluster, centroid)| centroid.unwrap_or(cluster) as i64)
        .collect();
    Tensor::from_slice(&numbers).to_device(named.device()).index_select(0, named)
}

/// What the objectives of a phase have to know before an epoch.
pub(crate) fn aims(model: &Autoencoder, state: &State, protocol: &Protocol, place: Place<'_>, pixels: &Tensor) -> Aims {
    let mut aims = Aims::default();
    if !place.phase.has_centroids() {
        return aims;
    }
    let centroids = state.heads.centroids();
    if place.phase.has(Objective::Dec) || place.phase.has(Objective::Idec) {
        let latents = encode_all(model, pixels);
        let assigned = by_rows(&latents, |latents| dec::soft_assignment(latents, centroids));
        aims.target = Some(no_grad(|| dec::target_distribution(&assigned)));
    }
    if place.phase.has_fixed_centres() {
        let by_heads = || {
            let named = of_heads(model, state, &protocol.imsat, pixels)?;
            Some(numbered_as(&named, &encode_all(model, pixels), centroids))
        };
        let (named, taking_part) = match taught(state).or_else(by_heads) {
            // Every image has been judged; how far its latent still is from its centre says nothing of doubt.
            Some(named) => (named.shallow_clone(), named.ones_like().to_kind(Kind::Float)),
            None => {
                let latents = encode_all(model, pixels);
                let distances = by_rows(&latents, |latents| dec::squared_distances(latents, centroids));
                let (own, named) = distances.min_dim(1, false);
                let part = f64::from(place.epoch) / f64::from(place.phase.epochs);
                (named, aspc::taking_part(&own, part))
            }
        };
        aims.centred = Some(Centred { centres: no_grad(|| centroids.copy()), named, taking_part });
    }
    aims
}

/// The latents of all images as they are, N × latent.
fn encode_all(model: &Autoencoder, pixels: &Tensor) -> Tensor {
    each_batch(model, pixels, |features| model.encode_features(features, Mode::Inference).mean)
}

/// What `compute` gives for the features of all images as they are, in their order.
pub(crate) fn each_batch(model: &Autoencoder, pixels: &Tensor, mut compute: impl FnMut(&Tensor) -> Tensor) -> Tensor {
    no_grad(|| {
        let batches = Batches::in_order(pixels.size()[0], model.at_once(ENCODED_AT_ONCE));
        let of_batch = |batch: Batch| compute(&model.features(&model.preprocess(&batch.of(pixels)), Mode::Inference));
        Tensor::cat(&batches.map(of_batch).collect::<Vec<Tensor>>(), 0)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn clusters_take_the_numbers_of_the_centroids_they_lie_at() {
        let centroids = Tensor::from_slice(&[0.0_f32, 0.0, 10.0, 0.0, 0.0, 10.0]).view([3, 2]);
        let latents = Tensor::from_slice(&[9.0_f32, 1.0, 11.0, 0.0, 1.0, 9.0, 0.0, 1.0]).view([4, 2]);
        let numbered = |named: [i64; 4]| -> Vec<i64> {
            numbered_as(&Tensor::from_slice(&named), &latents, &centroids).try_into().unwrap()
        };
        for named in [[0, 0, 1, 2], [1, 1, 2, 0], [2, 2, 0, 1]] {
            assert_eq!(numbered(named), [1, 1, 2, 0], "{named:?}");
        }
        // Two clusters of one centroid: it takes the nearer.
        assert_eq!(numbered([0, 1, 2, 2]), [0, 1, 2, 2]);
        // All in one place.
        let still = Tensor::zeros_like(&latents);
        let numbered: Vec<i64> =
            numbered_as(&Tensor::from_slice(&[0_i64, 1, 2, 2]), &still, &Tensor::zeros_like(&centroids))
                .try_into()
                .unwrap();
        assert_eq!(numbered[2], numbered[3]);
    }
}

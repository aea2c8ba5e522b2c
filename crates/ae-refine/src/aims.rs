//! What the objectives of a phase have to know of all images.

use anyhow::anyhow;
use autoencoders::{Autoencoder, Mode};
use clustering::{FitOptions, KMeansError, fit};
use tch::{Kind, Tensor, no_grad};
use training::Batches;

use crate::config::Protocol;
use crate::objective::{Objective, aspc, centres, dec};
use crate::recipe::Place;
use crate::state::State;

/// Images that are encoded at once where nothing is learnt.
const ENCODED_AT_ONCE: i64 = 1000;
/// Fits of K-means that centroids begin with.
const RESTARTS: usize = 10;

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
        let names = match taught(state) {
            Some(names) => names,
            None => {
                let Encoded { latents, named } = encode_all(model, state, pixels);
                match named {
                    Some(named) => named,
                    None => nearest(&latents, &k_means(&latents, protocol.seed, clusters)?),
                }
            }
        };
        if let Some(student) = &mut state.student {
            student.begin(protocol, epoch, &names);
        }
    }
    if !place.phase.has_centroids() {
        return Ok(());
    }
    let encoded = encode_all(model, state, pixels);
    // What has been named is named as it was learnt, where K-means would have to find it in latents that no one has moved yet.
    let centroids = match encoded.named.filter(|_| place.phase.has_fixed_centres()) {
        Some(named) => centres::spread(&means(&encoded.latents, &named, clusters), protocol.radius),
        None => k_means(&encoded.latents, protocol.seed, clusters)?,
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
        KMeansError::TooFewPoints { cluster_count, distinct } => anyhow!(
            "expected at least {cluster_count} different latents, one a cluster, found {distinct}; use a lower --clusters"
        ),
        other => other.into(),
    })?;
    Ok(Tensor::from_slice(&centroids).view([i64::from(clusters), -1]).to_kind(Kind::Float).to_device(device))
}

/// The centroid nearest to each of N latents, i64.
fn nearest(latents: &Tensor, centroids: &Tensor) -> Tensor {
    no_grad(|| dec::squared_distances(latents, centroids).argmin(1, false))
}

/// The mean latent of each cluster, clusters × latent; the mean of all for one that is empty.
fn means(latents: &Tensor, named: &Tensor, clusters: u32) -> Tensor {
    let members = named.one_hot(i64::from(clusters)).to_kind(Kind::Float);
    let counts = members.sum_dim_intlist([0].as_slice(), false, Kind::Float).unsqueeze(1);
    let means = members.tr().matmul(latents) / counts.clamp_min(1.0);
    let of_all = latents.mean_dim([0].as_slice(), true, Kind::Float);
    means.where_self(&counts.gt(0.0), &of_all)
}

/// What the objectives of a phase have to know before an epoch.
pub(crate) fn aims(model: &Autoencoder, state: &State, place: Place<'_>, pixels: &Tensor) -> Aims {
    let mut aims = Aims::default();
    if !place.phase.has_centroids() {
        return aims;
    }
    let encoded = encode_all(model, state, pixels);
    no_grad(|| {
        let centroids = state.heads.centroids();
        if place.phase.has(Objective::Dec) || place.phase.has(Objective::Idec) {
            aims.target = Some(dec::target_distribution(&dec::soft_assignment(&encoded.latents, centroids)));
        }
        if place.phase.has_fixed_centres() {
            let (named, taking_part) = match encoded.named {
                // Every image has been judged; how far its latent still is from its centre says nothing of doubt.
                Some(named) => (named.shallow_clone(), named.ones_like().to_kind(Kind::Float)),
                None => {
                    let (own, named) = dec::squared_distances(&encoded.latents, centroids).min_dim(1, false);
                    let part = f64::from(place.epoch) / f64::from(place.phase.epochs);
                    (named, aspc::taking_part(&own, part))
                }
            };
            aims.centred = Some(Centred { centres: centroids.copy(), named, taking_part });
        }
    });
    aims
}

/// All images as they are.
struct Encoded {
    /// N × latent.
    latents: Tensor,
    /// The cluster that each is in, N of i64, as the last student says, or the best head once heads were trained.
    named: Option<Tensor>,
}

fn encode_all(model: &Autoencoder, state: &State, pixels: &Tensor) -> Encoded {
    let by_student = taught(state);
    let trained = state.training.history.iter().any(|row| row.head_agreement.is_some());
    let best = state.active_heads().first().copied().filter(|_| trained && by_student.is_none());
    let (mut latents, mut named) = (Vec::new(), Vec::new());
    no_grad(|| {
        for batch in Batches::in_order(pixels.size()[0], ENCODED_AT_ONCE) {
            let features = model.features(&model.preprocess(&batch.of(pixels)), Mode::Inference);
            latents.push(model.encode_features(&features, Mode::Inference).mean);
            named.extend(best.map(|head| state.heads.logits(&features, &[head])[0].argmax(1, false)));
        }
    });
    let by_head = (!named.is_empty()).then(|| Tensor::cat(&named, 0));
    Encoded { latents: Tensor::cat(&latents, 0), named: by_student.or(by_head) }
}

/// The cluster that each image is in, N of i64, as the last student says, if there was one.
fn taught(state: &State) -> Option<Tensor> {
    let network = &state.student.as_ref()?.network;
    network.is_taught().then(|| network.names())
}

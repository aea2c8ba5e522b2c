//! The loop over phases and epochs.

use anyhow::{Context, anyhow};
use autoencoders::{Autoencoder, Mode, Parameters};
use clustering::{FitOptions, KMeansError, fit};
use run_store::{Checkpoints, RefinementEpoch};
use stage_cli::{Interrupt, Options, Progress, stopped_in_epoch};
use tch::{Kind, Tensor, no_grad};
use training::{Batches, EpochLosses, Images, Loss, NotFinite, Remedy, Schedule, Seed, mean_loss, sum};

use crate::config::Protocol;
use crate::objective::{Objective, aspc, dec};
use crate::recipe::Place;
use crate::state::State;
use crate::step::{Aims, step_loss};

/// Images that are encoded at once where nothing is learnt.
const ENCODED_AT_ONCE: i64 = 1000;
/// Fits of K-means that centroids begin with.
const RESTARTS: usize = 10;

/// What an epoch came to.
struct Trained {
    loss: f64,
    head_agreement: Option<f64>,
}

/// Refines `model` from `state` to the end of the recipe, with a checkpoint after each epoch.
///
/// # Errors
/// The loss ceases to be finite, K-means has too few different latents, a checkpoint cannot be written, or a stop was asked for.
pub(crate) fn refine(
    model: &Autoencoder,
    state: &mut State,
    (protocol, clusters): (&Protocol, u32),
    images: &Images<'_>,
    checkpoints: &Checkpoints,
    (options, progress): (&Options, &mut dyn Progress),
) -> anyhow::Result<()> {
    if state.training.epoch() == 0 {
        state.kept.keep(0, model, images);
    }
    let (first, last) = (state.training.epoch() + 1, protocol.recipe.epochs());
    let count = images.train.size()[0];
    let epochs_left = u64::from(last.saturating_sub(state.training.epoch()));
    progress.begin(&format!("refining into {clusters}"), epochs_left * count.unsigned_abs(), "images");
    for epoch in first..=last {
        let place = protocol.recipe.place(epoch).context("the recipe has no such epoch")?;
        progress.status(&status(epoch, protocol, state.training.history.last()));
        if place.is_first() {
            state.renew_optimizers(model, protocol);
            begin_phase(model, state, (protocol, clusters), place, &images.train)?;
        }
        let aims = aims(model, state, place, &images.train);
        let trained =
            train_epoch(model, state, protocol, (epoch, place, &aims), images, (&options.interrupt, progress));
        let Some(trained) = trained else {
            return Err(stopped_in_epoch(epoch, options).into());
        };
        let refuse = |error: NotFinite| anyhow!(error.with(Remedy::Checkpoint));
        let Trained { loss, head_agreement } = trained.map_err(refuse)?;
        let judged = images.train.narrow(0, 0, count.min(images.test.size()[0]));
        let train_loss = mean_loss(model, &judged, Loss::Bce, protocol.batch_size).total;
        let test_loss = images.test_loss(model, Loss::Bce, protocol.batch_size).total;
        let judged = [("of training images", train_loss), ("of test images", test_loss)];
        let of_heads = (state.heads.parameters(), &state.heads_optimizer);
        for values in [(model.parameters(), &state.training.optimizer), of_heads] {
            NotFinite::check_epoch(epoch, &judged, values).map_err(refuse)?;
        }
        let objectives = place.phase.name();
        let row = RefinementEpoch { epoch, objectives, objective: loss, train_loss, test_loss, head_agreement };
        state.training.history.push(row);
        progress.milestone(&status(epoch, protocol, state.training.history.last()));
        if place.is_last() {
            state.kept.keep(epoch, model, images);
        }
        state.save(model, checkpoints)?;
    }
    progress.end();
    Ok(())
}

fn status(epoch: u32, protocol: &Protocol, last: Option<&RefinementEpoch>) -> String {
    let losses = last.map_or_else(String::new, |last| {
        let agreement = last
            .head_agreement
            .map_or_else(String::new, |share| format!(", two heads agree on {:.1} %", 100.0 * share));
        format!(" · {} {:.4}, reconstruction {:.4}{agreement}", last.objectives, last.objective, last.test_loss)
    });
    format!("epoch {epoch}/{}{losses}", protocol.recipe.epochs())
}

/// Gives the centroids their places, for objectives that need some: where a trained head says, else by K-means.
fn begin_phase(
    model: &Autoencoder,
    state: &mut State,
    (protocol, clusters): (&Protocol, u32),
    place: Place<'_>,
    pixels: &Tensor,
) -> anyhow::Result<()> {
    if !place.phase.objectives.iter().any(|objective| objective.has_centroids()) {
        return Ok(());
    }
    let encoded = encode_all(model, state, pixels);
    // A head's clusters are as it was trained, where K-means would have to find them in latents that no one has moved yet.
    let centroids = match encoded.named.filter(|_| place.phase.has(Objective::Aspc)) {
        Some(named) => aspc::spread(&means(&encoded.latents, &named, clusters), protocol.radius),
        None => {
            let latents = Vec::<f32>::try_from(encoded.latents.reshape([-1]))?;
            let dimensions = model.description().latent_dim as usize;
            let options = FitOptions::new(clusters as usize, RESTARTS, protocol.seed);
            let centroids = fit(&latents, dimensions, &options).map_err(|error| match error {
                KMeansError::TooFewPoints { cluster_count, distinct } => anyhow!(
                    "expected at least {cluster_count} different latents, one a cluster, found {distinct}; use a lower --clusters"
                ),
                other => other.into(),
            })?;
            Tensor::from_slice(&centroids).view([i64::from(clusters), -1]).to_kind(Kind::Float)
        }
    };
    state.heads.place_centroids(&centroids);
    Ok(())
}

/// The mean latent of each cluster, clusters × latent; the mean of all for one that is empty.
fn means(latents: &Tensor, named: &Tensor, clusters: u32) -> Tensor {
    let members = named.one_hot(i64::from(clusters)).to_kind(Kind::Float);
    let counts = members.sum_dim_intlist([0].as_slice(), false, Kind::Float).unsqueeze(1);
    let means = members.tr().matmul(latents) / counts.clamp_min(1.0);
    let of_all = latents.mean_dim([0].as_slice(), true, Kind::Float);
    means.where_self(&counts.gt(0.0), &of_all)
}

/// What the objectives of a phase have to know of all images before an epoch.
fn aims(model: &Autoencoder, state: &State, place: Place<'_>, pixels: &Tensor) -> Aims {
    let mut aims = Aims::default();
    if !place.phase.objectives.iter().any(|objective| objective.has_centroids()) {
        return aims;
    }
    let encoded = encode_all(model, state, pixels);
    no_grad(|| {
        let centroids = state.heads.centroids();
        if place.phase.has(Objective::Dec) || place.phase.has(Objective::Idec) {
            aims.target = Some(dec::target_distribution(&dec::soft_assignment(&encoded.latents, centroids)));
        }
        if place.phase.has(Objective::Aspc) {
            aims.centres = Some(match encoded.named {
                // A head has judged every image; how far its latent still is from its centre says nothing of doubt.
                Some(named) => (centroids.index_select(0, &named), named.ones_like().to_kind(Kind::Float)),
                None => {
                    let (own, named) = dec::squared_distances(&encoded.latents, centroids).min_dim(1, false);
                    let part = f64::from(place.epoch) / f64::from(place.phase.epochs);
                    (centroids.index_select(0, &named), aspc::taking_part(&own, part))
                }
            });
        }
    });
    aims
}

/// All images as they are.
struct Encoded {
    /// N × latent.
    latents: Tensor,
    /// The cluster that the best head names, N of i64, once heads were trained.
    named: Option<Tensor>,
}

fn encode_all(model: &Autoencoder, state: &State, pixels: &Tensor) -> Encoded {
    let best = state.training.history.iter().any(|row| row.head_agreement.is_some());
    let best = state.active_heads().first().copied().filter(|_| best);
    let (mut latents, mut named) = (Vec::new(), Vec::new());
    no_grad(|| {
        for batch in Batches::in_order(pixels.size()[0], ENCODED_AT_ONCE) {
            let features = model.features(&model.preprocess(&batch.of(pixels)), Mode::Inference);
            latents.push(model.encode_features(&features, Mode::Inference).mean);
            named.extend(best.map(|head| state.heads.logits(&features, &[head])[0].argmax(1, false)));
        }
        Encoded { latents: Tensor::cat(&latents, 0), named: (!named.is_empty()).then(|| Tensor::cat(&named, 0)) }
    })
}

/// One pass over the training images. `None` if a stop was asked for.
fn train_epoch(
    model: &Autoencoder,
    state: &mut State,
    protocol: &Protocol,
    (epoch, place, aims): (u32, Place<'_>, &Aims),
    images: &Images<'_>,
    (interrupt, progress): (&Interrupt, &mut dyn Progress),
) -> Option<Result<Trained, NotFinite>> {
    let mut generator = Seed(protocol.seed).epoch(epoch);
    let pixels = &images.train;
    let (count, size) = (pixels.size()[0], i64::from(protocol.batch_size));
    let steps_an_epoch = (count / size).max(1).unsigned_abs();
    let steps = u64::from(place.phase.epochs) * steps_an_epoch;
    let active = state.active_heads();
    let (mut losses, mut head_losses, mut named) = (EpochLosses::default(), Vec::new(), Vec::new());
    for batch in Batches::shuffled(count, size, &mut generator, pixels.device()) {
        // What is left over at the end is too few to say how large clusters are; another epoch has others left over.
        if batch.len() < size && count >= size {
            break;
        }
        let rows = batch.rows(pixels.device());
        let of_model = (model, &state.heads, active.as_slice());
        let loss = step_loss(of_model, protocol, place.phase, aims, (&batch.of(pixels), &rows));
        let gradients = Parameters::gradients([model.parameters(), state.heads.parameters()], &loss.total);
        let factor = Schedule::Cosine.factor(
            u64::from(state.training.optimizer.steps()),
            steps,
            u64::from(protocol.warmup_steps).min(steps / 2),
        );
        let optimizers = [&mut state.training.optimizer, &mut state.heads_optimizer];
        let values = [model.parameters().trainable(), state.heads.parameters().trainable()];
        for ((optimizer, values), gradient) in optimizers.into_iter().zip(values).zip(&gradients) {
            optimizer.set_learning_rate(protocol.learning_rate * factor);
            optimizer.step(values, gradient);
        }
        losses.push(loss.total.detach().to_kind(Kind::Double), &state.training.optimizer);
        head_losses.extend(loss.heads.map(|losses| losses.to_kind(Kind::Double)));
        named.extend(loss.named);
        progress.advance(batch.len().unsigned_abs());
        if interrupt.is_requested() {
            return None;
        }
    }
    if let Err(error) = losses.check(epoch) {
        return Some(Err(error));
    }
    let loss = losses.sum().double_value(&[]) / losses.count() as f64;
    let mut head_agreement = None;
    if !head_losses.is_empty() {
        let means = sum(&head_losses) / head_losses.len() as f64;
        let means = Vec::<f64>::try_from(means).unwrap_or_default();
        state.rate_heads(&active, &means, active.len());
        head_agreement =
            Some(agreement(&state.active_heads(), &active, &Tensor::cat(&named, 0), state.heads.shape().clusters));
        let keep = heads_to_keep(protocol.heads as usize, place);
        state.rate_heads(&active, &means, keep);
    }
    Some(Ok(Trained { loss, head_agreement }))
}

/// How many heads go on: half of them after a quarter of the phase, a quarter after half of it, the best one at its end
/// (successive halving; Jamieson & Talwalkar 2016).
fn heads_to_keep(heads: usize, place: Place<'_>) -> usize {
    let done = f64::from(place.epoch) / f64::from(place.phase.epochs);
    let keep = match done {
        done if done >= 1.0 => 1,
        done if done >= 0.5 => heads / 4,
        done if done >= 0.25 => heads / 2,
        _ => heads,
    };
    // Two to compare, until the end.
    keep.max(if place.is_last() { 1 } else { 2 })
}

/// The share of images, in [0, 1], that the two best of `ranked` heads name alike: each cluster of the one stands for that of the
/// other with which it shares most, and the other way round; the lower of both counts. 1 where there is one head. `named` is
/// images × heads, in the order of `active`.
fn agreement(ranked: &[usize], active: &[usize], named: &Tensor, clusters: u32) -> f64 {
    let column = |head: &usize| active.iter().position(|other| other == head);
    let [Some(one), Some(other)] = [ranked.first(), ranked.get(1)].map(|head| head.and_then(column)) else {
        return 1.0;
    };
    let members = |column: usize| named.select(1, column as i64).one_hot(i64::from(clusters)).to_kind(Kind::Float);
    let shared = members(one).tr().matmul(&members(other));
    let total = shared.sum(Kind::Double).double_value(&[]);
    let most = |dimension: i64| shared.amax([dimension].as_slice(), false).sum(Kind::Double).double_value(&[]);
    most(0).min(most(1)) / total
}

//! The loop over phases and epochs.

use anyhow::{Context, anyhow, ensure};
use autoencoders::{Autoencoder, Parameters};
use run_store::{Checkpoints, RefinementEpoch};
use stage_cli::{Interrupt, Options, Progress, per_cent, stopped_in_epoch};
use tch::Kind;
use training::{Batches, EpochLosses, Images, Loss, NotFinite, Remedy, Schedule, Seed, mean_loss};

use crate::aims::{Aims, aims, begin_phase};
use crate::config::Protocol;
use crate::names::votes;
use crate::objective::Objective;
use crate::recipe::{Place, Recipe};
use crate::state::State;
use crate::step::{Networks, step_loss};
use crate::student::Student;

/// What an epoch came to.
struct Trained {
    loss: f64,
    head_agreement: Option<f64>,
    renamed: Option<f64>,
}

/// Refines `model` from `state` to the end of `course`, with a checkpoint after each epoch.
///
/// # Errors
/// The loss ceases to be finite, K-means has too few different latents, a checkpoint cannot be written, or a stop was asked for.
pub(crate) fn refine(
    model: &mut Autoencoder,
    state: &mut State,
    (protocol, course, clusters): (&Protocol, &Recipe, u32),
    images: &Images<'_>,
    checkpoints: &Checkpoints,
    (options, progress): (&Options, &mut dyn Progress),
) -> anyhow::Result<()> {
    if state.training.epoch() == 0 {
        state.kept.keep(0, model, images);
    }
    let (first, last) = (state.training.epoch() + 1, course.epochs());
    let count = images.train.size()[0];
    let epochs_left = u64::from(last.saturating_sub(state.training.epoch()));
    progress.begin(&format!("refining into {clusters}"), epochs_left * count.unsigned_abs(), "images");
    for epoch in first..=last {
        let place = course.place(epoch).context("the recipe has no such epoch")?;
        progress.status(&status(epoch, course, state.training.history.last()));
        state.starts.begin(epoch, protocol.seed, model, &mut state.heads);
        if place.is_first() {
            state.renew_optimizers(model, protocol);
            begin_phase(model, state, (protocol, clusters), (epoch, place), &images.train)?;
        }
        let is_taught = |student: &Student| student.network.is_taught();
        ensure!(
            !place.phase.has(Objective::Student) || state.student.as_ref().is_some_and(is_taught),
            "expected a checkpoint within a student's phase to hold what it is taught, found none; start over with --force"
        );
        let aims = aims(model, state, protocol, place, &images.train);
        let trained =
            train_epoch(model, state, protocol, (epoch, place, &aims), images, (&options.interrupt, progress));
        let Some(trained) = trained else {
            return Err(stopped_in_epoch(epoch, options).into());
        };
        let refuse = |error: NotFinite| anyhow!(error.with(Remedy::Checkpoint));
        let Trained { loss, head_agreement, renamed } = trained.map_err(refuse)?;
        let student = state.student.as_mut().map(|student| &mut student.network);
        let history = &state.training.history;
        let is_chosen = state.starts.end((epoch, loss), history, (model, &mut state.heads), student);
        let goes_on = is_chosen || !state.starts.may_be_given_up(epoch);
        // A phase that leaves the model as it was leaves its losses too, unless another start goes on.
        let is_moved = place.phase.moves_model() || is_chosen;
        let as_before = state.training.history.last().filter(|_| !is_moved);
        let (train_loss, test_loss) = match as_before {
            Some(last) => (last.train_loss, last.test_loss),
            None if goes_on => {
                let judged = images.train.narrow(0, 0, count.min(images.test.size()[0]));
                let train_loss = mean_loss(model, &judged, Loss::Bce, protocol.batch_size).total;
                (Some(train_loss), Some(images.test_loss(model, Loss::Bce, protocol.batch_size).total))
            }
            None => (None, None),
        };
        let judged: Vec<(&'static str, f64)> = [("of training images", train_loss), ("of test images", test_loss)]
            .into_iter()
            .filter_map(|(whose, loss)| Some((whose, loss?)))
            .collect();
        for (parameters, optimizer) in state.learners(model, place.phase) {
            NotFinite::check_epoch(epoch, &judged, (parameters, optimizer)).map_err(refuse)?;
        }
        let objectives = place.phase.name();
        let row =
            RefinementEpoch { epoch, objectives, objective: loss, train_loss, test_loss, head_agreement, renamed };
        state.training.history.push(row);
        progress.milestone(&status(epoch, course, state.training.history.last()));
        // What a student leaves as it was is kept already, and of starts nothing but what goes on.
        if place.is_last() && is_moved && goes_on {
            state.kept.keep(epoch, model, images);
        }
        state.save(model, checkpoints)?;
    }
    progress.end();
    if first > last {
        // Nothing was left to refine: the checkpoint that said so was the earlier result's.
        state.save(model, checkpoints)?;
    }
    Ok(())
}

fn status(epoch: u32, course: &Recipe, last: Option<&RefinementEpoch>) -> String {
    let losses = last.map_or_else(String::new, |last| {
        let share = |share: Option<f64>, what: &str| {
            share.map_or_else(String::new, |share| format!(", {what} {} %", per_cent(share, 1)))
        };
        let redrawn = last.test_loss.map_or_else(String::new, |loss| format!(", reconstruction {loss:.4}"));
        let shares =
            share(last.head_agreement, "the heads agree on") + &share(last.renamed, "the student names otherwise");
        format!(" · {} {:.4}{redrawn}{shares}", last.objectives, last.objective)
    });
    format!("epoch {epoch}/{}{losses}", course.epochs())
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
    let (mut losses, mut named) = (EpochLosses::default(), Vec::new());
    for batch in Batches::shuffled(count, size, &mut generator, pixels.device()) {
        // What is left over at the end is too few to say how large clusters are; another epoch has others left over.
        if batch.len() < size && count >= size {
            progress.advance(batch.len().unsigned_abs());
            break;
        }
        let rows = batch.rows(pixels.device());
        let student = state.student.as_ref().map(|student| &student.network);
        let networks = Networks { model, heads: &state.heads, student };
        let loss = step_loss(networks, protocol, place.phase, aims, (&batch.of(pixels), &rows));
        let warmup_steps = u64::from(protocol.warmup_steps).min(steps / 2);
        let factor = Schedule::Cosine.factor(u64::from(state.steps()), steps, warmup_steps);
        let mut learners = state.learners(model, place.phase);
        let sets: Vec<&Parameters> = learners.iter().map(|(parameters, _)| *parameters).collect();
        let gradients = Parameters::gradients(&sets, &loss.total);
        for ((parameters, optimizer), gradient) in learners.iter_mut().zip(&gradients) {
            optimizer.set_learning_rate(protocol.learning_rate * factor);
            optimizer.step(parameters.trainable(), gradient);
        }
        let total = loss.total.detach().to_kind(Kind::Double);
        losses.push(total.shallow_clone(), total, protocol.learning_rate * factor);
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
    let head_agreement = (!named.is_empty()).then(|| votes(&named, &state.heads).agreement);
    let mut renamed = None;
    let renames = place.phase.has(Objective::Student) && place.is_last() && !state.starts.may_be_given_up(epoch);
    if let Some(student) = state.student.as_mut().filter(|_| renames) {
        renamed = Some(student.rename(model, protocol, pixels, interrupt)?);
    }
    Some(Ok(Trained { loss, head_agreement, renamed }))
}

//! The training loop.

use anyhow::anyhow;
use autoencoders::Classifier;
use run_store::{Checkpoints, ClassifierEpoch, Latents};
use stage_cli::{Options, Progress, stopped_in_epoch};
use tch::{Device, Tensor};
use training::{
    Batches, Examples, Lesson, NotFinite, Optimizer, Remedy, Seed, TrainingState, judge_classifier, train_classifier,
};

use crate::config::Protocol;

/// The latents of a split with their labels, on the device.
pub(crate) fn examples(latents: &Latents, device: Device) -> Examples {
    let shape = [latents.labels.len() as i64, latents.dimensions as i64];
    Examples::new(&Tensor::from_slice(&latents.values).view(shape), &latents.labels, device)
}

/// Trains `classifier` from `state` to the last epoch, with a checkpoint after each.
///
/// # Errors
/// The loss ceases to be finite, a checkpoint cannot be written, or a stop was asked for.
pub(crate) fn train(
    classifier: &Classifier,
    state: &mut TrainingState<ClassifierEpoch>,
    protocol: &Protocol,
    (train, test): (&Examples, &Examples),
    checkpoints: &Checkpoints,
    (options, progress): (&Options, &mut dyn Progress),
) -> anyhow::Result<()> {
    let first = state.epoch() + 1;
    let epochs_left = u64::from(protocol.epochs.saturating_sub(state.epoch()));
    progress.begin("classifier", epochs_left * train.count() as u64, "latents");
    for epoch in first..=protocol.epochs {
        let trained = train_epoch(classifier, &mut state.optimizer, protocol, train, epoch, progress);
        if options.interrupt.is_requested() {
            return Err(stopped_in_epoch(epoch, options).into());
        }
        let refuse = |error: NotFinite| anyhow!(error.with(Remedy::CheckpointToEndWith));
        let (train_loss, train_accuracy) = trained.map_err(refuse)?;
        let answers = judge_classifier(classifier, test)?;
        NotFinite::check_epoch(
            epoch,
            &[("of test latents", answers.loss)],
            (classifier.parameters(), &state.optimizer),
        )
        .map_err(refuse)?;
        let (test_loss, test_accuracy) = (answers.loss, answers.accuracy);
        progress.milestone(&format!("epoch {epoch}/{} · loss {train_loss:.4}, test {test_loss:.4}", protocol.epochs));
        state.history.push(ClassifierEpoch { epoch, train_loss, train_accuracy, test_loss, test_accuracy });
        save(classifier, state, checkpoints)?;
    }
    progress.end();
    if first > protocol.epochs {
        // Nothing was left to train.
        save(classifier, state, checkpoints)?;
    }
    Ok(())
}

/// Writes a checkpoint to go on from.
fn save(
    classifier: &Classifier,
    state: &TrainingState<ClassifierEpoch>,
    checkpoints: &Checkpoints,
) -> anyhow::Result<()> {
    let steps = state.optimizer.steps();
    Ok(checkpoints.write(state.epoch(), steps, |checkpoint| state.save(classifier, checkpoint))?)
}

struct Pass<'a> {
    learning_rate: f64,
    progress: &'a mut dyn Progress,
}

impl Lesson for Pass<'_> {
    fn learning_rate(&self, _steps: u32) -> f64 {
        self.learning_rate
    }

    fn advance(&mut self, latents: u64) {
        self.progress.advance(latents);
    }
}

/// One pass over the training latents: mean loss and accuracy while training.
fn train_epoch(
    classifier: &Classifier,
    optimizer: &mut Optimizer,
    protocol: &Protocol,
    examples: &Examples,
    epoch: u32,
    progress: &mut dyn Progress,
) -> Result<(f64, f64), NotFinite> {
    let mut generator = Seed(protocol.seed).epoch(epoch);
    let (count, size) = (examples.count(), i64::from(protocol.batch_size));
    let batches = match protocol.shuffle {
        true => Batches::shuffled(count, size, &mut generator, examples.device()),
        false => Batches::in_order(count, size),
    };
    train_classifier(
        classifier,
        optimizer,
        examples,
        (epoch, batches),
        &mut Pass { learning_rate: protocol.learning_rate, progress },
    )
}

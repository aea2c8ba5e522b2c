//! The training loop.

use anyhow::bail;
use autoencoders::{Classifier, Mode};
use run_store::{Checkpoints, ClassifierEpoch, Latents};
use stage_cli::{Options, Progress, stopped_in_epoch};
use tch::{Device, Kind, Tensor, no_grad};
use training::{Batches, Optimizer, Seed, TrainingState};

use crate::config::Protocol;

/// Latents and labels of a split, on the device.
pub(crate) struct Examples {
    latents: Tensor,
    labels: Tensor,
}

/// A classifier's answers on a split.
pub(crate) struct Answers {
    pub loss: f64,
    pub accuracy: f64,
    pub predictions: Vec<u8>,
}

impl Examples {
    pub(crate) fn new(latents: &Latents, device: Device) -> Self {
        let shape = [latents.labels.len() as i64, latents.dimensions as i64];
        Self {
            latents: Tensor::from_slice(&latents.values).view(shape).to_device(device),
            labels: Tensor::from_slice(&latents.labels).to_kind(Kind::Int64).to_device(device),
        }
    }

    fn count(&self) -> i64 {
        self.labels.numel() as i64
    }
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
        let (train_loss, train_accuracy) =
            train_epoch(classifier, &mut state.optimizer, protocol, train, epoch, progress);
        if options.interrupt.is_requested() {
            return Err(stopped_in_epoch(epoch, options).into());
        }
        let answers = evaluate(classifier, test)?;
        if !train_loss.is_finite() || !answers.loss.is_finite() {
            // What led here leads nowhere else.
            checkpoints.discard()?;
            bail!(
                "the loss is not finite after epoch {epoch} (train {train_loss}, test {}); \
                 use a lower --learning-rate than {}",
                answers.loss,
                protocol.learning_rate
            );
        }
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

/// One pass over the training latents: mean loss and accuracy while training, each batch before its own step.
fn train_epoch(
    classifier: &Classifier,
    optimizer: &mut Optimizer,
    protocol: &Protocol,
    examples: &Examples,
    epoch: u32,
    progress: &mut dyn Progress,
) -> (f64, f64) {
    let mut generator = Seed(protocol.seed).epoch(epoch);
    let (count, size, device) = (examples.count(), i64::from(protocol.batch_size), examples.latents.device());
    let batches = match protocol.shuffle {
        true => Batches::shuffled(count, size, &mut generator, device),
        false => Batches::in_order(count, size),
    };
    // The sums stay on the device: reading them at each step would wait for the device each time.
    let (mut loss_sum, mut right) =
        (Tensor::zeros([], (Kind::Double, device)), Tensor::zeros([], (Kind::Int64, device)));
    for batch in batches {
        let (latents, labels) = (batch.of(&examples.latents), batch.of(&examples.labels));
        let logits = classifier.logits(&latents, Mode::Training);
        let loss = logits.cross_entropy_for_logits(&labels);
        let gradient = classifier.parameters().gradient(&loss);
        optimizer.step(classifier.parameters().trainable(), &gradient);
        loss_sum += loss.detach().to_kind(Kind::Double) * batch.len() as f64;
        right += logits.argmax(-1, false).eq_tensor(&labels).sum(Kind::Int64);
        progress.advance(batch.len() as u64);
    }
    (loss_sum.double_value(&[]) / count as f64, right.double_value(&[]) / count as f64)
}

/// The classifier's answers on all of `examples`, in inference mode.
pub(crate) fn evaluate(classifier: &Classifier, examples: &Examples) -> anyhow::Result<Answers> {
    no_grad(|| {
        let logits = classifier.logits(&examples.latents, Mode::Inference);
        let predictions = logits.argmax(-1, false);
        let right = predictions.eq_tensor(&examples.labels).sum(Kind::Int64).double_value(&[]);
        Ok(Answers {
            loss: logits.to_kind(Kind::Double).cross_entropy_for_logits(&examples.labels).double_value(&[]),
            accuracy: right / examples.count() as f64,
            predictions: Vec::try_from(predictions.to_kind(Kind::Uint8))?,
        })
    })
}

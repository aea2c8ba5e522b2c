//! The training loop.

use anyhow::bail;
use autoencoders::{Autoencoder, Encoding, Mode};
use run_store::{Checkpoints, ElboEpoch, REDRAWN_COUNT, Reconstruction, TrainingEpoch};
use stage_cli::{Interrupt, Options, Progress, stopped_in_epoch};
use tch::{Kind, Tensor, no_grad};
use training::{Batches, LossValue, Optimizer, Seed, mean_squared_error};

use crate::config::Protocol;
use crate::objective::objective;
use crate::state::State;

/// What a model is trained and judged on: bytes, count × pixels, on the device.
pub(crate) struct Images<'a> {
    pub train: Tensor,
    pub test: Tensor,
    pub test_labels: &'a [u8],
}

/// Trains `model` from `state` to the last epoch, with a checkpoint after each.
///
/// # Errors
/// The loss ceases to be finite, a checkpoint cannot be written, or a stop was asked for.
pub(crate) fn train(
    model: &Autoencoder,
    state: &mut State,
    protocol: &Protocol,
    images: &Images<'_>,
    checkpoints: &Checkpoints,
    (options, progress): (&Options, &mut dyn Progress),
) -> anyhow::Result<()> {
    if state.training.epoch() == 0 && protocol.keep_epochs.contains(&0) {
        keep(model, state, images, 0)?;
    }
    let first = state.training.epoch() + 1;
    let task = format!("{} {}", model.description().model, model.description().latent_dim);
    let epochs_left = u64::from(protocol.epochs.saturating_sub(state.training.epoch()));
    progress.begin(&task, epochs_left * u64::from(protocol.train_count), "images");
    for epoch in first..=protocol.epochs {
        progress.status(&status(epoch, protocol, state.training.history.last()));
        let trained = train_epoch(
            model,
            &mut state.training.optimizer,
            protocol,
            &images.train,
            epoch,
            (&options.interrupt, progress),
        );
        let Some(train) = trained else {
            return Err(stopped_in_epoch(epoch, options).into());
        };
        let test = test_loss(model, protocol, images);
        let (train_loss, test_loss) = (train.total, test.total);
        if !train_loss.is_finite() || !test_loss.is_finite() {
            // What led here leads nowhere else.
            checkpoints.discard()?;
            bail!(
                "the loss is not finite after epoch {epoch} (train {train_loss}, test {test_loss}); \
                 use a lower --learning-rate than {}",
                protocol.learning_rate
            );
        }
        let elbo = train.elbo.zip(test.elbo).map(|(train, test)| ElboEpoch { train, test });
        state.training.history.push(TrainingEpoch { epoch, train_loss, test_loss, elbo });
        progress.milestone(&status(epoch, protocol, state.training.history.last()));
        if protocol.keep_epochs.contains(&epoch) || epoch == protocol.epochs {
            keep(model, state, images, epoch)?;
        }
        state.save(model, checkpoints)?;
    }
    progress.end();
    if first > protocol.epochs {
        // Nothing was left to train: what the last epoch leaves may be missing, as it was none to be kept before.
        if state.reconstructions.iter().all(|row| row.epoch != protocol.epochs) {
            keep(model, state, images, protocol.epochs)?;
        }
        state.save(model, checkpoints)?;
    }
    Ok(())
}

/// The mean loss over the test images. A variational model's latents are drawn, as a lower bound wants it.
fn test_loss(model: &Autoencoder, protocol: &Protocol, images: &Images<'_>) -> LossValue {
    let terms = evaluate(model, &images.test, protocol.batch_size, |images, encoding| {
        let logits = model.decode_logits(&encoding.sample(), Mode::Inference);
        protocol.loss.terms(&logits, images, encoding)
    });
    LossValue::of(&terms, 1.0)
}

/// The mean squared error over the test images, redrawn from their latents as they are exported.
pub(crate) fn test_mean_squared_error(model: &Autoencoder, images: &Images<'_>, batch_size: u32) -> f64 {
    let mean = evaluate(model, &images.test, batch_size, |images, encoding| {
        mean_squared_error(&model.decode_logits(&encoding.mean, Mode::Inference), images)
    });
    mean.double_value(&[])
}

fn status(epoch: u32, protocol: &Protocol, last: Option<&TrainingEpoch>) -> String {
    let losses =
        last.map_or_else(String::new, |last| format!(" · loss {:.4}, test {:.4}", last.train_loss, last.test_loss));
    format!("epoch {epoch}/{}{losses}", protocol.epochs)
}

/// One pass over the training images. The mean loss is taken while training, each batch before its own step. `None` if a
/// stop was asked for.
fn train_epoch(
    model: &Autoencoder,
    optimizer: &mut Optimizer,
    protocol: &Protocol,
    pixels: &Tensor,
    epoch: u32,
    (interrupt, progress): (&Interrupt, &mut dyn Progress),
) -> Option<LossValue> {
    let mut generator = Seed(protocol.seed).epoch(epoch);
    let (count, size) = (i64::from(protocol.train_count), i64::from(protocol.batch_size));
    let batches = match protocol.shuffle {
        true => Batches::shuffled(count, size, &mut generator, pixels.device()),
        false => Batches::in_order(count, size),
    };
    let steps = u64::from(protocol.epochs) * u64::from(protocol.train_count.div_ceil(protocol.batch_size));
    // They stay on the device: reading them at each step would wait for the device each time.
    let mut losses = Vec::new();
    for batch in batches {
        let images = model.preprocess(&batch.of(pixels));
        let step = u64::from(optimizer.steps());
        let (terms, objective) = objective(model, protocol, &images, step as f64 / steps as f64);
        let gradient = model.parameters().gradient(&objective);
        let factor = protocol.schedule.factor(step, steps, u64::from(protocol.warmup_steps));
        optimizer.set_learning_rate(protocol.learning_rate * factor);
        optimizer.step(model.parameters().trainable(), &gradient);
        losses.push(terms.detach().to_kind(Kind::Double) * batch.len() as f64);
        progress.advance(batch.len() as u64);
        if interrupt.is_requested() {
            return None;
        }
    }
    Some(LossValue::of(&sum(&losses), 1.0 / count as f64))
}

/// The mean over all images of `scores`, which are means over a batch of images and their encoding, in inference mode.
fn evaluate(
    model: &Autoencoder,
    pixels: &Tensor,
    batch_size: u32,
    scores: impl Fn(&Tensor, &Encoding) -> Tensor,
) -> Tensor {
    let count = pixels.size()[0];
    no_grad(|| {
        let batches = Batches::in_order(count, i64::from(batch_size)).map(|batch| {
            let images = model.preprocess(&batch.of(pixels));
            let encoding = model.encode(&images, Mode::Inference);
            scores(&images, &encoding).to_kind(Kind::Double) * batch.len() as f64
        });
        sum(&batches.collect::<Vec<_>>()) / count as f64
    })
}

/// The sum of tensors of one shape.
fn sum(tensors: &[Tensor]) -> Tensor {
    Tensor::stack(tensors, 0).sum_dim_intlist([0].as_slice(), false, Kind::Double)
}

/// Keeps the model's values after `epoch`, and what it makes of the first test images.
fn keep(model: &Autoencoder, state: &mut State, images: &Images<'_>, epoch: u32) -> anyhow::Result<()> {
    state.weights.keep(epoch, model.parameters());
    state.reconstructions.extend(redraw(model, images, epoch)?);
    Ok(())
}

/// The first test images as the model redraws them after `epoch`.
fn redraw(model: &Autoencoder, images: &Images<'_>, epoch: u32) -> anyhow::Result<Vec<Reconstruction>> {
    let count = i64::from(REDRAWN_COUNT).min(images.test.size()[0]);
    no_grad(|| {
        let originals = model.preprocess(&images.test.narrow(0, 0, count));
        let redrawn = model.decode(&model.encode(&originals, Mode::Inference).mean, Mode::Inference);
        (0..count)
            .zip(images.test_labels)
            .map(|(row, label)| {
                Ok(Reconstruction {
                    epoch,
                    index: u32::try_from(row)?,
                    label: *label,
                    original: Vec::try_from(originals.get(row))?,
                    reconstruction: Vec::try_from(redrawn.get(row))?,
                })
            })
            .collect()
    })
}

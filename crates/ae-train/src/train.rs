//! The training loop.

use anyhow::anyhow;
use autoencoders::Autoencoder;
use run_store::{Checkpoints, ElboEpoch, TrainingEpoch};
use stage_cli::{Interrupt, Options, Progress, stopped_in_epoch};
use tch::{Kind, Tensor};
use training::{Batches, EpochLosses, Images, LossValue, NotFinite, Optimizer, Remedy, Seed};

use crate::config::Protocol;
use crate::objective::objective;
use crate::state::State;

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
        state.kept.keep(0, model, images);
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
        let remedy = if protocol.depends_on_length() { Remedy::Checkpoint } else { Remedy::CheckpointToEndWith };
        let refuse = |error: NotFinite| anyhow!(error.with(remedy));
        let train = train.map_err(refuse)?;
        let test = images.test_loss(model, protocol.loss, protocol.batch_size);
        let (train_loss, test_loss) = (train.total, test.total);
        let values = (model.parameters(), &state.training.optimizer);
        NotFinite::check_epoch(epoch, &[("of test images", test_loss)], values).map_err(refuse)?;
        let elbo = train.elbo.zip(test.elbo).map(|(train, test)| ElboEpoch { train, test });
        state.training.history.push(TrainingEpoch { epoch, train_loss, test_loss, elbo });
        progress.milestone(&status(epoch, protocol, state.training.history.last()));
        if protocol.keep_epochs.contains(&epoch) || epoch == protocol.epochs {
            state.kept.keep(epoch, model, images);
        }
        state.save(model, checkpoints)?;
    }
    progress.end();
    if first > protocol.epochs {
        // Nothing was left to train: what the last epoch leaves may be missing, as it was none to be kept before.
        if !state.kept.has(protocol.epochs) {
            state.kept.keep(protocol.epochs, model, images);
        }
        state.save(model, checkpoints)?;
    }
    Ok(())
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
) -> Option<Result<LossValue, NotFinite>> {
    let mut generator = Seed(protocol.seed).epoch(epoch);
    let (count, size) = (i64::from(protocol.train_count), i64::from(protocol.batch_size));
    let batches = match protocol.shuffle {
        true => Batches::shuffled(count, size, &mut generator, pixels.device()),
        false => Batches::in_order(count, size),
    };
    let steps = u64::from(protocol.epochs) * u64::from(protocol.train_count.div_ceil(protocol.batch_size));
    let mut losses = EpochLosses::default();
    for batch in batches {
        let images = model.preprocess(&batch.of(pixels));
        let step = u64::from(optimizer.steps());
        let (terms, objective) = objective(model, protocol, &images, step as f64 / steps as f64);
        let gradient = model.parameters().gradient(&objective);
        let factor = protocol.schedule.factor(step, steps, u64::from(protocol.warmup_steps));
        optimizer.set_learning_rate(protocol.learning_rate * factor);
        optimizer.step(model.parameters().trainable(), &gradient);
        let loss = terms.detach().to_kind(Kind::Double) * batch.len() as f64;
        losses.push(loss, objective.detach(), optimizer.learning_rate());
        progress.advance(batch.len() as u64);
        if interrupt.is_requested() {
            return None;
        }
    }
    Some(losses.check(epoch).map(|()| LossValue::of(&losses.sum(), 1.0 / count as f64)))
}

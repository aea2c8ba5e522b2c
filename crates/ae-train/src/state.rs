//! What a training carries from epoch to epoch, besides the model's values.

use autoencoders::Autoencoder;
use run_store::{Checkpoint, Checkpoints, TrainingEpoch};
use stage_cli::{Progress, latest_checkpoint};
use training::{KeptEpochs, Optimizer, TrainingState};

use crate::config::Protocol;

/// A training between two epochs.
pub(crate) struct State {
    pub training: TrainingState<TrainingEpoch>,
    pub kept: KeptEpochs,
}

impl State {
    /// The training as its last sound checkpoint left it, with the model's values; or one that has not begun.
    ///
    /// # Errors
    /// A checkpoint is whole, and yet not of this model.
    pub(crate) fn resume(
        model: &mut Autoencoder,
        protocol: &Protocol,
        checkpoints: &Checkpoints,
        progress: &mut dyn Progress,
    ) -> anyhow::Result<Self> {
        let values = model.parameters().trainable();
        let optimizer = Optimizer::new(protocol.optimizer, protocol.learning_rate, values);
        let mut state = Self { training: TrainingState::new(optimizer), kept: KeptEpochs::default() };
        // A training that is to keep more epochs than an earlier one did cannot go on from it.
        let usable = |checkpoint: &Checkpoint| {
            let wanted = protocol.keep_epochs.range(..=checkpoint.epoch).copied();
            let missing = KeptEpochs::missing_in(checkpoint, wanted).map_err(|error| error.to_string())?;
            missing
                .first()
                .map_or(Ok(()), |missing| Err(format!("checkpoint passed over: nothing was kept of epoch {missing}")))
        };
        if let Some(checkpoint) = latest_checkpoint(checkpoints, protocol.epochs, progress, usable) {
            // The last epoch of a shorter training may be none that this one keeps.
            let wanted = |epoch: u32| protocol.keep_epochs.contains(&epoch) || epoch == protocol.epochs;
            state.kept = KeptEpochs::restore(&checkpoint, model, wanted)?;
            state.training.restore(model, &checkpoint)?;
        }
        Ok(state)
    }

    /// Writes a checkpoint to go on from.
    pub(crate) fn save(&self, model: &Autoencoder, checkpoints: &Checkpoints) -> anyhow::Result<()> {
        let fill = |checkpoint: &Checkpoint| -> anyhow::Result<()> {
            self.training.save(model, checkpoint)?;
            Ok(self.kept.write(model, |name| checkpoint.file(name))?)
        };
        checkpoints.write(self.training.epoch(), self.training.optimizer.steps(), fill)
    }
}

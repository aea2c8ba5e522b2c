//! What a training carries from epoch to epoch, besides the model's values.

use autoencoders::{Autoencoder, WeightsByEpoch};
use run_store::{Checkpoint, Checkpoints, Reconstruction, Reconstructions, TrainingEpoch, file};
use stage_cli::{Progress, latest_checkpoint};
use training::{Optimizer, TrainingState};

use crate::config::Protocol;

/// A training between two epochs.
pub(crate) struct State {
    pub training: TrainingState<TrainingEpoch>,
    /// The model's values after the epochs that are kept, and what it made of the first test images then.
    pub weights: WeightsByEpoch,
    pub reconstructions: Vec<Reconstruction>,
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
        let training = TrainingState::new(optimizer);
        let mut state = Self { training, weights: WeightsByEpoch::default(), reconstructions: Vec::new() };
        // A training that is to keep more epochs than an earlier one did cannot go on from it.
        let usable = |checkpoint: &Checkpoint| {
            let kept = kept(checkpoint).map_err(|error| error.to_string())?;
            let has = |epoch: &u32| kept.iter().any(|row| row.epoch == *epoch);
            let mut wanted = protocol.keep_epochs.range(..=checkpoint.epoch);
            wanted
                .find(|epoch| !has(epoch))
                .map_or(Ok(()), |missing| Err(format!("checkpoint passed over: nothing was kept of epoch {missing}")))
        };
        if let Some(checkpoint) = latest_checkpoint(checkpoints, protocol.epochs, progress, usable) {
            // The last epoch of a shorter training may be none that this one keeps.
            let wanted = |epoch: u32| protocol.keep_epochs.contains(&epoch) || epoch == protocol.epochs;
            state.reconstructions = kept(&checkpoint)?.into_iter().filter(|row| wanted(row.epoch)).collect();
            state.weights = WeightsByEpoch::read(&checkpoint.file(file::WEIGHTS_BY_EPOCH), model.parameters())?;
            state.weights.retain(wanted);
            state.training.restore(model, &checkpoint)?;
        }
        Ok(state)
    }

    /// Writes a checkpoint to go on from.
    pub(crate) fn save(&self, model: &Autoencoder, checkpoints: &Checkpoints) -> anyhow::Result<()> {
        let fill = |checkpoint: &Checkpoint| -> anyhow::Result<()> {
            self.training.save(model, checkpoint)?;
            self.weights.write(&checkpoint.file(file::WEIGHTS_BY_EPOCH), model.parameters())?;
            Ok(self.reconstructions(model).write(&checkpoint.file(file::RECONSTRUCTIONS))?)
        };
        checkpoints.write(self.training.epoch(), self.training.optimizer.steps(), fill)
    }

    /// The reconstructions so far, as a table.
    pub(crate) fn reconstructions(&self, model: &Autoencoder) -> Reconstructions {
        let (height, width) = (model.description().image_height, model.description().image_width);
        Reconstructions { height, width, rows: self.reconstructions.clone() }
    }
}

fn kept(checkpoint: &Checkpoint) -> run_store::Result<Vec<Reconstruction>> {
    Ok(Reconstructions::read(&checkpoint.file(file::RECONSTRUCTIONS))?.rows)
}

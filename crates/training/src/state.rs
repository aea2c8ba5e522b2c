//! A training between two epochs, to disk and back.

use autoencoders::{ModelError, Weights};
use run_store::{Checkpoint, History, StoreError, file};

use crate::optimizer::Optimizer;

/// What a training carries from epoch to epoch, besides the model's values.
#[derive(Debug)]
pub struct TrainingState<R> {
    /// The optimizer with its memory.
    pub optimizer: Optimizer,
    /// One row for each epoch so far.
    pub history: Vec<R>,
}

/// Why a state cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The history.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tensors.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl<R: History> TrainingState<R> {
    /// A training that has not begun.
    #[must_use]
    pub fn new(optimizer: Optimizer) -> Self {
        Self { optimizer, history: Vec::new() }
    }

    /// Epochs trained.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.history.last().map_or(0, History::epoch)
    }

    /// Takes the training, with the model's values, up where `checkpoint` left it.
    ///
    /// # Errors
    /// The checkpoint is not of this model, or its history is of more or fewer epochs.
    pub fn restore(&mut self, model: &mut impl Weights, checkpoint: &Checkpoint) -> Result<(), StateError> {
        let history = checkpoint.file(file::HISTORY);
        self.history = R::read(&history)?;
        if self.epoch() != checkpoint.epoch {
            let problem = format!("expected the history of {} epochs, found {}", checkpoint.epoch, self.epoch());
            return Err(StoreError::invalid(&history, problem, "start over with --force").into());
        }
        self.optimizer.restore(&checkpoint.file(file::OPTIMIZER), checkpoint.optimizer_steps)?;
        model.restore(&checkpoint.file(file::WEIGHTS))?;
        Ok(())
    }

    /// Writes the training, with the model's values, into `checkpoint`.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn save(&self, model: &impl Weights, checkpoint: &Checkpoint) -> Result<(), StateError> {
        model.save(&checkpoint.file(file::WEIGHTS))?;
        self.optimizer.save(&checkpoint.file(file::OPTIMIZER))?;
        R::write(&checkpoint.file(file::HISTORY), &self.history)?;
        Ok(())
    }
}

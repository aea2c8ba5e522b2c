//! What a refinement carries from epoch to epoch, besides the model's values.

use autoencoders::{Autoencoder, ClusterHeads, Parameters, Weights};
use run_store::{Checkpoint, Checkpoints, RefinementEpoch, file};
use stage_cli::{Progress, latest_checkpoint};
use training::{KeptEpochs, Optimizer, OptimizerRule, TrainingState};

use crate::config::Protocol;
use crate::objective::Objective;
use crate::recipe::Phase;
use crate::starts::StartValues;
use crate::student::Student;

/// A refinement between two epochs.
pub(crate) struct State {
    pub training: TrainingState<RefinementEpoch>,
    pub heads: ClusterHeads,
    pub heads_optimizer: Optimizer,
    /// If the recipe has one.
    pub student: Option<Student>,
    pub kept: KeptEpochs,
    pub starts: StartValues,
}

impl State {
    /// The refinement, to `last_epoch`, as its last sound checkpoint left it, with the model's values; or one that has not begun, with
    /// `heads`, `student` and `starts`.
    ///
    /// # Errors
    /// A checkpoint is whole, and yet not of this model.
    pub(crate) fn resume(
        model: &mut Autoencoder,
        (heads, student): (ClusterHeads, Option<Student>),
        (protocol, last_epoch): (&Protocol, u32),
        starts: StartValues,
        checkpoints: &Checkpoints,
        progress: &mut dyn Progress,
    ) -> anyhow::Result<Self> {
        let optimizer = new_optimizer(model.parameters(), protocol.learning_rate);
        let heads_optimizer = new_optimizer(heads.parameters(), protocol.learning_rate);
        let training = TrainingState::new(optimizer);
        let mut state = Self { training, heads, heads_optimizer, student, kept: KeptEpochs::default(), starts };
        if let Some(checkpoint) = latest_checkpoint(checkpoints, last_epoch, progress, |_| Ok(())) {
            state.kept = KeptEpochs::restore(&checkpoint, model, |_| true)?;
            state.training.restore(model, &checkpoint)?;
            state.heads.restore(&checkpoint.file(file::HEADS))?;
            state.heads_optimizer.restore(&checkpoint.file(file::HEADS_OPTIMIZER), checkpoint.optimizer_steps)?;
            state.student.as_mut().map_or(Ok(()), |student| student.restore(&checkpoint))?;
            let best = checkpoint.file(file::BEST_START);
            state.starts.restore(state.training.epoch(), &best, model, &state.heads)?;
        }
        Ok(state)
    }

    /// Forgets what the optimizers remember: a phase's gradients are not those of the one before.
    pub(crate) fn renew_optimizers(&mut self, model: &Autoencoder, protocol: &Protocol) {
        self.training.optimizer = new_optimizer(model.parameters(), protocol.learning_rate);
        self.heads_optimizer = new_optimizer(self.heads.parameters(), protocol.learning_rate);
        if let Some(student) = &mut self.student {
            student.optimizer = new_optimizer(student.network.parameters(), protocol.learning_rate);
        }
    }

    /// Writes a checkpoint to go on from.
    pub(crate) fn save(&self, model: &Autoencoder, checkpoints: &Checkpoints) -> anyhow::Result<()> {
        let fill = |checkpoint: &Checkpoint| -> anyhow::Result<()> {
            self.training.save(model, checkpoint)?;
            self.heads.save(&checkpoint.file(file::HEADS))?;
            self.heads_optimizer.save(&checkpoint.file(file::HEADS_OPTIMIZER))?;
            self.student.as_ref().map_or(Ok(()), |student| student.save(checkpoint))?;
            self.starts.save(&checkpoint.file(file::BEST_START), model, &self.heads)?;
            Ok(self.kept.write(model, |name| checkpoint.file(name))?)
        };
        checkpoints.write(self.training.epoch(), self.steps(), fill)
    }

    /// Steps that the phase has taken.
    pub(crate) fn steps(&self) -> u32 {
        let of_student = self.student.as_ref().map_or(0, |student| student.optimizer.steps());
        self.training.optimizer.steps().max(of_student)
    }

    /// What `phase` moves, each with its optimizer: at least one.
    pub(crate) fn learners<'a>(
        &'a mut self,
        model: &'a Autoencoder,
        phase: &Phase,
    ) -> Vec<(&'a Parameters, &'a mut Optimizer)> {
        let mut learners = Vec::new();
        if phase.moves_model() {
            learners.push((model.parameters(), &mut self.training.optimizer));
        }
        if phase.moves_heads() {
            learners.push((self.heads.parameters(), &mut self.heads_optimizer));
        }
        let student = self.student.as_mut().filter(|_| phase.has(Objective::Student));
        learners.extend(student.map(|student| (student.network.parameters(), &mut student.optimizer)));
        learners
    }
}

pub(crate) fn new_optimizer(parameters: &Parameters, learning_rate: f64) -> Optimizer {
    Optimizer::new(OptimizerRule::Adam, learning_rate, parameters.trainable())
}

//! A round of a student: it begins anew, learns the images' names, and gives them others.

use autoencoders::{Autoencoder, ClusterStudent, Mode, Weights};
use run_store::{Checkpoint, file};
use stage_cli::Interrupt;
use tch::{Kind, Tensor, no_grad};
use training::{Batches, Optimizer, Seed};

use crate::config::Protocol;
use crate::objective::student::assignment;
use crate::state::new_optimizer;

/// Images that are named at once.
const NAMED_AT_ONCE: i64 = 500;

/// A student with its optimizer.
pub(crate) struct Student {
    pub network: ClusterStudent,
    pub optimizer: Optimizer,
}

impl Student {
    pub(crate) fn new(network: ClusterStudent, learning_rate: f64) -> Self {
        let optimizer = new_optimizer(network.parameters(), learning_rate);
        Self { network, optimizer }
    }

    /// Begins anew in `epoch`, to be taught `names`.
    pub(crate) fn begin(&mut self, protocol: &Protocol, epoch: u32, names: &Tensor) {
        self.network.set_names(names);
        self.network.begin_anew(Seed(protocol.seed).within(epoch));
    }

    /// Names all images, `pixels`, by what it sees in views of them: the share that it names otherwise than before, in [0, 1].
    /// `None` if a stop was asked for.
    pub(crate) fn rename(
        &mut self,
        model: &Autoencoder,
        protocol: &Protocol,
        pixels: &Tensor,
        interrupt: &Interrupt,
    ) -> Option<f64> {
        let (height, width) = (model.description().image_height, model.description().image_width);
        let augmentation = protocol.augmentation.times(protocol.naming.view_share);
        let mut names = Vec::new();
        for batch in Batches::in_order(pixels.size()[0], self.network.at_once(NAMED_AT_ONCE)) {
            let images = model.preprocess(&batch.of(pixels));
            let view = |_| {
                let moved = augmentation.apply(&images, i64::from(height), i64::from(width));
                self.network.logits(&moved, Mode::Inference)
            };
            names.push(no_grad(|| assignment((0..protocol.naming.views).map(view)))?.argmax(1, false));
            if interrupt.is_requested() {
                return None;
            }
        }
        let names = Tensor::cat(&names, 0);
        let renamed = names.not_equal_tensor(&self.network.names()).to_kind(Kind::Double).mean(Kind::Double);
        self.network.set_names(&names);
        Some(renamed.double_value(&[]))
    }

    pub(crate) fn save(&self, checkpoint: &Checkpoint) -> anyhow::Result<()> {
        self.network.save(&checkpoint.file(file::STUDENT))?;
        Ok(self.optimizer.save(&checkpoint.file(file::STUDENT_OPTIMIZER))?)
    }

    pub(crate) fn restore(&mut self, checkpoint: &Checkpoint) -> anyhow::Result<()> {
        self.network.restore(&checkpoint.file(file::STUDENT))?;
        Ok(self.optimizer.restore(&checkpoint.file(file::STUDENT_OPTIMIZER), checkpoint.optimizer_steps)?)
    }
}

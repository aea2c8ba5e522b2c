//! Losses that cease to be finite: where, and what there is to do.

use autoencoders::Parameters;
use tch::{Kind, Tensor};

use crate::images::sum;
use crate::optimizer::Optimizer;

/// Where a training ceased to be finite.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotFinite {
    /// In a batch, before its step.
    #[error(
        "the loss is not finite ({loss}) in epoch {epoch}, batch {batch} of {batches}, at a learning rate of {learning_rate:.3e}"
    )]
    Batch {
        /// Which, from 1.
        epoch: u32,
        /// Which of the epoch's, from 1.
        batch: usize,
        /// How many batches the epoch has.
        batches: usize,
        /// What it was.
        loss: f64,
        /// The step size of that batch's step.
        learning_rate: f64,
    },
    /// Where the model was judged after an epoch, so that it was the last step that went too far.
    #[error(
        "the loss {of} is not finite ({loss}) after epoch {epoch}, behind its last batch, at a learning rate of {learning_rate:.3e}"
    )]
    Judged {
        /// Which, from 1.
        epoch: u32,
        /// What was judged: `of test images`.
        of: &'static str,
        /// What it was.
        loss: f64,
        /// The step size of the last step.
        learning_rate: f64,
    },
    /// The losses may still be: an activation hides a variance that is not, and a step that is divided by it is none.
    #[error("{of} is not finite after epoch {epoch}, at a learning rate of {learning_rate:.3e}")]
    Kept {
        /// Which, from 1.
        epoch: u32,
        /// What was to be kept: a parameter's name, or the optimizer's memory.
        of: String,
        /// The step size of the last step.
        learning_rate: f64,
    },
}

/// What there is to go on from where a training ceases to be finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The training writes no checkpoints.
    StartOver,
    /// There is one after each epoch, for the same parameters.
    Checkpoint,
    /// There is one after each epoch, and a training of fewer `--epochs` is a part of this one.
    CheckpointToEndWith,
}

impl NotFinite {
    fn epoch(&self) -> u32 {
        match self {
            Self::Batch { epoch, .. } | Self::Judged { epoch, .. } | Self::Kept { epoch, .. } => *epoch,
        }
    }

    /// The error in full: where it was and what to do. A checkpoint is of one learning rate: results name the one that all their
    /// epochs had.
    #[must_use]
    pub fn with(&self, remedy: Remedy) -> String {
        let lower = match self {
            Self::Batch { epoch: 1, batch: 1, .. } => {
                "no step was taken yet: use weights and amounts nearer to the defaults"
            }
            // A phase of its own may begin with it.
            Self::Batch { batch: 1, .. } => {
                "use weights and amounts nearer to the defaults, or a lower --learning-rate"
            }
            _ => "use a lower --learning-rate",
        };
        match (remedy, self.epoch() - 1) {
            (Remedy::StartOver, _) | (_, 0) => format!("{self}; {lower}"),
            (Remedy::Checkpoint, good) => {
                format!(
                    "{self}; {lower}, which starts over: the checkpoint after epoch {good} is kept, but belongs to this one"
                )
            }
            (Remedy::CheckpointToEndWith, good) => format!(
                "{self}; {lower}, which starts over, or end with what is good: the checkpoint after epoch {good} is kept, and \
                 --epochs {good} takes it"
            ),
        }
    }

    /// Checks what a training is about to keep of `epoch`: the losses by which it was judged, the values of `parameters`, and the
    /// memory of their optimizer.
    ///
    /// # Errors
    /// One of them is not finite.
    pub fn check_epoch(
        epoch: u32,
        judged: &[(&'static str, f64)],
        (parameters, optimizer): (&Parameters, &Optimizer),
    ) -> Result<(), Self> {
        let learning_rate = optimizer.learning_rate();
        if let Some((of, loss)) = judged.iter().find(|(_, loss)| !loss.is_finite()) {
            return Err(Self::Judged { epoch, of, loss: *loss, learning_rate });
        }
        let kept = |of: &str| Err(Self::Kept { epoch, of: of.to_owned(), learning_rate });
        match parameters.iter().find(|(_, values)| !is_finite(values)) {
            Some((info, _)) => kept(&info.name),
            None if optimizer.memory().into_iter().all(is_finite) => Ok(()),
            None => kept("the optimizer's memory"),
        }
    }
}

fn is_finite(values: &Tensor) -> bool {
    values.isfinite().all().int64_value(&[]) != 0
}

/// The losses of an epoch's batches. They stay on the device until it is over: reading them at each step would wait for the device
/// each time.
#[derive(Debug, Default)]
pub struct EpochLosses {
    losses: Vec<Tensor>,
    lowered: Vec<Tensor>,
    learning_rates: Vec<f64>,
}

impl EpochLosses {
    /// Adds the `loss` of a batch, of no dimension or of one whose first value is the loss, and what its step of the size
    /// `learning_rate` `lowered`, which may have been more than that.
    pub fn push(&mut self, loss: Tensor, lowered: Tensor, learning_rate: f64) {
        self.losses.push(loss);
        self.lowered.push(lowered);
        self.learning_rates.push(learning_rate);
    }

    /// How many batches there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.losses.len()
    }

    /// Their sum, in f64; there is at least one.
    pub fn sum(&self) -> Tensor {
        sum(&self.losses)
    }

    /// Checks that what was lowered is finite, now that `epoch` is over.
    ///
    /// # Errors
    /// One is not: the first of them is named.
    pub fn check(&self, epoch: u32) -> Result<(), NotFinite> {
        if self.losses.is_empty() {
            return Ok(());
        }
        let lowered = Tensor::stack(&self.lowered, 0).view([self.count() as i64]);
        let losses = Vec::<f64>::try_from(lowered.to_kind(Kind::Double)).unwrap_or_default();
        let found = losses.iter().zip(&self.learning_rates).enumerate().find(|(_, (loss, _))| !loss.is_finite());
        found.map_or(Ok(()), |(position, (loss, learning_rate))| {
            Err(NotFinite::Batch {
                epoch,
                batch: position + 1,
                batches: self.count(),
                loss: *loss,
                learning_rate: *learning_rate,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use autoencoders::{Classifier, describe_classifier};
    use tch::Device;

    use super::*;
    use crate::optimizer::OptimizerRule;

    fn optimizer() -> Optimizer {
        Optimizer::new(OptimizerRule::Adam, 0.5, &Tensor::from_slice(&[1.0_f32]))
    }

    #[test]
    fn the_first_batch_that_is_not_finite_is_named() {
        let mut optimizer = optimizer();
        let mut losses = EpochLosses::default();
        assert_eq!(losses.check(1), Ok(()));
        for (loss, learning_rate) in [(1.0_f32, 0.5), (f32::INFINITY, 0.25), (f32::NAN, 0.125)] {
            optimizer.set_learning_rate(learning_rate);
            losses.push(Tensor::from_slice(&[1.0_f32, 0.0]), Tensor::from(loss), optimizer.learning_rate());
        }
        let error = losses.check(4).unwrap_err();
        let expected = NotFinite::Batch { epoch: 4, batch: 2, batches: 3, loss: f64::INFINITY, learning_rate: 0.25 };
        assert_eq!(error, expected);
        let text = error.with(Remedy::CheckpointToEndWith);
        assert!(
            text.starts_with("the loss is not finite (inf) in epoch 4, batch 2 of 3, at a learning rate of 2.500e-1;")
        );
        assert!(text.ends_with("the checkpoint after epoch 3 is kept, and --epochs 3 takes it"), "{text}");
    }

    #[test]
    fn nothing_is_promised_that_is_not_there() {
        let in_epoch = |epoch| NotFinite::Kept { epoch, of: "a".to_owned(), learning_rate: 1.0 };
        for remedy in [Remedy::StartOver, Remedy::Checkpoint, Remedy::CheckpointToEndWith] {
            assert!(in_epoch(1).with(remedy).ends_with("; use a lower --learning-rate"));
        }
        assert!(!in_epoch(9).with(Remedy::StartOver).contains("checkpoint"));
        assert!(!in_epoch(9).with(Remedy::Checkpoint).contains("--epochs"));
    }

    #[test]
    fn what_no_loss_shows_is_found_in_what_is_kept() {
        let classifier = Classifier::new(&describe_classifier(1, 2), Device::Cpu, 0).unwrap();
        let parameters = classifier.parameters();
        let values = parameters.trainable();
        let mut optimizer = Optimizer::new(OptimizerRule::Adam, 0.5, values);
        let check = |optimizer: &Optimizer| {
            let error = NotFinite::check_epoch(2, &[("of test images", 1.0)], (parameters, optimizer)).err();
            error.map(|error| error.to_string()).unwrap_or_default()
        };
        optimizer.step(values, &values.ones_like());
        assert_eq!(check(&optimizer), "");
        // Too large to be squared.
        optimizer.step(values, &(values.ones_like() * 1e30));
        let expected = "the optimizer's memory is not finite after epoch 2, at a learning rate of 5.000e-1";
        assert_eq!(check(&optimizer), expected);
        let _ = tch::no_grad(|| values.shallow_clone().fill_(f64::INFINITY));
        assert!(check(&optimizer).starts_with("classifier.0.weight is not finite"), "{}", check(&optimizer));
        let judged = NotFinite::check_epoch(2, &[("of test images", f64::NAN)], (parameters, &optimizer)).unwrap_err();
        assert!(matches!(judged, NotFinite::Judged { of: "of test images", .. }));
    }
}

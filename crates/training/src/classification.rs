//! One pass of a classifier over its examples, to learn from them or to be judged by them.

use autoencoders::{Classifier, Mode};
use tch::{Device, Kind, Tensor, no_grad};

use crate::batches::Batches;
use crate::not_finite::{EpochLosses, NotFinite};
use crate::optimizer::Optimizer;

/// Examples that are judged at once.
const JUDGED_BATCH: i64 = 512;

/// What a classifier is shown, and what it should say: on the device.
#[derive(Debug)]
pub struct Examples {
    /// N × values, as the data holds them: latents, or pixels 0..=255.
    inputs: Tensor,
    /// N classes, i64.
    labels: Tensor,
}

/// A classifier's answers on examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Share of right answers, in [0, 1].
    pub accuracy: f64,
    /// The class of each example.
    pub predictions: Vec<u8>,
}

impl Examples {
    /// `labels.len()` examples: `inputs` is examples × values.
    pub fn new(inputs: &Tensor, labels: &[u8], device: Device) -> Self {
        let labels = Tensor::from_slice(labels).to_kind(Kind::Int64).to_device(device);
        Self { inputs: inputs.to_device(device), labels }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.labels.numel() as i64
    }

    /// Where they are.
    pub fn device(&self) -> Device {
        self.labels.device()
    }
}

/// What a pass over examples leaves to whoever asks for it.
pub trait Lesson {
    /// What the classifier is shown in the place of N × values `inputs`.
    fn view(&self, inputs: Tensor) -> Tensor {
        inputs
    }

    /// The step size of the step after `steps` others.
    fn learning_rate(&self, steps: u32) -> f64;

    /// Hears that a step took `examples`.
    fn advance(&mut self, examples: u64);
}

/// One pass over `batches` of `examples`, the training's `epoch`: mean cross-entropy and share of right answers while training, each
/// batch before its own step.
///
/// # Errors
/// A batch's loss is not finite.
pub fn train_classifier(
    classifier: &Classifier,
    optimizer: &mut Optimizer,
    examples: &Examples,
    (epoch, batches): (u32, Batches),
    lesson: &mut dyn Lesson,
) -> Result<(f64, f64), NotFinite> {
    let device = examples.device();
    // The sums stay on the device: reading them at each step would wait for the device each time.
    let (mut loss_sum, mut right) =
        (Tensor::zeros([], (Kind::Double, device)), Tensor::zeros([], (Kind::Int64, device)));
    let mut losses = EpochLosses::default();
    for batch in batches {
        let inputs = lesson.view(classifier.preprocess(&batch.of(&examples.inputs)));
        let labels = batch.of(&examples.labels);
        let logits = classifier.logits(&inputs, Mode::Training);
        let loss = logits.cross_entropy_for_logits(&labels);
        let gradient = classifier.parameters().gradient(&loss);
        optimizer.set_learning_rate(lesson.learning_rate(optimizer.steps()));
        optimizer.step(classifier.parameters().trainable(), &gradient);
        let loss = loss.detach().to_kind(Kind::Double);
        loss_sum += &loss * batch.len() as f64;
        losses.push(loss.shallow_clone(), loss, optimizer.learning_rate());
        right += logits.argmax(-1, false).eq_tensor(&labels).sum(Kind::Int64);
        lesson.advance(batch.len() as u64);
    }
    losses.check(epoch)?;
    let count = examples.count() as f64;
    Ok((loss_sum.double_value(&[]) / count, right.double_value(&[]) / count))
}

/// The classifier's answers on all of `examples`, in inference mode.
pub fn judge_classifier(classifier: &Classifier, examples: &Examples) -> Result<Answers, tch::TchError> {
    no_grad(|| {
        let (mut loss_sum, mut predictions) = (0.0, Vec::new());
        for batch in Batches::in_order(examples.count(), classifier.at_once(JUDGED_BATCH)) {
            let inputs = classifier.preprocess(&batch.of(&examples.inputs));
            let logits = classifier.logits(&inputs, Mode::Inference);
            let loss = logits.to_kind(Kind::Double).cross_entropy_for_logits(&batch.of(&examples.labels));
            loss_sum += loss.double_value(&[]) * batch.len() as f64;
            predictions.push(logits.argmax(-1, false));
        }
        let predictions = Tensor::cat(&predictions, 0);
        let right = predictions.eq_tensor(&examples.labels).sum(Kind::Int64).double_value(&[]);
        let count = examples.count() as f64;
        Ok(Answers {
            loss: loss_sum / count,
            accuracy: right / count,
            predictions: Vec::try_from(predictions.to_kind(Kind::Uint8))?,
        })
    })
}

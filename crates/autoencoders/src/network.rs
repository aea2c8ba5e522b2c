//! A list of layers, run one after the other.
//!
//! Images are N × channels × height × width with channels last in memory, which libtorch's convolutions, pooling and
//! normalisation are fastest on; flattening them gives height, width, channel order with no copy, which is Keras' order.

use std::fmt;

use run_store::Layer;
use tch::{Kind, Tensor};

use crate::error::{ModelError, Result};
use crate::operation::{Builder, Operation};
use crate::parameters::{ParameterInfo, Parameters};
use crate::precision::Precision;

/// More layers than any network of ours has: a description beyond it is damaged.
const LAYER_LIMIT: usize = 256;
/// More values than any layer of ours gives for an image, which are two million where images are 256 × 256.
const FLOW_LIMIT: i64 = 1 << 23;
/// The most values that a layer should give for images that are taken at once, where nothing but memory depends on how many are:
/// 256 MiB.
const FLOW_AT_ONCE: i64 = 1 << 26;

/// The most values that a layer may give for a batch that is trained on: 4 GiB.
pub const MOST_AT_ONCE: i64 = 1 << 30;

/// Whether a network trains: it decides about dropout and which statistics normalise a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dropout is on, batches are normalised by their own statistics, running statistics follow.
    Training,
    /// Dropout is off, batches are normalised by the running statistics.
    Inference,
}

/// The shape of what flows between layers, without the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A vector.
    Vector(i64),
    /// An image.
    Image {
        /// Rows.
        height: i64,
        /// Columns.
        width: i64,
        /// Channels.
        channels: i64,
    },
}

impl Shape {
    /// The number of values.
    #[must_use]
    pub fn numel(self) -> i64 {
        match self {
            Self::Vector(length) => length,
            Self::Image { height, width, channels } => height.saturating_mul(width).saturating_mul(channels),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vector(length) => write!(formatter, "a vector of {length}"),
            Self::Image { height, width, channels } => {
                write!(formatter, "an image of {height} × {width} × {channels}")
            }
        }
    }
}

/// A list of layers, ready to run.
#[derive(Clone, Debug)]
pub struct Network {
    operations: Vec<Operation>,
    /// The activation that turns the last values into probabilities; a loss is exact on the values before it.
    link: Option<Operation>,
    output: Shape,
    /// The most values that flow between two layers for one input.
    widest: i64,
    precision: Precision,
}

impl Network {
    /// Builds `layers` for inputs of shape `input`, and adds what they need to `infos` under `prefix`.
    pub(crate) fn build(prefix: &str, layers: &[Layer], input: Shape, infos: &mut Vec<ParameterInfo>) -> Result<Self> {
        if layers.len() > LAYER_LIMIT {
            let problem = format!("expected a {prefix} of at most {LAYER_LIMIT} layers, found {}", layers.len());
            return Err(ModelError::Architecture(problem));
        }
        let (mut shape, mut widest) = (input, input.numel());
        let mut operations = Vec::with_capacity(layers.len());
        for (position, layer) in layers.iter().enumerate() {
            let mut builder = Builder { prefix: format!("{prefix}.{position}"), infos };
            let (operation, next) = builder.operation(*layer, shape).ok_or_else(|| {
                ModelError::Architecture(format!(
                    "expected layer {position} of the {prefix} to be one that takes {shape}, found {layer}"
                ))
            })?;
            if next.numel() < 1 {
                return Err(ModelError::Architecture(format!(
                    "expected layer {position} of the {prefix} to leave something of {shape}, found {layer}"
                )));
            }
            let values = operation.values(shape, next);
            if values > FLOW_LIMIT {
                return Err(ModelError::Architecture(format!(
                    "expected layer {position} of the {prefix} to give at most {FLOW_LIMIT} values, found {layer} with {values}"
                )));
            }
            operations.push(operation);
            widest = widest.max(values);
            shape = next;
        }
        let link = operations.pop_if(|last| matches!(last, Operation::Sigmoid | Operation::Softmax));
        join_normalisations(&mut operations);
        pool_before_activation(&mut operations);
        Ok(Self { operations, link, output: shape, widest, precision: Precision::default() })
    }

    /// The shape of an output.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.output
    }

    /// How many inputs may be taken at once, of `wanted`, so that what flows between layers stays within bounds. Of no model of the
    /// study it is fewer.
    pub(crate) fn at_once(&self, wanted: i64) -> i64 {
        wanted.min(FLOW_AT_ONCE / self.widest.max(1)).max(1)
    }

    /// Whether `count` inputs can be trained on at once.
    pub(crate) fn holds(&self, count: i64) -> bool {
        self.widest.saturating_mul(count) <= MOST_AT_ONCE
    }

    /// The network in two: what comes before its last dense layer, and the rest.
    pub(crate) fn split_at_last_dense(mut self) -> (Self, Self) {
        let rest = self.operations.iter().rposition(is_dense).unwrap_or(0);
        let operations = self.operations.split_off(rest);
        let end = Self { operations, link: self.link.take(), ..self.clone() };
        (self, end)
    }

    /// Whether there is a dense layer to split it at.
    pub(crate) fn has_dense(&self) -> bool {
        self.operations.iter().any(is_dense)
    }

    /// The number of values that the first layer takes, if it is dense.
    pub(crate) fn input_size(&self, parameters: &Parameters) -> i64 {
        match self.operations.first() {
            Some(Operation::Dense { weight, .. } | Operation::GaussianHeads { mean: weight, .. }) => {
                parameters.view(*weight).size()[1]
            }
            _ => 0,
        }
    }

    /// Computes in `precision` from now on.
    pub(crate) fn compute_in(&mut self, precision: Precision) {
        self.precision = precision;
    }

    /// The outputs before the last activation, in f32: what a loss takes.
    pub fn logits(&self, parameters: &Parameters, input: &Tensor, mode: Mode) -> Tensor {
        let start = input.to_kind(self.precision.kind());
        let end = self.operations.iter().fold(start, |values, operation| operation.apply(parameters, &values, mode));
        end.to_kind(Kind::Float)
    }

    /// The outputs.
    pub fn forward(&self, parameters: &Parameters, input: &Tensor, mode: Mode) -> Tensor {
        let logits = self.logits(parameters, input, mode);
        match self.link {
            Some(link) => link.apply(parameters, &logits, mode),
            None => logits,
        }
    }
}

fn is_dense(operation: &Operation) -> bool {
    matches!(operation, Operation::Dense { .. } | Operation::GaussianHeads { .. })
}

/// ReLU and LeakyReLU never decrease, so they commute exactly with max-pooling: pool first, and they touch a quarter of the
/// values.
fn pool_before_activation(operations: &mut [Operation]) {
    for position in 1..operations.len() {
        let [activation, Operation::MaxPool2d { .. }] = operations[position - 1..=position] else { continue };
        let never_decreases = match activation {
            Operation::Relu => true,
            Operation::LeakyRelu { slope } => slope >= 0.0,
            _ => false,
        };
        if never_decreases {
            operations.swap(position - 1, position);
        }
    }
}

/// Tells convolutions of the batch normalisation behind them, and that of the bias in front.
fn join_normalisations(operations: &mut [Operation]) {
    for position in 1..operations.len() {
        if let [
            Operation::Conv2d { kernel, .. } | Operation::ConvTranspose2d { kernel, .. },
            Operation::BatchNorm { normalisation, bias, .. },
        ] = &mut operations[position - 1..=position]
        {
            kernel.normalisation = Some(*normalisation);
            *bias = Some(kernel.bias);
        }
    }
}

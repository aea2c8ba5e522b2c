//! What a convolution multiplies by and adds, where batch normalisation follows it.
//!
//! While training, the normalisation takes every constant away again: the bias is left out, and only the running mean follows it.
//! In inference the normalisation is itself a product and a sum for each channel, and becomes part of the convolution's, so that no
//! value is touched twice.

use tch::{Kind, Tensor};

use crate::network::Mode;
use crate::parameters::Parameters;

/// The normalisation behind a convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Normalisation {
    /// Where its scale stands among the parameters; shift, running mean and running variance follow.
    pub first: usize,
    /// What is added to variances.
    pub epsilon: f64,
}

/// Where a convolution finds its values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kernel {
    pub weight: usize,
    pub bias: usize,
    /// The dimension of the weight that counts output channels.
    pub outputs: usize,
    pub normalisation: Option<Normalisation>,
}

impl Kernel {
    /// The weight, and the bias where it makes a difference, in numbers of `kind`.
    pub(crate) fn of(self, parameters: &Parameters, mode: Mode, kind: Kind) -> (Tensor, Option<Tensor>) {
        let (weight, bias) = (parameters.view(self.weight), parameters.view(self.bias));
        match (self.normalisation, mode) {
            (None, _) => (weight.to_kind(kind), Some(bias.to_kind(kind))),
            (Some(_), Mode::Training) => (weight.to_kind(kind), None),
            (Some(Normalisation { first, epsilon }), Mode::Inference) => {
                let [scale, shift, mean, variance] = [0, 1, 2, 3].map(|offset| parameters.view(first + offset));
                let scale = scale / (variance + epsilon).sqrt();
                let bias = (bias - mean) * &scale + shift;
                let mut by_channel = [1; 4];
                by_channel[self.outputs] = -1;
                ((weight * scale.view(by_channel)).to_kind(kind), Some(bias.to_kind(kind)))
            }
        }
    }
}

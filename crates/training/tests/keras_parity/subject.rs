//! A model's parameters as Keras sees them: what kind of value they are, in which layout, and which the formula gives
//! them.

use std::path::Path;

use autoencoders::{ParameterInfo, Parameters};
use run_store::{Layer, ModelDescription};
use tch::{Kind, Tensor};
use training::{Optimizer, OptimizerRule};

use crate::comparison::{Allowed, Comparison};
use crate::formula::{glorot_limit, values};
use crate::recorded::{Recorded, sampled};

const STEP_COUNT: usize = 3;
const LEARNING_RATE: f64 = 1e-3;
/// What a value may be off after steps, as a share of it or, where it is smaller, of its parameter's root mean square.
const PARAMETERS: f64 = 1e-4;
/// What losses and running statistics may be off.
const STATISTICS: Allowed = Allowed::Absolute(1e-5);
/// The share of a running statistic that one batch keeps.
const MOMENTUM: f64 = 0.99;

/// How closely training mode agrees.
#[derive(Clone, Copy)]
pub(crate) struct Closeness {
    /// What outputs and latents may be off, as a share where they are beyond 1.
    pub outputs: f64,
    /// What a gradient may be off, as a share of it or, where it is smaller, of its parameter's root mean square.
    /// Each entry is a sum whose terms are that large, and their rounding stays when they cancel out.
    pub gradients: f64,
    /// Whether single values are compared after steps, or norms only.
    pub each_value: bool,
}

impl Closeness {
    /// What f32 allows.
    pub(crate) const CLOSE: Self = Self { outputs: 1e-5, gradients: 1e-4, each_value: true };
    /// What libtorch's batch normalisation of channels-last images allows with many pixels: it sums in f32, one pixel
    /// after the other, and is off by up to 7e-5 of the variance at 6272 pixels. That is enough to move some
    /// activation across the kink of LeakyReLU in three steps; where a gradient is almost zero, a step then goes the
    /// other way.
    pub(crate) const MANY_PIXELS: Self = Self { outputs: 1e-4, gradients: 5e-4, each_value: false };

    pub(crate) fn of_outputs(self) -> Allowed {
        Allowed::Relative { share: self.outputs, floor: 1.0 }
    }
}

/// The layers of a model, by the name of their network.
pub(crate) struct Layers(pub Vec<(&'static str, Vec<Layer>)>);

impl Layers {
    pub(crate) fn of(description: &ModelDescription) -> Self {
        Self(vec![("encoder", description.encoder.clone()), ("decoder", description.decoder.clone())])
    }

    /// The layer that has parameter `name`, and the one that follows.
    fn around(&self, name: &str) -> (Layer, Option<Layer>) {
        let mut parts = name.split('.');
        let (network, position) = (parts.next(), parts.next().and_then(|position| position.parse::<usize>().ok()));
        let (_, layers) = self.0.iter().find(|(other, _)| Some(*other) == network).unwrap();
        let position = position.unwrap();
        (layers[position], layers.get(position + 1).copied())
    }

    /// Whether parameter `name` is one of a batch normalisation.
    pub(crate) fn normalises(&self, name: &str) -> bool {
        matches!(self.around(name).0, Layer::BatchNorm { .. })
    }

    /// Whether parameter `name` is a bias in front of batch normalisation, which takes every constant away again.
    fn is_vain(&self, name: &str) -> bool {
        let (layer, next) = self.around(name);
        let convolution = matches!(layer, Layer::Conv2d { .. } | Layer::ConvTranspose2d { .. });
        convolution && name.ends_with(".bias") && matches!(next, Some(Layer::BatchNorm { .. }))
    }

    /// The bias that stands in front of the normalisation whose running mean is parameter `name`.
    fn bias_before(&self, name: &str) -> Option<String> {
        let stem = name.strip_suffix(".running_mean")?;
        let (network, position) = stem.rsplit_once('.')?;
        let bias = format!("{network}.{}.bias", position.parse::<usize>().ok()?.checked_sub(1)?);
        self.is_vain(&bias).then_some(bias)
    }

    /// Centre and spread of the formula for `info`.
    fn range(&self, info: &ParameterInfo) -> (f64, f64) {
        match info.name.rsplit('.').next() {
            Some("weight") if self.normalises(&info.name) => (1.0, 0.2),
            Some("weight") => (0.0, glorot_limit(&keras_shape(&info.shape))),
            Some("bias") => (0.0, 0.1),
            Some("running_mean") => (0.0, 0.05),
            Some("running_var") => (1.0, 0.2),
            _ => panic!("expected a known role, found {}", info.name),
        }
    }

    /// Writes weights for `parameters` to `path`, with the formula's values.
    pub(crate) fn write_weights(&self, first_number: u64, parameters: &Parameters, path: &Path) {
        let tensors: Vec<(&str, Tensor)> = (first_number..)
            .zip(parameters.infos())
            .map(|(number, info)| {
                let shape = keras_shape(&info.shape);
                let (centre, spread) = self.range(info);
                let values = values(number, shape.iter().product::<i64>().cast_unsigned(), centre, spread);
                (info.name.as_str(), from_keras(&Tensor::from_slice(&values).view(shape.as_slice())))
            })
            .collect();
        Tensor::write_safetensors(&tensors, path).unwrap();
    }
}

/// Keras has kernels as in × out, height × width × in × out or, where transposed, height × width × out × in; libtorch
/// has them as out × in, out × in × height × width and in × out × height × width.
pub(crate) fn keras_shape(shape: &[i64]) -> Vec<i64> {
    match *shape {
        [out, inner] => vec![inner, out],
        [outer, inner, height, width] => vec![height, width, inner, outer],
        _ => shape.to_vec(),
    }
}

fn from_keras(values: &Tensor) -> Tensor {
    match values.dim() {
        2 => values.tr().contiguous(),
        4 => values.permute([3, 2, 0, 1]).contiguous(),
        _ => values.shallow_clone(),
    }
}

fn to_keras(values: &Tensor) -> Tensor {
    let values = values.detach();
    match values.dim() {
        2 => values.tr().contiguous(),
        4 => values.permute([2, 3, 1, 0]).contiguous(),
        _ => values,
    }
}

/// The parts of `flat` that belong to each trainable parameter, shaped like it.
fn split(parameters: &Parameters, flat: &Tensor) -> Vec<Tensor> {
    let mut first = 0;
    parameters
        .infos()
        .iter()
        .filter(|info| info.trainable)
        .map(|info| {
            let count = info.shape.iter().product::<i64>();
            let part = flat.narrow(0, first, count);
            first += count;
            match (info.channels_last, info.shape.as_slice()) {
                (true, &[outer, inner, height, width]) => {
                    part.view([outer, height, width, inner]).permute([0, 3, 1, 2])
                }
                _ => part.view(info.shape.as_slice()),
            }
        })
        .collect()
}

/// Compares all of `values` by their norm and sum. The sum may be off by a share of the norm, as terms cancel out.
fn compare_whole(comparison: &mut Comparison, what: &str, values: &Tensor, [norm, sum]: [f64; 2], share: f64) {
    compare_norm(comparison, what, values, norm, share);
    let found = values.sum(Kind::Double);
    comparison.check(&format!("{what}, sum"), &found, &Tensor::from(sum), Allowed::Relative { share, floor: norm });
}

fn compare_norm(comparison: &mut Comparison, what: &str, values: &Tensor, norm: f64, share: f64) {
    let found = values.to_kind(Kind::Double).norm();
    comparison.check(&format!("{what}, norm"), &found, &Tensor::from(norm), Allowed::Relative { share, floor: 0.0 });
}

/// What is needed to compare a model that began with the formula's values with Keras' figures for it.
pub(crate) struct Subject<'a> {
    pub name: &'a str,
    pub first_number: u64,
    pub layers: &'a Layers,
    pub recorded: &'a Recorded,
    pub closeness: Closeness,
}

impl Subject<'_> {
    fn figure(&self, name: &str) -> &Tensor {
        self.recorded.get(&format!("{}/{name}", self.name))
    }

    /// Norm and sum of all values of a parameter: row `row` of Keras' `kind`.
    fn whole(&self, kind: &str, row: i64) -> [f64; 2] {
        [0, 1].map(|column| self.figure(&format!("{kind}/whole")).double_value(&[row, column]))
    }

    /// Compares the gradient of `loss`.
    pub(crate) fn compare_gradient(&self, comparison: &mut Comparison, parameters: &Parameters, loss: &Tensor) {
        let share = self.closeness.gradients;
        let gradients = split(parameters, &parameters.gradient(loss));
        let trainable = (self.first_number..).zip(parameters.infos()).filter(|(_, info)| info.trainable);
        let mut kernel_size = 0.0;
        for (row, ((number, info), gradient)) in (0..).zip(trainable.zip(&gradients)) {
            let gradient = to_keras(gradient);
            let (found, expected) = (sampled(number, &gradient), self.figure(&format!("gradient/{}", info.name)));
            let what = format!("gradient of {}", info.name);
            if self.layers.is_vain(&info.name) {
                // Its gradient is zero. We say so; Keras adds up what rounding leaves.
                comparison.check(&what, &found, &found.zeros_like(), Allowed::Absolute(f64::MIN_POSITIVE));
                let noise = Allowed::Absolute(1e-3 * kernel_size);
                comparison.check(&format!("{what}, Keras' noise"), expected, &found, noise);
                continue;
            }
            kernel_size = gradient.abs().max().double_value(&[]);
            let [norm, sum] = self.whole("gradient", row);
            let floor = norm / (gradient.numel() as f64).sqrt();
            comparison.check(&what, &found, expected, Allowed::Relative { share, floor });
            compare_whole(comparison, &what, &gradient, [norm, sum], share);
        }
    }

    /// Takes three steps against the gradient of `loss` by `rule`, and compares losses and what came of the
    /// parameters.
    pub(crate) fn compare_steps(
        &self,
        comparison: &mut Comparison,
        parameters: &Parameters,
        rule: OptimizerRule,
        loss: impl Fn() -> Tensor,
    ) {
        let mut optimizer = Optimizer::new(rule, LEARNING_RATE, parameters.trainable());
        let losses = [(); STEP_COUNT].map(|()| {
            let loss = loss();
            optimizer.step(parameters.trainable(), &parameters.gradient(&loss));
            loss.double_value(&[])
        });
        let recorded_losses = self.figure(&format!("{rule}/losses"));
        comparison.check(&format!("{rule} losses"), &Tensor::from_slice(&losses), recorded_losses, STATISTICS);
        for (row, (number, (info, values))) in (0..).zip((self.first_number..).zip(parameters.iter())) {
            // Keras' step is a matter of rounding there: Adam and NAdam divide a gradient by its size.
            if self.layers.is_vain(&info.name) {
                continue;
            }
            let what = format!("{rule} {}", info.name);
            let values = to_keras(values);
            let found = sampled(number, &values);
            let mut expected = self.figure(&format!("{rule}/{}", info.name)).shallow_clone();
            if !info.trainable {
                if let Some(bias) = self.layers.bias_before(&info.name) {
                    expected -= self.drift(rule, &bias);
                }
                comparison.check(&what, &found, &expected, STATISTICS);
                continue;
            }
            let [norm, sum] = self.whole(rule.name(), row);
            let floor = norm / (values.numel() as f64).sqrt();
            if self.closeness.each_value {
                comparison.check(&what, &found, &expected, Allowed::Relative { share: PARAMETERS, floor });
                compare_whole(comparison, &what, &values, [norm, sum], PARAMETERS);
            } else {
                compare_norm(comparison, &what, &values, norm, self.closeness.gradients);
            }
        }
    }

    /// What the changes of `bias` added to Keras' running mean. Both sides' means are of convolutions with the bias,
    /// but ours stays as it was, where Keras' moves by rounding noise. Step t of n adds a share of 1 − momentum of
    /// the change until then, of which each later step keeps the share momentum.
    fn drift(&self, rule: OptimizerRule, bias: &str) -> Tensor {
        let biases = self.figure(&format!("{rule}/drift/{bias}")).to_kind(Kind::Double);
        let changes = &biases - biases.narrow(0, 0, 1);
        let shares: Vec<f64> =
            (0..STEP_COUNT).rev().map(|later| (1.0 - MOMENTUM) * MOMENTUM.powi(later as i32)).collect();
        (changes * Tensor::from_slice(&shares).view([-1, 1])).sum_dim_intlist(0, false, Kind::Double)
    }
}

//! One layer of a network: built from its description, and run.

use run_store::Layer;
use tch::{Tensor, no_grad};

use crate::convolution::{Kernel, Normalisation};
use crate::dense::affine;
use crate::dropout::dropout;
use crate::network::{Mode, Shape};
use crate::parameters::{Initial, ParameterInfo, Parameters};

/// A layer with its places in the model's parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Flatten,
    Reshape {
        height: i64,
        width: i64,
        channels: i64,
    },
    Standardize {
        epsilon: f64,
    },
    Dense {
        weight: usize,
        bias: usize,
    },
    GaussianHeads {
        mean: usize,
        log_variance: usize,
    },
    LeakyRelu {
        slope: f64,
    },
    Relu,
    Sigmoid,
    Softmax,
    Dropout {
        rate: f64,
    },
    Conv2d {
        kernel: Kernel,
        padding: i64,
    },
    ConvTranspose2d {
        kernel: Kernel,
        kernel_size: i64,
        stride: i64,
        height: i64,
        width: i64,
    },
    /// `bias` is that of the convolution in front, if one is.
    BatchNorm {
        normalisation: Normalisation,
        momentum: f64,
        bias: Option<usize>,
    },
    MaxPool2d {
        size: i64,
    },
}

/// Makes operations of layers.
pub(crate) struct Builder<'a> {
    /// What the names of the layer's parameters begin with.
    pub prefix: String,
    /// The model's parameters, which grow by the layer's.
    pub infos: &'a mut Vec<ParameterInfo>,
}

impl Builder<'_> {
    /// The operation of `layer` on inputs of `shape`, and the shape it gives; `None` where they do not fit.
    pub(crate) fn operation(&mut self, layer: Layer, shape: Shape) -> Option<(Operation, Shape)> {
        let built = match (layer, shape) {
            (Layer::Flatten, Shape::Image { .. }) => (Operation::Flatten, Shape::Vector(shape.numel())),
            (Layer::Reshape { height, width, channels }, Shape::Vector(length)) => {
                let (height, width, channels) = (i64::from(height), i64::from(width), i64::from(channels));
                let image = Shape::Image { height, width, channels };
                (image.numel() == length).then_some((Operation::Reshape { height, width, channels }, image))?
            }
            (Layer::Standardize { epsilon }, Shape::Image { .. }) => (Operation::Standardize { epsilon }, shape),
            (Layer::Dense { units }, Shape::Vector(inputs)) => {
                let units = i64::from(units);
                let weight = self.add_dense("", inputs, units);
                (Operation::Dense { weight, bias: weight + 1 }, Shape::Vector(units))
            }
            (Layer::GaussianHeads { units }, Shape::Vector(inputs)) => {
                let units = i64::from(units);
                let mean = self.add_dense("mean.", inputs, units);
                let log_variance = self.add_dense("log_variance.", inputs, units);
                (Operation::GaussianHeads { mean, log_variance }, Shape::Vector(2 * units))
            }
            (Layer::LeakyRelu { slope }, _) => (Operation::LeakyRelu { slope }, shape),
            (Layer::Relu, _) => (Operation::Relu, shape),
            (Layer::Sigmoid, _) => (Operation::Sigmoid, shape),
            (Layer::Softmax, Shape::Vector(_)) => (Operation::Softmax, shape),
            (Layer::Dropout { rate }, _) => (Operation::Dropout { rate }, shape),
            (Layer::Conv2d { filters, kernel }, Shape::Image { height, width, channels }) if kernel % 2 == 1 => {
                let (filters, kernel) = (i64::from(filters), i64::from(kernel));
                let area = kernel.saturating_mul(kernel);
                let glorot = Initial::GlorotUniform {
                    fan_in: area.saturating_mul(channels),
                    fan_out: area.saturating_mul(filters),
                };
                let weight = self.add("weight", vec![filters, channels, kernel, kernel], glorot, true);
                let bias = self.add("bias", vec![filters], Initial::Constant(0.0), true);
                let operation = Operation::Conv2d {
                    kernel: Kernel { weight, bias, outputs: 0, normalisation: None },
                    padding: kernel / 2,
                };
                (operation, Shape::Image { height, width, channels: filters })
            }
            (Layer::ConvTranspose2d { filters, kernel, stride }, Shape::Image { height, width, channels })
                if stride > 0 && kernel >= stride =>
            {
                let (filters, kernel_size, stride) = (i64::from(filters), i64::from(kernel), i64::from(stride));
                let area = kernel_size.saturating_mul(kernel_size);
                let glorot = Initial::GlorotUniform {
                    fan_in: area.saturating_mul(filters),
                    fan_out: area.saturating_mul(channels),
                };
                let weight = self.add("weight", vec![channels, filters, kernel_size, kernel_size], glorot, true);
                let bias = self.add("bias", vec![filters], Initial::Constant(0.0), true);
                let (height, width) = (height.saturating_mul(stride), width.saturating_mul(stride));
                let kernel = Kernel { weight, bias, outputs: 1, normalisation: None };
                let operation = Operation::ConvTranspose2d { kernel, kernel_size, stride, height, width };
                (operation, Shape::Image { height, width, channels: filters })
            }
            (Layer::BatchNorm { momentum, epsilon }, Shape::Image { channels, .. } | Shape::Vector(channels)) => {
                let size = || vec![channels];
                let first = self.add("weight", size(), Initial::Constant(1.0), true);
                self.add("bias", size(), Initial::Constant(0.0), true);
                self.add("running_mean", size(), Initial::Constant(0.0), false);
                self.add("running_var", size(), Initial::Constant(1.0), false);
                (Operation::BatchNorm { normalisation: Normalisation { first, epsilon }, momentum, bias: None }, shape)
            }
            (Layer::MaxPool2d { size }, Shape::Image { height, width, channels }) if size > 0 => {
                let size = i64::from(size);
                let pooled = Shape::Image { height: height / size, width: width / size, channels };
                (Operation::MaxPool2d { size }, pooled)
            }
            _ => return None,
        };
        Some(built)
    }

    /// The weight of an affine map, whose bias comes right after it.
    fn add_dense(&mut self, head: &str, inputs: i64, units: i64) -> usize {
        let glorot = Initial::GlorotUniform { fan_in: inputs, fan_out: units };
        let weight = self.add(&format!("{head}weight"), vec![units, inputs], glorot, true);
        self.add(&format!("{head}bias"), vec![units], Initial::Constant(0.0), true);
        weight
    }

    fn add(&mut self, role: &str, shape: Vec<i64>, initial: Initial, trainable: bool) -> usize {
        let name = format!("{}.{role}", self.prefix);
        let channels_last = shape.len() == 4;
        self.infos.push(ParameterInfo { name, shape, initial, trainable, channels_last });
        self.infos.len() - 1
    }
}

impl Operation {
    /// The most values that the operation holds at once of an output of shape `next`, made of an input of shape `input`: a transposed
    /// convolution makes more than it gives.
    pub(crate) fn values(&self, input: Shape, next: Shape) -> i64 {
        match (self, input, next) {
            (
                Self::ConvTranspose2d { stride, kernel_size, .. },
                Shape::Image { height, width, .. },
                Shape::Image { channels, .. },
            ) => {
                let whole = |length: i64| (length - 1).saturating_mul(*stride).saturating_add(*kernel_size);
                whole(height).saturating_mul(whole(width)).saturating_mul(channels)
            }
            _ => next.numel(),
        }
    }

    /// Runs the operation, in the precision of its input. Products take their weights in that precision too; batch normalisation
    /// keeps its own in f32.
    ///
    /// Batch normalisation (Ioffe & Szegedy 2015) has Keras' running variance: libtorch lets it follow the unbiased variance
    /// of a batch, Keras the biased one. With n values a channel they differ by (n − 1) / n, so the share that came from
    /// the batch is put right.
    pub(crate) fn apply(self, parameters: &Parameters, input: &Tensor, mode: Mode) -> Tensor {
        let kind = input.kind();
        let parameter = |index: usize| parameters.view(index).to_kind(kind);
        match self {
            Self::Flatten => input.permute([0, 2, 3, 1]).flatten(1, -1),
            Self::Reshape { height, width, channels } => {
                input.view([-1, height, width, channels]).permute([0, 3, 1, 2])
            }
            Self::Standardize { epsilon } => {
                let over = [1, 2, 3].as_slice();
                let centred = input - input.mean_dim(over, true, kind);
                let variance = centred.square().mean_dim(over, true, kind);
                centred / (variance + epsilon).sqrt()
            }
            Self::Dense { weight, bias } => affine(input, &parameter(weight), &parameter(bias)),
            Self::GaussianHeads { mean, log_variance } => {
                let heads = [mean, log_variance].map(|head| affine(input, &parameter(head), &parameter(head + 1)));
                Tensor::cat(&heads, 1)
            }
            // libtorch's leaky_relu is bound without its slope. Its backward kernel multiplies the incoming gradient by 1
            // or the slope, by the sign of the value. Given the values as gradient it is leaky ReLU itself, and
            // differentiating it in the gradient gives leaky ReLU's derivative: one fused kernel each way.
            Self::LeakyRelu { slope } => input.detach().leaky_relu_backward(input, slope, false),
            Self::Relu => input.relu(),
            Self::Sigmoid => input.sigmoid(),
            Self::Softmax => input.softmax(-1, None),
            Self::Dropout { rate } => match mode {
                Mode::Training => dropout(input, rate),
                Mode::Inference => input.shallow_clone(),
            },
            Self::Conv2d { kernel, padding } => {
                let (weight, bias) = kernel.of(parameters, mode, kind);
                input.conv2d(&weight, bias.as_ref(), [1, 1], [padding, padding], [1, 1], 1)
            }
            Self::ConvTranspose2d { kernel, stride, height, width, .. } => {
                let (weight, bias) = kernel.of(parameters, mode, kind);
                let whole =
                    input.conv_transpose2d::<&Tensor>(&weight, None, [stride, stride], [0, 0], [0, 0], 1, [1, 1]);
                // Keras' "same" keeps output index 0 and crops the surplus at the end.
                let cropped = whole.narrow(2, 0, height).narrow(3, 0, width);
                let cropped = cropped.permute([0, 2, 3, 1]).contiguous();
                // oneDNN adds the bias of a transposed convolution value by value, in its reference code.
                let shifted = bias.map_or_else(|| cropped.shallow_clone(), |bias| &cropped + bias);
                shifted.permute([0, 3, 1, 2])
            }
            // It is part of the convolution then.
            Self::BatchNorm { bias: Some(_), .. } if mode == Mode::Inference => input.shallow_clone(),
            Self::BatchNorm { normalisation: Normalisation { first, epsilon }, momentum, bias } => {
                let [weight, shift, mean, variance] = [0, 1, 2, 3].map(|offset| parameters.view(first + offset));
                let normalise = |mean: &Tensor, variance: &Tensor| {
                    let training = mode == Mode::Training;
                    let (affine, follow) = ((Some(weight), Some(shift)), 1.0 - momentum);
                    input.batch_norm(affine.0, affine.1, Some(mean), Some(variance), training, follow, epsilon, true)
                };
                match mode {
                    Mode::Inference => normalise(mean, variance),
                    Mode::Training => {
                        // Copies, as autograd holds on to what batch_norm was given.
                        let (moved_mean, moved_variance) = (mean.copy(), variance.copy());
                        let output = normalise(&moved_mean, &moved_variance);
                        let surplus = weight.numel() as f64 / input.numel() as f64;
                        no_grad(|| {
                            let left_out = bias.map(|index| parameters.view(index) * (1.0 - momentum));
                            set(mean, &left_out.map_or(moved_mean.shallow_clone(), |bias| moved_mean + bias));
                            let kept = variance * (momentum * surplus);
                            // Of one value a channel the variance is 0, and libtorch's, over none, no number.
                            let moved = (surplus < 1.0).then(|| moved_variance * (1.0 - surplus));
                            set(variance, &moved.map_or(kept.shallow_clone(), |moved| kept + moved));
                        });
                        output
                    }
                }
            }
            Self::MaxPool2d { size: 2 } if mode == Mode::Inference => halve_by_maximum(input),
            Self::MaxPool2d { size } => input.max_pool2d([size, size], [size, size], [0, 0], [1, 1], false),
        }
    }
}

/// Max-pooling by 2, where no gradient will ask which value it was: libtorch's own notes that down, at half the speed.
fn halve_by_maximum(input: &Tensor) -> Tensor {
    let (count, channels, height, width) = input.size4().unwrap_or_default();
    let (rows, columns) = (height / 2, width / 2);
    let larger = |pairs: Tensor, along: i64| pairs.select(along, 0).maximum(&pairs.select(along, 1));
    let pixels = input.permute([0, 2, 3, 1]).narrow(1, 0, 2 * rows).narrow(2, 0, 2 * columns);
    let halved = larger(pixels.reshape([count, rows, 2, 2 * columns, channels]), 2);
    larger(halved.view([count, rows, columns, 2, channels]), 3).permute([0, 3, 1, 2])
}

fn set(destination: &Tensor, source: &Tensor) {
    destination.shallow_clone().copy_(source);
}

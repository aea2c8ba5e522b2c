//! All values of a model. What training moves lies in one flat tensor with a view for each layer, so that an optimizer
//! moves it in one go.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor, no_grad};

use crate::error::{ModelError, Result};

/// More values than any model of ours has: a description beyond it is damaged.
const VALUE_LIMIT: i64 = 1 << 28;

/// How a parameter's values begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// Uniform in ±√(6 / (fan in + fan out)) (Glorot & Bengio 2010), Keras' default.
    GlorotUniform {
        /// Inputs that reach one output.
        fan_in: i64,
        /// Outputs that one input reaches.
        fan_out: i64,
    },
    /// All the same.
    Constant(f64),
}

/// A parameter's place in the model.
#[derive(Clone, Debug)]
pub struct ParameterInfo {
    /// Network, position of the layer in `model.json`, role: `encoder.0.weight`.
    pub name: String,
    /// Its shape, in libtorch's order.
    pub shape: Vec<i64>,
    /// How it begins.
    pub initial: Initial,
    /// Whether training changes it by its gradient; running statistics are not trained so.
    pub trainable: bool,
    /// Whether its values lie in memory as out, height, width, in: what libtorch's convolutions on channels-last images want.
    pub channels_last: bool,
}

impl ParameterInfo {
    pub(crate) fn numel(&self) -> i64 {
        self.shape.iter().fold(1, |product, size| product.saturating_mul(*size))
    }
}

/// The values of a model.
#[derive(Debug)]
pub struct Parameters {
    infos: Vec<ParameterInfo>,
    views: Vec<Tensor>,
    trainable: Tensor,
}

impl Parameters {
    /// Values for `infos` on `device`, drawn from `seed`. The same seed gives the same values everywhere.
    ///
    /// # Errors
    /// There are more than any model of ours has: the description is damaged.
    pub(crate) fn new(infos: Vec<ParameterInfo>, device: Device, seed: u64) -> Result<Self> {
        let mut parameters = Self::zeros(infos, device)?;
        parameters.initialise(seed);
        Ok(parameters)
    }

    /// All values 0, until they are given others.
    ///
    /// # Errors
    /// As of [`new`](Self::new).
    pub(crate) fn zeros(infos: Vec<ParameterInfo>, device: Device) -> Result<Self> {
        let all = infos.iter().fold(0_i64, |sum, info| sum.saturating_add(info.numel()));
        if all > VALUE_LIMIT {
            let problem = format!("expected a model of at most {VALUE_LIMIT} values, found {all}");
            return Err(ModelError::Architecture(problem));
        }
        let options = (Kind::Float, device);
        let total: i64 = infos.iter().filter(|info| info.trainable).map(ParameterInfo::numel).sum();
        let trainable = Tensor::zeros([total], options);
        let mut next = 0;
        let views = infos
            .iter()
            .map(|info| {
                if !info.trainable {
                    // Statistics stand alone: autograd takes a change of one view for a change of all of them.
                    return Tensor::zeros(info.shape.as_slice(), options);
                }
                let values = trainable.narrow(0, next, info.numel());
                next += info.numel();
                let view = match (info.channels_last, info.shape.as_slice()) {
                    (true, &[outer, inner, height, width]) => {
                        values.view([outer, height, width, inner]).permute([0, 3, 1, 2])
                    }
                    _ => values.view(info.shape.as_slice()),
                };
                view.set_requires_grad(true)
            })
            .collect();
        Ok(Self { infos, views, trainable })
    }

    /// Gives all values their beginnings, drawn from `seed`.
    pub(crate) fn initialise(&mut self, seed: u64) {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        for (info, view) in self.infos.iter().zip(&mut self.views) {
            no_grad(|| match info.initial {
                Initial::Constant(value) => {
                    let _ = view.fill_(value);
                }
                Initial::GlorotUniform { fan_in, fan_out } => {
                    let limit = (6.0 / fan_in.saturating_add(fan_out) as f32).sqrt();
                    let values: Vec<f32> =
                        (0..info.numel()).map(|_| limit * (2.0 * generator.r#gen::<f32>() - 1.0)).collect();
                    view.copy_(&Tensor::from_slice(&values).view(info.shape.as_slice()));
                }
            });
        }
    }

    /// Names, shapes and beginnings, in a fixed order.
    #[must_use]
    pub fn infos(&self) -> &[ParameterInfo] {
        &self.infos
    }

    /// Each parameter with its values, in the same order.
    pub fn iter(&self) -> impl Iterator<Item = (&ParameterInfo, &Tensor)> {
        self.infos.iter().zip(&self.views)
    }

    /// The values of parameter `index`.
    pub(crate) fn view(&self, index: usize) -> &Tensor {
        &self.views[index]
    }

    /// All trainable values in one dimension; what changes here changes in the layers.
    pub fn trainable(&self) -> &Tensor {
        &self.trainable
    }

    /// The number of trainable values.
    #[must_use]
    pub fn trainable_count(&self) -> u64 {
        self.trainable.numel() as u64
    }

    /// The gradient of the scalar `loss` for all trainable values, in the order of [`trainable`](Self::trainable).
    pub fn gradient(&self, loss: &Tensor) -> Tensor {
        let views: Vec<&Tensor> = self.trainable_views().map(|(_, view)| view).collect();
        self.flattened(Tensor::run_backward(&[loss], &views, false, false))
    }

    /// The gradient of the scalar `loss` for all trainable values of each of `sets`, in one pass.
    pub fn gradients(sets: &[&Self], loss: &Tensor) -> Vec<Tensor> {
        let views: Vec<&Tensor> = sets.iter().flat_map(|set| set.trainable_views()).map(|(_, view)| view).collect();
        let mut gradients = Tensor::run_backward(&[loss], &views, false, false).into_iter();
        sets.iter().map(|set| set.flattened(gradients.by_ref().take(set.trainable_views().count()))).collect()
    }

    /// The gradients of its views, as they lie in [`trainable`](Self::trainable).
    fn flattened(&self, gradients: impl IntoIterator<Item = Tensor>) -> Tensor {
        let flat: Vec<Tensor> = self
            .trainable_views()
            .zip(gradients)
            .map(|((info, _), gradient)| match info.channels_last {
                // What the loss does not depend on has no gradient.
                _ if !gradient.defined() => {
                    self.trainable.new_zeros([info.numel()], (Kind::Float, self.trainable.device()))
                }
                true => gradient.permute([0, 2, 3, 1]).reshape([-1]),
                false => gradient.reshape([-1]),
            })
            .collect();
        Tensor::cat(&flat, 0)
    }

    fn trainable_views(&self) -> impl Iterator<Item = (&ParameterInfo, &Tensor)> {
        self.iter().filter(|(info, _)| info.trainable)
    }

    /// Gives all values of the last trainable parameter whose name ends so the value `value`.
    pub(crate) fn fill_last(&mut self, ending: &str, value: f64) {
        let last = self.infos.iter().rposition(|info| info.trainable && info.name.ends_with(ending));
        if let Some(view) = last.and_then(|index| self.views.get_mut(index)) {
            let _ = no_grad(|| view.fill_(value));
        }
    }

    /// All values as they are now, one tensor for each parameter; what changes afterwards does not change them.
    #[must_use]
    pub fn copies(&self) -> Vec<Tensor> {
        self.views.iter().map(|view| no_grad(|| view.detach().copy())).collect()
    }

    /// Gives all parameters the values of `copies`, of this architecture and in this order.
    pub fn assign_all(&mut self, copies: &[Tensor]) {
        for (index, values) in copies.iter().enumerate() {
            self.assign(index, values);
        }
    }

    /// Gives parameter `name` the values of `source`, which has its shape.
    pub(crate) fn assign(&mut self, index: usize, source: &Tensor) {
        no_grad(|| self.views[index].copy_(source));
    }
}

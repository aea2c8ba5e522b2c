//! Optimizers by Keras' update rules, over one flat tensor.

use std::path::Path;

use autoencoders::{ModelError, read_tensors, write_tensors};
use run_store::named_choice;
use serde::{Deserialize, Serialize};
use tch::{Tensor, no_grad};

use crate::step::Step;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
/// Keras' default. It stands outside the square root.
const EPSILON: f64 = 1e-7;
/// How fast Nadam's momentum approaches `BETA_1`.
const MOMENTUM_DECAY: f64 = 0.96;

/// What all steps have in common.
const STEP: Step = Step {
    first_rate: 1.0 - BETA_1,
    second_rate: 1.0 - BETA_2,
    of_moment: 0.0,
    of_gradient: 0.0,
    correction: 1.0,
    epsilon: EPSILON,
};

/// The names of the memory in its file.
const FIRST_MOMENT: &str = "first_moment";
const SECOND_MOMENT: &str = "second_moment";

/// An update rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerRule {
    /// Adam (Kingma & Ba 2015), with the bias corrections in the step size, as Keras has it.
    Adam,
    /// Adam with Nesterov momentum and a momentum schedule (Dozat 2016), as Keras has it.
    Nadam,
}

named_choice!(OptimizerRule { Nadam => "nadam", Adam => "adam" });

/// An update rule with its memory.
#[derive(Debug)]
pub struct Optimizer {
    rule: OptimizerRule,
    learning_rate: f64,
    first_moment: Tensor,
    second_moment: Tensor,
    step: i32,
    /// Nadam's product of all momenta so far.
    momentum_product: f64,
}

impl Optimizer {
    /// An optimizer for values shaped like `values`.
    #[must_use]
    pub fn new(rule: OptimizerRule, learning_rate: f64, values: &Tensor) -> Self {
        Self {
            rule,
            learning_rate,
            first_moment: values.zeros_like(),
            second_moment: values.zeros_like(),
            step: 0,
            momentum_product: 1.0,
        }
    }

    /// Writes the memory to `path`; [`steps`](Self::steps) go beside it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        write_tensors(path, &[(FIRST_MOMENT, &self.first_moment), (SECOND_MOMENT, &self.second_moment)])
    }

    /// Takes over the memory that [`save`](Self::save) wrote to `path` after `steps` steps.
    ///
    /// # Errors
    /// The file holds something else; nothing is changed then.
    pub fn restore(&mut self, path: &Path, steps: u32) -> Result<(), ModelError> {
        let shape = self.first_moment.size();
        let tensors = read_tensors(path, &[(FIRST_MOMENT, &shape), (SECOND_MOMENT, &shape)])?;
        for (moment, tensor) in [&mut self.first_moment, &mut self.second_moment].into_iter().zip(&tensors) {
            no_grad(|| moment.copy_(tensor));
        }
        self.step = i32::try_from(steps).unwrap_or(i32::MAX);
        // Multiplied in the order in which the steps did, so that it is the same to the last bit. After some thousand it is so small
        // that it rounds to itself, and does so ever after, as momenta only grow: however many steps a file speaks of.
        self.momentum_product = 1.0;
        for step in 1..=self.step {
            let before = self.momentum_product;
            self.momentum_product *= momentum(step);
            if self.momentum_product == before {
                break;
            }
        }
        Ok(())
    }

    /// Steps taken.
    #[must_use]
    pub fn steps(&self) -> u32 {
        self.step.unsigned_abs()
    }

    /// Its step size.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// What it remembers of the gradients.
    pub fn memory(&self) -> [&Tensor; 2] {
        [&self.first_moment, &self.second_moment]
    }

    /// Takes `learning_rate` as its step size from now on.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    /// Moves `values` one step against `gradient`.
    pub fn step(&mut self, values: &Tensor, gradient: &Tensor) {
        self.step = self.step.saturating_add(1);
        let step = match self.rule {
            OptimizerRule::Adam => self.adam(),
            OptimizerRule::Nadam => self.nadam(),
        };
        step.take(values, gradient, [&self.first_moment, &self.second_moment]);
    }

    fn adam(&self) -> Step {
        let rate = self.learning_rate * (1.0 - BETA_2.powi(self.step)).sqrt() / (1.0 - BETA_1.powi(self.step));
        Step { of_moment: rate, of_gradient: 0.0, correction: 1.0, ..STEP }
    }

    fn nadam(&mut self) -> Step {
        let (now, next) = (momentum(self.step), momentum(self.step.saturating_add(1)));
        self.momentum_product *= now;
        let of_moment = self.learning_rate * next / (1.0 - self.momentum_product * next);
        let of_gradient = self.learning_rate * (1.0 - now) / (1.0 - self.momentum_product);
        Step { of_moment, of_gradient, correction: 1.0 - BETA_2.powi(self.step), ..STEP }
    }
}

/// Nadam's momentum at `step`, from 1.
fn momentum(step: i32) -> f64 {
    BETA_1 * (1.0 - 0.5 * MOMENTUM_DECAY.powi(step))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_restored_optimizer_goes_on_as_if_nothing_had_been() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("optimizer.safetensors");
        for rule in [OptimizerRule::Adam, OptimizerRule::Nadam] {
            let values = Tensor::from_slice(&[1.0_f32, -2.0]);
            let gradient = |step: u32| Tensor::from_slice(&[0.3 * step as f32, -0.1]);
            let mut whole = Optimizer::new(rule, 0.001, &values);
            (1..=5).for_each(|step| whole.step(&values, &gradient(step)));
            whole.save(&path).unwrap();
            let copy = values.copy();
            let mut restored = Optimizer::new(rule, 0.001, &copy);
            restored.restore(&path, whole.steps()).unwrap();
            for step in 6..=8 {
                whole.step(&values, &gradient(step));
                restored.step(&copy, &gradient(step));
            }
            assert_eq!(Vec::<f32>::try_from(&values).unwrap(), Vec::<f32>::try_from(&copy).unwrap());
        }
    }

    #[test]
    fn steps_without_end_are_restored_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("optimizer.safetensors");
        let values = Tensor::from_slice(&[1.0_f32]);
        let mut walked = Optimizer::new(OptimizerRule::Nadam, 0.001, &values);
        (0..20_000).for_each(|_| {
            walked.step += 1;
            walked.nadam();
        });
        walked.save(&path).unwrap();
        let mut restored = Optimizer::new(OptimizerRule::Nadam, 0.001, &values);
        for steps in [20_000, u32::MAX] {
            restored.restore(&path, steps).unwrap();
            assert_eq!(restored.momentum_product, walked.momentum_product);
        }
    }

    /// The rules of Keras 3, one value at a time in f64, written from its documentation.
    fn by_hand(rule: OptimizerRule, gradients: &[f64]) -> f64 {
        let (mut value, mut m, mut v, mut product) = (1.0, 0.0, 0.0, 1.0);
        for (index, g) in gradients.iter().enumerate() {
            let t = (index + 1) as f64;
            m += (g - m) * 0.1;
            v += (g * g - v) * 0.001;
            value -= match rule {
                OptimizerRule::Adam => {
                    0.001 * (1.0 - 0.999_f64.powf(t)).sqrt() / (1.0 - 0.9_f64.powf(t)) * m / (v.sqrt() + 1e-7)
                }
                OptimizerRule::Nadam => {
                    let u = 0.9 * (1.0 - 0.5 * 0.96_f64.powf(t));
                    let u_next = 0.9 * (1.0 - 0.5 * 0.96_f64.powf(t + 1.0));
                    product *= u;
                    let m_hat = u_next * m / (1.0 - product * u_next) + (1.0 - u) * g / (1.0 - product);
                    0.001 * m_hat / ((v / (1.0 - 0.999_f64.powf(t))).sqrt() + 1e-7)
                }
            };
        }
        value
    }

    #[test]
    fn steps_are_those_of_the_rules() {
        let gradients = [0.3, -0.2, 0.05, 1e-4, 0.7];
        for rule in [OptimizerRule::Adam, OptimizerRule::Nadam] {
            let values = Tensor::from_slice(&[1.0_f64]);
            let mut optimizer = Optimizer::new(rule, 0.001, &values);
            for gradient in gradients {
                optimizer.step(&values, &Tensor::from_slice(&[gradient]));
            }
            let (found, expected) = (values.double_value(&[0]), by_hand(rule, &gradients));
            assert!((found - expected).abs() < 1e-12, "{rule}: expected {expected}, found {found}");
        }
    }
}

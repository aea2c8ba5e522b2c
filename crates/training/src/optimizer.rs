//! Optimizers by Keras' update rules, over one flat tensor.

use run_store::named_choice;
use serde::{Deserialize, Serialize};
use tch::{Tensor, no_grad};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
/// Keras' default. It stands outside the square root.
const EPSILON: f64 = 1e-7;
/// How fast Nadam's momentum approaches `BETA_1`.
const MOMENTUM_DECAY: f64 = 0.96;

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

    /// Moves `values` one step against `gradient`.
    pub fn step(&mut self, values: &Tensor, gradient: &Tensor) {
        self.step += 1;
        no_grad(|| {
            let _ = self.first_moment.lerp_(gradient, 1.0 - BETA_1);
            let _ = self.second_moment.lerp_(&gradient.square(), 1.0 - BETA_2);
            let change = match self.rule {
                OptimizerRule::Adam => self.adam(),
                OptimizerRule::Nadam => self.nadam(gradient),
            };
            let _ = values.shallow_clone().g_sub_(&change);
        });
    }

    fn adam(&self) -> Tensor {
        let rate = self.learning_rate * (1.0 - BETA_2.powi(self.step)).sqrt() / (1.0 - BETA_1.powi(self.step));
        let mut denominator = self.second_moment.sqrt();
        denominator += EPSILON;
        (&self.first_moment * rate) / denominator
    }

    fn nadam(&mut self, gradient: &Tensor) -> Tensor {
        let momentum = |step: i32| BETA_1 * (1.0 - 0.5 * MOMENTUM_DECAY.powi(step));
        let (now, next) = (momentum(self.step), momentum(self.step + 1));
        self.momentum_product *= now;
        let of_moment = self.learning_rate * next / (1.0 - self.momentum_product * next);
        let of_gradient = self.learning_rate * (1.0 - now) / (1.0 - self.momentum_product);
        let mut denominator = (&self.second_moment / (1.0 - BETA_2.powi(self.step))).sqrt();
        denominator += EPSILON;
        let mut numerator = &self.first_moment * of_moment;
        numerator += gradient * of_gradient;
        numerator / denominator
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

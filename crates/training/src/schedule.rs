//! How the step size changes along a training.

use run_store::named_choice;
use serde::{Deserialize, Serialize};

/// A factor on the step size at each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Always 1.
    Constant,
    /// Half a cosine wave from 1 down to 0 (Loshchilov & Hutter 2017).
    Cosine,
}

named_choice!(Schedule { Constant => "constant", Cosine => "cosine" });

impl Schedule {
    /// The factor at `step`, from 0, of `steps`.
    #[must_use]
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / steps.max(1) as f64).cos()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_falls_from_one_to_nothing() {
        let factors: Vec<f64> = (0..=10).map(|step| Schedule::Cosine.factor(step, 10)).collect();
        assert!((factors[0] - 1.0).abs() < 1e-12 && (factors[5] - 0.5).abs() < 1e-12 && factors[10].abs() < 1e-12);
        assert!(factors.windows(2).all(|pair| pair[0] > pair[1]));
        assert_eq!(Schedule::Constant.factor(7, 10), 1.0);
    }
}

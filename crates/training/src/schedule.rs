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
    /// The factor at `step`, from 0, of `steps`, of which the first `warmup` lead up to it in a straight line.
    #[must_use]
    pub fn factor(self, step: u64, steps: u64, warmup: u64) -> f64 {
        if step < warmup {
            return (step + 1) as f64 / warmup as f64;
        }
        let part = (step - warmup) as f64 / steps.saturating_sub(warmup).max(1) as f64;
        match self {
            Self::Constant => 1.0,
            Self::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * part).cos()),
        }
    }

    /// Whether the step size at one step is the same however many follow.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        *self == Self::Constant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_falls_from_one_to_nothing() {
        let factors: Vec<f64> = (0..=10).map(|step| Schedule::Cosine.factor(step, 10, 0)).collect();
        assert!((factors[0] - 1.0).abs() < 1e-12 && (factors[5] - 0.5).abs() < 1e-12 && factors[10].abs() < 1e-12);
        assert!(factors.windows(2).all(|pair| pair[0] > pair[1]));
        assert_eq!(Schedule::Constant.factor(7, 10, 0), 1.0);
    }

    #[test]
    fn a_warm_up_leads_to_where_the_schedule_begins() {
        for schedule in [Schedule::Constant, Schedule::Cosine] {
            let factors: Vec<f64> = (0..5).map(|step| schedule.factor(step, 20, 4)).collect();
            assert_eq!(factors, [0.25, 0.5, 0.75, 1.0, 1.0]);
        }
    }
}

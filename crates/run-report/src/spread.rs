//! Means over seeds, and whether two of them differ by more than seeds explain.

use serde::{Deserialize, Serialize};

/// A figure over one or more runs that differ only by seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean, or the value of the one run.
    pub mean: f64,
    /// Sample standard deviation; `null` for one run.
    pub sd: Option<f64>,
    /// Runs, at least 1.
    pub run_count: u32,
}

impl Spread {
    /// The mean and sample standard deviation of `values`; none of no values.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let run_count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
        let mean = values.iter().sum::<f64>() / f64::from(run_count);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let sd = (run_count > 1).then(|| (squares / f64::from(run_count - 1)).sqrt());
        Some(Self { mean, sd, run_count })
    }

    fn degrees_of_freedom(&self) -> u32 {
        self.run_count.saturating_sub(1)
    }

    /// How this mean stands to `reference`, whose mean and standard deviation were printed to within `rounding`.
    ///
    /// It is off when it differs by more than a two-sided two-sample t test at the 5 % level allows, with the pooled
    /// standard deviation. One run has no spread of its own, so that the test becomes the interval in which 95 % of
    /// further single runs of the reference fall. None if neither side has a spread.
    #[must_use]
    pub fn against(&self, reference: &Self, rounding: f64) -> Option<Verdict> {
        let degrees = self.degrees_of_freedom() + reference.degrees_of_freedom();
        let squares = |spread: &Self, sd: f64| f64::from(spread.degrees_of_freedom()) * sd.powi(2);
        // The printed standard deviation may have been rounded down.
        let reference_squares = reference.sd.map_or(0.0, |sd| squares(reference, sd + rounding));
        let pooled = (self.sd.map_or(0.0, |sd| squares(self, sd)) + reference_squares) / f64::from(degrees);
        let runs = 1.0 / f64::from(self.run_count) + 1.0 / f64::from(reference.run_count);
        let limit = t_quantile(degrees)? * (pooled * runs).sqrt() + rounding;
        let difference = self.mean - reference.mean;
        Some(if difference > limit {
            Verdict::Above
        } else if difference < -limit {
            Verdict::Below
        } else {
            Verdict::Within
        })
    }
}

/// How a figure stands to the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Larger than seeds explain.
    Above,
    /// No further from it than seeds explain.
    Within,
    /// Smaller than seeds explain.
    Below,
}

/// The 97.5 % quantile of Student's t; between the tabulated degrees of freedom, that of the next fewer. None for 0.
fn t_quantile(degrees: u32) -> Option<f64> {
    const QUANTILES: [(u32, f64); 16] = [
        (1, 12.706),
        (2, 4.303),
        (3, 3.182),
        (4, 2.776),
        (5, 2.571),
        (6, 2.447),
        (7, 2.365),
        (8, 2.306),
        (9, 2.262),
        (10, 2.228),
        (12, 2.179),
        (15, 2.131),
        (20, 2.086),
        (30, 2.042),
        (60, 2.000),
        (120, 1.980),
    ];
    QUANTILES.iter().rev().find(|(tabulated, _)| *tabulated <= degrees).map(|(_, quantile)| *quantile)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const KERAS: Spread = Spread { mean: 0.5, sd: Some(0.01), run_count: 3 };

    #[test]
    fn sample_standard_deviation() {
        let spread = Spread::of(&[1.0, 2.0, 6.0]).unwrap();
        assert_eq!((spread.mean, spread.run_count), (3.0, 3));
        assert!((spread.sd.unwrap() - 7.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(Spread::of(&[2.0]).unwrap().sd, None);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn one_run_is_held_against_the_prediction_interval() {
        // 4.303 · 0.01 · √(1 + 1/3) = 0.0497
        let verdict = |value| Spread::of(&[value]).unwrap().against(&KERAS, 0.0).unwrap();
        assert_eq!([0.549, 0.551].map(verdict), [Verdict::Within, Verdict::Above]);
        assert_eq!([0.451, 0.449].map(verdict), [Verdict::Within, Verdict::Below]);
    }

    #[test]
    fn a_mean_is_held_against_both_spreads() {
        // 2.776 · 0.01 · √(2/3) = 0.0227
        let verdict = |mean| Spread { mean, ..KERAS }.against(&KERAS, 0.0).unwrap();
        assert_eq!([0.522, 0.523].map(verdict), [Verdict::Within, Verdict::Above]);
    }

    #[test]
    fn rounding_of_the_printed_reference_is_allowed_for() {
        let printed = Spread { mean: 0.1541, sd: Some(0.0), run_count: 3 };
        let ours = Spread::of(&[0.15414]).unwrap();
        assert_eq!(ours.against(&printed, 0.00005), Some(Verdict::Within));
        assert_eq!(ours.against(&printed, 0.0), Some(Verdict::Above));
    }

    #[test]
    fn without_any_spread_there_is_no_verdict() {
        let one = Spread::of(&[0.5]).unwrap();
        assert_eq!(one.against(&one, 0.0), None);
    }
}

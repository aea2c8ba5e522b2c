//! What stages take against how much they are given, as `scripts/bench/growth.py` measured it.

use serde::{Deserialize, Serialize};

use crate::document::Document;

/// Time and memory against the number of images, and of K-means against clusters and dimensions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Threads that everything had.
    pub threads: u32,
    /// How often each value was measured.
    pub rounds: u32,
    /// One for each subject, measure, and quantity that grows.
    pub lines: Vec<GrowthLine>,
}

impl Document for Growth {
    const KIND: &'static str = "measurements of growth";
    const ADVICE: &'static str = "measure again: `scripts/pipeline growth`";

    fn check(&self) -> Result<(), String> {
        if let Some(line) = self.lines.iter().find(|line| line.subject.len() > SUBJECT_LIMIT) {
            return Err(format!("a subject of {} bytes, where {SUBJECT_LIMIT} are the most", line.subject.len()));
        }
        let longest = self.lines.iter().map(|line| line.points.len()).max().unwrap_or(0);
        if self.lines.len() <= LINE_LIMIT && longest <= POINT_LIMIT {
            return Ok(());
        }
        Err(format!(
            "{} lines of up to {longest} points, where {LINE_LIMIT} of {POINT_LIMIT} are the most",
            self.lines.len()
        ))
    }
}

/// The most lines, and points of a line, that a figure could still show.
const LINE_LIMIT: usize = 64;
const POINT_LIMIT: usize = 256;
/// The most bytes of a subject's name.
const SUBJECT_LIMIT: usize = 128;

/// How one measure of one subject grows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GrowthLine {
    /// What grows.
    pub against: Quantity,
    /// What was measured.
    pub measure: Measure,
    /// Of what: a stage, an epoch, K-means alone.
    pub subject: String,
    /// By what grows, from least to most.
    pub points: Vec<GrowthPoint>,
    /// The straight line nearest to the medians.
    pub fit: StraightLine,
}

/// What subjects are given more and more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Training and test images together.
    Images,
    /// Clusters that K-means looks for.
    Clusters,
    /// Values of a point.
    Dimensions,
}

/// What is measured of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Wall-clock time, in seconds.
    Seconds,
    /// The most memory that its process held, in MiB.
    PeakMib,
}

/// What was measured at one place, over all rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GrowthPoint {
    /// How much there was of what grows.
    pub at: u64,
    /// The value that counts.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
    /// Each round's.
    pub all: Vec<f64>,
}

/// The straight line of least squares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StraightLine {
    /// For one more of what grows.
    pub slope: f64,
    /// Where there is none of it.
    pub intercept: f64,
    /// The share of the variance that it explains; `null` where there is none.
    pub r_squared: Option<f64>,
}

impl StraightLine {
    /// Its value at `place`.
    #[must_use]
    pub fn at(&self, place: f64) -> f64 {
        self.intercept + self.slope * place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_points_are_as_many_as_a_figure_can_show() {
        let growth = |lines: usize, points: usize| {
            let point = GrowthPoint { at: 1, median: 1.0, least: 1.0, greatest: 1.0, all: Vec::new() };
            let line = GrowthLine {
                against: Quantity::Images,
                measure: Measure::Seconds,
                subject: "ae-train".to_owned(),
                points: vec![point; points],
                fit: StraightLine { slope: 1.0, intercept: 0.0, r_squared: None },
            };
            Growth { threads: 2, rounds: 1, lines: vec![line; lines] }
        };
        assert_eq!(growth(LINE_LIMIT, POINT_LIMIT).check(), Ok(()));
        assert!(growth(LINE_LIMIT + 1, 1).check().is_err());
        assert!(growth(1, POINT_LIMIT + 1).check().is_err());
        let mut wordy = growth(1, 1);
        wordy.lines.iter_mut().for_each(|line| line.subject = "x".repeat(SUBJECT_LIMIT + 1));
        assert!(wordy.check().is_err());
    }
}

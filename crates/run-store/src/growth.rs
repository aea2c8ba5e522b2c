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
}

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

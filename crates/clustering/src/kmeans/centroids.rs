//! The centroids of one fit.

use std::slice::ChunksExact;

#[cfg(test)]
use ndarray::Array2;

use super::pass::Gathered;

/// Centroids, cluster × dimension.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Centroids {
    values: Vec<f64>,
    dimensions: usize,
}

impl Centroids {
    pub fn new(values: Vec<f64>, dimensions: usize) -> Self {
        Self { values, dimensions }
    }

    #[cfg(test)]
    pub fn of(array: &Array2<f32>) -> Self {
        Self::new(array.iter().copied().map(f64::from).collect(), array.ncols())
    }

    pub fn into_values(self) -> Vec<f64> {
        self.values
    }

    pub fn cluster_count(&self) -> usize {
        self.values.len() / self.dimensions
    }

    pub fn iter(&self) -> ChunksExact<'_, f64> {
        self.values.chunks_exact(self.dimensions)
    }

    /// Moves each centroid to the mean of its points and itself, as linfa does, so that both go the same way; and one that has
    /// none to the point that is farthest from its own: so a cluster never stays empty while others spread. Sums are from
    /// `origin`. Returns how far all moved, taken together.
    pub fn follow(&mut self, gathered: &Gathered, origin: &[f32]) -> f64 {
        let mut squares = 0.0;
        let mut farthest = Some(&gathered.farthest);
        let moved = self.values.chunks_exact_mut(self.dimensions).zip(gathered.sums.chunks_exact(self.dimensions));
        for ((centroid, sums), count) in moved.zip(&gathered.counts) {
            let refuge = if *count == 0 { farthest.take() } else { None };
            for (dimension, (value, sum)) in centroid.iter_mut().zip(sums).enumerate() {
                let next = match refuge {
                    Some(point) => f64::from(point[dimension]),
                    None if *count == 0 => *value,
                    None => {
                        let origin = f64::from(origin[dimension]);
                        origin + (sum + (*value - origin)) / (*count + 1) as f64
                    }
                };
                squares += (next - *value) * (next - *value);
                *value = next;
            }
        }
        squares.sqrt()
    }
}

//! k-means++ seedings (Arthur & Vassilvitskii 2007), draw for draw those of linfa.
//!
//! linfa measures every point's distance to all centroids again for each new one, so its time grows with the square of the
//! number of clusters. Here the least distance so far is kept.

use ndarray::ArrayView2;
use rand::distributions::{Distribution, WeightedIndex};
use rand_chacha::ChaCha8Rng;

use super::centroids::Centroids;

/// Points by dimension, side by side: what a compiler makes vectors of, with each point's sum in linfa's order.
pub(super) struct Columns {
    /// Dimension × point.
    values: Vec<f32>,
    count: usize,
}

impl Columns {
    pub fn new(points: ArrayView2<'_, f32>) -> Self {
        Self { values: points.t().iter().copied().collect(), count: points.nrows() }
    }

    fn point(&self, point: usize) -> impl Iterator<Item = f32> {
        self.values.chunks_exact(self.count).map(move |column| column[point])
    }

    /// Draws `cluster_count` of the points: the first evenly, each next in proportion to its squared distance from the nearest
    /// drawn so far; the first point, where all are of no distance.
    pub fn seed(&self, cluster_count: usize, generator: &mut ChaCha8Rng) -> Centroids {
        // f32, with its cumulated rounding, as in linfa: other sums would draw other points.
        let mut least = vec![1.0_f32; self.count];
        let mut values = Vec::new();
        let mut squares = vec![0.0_f32; self.count];
        for cluster in 0..cluster_count {
            let drawn = WeightedIndex::new(&least).map_or(0, |weights| weights.sample(generator));
            values.extend(self.point(drawn).map(f64::from));
            squares.fill(0.0);
            for column in self.values.chunks_exact(self.count) {
                let center = column[drawn];
                for (square, value) in squares.iter_mut().zip(column) {
                    let difference = value - center;
                    *square += difference * difference;
                }
            }
            if cluster == 0 {
                least.copy_from_slice(&squares);
            } else {
                least.iter_mut().zip(&squares).for_each(|(least, square)| *least = least.min(*square));
            }
        }
        let dimensions = self.values.len() / self.count;
        Centroids::new(values, dimensions)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use linfa::DatasetBase;
    use linfa::traits::Fit;
    use linfa_clustering::{KMeans, KMeansInit};
    use ndarray::Array2;
    use rand::{Rng, SeedableRng};

    use super::super::descent::{Stop, descend};

    #[test]
    fn linfa_draws_the_same_points() {
        for (count, dimensions, cluster_count) in [(50, 1, 4), (3000, 2, 10), (777, 32, 40), (4096, 17, 1), (9, 3, 9)] {
            for seed in 0..4 {
                let mut generator = ChaCha8Rng::seed_from_u64(seed + 100);
                let points = Array2::from_shape_fn((count, dimensions), |_| generator.gen_range(-3.0_f32..5.0));
                let found = Columns::new(points.view()).seed(cluster_count, &mut ChaCha8Rng::seed_from_u64(seed));
                // linfa gives no seeding, only what an iteration makes of it: the means of different points differ.
                let stop = Stop { tolerance: 1e-9, iterations: 1, patience: f64::INFINITY };
                let moved = descend(&points.view(), &vec![0.0; dimensions], vec![found], stop).unwrap().remove(0);
                let linfa = KMeans::params_with_rng(cluster_count, ChaCha8Rng::seed_from_u64(seed))
                    .init_method(KMeansInit::KMeansPlusPlus)
                    .n_runs(1)
                    .max_n_iterations(1)
                    .fit(&DatasetBase::from(points.view()))
                    .unwrap();
                let moved = moved.centroids.into_values();
                for (found, expected) in moved.iter().zip(linfa.centroids()) {
                    assert!((found - f64::from(*expected)).abs() < 1e-4, "{count} × {dimensions}, seed {seed}");
                }
            }
        }
    }

    #[test]
    fn points_in_one_place_are_drawn_all_the_same() {
        let points = Array2::from_elem((5, 2), 3.0_f32);
        let centroids = Columns::new(points.view()).seed(3, &mut ChaCha8Rng::seed_from_u64(0));
        assert_eq!(centroids.into_values(), [3.0; 6]);
    }
}

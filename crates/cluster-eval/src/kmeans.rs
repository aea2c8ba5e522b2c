//! K-means (Lloyd 1982) with k-means++ seeding (Arthur & Vassilvitskii 2007), by linfa.

use std::collections::HashSet;

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::{KMeans, KMeansInit};
use ndarray::ArrayView2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// How to fit.
#[derive(Clone, Copy, Debug)]
pub struct FitOptions {
    /// Clusters.
    pub cluster_count: usize,
    /// Fits from different seedings, of which the one with the lowest inertia is kept.
    pub restarts: usize,
    /// The most iterations of one fit.
    pub iterations: u64,
    /// A fit ends when the centroids, all taken together, move less than this.
    pub tolerance: f64,
    /// The seed of the seedings.
    pub seed: u64,
}

/// Why there is no K-means model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KMeansError {
    /// There are fewer different points than clusters.
    #[error("expected at least {cluster_count} different latents, one a cluster, found {distinct}; use a lower --k")]
    TooFewPoints {
        /// The clusters asked for.
        cluster_count: usize,
        /// The different points there are.
        distinct: usize,
    },
    /// linfa refuses.
    #[error("K-means failed: {0}")]
    Fit(String),
}

/// Fits centroids, cluster × dimension, to `points`, point × dimension, both row-major.
///
/// Points are fitted in f64: sums over a large cluster would lose digits in f32.
///
/// # Errors
/// There are fewer different points than clusters, or linfa refuses.
pub fn fit(points: &[f32], dimensions: usize, options: &FitOptions) -> Result<Vec<f64>, KMeansError> {
    let cluster_count = options.cluster_count;
    let distinct = count_distinct(points, dimensions, cluster_count);
    if distinct < cluster_count {
        return Err(KMeansError::TooFewPoints { cluster_count, distinct });
    }
    let values: Vec<f64> = points.iter().copied().map(f64::from).collect();
    let records = ArrayView2::from_shape((points.len() / dimensions, dimensions), &values)
        .map_err(|error| KMeansError::Fit(error.to_string()))?;
    let model = KMeans::params_with_rng(cluster_count, ChaCha8Rng::seed_from_u64(options.seed))
        .init_method(KMeansInit::KMeansPlusPlus)
        .n_runs(options.restarts)
        .max_n_iterations(options.iterations)
        .tolerance(options.tolerance)
        .fit(&DatasetBase::from(records))
        .map_err(|error| KMeansError::Fit(error.to_string()))?;
    Ok(model.centroids().iter().copied().collect())
}

/// The number of different points, or `enough` if there are at least so many.
fn count_distinct(points: &[f32], dimensions: usize, enough: usize) -> usize {
    let mut seen = HashSet::new();
    for point in points.chunks_exact(dimensions) {
        // 0 and −0 are one place.
        seen.insert(point.iter().map(|value| (value + 0.0).to_bits()).collect::<Vec<u32>>());
        if seen.len() >= enough {
            break;
        }
    }
    seen.len()
}

/// The clusters that points belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    /// The nearest centroid of each point; of several equally near ones the first.
    pub clusters: Vec<u32>,
    /// Its squared Euclidean distance.
    pub squared_distances: Vec<f64>,
}

impl Assigned {
    /// The sum of squared distances.
    #[must_use]
    pub fn inertia(&self) -> f64 {
        self.squared_distances.iter().sum()
    }
}

/// Assigns `points`, point × dimension, to the nearest of `centroids`, cluster × dimension.
///
/// linfa reports the inertia before its last update of the centroids; this is the one of the centroids as they are.
#[must_use]
pub fn assign(points: &[f32], centroids: &[f64], dimensions: usize) -> Assigned {
    let nearest = points.chunks_exact(dimensions).map(|point| {
        let distances = (0_u32..).zip(centroids.chunks_exact(dimensions).map(|centroid| {
            let differences = point.iter().zip(centroid).map(|(value, center)| f64::from(*value) - center);
            differences.map(|difference| difference * difference).sum::<f64>()
        }));
        distances.fold(
            (0, f64::INFINITY),
            |best, (cluster, distance)| {
                if distance < best.1 { (cluster, distance) } else { best }
            },
        )
    });
    let (clusters, squared_distances) = nearest.unzip();
    Assigned { clusters, squared_distances }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use serde_json::Value;

    const OPTIONS: FitOptions =
        FitOptions { cluster_count: 5, restarts: 10, iterations: 300, tolerance: 1e-4, seed: 0 };

    fn scikit_learn() -> (Vec<f32>, usize, f64) {
        let cases: Value = serde_json::from_str(include_str!("../tests/data/clustering_scores.json")).unwrap();
        let case = &cases["k_means"];
        let points = case["points"].as_array().unwrap();
        let points = points.iter().map(|value| value.as_f64().unwrap() as f32).collect();
        (points, case["dimensions"].as_u64().unwrap() as usize, case["inertia"].as_f64().unwrap())
    }

    #[test]
    fn inertia_is_as_low_as_scikit_learns() {
        let (points, dimensions, expected) = scikit_learn();
        let centroids = fit(&points, dimensions, &OPTIONS).unwrap();
        let found = assign(&points, &centroids, dimensions).inertia();
        assert!(found <= expected * 1.001, "expected {expected}, found {found}");
    }

    #[test]
    fn a_seed_decides_the_fit() {
        let (points, dimensions, _) = scikit_learn();
        let centroids = |seed| fit(&points, dimensions, &FitOptions { restarts: 1, seed, ..OPTIONS }).unwrap();
        assert_eq!(centroids(1), centroids(1));
        assert_ne!(centroids(1), centroids(2));
    }

    #[test]
    fn every_point_goes_to_its_nearest_centroid() {
        let assigned = assign(&[0.0, 1.0, 9.0, 5.0], &[1.0, 9.0], 1);
        assert_eq!(assigned.clusters, [0, 0, 1, 0]);
        assert_eq!(assigned.squared_distances, [1.0, 0.0, 0.0, 16.0]);
        assert_eq!(assigned.inertia(), 17.0);
    }

    #[test]
    fn collapsed_latents_are_refused() {
        let error = fit(&[1.0, 1.0, 1.0, 2.0, -0.0, 0.0], 1, &OPTIONS).unwrap_err();
        assert_eq!(error, KMeansError::TooFewPoints { cluster_count: 5, distinct: 3 });
    }
}

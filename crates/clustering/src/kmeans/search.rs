//! The way to the centroids: from linfa's seedings over a sample to all points.
//!
//! Most of Lloyd's iterations only find out roughly where clusters are, which samples tell as well (Bradley & Fayyad 1998).
//! So each restart goes down over growing samples first, then over all points until little moves, and the best of them to its
//! end.

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::{KMeans, KMeansInit};
use ndarray::{ArrayView2, Axis, CowArray, Ix2};
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::centroids::Centroids;
use super::descent::{Stop, descend};
use super::{FitOptions, KMeansError};

/// Points of the first sample, at least.
const SAMPLE: usize = 4096;
/// And for each cluster.
const SAMPLE_PER_CLUSTER: usize = 64;
/// How many times as large each next sample is.
const GROWTH: usize = 32;
/// How many times as many points there are at least, for a sample to be drawn.
const WORTHWHILE: usize = 4;
/// Restarts are compared once a move, squared, is less than this part of the points' mean variance: scikit-learn's default
/// for its last.
const ROUGHLY: f64 = 1e-4;
/// Restarts that so many more gains as their last would not bring below the best are left behind. Fifty would be twice as
/// fast, but leave a later winner behind now and then.
const PATIENCE: f64 = 300.0;

/// The centroids that `options` lead to.
///
/// # Errors
/// linfa refuses.
pub(super) fn search(points: ArrayView2<'_, f32>, options: &FitOptions) -> Result<Centroids, KMeansError> {
    let (tolerance, iterations) = (options.tolerance, options.iterations);
    let rough = Stop { tolerance: rough_tolerance(points).max(tolerance), iterations, patience: f64::INFINITY };
    let mut generator = ChaCha8Rng::seed_from_u64(options.seed);
    let mut sample_size = SAMPLE.max(SAMPLE_PER_CLUSTER * options.cluster_count);
    let mut sample = draw(points, sample_size, &mut generator);
    let mut seedings = seed(sample.view(), options)?;
    while sample.nrows() < points.nrows() {
        seedings = descend(sample.view(), seedings, rough).into_iter().map(|fit| fit.centroids).collect();
        sample_size = sample_size.saturating_mul(GROWTH);
        sample = draw(points, sample_size, &mut generator);
    }
    let fits = descend(points, seedings, Stop { patience: PATIENCE, ..rough });
    let best = fits.into_iter().min_by(|one, other| one.inertia.total_cmp(&other.inertia));
    let best = best.ok_or_else(|| KMeansError::Fit("there are no restarts".to_owned()))?;
    let last = Stop { tolerance, iterations: iterations - best.iterations, patience: f64::INFINITY };
    let ended = descend(points, vec![best.centroids], last).pop();
    ended.map(|fit| fit.centroids).ok_or_else(|| KMeansError::Fit("nothing was fitted".to_owned()))
}

/// A move that changes nothing about which restart is the best.
fn rough_tolerance(points: ArrayView2<'_, f32>) -> f64 {
    let variances = points.var_axis(Axis(0), 0.0);
    let mean = variances.iter().copied().map(f64::from).sum::<f64>() / points.ncols() as f64;
    (ROUGHLY * mean).sqrt()
}

/// `size` of the points, or all where a sample would not be much smaller.
fn draw<'a>(points: ArrayView2<'a, f32>, size: usize, generator: &mut ChaCha8Rng) -> CowArray<'a, f32, Ix2> {
    if points.nrows() < size.saturating_mul(WORTHWHILE) {
        return points.into();
    }
    let mut rows = index::sample(generator, points.nrows(), size).into_vec();
    rows.sort_unstable();
    points.select(Axis(0), &rows).into()
}

/// linfa's k-means++ seeding of each restart, after one of linfa's iterations: it gives them no earlier.
fn seed(points: ArrayView2<'_, f32>, options: &FitOptions) -> Result<Vec<Centroids>, KMeansError> {
    let dataset = DatasetBase::from(points);
    (0..options.restarts)
        .into_par_iter()
        .map(|restart| {
            let mut generator = ChaCha8Rng::seed_from_u64(options.seed);
            generator.set_stream(restart as u64);
            let model = KMeans::params_with_rng(options.cluster_count, generator)
                .init_method(KMeansInit::KMeansPlusPlus)
                .n_runs(1)
                .max_n_iterations(1)
                .fit(&dataset)
                .map_err(|error| KMeansError::Fit(error.to_string()))?;
            Ok(Centroids::of(model.centroids()))
        })
        .collect()
}

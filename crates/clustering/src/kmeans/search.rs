//! The way to the centroids: from seedings over a sample to all points.
//!
//! Most of Lloyd's iterations only find out roughly where clusters are, which samples tell as well (Bradley & Fayyad 1998).
//! So each restart goes down over growing samples first, then over all points until little moves, and the best of them to its
//! end.

use ndarray::Array2;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::centroids::Centroids;
use super::descent::{Fitted, Stop, descend};
use super::exact;
use super::pass::gather;
use super::points::{Points, Survey, select};
use super::relocation::relocated;
use super::seeding::Columns;
use super::{FitOptions, KMeansError};

/// Points of the first sample, at least.
const SAMPLE: usize = 4096;
/// And for each cluster.
const SAMPLE_PER_CLUSTER: usize = 64;
/// How many times as large each next sample is.
const GROWTH: usize = 32;
/// No further sample is larger than this, or there would be no bound to what is held in memory.
const LARGEST_SAMPLE: usize = 1 << 18;
/// How many times as many points there are at least, for a sample to be drawn.
const WORTHWHILE: usize = 4;
/// So many points, at least, are worth one more seeding a restart: beside a pass over them a seeding on the first sample, gone
/// down from there, costs next to nothing.
const POINTS_PER_SEEDING: usize = 1 << 18;
/// The most seedings a restart.
const SEEDINGS: usize = 8;
/// Restarts are compared once a move, squared, is less than this part of the points' mean variance: scikit-learn's default
/// for its last.
const ROUGHLY: f64 = 1e-4;
/// Restarts that so many more gains as their last would not bring below the best are left behind. Fifty would be twice as
/// fast, but leave a later winner behind now and then.
const PATIENCE: f64 = 300.0;
/// How often a centroid is moved away at most once a fit has ended. Of latents hardly any ever is.
pub(super) const RELOCATIONS: u32 = 16;

/// The centroids that `options` lead to.
///
/// # Errors
/// There are fewer different points than clusters, a value is out of range, or points cannot be read.
pub(super) fn search<P: Points>(points: &P, options: &FitOptions) -> Result<Centroids, P::Error> {
    let survey = Survey::of(points, options.cluster_count)?;
    let (tolerance, iterations) = (options.tolerance, options.iterations);
    let rough =
        Stop { tolerance: (ROUGHLY * survey.variance).sqrt().max(tolerance), iterations, patience: f64::INFINITY };
    let mut generator = ChaCha8Rng::seed_from_u64(options.seed);
    let mut sample_size = SAMPLE.max(SAMPLE_PER_CLUSTER * options.cluster_count);
    let mut seedings: Option<Vec<Centroids>> = None;
    while points.count() >= sample_size.saturating_mul(WORTHWHILE)
        && (seedings.is_none() || sample_size <= LARGEST_SAMPLE)
    {
        let sample = draw(points, sample_size, &mut generator)?;
        let begun = seedings.unwrap_or_else(|| seed(&sample, options, seedings_per_restart(points.count())));
        let origin = Survey::of(&sample.view(), 0)?.mean;
        let fits = descend(&sample.view(), &origin, begun, rough)?;
        seedings = Some(best(fits, options.restarts).into_iter().map(|fit| fit.centroids).collect());
        sample_size = sample_size.saturating_mul(GROWTH);
    }
    let seedings = match seedings {
        Some(seedings) => seedings,
        None => seed(&select(points, &(0..points.count()).collect::<Vec<_>>())?, options, 1),
    };
    let fits = descend(points, &survey.mean, seedings, Stop { patience: PATIENCE, ..rough })?;
    let best = best(fits, 1).pop().ok_or_else(|| KMeansError::Fit("there are no restarts".to_owned()))?;
    let last = Stop { tolerance, iterations: iterations - best.iterations, patience: f64::INFINITY };
    let to_the_end = |centroids: Centroids, stop: Stop| -> Result<Centroids, P::Error> {
        let ended = descend(points, &survey.mean, vec![centroids], stop)?.pop();
        Ok(ended.ok_or_else(|| KMeansError::Fit("nothing was fitted".to_owned()))?.centroids)
    };
    let mut centroids = to_the_end(best.centroids, last)?;
    // A sample may have had none of a small cluster, and Lloyd's iterations never leave one place for another.
    let mut is_told_apart = true;
    for _ in 0..RELOCATIONS {
        let Some(gathered) = gather(points, &survey.mean, &[&centroids])?.pop() else { break };
        is_told_apart = exact::is_told_apart(&gathered, points.count(), &survey);
        match relocated(&gathered, &survey.mean).filter(|_| is_told_apart) {
            Some(moved) => centroids = to_the_end(moved, Stop { iterations, ..last })?,
            None => break,
        }
    }
    if is_told_apart {
        return Ok(centroids);
    }
    let some = draw(points, sample_size.min(points.count()), &mut generator)?;
    let exactly = exact::search_exactly(points, seed(&some, options, 1), Stop { iterations, ..last })?;
    Ok(exactly.unwrap_or(centroids))
}

/// `size` of the points.
fn draw<P: Points>(points: &P, size: usize, generator: &mut ChaCha8Rng) -> Result<Array2<f32>, P::Error> {
    let mut positions = index::sample(generator, points.count(), size).into_vec();
    positions.sort_unstable();
    select(points, &positions)
}

/// The `count` fits of the lowest inertia, in their order.
fn best(fits: Vec<Fitted>, count: usize) -> Vec<Fitted> {
    let mut ranked: Vec<(usize, Fitted)> = fits.into_iter().enumerate().collect();
    ranked.sort_by(|(_, one), (_, other)| one.inertia.total_cmp(&other.inertia));
    ranked.truncate(count);
    ranked.sort_by_key(|(place, _)| *place);
    ranked.into_iter().map(|(_, fit)| fit).collect()
}

/// How many seedings each restart is chosen from.
fn seedings_per_restart(points: usize) -> usize {
    (points / POINTS_PER_SEEDING).clamp(1, SEEDINGS)
}

/// `each` seedings for each restart.
fn seed(points: &Array2<f32>, options: &FitOptions, each: usize) -> Vec<Centroids> {
    let columns = Columns::new(points.view());
    let seeding = |stream: usize| {
        let mut generator = ChaCha8Rng::seed_from_u64(options.seed);
        generator.set_stream(stream as u64);
        columns.seed(options.cluster_count, &mut generator)
    };
    (0..options.restarts * each).into_par_iter().map(seeding).collect()
}

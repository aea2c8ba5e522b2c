//! K-means in f64, for points that f32 does not tell apart.
//!
//! [`pass`](super::pass) compares differences of products in f32, which are off by some part of the largest squared distance from the
//! mean. Where clusters are smaller than that, as beside a point that is a million times farther away than all others, it is no
//! longer the nearest centroid that is found. Here differences themselves are squared: many times slower, and hardly ever needed.

use rayon::prelude::*;

use super::centroids::Centroids;
use super::descent::Stop;
use super::nearest;
use super::pass::{Gathered, STRAND_POINTS, merge, strands};
use super::points::{Points, Survey};
use super::relocation::relocated;
use super::search::RELOCATIONS;

/// What squares of distances from the mean are off by in [`pass`](super::pass), as a part of the largest.
const ROUNDING: f64 = 1.0 / (1 << 22) as f64;
/// How many times as large the mean squared distance from the own centroid is where that does not matter.
const CLEAR: f64 = 100.0;

/// Whether `gathered`, of `count` points, shows clusters that are large beside what f32 is off by.
pub(super) fn is_told_apart(gathered: &Gathered, count: usize, survey: &Survey) -> bool {
    gathered.inertia / count.max(1) as f64 >= CLEAR * ROUNDING * survey.reach
}

/// The best centroids that `seedings` lead to.
///
/// # Errors
/// Points cannot be read.
pub(super) fn search_exactly<P: Points>(
    points: &P,
    seedings: Vec<Centroids>,
    stop: Stop,
) -> Result<Option<Centroids>, P::Error> {
    let mut best: Option<(Centroids, Gathered)> = None;
    for seeding in seedings {
        let mut ended = descend(points, seeding, stop)?;
        for _ in 0..RELOCATIONS {
            let Some(moved) = relocated(&ended.1, &vec![0.0; points.dimensions()]) else { break };
            ended = descend(points, moved, stop)?;
        }
        if best.as_ref().is_none_or(|(_, best)| ended.1.inertia < best.inertia) {
            best = Some(ended);
        }
    }
    Ok(best.map(|(centroids, _)| centroids))
}

/// Lloyd's iterations from `centroids` to their end, and what the last centroids gather.
fn descend<P: Points>(points: &P, mut centroids: Centroids, stop: Stop) -> Result<(Centroids, Gathered), P::Error> {
    let origin = vec![0.0; points.dimensions()];
    let mut gathered = gather(points, &centroids)?;
    for _ in 0..stop.iterations {
        let moved = centroids.follow(&gathered, &origin);
        gathered = gather(points, &centroids)?;
        if moved < stop.tolerance {
            break;
        }
    }
    Ok((centroids, gathered))
}

/// Assigns every one of `points` to its nearest centroid. Sums are from 0.
fn gather<P: Points>(points: &P, centroids: &Centroids) -> Result<Gathered, P::Error> {
    let (clusters, dimensions) = (centroids.cluster_count(), points.dimensions());
    let mut whole = Vec::new();
    points.for_each_piece(&mut |piece| {
        let piece = piece.as_standard_layout();
        let count = piece.nrows();
        let strand = count.div_ceil(strands(clusters * dimensions)).max(STRAND_POINTS);
        let of_strand = |index: usize| {
            let mut gathered = Gathered::new(clusters, dimensions);
            for (row, point) in piece.rows().into_iter().enumerate().skip(index * strand).take(strand) {
                let of_centroids = centroids.iter().map(|centroid| centroid.iter().copied());
                let found = nearest(|| point.iter().copied(), of_centroids);
                if let Some(point) = point.to_slice() {
                    gathered.add(point, row, found.cluster as usize, found.squared_distance);
                }
            }
            vec![gathered]
        };
        let strands: Vec<Vec<Gathered>> = (0..count.div_ceil(strand)).into_par_iter().map(of_strand).collect();
        let mut found = Vec::new();
        strands.into_iter().for_each(|strand| merge(&mut found, strand));
        found.iter_mut().for_each(|gathered: &mut Gathered| gathered.keep_farthest(piece.view()));
        if !found.is_empty() {
            merge(&mut whole, found);
        }
        Ok(())
    })?;
    Ok(whole.pop().unwrap_or_else(|| Gathered::new(clusters, dimensions)))
}

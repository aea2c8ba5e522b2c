//! A centroid moved from where it is of little use to where it is of more.
//!
//! Lloyd's iterations move centroids to the mean of their points and no farther: a few points far from all others, which no seeding
//! fell on, stay with a cluster that they do not belong to. The centroids of two clusters that lie together can then do the work of
//! one, and the other be a cluster of the farthest point. Where that lowers the inertia in any case, it is done.

use super::centroids::Centroids;
use super::pass::Gathered;

/// How many times as much is to be gained, as what is known of the farthest point is from before the last move, and rounded.
const MARGIN: f64 = 2.0;

/// Centroids of a lower inertia than those that `gathered` is of; none where it is not certain that these have one. Sums are from
/// `origin`.
///
/// To make one of two clusters of n and m points raises the inertia by n m / (n + m) · ‖their means' difference‖² (Ward 1963); to make
/// one of the farthest point alone lowers it by its squared distance, and by more where others follow it.
pub(super) fn relocated(gathered: &Gathered, origin: &[f32]) -> Option<Centroids> {
    let dimensions = origin.len();
    let counts: Vec<f64> = gathered.counts.iter().map(|count| *count as f64).collect();
    // From the origin.
    let means: Vec<f64> = gathered
        .sums
        .chunks_exact(dimensions)
        .zip(&counts)
        .flat_map(|(sums, count)| sums.iter().map(move |sum| if *count > 0.0 { sum / count } else { 0.0 }))
        .collect();
    let mean = |cluster: usize| &means[cluster * dimensions..][..dimensions];
    let mut cheapest = (f64::INFINITY, 0, 0);
    for one in 0..counts.len() {
        for other in one + 1..counts.len() {
            let share = counts[one] * counts[other] / (counts[one] + counts[other]).max(1.0);
            let squares = mean(one).iter().zip(mean(other)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
            if share * squares < cheapest.0 {
                cheapest = (share * squares, one, other);
            }
        }
    }
    let (cost, one, other) = cheapest;
    if gathered.farthest.len() != dimensions || gathered.farthest_distance <= MARGIN * cost {
        return None;
    }
    let mut centroids: Vec<f64> =
        means.iter().zip(origin.iter().cycle()).map(|(value, origin)| value + f64::from(*origin)).collect();
    let both = (counts[one] + counts[other]).max(1.0);
    for dimension in 0..dimensions {
        let (kept, freed) = (one * dimensions + dimension, other * dimensions + dimension);
        centroids[kept] = (centroids[kept] * counts[one] + centroids[freed] * counts[other]) / both;
        centroids[freed] = f64::from(gathered.farthest[dimension]);
    }
    Some(Centroids::new(centroids, dimensions))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ndarray::array;

    use super::super::pass::gather;
    use super::*;

    fn moved(points: &ndarray::Array2<f32>, centroids: &[f64]) -> Option<Vec<f64>> {
        let centroids = Centroids::new(centroids.to_vec(), 1);
        let gathered = gather(&points.view(), &[3.0], &[&centroids]).unwrap();
        relocated(&gathered[0], &[3.0]).map(Centroids::into_values)
    }

    #[test]
    fn one_of_two_that_lie_together_goes_to_the_farthest_point() {
        let points = array![[0.0_f32], [1.0], [2.0], [3.0], [39.0], [41.0], [52.0]];
        // The first two clusters cost 4 to join; 52 is 8 from its own centroid.
        assert_eq!(moved(&points, &[0.5, 2.5, 44.0]), Some(vec![1.5, 52.0, 44.0]));
    }

    #[test]
    fn none_goes_where_that_costs_more() {
        let points = array![[0.0_f32], [1.0], [10.0], [11.0], [50.0], [51.0]];
        assert_eq!(moved(&points, &[0.5, 10.5, 50.5]), None);
        // One alone, and points that are where their centroids are.
        assert_eq!(moved(&points, &[20.0]), None);
        assert_eq!(moved(&array![[1.0_f32], [1.0]], &[1.0, 1.0]), None);
    }
}

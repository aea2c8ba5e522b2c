//! The silhouette coefficient: how much nearer points are to their own cluster than to the next.

use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;

/// The mean silhouette coefficient of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Silhouette {
    /// The mean over the sample, −1 (wrong clusters) to 1 (dense and well apart).
    pub mean: f64,
    /// Number of points that it is the mean over.
    pub sample_size: usize,
}

/// Points compared at a time. Their distances to one point are summed side by side, one per lane of
/// the processor's vectors, which needs no reordering of any one sum.
const LANES: usize = 8;

/// The mean silhouette coefficient under Euclidean distance (Rousseeuw 1987).
///
/// `points` is row-major, one row of `dimensions` coordinates for each entry of `clusters`; the
/// clusters may be numbered in any way. With a the mean distance of a point to the others of its
/// cluster, and b its least mean distance to the points of another cluster, its coefficient is
/// (b − a) / max(a, b). As in scikit-learn's `silhouette_score`, it is 0 for a point alone in its
/// cluster and where a = b = 0. Of many points [`silhouette_sample`] says which to take.
///
/// Gives `None` where the coefficient is undefined: there are fewer than two clusters, every
/// point is a cluster of its own, or a coordinate is not finite.
///
/// Takes O(s² · `dimensions`) time and O(s · (`dimensions` + clusters)) memory for s points.
///
/// # Panics
///
/// If the number of coordinates is not `dimensions` for each point.
#[must_use]
pub fn silhouette(points: &[f32], dimensions: usize, clusters: &[u32]) -> Option<Silhouette> {
    assert_eq!(points.len(), clusters.len() * dimensions, "every point has one cluster and all its coordinates");
    let (numbered, cluster_sizes) = number_clusters(clusters);
    let undefined = cluster_sizes.len() < 2 || cluster_sizes.len() == clusters.len();
    if undefined || !points.iter().all(|coordinate| coordinate.is_finite()) {
        return None;
    }
    let sums = sum_distances(points, dimensions, &numbered, cluster_sizes.len());
    let total: f64 = sums
        .chunks_exact(cluster_sizes.len())
        .zip(&numbered)
        .map(|(sums, &own)| coefficient(sums, own, &cluster_sizes))
        .sum();
    Some(Silhouette { mean: total / clusters.len() as f64, sample_size: clusters.len() })
}

/// The positions, in ascending order, of at most `sample_size` of `point_count` points, drawn without replacement. The same
/// `seed` draws the same on every platform; where there are no more than `sample_size`, all are taken.
#[must_use]
pub fn silhouette_sample(point_count: usize, sample_size: usize, seed: u64) -> Vec<usize> {
    if point_count <= sample_size {
        return (0..point_count).collect();
    }
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut sample = index::sample(&mut generator, point_count, sample_size).into_vec();
    sample.sort_unstable();
    sample
}

/// Numbers the clusters that are present from 0. Gives each point's cluster and each cluster's number of points.
fn number_clusters(clusters: &[u32]) -> (Vec<usize>, Vec<usize>) {
    let mut present = clusters.to_vec();
    present.sort_unstable();
    present.dedup();
    let mut sizes = vec![0; present.len()];
    let numbered = clusters
        .iter()
        .map(|&cluster| {
            let number = present.partition_point(|&other| other < cluster);
            sizes[number] += 1;
            number
        })
        .collect();
    (numbered, sizes)
}

/// The sum of each point's distances to the points of each cluster: row-major, point × cluster.
///
/// All arithmetic is in f64, which squares of f32 differences cannot overflow.
fn sum_distances(coordinates: &[f32], dimensions: usize, clusters: &[usize], cluster_count: usize) -> Vec<f64> {
    let blocks = interleave(coordinates, dimensions, clusters.len());
    let mut sums = vec![0.0; clusters.len() * cluster_count];
    let mut point_coordinates = vec![0.0; dimensions];

    for point in 0..clusters.len() {
        let row = &coordinates[point * dimensions..][..dimensions];
        for (wide, &coordinate) in point_coordinates.iter_mut().zip(row) {
            *wide = f64::from(coordinate);
        }
        // Distances are symmetric, so each pair is measured once, from its first point, and counts
        // for both: the first block is the one that the point itself is in.
        let first_block = point / LANES;
        for block in first_block..clusters.len().div_ceil(LANES) {
            let block_coordinates = &blocks[block * dimensions..][..dimensions];
            let distances = distances_to_block(&point_coordinates, block_coordinates);
            for (other, distance) in (block * LANES..clusters.len()).zip(distances) {
                if other > point {
                    sums[point * cluster_count + clusters[other]] += distance;
                    sums[other * cluster_count + clusters[point]] += distance;
                }
            }
        }
    }
    sums
}

/// Lays the points out in blocks of [`LANES`], each block with one array of lanes per dimension.
/// The lanes that the last block has left over are zero.
fn interleave(coordinates: &[f32], dimensions: usize, point_count: usize) -> Vec<[f64; LANES]> {
    let mut blocks = vec![[0.0; LANES]; point_count.div_ceil(LANES) * dimensions];
    for point in 0..point_count {
        for dimension in 0..dimensions {
            blocks[point / LANES * dimensions + dimension][point % LANES] =
                f64::from(coordinates[point * dimensions + dimension]);
        }
    }
    blocks
}

/// The distances of a point to the points of a block.
fn distances_to_block(point: &[f64], block: &[[f64; LANES]]) -> [f64; LANES] {
    let mut squares = [0.0; LANES];
    for (coordinate, lanes) in point.iter().zip(block) {
        for (square, lane) in squares.iter_mut().zip(lanes) {
            let difference = lane - coordinate;
            *square += difference * difference;
        }
    }
    squares.map(f64::sqrt)
}

/// One point's coefficient, given the sums of its distances to the points of each cluster.
fn coefficient(sums: &[f64], own: usize, cluster_sizes: &[usize]) -> f64 {
    if cluster_sizes[own] == 1 {
        return 0.0;
    }
    // The point itself is not among those it is compared with.
    let within = sums[own] / (cluster_sizes[own] - 1) as f64;
    let nearest_other = sums
        .iter()
        .zip(cluster_sizes)
        .enumerate()
        .filter(|&(cluster, _)| cluster != own)
        .map(|(_, (sum, &size))| sum / size as f64)
        .fold(f64::INFINITY, f64::min);
    let greater = within.max(nearest_other);
    if greater == 0.0 {
        return 0.0;
    }
    (nearest_other - within) / greater
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    /// The mean coefficient by the letter of the definition.
    fn by_definition(points: &[f32], dimensions: usize, clusters: &[u32]) -> f64 {
        let distance = |first: usize, second: usize| {
            (0..dimensions)
                .map(|dimension| {
                    let first = f64::from(points[first * dimensions + dimension]);
                    let second = f64::from(points[second * dimensions + dimension]);
                    (first - second).powi(2)
                })
                .sum::<f64>()
                .sqrt()
        };
        let mean_distance = |point: usize, cluster: u32| {
            let others: Vec<f64> = (0..clusters.len())
                .filter(|&other| other != point && clusters[other] == cluster)
                .map(|other| distance(point, other))
                .collect();
            (!others.is_empty()).then(|| others.iter().sum::<f64>() / others.len() as f64)
        };
        let coefficients = (0..clusters.len()).map(|point| {
            let Some(within) = mean_distance(point, clusters[point]) else {
                return 0.0;
            };
            let nearest_other = clusters
                .iter()
                .filter(|&&cluster| cluster != clusters[point])
                .filter_map(|&cluster| mean_distance(point, cluster))
                .fold(f64::INFINITY, f64::min);
            match within.max(nearest_other) {
                0.0 => 0.0,
                greater => (nearest_other - within) / greater,
            }
        });
        coefficients.sum::<f64>() / clusters.len() as f64
    }

    fn clusterings() -> impl Strategy<Value = (Vec<f32>, usize, Vec<u32>)> {
        (1..=5_usize, 1..=40_usize).prop_flat_map(|(dimensions, count)| {
            (
                // Few distinct coordinates make coinciding points.
                prop_oneof![
                    prop::collection::vec(-100.0..100.0_f32, count * dimensions),
                    prop::collection::vec((0..2_u8).prop_map(f32::from), count * dimensions),
                ],
                Just(dimensions),
                prop::collection::vec(prop_oneof![0..4_u32, Just(u32::MAX)], count),
            )
        })
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition((points, dimensions, clusters) in clusterings()) {
            let mut present = clusters.clone();
            present.sort_unstable();
            present.dedup();
            let defined = present.len() >= 2 && present.len() < clusters.len();

            let computed = silhouette(&points, dimensions, &clusters);
            prop_assert_eq!(computed.is_some(), defined);
            if let Some(computed) = computed {
                let expected = by_definition(&points, dimensions, &clusters);
                prop_assert!((computed.mean - expected).abs() < 1e-12);
                prop_assert!((-1.0..=1.0).contains(&computed.mean));
                prop_assert_eq!(computed.sample_size, clusters.len());
            }
        }

        #[test]
        fn a_sample_is_of_distinct_points_in_order(
            point_count in 0..200_usize,
            sample_size in 0..200_usize,
            seed: u64,
        ) {
            let sample = silhouette_sample(point_count, sample_size, seed);
            prop_assert_eq!(sample.len(), point_count.min(sample_size));
            prop_assert!(sample.is_sorted_by(|first, second| first < second));
            prop_assert!(sample.iter().all(|&point| point < point_count));
        }
    }

    #[test]
    fn four_points_on_a_line_agree_with_the_hand_calculation() {
        // The outer points have a = 1, b = 9.5; the inner ones a = 1, b = 8.5.
        let score = silhouette(&[0.0, 1.0, 9.0, 10.0], 1, &[4, 4, 7, 7]).unwrap();
        assert!((score.mean - (8.5 / 9.5 + 7.5 / 8.5) / 2.0).abs() < 1e-15);
    }

    #[test]
    fn a_lone_point_scores_zero() {
        let score = silhouette(&[0.0, 1.0, 3.0], 1, &[0, 0, 1]).unwrap();
        // The first has a = 1, b = 3, the second a = 1, b = 2.
        assert!((score.mean - (2.0 / 3.0 + 1.0 / 2.0) / 3.0).abs() < 1e-15);
    }

    #[test]
    fn undefined_where_there_is_nothing_to_compare() {
        let points = [0.0, 1.0, 2.0, 3.0];
        assert_eq!(silhouette(&[], 3, &[]), None);
        assert_eq!(silhouette(&points, 1, &[5, 5, 5, 5]), None);
        assert_eq!(silhouette(&points, 1, &[0, 1, 2, 3]), None);
        for coordinate in [f32::NAN, f32::INFINITY] {
            let points = [0.0, 1.0, 2.0, coordinate];
            assert_eq!(silhouette(&points, 1, &[0, 0, 1, 1]), None);
        }
    }

    #[test]
    fn the_largest_coordinates_do_not_overflow() {
        let points = [-f32::MAX, -f32::MAX, f32::MAX, f32::MAX];
        let score = silhouette(&points, 1, &[0, 0, 1, 1]).unwrap();
        assert_eq!(score.mean, 1.0);
    }

    #[test]
    fn the_seed_draws_the_sample() {
        let points: Vec<f32> = (0..500).map(|point| (point * point % 251) as f32).collect();
        let clusters: Vec<u32> = (0..500).map(|point| point % 3).collect();
        let sample = |seed| silhouette_sample(points.len(), 100, seed);
        let score = |seed| {
            let points: Vec<f32> = sample(seed).iter().map(|point| points[*point]).collect();
            let clusters: Vec<u32> = sample(seed).iter().map(|point| clusters[*point]).collect();
            silhouette(&points, 1, &clusters).unwrap()
        };

        assert_eq!(sample(1), sample(1));
        assert_ne!(score(1).mean, score(2).mean);
        assert_eq!(score(1).sample_size, 100);
    }

    #[test]
    fn a_seed_goes_on_drawing_the_same_sample() {
        // A release of rand that drew another would change every recorded score.
        assert_eq!(silhouette_sample(1000, 5, 3), [81_usize, 107, 621, 637, 915]);
    }

    #[test]
    #[should_panic(expected = "every point has one cluster and all its coordinates")]
    fn panics_when_the_lengths_do_not_fit() {
        let _ = silhouette(&[0.0; 5], 2, &[0, 1]);
    }
}

//! The adjusted Rand index: agreement of clusters and classes over pairs of points.

use super::ContingencyTable;

/// The Rand index adjusted for chance: 1 for the same partition, 0 on average for random ones of
/// the same sizes, and no lower than −0.5 (Chacón and Rastrojo 2023).
///
/// From Hubert and Arabie, "Comparing partitions" (1985), where S, A, B and N are the numbers of
/// pairs of points that share a cell of the table, a cluster, a class, and all pairs:
///
/// (S − A B / N) / ((A + B) / 2 − A B / N)
///
/// As in scikit-learn's `adjusted_rand_score`, partitions for which this is 0 / 0 score 1: a single
/// point, a single part on both sides, or each point on its own on both sides.
#[must_use]
pub fn adjusted_rand_index(table: &ContingencyTable) -> f64 {
    let in_same_cell = pairs_within(table.counts());
    let in_same_cluster = pairs_within(table.cluster_sizes());
    let in_same_class = pairs_within(table.class_sizes());
    let all = pairs_within(&[table.total()]);

    // Both sides of the fraction times 2 N. They are exact, as `ContingencyTable::MAX_POINTS` keeps
    // N below 2⁶³ and so each product and sum below 2¹²⁷.
    let numerator = 2 * (all * in_same_cell - in_same_cluster * in_same_class);
    let denominator = all * (in_same_cluster + in_same_class) - 2 * in_same_cluster * in_same_class;
    if denominator == 0 {
        return 1.0;
    }
    numerator as f64 / denominator as f64
}

/// The number of unordered pairs of points that share a part.
fn pairs_within(sizes: &[u64]) -> i128 {
    sizes
        .iter()
        .map(|&size| {
            let size = i128::from(size);
            size * (size - 1) / 2
        })
        .sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn score(counts: &[u64], cluster_count: usize, class_count: usize) -> f64 {
        adjusted_rand_index(&ContingencyTable::from_counts(counts.to_vec(), cluster_count, class_count).unwrap())
    }

    #[test]
    fn undefined_fractions_are_of_the_same_partition() {
        assert_eq!(score(&[1], 1, 1), 1.0);
        assert_eq!(score(&[0, 6], 1, 2), 1.0);
        assert_eq!(score(&[0, 1, 1, 0], 2, 2), 1.0);
    }

    #[test]
    fn the_same_partition_scores_exactly_one() {
        assert_eq!(score(&[0, 9, 0, 4, 0, 0, 0, 0, 1], 3, 3), 1.0);
    }

    #[test]
    fn a_single_part_on_one_side_scores_zero() {
        assert_eq!(score(&[3, 4, 5], 1, 3), 0.0);
        assert_eq!(score(&[3, 4, 5], 3, 1), 0.0);
    }

    #[test]
    fn the_worst_table_scores_minus_one_half() {
        assert_eq!(score(&[1, 1, 1, 1], 2, 2), -0.5);
    }

    #[test]
    fn a_hand_calculation_agrees() {
        // S = 1, A = 2, B = 1, N = 6.
        assert_eq!(score(&[2, 0, 0, 0, 1, 1], 2, 3), 4.0 / 7.0);
    }

    #[test]
    fn the_largest_table_does_not_overflow() {
        let half = ContingencyTable::MAX_POINTS / 2;
        assert_eq!(score(&[half, 0, 0, half], 2, 2), 1.0);
        assert!(score(&[half / 2, half / 2, half / 2, half / 2], 2, 2).abs() < 1e-9);
        assert_eq!(score(&[ContingencyTable::MAX_POINTS], 1, 1), 1.0);
    }
}

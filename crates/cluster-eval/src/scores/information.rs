//! Normalized mutual information between clusters and classes.

use super::ContingencyTable;

/// The mutual information of clusters and classes, divided by the arithmetic mean of their
/// entropies: 0 (independent) to 1 (the same partition).
///
/// The `NMI_sum` of Vinh, Epps and Bailey, "Information theoretic measures for clusterings
/// comparison" (2010), equal to the V-measure of Rosenberg and Hirschberg (2007) with β = 1, and to
/// scikit-learn's `normalized_mutual_info_score` by default:
///
/// 2 I(U; V) / (H(U) + H(V)), with I(U; V) = Σᵢⱼ nᵢⱼ/n · ln(n nᵢⱼ / (aᵢ bⱼ)) and
/// H(U) = −Σᵢ aᵢ/n · ln(aᵢ/n)
///
/// for n points, aᵢ of them in cluster i, bⱼ of class j and nᵢⱼ of both.
///
/// With all points in one cluster and one class, where both entropies vanish, the partitions are
/// the same and the score is 1. With only one side of a single part it is 0.
///
/// It is not adjusted for chance: it tends to rise with the number of clusters.
#[must_use]
pub fn normalized_mutual_information(table: &ContingencyTable) -> f64 {
    let total = table.total();
    let entropies = entropy(table.cluster_sizes(), total) + entropy(table.class_sizes(), total);
    if entropies == 0.0 {
        return 1.0;
    }
    // Rounding may carry the quotient past its bounds.
    (2.0 * mutual_information(table) / entropies).clamp(0.0, 1.0)
}

/// The entropy, in nats, of a partition into parts of these sizes.
///
/// Exactly zero if one part has all the points, as then it sums only ln 1.
fn entropy(sizes: &[u64], total: u64) -> f64 {
    let total = total as f64;
    sizes
        .iter()
        .filter(|&&size| size > 0)
        .map(|&size| {
            let size = size as f64;
            size / total * (total / size).ln()
        })
        .sum()
}

/// The mutual information, in nats, of clusters and classes.
fn mutual_information(table: &ContingencyTable) -> f64 {
    let total = table.total();
    let mut sum = 0.0;
    for (row, &cluster_size) in table.rows().zip(table.cluster_sizes()) {
        for (&count, &class_size) in row.iter().zip(table.class_sizes()) {
            if count > 0 {
                // Integer products, below 2⁶⁴ as the table is limited, make the ratio exactly 1
                // where cluster and class are independent.
                let ratio = (total * count) as f64 / (cluster_size * class_size) as f64;
                sum += count as f64 / total as f64 * ratio.ln();
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn score(counts: &[u64], cluster_count: usize, class_count: usize) -> f64 {
        normalized_mutual_information(
            &ContingencyTable::from_counts(counts.to_vec(), cluster_count, class_count).unwrap(),
        )
    }

    #[test]
    fn a_single_part_on_both_sides_scores_one() {
        assert_eq!(score(&[7], 1, 1), 1.0);
        // Empty parts do not count.
        assert_eq!(score(&[0, 0, 0, 7], 2, 2), 1.0);
    }

    #[test]
    fn a_single_part_on_one_side_scores_zero() {
        assert_eq!(score(&[3, 4, 5], 1, 3), 0.0);
        assert_eq!(score(&[3, 4, 5], 3, 1), 0.0);
    }

    #[test]
    fn independence_scores_zero_and_the_same_partition_one() {
        assert_eq!(score(&[2, 4, 3, 6], 2, 2), 0.0);
        assert!((score(&[0, 9, 0, 4, 0, 0, 0, 0, 1], 3, 3) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_class_split_in_halves_agrees_with_the_hand_calculation() {
        // Four clusters of two classes, all of the same size: I = ln 2, H = ln 4 and ln 2.
        let split = score(&[5, 0, 5, 0, 0, 5, 0, 5], 4, 2);
        assert!((split - 2.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn the_largest_table_does_not_overflow() {
        let half = ContingencyTable::MAX_POINTS / 2;
        assert_eq!(score(&[half, 0, 0, half], 2, 2), 1.0);
    }
}

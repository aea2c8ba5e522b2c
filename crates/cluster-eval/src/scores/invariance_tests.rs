//! What holds of the scores of any clustering.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{ClusterNames, ContingencyTable, adjusted_rand_index, normalized_mutual_information, silhouette};

const MOST_PARTS: usize = 7;

/// Every score of one table: NMI, ARI, majority accuracy, one-to-one accuracy.
fn scores(table: &ContingencyTable) -> [f64; 4] {
    [
        normalized_mutual_information(table),
        adjusted_rand_index(table),
        ClusterNames::by_majority(table).accuracy(table),
        ClusterNames::one_to_one(table).accuracy(table),
    ]
}

fn count(clusters: &[u32], labels: &[u8]) -> ContingencyTable {
    ContingencyTable::from_assignments(clusters, labels, MOST_PARTS, MOST_PARTS).unwrap()
}

/// Clusters and labels of 1 to 60 points, in up to [`MOST_PARTS`] parts each.
fn clusterings() -> impl Strategy<Value = (Vec<u32>, Vec<u8>)> {
    (1..=60_usize, 1..=MOST_PARTS as u32, 1..=MOST_PARTS as u8).prop_flat_map(|(points, clusters, classes)| {
        (prop::collection::vec(0..clusters, points), prop::collection::vec(0..classes, points))
    })
}

fn numberings() -> impl Strategy<Value = Vec<u32>> {
    Just((0..MOST_PARTS as u32).collect::<Vec<_>>()).prop_shuffle()
}

fn renumber(clusters: &[u32], numbering: &[u32]) -> Vec<u32> {
    clusters.iter().map(|&cluster| numbering[cluster as usize]).collect()
}

fn close(first: f64, second: f64) -> bool {
    (first - second).abs() < 1e-12
}

proptest! {
    #[test]
    fn numbering_the_clusters_otherwise_changes_no_score(
        (clusters, labels) in clusterings(),
        numbering in numberings(),
    ) {
        let first = scores(&count(&clusters, &labels));
        let second = scores(&count(&renumber(&clusters, &numbering), &labels));
        for (first, second) in first.into_iter().zip(second) {
            prop_assert!(close(first, second), "{first} and {second}");
        }
    }

    #[test]
    fn numbering_the_clusters_otherwise_does_not_change_the_silhouette(
        (clusters, _) in clusterings(),
        numbering in numberings(),
        coordinates in prop::collection::vec(-1.0..1.0_f32, 3 * 60),
    ) {
        let points = &coordinates[..3 * clusters.len()];
        let score = |clusters: &[u32]| silhouette(points, 3, clusters);
        match (score(&clusters), score(&renumber(&clusters, &numbering))) {
            (Some(first), Some(second)) => {
                prop_assert_eq!(first.sample_size, second.sample_size);
                prop_assert!(close(first.mean, second.mean));
            }
            (first, second) => prop_assert_eq!(first, second),
        }
    }

    #[test]
    fn the_classes_themselves_score_one(
        (_, labels) in clusterings(),
        numbering in numberings(),
    ) {
        let classes: Vec<u32> = labels.iter().map(|&label| u32::from(label)).collect();
        for score in scores(&count(&renumber(&classes, &numbering), &labels)) {
            prop_assert!(close(score, 1.0), "{score}");
        }
    }

    #[test]
    fn scores_are_in_range_and_majority_names_are_the_more_accurate(
        (clusters, labels) in clusterings(),
    ) {
        let [mutual_information, rand_index, majority, one_to_one] =
            scores(&count(&clusters, &labels));
        prop_assert!((0.0..=1.0).contains(&mutual_information));
        prop_assert!((-0.5..=1.0).contains(&rand_index));
        prop_assert!((0.0..=1.0).contains(&majority));
        prop_assert!((0.0..=majority).contains(&one_to_one));
    }

    #[test]
    fn one_to_one_names_are_given_once((clusters, labels) in clusterings()) {
        let names = ClusterNames::one_to_one(&count(&clusters, &labels));
        let mut given: Vec<u8> = names.as_slice().iter().copied().flatten().collect();
        let all = given.len();
        given.sort_unstable();
        given.dedup();
        prop_assert_eq!(given.len(), all);
    }

    #[test]
    fn clusters_and_classes_are_interchangeable((clusters, labels) in clusterings()) {
        let table = count(&clusters, &labels);
        let swapped_clusters: Vec<u32> = labels.iter().map(|&label| u32::from(label)).collect();
        let swapped_labels: Vec<u8> = clusters.iter().map(|&cluster| cluster as u8).collect();
        let swapped = count(&swapped_clusters, &swapped_labels);

        prop_assert_eq!(adjusted_rand_index(&table), adjusted_rand_index(&swapped));
        prop_assert!(close(
            normalized_mutual_information(&table),
            normalized_mutual_information(&swapped)
        ));
        // The best matching is the same seen from either side.
        prop_assert_eq!(
            ClusterNames::one_to_one(&table).accuracy(&table),
            ClusterNames::one_to_one(&swapped).accuracy(&swapped)
        );
    }
}

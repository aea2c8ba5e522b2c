//! The scores are those of scikit-learn and SciPy, as recorded by
//! `scripts/parity/clustering_scores.py`.

#![allow(clippy::unwrap_used)]

use serde::Deserialize;

use super::{ClusterNames, ContingencyTable, adjusted_rand_index, normalized_mutual_information, silhouette};

const RECORDED: &str = include_str!("../../tests/data/clustering_scores.json");

#[derive(Deserialize)]
struct Recorded {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    cluster_count: usize,
    class_count: usize,
    clusters: Vec<u32>,
    labels: Vec<u8>,
    normalized_mutual_information: f64,
    adjusted_rand_index: f64,
    majority_accuracy: f64,
    one_to_one_accuracy: f64,
    silhouette: Option<RecordedSilhouette>,
}

#[derive(Deserialize)]
struct RecordedSilhouette {
    dimensions: usize,
    points: Vec<f32>,
    mean: f64,
}

fn cases() -> Vec<Case> {
    let recorded: Recorded = serde_json::from_str(RECORDED).unwrap();
    recorded.cases
}

fn assert_close(computed: f64, recorded: f64, tolerance: f64, what: &str) {
    assert!((computed - recorded).abs() <= tolerance, "{what}: {computed} computed, {recorded} recorded");
}

#[test]
fn scores_against_classes_are_as_recorded() {
    for case in cases() {
        let table =
            ContingencyTable::from_assignments(&case.clusters, &case.labels, case.cluster_count, case.class_count)
                .unwrap();
        let compared = [
            (
                "normalized mutual information",
                normalized_mutual_information(&table),
                case.normalized_mutual_information,
            ),
            ("adjusted Rand index", adjusted_rand_index(&table), case.adjusted_rand_index),
            ("majority accuracy", ClusterNames::by_majority(&table).accuracy(&table), case.majority_accuracy),
            ("one-to-one accuracy", ClusterNames::one_to_one(&table).accuracy(&table), case.one_to_one_accuracy),
        ];
        for (score, computed, recorded) in compared {
            let what = format!("{}, {score}", case.name);
            assert_close(computed, recorded, 1e-9, &what);
        }
    }
}

#[test]
fn silhouettes_are_as_recorded() {
    let mut dimensions = Vec::new();
    for case in cases() {
        let Some(recorded) = case.silhouette else {
            continue;
        };
        let point_count = case.clusters.len();
        let computed = silhouette(&recorded.points, recorded.dimensions, &case.clusters).unwrap();
        assert_eq!(computed.sample_size, point_count);
        let what = format!("{}, silhouette", case.name);
        assert_close(computed.mean, recorded.mean, 1e-6, &what);
        dimensions.push(recorded.dimensions);
    }
    assert!(dimensions.contains(&2) && dimensions.contains(&8));
}

//! One clustering of several that began elsewhere: what most of them say.
//!
//! Clusterings err in parts where their beginnings led them, so that together they know more than the best of them, were it known
//! which that is. They vote on each point (Dudoit & Fridlyand 2003, "Bagging to improve the accuracy of a clustering procedure").

use crate::assignment::minimum_cost_assignment;

/// What several clusterings agree on.
#[derive(Clone, Debug, PartialEq)]
pub struct Consensus {
    /// The cluster of each point, by the numbers of that clustering which is most like the others.
    pub clusters: Vec<usize>,
    /// The shares of the votes that each cluster got for each point, points × clusters, in [0, 1].
    pub votes: Vec<f64>,
    /// The mean share of the votes that went to the clusters so chosen, in [0, 1].
    pub agreement: f64,
}

/// Lets `clusterings`, each of the same points and into `cluster_count` clusters, vote on the cluster of every point.
///
/// Clusters are matched one to one with those of the clustering that agrees most with the others. A clustering votes with the
/// weight ln((k − 1) a / (1 − a)), where a is the share of points that it names as that one does and k the number of clusters:
/// the best weight for voters that err each on its own, at random among k − 1 others (Nitzan & Paroush 1982). One that agrees no
/// more than by chance has none; that in the middle itself votes as the one that is nearest to it, or alone where none has a vote.
///
/// # Panics
///
/// There is no clustering, or they are not of the same number of points, or a cluster is not below `cluster_count`.
#[must_use]
pub fn consensus(clusterings: &[Vec<usize>], cluster_count: usize) -> Consensus {
    let points = clusterings.first().map_or(0, Vec::len);
    assert!(!clusterings.is_empty(), "a vote needs voters");
    assert!(clusterings.iter().all(|clusters| clusters.len() == points), "clusterings are of the same points");
    let matched: Vec<Vec<Matching>> = clusterings
        .iter()
        .map(|one| clusterings.iter().map(|other| matching(one, other, cluster_count)).collect())
        .collect();
    let with_all: Vec<u64> = matched.iter().map(|with| with.iter().map(|with| with.alike).sum()).collect();
    // The first of those that agree as much.
    let middle = (0..with_all.len()).rev().max_by_key(|voter| with_all[*voter]).unwrap_or_default();
    let others = (0..clusterings.len()).filter(|voter| *voter != middle);
    let nearest = others.map(|voter| matched[voter][middle].alike).max();
    let mut votes = vec![0.0; points * cluster_count];
    let mut all = 0.0;
    let mut weights: Vec<f64> = (0..clusterings.len())
        .map(|voter| {
            let agreed = nearest.filter(|_| voter == middle).unwrap_or(matched[voter][middle].alike);
            weight(agreed, points, cluster_count)
        })
        .collect();
    // Where none agrees with another but by chance, the one in the middle is as good as any.
    if weights.iter().all(|weight| *weight == 0.0) {
        weights[middle] = 1.0;
    }
    for ((voter, clusters), weight) in clusterings.iter().enumerate().zip(&weights) {
        let names = &matched[voter][middle].names;
        for (point, cluster) in clusters.iter().enumerate() {
            votes[point * cluster_count + names[*cluster]] += weight;
        }
        all += weight;
    }
    votes.iter_mut().for_each(|votes| *votes /= all);
    let (mut clusters, mut won) = (Vec::with_capacity(points), 0.0);
    for votes in votes.chunks_exact(cluster_count.max(1)) {
        // Of a tie the first.
        let order = |one: &(usize, &f64), other: &(usize, &f64)| one.1.total_cmp(other.1);
        let (cluster, most) = votes.iter().enumerate().rev().max_by(order).unwrap_or((0, &0.0));
        clusters.push(cluster);
        won += most;
    }
    Consensus { clusters, votes, agreement: won / points.max(1) as f64 }
}

/// How the clusters of one clustering stand for those of another.
struct Matching {
    /// The other's cluster for each of the one's, one to one.
    names: Vec<usize>,
    /// How many points are then named alike: as many as there can be.
    alike: u64,
}

fn matching(one: &[usize], other: &[usize], cluster_count: usize) -> Matching {
    let mut shared = vec![0_i64; cluster_count * cluster_count];
    for (one, other) in one.iter().zip(other) {
        assert!(*one < cluster_count && *other < cluster_count, "clusters are numbered from 0");
        shared[one * cluster_count + other] += 1;
    }
    let costs: Vec<i64> = shared.iter().map(|count| -count).collect();
    let names: Vec<usize> =
        minimum_cost_assignment(&costs, cluster_count, cluster_count).into_iter().flatten().collect();
    let alike = names.iter().enumerate().map(|(cluster, name)| shared[cluster * cluster_count + name]).sum::<i64>();
    Matching { names, alike: alike.unsigned_abs() }
}

/// What a voter counts that names `agreed` of `points` as the one in the middle does.
fn weight(agreed: u64, points: usize, cluster_count: usize) -> f64 {
    // Half a point that it may yet name otherwise keeps the weight finite.
    let share = (agreed as f64).min(points as f64 - 0.5) / points as f64;
    let others = cluster_count.saturating_sub(1).max(1) as f64;
    (others * share / (1.0 - share)).ln().max(0.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn numbers(value: &Value) -> Vec<usize> {
        value.as_array().unwrap().iter().map(|value| value.as_u64().unwrap() as usize).collect()
    }

    /// Against `scripts/parity/consensus.py`.
    #[test]
    fn it_is_what_an_independent_computation_finds() {
        let cases: Vec<Value> = serde_json::from_str(include_str!("../tests/data/consensus.json")).unwrap();
        assert!(cases.len() > 3);
        for case in cases {
            let clusterings: Vec<Vec<usize>> = case["clusterings"].as_array().unwrap().iter().map(numbers).collect();
            let found = consensus(&clusterings, case["cluster_count"].as_u64().unwrap() as usize);
            assert_eq!(found.clusters, numbers(&case["clusters"]));
            let expected = case["agreement"].as_f64().unwrap();
            assert!((found.agreement - expected).abs() < 1e-12, "expected {expected}, found {}", found.agreement);
        }
    }

    #[test]
    fn two_that_agree_outvote_a_third_and_clusters_may_be_numbered_otherwise() {
        let found = consensus(&[vec![0, 0, 1, 1, 2, 2], vec![1, 1, 2, 2, 0, 0], vec![0, 1, 1, 1, 2, 2]], 3);
        assert_eq!(found.clusters, [0, 0, 1, 1, 2, 2]);
        assert!(found.agreement > 0.9 && found.agreement < 1.0, "{}", found.agreement);
    }

    #[test]
    fn one_alone_agrees_with_itself() {
        let found = consensus(&[vec![2, 0, 1]], 3);
        assert_eq!((found.clusters, found.agreement), (vec![2, 0, 1], 1.0));
        assert_eq!(found.votes, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert!(consensus(&[vec![], vec![]], 3).clusters.is_empty());
    }

    proptest! {
        #[test]
        fn clusterings_that_are_alike_are_the_consensus(clusters in prop::collection::vec(0..5_usize, 1..40), voters in 1..6_usize) {
            let found = consensus(&vec![clusters.clone(); voters], 5);
            prop_assert_eq!(&found.clusters, &clusters);
            prop_assert!((found.agreement - 1.0).abs() < 1e-12);
        }
    }
}

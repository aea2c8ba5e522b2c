//! How clusters get the names of classes, and the accuracy of a clustering so named.

use clustering::minimum_cost_assignment;

use super::ContingencyTable;

/// The class that each cluster is named after, if any.
///
/// Names learnt from one table, of training points say, can be scored on another one of the same
/// clusters, of test points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterNames {
    names: Vec<Option<u8>>,
}

impl ClusterNames {
    /// Names each cluster after its most common class, a tie going to the lower class. A cluster
    /// without points gets no name.
    ///
    /// Several clusters may bear the same name. The accuracy on the table itself is the purity of
    /// the clustering (Zhao and Karypis 2001), which never falls as clusters are split.
    #[must_use]
    pub fn by_majority(table: &ContingencyTable) -> Self {
        let names = table
            .rows()
            .map(|row| {
                let mut most_common = None;
                let mut highest_count = 0;
                for (class, &count) in (0..=u8::MAX).zip(row) {
                    if count > highest_count {
                        most_common = Some(class);
                        highest_count = count;
                    }
                }
                most_common
            })
            .collect();
        Self { names }
    }

    /// Gives each class to at most one cluster, so that as many points as possible are in the
    /// cluster that bears their class.
    ///
    /// The optimal matching is that of "clustering accuracy" (Yang et al. 2010; Xie, Girshick and
    /// Farhadi 2016), found by the Hungarian method (Kuhn 1955; Munkres 1957). There may be more or
    /// fewer clusters than classes: whatever is left over goes unnamed. So does a cluster whose
    /// match shares no point with it, as nothing speaks for that name.
    #[must_use]
    pub fn one_to_one(table: &ContingencyTable) -> Self {
        let class_count = table.class_count();
        // Counts are at most `ContingencyTable::MAX_POINTS`, well within i64.
        let costs: Vec<i64> = table.counts().iter().map(|&count| -(count as i64)).collect();
        let classes = minimum_cost_assignment(&costs, table.cluster_count(), class_count);
        let names = table
            .rows()
            .zip(classes)
            .map(|(row, class)| class.filter(|&class| row[class] > 0).and_then(|class| u8::try_from(class).ok()))
            .collect();
        Self { names }
    }

    /// The name of each cluster, in the order of their numbers.
    #[must_use]
    pub fn as_slice(&self) -> &[Option<u8>] {
        &self.names
    }

    /// The share of points, 0 to 1, that are in a cluster bearing the name of their class.
    ///
    /// # Panics
    ///
    /// If the table is not of as many clusters as were named.
    #[must_use]
    pub fn accuracy(&self, table: &ContingencyTable) -> f64 {
        assert_eq!(self.names.len(), table.cluster_count(), "the names are those of the table's clusters");
        let matched: u64 = self
            .names
            .iter()
            .zip(table.rows())
            .filter_map(|(&name, row)| {
                // A class that the table does not have matches none of its points.
                row.get(usize::from(name?))
            })
            .sum();
        matched as f64 / table.total() as f64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn table(counts: &[u64], cluster_count: usize, class_count: usize) -> ContingencyTable {
        ContingencyTable::from_counts(counts.to_vec(), cluster_count, class_count).unwrap()
    }

    #[test]
    fn the_majority_names_each_cluster_on_its_own() {
        let table = table(&[1, 3, 2, 0, 0, 0, 4, 1, 4, 0, 5, 0], 4, 3);
        let names = ClusterNames::by_majority(&table);

        // Cluster 1 is empty and cluster 2 tied.
        assert_eq!(names.as_slice(), [Some(1), None, Some(0), Some(1)]);
        assert_eq!(names.accuracy(&table), 12.0 / 20.0);
    }

    #[test]
    fn one_to_one_names_are_those_of_the_best_matching() {
        // Giving class 0 to cluster 0, the highest count, would match only 10 + 1 points.
        let table = table(&[10, 8, 9, 1], 2, 2);
        let names = ClusterNames::one_to_one(&table);

        assert_eq!(names.as_slice(), [Some(1), Some(0)]);
        assert_eq!(names.accuracy(&table), 17.0 / 28.0);
    }

    #[test]
    fn one_to_one_names_go_round_for_more_or_fewer_clusters_than_classes() {
        let more_clusters = table(&[3, 0, 5, 0, 0, 2], 3, 2);
        assert_eq!(ClusterNames::one_to_one(&more_clusters).as_slice(), [None, Some(0), Some(1)]);
        let fewer_clusters = table(&[1, 2, 6, 0, 3, 4], 2, 3);
        assert_eq!(ClusterNames::one_to_one(&fewer_clusters).as_slice(), [Some(2), Some(1)]);
    }

    #[test]
    fn a_match_without_a_shared_point_is_no_name() {
        let table = table(&[5, 0, 0, 0], 2, 2);
        assert_eq!(ClusterNames::one_to_one(&table).as_slice(), [Some(0), None]);
    }

    #[test]
    fn every_u8_can_be_a_name() {
        let mut counts = vec![0; 256];
        counts[255] = 1;
        let table = table(&counts, 1, 256);
        for names in [ClusterNames::by_majority(&table), ClusterNames::one_to_one(&table)] {
            assert_eq!(names.as_slice(), [Some(255)]);
            assert_eq!(names.accuracy(&table), 1.0);
        }
    }

    #[test]
    fn names_learnt_from_one_table_score_another() {
        let names = ClusterNames::by_majority(&table(&[4, 1, 0, 0, 1, 4], 3, 2));
        // The points of cluster 1 have no name to match.
        assert_eq!(names.accuracy(&table(&[3, 1, 2, 2, 1, 1], 3, 2)), 0.4);
        // Names may be of classes that the other table lacks.
        assert_eq!(names.accuracy(&table(&[3, 0, 1], 3, 1)), 0.75);
    }

    #[test]
    #[should_panic(expected = "the names are those of the table's clusters")]
    fn panics_when_the_table_is_of_other_clusters() {
        let _ = ClusterNames::by_majority(&table(&[1, 1], 1, 2)).accuracy(&table(&[1, 1], 2, 1));
    }
}

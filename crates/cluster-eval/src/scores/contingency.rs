//! The contingency table: how many points of each class fell into each cluster.

use std::fmt;

/// Counts of points by (cluster, class), the input of every score against the true classes.
///
/// A table holds at least one point, so every score of it is defined, and at most
/// [`ContingencyTable::MAX_POINTS`]. Clusters and classes that hold no point are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContingencyTable {
    /// Row-major, cluster × class.
    counts: Vec<u64>,
    class_count: usize,
    cluster_sizes: Vec<u64>,
    class_sizes: Vec<u64>,
    total: u64,
}

/// Why a [`ContingencyTable`] could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContingencyError {
    /// There is no point to count, so no score would be defined.
    NoPoints,
    /// There are more than [`ContingencyTable::MAX_POINTS`] points.
    TooManyPoints {
        /// Number of points counted.
        points: u128,
    },
    /// A point's cluster is not below the number of clusters.
    ClusterOutOfRange {
        /// Position of the point.
        point: usize,
        /// The cluster it was assigned to.
        cluster: u32,
        /// Number of clusters of the table.
        cluster_count: usize,
    },
    /// A point's class is not below the number of classes.
    ClassOutOfRange {
        /// Position of the point.
        point: usize,
        /// Its class.
        class: u8,
        /// Number of classes of the table.
        class_count: usize,
    },
}

impl fmt::Display for ContingencyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPoints => write!(formatter, "there are no points to score"),
            Self::TooManyPoints { points } => write!(
                formatter,
                "{points} points are more than the {} that can be scored exactly",
                ContingencyTable::MAX_POINTS
            ),
            Self::ClusterOutOfRange { point, cluster, cluster_count } => {
                write!(formatter, "point {point} is in cluster {cluster}, but there are {cluster_count} clusters")
            }
            Self::ClassOutOfRange { point, class, class_count } => {
                write!(formatter, "point {point} is of class {class}, but there are {class_count} classes")
            }
        }
    }
}

impl std::error::Error for ContingencyError {}

impl ContingencyTable {
    /// The most points that a table holds: 2³² − 1.
    ///
    /// Up to here the products of pair counts in the adjusted Rand index stay exact in 128 bits.
    pub const MAX_POINTS: u64 = u32::MAX as u64;

    /// The most classes that a table has: those that a `u8` label can name.
    pub const MAX_CLASSES: usize = 1 << u8::BITS;

    /// Counts points, given each one's cluster and true class in the same order.
    ///
    /// # Errors
    ///
    /// If there are no points or too many, or if a cluster is not below `cluster_count` or a class
    /// not below `class_count`.
    ///
    /// # Panics
    ///
    /// If `clusters` and `labels` differ in length, or `class_count` is above
    /// [`ContingencyTable::MAX_CLASSES`].
    pub fn from_assignments(
        clusters: &[u32],
        labels: &[u8],
        cluster_count: usize,
        class_count: usize,
    ) -> Result<Self, ContingencyError> {
        assert_eq!(clusters.len(), labels.len(), "every point has one cluster and one label");
        let mut counts = vec![0_u64; cluster_count * class_count];
        for (point, (&cluster, &class)) in clusters.iter().zip(labels).enumerate() {
            let row = cluster as usize;
            let column = usize::from(class);
            if row >= cluster_count {
                return Err(ContingencyError::ClusterOutOfRange { point, cluster, cluster_count });
            }
            if column >= class_count {
                return Err(ContingencyError::ClassOutOfRange { point, class, class_count });
            }
            counts[row * class_count + column] += 1;
        }
        Self::from_counts(counts, cluster_count, class_count)
    }

    /// This table's counts and those of `other`, which is of the same clusters and classes.
    ///
    /// # Errors
    ///
    /// If the counts add up to more than [`ContingencyTable::MAX_POINTS`].
    ///
    /// # Panics
    ///
    /// If it is of another number of clusters or classes.
    pub fn plus(self, other: &Self) -> Result<Self, ContingencyError> {
        let (cluster_count, class_count) = (self.cluster_count(), self.class_count());
        let others = (other.cluster_count(), other.class_count());
        assert_eq!((cluster_count, class_count), others, "both tables are of the same clusters and classes");
        let counts = self.counts().iter().zip(other.counts()).map(|(one, other)| one + other).collect();
        Self::from_counts(counts, cluster_count, class_count)
    }

    /// Makes a table of counts already taken: row-major, `cluster_count` × `class_count`.
    ///
    /// # Errors
    ///
    /// If the counts add up to no points, or to more than [`ContingencyTable::MAX_POINTS`].
    ///
    /// # Panics
    ///
    /// If the number of counts is not `cluster_count` × `class_count`, or `class_count` is above
    /// [`ContingencyTable::MAX_CLASSES`].
    pub fn from_counts(counts: Vec<u64>, cluster_count: usize, class_count: usize) -> Result<Self, ContingencyError> {
        assert_eq!(counts.len(), cluster_count * class_count, "the table has one count for each cluster and class");
        assert!(class_count <= Self::MAX_CLASSES, "{class_count} classes are more than a u8 label can name");
        // Checked before the sizes are summed, which the limit keeps from overflowing.
        let points: u128 = counts.iter().map(|&count| u128::from(count)).sum();
        let total = u64::try_from(points)
            .ok()
            .filter(|&total| total <= Self::MAX_POINTS)
            .ok_or(ContingencyError::TooManyPoints { points })?;
        if total == 0 {
            return Err(ContingencyError::NoPoints);
        }

        let mut cluster_sizes = Vec::with_capacity(cluster_count);
        let mut class_sizes = vec![0; class_count];
        // A table with a point has a class, so the rows are not empty.
        for row in counts.chunks_exact(class_count) {
            cluster_sizes.push(row.iter().sum());
            for (size, count) in class_sizes.iter_mut().zip(row) {
                *size += count;
            }
        }
        Ok(Self { counts, class_count, cluster_sizes, class_sizes, total })
    }

    /// Number of clusters, empty ones included.
    #[must_use]
    pub fn cluster_count(&self) -> usize {
        self.cluster_sizes.len()
    }

    /// Number of classes, empty ones included.
    #[must_use]
    pub fn class_count(&self) -> usize {
        self.class_count
    }

    /// All counts: row-major, cluster × class.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The counts cluster by cluster, each a slice with one count per class.
    pub fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.counts.chunks_exact(self.class_count)
    }

    /// Number of points in each cluster: the row sums.
    #[must_use]
    pub fn cluster_sizes(&self) -> &[u64] {
        &self.cluster_sizes
    }

    /// Number of points of each class: the column sums.
    #[must_use]
    pub fn class_sizes(&self) -> &[u64] {
        &self.class_sizes
    }

    /// Number of points, at least 1.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn counts_points_by_cluster_and_class() {
        let table = ContingencyTable::from_assignments(&[0, 2, 2, 0, 2], &[1, 0, 1, 1, 1], 3, 2).unwrap();

        assert_eq!(table.counts(), [0, 2, 0, 0, 1, 2]);
        assert_eq!(table.rows().collect::<Vec<_>>(), [[0, 2], [0, 0], [1, 2]].each_ref().map(<[u64; 2]>::as_slice));
        assert_eq!(table.cluster_sizes(), [2, 0, 3]);
        assert_eq!(table.class_sizes(), [1, 4]);
        assert_eq!(table.total(), 5);
        assert_eq!((table.cluster_count(), table.class_count()), (3, 2));
    }

    #[test]
    fn refuses_a_table_of_no_points() {
        for table in [
            ContingencyTable::from_assignments(&[], &[], 3, 2),
            ContingencyTable::from_counts(vec![0; 6], 3, 2),
            ContingencyTable::from_counts(vec![], 0, 0),
        ] {
            assert_eq!(table, Err(ContingencyError::NoPoints));
        }
    }

    #[test]
    fn refuses_more_points_than_can_be_scored_exactly() {
        let most = ContingencyTable::MAX_POINTS;
        assert_eq!(ContingencyTable::from_counts(vec![most, 0], 1, 2).unwrap().total(), most);
        for counts in [vec![most, 1], vec![u64::MAX, u64::MAX]] {
            let points = counts.iter().map(|&count| u128::from(count)).sum();
            assert_eq!(ContingencyTable::from_counts(counts, 1, 2), Err(ContingencyError::TooManyPoints { points }));
        }
    }

    #[test]
    fn names_the_point_that_is_out_of_range() {
        let cluster = ContingencyTable::from_assignments(&[0, 3], &[0, 0], 3, 2).unwrap_err();
        assert_eq!(cluster.to_string(), "point 1 is in cluster 3, but there are 3 clusters");
        let class = ContingencyTable::from_assignments(&[0, 2], &[0, 2], 3, 2).unwrap_err();
        assert_eq!(class.to_string(), "point 1 is of class 2, but there are 2 classes");
    }

    #[test]
    #[should_panic(expected = "every point has one cluster and one label")]
    fn panics_when_the_lengths_differ() {
        let _ = ContingencyTable::from_assignments(&[0, 0], &[0], 1, 1);
    }
}

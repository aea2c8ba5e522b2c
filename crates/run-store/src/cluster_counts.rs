//! How well a run's latents fall into each number of clusters.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::bounds::{coefficient, not_negative, optional_coefficient};
use crate::document::Document;
use crate::hash::ContentHash;

/// What `cluster-eval choose` found, by number of clusters. No label has a part in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterCounts {
    /// BLAKE3 of the file of training latents that were clustered.
    pub latents: ContentHash,
    /// Latents in it.
    pub image_count: u64,
    /// Latents that silhouettes were taken over.
    pub silhouette_sample: u64,
    /// How often they were split into halves.
    pub split_count: u32,
    /// The seed of everything random.
    pub seed: u64,
    /// One row for each number of clusters, in ascending order.
    #[serde(deserialize_with = "ascending")]
    pub rows: Vec<ClusterCount>,
}

fn ascending<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ClusterCount>, D::Error> {
    let rows = Vec::<ClusterCount>::deserialize(deserializer)?;
    match rows.is_sorted_by(|one, next| one.cluster_count < next.cluster_count) {
        true => Ok(rows),
        false => Err(de::Error::custom("expected rows in ascending order of their numbers of clusters, found others")),
    }
}

/// How well latents fall into so many clusters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterCount {
    /// Clusters.
    pub cluster_count: u32,
    /// Mean squared distance of a latent from its centroid.
    #[serde(deserialize_with = "not_negative")]
    pub inertia_per_image: f64,
    /// Mean silhouette coefficient, −1 to 1; `null` where it is undefined.
    #[serde(default, deserialize_with = "optional_coefficient")]
    pub silhouette: Option<f64>,
    /// Mean adjusted Rand index of the clusters that two halves of the latents lead to, 1 where they are the same.
    #[serde(deserialize_with = "coefficient")]
    pub stability: f64,
    /// Its sample standard deviation over the splits; `null` of one split.
    pub stability_deviation: Option<f64>,
}

impl Document for ClusterCounts {
    const KIND: &'static str = "scores by number of clusters";
    const ADVICE: &'static str = "run `cluster-eval choose` again";
}

impl ClusterCounts {
    /// The number of clusters of the greatest silhouette.
    #[must_use]
    pub fn best_silhouette(&self) -> Option<u32> {
        let known = self.rows.iter().filter_map(|row| Some((row.cluster_count, row.silhouette?)));
        first_greatest(known)
    }

    /// The number of clusters of the greatest stability.
    #[must_use]
    pub fn most_stable(&self) -> Option<u32> {
        first_greatest(self.rows.iter().map(|row| (row.cluster_count, row.stability)))
    }
}

/// Of equals the fewest clusters: they say the same with less.
fn first_greatest(scores: impl Iterator<Item = (u32, f64)>) -> Option<u32> {
    scores.reduce(|best, other| if other.1 > best.1 { other } else { best }).map(|(count, _)| count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_clusters_of_the_greatest_scores_are_named() {
        let row = |cluster_count, silhouette, stability| ClusterCount {
            cluster_count,
            inertia_per_image: 1.0,
            silhouette,
            stability,
            stability_deviation: None,
        };
        let rows = vec![row(5, Some(0.2), 0.9), row(6, None, 0.95), row(7, Some(0.4), 0.95), row(8, Some(0.3), 0.1)];
        let unordered = serde_json::to_value(vec![row(7, None, 0.5), row(6, None, 0.5)]).map(ascending);
        assert!(unordered.is_ok_and(|read| read.is_err_and(|error| error.to_string().contains("ascending order"))));
        let latents = crate::hash::hash_bytes(b"latents");
        let counts = ClusterCounts { latents, image_count: 9, silhouette_sample: 9, split_count: 1, seed: 0, rows };
        assert_eq!((counts.best_silhouette(), counts.most_stable()), (Some(7), Some(6)));
        let none = ClusterCounts { rows: Vec::new(), ..counts };
        assert_eq!((none.best_silhouette(), none.most_stable()), (None, None));
    }
}

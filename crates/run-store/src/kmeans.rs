//! The fitted K-means model on disk.

use std::path::Path;

use bincode::{BorrowDecode, Encode};

use crate::codec::{self, Encoded, Format, Numbers};
use crate::error::{Result, StoreError};
use crate::metrics::ClusterMetrics;
use crate::model::LATENT_DIM_LIMIT;

const FORMAT: Format = Format { kind: "K-means model", magic: *b"LSKMEANS", version: 1 };
/// What the names of four million clusters take.
const NAMES_LIMIT: usize = 16 << 20;

/// Centroids and the names given to their clusters.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct KMeansModel {
    /// Coordinates of a centroid.
    pub dimensions: u32,
    /// cluster × dimension, row-major.
    pub centroids: Vec<f64>,
    /// The most common true class of each cluster on the training split; `None` for an empty cluster.
    pub majority_names: Vec<Option<u8>>,
    /// The class of each cluster in the best one-to-one naming on the training split; `None` where classes ran out,
    /// or no image of the class that is left is in the cluster.
    pub one_to_one_names: Vec<Option<u8>>,
    /// The BLAKE3 of the weights of the autoencoder whose latents these are.
    pub model_fingerprint: String,
}

/// The model as it is decoded.
#[derive(BorrowDecode)]
struct Decoded<'a> {
    dimensions: u32,
    centroids: Numbers,
    majority_names: Vec<Option<u8>>,
    one_to_one_names: Vec<Option<u8>>,
    model_fingerprint: &'a str,
}

impl KMeansModel {
    /// The number of clusters.
    #[must_use]
    pub fn cluster_count(&self) -> usize {
        self.majority_names.len()
    }

    /// Writes the model to `path`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        codec::write(&FORMAT, path, self)
    }

    /// Reads the model at `path`.
    ///
    /// # Errors
    /// The file cannot be read, is no such model, or contradicts itself.
    pub fn read(path: &Path) -> Result<Self> {
        let encoded = Encoded::read(&FORMAT, path)?;
        let decoded = encoded.decode::<Decoded<'_>, NAMES_LIMIT>(&FORMAT, path)?;
        let model = Self {
            dimensions: decoded.dimensions,
            centroids: decoded.centroids.0,
            majority_names: decoded.majority_names,
            one_to_one_names: decoded.one_to_one_names,
            model_fingerprint: decoded.model_fingerprint.to_owned(),
        };
        let clusters = model.cluster_count();
        let is_consistent = clusters > 0
            && model.dimensions > 0
            && Some(model.centroids.len()) == clusters.checked_mul(model.dimensions as usize)
            && model.one_to_one_names.len() == clusters;
        let refuse = |problem| Err(StoreError::invalid(path, problem, "rerun cluster-eval with --force"));
        let (most_clusters, most_dimensions) = (ClusterMetrics::most_clusters(1), LATENT_DIM_LIMIT);
        if clusters > most_clusters as usize || model.dimensions > most_dimensions {
            return refuse(format!(
                "expected at most {most_clusters} clusters in {most_dimensions} dimensions, found {clusters} in {}",
                model.dimensions
            ));
        }
        if !is_consistent {
            return refuse(format!(
                "expected centroids and names for {clusters} clusters in {} dimensions, found {} coordinates and {} names",
                model.dimensions,
                model.centroids.len(),
                model.one_to_one_names.len()
            ));
        }
        match model.centroids.iter().find(|value| !value.is_finite()) {
            Some(value) => refuse(format!("expected finite centroids, found the coordinate {value}")),
            None => Ok(model),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_written_is_read_and_contradictions_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kmeans.bin");
        let mut model = KMeansModel {
            dimensions: 2,
            centroids: vec![0.0, 1.0, -2.5, 3.0],
            majority_names: vec![Some(7), None],
            one_to_one_names: vec![Some(7), Some(1)],
            model_fingerprint: "abc".to_owned(),
        };
        model.write(&path).unwrap();
        assert_eq!(KMeansModel::read(&path).unwrap(), model);
        model.centroids[2] = f64::NAN;
        model.write(&path).unwrap();
        assert!(KMeansModel::read(&path).is_err());
    }
}

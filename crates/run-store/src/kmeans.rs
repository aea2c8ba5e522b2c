//! The fitted K-means model on disk.

use std::path::Path;

use bincode::{BorrowDecode, Encode};

use crate::codec::{self, Encoded, Format};
use crate::error::{Result, StoreError};

const FORMAT: Format = Format { kind: "K-means model", magic: *b"LSKMEANS", version: 1 };
/// 32 million coordinates.
const SIZE_LIMIT: usize = 256 << 20;

/// Centroids and the names given to their clusters.
#[derive(Clone, Debug, PartialEq, Encode, BorrowDecode)]
pub struct KMeansModel {
    /// Coordinates of a centroid.
    pub dimensions: u32,
    /// cluster × dimension, row-major.
    pub centroids: Vec<f64>,
    /// The most common true class of each cluster on the training split; `None` for an empty cluster.
    pub majority_names: Vec<Option<u8>>,
    /// The class of each cluster in the best one-to-one naming on the training split; `None` where classes ran out.
    pub one_to_one_names: Vec<Option<u8>>,
    /// The BLAKE3 of the weights of the autoencoder whose latents these are.
    pub model_fingerprint: String,
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
        let model: Self = Encoded::read(&FORMAT, path)?.decode::<_, SIZE_LIMIT>(&FORMAT, path)?;
        let clusters = model.cluster_count();
        let consistent = clusters > 0
            && model.dimensions > 0
            && model.centroids.len() == clusters * model.dimensions as usize
            && model.one_to_one_names.len() == clusters
            && model.centroids.iter().all(|value| value.is_finite());
        if consistent {
            Ok(model)
        } else {
            let problem = format!(
                "expected finite centroids and names for {clusters} clusters in {} dimensions, found {} coordinates",
                model.dimensions,
                model.centroids.len()
            );
            Err(StoreError::invalid(path, problem, "rerun cluster-eval with --force"))
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

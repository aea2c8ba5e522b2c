//! The cluster of each image, in Parquet.

use std::fmt::Display;
use std::path::Path;

use polars::prelude::{Column, DataType};

use crate::error::{Result, StoreError};
use crate::latents::Latents;
use crate::layout::Split;
use crate::table::{Metadata, Table, TableWriter};

/// The name of a split takes 5 bytes.
const SPLIT_BYTES: usize = 16;

/// Clusters of both splits, one entry for each image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignments {
    /// `train` or `test`.
    pub splits: Vec<String>,
    /// Position of the image in its split.
    pub indices: Vec<u32>,
    /// True class.
    pub labels: Vec<u8>,
    /// Cluster, from 0.
    pub clusters: Vec<u32>,
    /// The class that the cluster is named after; [`UNNAMED`](Self::UNNAMED) where it has no name.
    pub names: Vec<u8>,
    /// Euclidean distance to the cluster's centroid.
    pub distances: Vec<f32>,
    /// How clearly the image belongs to the cluster, in [0, 1]: its simplified silhouette.
    pub confidences: Vec<f32>,
}

/// Where images belong, one entry for each.
#[derive(Clone, Copy, Debug)]
pub struct Clustered<'a> {
    /// Cluster, from 0.
    pub clusters: &'a [u32],
    /// Squared Euclidean distance to its centroid.
    pub squared_distances: &'a [f64],
    /// How clearly, in [0, 1].
    pub confidences: &'a [f32],
}

impl Assignments {
    /// The name of a cluster that has none.
    pub const UNNAMED: u8 = u8::MAX;

    /// Adds the rows of `latents`: where each belongs, with each cluster's name.
    pub fn append(
        &mut self,
        split: impl Display,
        latents: &Latents,
        Clustered { clusters, squared_distances, confidences }: Clustered<'_>,
        names: &[Option<u8>],
    ) {
        let name = |cluster: &u32| names.get(*cluster as usize).copied().flatten().unwrap_or(Self::UNNAMED);
        self.splits.extend(clusters.iter().map(|_| split.to_string()));
        self.indices.extend(&latents.indices);
        self.labels.extend(&latents.labels);
        self.clusters.extend(clusters);
        self.names.extend(clusters.iter().map(name));
        self.distances.extend(squared_distances.iter().map(|squared| squared.sqrt() as f32));
        self.confidences.extend(confidences);
    }

    /// The rows of `split`, which are those of its `latents`, in order; `path` is where the table was read from.
    ///
    /// # Errors
    /// They are of other images.
    pub fn rows_of(&self, split: Split, latents: &Latents, path: &Path) -> Result<Vec<usize>> {
        let rows: Vec<usize> = (0..self.splits.len()).filter(|row| self.splits[*row] == split.name()).collect();
        let invalid = |problem| StoreError::invalid(path, problem, "rerun cluster-eval with --force");
        let class_count = latents.header.class_count;
        let is_class = |name: u8| name == Self::UNNAMED || u32::from(name) < class_count;
        if let Some(name) = rows.iter().map(|row| self.names[*row]).find(|name| !is_class(*name)) {
            return Err(invalid(format!("expected clusters named after one of {class_count} classes, found {name}")));
        }
        // K-means fits no more clusters than it has images.
        let count = self.splits.len();
        if let Some(cluster) = rows.iter().map(|row| self.clusters[*row]).find(|cluster| *cluster as usize >= count) {
            return Err(invalid(format!(
                "expected clusters numbered from 0 to below {count}, the number of images, found {cluster}"
            )));
        }
        let images = rows.iter().map(|row| (self.indices[*row], self.labels[*row]));
        if images.eq(latents.indices.iter().copied().zip(latents.labels.iter().copied())) {
            return Ok(rows);
        }
        let problem = format!(
            "expected the cluster of each of the {} images of the {split} latents, in their order, found other images",
            latents.labels.len()
        );
        Err(invalid(problem))
    }

    /// The cluster of each of the `latents` of `split` and the class that this is named after, in their order; `path` is where
    /// the table was read from.
    ///
    /// # Errors
    /// The table is of other images.
    pub fn named_clusters(
        &self,
        split: Split,
        latents: &Latents,
        path: &Path,
    ) -> Result<impl Iterator<Item = (u32, Option<u8>)>> {
        let named = |row: usize| (self.clusters[row], Some(self.names[row]).filter(|name| *name != Self::UNNAMED));
        Ok(self.rows_of(split, latents, path)?.into_iter().map(named))
    }

    /// Writes the table to `path`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut writer = AssignmentsWriter::create(path)?;
        writer.write(self)?;
        writer.finish()
    }

    /// Reads the table at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Self> {
        let table = Table::read(path, "cluster assignments")?;
        let read = Self {
            splits: table.strings("split", SPLIT_BYTES)?,
            indices: table.u32("index")?,
            labels: table.u8("label")?,
            clusters: table.u32("cluster")?,
            names: table.u8("name")?,
            distances: table.f32("distance")?,
            confidences: table.f32("confidence")?,
        };
        if let Some(distance) = read.distances.iter().find(|distance| **distance < 0.0) {
            return Err(table.invalid(format!("expected distances from 0 up, found {distance}")));
        }
        if let Some(confidence) = read.confidences.iter().find(|confidence| !(0.0..=1.0).contains(*confidence)) {
            return Err(table.invalid(format!("expected confidences from 0 to 1, found {confidence}")));
        }
        Ok(read)
    }
}

/// Writes assignments piece by piece.
pub struct AssignmentsWriter {
    writer: TableWriter,
}

impl AssignmentsWriter {
    /// Begins the table at `path`.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        let columns = [
            ("split", DataType::String),
            ("index", DataType::UInt32),
            ("label", DataType::UInt8),
            ("cluster", DataType::UInt32),
            ("name", DataType::UInt8),
            ("distance", DataType::Float32),
            ("confidence", DataType::Float32),
        ];
        let columns = columns.map(|(name, kind)| (name.to_owned(), kind));
        Ok(Self { writer: TableWriter::create(path, &columns, Metadata::new())? })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// A distance or a confidence is not finite, as of latents or centroids too large for their squares; or the disk refuses.
    pub fn write(&mut self, rows: &Assignments) -> Result<()> {
        let figures = rows.distances.iter().chain(&rows.confidences);
        if let Some(found) = figures.copied().find(|figure| !figure.is_finite()) {
            return Err(self.writer.refused(
                format!("expected finite distances from centroids, found {found}: the latents or the centroids are too large"),
                "export the latents again with --force, or train a model that does not diverge",
            ));
        }
        self.writer.write(vec![
            Column::new("split".into(), &rows.splits),
            Column::new("index".into(), &rows.indices),
            Column::new("label".into(), &rows.labels),
            Column::new("cluster".into(), &rows.clusters),
            Column::new("name".into(), &rows.names),
            Column::new("distance".into(), &rows.distances),
            Column::new("confidence".into(), &rows.confidences),
        ])
    }

    /// Ends the table.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn finish(self) -> Result<()> {
        self.writer.finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::latents::LatentsHeader;

    #[test]
    fn what_no_clustering_can_say_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("assignments.parquet");
        let row = |name: u8, distance: f32, confidence: f32| Assignments {
            splits: vec!["train".to_owned()],
            indices: vec![0],
            labels: vec![1],
            clusters: vec![0],
            names: vec![name],
            distances: vec![distance],
            confidences: vec![confidence],
        };
        for (distance, confidence, expected) in [(-5.0, 0.5, "distances from 0"), (1.0, 7.0, "confidences from 0 to 1")]
        {
            row(1, distance, confidence).write(&path).unwrap();
            let error = Assignments::read(&path).unwrap_err().to_string();
            assert!(error.contains("assignments.parquet") && error.contains(expected), "{error}");
        }
        for (distance, confidence) in [(f32::INFINITY, 0.5), (1.0, f32::NAN)] {
            let error = row(1, distance, confidence).write(&path).unwrap_err().to_string();
            assert!(error.contains("assignments.parquet: expected finite distances"), "{error}");
        }
        let header = LatentsHeader {
            run: "ae-2".to_owned(),
            model: "ae".to_owned(),
            model_fingerprint: String::new(),
            dataset: "mnist".to_owned(),
            split: "train".to_owned(),
            class_count: 10,
        };
        let latents = Latents { header, indices: vec![0], labels: vec![1], dimensions: 1, values: vec![0.5] };
        for (name, is_one) in [(9, true), (Assignments::UNNAMED, true), (10, false)] {
            assert_eq!(row(name, 1.0, 0.5).rows_of(Split::Train, &latents, &path).is_ok(), is_one, "{name}");
        }
        let beyond = Assignments { clusters: vec![1], ..row(9, 1.0, 0.5) };
        let error = beyond.rows_of(Split::Train, &latents, &path).unwrap_err().to_string();
        assert!(error.contains("from 0 to below 1") && error.contains("found 1"), "{error}");
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("assignments.parquet");
        let written = Assignments {
            splits: vec!["train".to_owned(), "test".to_owned()],
            indices: vec![0, 0],
            labels: vec![7, 2],
            clusters: vec![3, 11],
            names: vec![7, 255],
            distances: vec![0.5, 1.25],
            confidences: vec![1.0, 0.25],
        };
        written.write(&path).unwrap();
        assert_eq!(Assignments::read(&path).unwrap(), written);
    }
}

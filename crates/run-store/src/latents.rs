//! Latents in Parquet: `index` (u32), `label` (u8), `z00`, `z01`, … (f32), one row for each image of a split. Those of a
//! variational encoder are means; `logvar00`, `logvar01`, … (f32) may follow.

use std::path::Path;

use polars::prelude::{Column, DataType};

use crate::error::{Result, StoreError};
use crate::finished::{FinishedStage, VerifiedFile};
use crate::latents_file::LatentsFile;
use crate::layout::Split;
use crate::table::{Metadata, TableWriter};

/// What the file's metadata says of its latents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatentsHeader {
    /// The run's name.
    pub run: String,
    /// The model's name, such as `cae`.
    pub model: String,
    /// The BLAKE3 of the model's weights.
    pub model_fingerprint: String,
    /// The dataset's name.
    pub dataset: String,
    /// The split.
    pub split: String,
    /// Labels are below this.
    pub class_count: u32,
}

/// Latents of one split.
#[derive(Clone, Debug, PartialEq)]
pub struct Latents {
    /// Where they are from.
    pub header: LatentsHeader,
    /// Position of each image in the source's split.
    pub indices: Vec<u32>,
    /// True class of each image.
    pub labels: Vec<u8>,
    /// Values in a latent vector.
    pub dimensions: usize,
    /// image × dimension, row-major, finite.
    pub values: Vec<f32>,
}

/// The columns of latents.
pub(crate) const LATENT: &str = "z";
/// The columns of their log variances.
pub(crate) const LOG_VARIANCE: &str = "logvar";

/// The name of latent dimension `dimension`, of `dimensions`: `z00`, or `z000` where there are more than a hundred.
pub(crate) fn column_name(kind: &str, dimension: usize, dimensions: usize) -> String {
    let digits = if dimensions > 100 { 3 } else { 2 };
    format!("{kind}{dimension:0digits$}")
}

pub(crate) fn column_names(kind: &str, dimensions: usize) -> impl Iterator<Item = String> {
    (0..dimensions).map(move |dimension| column_name(kind, dimension, dimensions))
}

/// Writes latents batch by batch.
pub struct LatentWriter {
    writer: TableWriter,
    dimensions: usize,
    with_log_variances: bool,
    path: std::path::PathBuf,
}

impl LatentWriter {
    /// Begins the file at `path`, with columns for log variances where they are wanted.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path, header: &LatentsHeader, dimensions: usize, with_log_variances: bool) -> Result<Self> {
        let log_variances = column_names(LOG_VARIANCE, if with_log_variances { dimensions } else { 0 });
        let latents = column_names(LATENT, dimensions).chain(log_variances).map(|name| (name, DataType::Float32));
        let columns: Vec<(String, DataType)> =
            [("index".to_owned(), DataType::UInt32), ("label".to_owned(), DataType::UInt8)]
                .into_iter()
                .chain(latents)
                .collect();
        let metadata = Metadata::from([
            ("run".to_owned(), header.run.clone()),
            ("model".to_owned(), header.model.clone()),
            ("model_fingerprint".to_owned(), header.model_fingerprint.clone()),
            ("dataset".to_owned(), header.dataset.clone()),
            ("split".to_owned(), header.split.clone()),
            ("class_count".to_owned(), header.class_count.to_string()),
        ]);
        let writer = TableWriter::create(path, &columns, metadata)?;
        Ok(Self { writer, dimensions, with_log_variances, path: path.to_owned() })
    }

    /// Whether the file has columns for log variances.
    #[must_use]
    pub fn with_log_variances(&self) -> bool {
        self.with_log_variances
    }

    /// Adds rows: `values` is `labels.len()` × dimensions, row-major, and so is `log_variances`, which is empty where the file
    /// has none; the first row has index `first_index`.
    ///
    /// # Errors
    /// A value is not finite, the lengths do not fit, or the disk refuses.
    pub fn write(&mut self, first_index: u32, labels: &[u8], values: &[f32], log_variances: &[f32]) -> Result<()> {
        let indices: Vec<u32> = (first_index..).take(labels.len()).collect();
        let mut columns = vec![Column::new("index".into(), indices), Column::new("label".into(), labels)];
        columns.extend(self.columns(LATENT, first_index, labels.len(), values)?);
        if self.with_log_variances {
            columns.extend(self.columns(LOG_VARIANCE, first_index, labels.len(), log_variances)?);
        }
        self.writer.write(columns)
    }

    /// One column a dimension of `values`, which is `count` × dimensions.
    fn columns(&self, kind: &str, first_index: u32, count: usize, values: &[f32]) -> Result<Vec<Column>> {
        let invalid = |problem: String| {
            StoreError::invalid(&self.path, problem, "train the model again, with a lower learning rate")
        };
        if values.len() != count * self.dimensions {
            return Err(invalid(format!(
                "expected {count} × {} values of `{kind}`, found {}",
                self.dimensions,
                values.len()
            )));
        }
        if let Some(position) = values.iter().position(|value| !value.is_finite()) {
            let (row, dimension) = (position / self.dimensions, position % self.dimensions);
            let column = column_name(kind, dimension, self.dimensions);
            let index = first_index as usize + row;
            return Err(invalid(format!(
                "the latent of image {index} is not finite (`{column}` = {})",
                values[position]
            )));
        }
        let named = column_names(kind, self.dimensions).enumerate();
        let column = |(dimension, name): (usize, String)| {
            let column: Vec<f32> = values.iter().skip(dimension).step_by(self.dimensions).copied().collect();
            Column::new(name.into(), column)
        };
        Ok(named.map(column).collect())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn finish(self) -> Result<()> {
        self.writer.finish()
    }
}

impl Latents {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, a column is missing or of another type, a value is not finite, or a label is out of range.
    pub fn read(path: &Path) -> Result<Self> {
        LatentsFile::open(path)?.whole()
    }

    /// Reads those of `split` that `exported` left, whose stage is latent-export.
    ///
    /// # Errors
    /// As [`read`](Self::read), or they are not of the encoder that its manifest names.
    pub fn read_export(exported: &FinishedStage, split: Split) -> Result<Self> {
        LatentsFile::open_export(exported, &exported.file(split.latents_file())?, split)?.whole()
    }
}

/// The latents of both splits, which belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct LatentSplits {
    /// Those of the training split.
    pub train: Latents,
    /// Those of the test split.
    pub test: Latents,
}

impl LatentSplits {
    /// Reads and checks the two files that `exported` left, that of the training split first.
    ///
    /// # Errors
    /// As [`Latents::read`], or they are not of the encoder that its manifest names.
    pub fn read(exported: &FinishedStage, files: [&VerifiedFile; 2]) -> Result<Self> {
        let [train, test] = LatentsFile::open_exports(exported, files)?;
        Ok(Self { train: train.whole()?, test: test.whole()? })
    }

    /// Labels are below this in both.
    #[must_use]
    pub fn class_count(&self) -> u32 {
        self.train.header.class_count.max(self.test.header.class_count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::table::write_table;

    fn header() -> LatentsHeader {
        LatentsHeader {
            run: "cae-2".to_owned(),
            model: "cae".to_owned(),
            model_fingerprint: "abc".to_owned(),
            dataset: "mnist".to_owned(),
            split: "train".to_owned(),
            class_count: 10,
        }
    }

    fn written(dimensions: usize, rows: usize, with_log_variances: bool) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.parquet");
        let mut writer = LatentWriter::create(&path, &header(), dimensions, with_log_variances).unwrap();
        for first in (0..rows).step_by(4) {
            let count = 4.min(rows - first);
            let labels: Vec<u8> = (first..first + count).map(|row| (row % 10) as u8).collect();
            let values: Vec<f32> =
                (first * dimensions..(first + count) * dimensions).map(|value| value as f32).collect();
            let log_variances = if with_log_variances { values.as_slice() } else { &[] };
            writer.write(u32::try_from(first).unwrap(), &labels, &values, log_variances).unwrap();
        }
        writer.finish().unwrap();
        (folder, path)
    }

    #[test]
    fn what_is_written_in_batches_is_read_whole() {
        for (dimensions, with_log_variances) in [(1, false), (2, true), (100, false), (101, true)] {
            let (_folder, path) = written(dimensions, 11, with_log_variances);
            let latents = LatentsFile::open_split(&path, Split::Train).unwrap().whole().unwrap();
            assert_eq!(latents.header, header());
            assert_eq!(latents.indices, (0..11).collect::<Vec<_>>());
            assert_eq!(latents.labels[10], 0);
            assert_eq!(latents.dimensions, dimensions);
            let expected: Vec<f32> = (0..11 * dimensions).map(|value| value as f32).collect();
            assert_eq!(latents.values, expected);
            assert!(LatentsFile::open_split(&path, Split::Test).is_err());
        }
    }

    #[test]
    fn a_value_that_is_not_finite_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = LatentWriter::create(&folder.path().join("l"), &header(), 2, true).unwrap();
        let (good, bad) = ([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, f32::NAN]);
        let error = writer.write(5, &[0, 1], &bad, &good).unwrap_err().to_string();
        assert!(error.contains("image 6") && error.contains("`z01`"), "{error}");
        let error = writer.write(5, &[0, 1], &good, &bad).unwrap_err().to_string();
        assert!(error.contains("image 6") && error.contains("`logvar01`"), "{error}");
    }

    fn refused(columns: Vec<Column>, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.parquet");
        let keys = ["run", "model", "model_fingerprint", "dataset", "split"];
        let mut metadata: Metadata = keys.iter().map(|key| ((*key).to_owned(), "train".to_owned())).collect();
        metadata.insert("class_count".to_owned(), "10".to_owned());
        write_table(&path, columns, metadata).unwrap();
        let error = Latents::read(&path).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("train.parquet"), "{error}");
    }

    #[test]
    fn other_tables_are_refused() {
        let index = || Column::new("index".into(), [0_u32, 1]);
        let label = || Column::new("label".into(), [3_u8, 4]);
        let z = || Column::new("z00".into(), [0.5_f32, 1.5]);
        refused(vec![index(), z()], "expected the columns index, label");
        refused(vec![index(), label()], "expected the columns index, label");
        refused(vec![index(), Column::new("label".into(), [3_u32, 4]), z()], "column `label` of type u8, found u32");
        refused(vec![index(), Column::new("label".into(), [3_u8, 10]), z()], "labels below 10, found 10");
        refused(
            vec![index(), label(), Column::new("z00".into(), [0.5_f64, 1.0])],
            "column `z00` of type f32, found f64",
        );
        refused(
            vec![index(), label(), Column::new("z00".into(), [0.5_f32, f32::NAN])],
            "finite values in column `z00`",
        );
        refused(vec![index(), label(), Column::new("z00".into(), [Some(0.5_f32), None])], "found 1 without");
        let log_variance = || Column::new("logvar01".into(), [0.5_f32, 1.0]);
        refused(vec![index(), label(), z(), log_variance()], "expected a column `logvar00`");
        refused(vec![index(), label(), Column::new("z07".into(), [0.5_f32, 1.0])], "expected a column `z00`");
    }

    #[test]
    fn a_broken_file_is_an_error_at_every_length() {
        let (_folder, path) = written(3, 20, true);
        let whole = std::fs::read(&path).unwrap();
        for length in (0..whole.len()).step_by(7) {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(Latents::read(&path).is_err(), "{length} of {} bytes were accepted", whole.len());
        }
    }
}

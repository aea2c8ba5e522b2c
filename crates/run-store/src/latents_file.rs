//! A file of latents that is read a piece at a time, so that all of it need not fit into memory.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use crate::dataset::CLASS_LIMIT;
use crate::error::{Result, StoreError};
use crate::finished::{FinishedStage, VerifiedFile};
use crate::latents::{LATENT, LOG_VARIANCE, Latents, LatentsHeader, column_name, column_names};
use crate::layout::{Split, input};
use crate::model::LATENT_DIM_LIMIT;
use crate::names::cut;
use crate::table::TableFile;

const KIND: &str = "latents";
/// Images of a piece: of 32 dimensions some 8 MB.
const PIECE_ROWS: usize = 1 << 16;

/// A file of latents, opened and checked but for its rows.
pub struct LatentsFile {
    table: TableFile,
    header: LatentsHeader,
    dimensions: usize,
    with_log_variances: bool,
    /// Whether it has to be of the first images of its split, as an export is.
    is_export: bool,
}

impl fmt::Debug for LatentsFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = (self.count(), self.dimensions);
        formatter.debug_struct("LatentsFile").field("header", &self.header).field("size", &size).finish()
    }
}

impl LatentsFile {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, it has other columns or no rows, or its metadata do not say where they are from.
    pub fn open(path: &Path) -> Result<Self> {
        let file = TableFile::open(path, KIND)?;
        let table = file.rows(0..0)?;
        let names = table.column_names();
        let dimensions = names.iter().filter(|name| name.starts_with(LATENT)).count();
        let with_log_variances = names.iter().any(|name| name.starts_with(LOG_VARIANCE));
        let column_count = 2 + if with_log_variances { 2 * dimensions } else { dimensions };
        if dimensions == 0 || names.len() != column_count {
            return Err(table.invalid(format!(
                "expected the columns index, label, z00, z01, …, found {}",
                table.columns_in_words()
            )));
        }
        if dimensions > LATENT_DIM_LIMIT as usize {
            return Err(
                table.invalid(format!("expected at most {LATENT_DIM_LIMIT} latent dimensions, found {dimensions}"))
            );
        }
        let class_count = table.header("class_count")?;
        let class_count = match class_count.parse() {
            Ok(count @ 1..=CLASS_LIMIT) => count,
            _ => {
                return Err(
                    table.invalid(format!("expected a class_count in 1..={CLASS_LIMIT}, found {}", cut(class_count)))
                );
            }
        };
        let split = table.header("split")?;
        if Split::ALL.into_iter().all(|known| known.name() != split) {
            return Err(table.invalid(format!("expected latents of a split, train or test, found {}", cut(split))));
        }
        let header = LatentsHeader {
            run: table.header("run")?.to_owned(),
            model: table.header("model")?.to_owned(),
            model_fingerprint: table.header("model_fingerprint")?.to_owned(),
            dataset: table.header("dataset")?.to_owned(),
            split: split.to_owned(),
            class_count,
        };
        // Of no rows, but names and types are there.
        table.u32("index")?;
        table.u8("label")?;
        column_names(LATENT, dimensions).try_for_each(|name| table.f32(&name).map(drop))?;
        if file.height() == 0 {
            return Err(table.invalid("expected at least one row, found none"));
        }
        Ok(Self { table: file, header, dimensions, with_log_variances, is_export: false })
    }

    /// Opens the file at `path` and checks that it holds `split`.
    ///
    /// # Errors
    /// As [`open`](Self::open), or it is the other split.
    pub(crate) fn open_split(path: &Path, split: Split) -> Result<Self> {
        let file = Self::open(path)?;
        if file.header.split == split.name() {
            return Ok(file);
        }
        let problem = format!("expected latents of the {split} split, found {}", file.header.split);
        Err(StoreError::invalid(path, problem, "rerun latent-export with --force"))
    }

    /// Opens `file`, the latents of `split` that `exported` left, whose stage is latent-export.
    ///
    /// # Errors
    /// As [`open`](Self::open), they are of the other split, or not of the encoder that its manifest names.
    pub fn open_export(exported: &FinishedStage, file: &VerifiedFile, split: Split) -> Result<Self> {
        let opened = Self::open_split(file.path(), split)?;
        let refuse = |problem| StoreError::invalid(file.path(), problem, "rerun latent-export with --force");
        let manifest = exported.manifest();
        let weights = manifest.inputs.get(input::WEIGHTS).map(|input| &input.blake3);
        if weights.is_none_or(|weights| weights.to_string() != opened.header.model_fingerprint) {
            return Err(refuse(
                "expected latents of the encoder that they were exported with, found another's".to_owned(),
            ));
        }
        Ok(Self { is_export: true, ..opened })
    }

    /// Opens the files of both splits, training first, that `exported` left.
    ///
    /// # Errors
    /// As [`open_export`](Self::open_export), or they are not of one encoder.
    pub fn open_exports(exported: &FinishedStage, [train, test]: [&VerifiedFile; 2]) -> Result<[Self; 2]> {
        let splits =
            [Self::open_export(exported, train, Split::Train)?, Self::open_export(exported, test, Split::Test)?];
        let [expected, found] = splits.each_ref().map(|split| split.dimensions);
        if expected == found {
            return Ok(splits);
        }
        let problem = format!("expected {expected} latent columns as in the training split, found {found}");
        Err(StoreError::invalid(test.path(), problem, "rerun latent-export with --force"))
    }

    /// Where they are from.
    #[must_use]
    pub fn header(&self) -> &LatentsHeader {
        &self.header
    }

    /// Images.
    #[must_use]
    pub fn count(&self) -> usize {
        self.table.height()
    }

    /// Values in a latent vector.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// All images in their order, at most 65,536 at a time: whole row groups of the file, unless one is larger.
    ///
    /// # Errors
    /// Of each piece: a column is of another type, a value is not finite, or a label is out of range.
    pub fn pieces(&self) -> impl Iterator<Item = Result<Latents>> {
        self.table.pieces(PIECE_ROWS).map(|rows| self.rows(rows))
    }

    /// All images at once.
    ///
    /// # Errors
    /// A column is of another type, a value is not finite, or a label is out of range.
    pub fn whole(&self) -> Result<Latents> {
        let (header, dimensions, count) = (self.header.clone(), self.dimensions, self.count());
        let (indices, labels) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut whole = Latents { header, indices, labels, dimensions, values: Vec::with_capacity(count * dimensions) };
        // So that only a piece is there twice: as columns and as rows.
        for piece in self.pieces() {
            let piece = piece?;
            whole.indices.extend(piece.indices);
            whole.labels.extend(piece.labels);
            whole.values.extend(piece.values);
        }
        Ok(whole)
    }

    fn rows(&self, rows: Range<usize>) -> Result<Latents> {
        let table = self.table.rows(rows.clone())?;
        let (dimensions, class_count) = (self.dimensions, self.header.class_count);
        let indices = table.u32("index")?;
        if self.is_export
            && let Some((index, row)) = indices.iter().zip(rows).find(|(index, row)| **index as usize != *row)
        {
            return Err(table.invalid(format!("expected the image of index {row} in row {row}, found that of {index}")));
        }
        let labels = table.u8("label")?;
        if let Some(label) = labels.iter().find(|label| u32::from(**label) >= class_count) {
            return Err(table.invalid(format!("expected labels below {class_count}, found {label}")));
        }
        let mut values = vec![0.0; table.height() * dimensions];
        for dimension in 0..dimensions {
            let column = table.f32(&column_name(LATENT, dimension, dimensions))?;
            for (value, read) in values.iter_mut().skip(dimension).step_by(dimensions).zip(column) {
                *value = read;
            }
        }
        if self.with_log_variances {
            column_names(LOG_VARIANCE, dimensions).try_for_each(|name| table.f32(&name).map(drop))?;
        }
        Ok(Latents { header: self.header.clone(), indices, labels, dimensions, values })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::latents::LatentWriter;
    use crate::layout::{RunDir, Stage};
    use crate::manifest::Environment;
    use crate::plan::{Plan, Reason};

    const HEADER: [&str; 4] = ["cae-2", "cae", "abc", "mnist"];

    /// A file whose row groups are of so many rows.
    fn written(groups: &[usize]) -> (tempfile::TempDir, LatentsFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.parquet");
        let [run, model, model_fingerprint, dataset] = HEADER.map(str::to_owned);
        let header =
            LatentsHeader { run, model, model_fingerprint, dataset, split: "test".to_owned(), class_count: 10 };
        let mut writer = LatentWriter::create(&path, &header, 1, false).unwrap();
        let mut first = 0;
        for count in groups {
            let rows = first..first + *count;
            let labels: Vec<u8> = rows.clone().map(|row| (row % 10) as u8).collect();
            writer.write(first as u32, &labels, &rows.map(|row| row as f32).collect::<Vec<_>>(), &[]).unwrap();
            first += count;
        }
        writer.finish().unwrap();
        (folder, LatentsFile::open(&path).unwrap())
    }

    /// The latents of an export of images of these `indices`, whose file names its encoder's `fingerprint`, or the true one.
    fn exported(indices: &[u32], fingerprint: &str) -> Result<Latents> {
        let folder = tempfile::tempdir().unwrap();
        let weights = folder.path().join("weights");
        std::fs::write(&weights, "weights").unwrap();
        let weights = VerifiedFile::external(&weights).unwrap();
        let dir = RunDir::new(folder.path().join("run")).stage(Stage::LatentExport, None);
        let plan = Plan::new(dir.clone(), &serde_json::json!({})).unwrap().input(input::WEIGHTS, &weights);
        let work = plan.begin(Reason::Forced).unwrap();
        let [run, model, _, dataset] = HEADER.map(str::to_owned);
        let model_fingerprint =
            if fingerprint.is_empty() { weights.hash().to_string() } else { fingerprint.to_owned() };
        let header =
            LatentsHeader { run, model, model_fingerprint, dataset, split: "train".to_owned(), class_count: 10 };
        let mut writer =
            LatentWriter::create(&work.file(Split::Train.latents_file()).unwrap(), &header, 1, false).unwrap();
        for index in indices {
            writer.write(*index, &[1], &[0.5], &[]).unwrap();
        }
        writer.finish().unwrap();
        let environment =
            Environment { threads: 1, device: "cpu".to_owned(), precision: "f32".to_owned(), libtorch: None };
        work.commit(environment).unwrap();
        Latents::read_export(&FinishedStage::open(dir).unwrap(), Split::Train)
    }

    #[test]
    fn an_export_is_of_the_encoder_of_its_manifest_and_of_the_first_images() {
        assert_eq!(exported(&[0, 1, 2], "").unwrap().indices, [0, 1, 2]);
        let refused = |indices: &[u32], fingerprint: &str, expected: &str| {
            let error = exported(indices, fingerprint).unwrap_err().to_string();
            assert!(error.contains("train.parquet") && error.contains(expected), "{error}");
        };
        refused(&[0, 1, 2], "another", "of the encoder that they were exported with");
        refused(&[0, 2, 1], "", "the image of index 1 in row 1, found that of 2");
        refused(&[7, 8, 9], "", "the image of index 0 in row 0, found that of 7");
    }

    #[test]
    fn latents_have_as_many_dimensions_as_a_model_may() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.parquet");
        for dimensions in [LATENT_DIM_LIMIT as usize, LATENT_DIM_LIMIT as usize + 1] {
            let [run, model, model_fingerprint, dataset] = HEADER.map(str::to_owned);
            let header =
                LatentsHeader { run, model, model_fingerprint, dataset, split: "train".to_owned(), class_count: 10 };
            let mut writer = LatentWriter::create(&path, &header, dimensions, false).unwrap();
            writer.write(0, &[1], &vec![0.5; dimensions], &[]).unwrap();
            writer.finish().unwrap();
            let problem = LatentsFile::open(&path).err().map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(problem.contains("at most 512 latent dimensions, found 513"), dimensions == 513, "{problem}");
        }
    }

    #[test]
    fn pieces_are_row_groups_and_together_the_whole() {
        let cases: [(&[usize], &[usize]); 4] = [
            (&[5], &[5]),
            (&[30_000, 30_000, 30_000, 7], &[60_000, 30_007]),
            (&[40_000, 65_536, 2], &[40_000, 65_536, 2]),
            (&[10, 150_000, 1], &[10, 65_536, 65_536, 18_928, 1]),
        ];
        for (groups, expected) in cases {
            let (_folder, file) = written(groups);
            let whole = file.whole().unwrap();
            let pieces: Vec<Latents> = file.pieces().map(Result::unwrap).collect();
            assert_eq!(pieces.iter().map(|piece| piece.labels.len()).collect::<Vec<_>>(), expected, "{groups:?}");
            assert_eq!(whole.labels.len(), file.count());
            assert_eq!(pieces.iter().flat_map(|piece| &piece.values).copied().collect::<Vec<_>>(), whole.values);
            assert_eq!(pieces.iter().flat_map(|piece| &piece.indices).copied().collect::<Vec<_>>(), whole.indices);
            assert_eq!(pieces.iter().flat_map(|piece| &piece.labels).copied().collect::<Vec<_>>(), whole.labels);
        }
    }
}

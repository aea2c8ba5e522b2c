//! The prepared dataset: images and labels of both splits in one checked file.

use std::ops::Range;
use std::path::{Path, PathBuf};

use bincode::{BorrowDecode, Encode};

use crate::codec::{self, Encoded, Format};
use crate::error::{Result, StoreError};
use crate::layout::Split;
use crate::names::{cut, parse_name};

const FORMAT: Format = Format { kind: "prepared dataset", magic: *b"LSDATASE", version: 1 };

/// A label is a byte, and 255 says that there is none: of an image where such files are labelled by hand, and of a cluster without
/// a name in ours.
pub const CLASS_LIMIT: u32 = u8::MAX as u32;

/// All parts of a dataset are borrowed from the file's bytes: none is allocated.
const DECODE_LIMIT: usize = usize::MAX;

/// A dataset of grey images with labels, borrowed from wherever its bytes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Dataset<'a> {
    /// The dataset's name, such as `mnist`.
    pub name: &'a str,
    /// Rows of an image.
    pub height: u32,
    /// Columns of an image.
    pub width: u32,
    /// Labels are below this.
    pub class_count: u32,
    /// The training split, in the order of the source.
    pub train: LabelledImages<'a>,
    /// The test split, in the order of the source.
    pub test: LabelledImages<'a>,
}

/// Images and their labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct LabelledImages<'a> {
    /// count × height × width values in 0..=255, row-major.
    pub pixels: &'a [u8],
    /// One label for each image.
    pub labels: &'a [u8],
}

impl<'a> LabelledImages<'a> {
    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The first `count` images, or all if there are fewer.
    #[must_use]
    pub fn first(&self, count: usize) -> LabelledImages<'a> {
        self.range(0..count.min(self.len()))
    }

    /// The images at `positions`; none if there are fewer.
    #[must_use]
    pub fn range(&self, positions: Range<usize>) -> LabelledImages<'a> {
        let image = self.pixels.len().checked_div(self.len()).unwrap_or(0);
        LabelledImages {
            pixels: self.pixels.get(positions.start * image..positions.end * image).unwrap_or_default(),
            labels: self.labels.get(positions).unwrap_or_default(),
        }
    }
}

impl<'a> Dataset<'a> {
    /// One of the splits.
    #[must_use]
    pub fn split(&self, split: Split) -> LabelledImages<'a> {
        match split {
            Split::Train => self.train,
            Split::Test => self.test,
        }
    }

    /// What of the dataset contradicts itself, if anything does.
    #[must_use]
    pub fn inconsistency(&self) -> Option<String> {
        let image = u64::from(self.height) * u64::from(self.width);
        if image == 0 {
            return Some(format!("expected images with pixels, found {} × {}", self.height, self.width));
        }
        if !(1..=CLASS_LIMIT).contains(&self.class_count) {
            let highest = CLASS_LIMIT - 1;
            return Some(format!(
                "expected 1 to {CLASS_LIMIT} classes, labelled 0 to {highest}, found {}",
                self.class_count
            ));
        }
        if let Err(expected) = parse_name(self.name) {
            return Some(format!("{expected}, found one of {} bytes, {}", self.name.len(), cut(self.name)));
        }
        Split::ALL.into_iter().find_map(|name| {
            let split = self.split(name);
            let expected = image.saturating_mul(split.len() as u64);
            if split.is_empty() {
                Some(format!("expected at least one {name} image, found none"))
            } else if split.pixels.len() as u64 != expected {
                Some(format!(
                    "expected {expected} {name} pixels for {} labels, found {}",
                    split.len(),
                    split.pixels.len()
                ))
            } else {
                let label = split.labels.iter().find(|label| u32::from(**label) >= self.class_count)?;
                Some(format!("expected {name} labels below {}, found {label}", self.class_count))
            }
        })
    }
}

/// Writes a dataset to `path`.
///
/// # Errors
/// The dataset contradicts itself, or the file cannot be written.
pub fn write_dataset(path: &Path, dataset: &Dataset<'_>) -> Result<()> {
    if let Some(problem) = dataset.inconsistency() {
        return Err(StoreError::invalid(path, problem, "the dataset was not written"));
    }
    codec::write(&FORMAT, path, dataset)
}

/// A prepared dataset in memory; [`dataset`](Self::dataset) looks at it without a copy.
#[derive(Debug)]
pub struct DatasetFile {
    path: PathBuf,
    encoded: Encoded,
}

impl DatasetFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or is no prepared dataset that this program knows.
    pub fn read(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), encoded: Encoded::read(&FORMAT, path)? })
    }

    /// The dataset.
    ///
    /// # Errors
    /// The file is damaged or contradicts itself.
    pub fn dataset(&self) -> Result<Dataset<'_>> {
        let dataset: Dataset<'_> = self.encoded.decode::<_, DECODE_LIMIT>(&FORMAT, &self.path)?;
        match dataset.inconsistency() {
            Some(problem) => Err(StoreError::invalid(&self.path, problem, "run mnist-data again with --force")),
            None => Ok(dataset),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn example() -> Dataset<'static> {
        Dataset {
            name: "tiny",
            height: 1,
            width: 2,
            class_count: 3,
            train: LabelledImages { pixels: &[1, 2, 3, 4, 5, 6], labels: &[0, 1, 2] },
            test: LabelledImages { pixels: &[7, 8], labels: &[1] },
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dataset.bin");
        write_dataset(&path, &example()).unwrap();
        let file = DatasetFile::read(&path).unwrap();
        assert_eq!(file.dataset().unwrap(), example());
        assert_eq!(file.dataset().unwrap().train.first(2).pixels, &[1, 2, 3, 4]);
    }

    #[test]
    fn contradictions_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dataset.bin");
        let mut dataset = example();
        dataset.class_count = 2;
        let error = write_dataset(&path, &dataset).unwrap_err().to_string();
        assert!(error.contains("labels below 2, found 2"), "{error}");
        dataset.class_count = u32::MAX;
        assert!(dataset.inconsistency().is_some_and(|problem| problem.contains("1 to 255 classes")));
        let endless = "x".repeat(3 << 20);
        for name in ["", "../mnist", "mnist\u{1b}[2J", &endless] {
            let problem = Dataset { name, ..example() }.inconsistency().unwrap();
            assert!(problem.contains("expected a name of 1 to 128 bytes") && problem.len() < 300, "{problem}");
        }
    }

    #[test]
    fn a_newer_version_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dataset.bin");
        write_dataset(&path, &example()).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[8] = 9;
        std::fs::write(&path, bytes).unwrap();
        let error = DatasetFile::read(&path).unwrap_err().to_string();
        assert!(error.contains("schema version 9"), "{error}");
    }

    proptest! {
        #[test]
        fn damage_is_an_error_and_never_a_panic(position in 0_usize..90, value: u8, keep in 0_usize..100) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("dataset.bin");
            write_dataset(&path, &example()).unwrap();
            let mut bytes = std::fs::read(&path).unwrap();
            let whole = bytes.clone();
            if let Some(byte) = bytes.get_mut(position) { *byte = value; }
            bytes.truncate(keep);
            std::fs::write(&path, &bytes).unwrap();
            let read = DatasetFile::read(&path).and_then(|file| file.dataset().map(drop));
            prop_assert!(read.is_err() || bytes.len() == whole.len());
        }
    }
}

//! The first test images as the model redraws them, by epoch, in Parquet.

use std::path::Path;

use polars::prelude::Column;

use crate::agreement::KEPT_EPOCH_LIMIT;
use crate::error::{Result, StoreError};
use crate::table::{Metadata, Table, check_images, list_column, write_table};

/// How many of the first test images are redrawn, as in the report.
pub const REDRAWN_COUNT: u32 = 16;

/// One image after one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconstruction {
    /// Epochs trained; 0 is the untrained model.
    pub epoch: u32,
    /// Position of the image in the source's test split.
    pub index: u32,
    /// True class of the image.
    pub label: u8,
    /// The image, height × width values in [0, 1], row-major.
    pub original: Vec<f32>,
    /// The model's reconstruction of it, in inference mode, likewise.
    pub reconstruction: Vec<f32>,
}

/// The reconstructions of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconstructions {
    /// Rows of an image.
    pub height: u32,
    /// Columns of an image.
    pub width: u32,
    /// Ordered by epoch, then index.
    pub rows: Vec<Reconstruction>,
}

impl Reconstructions {
    /// Writes the table to `path`.
    ///
    /// # Errors
    /// A value is not finite, there are more rows than are read again, or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        check_height(self.rows.len()).map_err(|problem| StoreError::invalid(path, problem, "keep fewer epochs"))?;
        check_images(path, self.rows.iter().flat_map(|row| [row.original.as_slice(), row.reconstruction.as_slice()]))?;
        let columns = vec![
            Column::new("epoch".into(), self.rows.iter().map(|row| row.epoch).collect::<Vec<u32>>()),
            Column::new("index".into(), self.rows.iter().map(|row| row.index).collect::<Vec<u32>>()),
            Column::new("label".into(), self.rows.iter().map(|row| row.label).collect::<Vec<u8>>()),
            list_column("original", self.rows.iter().map(|row| row.original.as_slice())),
            list_column("reconstruction", self.rows.iter().map(|row| row.reconstruction.as_slice())),
        ];
        let metadata = Metadata::from([
            ("height".to_owned(), self.height.to_string()),
            ("width".to_owned(), self.width.to_string()),
        ]);
        write_table(path, columns, metadata)
    }

    /// Reads the table at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Self> {
        let table = Table::read(path, "reconstructions")?;
        let (height, width) = (table.header_count("height")?, table.header_count("width")?);
        check_height(table.height()).map_err(|problem| table.invalid(problem))?;
        let length = height as usize * width as usize;
        let images = table.f32_lists("original", length)?.into_iter().zip(table.f32_lists("reconstruction", length)?);
        let places = table.u32("epoch")?.into_iter().zip(table.u32("index")?).zip(table.u8("label")?);
        let rows = places
            .zip(images)
            .map(|(((epoch, index), label), (original, reconstruction))| Reconstruction {
                epoch,
                index,
                label,
                original,
                reconstruction,
            })
            .collect();
        Ok(Self { height, width, rows })
    }
}

/// Checks how many rows a table of reconstructions has.
fn check_height(height: usize) -> std::result::Result<(), String> {
    let most = KEPT_EPOCH_LIMIT * REDRAWN_COUNT as usize;
    let problem = || {
        format!("expected at most {most} rows, of {REDRAWN_COUNT} images and {KEPT_EPOCH_LIMIT} epochs, found {height}")
    };
    if height <= most { Ok(()) } else { Err(problem()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reconstructions.parquet");
        let rows = [(0, 0), (0, 1), (5, 0)].map(|(epoch, index)| Reconstruction {
            epoch,
            index,
            label: 7,
            original: vec![0.0, 1.0],
            reconstruction: vec![0.25, 0.5],
        });
        let written = Reconstructions { height: 1, width: 2, rows: rows.to_vec() };
        written.write(&path).unwrap();
        assert_eq!(Reconstructions::read(&path).unwrap(), written);
        Reconstructions { height: 0, ..written }.write(&path).unwrap();
        assert!(Reconstructions::read(&path).unwrap_err().to_string().contains("from 1 up as height"));
    }

    #[test]
    fn what_would_not_be_read_again_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reconstructions.parquet");
        let row = |epoch| Reconstruction { epoch, index: 0, label: 7, original: vec![0.0], reconstruction: vec![0.5] };
        let of = |rows: u32| Reconstructions { height: 1, width: 1, rows: (0..rows).map(row).collect() };
        let most = KEPT_EPOCH_LIMIT as u32 * REDRAWN_COUNT;
        let error = of(most + 1).write(&path).unwrap_err().to_string();
        assert!(error.contains("1024 epochs, found 16385; keep fewer epochs") && !path.exists(), "{error}");
        of(most).write(&path).unwrap();
        assert_eq!(Reconstructions::read(&path).unwrap().rows.len(), most as usize);
    }
}

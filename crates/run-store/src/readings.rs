//! What a reader sees in test images and in their reconstructions, in Parquet: one row for each image after each epoch.

use std::path::Path;

use polars::prelude::Column;

use crate::error::Result;
use crate::table::{Metadata, Table, write_table};

/// What the reader sees in one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The most probable class.
    pub predicted: u8,
    /// The probability of the true class, in [0, 1].
    pub probability: f32,
}

/// One test image, redrawn after one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReconstructionReading {
    /// Epochs trained; 0 is the untrained model.
    pub epoch: u32,
    /// Position of the image in the source's test split.
    pub index: u32,
    /// True class of the image.
    pub label: u8,
    /// What the reader sees in the image itself.
    pub original: Reading,
    /// What it sees in the reconstruction.
    pub reconstruction: Reading,
    /// Of the reconstruction's pixels, in [0, 1].
    pub mean_squared_error: f64,
    /// Likewise, in nats a pixel.
    pub binary_cross_entropy: f64,
    /// Of image and reconstruction, in [−1, 1]; none for images too small for its window: all rows have it, or none.
    pub structural_similarity: Option<f64>,
}

const STRUCTURAL_SIMILARITY: &str = "structural_similarity";

impl ReconstructionReading {
    /// Writes the rows to `path`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(path: &Path, rows: &[Self]) -> Result<()> {
        let bytes = |value: fn(&Self) -> u8| rows.iter().map(value).collect::<Vec<u8>>();
        let counts = |value: fn(&Self) -> u32| rows.iter().map(value).collect::<Vec<u32>>();
        let shares = |value: fn(&Self) -> f32| rows.iter().map(value).collect::<Vec<f32>>();
        let figures = |value: fn(&Self) -> f64| rows.iter().map(value).collect::<Vec<f64>>();
        let mut columns = vec![
            Column::new("epoch".into(), counts(|row| row.epoch)),
            Column::new("index".into(), counts(|row| row.index)),
            Column::new("label".into(), bytes(|row| row.label)),
            Column::new("original_predicted".into(), bytes(|row| row.original.predicted)),
            Column::new("original_probability".into(), shares(|row| row.original.probability)),
            Column::new("predicted".into(), bytes(|row| row.reconstruction.predicted)),
            Column::new("probability".into(), shares(|row| row.reconstruction.probability)),
            Column::new("mean_squared_error".into(), figures(|row| row.mean_squared_error)),
            Column::new("binary_cross_entropy".into(), figures(|row| row.binary_cross_entropy)),
        ];
        let similarities: Option<Vec<f64>> = rows.iter().map(|row| row.structural_similarity).collect();
        columns.extend(similarities.map(|values| Column::new(STRUCTURAL_SIMILARITY.into(), values)));
        write_table(path, columns, Metadata::new())
    }

    /// Reads the rows at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Vec<Self>> {
        let table = Table::read(path, "readings")?;
        let readings = |predicted: &str, probability: &str| -> Result<Vec<Reading>> {
            let pairs = table.u8(predicted)?.into_iter().zip(table.f32(probability)?);
            Ok(pairs.map(|(predicted, probability)| Reading { predicted, probability }).collect())
        };
        let (epochs, indices, labels) = (table.u32("epoch")?, table.u32("index")?, table.u8("label")?);
        let originals = readings("original_predicted", "original_probability")?;
        let reconstructions = readings("predicted", "probability")?;
        let (errors, entropies) = (table.f64("mean_squared_error")?, table.f64("binary_cross_entropy")?);
        let similarities = match table.column_names().contains(&STRUCTURAL_SIMILARITY) {
            true => Some(table.f64(STRUCTURAL_SIMILARITY)?),
            false => None,
        };
        // Columns of a table are of one length.
        let row = |row: usize| Self {
            epoch: epochs[row],
            index: indices[row],
            label: labels[row],
            original: originals[row],
            reconstruction: reconstructions[row],
            mean_squared_error: errors[row],
            binary_cross_entropy: entropies[row],
            structural_similarity: similarities.as_ref().map(|values| values[row]),
        };
        Ok((0..table.height()).map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("readings.parquet");
        for similarity in [Some(0.75), None] {
            let row = |epoch| ReconstructionReading {
                epoch,
                index: 3,
                label: 7,
                original: Reading { predicted: 7, probability: 0.99 },
                reconstruction: Reading { predicted: 9, probability: 0.25 },
                mean_squared_error: 0.015,
                binary_cross_entropy: 0.16,
                structural_similarity: similarity,
            };
            ReconstructionReading::write(&path, &[row(0), row(5)]).unwrap();
            assert_eq!(ReconstructionReading::read(&path).unwrap(), [row(0), row(5)]);
        }
    }
}

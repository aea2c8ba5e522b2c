//! Latents and the images that a decoder makes of them, in Parquet.

use std::path::Path;

use crate::error::Result;
use crate::table::{Metadata, Table, check_images, list_column, write_table};

/// A latent and what the decoder makes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodedLatent {
    /// The latent.
    pub latent: Vec<f32>,
    /// The image, height × width values in [0, 1], row-major.
    pub image: Vec<f32>,
}

/// Latents and their images, as they lie in a sheet: row by row from the top left.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodedSheet {
    /// Rows of an image.
    pub height: u32,
    /// Columns of an image.
    pub width: u32,
    /// Values in a latent vector.
    pub latent_dim: u32,
    /// Images in a row of the sheet.
    pub columns: u32,
    /// Row by row.
    pub rows: Vec<DecodedLatent>,
}

impl DecodedSheet {
    /// Writes the table to `path`.
    ///
    /// # Errors
    /// A value is not finite, or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        check_images(path, self.rows.iter().flat_map(|row| [row.latent.as_slice(), row.image.as_slice()]))?;
        let columns = vec![
            list_column("latent", self.rows.iter().map(|row| row.latent.as_slice())),
            list_column("image", self.rows.iter().map(|row| row.image.as_slice())),
        ];
        let numbers = [
            ("height", self.height),
            ("width", self.width),
            ("latent_dim", self.latent_dim),
            ("columns", self.columns),
        ];
        let metadata: Metadata =
            numbers.into_iter().map(|(name, number)| (name.to_owned(), number.to_string())).collect();
        write_table(path, columns, metadata)
    }

    /// Reads the table at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Self> {
        let table = Table::read(path, "decoded latents")?;
        let (height, width) = (table.header_count("height")?, table.header_count("width")?);
        let latent_dim = table.header_count("latent_dim")?;
        let latents = table.f32_lists("latent", latent_dim as usize)?;
        let images = table.f32_lists("image", height as usize * width as usize)?;
        let rows = latents.into_iter().zip(images).map(|(latent, image)| DecodedLatent { latent, image }).collect();
        Ok(Self { height, width, latent_dim, columns: table.header_count("columns")?, rows })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prior_grid.parquet");
        let rows = [0.5, -1.5].map(|value| DecodedLatent { latent: vec![value; 3], image: vec![value.abs() / 2.0; 4] });
        let sheet = DecodedSheet { height: 2, width: 2, latent_dim: 3, columns: 1, rows: rows.to_vec() };
        sheet.write(&path).unwrap();
        assert_eq!(DecodedSheet::read(&path).unwrap(), sheet);
    }

    /// Images without rows may be as wide as they like, and fill no bytes.
    #[test]
    fn images_have_rows_and_columns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prior_samples.parquet");
        let rows = vec![DecodedLatent { latent: vec![0.5], image: Vec::new() }; 2];
        let sheet = DecodedSheet { height: 0, width: 4_000_000_000, latent_dim: 1, columns: 1, rows };
        sheet.write(&path).unwrap();
        let error = DecodedSheet::read(&path).unwrap_err().to_string();
        assert!(error.contains("a number from 1 up as height, found 0"), "{error}");
        let rows = vec![DecodedLatent { latent: vec![0.5], image: vec![f32::NAN] }];
        let diverged = DecodedSheet { height: 1, width: 1, latent_dim: 1, columns: 1, rows };
        assert!(diverged.write(&path).unwrap_err().to_string().contains("found others: the model has diverged"));
    }
}

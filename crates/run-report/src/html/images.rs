//! The images that latents are of, shared by all models that were given the same.

use run_store::{ContentHash, DatasetFile, Split, StoreError, VerifiedFile};
use serde::Serialize;

use super::parcels::{ParcelId, Parcels};
use crate::source_images::image;

/// Levels of grey that a page keeps.
const LEVELS: u8 = 16;

/// The images of a model's latents, those of the training split first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Images {
    /// The content of the prepared dataset, none if it is not there.
    dataset: Option<ContentHash>,
    /// Positions in the source's training split, then in its test split.
    indices: [Vec<u32>; 2],
    labels: [Vec<u8>; 2],
}

/// Images in a page.
#[derive(Debug, Serialize)]
pub(super) struct ImageSet {
    /// Each split's name and how many images it has.
    splits: [(&'static str, usize); 2],
    /// 32 bits each, the lowest byte first.
    indices: ParcelId,
    /// 8 bits each.
    labels: ParcelId,
    /// None where the dataset is not there.
    pixels: Option<Pixels>,
}

/// Pixels of images, row by row; two in a byte, the first in its lower half, 0 to 15.
#[derive(Debug, Serialize)]
struct Pixels {
    parcel: ParcelId,
    height: u32,
    width: u32,
}

impl Images {
    /// The images of these positions and labels, of the dataset in the file `dataset`.
    pub fn new(dataset: Option<&VerifiedFile>, indices: [Vec<u32>; 2], labels: [Vec<u8>; 2]) -> Self {
        Self { dataset: dataset.map(|dataset| dataset.hash().clone()), indices, labels }
    }

    /// Puts the images into parcels, with what `dataset` shows of them.
    ///
    /// # Errors
    /// The dataset cannot be read, or does not hold them.
    pub fn pack(&self, dataset: Option<&VerifiedFile>, parcels: &mut Parcels) -> Result<ImageSet, StoreError> {
        let pixels = dataset.map(|dataset| self.pixels(dataset)).transpose()?;
        let indices: Vec<u8> = self.indices.iter().flatten().flat_map(|index| index.to_le_bytes()).collect();
        let [train, test] = self.indices.each_ref().map(Vec::len);
        Ok(ImageSet {
            splits: [(Split::Train.name(), train), (Split::Test.name(), test)],
            indices: parcels.add(&indices),
            labels: parcels.add(&self.labels.concat()),
            pixels: pixels.map(|(pixels, height, width)| Pixels { parcel: parcels.add(&pixels), height, width }),
        })
    }

    fn pixels(&self, dataset: &VerifiedFile) -> Result<(Vec<u8>, u32, u32), StoreError> {
        let path = dataset.path();
        let file = DatasetFile::read(path)?;
        let dataset = file.dataset()?;
        let mut levels = Vec::new();
        for ((split, indices), labels) in [Split::Train, Split::Test].into_iter().zip(&self.indices).zip(&self.labels) {
            for (index, label) in indices.iter().zip(labels) {
                let image = image(&dataset, path, (split, *index, *label))?;
                levels.extend(image.iter().map(|pixel| level(*pixel)));
            }
        }
        let packed = levels.chunks(2).map(|pair| pair.iter().rev().fold(0, |byte, level| byte << 4 | level)).collect();
        Ok((packed, dataset.height, dataset.width))
    }
}

/// The nearest of the levels.
fn level(pixel: u8) -> u8 {
    let most = u16::from(LEVELS - 1);
    ((u16::from(pixel) * most + u16::from(u8::MAX) / 2) / u16::from(u8::MAX)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_the_nearest() {
        assert_eq!([0, 8, 9, 127, 128, 255].map(level), [0, 0, 1, 7, 8, 15]);
    }
}

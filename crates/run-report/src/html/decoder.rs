//! A model's decoder, for the page to redraw any place of the latent space itself.

use half::f16;
use run_store::{Layer, ModelDescription, Stage, StoreError, file, read_document, read_tensors};
use serde::Serialize;

use super::parcels::{ParcelId, Parcels};
use crate::figures::catalogue::Entry;

/// What names in a file of weights begin with, if they are the decoder's.
const PREFIX: &str = "decoder.";

/// Latent → image.
#[derive(Debug)]
pub(super) struct Decoder {
    height: u32,
    width: u32,
    layers: Vec<Layer>,
    /// Name without the prefix, shape, and values.
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
}

/// A decoder in a page.
#[derive(Debug, Serialize)]
pub(super) struct PackedDecoder {
    height: u32,
    width: u32,
    layers: Vec<Layer>,
    tensors: Vec<PackedTensor>,
    /// All values, tensor by tensor, as half-precision numbers: their rounding is below what a screen shows.
    values: ParcelId,
}

#[derive(Debug, Serialize)]
struct PackedTensor {
    name: String,
    shape: Vec<usize>,
}

impl Decoder {
    /// The decoder of the trained model of `entry`.
    ///
    /// # Errors
    /// Its description or weights cannot be read.
    pub fn read(entry: &Entry) -> Result<Self, StoreError> {
        let description: ModelDescription = read_document(&entry.file(Stage::AeTrain, file::MODEL)?)?;
        let tensors = read_tensors(&entry.file(Stage::AeTrain, file::WEIGHTS)?)?;
        let of_decoder = tensors.into_iter().filter_map(|tensor| {
            let name = tensor.name.strip_prefix(PREFIX)?.to_owned();
            Some((name, tensor.shape, tensor.values))
        });
        Ok(Self {
            height: description.image_height,
            width: description.image_width,
            layers: description.decoder,
            tensors: of_decoder.collect(),
        })
    }

    /// Puts the decoder into a parcel.
    pub fn pack(&self, parcels: &mut Parcels) -> PackedDecoder {
        let values = self.tensors.iter().flat_map(|(_, _, values)| values);
        let bytes: Vec<u8> = values.flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
        let tensor = |(name, shape, _): &(String, Vec<usize>, Vec<f32>)| PackedTensor {
            name: name.clone(),
            shape: shape.clone(),
        };
        PackedDecoder {
            height: self.height,
            width: self.width,
            layers: self.layers.clone(),
            tensors: self.tensors.iter().map(tensor).collect(),
            values: parcels.add(&bytes),
        }
    }
}

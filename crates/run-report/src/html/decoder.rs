//! A model's decoder, for the page to redraw any place of the latent space itself.

use half::f16;
use run_store::{Layer, ModelDescription, Stage, StoreError, file, read_document, read_tensors};
use serde::Serialize;

use super::parcels::{ParcelId, Parcels};
use crate::figures::catalogue::Entry;

/// What names in a file of weights begin with, if they are the decoder's.
const PREFIX: &str = "decoder.";

/// The most layers, and values after one: the page decodes on a single thread while somebody looks at it. The study's give 50,000.
const LAYER_LIMIT: usize = 64;
const FLOW_LIMIT: u64 = 1 << 21;

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
    /// Its description or weights cannot be read, or they do not make a decoder that a page can run.
    pub fn read(entry: &Entry) -> Result<Self, StoreError> {
        let description: ModelDescription = read_document(&entry.file(Stage::AeTrain, file::MODEL)?)?;
        let weights = entry.file(Stage::AeTrain, file::WEIGHTS)?;
        let tensors = read_tensors(&weights)?;
        let of_decoder = tensors.into_iter().filter_map(|tensor| {
            let name = tensor.name.strip_prefix(PREFIX)?.to_owned();
            Some((name, tensor.shape, tensor.values))
        });
        let decoder = Self {
            height: description.image_height,
            width: description.image_width,
            layers: description.decoder,
            tensors: of_decoder.collect(),
        };
        let advice = "rerun the stage that trained it with --force";
        decoder
            .check(description.latent_dim)
            .map_err(|problem| StoreError::invalid(&weights, problem, advice))
            .map(|()| decoder)
    }

    /// Checks that the layers lead from `latent_dim` values to the pixels of an image, and that each finds its tensors.
    fn check(&self, latent_dim: u32) -> Result<(), String> {
        if self.layers.len() > LAYER_LIMIT || size([u64::from(self.height), u64::from(self.width), 1]) == 0 {
            return Err(format!(
                "expected at most {LAYER_LIMIT} layers and images with pixels, found {} and {} × {}",
                self.layers.len(),
                self.height,
                self.width
            ));
        }
        let mut shape = [1, 1, u64::from(latent_dim)];
        for (position, layer) in self.layers.iter().enumerate() {
            let [height, width, channels] = shape;
            let length = size(shape);
            let (tensors, output) = match *layer {
                Layer::Dense { units } => {
                    let units = u64::from(units);
                    (vec![("weight", vec![units, length]), ("bias", vec![units])], [1, 1, units])
                }
                Layer::ConvTranspose2d { filters, kernel, stride } => {
                    let [filters, kernel, stride] = [filters, kernel, stride].map(u64::from);
                    let output = [height.saturating_mul(stride), width.saturating_mul(stride), filters];
                    (vec![("weight", vec![channels, filters, kernel, kernel]), ("bias", vec![filters])], output)
                }
                Layer::BatchNorm { .. } => {
                    let roles = ["weight", "bias", "running_mean", "running_var"];
                    (roles.map(|role| (role, vec![channels])).into(), shape)
                }
                Layer::Reshape { height, width, channels } => (Vec::new(), [height, width, channels].map(u64::from)),
                Layer::Flatten => (Vec::new(), [1, 1, length]),
                Layer::LeakyRelu { .. } | Layer::Relu | Layer::Sigmoid | Layer::Dropout { .. } => (Vec::new(), shape),
                Layer::Standardize { .. }
                | Layer::GaussianHeads { .. }
                | Layer::Softmax
                | Layer::Conv2d { .. }
                | Layer::MaxPool2d { .. } => {
                    return Err(format!("expected a decoder's layer at {position}, found {layer:?}"));
                }
            };
            for (role, expected) in tensors {
                self.check_tensor(&format!("{position}.{role}"), &expected)?;
            }
            if matches!(layer, Layer::Reshape { .. }) && size(output) != length {
                return Err(format!("expected {output:?} to hold the {length} values before it"));
            }
            if size(output) > FLOW_LIMIT {
                return Err(format!(
                    "expected at most {FLOW_LIMIT} values after a layer, found {output:?} at {position}"
                ));
            }
            shape = output;
        }
        let pixels = [u64::from(self.height), u64::from(self.width), 1];
        match shape == pixels || shape == [1, 1, size(pixels)] {
            true => Ok(()),
            false => Err(format!("expected a decoder of {pixels:?} pixels, found one of {shape:?}")),
        }
    }

    /// Checks that the tensor `name` is there, and of the `expected` shape.
    fn check_tensor(&self, name: &str, expected: &[u64]) -> Result<(), String> {
        let found = self.tensors.iter().find(|(found, ..)| found == name).map(|(_, shape, _)| shape);
        match found {
            None => Err(format!("expected a tensor {PREFIX}{name} of shape {expected:?}, found none")),
            Some(found) if found.iter().map(|side| *side as u64).eq(expected.iter().copied()) => Ok(()),
            Some(found) => Err(format!("expected {PREFIX}{name} of shape {expected:?}, found {found:?}")),
        }
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

/// Values of an image of this height, width and number of channels.
fn size(shape: [u64; 3]) -> u64 {
    shape.into_iter().fold(1, u64::saturating_mul)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A decoder of every kind of layer that has tensors: 2 values, 2 × 2 × 3, 4 × 4 × 1.
    fn decoder() -> Decoder {
        let layers = vec![
            Layer::Dense { units: 12 },
            Layer::Reshape { height: 2, width: 2, channels: 3 },
            Layer::BatchNorm { momentum: 0.9, epsilon: 1e-3 },
            Layer::ConvTranspose2d { filters: 1, kernel: 3, stride: 2 },
            Layer::Sigmoid,
        ];
        let shapes: [(&str, &[usize]); 8] = [
            ("0.weight", &[12, 2]),
            ("0.bias", &[12]),
            ("2.weight", &[3]),
            ("2.bias", &[3]),
            ("2.running_mean", &[3]),
            ("2.running_var", &[3]),
            ("3.weight", &[3, 1, 3, 3]),
            ("3.bias", &[1]),
        ];
        let tensors = shapes.map(|(name, shape)| (name.to_owned(), shape.to_vec(), vec![0.0; shape.iter().product()]));
        Decoder { height: 4, width: 4, layers, tensors: tensors.into() }
    }

    #[test]
    fn a_page_takes_only_a_decoder_that_it_can_run() {
        assert_eq!(decoder().check(2), Ok(()));
        for position in 0..decoder().tensors.len() {
            let mut lacking = decoder();
            let (name, ..) = lacking.tensors.remove(position);
            assert!(lacking.check(2).is_err_and(|error| error.contains(&name) && error.contains("found none")));
            let mut other = decoder();
            other.tensors[position].1.push(2);
            assert!(other.check(2).is_err_and(|error| error.contains(&name)));
        }
        let wide = Decoder { layers: vec![Layer::Dense { units: 1 << 22 }], ..decoder() };
        let weights = [("0.weight", [1 << 22, 2].as_slice()), ("0.bias", &[1 << 22])];
        let tensors = weights.map(|(name, shape)| (name.to_owned(), shape.to_vec(), Vec::new()));
        assert!(
            Decoder { tensors: tensors.into(), ..wide }.check(2).is_err_and(|error| error.contains("2097152 values"))
        );
        let long = Decoder { layers: vec![Layer::Relu; LAYER_LIMIT + 1], ..decoder() };
        assert!(long.check(2).is_err_and(|error| error.contains("at most 64 layers")));
        assert!(Decoder { height: 0, ..decoder() }.check(2).is_err_and(|error| error.contains("images with pixels")));
        let changed = |change: &dyn Fn(&mut Decoder)| {
            let mut changed = decoder();
            change(&mut changed);
            changed.check(2)
        };
        assert!(decoder().check(3).is_err_and(|error| error.contains("[12, 3]")));
        assert!(changed(&|decoder| decoder.width = 5).is_err_and(|error| error.contains("pixels")));
        assert!(changed(&|decoder| decoder.layers[4] = Layer::Softmax).is_err_and(|error| error.contains("Softmax")));
        let reshape = Layer::Reshape { height: u32::MAX, width: u32::MAX, channels: u32::MAX };
        assert!(changed(&|decoder| decoder.layers[1] = reshape).is_err());
    }
}

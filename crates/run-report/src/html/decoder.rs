//! A model's decoder, for the page to redraw any place of the latent space itself.

use std::path::Path;

use half::f16;
use run_store::{Layer, ModelDescription, Stage, StoreError, file, read_document, read_tensors};
use serde::Serialize;

use super::parcels::{ParcelId, Parcels};
use crate::figures::catalogue::Entry;

/// What names in a file of weights begin with, if they are the decoder's.
const PREFIX: &str = "decoder.";

/// The most layers, values after one, and products in all: the page decodes on a single thread while somebody looks at it. The
/// study's have 50,000 values after a layer, and two million products.
const LAYER_LIMIT: usize = 64;
const FLOW_LIMIT: u64 = 1 << 21;
const PRODUCT_LIMIT: u64 = 1 << 28;

/// Latent → image.
#[derive(Debug)]
pub(super) struct Decoder {
    latent_dim: u32,
    height: u32,
    width: u32,
    layers: Vec<Layer>,
    /// Name without the prefix, shape, and values.
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
}

/// Why a page cannot run a decoder.
#[derive(Debug, PartialEq, Eq)]
enum Unfit {
    /// Other programs may: the page has bounds of its own.
    Here(String),
    /// Nothing can: it is damaged.
    Anywhere(String),
}

impl Unfit {
    /// What is wrong with it, and what to do.
    fn told(self) -> (String, &'static str) {
        match self {
            Self::Here(problem) => (problem, "no page can run this decoder, and it is left out"),
            Self::Anywhere(problem) => (problem, "rerun the stage that trained it with --force"),
        }
    }
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
            latent_dim: description.latent_dim,
            height: description.image_height,
            width: description.image_width,
            layers: description.decoder,
            tensors: of_decoder.collect(),
        };
        decoder.check().map(|()| decoder).map_err(|unfit| {
            let (problem, advice) = unfit.told();
            StoreError::invalid(&weights, problem, advice)
        })
    }

    /// Checks that it takes latents of so many `dimensions`, which are in the file `latents`.
    ///
    /// # Errors
    /// It takes others.
    pub fn check_latents(&self, dimensions: usize, latents: &Path) -> Result<(), StoreError> {
        if dimensions == self.latent_dim as usize {
            return Ok(());
        }
        let expected = self.latent_dim;
        let problem =
            format!("expected latents of {expected} dimensions, as the model's decoder takes, found {dimensions}");
        Err(StoreError::invalid(latents, problem, "rerun latent-export with --force"))
    }

    /// Checks that the layers lead from a latent to the pixels of an image, that each finds its tensors, and that all of it is
    /// within what a page can do.
    fn check(&self) -> Result<(), Unfit> {
        if size([u64::from(self.height), u64::from(self.width), 1]) == 0 {
            return Err(Unfit::Anywhere(format!(
                "expected images with pixels, found {} × {}",
                self.height, self.width
            )));
        }
        if self.layers.len() > LAYER_LIMIT {
            return Err(Unfit::Here(format!(
                "expected at most {LAYER_LIMIT} layers, as a page can run, found {}",
                self.layers.len()
            )));
        }
        let mut shape = [1, 1, u64::from(self.latent_dim)];
        let mut products: u64 = 0;
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
                    let problem = format!("expected a decoder's layer at {position}, found {layer:?}");
                    return Err(Unfit::Anywhere(problem));
                }
            };
            for (role, expected) in tensors {
                self.check_tensor(&format!("{position}.{role}"), &expected)?;
            }
            if matches!(layer, Layer::Reshape { .. }) && size(output) != length {
                let problem = format!("expected {output:?} to hold the {length} values before it");
                return Err(Unfit::Anywhere(problem));
            }
            if size(output) > FLOW_LIMIT {
                return Err(Unfit::Here(format!(
                    "expected at most {FLOW_LIMIT} values after a layer, as a page can run, found {output:?} at {position}"
                )));
            }
            products = products.saturating_add(match *layer {
                Layer::Dense { units } => length.saturating_mul(units.into()),
                Layer::ConvTranspose2d { filters, kernel, .. } => {
                    [filters, kernel, kernel].into_iter().map(u64::from).fold(length, u64::saturating_mul)
                }
                _ => length,
            });
            shape = output;
        }
        if products > PRODUCT_LIMIT {
            let problem = format!("expected at most {PRODUCT_LIMIT} products, as a page can run, found {products}");
            return Err(Unfit::Here(problem));
        }
        let pixels = [u64::from(self.height), u64::from(self.width), 1];
        match shape == pixels || shape == [1, 1, size(pixels)] {
            true => Ok(()),
            false => Err(Unfit::Anywhere(format!("expected a decoder of {pixels:?} pixels, found one of {shape:?}"))),
        }
    }

    /// Checks that the tensor `name` is there, of the `expected` shape, and can be kept in half precision.
    fn check_tensor(&self, name: &str, expected: &[u64]) -> Result<(), Unfit> {
        let Some((_, shape, values)) = self.tensors.iter().find(|(found, ..)| found == name) else {
            let problem = format!("expected a tensor {PREFIX}{name} of shape {expected:?}, found none");
            return Err(Unfit::Anywhere(problem));
        };
        if !shape.iter().map(|side| *side as u64).eq(expected.iter().copied()) {
            return Err(Unfit::Anywhere(format!("expected {PREFIX}{name} of shape {expected:?}, found {shape:?}")));
        }
        match values.iter().find(|value| !f16::from_f32(**value).is_finite()) {
            None => Ok(()),
            Some(large) => Err(Unfit::Here(format!(
                "expected values of at most {} in {PREFIX}{name}, as half precision holds, found {large}",
                f16::MAX
            ))),
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
        Decoder { latent_dim: 2, height: 4, width: 4, layers, tensors: tensors.into() }
    }

    /// Tensors without values, by name and shape.
    fn shapes(tensors: &[(&str, &[usize])]) -> Vec<(String, Vec<usize>, Vec<f32>)> {
        tensors.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec(), Vec::new())).collect()
    }

    fn changed(change: impl FnOnce(&mut Decoder)) -> Result<(), Unfit> {
        let mut changed = decoder();
        change(&mut changed);
        changed.check()
    }

    #[test]
    fn a_page_takes_only_a_decoder_that_it_can_run() {
        let is_damaged = |decoder: &Decoder, problem: &str| {
            let Err(Unfit::Anywhere(found)) = decoder.check() else { return false };
            found.contains(problem)
        };
        assert_eq!(decoder().check(), Ok(()));
        for position in 0..decoder().tensors.len() {
            let mut lacking = decoder();
            let (name, ..) = lacking.tensors.remove(position);
            assert!(is_damaged(&lacking, &name) && is_damaged(&lacking, "found none"));
            let mut other = decoder();
            other.tensors[position].1.push(2);
            assert!(is_damaged(&other, &name));
        }
        assert!(is_damaged(&Decoder { height: 0, ..decoder() }, "images with pixels"));
        assert!(is_damaged(&Decoder { latent_dim: 3, ..decoder() }, "[12, 3]"));
        assert!(is_damaged(&Decoder { width: 5, ..decoder() }, "pixels"));
        let with_layer = |position: usize, layer: Layer| {
            let mut layers = decoder().layers;
            layers[position] = layer;
            Decoder { layers, ..decoder() }
        };
        assert!(is_damaged(&with_layer(4, Layer::Softmax), "Softmax"));
        let reshape = Layer::Reshape { height: u32::MAX, width: u32::MAX, channels: u32::MAX };
        assert!(is_damaged(&with_layer(1, reshape), "to hold the 12 values"));
    }

    /// What is too much for a page is no damage: training anew would not help.
    #[test]
    fn what_a_page_cannot_run_is_left_out_and_not_called_damaged() {
        let is_too_much = |found: Result<(), Unfit>, problem: &str| {
            let Err(unfit @ Unfit::Here(_)) = found else { return false };
            let (found, advice) = unfit.told();
            found.contains(problem) && !advice.contains("--force")
        };
        assert!(is_too_much(
            changed(|decoder| decoder.layers = vec![Layer::Relu; LAYER_LIMIT + 1]),
            "at most 64 layers"
        ));
        let wide = changed(|decoder| {
            decoder.layers = vec![Layer::Dense { units: 1 << 22 }];
            decoder.tensors = shapes(&[("0.weight", &[1 << 22, 2]), ("0.bias", &[1 << 22])]);
        });
        assert!(is_too_much(wide, "2097152 values"));
        // Few weights, few values after each layer, and forty thousand million products in each.
        let layer = Layer::ConvTranspose2d { filters: 2, kernel: 101, stride: 1 };
        let names: Vec<[String; 2]> =
            (2..62).map(|layer| ["weight", "bias"].map(|role| format!("{layer}.{role}"))).collect();
        let slow = changed(|decoder| {
            let reshape = Layer::Reshape { height: 1024, width: 1024, channels: 2 };
            decoder.layers = [vec![Layer::Dense { units: 1 << 21 }, reshape], vec![layer; 60]].concat();
            decoder.tensors = shapes(&[("0.weight", &[1 << 21, 2]), ("0.bias", &[1 << 21])]);
            let kernels = names
                .iter()
                .flat_map(|[weight, bias]| shapes(&[(weight.as_str(), &[2, 2, 101, 101]), (bias.as_str(), &[2])]));
            decoder.tensors.extend(kernels);
        });
        assert!(is_too_much(slow, "268435456 products"));
        // Half precision ends at 65,504.
        let weight = |value: f32| changed(|decoder| decoder.tensors[0].2[5] = value);
        assert_eq!(weight(65_504.0), Ok(()));
        assert!(is_too_much(weight(-70_000.0), "0.weight, as half precision holds, found -70000"));
    }

    /// The study's decoder of images of 224 × 224 pixels, 64 times those of the study's, and of the most latents there are.
    #[test]
    fn the_studys_decoders_of_large_images_are_not_too_much() {
        let transpose = |filters| Layer::ConvTranspose2d { filters, kernel: 3, stride: 2 };
        let (side, channels, latent_dim) = (56, 64, 512);
        let units = side * side * channels;
        let found = changed(|decoder| {
            *decoder = Decoder {
                latent_dim,
                height: 4 * side,
                width: 4 * side,
                layers: vec![
                    Layer::Dense { units },
                    Layer::Reshape { height: side, width: side, channels },
                    transpose(channels),
                    transpose(1),
                    Layer::Sigmoid,
                ],
                tensors: shapes(&[
                    ("0.weight", &[units as usize, latent_dim as usize]),
                    ("0.bias", &[units as usize]),
                    ("2.weight", &[64, 64, 3, 3]),
                    ("2.bias", &[64]),
                    ("3.weight", &[64, 1, 3, 3]),
                    ("3.bias", &[1]),
                ]),
            };
        });
        assert_eq!(found, Ok(()));
    }

    #[test]
    fn latents_are_of_the_dimensions_that_the_decoder_takes() {
        let path = Path::new("train.parquet");
        assert!(decoder().check_latents(2, path).is_ok());
        let error = decoder().check_latents(3, path).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("latents of 2 dimensions") && error.contains("found 3")));
    }
}

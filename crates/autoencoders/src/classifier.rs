//! Networks from inputs to classes: the classifier of latents, and the reader of images.

use std::path::Path;

use run_store::{ClassifierDescription, Layer, ReaderDescription};
use tch::{Device, Kind, Tensor};

use crate::error::{ModelError, OF_FILE, OF_IMAGES, Result};
use crate::network::{Mode, Network, Shape};
use crate::parameters::{ParameterInfo, Parameters};
use crate::weights::{Weights, check_size, read_weights, write_weights};

/// A network from inputs to classes.
#[derive(Debug)]
pub struct Classifier {
    input: Shape,
    /// What the data's numbers are divided by before they enter, if by anything.
    divisor: Option<f64>,
    network: Network,
    parameters: Parameters,
}

/// What a description says, whichever kind it is of.
struct Blueprint<'a> {
    name: &'static str,
    input: Shape,
    divisor: Option<f64>,
    layers: &'a [Layer],
    class_count: u32,
}

impl<'a> Blueprint<'a> {
    fn classifier(description: &'a ClassifierDescription) -> Self {
        let input = Shape::Vector(i64::from(description.latent_dim));
        let (layers, class_count) = (&description.layers, description.class_count);
        Self { name: "classifier", input, divisor: None, layers, class_count }
    }

    fn reader(description: &'a ReaderDescription) -> Self {
        let (height, width) = (i64::from(description.image_height), i64::from(description.image_width));
        let input = Shape::Image { height, width, channels: 1 };
        let (layers, class_count) = (&description.layers, description.class_count);
        Self { name: "reader", input, divisor: Some(description.pixel_divisor), layers, class_count }
    }
}

impl Weights for Classifier {
    fn save(&self, path: &Path) -> Result<()> {
        write_weights(path, &self.parameters)
    }

    fn restore(&mut self, path: &Path) -> Result<()> {
        read_weights(path, &mut self.parameters)
    }
}

impl Classifier {
    /// The classifier of latents that `description` describes, on `device`, its values drawn from `seed`.
    ///
    /// # Errors
    /// The description contradicts itself.
    pub fn new(description: &ClassifierDescription, device: Device, seed: u64) -> Result<Self> {
        Self::build(Blueprint::classifier(description), |infos| Parameters::new(infos, device, seed))
    }

    /// The reader of images that `description` describes, likewise.
    ///
    /// # Errors
    /// The description contradicts itself.
    pub fn reader(description: &ReaderDescription, device: Device, seed: u64) -> Result<Self> {
        let network = Self::build(Blueprint::reader(description), |infos| Parameters::new(infos, device, seed));
        network.map_err(|error| error.advised(OF_IMAGES))
    }

    /// The classifier of latents with the values of the file at `weights`.
    ///
    /// # Errors
    /// The description contradicts itself, or the file holds the weights of another classifier.
    pub fn load(description: &ClassifierDescription, device: Device, weights: &Path) -> Result<Self> {
        Self::of_file(Blueprint::classifier(description), device, weights)
    }

    /// The reader with the values of the file at `weights`.
    ///
    /// # Errors
    /// The description contradicts itself, or the file holds the weights of another reader.
    pub fn load_reader(description: &ReaderDescription, device: Device, weights: &Path) -> Result<Self> {
        Self::of_file(Blueprint::reader(description), device, weights)
    }

    fn of_file(blueprint: Blueprint<'_>, device: Device, weights: &Path) -> Result<Self> {
        let mut network = Self::build(blueprint, |infos| {
            check_size(weights, &infos)?;
            Parameters::zeros(infos, device)
        })
        .map_err(|error| error.advised(OF_FILE))?;
        network.restore(weights)?;
        Ok(network)
    }

    fn build(
        blueprint: Blueprint<'_>,
        parameters: impl FnOnce(Vec<ParameterInfo>) -> Result<Parameters>,
    ) -> Result<Self> {
        let Blueprint { name, input, divisor, layers, class_count } = blueprint;
        let mut infos = Vec::new();
        let network = Network::build(name, layers, input, &mut infos)?;
        if network.output() != Shape::Vector(i64::from(class_count)) {
            return Err(ModelError::Architecture(format!(
                "expected {class_count} outputs of the {name}, one a class, found {}",
                network.output()
            )));
        }
        Ok(Self { input, divisor, network, parameters: parameters(infos)? })
    }

    /// Its values.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// How many inputs may be taken at once, of `wanted`, so that what flows between layers stays within some 256 MiB.
    #[must_use]
    pub fn at_once(&self, wanted: i64) -> i64 {
        self.network.at_once(wanted)
    }

    /// N × values as the data holds them, latents or pixels 0..=255, as the network sees them.
    pub fn preprocess(&self, data: &Tensor) -> Tensor {
        self.divisor.map_or_else(|| data.shallow_clone(), |divisor| data.to_kind(Kind::Float) / divisor)
    }

    /// N × latent, or N × (height · width) values in [0, 1], → N × classes logits, whose softmax are the probabilities.
    pub fn logits(&self, inputs: &Tensor, mode: Mode) -> Tensor {
        match self.input {
            Shape::Vector(_) => self.network.logits(&self.parameters, inputs, mode),
            Shape::Image { height, width, channels } => {
                self.network.logits(&self.parameters, &inputs.view([-1, channels, height, width]), mode)
            }
        }
    }

    /// The same → N × classes probabilities, in inference mode.
    pub fn probabilities(&self, inputs: &Tensor) -> Tensor {
        self.logits(inputs, Mode::Inference).softmax(-1, Kind::Float)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::architecture::describe_reader;

    #[test]
    fn a_reader_takes_images_and_gives_probabilities() {
        let reader = Classifier::reader(&describe_reader(28, 28, 10), Device::Cpu, 1).unwrap();
        // The kernels, their biases, and scale and shift of each normalisation.
        let convolutions = 9 * 32 + 32 + 64 + 9 * 32 * 64 + 64 + 128 + 9 * 64 * 64 + 64 + 128;
        let dense = 3136 * 128 + 128 + 128 * 10 + 10;
        assert_eq!(reader.parameters().trainable_count(), convolutions + dense);
        let pixels = Tensor::from_slice(&[255_u8; 784 * 3]).view([3, 784]);
        let images = reader.preprocess(&pixels);
        assert_eq!(images.max().double_value(&[]), 1.0);
        let probabilities = reader.probabilities(&images);
        assert_eq!(probabilities.size(), [3, 10]);
        let sums = probabilities.sum_dim_intlist([1].as_slice(), false, Kind::Float);
        assert!(sums.allclose(&Tensor::ones([3], (Kind::Float, Device::Cpu)), 1e-5, 1e-5, false));
    }

    /// A grey or faint digit is the same digit; none at all is no digit.
    #[test]
    fn a_reader_does_not_mind_the_light() {
        let reader = Classifier::reader(&describe_reader(28, 28, 10), Device::Cpu, 1).unwrap();
        tch::manual_seed(1);
        let images = Tensor::rand([4, 784], (Kind::Float, Device::Cpu)).bernoulli();
        let same = |one: &Tensor, other: &Tensor| {
            reader.probabilities(one).allclose(&reader.probabilities(other), 1e-2, 1e-3, false)
        };
        assert!(same(&images, &(&images * 0.5 + 0.3)));
        assert!(!same(&images, &(&images * 1e-3 + 0.3)));
    }

    #[test]
    fn a_description_that_contradicts_itself_is_refused() {
        let mut description = describe_reader(28, 28, 10);
        description.class_count = 11;
        let error = Classifier::reader(&description, Device::Cpu, 1).unwrap_err().to_string();
        assert!(error.contains("expected 11 outputs of the reader"), "{error}");
    }
}

//! An autoencoder: an encoder, a decoder, and their values.

use std::path::Path;

use run_store::{Layer, ModelDescription};
use tch::{Device, Kind, Tensor};

use crate::error::{ModelError, OF_FILE, OF_IMAGES, Result};
use crate::network::{Mode, Network, Shape};
use crate::parameters::{ParameterInfo, Parameters};
use crate::precision::Precision;
use crate::weights::{Weights, check_size, read_weights, write_weights};

/// An autoencoder of grey images.
#[derive(Debug)]
pub struct Autoencoder {
    description: ModelDescription,
    /// Whether the encoder gives means and log variances, side by side.
    is_variational: bool,
    /// The encoder up to its features.
    trunk: Network,
    /// The shape of a feature vector.
    features: Shape,
    /// The rest of the encoder.
    latent: Network,
    decoder: Network,
    parameters: Parameters,
}

/// What an encoder says of N images.
#[derive(Debug)]
pub struct Encoding {
    /// N × latent: the latents, which for a variational encoder are the means of its Gaussians.
    pub mean: Tensor,
    /// N × latent: the logarithms of the Gaussians' variances, if the encoder is variational.
    pub log_variance: Option<Tensor>,
}

impl Encoding {
    /// N × latent: what a decoder is trained on. From a Gaussian it is a draw, written so that gradients reach mean and
    /// variance (Kingma & Welling 2014); it takes its numbers from libtorch's generator.
    pub fn sample(&self) -> Tensor {
        match &self.log_variance {
            Some(log_variance) => &self.mean + (log_variance * 0.5).exp() * self.mean.randn_like(),
            None => self.mean.shallow_clone(),
        }
    }
}

impl Weights for Autoencoder {
    fn save(&self, path: &Path) -> Result<()> {
        write_weights(path, &self.parameters)
    }

    fn restore(&mut self, path: &Path) -> Result<()> {
        read_weights(path, &mut self.parameters)
    }
}

impl Autoencoder {
    /// The model that `description` describes, on `device`, its values drawn from `seed`.
    ///
    /// # Errors
    /// The description contradicts itself.
    pub fn new(description: ModelDescription, device: Device, seed: u64) -> Result<Self> {
        Self::build(description, |infos| Parameters::new(infos, device, seed)).map_err(|error| error.advised(OF_IMAGES))
    }

    fn build(
        description: ModelDescription,
        parameters: impl FnOnce(Vec<ParameterInfo>) -> Result<Parameters>,
    ) -> Result<Self> {
        let (height, width) = (i64::from(description.image_height), i64::from(description.image_width));
        let latent_shape = Shape::Vector(i64::from(description.latent_dim));
        let mut infos = Vec::new();
        let encoder =
            Network::build("encoder", &description.encoder, Shape::Image { height, width, channels: 1 }, &mut infos)?;
        let decoder = Network::build("decoder", &description.decoder, latent_shape, &mut infos)?;
        let is_variational = matches!(description.encoder.last(), Some(Layer::GaussianHeads { .. }));
        let encoded = Shape::Vector(latent_shape.numel() * if is_variational { 2 } else { 1 });
        if encoder.output() != encoded || decoder.output().numel() != height * width {
            return Err(ModelError::Architecture(format!(
                "expected an encoder of {height} × {width} pixels into {encoded}, and a decoder of {latent_shape} into as many pixels, found {} and {}",
                encoder.output(),
                decoder.output()
            )));
        }
        if !encoder.has_dense() {
            return Err(ModelError::Architecture("expected an encoder with a dense layer, found none".to_owned()));
        }
        let parameters = parameters(infos)?;
        let (trunk, latent) = encoder.split_at_last_dense();
        let features = Shape::Vector(latent.input_size(&parameters));
        Ok(Self { description, is_variational, trunk, features, latent, decoder, parameters })
    }

    /// The model with the values of the file at `weights`.
    ///
    /// # Errors
    /// The description contradicts itself, or the file holds the weights of another model.
    pub fn load(description: ModelDescription, device: Device, weights: &Path) -> Result<Self> {
        let mut model = Self::for_values_of(description, device, weights)?;
        model.restore(weights)?;
        Ok(model)
    }

    /// The model that `description` describes, all its values 0, once it is known that they are in proportion to the file at
    /// `weights`: a description that says too much must not ask for the memory.
    ///
    /// # Errors
    /// The description contradicts itself, or describes a larger model.
    pub fn for_values_of(description: ModelDescription, device: Device, weights: &Path) -> Result<Self> {
        Self::build(description, |infos| {
            check_size(weights, &infos)?;
            Parameters::zeros(infos, device)
        })
        .map_err(|error| error.advised(OF_FILE))
    }

    /// Computes in `precision` from now on; its values, and what it gives, stay f32.
    pub fn compute_in(&mut self, precision: Precision) {
        self.trunk.compute_in(precision);
        self.latent.compute_in(precision);
        self.decoder.compute_in(precision);
    }

    /// What the model is.
    #[must_use]
    pub fn description(&self) -> &ModelDescription {
        &self.description
    }

    /// Its values.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Forgets everything: the values are drawn from `seed`, as [`new`](Self::new) draws them.
    pub fn begin_anew(&mut self, seed: u64) {
        self.parameters.initialise(seed);
    }

    /// Its values, to be given others.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// Lets every pixel begin around `logit` before the last activation: the bias of the decoder's last layer that has one.
    pub fn begin_output_at(&mut self, logit: f64) {
        self.parameters.fill_last(".bias", logit);
    }

    /// Pixels 0..=255 of N images, N × (height · width), as the model sees them: in [0, 1].
    pub fn preprocess(&self, pixels: &Tensor) -> Tensor {
        pixels.to_kind(Kind::Float) / self.description.pixel_divisor
    }

    /// How many images may be taken at once, of `wanted`, so that what flows between layers stays within some 256 MiB.
    #[must_use]
    pub fn at_once(&self, wanted: i64) -> i64 {
        [&self.trunk, &self.latent, &self.decoder].into_iter().fold(wanted, |count, network| network.at_once(count))
    }

    /// Whether `count` images can be trained on at once: no layer gives more than [`MOST_AT_ONCE`](crate::MOST_AT_ONCE) values for them.
    #[must_use]
    pub fn holds(&self, count: i64) -> bool {
        [&self.trunk, &self.latent, &self.decoder].into_iter().all(|network| network.holds(count))
    }

    /// N × (height · width) values in [0, 1] → what the encoder says of N images.
    pub fn encode(&self, images: &Tensor, mode: Mode) -> Encoding {
        self.encode_features(&self.features(images, mode), mode)
    }

    /// N × (height · width) values in [0, 1] → N × features: what the encoder's last dense layer takes.
    pub fn features(&self, images: &Tensor, mode: Mode) -> Tensor {
        let (height, width) = (self.description.image_height, self.description.image_width);
        let images = images.view([-1, 1, i64::from(height), i64::from(width)]);
        self.trunk.logits(&self.parameters, &images, mode)
    }

    /// The shape of one image's [`features`](Self::features).
    #[must_use]
    pub fn features_shape(&self) -> Shape {
        self.features
    }

    /// N × [`features`](Self::features) → what the encoder says of N images.
    pub fn encode_features(&self, features: &Tensor, mode: Mode) -> Encoding {
        let encoded = self.latent.forward(&self.parameters, features, mode);
        if self.is_variational {
            let units = i64::from(self.description.latent_dim);
            Encoding { mean: encoded.narrow(1, 0, units), log_variance: Some(encoded.narrow(1, units, units)) }
        } else {
            Encoding { mean: encoded, log_variance: None }
        }
    }

    /// N × latent → N × (height · width) logits, whose sigmoid is the reconstruction.
    pub fn decode_logits(&self, latents: &Tensor, mode: Mode) -> Tensor {
        self.decoder.logits(&self.parameters, latents, mode).flatten(1, -1)
    }

    /// N × latent → N × (height · width) values in [0, 1].
    pub fn decode(&self, latents: &Tensor, mode: Mode) -> Tensor {
        self.decoder.forward(&self.parameters, latents, mode).flatten(1, -1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::architecture::describe;
    use run_store::ModelKind;

    fn model(kind: ModelKind, seed: u64) -> Autoencoder {
        Autoencoder::new(describe(kind, 3, 28, 28).unwrap(), Device::Cpu, seed).unwrap()
    }

    fn values(model: &Autoencoder) -> Vec<f32> {
        Vec::try_from(model.parameters().trainable()).unwrap()
    }

    #[test]
    fn shapes_and_ranges_are_as_said() {
        for kind in ModelKind::ALL {
            let model = model(*kind, 0);
            let images = Tensor::rand([5, 784], (Kind::Float, Device::Cpu));
            for mode in [Mode::Training, Mode::Inference] {
                let encoding = model.encode(&images, mode);
                let variance = encoding.log_variance.as_ref().map(Tensor::size);
                assert_eq!(variance, kind.is_variational().then(|| vec![5, 3]));
                let latents = encoding.mean;
                assert_eq!(latents.size(), [5, 3]);
                let decoded = model.decode(&latents, mode);
                assert_eq!(decoded.size(), [5, 784]);
                assert!(decoded.min().double_value(&[]) >= 0.0 && decoded.max().double_value(&[]) <= 1.0);
                let logits = model.decode_logits(&latents, Mode::Inference);
                let decoded = model.decode(&latents, Mode::Inference);
                assert!(logits.sigmoid().allclose(&decoded, 1e-6, 1e-7, false));
            }
        }
    }

    #[test]
    fn parameter_counts_are_those_of_the_report() {
        // Summed by hand from the layers, with 3 latent dimensions.
        let encoder = 784 * 512 + 512 + 512 * 256 + 256 + 256 * 128 + 128 + 128 * 64 + 64 + 64 * 3 + 3;
        let decoder = 3 * 64 + 64 + 64 * 128 + 128 + 128 * 256 + 256 + 256 * 512 + 512 + 512 * 784 + 784;
        assert_eq!(model(ModelKind::Ae, 0).parameters().trainable_count(), encoder + decoder);
        let encoder = 9 * 32 + 32 + 64 + 9 * 32 * 64 + 64 + 128 + 3136 * 3 + 3;
        let decoder = 3 * 3136 + 3136 + 9 * 64 * 64 + 64 + 128 + 9 * 64 + 1 + 2;
        assert_eq!(model(ModelKind::Cae, 0).parameters().trainable_count(), encoder + decoder);
        // Another head, and no normalisation at the end.
        let (second_head, last_normalisation) = (3136 * 3 + 3, 2);
        let expected = encoder + second_head + decoder - last_normalisation;
        assert_eq!(model(ModelKind::Cvae, 0).parameters().trainable_count(), expected);
    }

    /// Draws of one image have the mean and the variance that the encoder says, and other draws each time.
    #[test]
    fn a_variational_encoding_is_drawn_as_it_says() {
        let model = model(ModelKind::Cvae, 1);
        let image = Tensor::rand([1, 784], (Kind::Float, Device::Cpu));
        let encoding = model.encode(&image.expand([20_000, 784], false), Mode::Inference);
        let (mean, variance) = (encoding.mean.get(0), encoding.log_variance.as_ref().unwrap().get(0).exp());
        tch::manual_seed(1);
        let draws = encoding.sample();
        let close = |found: &Tensor, expected: &Tensor| found.allclose(expected, 0.05, 0.05, false);
        assert!(close(&draws.mean_dim(0, false, Kind::Float), &mean));
        assert!(close(&draws.var_dim(0, true, false), &variance));
        assert!(!close(&draws, &encoding.sample()));
    }

    #[test]
    fn an_output_begins_where_it_is_told_to() {
        let images = Tensor::rand([5, 784], (Kind::Float, Device::Cpu));
        for kind in ModelKind::ALL {
            let mut model = model(*kind, 1);
            let output = |model: &Autoencoder| {
                let latents = model.encode(&images, Mode::Inference).mean;
                model.decode_logits(&latents, Mode::Inference)
            };
            let before = output(&model);
            model.begin_output_at(-2.0);
            assert!((output(&model) - before + 2.0).abs().max().double_value(&[]) < 1e-5, "{kind}");
        }
    }

    #[test]
    fn seeds_decide_the_values() {
        assert_eq!(values(&model(ModelKind::Cae, 1)), values(&model(ModelKind::Cae, 1)));
        assert_ne!(values(&model(ModelKind::Cae, 1)), values(&model(ModelKind::Cae, 2)));
    }

    #[test]
    fn weights_return_as_they_went() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let written = model(ModelKind::Cae, 1);
        written.save(&path).unwrap();
        let first = std::fs::read(&path).unwrap();
        let read = Autoencoder::load(written.description().clone(), Device::Cpu, &path).unwrap();
        assert_eq!(values(&written), values(&read));
        read.save(&path).unwrap();
        assert_eq!(first, std::fs::read(&path).unwrap());
    }

    #[test]
    fn weights_of_another_architecture_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        model(ModelKind::Ae, 1).save(&path).unwrap();
        let other = describe(ModelKind::Cae, 3, 28, 28).unwrap();
        let error = Autoencoder::load(other, Device::Cpu, &path).unwrap_err().to_string();
        assert!(error.contains("weights.safetensors") && error.contains("expected"), "{error}");
        let larger = describe(ModelKind::Ae, 4, 28, 28).unwrap();
        let error = Autoencoder::load(larger, Device::Cpu, &path).unwrap_err().to_string();
        assert!(error.contains("[4, 64]") && error.contains("[3, 64]"), "{error}");
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 7, 100, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            let description = describe(ModelKind::Ae, 3, 28, 28).unwrap();
            assert!(Autoencoder::load(description, Device::Cpu, &path).is_err());
        }
    }

    /// Compares the gradient with differences of the loss, in the direction of one parameter after the other: so it is
    /// right everywhere, and lies as the values do.
    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        for kind in ModelKind::ALL {
            let mut description = describe(*kind, 3, 28, 28).unwrap();
            for layers in [&mut description.encoder, &mut description.decoder] {
                layers.retain(|layer| !matches!(layer, run_store::Layer::Dropout { .. }));
            }
            let model = Autoencoder::new(description, Device::Cpu, 1).unwrap();
            tch::manual_seed(1);
            let images = Tensor::rand([4, 784], (Kind::Float, Device::Cpu));
            let loss = || {
                // The same draw each time.
                tch::manual_seed(2);
                let latents = model.encode(&images, Mode::Training).sample();
                let logits = model.decode_logits(&latents, Mode::Training);
                (logits.sigmoid() - &images).square().sum(Kind::Double)
            };
            let gradient = model.parameters().gradient(&loss());
            let mut first = 0;
            for info in model.parameters().infos().iter().filter(|info| info.trainable) {
                let length = info.shape.iter().product::<i64>();
                let along = gradient.narrow(0, first, length);
                let values = model.parameters().trainable().narrow(0, first, length);
                first += length;
                let norm = along.norm().double_value(&[]);
                let step = &along * (1e-3 / norm.max(1e-3));
                let moved = |factor: f64| {
                    tch::no_grad(|| {
                        let _ = values.shallow_clone().g_add_(&(&step * factor));
                        loss().double_value(&[])
                    })
                };
                let (up, down) = (moved(1.0), moved(-2.0));
                moved(1.0);
                let expected = 2.0 * (&along * &step).sum(Kind::Double).double_value(&[]);
                let close = (up - down - expected).abs() <= 0.03 * expected.abs() + 2e-4;
                assert!(close, "{kind} {}: expected {expected}, found {}", info.name, up - down);
                let before_norm = info.name.ends_with("bias") && expected < 1e-6;
                assert!(expected > 0.0 || before_norm, "{kind} {}: no gradient", info.name);
            }
        }
    }
}

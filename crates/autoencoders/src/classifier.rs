//! The classifier of latents.

use std::path::Path;

use run_store::ClassifierDescription;
use tch::{Device, Tensor};

use crate::error::{ModelError, Result};
use crate::network::{Mode, Network, Shape};
use crate::parameters::Parameters;
use crate::weights::{Weights, read_weights, write_weights};

/// A network from latents to classes.
#[derive(Debug)]
pub struct Classifier {
    network: Network,
    parameters: Parameters,
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
    /// The classifier that `description` describes, on `device`, its values drawn from `seed`.
    ///
    /// # Errors
    /// The description contradicts itself.
    pub fn new(description: &ClassifierDescription, device: Device, seed: u64) -> Result<Self> {
        let input = Shape::Vector(i64::from(description.latent_dim));
        let mut infos = Vec::new();
        let network = Network::build("classifier", &description.layers, input, &mut infos)?;
        if network.output() != Shape::Vector(i64::from(description.class_count)) {
            return Err(ModelError::Architecture(format!(
                "expected {} outputs, one a class, found {:?}",
                description.class_count,
                network.output()
            )));
        }
        Ok(Self { network, parameters: Parameters::new(infos, device, seed)? })
    }

    /// The classifier with the values of the file at `weights`.
    ///
    /// # Errors
    /// The description contradicts itself, or the file holds the weights of another model.
    pub fn load(description: &ClassifierDescription, device: Device, weights: &Path) -> Result<Self> {
        let mut classifier = Self::new(description, device, 0)?;
        classifier.restore(weights)?;
        Ok(classifier)
    }

    /// Its values.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// N × latent → N × classes logits, whose softmax are the probabilities.
    pub fn logits(&self, latents: &Tensor, mode: Mode) -> Tensor {
        self.network.logits(&self.parameters, latents, mode)
    }
}

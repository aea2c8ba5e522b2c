//! What stands on an encoder while it is refined for clustering, and is left behind afterwards: heads that name a cluster, and
//! the places of clusters among latents.

use std::path::Path;

use run_store::Layer;
use tch::{Device, Tensor};

use crate::autoencoder::Autoencoder;
use crate::error::Result;
use crate::network::{Mode, Network};
use crate::parameters::{Initial, ParameterInfo, Parameters};
use crate::precision::Precision;
use crate::weights::{Weights, read_weights, write_weights};

/// The sizes of a set of heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadsShape {
    /// How many there are.
    pub heads: u32,
    /// Units of each head's hidden layer.
    pub hidden_units: u32,
    /// Clusters, as many for each head.
    pub clusters: u32,
}

/// Heads on an encoder's features, each features → hidden → clusters, with the clusters' centroids among its latents.
#[derive(Debug)]
pub struct ClusterHeads {
    shape: HeadsShape,
    networks: Vec<Network>,
    parameters: Parameters,
}

impl Weights for ClusterHeads {
    fn save(&self, path: &Path) -> Result<()> {
        write_weights(path, &self.parameters)
    }

    fn restore(&mut self, path: &Path) -> Result<()> {
        read_weights(path, &mut self.parameters)
    }
}

impl ClusterHeads {
    /// Heads for the features of `model`, their values drawn from `seed`; centroids begin at the origin.
    ///
    /// # Errors
    /// A size is out of range.
    pub fn new(model: &Autoencoder, shape: HeadsShape, device: Device, seed: u64) -> Result<Self> {
        let layers = [Layer::Dense { units: shape.hidden_units }, Layer::Relu, Layer::Dense { units: shape.clusters }];
        let mut infos = Vec::new();
        let features = model.features_shape();
        let networks = (0..shape.heads)
            .map(|head| Network::build(&format!("head.{head}"), &layers, features, &mut infos))
            .collect::<Result<Vec<Network>>>()?;
        infos.push(ParameterInfo {
            name: "centroids".to_owned(),
            shape: vec![i64::from(shape.clusters), i64::from(model.description().latent_dim)],
            initial: Initial::Constant(0.0),
            trainable: true,
            channels_last: false,
        });
        let parameters = Parameters::new(infos, device, seed)?;
        Ok(Self { shape, networks, parameters })
    }

    /// How many, and how large.
    #[must_use]
    pub fn shape(&self) -> HeadsShape {
        self.shape
    }

    /// Their values, centroids included.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Their values, to be given others.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// Forgets everything: the values are drawn from `seed`, and centroids begin at the origin.
    pub fn begin_anew(&mut self, seed: u64) {
        self.parameters.initialise(seed);
    }

    /// Computes in `precision` from now on.
    pub fn compute_in(&mut self, precision: Precision) {
        self.networks.iter_mut().for_each(|network| network.compute_in(precision));
    }

    /// N × features → N × clusters logits, of one head after the other.
    pub fn logits(&self, features: &Tensor) -> Vec<Tensor> {
        // No layer of theirs behaves otherwise in training.
        self.networks.iter().map(|head| head.logits(&self.parameters, features, Mode::Inference)).collect()
    }

    /// Clusters × latent: the centroids; trained where a loss depends on them.
    pub fn centroids(&self) -> &Tensor {
        self.parameters.view(self.parameters.infos().len() - 1)
    }

    /// Gives the centroids other places, clusters × latent.
    pub fn place_centroids(&mut self, centroids: &Tensor) {
        self.parameters.assign(self.parameters.infos().len() - 1, centroids);
    }
}

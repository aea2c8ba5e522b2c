//! What decides a training.

use std::collections::BTreeSet;

use run_store::{ModelKind, RunDir};
use serde::Serialize;
use training::{DeviceChoice, Loss, OptimizerRule, Preset};

/// Everything that decides the outputs. It is what the manifest records as parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Protocol {
    /// The model.
    pub model: ModelKind,
    /// Values in a latent vector.
    pub latent_dim: u32,
    /// Passes over the training images.
    pub epochs: u32,
    /// Images in a step.
    pub batch_size: u32,
    /// The optimizer's step size.
    pub learning_rate: f64,
    /// The optimizer.
    pub optimizer: OptimizerRule,
    /// The loss.
    pub loss: Loss,
    /// Whether each epoch has an order of its own.
    pub shuffle: bool,
    /// The first training images of the dataset are used, this many.
    pub train_count: u32,
    /// Likewise test images.
    pub test_count: u32,
    /// The run's seed.
    pub seed: u64,
    /// Epochs after which weights and reconstructions are kept, besides the last.
    pub keep_epochs: BTreeSet<u32>,
}

impl Protocol {
    /// What `preset` decides for `model`, or for the model of its own choice.
    #[must_use]
    pub fn of(preset: Preset, model: Option<ModelKind>) -> Self {
        let model = model.unwrap_or(ModelKind::Cae);
        match preset {
            Preset::Reference => Self {
                model,
                latent_dim: 32,
                epochs: 25,
                batch_size: 256,
                learning_rate: 1e-3,
                optimizer: OptimizerRule::Nadam,
                loss: if model.is_variational() { Loss::Elbo } else { Loss::Bce },
                shuffle: false,
                train_count: 20_000,
                test_count: 4_000,
                seed: 0,
                keep_epochs: BTreeSet::from([0, 1, 5, 10, 15, 20]),
            },
        }
    }
}

/// A training, where it goes and where it computes.
#[derive(Clone, Debug)]
pub struct Config {
    /// The run.
    pub run: RunDir,
    /// The prepared dataset.
    pub data: RunDir,
    /// What decides the outputs.
    pub protocol: Protocol,
    /// Where to compute.
    pub device: DeviceChoice,
}

//! What decides a classifier.

use run_store::RunDir;
use serde::Serialize;
use training::{DeviceChoice, OptimizerRule, Preset};

/// Everything that decides the outputs. It is what the manifest records as parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Protocol {
    /// Passes over the training latents.
    pub epochs: u32,
    /// Latents in a step.
    pub batch_size: u32,
    /// The optimizer's step size.
    pub learning_rate: f64,
    /// The optimizer.
    pub optimizer: OptimizerRule,
    /// Whether each epoch has an order of its own.
    pub shuffle: bool,
    /// The seed.
    pub seed: u64,
}

impl Protocol {
    /// What `preset` decides.
    #[must_use]
    pub fn of(preset: Preset) -> Self {
        match preset {
            Preset::Tuned => Self { shuffle: true, ..Self::of(Preset::Reference) },
            Preset::Reference => Self {
                epochs: 25,
                batch_size: 256,
                learning_rate: 1e-3,
                optimizer: OptimizerRule::Adam,
                shuffle: false,
                seed: 0,
            },
        }
    }
}

/// A classifier, where it goes and where it computes.
#[derive(Clone, Debug)]
pub struct Config {
    /// The run.
    pub run: RunDir,
    /// Keeps this classifier beside the run's own.
    pub tag: Option<String>,
    /// What decides the outputs.
    pub protocol: Protocol,
    /// Where to compute.
    pub device: DeviceChoice,
}

//! What decides a training.

use std::collections::BTreeSet;

use autoencoders::{Departures, Precision};
use run_store::{ModelKind, RunDir};
use serde::Serialize;
use training::{Augmentation, Contrast, DeviceChoice, Loss, OptimizerRule, Preset, REPORT_COUNTS, Schedule};

use crate::objective::ContrastProtocol;

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
    /// How the step size changes. This and what follows is recorded only where it departs from the report.
    #[serde(skip_serializing_if = "Schedule::is_constant")]
    pub schedule: Schedule,
    /// The first steps, this many, lead up to the step size in a straight line.
    #[serde(skip_serializing_if = "is_default")]
    pub warmup_steps: u32,
    /// The latent layer has no activation.
    #[serde(skip_serializing_if = "is_default")]
    pub linear_latent: bool,
    /// Nothing normalises what the last sigmoid takes.
    #[serde(skip_serializing_if = "is_default")]
    pub plain_output: bool,
    /// Nothing is dropped.
    #[serde(skip_serializing_if = "is_default")]
    pub no_dropout: bool,
    /// Where pixels begin, before the last sigmoid.
    #[serde(skip_serializing_if = "is_default")]
    pub output_bias: f64,
    /// What the model computes in while it trains.
    #[serde(skip_serializing_if = "is_default")]
    pub precision: Precision,
    /// A second loss, on two views of each image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast: Option<ContrastProtocol>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Protocol {
    /// What `preset` decides for `model`, or for the model of its own choice.
    #[must_use]
    pub fn of(preset: Preset, model: Option<ModelKind>) -> Self {
        let model = model.unwrap_or(ModelKind::Cae);
        match preset {
            Preset::Tuned => Self {
                batch_size: 64,
                learning_rate: 2e-3,
                shuffle: true,
                schedule: Schedule::Cosine,
                warmup_steps: 200,
                linear_latent: true,
                plain_output: true,
                no_dropout: true,
                output_bias: -2.0,
                contrast: (!model.is_variational()).then_some(ContrastProtocol {
                    weight: 0.12,
                    final_weight: 0.001,
                    decay_power: 3.0,
                    neighbours_from: 0.1,
                    radius: 10.0,
                    radius_weight: 0.1,
                    contrast: Contrast { temperature: 0.2, neighbours: 2, neighbour_share: 0.3 },
                    augmentation: Augmentation {
                        rotation_degrees: 20.0,
                        shear: 0.4,
                        log_scale: 0.25,
                        shift_pixels: 3.0,
                        ..Augmentation::NONE
                    },
                }),
                ..Self::of(Preset::Reference, Some(model))
            },
            Preset::Reference => Self {
                model,
                latent_dim: 32,
                epochs: 25,
                batch_size: 256,
                learning_rate: 1e-3,
                optimizer: OptimizerRule::Nadam,
                loss: if model.is_variational() { Loss::Elbo } else { Loss::Bce },
                shuffle: false,
                train_count: REPORT_COUNTS.0,
                test_count: REPORT_COUNTS.1,
                seed: 0,
                keep_epochs: BTreeSet::from([0, 1, 5, 10, 15, 20]),
                schedule: Schedule::Constant,
                warmup_steps: 0,
                linear_latent: false,
                plain_output: false,
                no_dropout: false,
                output_bias: 0.0,
                precision: Precision::F32,
                contrast: None,
            },
        }
    }

    /// The model's layers, where they depart from the report's.
    #[must_use]
    pub(crate) fn departures(&self) -> Departures {
        Departures { linear_latent: self.linear_latent, plain_output: self.plain_output, no_dropout: self.no_dropout }
    }

    /// Whether a step depends on how many follow, so that a longer training is another from its first step on.
    #[must_use]
    pub(crate) fn depends_on_length(&self) -> bool {
        !self.schedule.is_constant() || self.contrast.is_some()
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

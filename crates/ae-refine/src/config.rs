//! What decides a refinement.

use autoencoders::Precision;
use run_store::{ModelKind, RunDir};
use serde::Serialize;
use training::{Augmentation, Contrast, DeviceChoice};

use crate::objective::imsat::Imsat;
use crate::objective::prototypes::Prototypes;
use crate::objective::student::Naming;
use crate::recipe::Recipe;

/// Everything that decides the outputs, besides the model that is refined. It is what the manifest records as parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Protocol {
    /// What is done, one after the other.
    pub recipe: Recipe,
    /// Clusters; the number of classes where none is said.
    pub clusters: Option<u32>,
    /// Images in a step.
    pub batch_size: u32,
    /// The step size that each phase begins with, once it has led up to it; it falls along half a cosine wave.
    pub learning_rate: f64,
    /// The first steps of each phase, this many or half of them, lead up to it in a straight line.
    pub warmup_steps: u32,
    /// The first training images of the dataset are used, this many; as many as the model was trained on where none is said.
    pub train_count: Option<u32>,
    /// Likewise test images, to judge reconstructions by.
    pub test_count: Option<u32>,
    /// Whether these test images are learnt from too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub with_test: bool,
    /// The seed.
    pub seed: u64,
    /// What the model computes in.
    pub precision: Precision,
    /// The weight of the reconstruction beside other objectives; where 0, nothing is learnt of it.
    pub reconstruction_weight: f64,
    /// The weight of `dec` and `idec`.
    pub dec_weight: f64,
    /// The weight of `aspc`.
    pub aspc_weight: f64,
    /// The distance of fixed centres from the origin.
    pub radius: f64,
    /// `prototypes`.
    #[serde(flatten)]
    pub prototypes: Prototypes,
    /// `student`.
    #[serde(flatten)]
    pub naming: Naming,
    /// How often a refinement begins, each time from the run's model, or a new one of other values, with other heads of `imsat` and
    /// other draws; the start whose clusters a student learns best goes on.
    #[serde(skip_serializing_if = "is_one")]
    pub restarts: u32,
    /// `imsat`'s heads.
    pub heads: u32,
    /// Units of each head's hidden layer.
    pub hidden_units: u32,
    /// `imsat`.
    #[serde(flatten)]
    pub imsat: Imsat,
    /// `contrast`.
    #[serde(flatten)]
    pub contrast: Contrast,
    /// How images are moved, for every objective.
    #[serde(flatten)]
    pub augmentation: Augmentation,
}

impl Protocol {
    /// The numbers that work best on digits, for `recipe`; how they were found is in the README.
    #[must_use]
    pub fn of(recipe: Recipe) -> Self {
        Self {
            recipe,
            clusters: None,
            batch_size: 256,
            learning_rate: 2e-3,
            warmup_steps: 100,
            train_count: None,
            test_count: None,
            with_test: false,
            seed: 0,
            precision: Precision::F32,
            reconstruction_weight: 3.0,
            dec_weight: 1.0,
            aspc_weight: 3.0,
            radius: 10.0,
            prototypes: Prototypes { prototype_weight: 10.0, prototype_temperature: 0.3 },
            naming: Naming { views: 8, view_share: 0.5 },
            restarts: 1,
            heads: 8,
            hidden_units: 64,
            imsat: Imsat { information_weight: 1.0, marginal_weight: 2.0 },
            contrast: Contrast { temperature: 0.2, neighbours: 2, neighbour_share: 0.3 },
            augmentation: Augmentation {
                rotation_degrees: 20.0,
                shear: 0.3,
                log_scale: 0.25,
                shift_pixels: 3.0,
                ..Augmentation::NONE
            },
        }
    }
}

/// Whether a refinement starts once, as all did before they could start more often.
fn is_one(restarts: &u32) -> bool {
    *restarts == 1
}

/// Where the model that is refined comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A run's.
    Run(RunDir),
    /// A new one.
    Fresh {
        /// Its kind.
        model: ModelKind,
        /// Values in a latent vector.
        latent_dim: u32,
        /// The prepared dataset.
        data: RunDir,
    },
}

/// A refinement, where it goes and where it computes.
#[derive(Clone, Debug)]
pub struct Config {
    /// The run.
    pub run: RunDir,
    /// What is refined.
    pub origin: Origin,
    /// What decides the outputs.
    pub protocol: Protocol,
    /// Where to compute.
    pub device: DeviceChoice,
}

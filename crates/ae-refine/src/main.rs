//! The stage ae-refine on the command line.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;

use ae_refine::{Config, Origin, Protocol, Recipe};
use autoencoders::Precision;
use clap::Parser;
use run_store::{ModelKind, RunDir, prepared_dataset};
use stage_cli::{RUNNING, StageArgs, not_negative, positive, share};
use training::DeviceChoice;

/// What is done where nothing else is asked for.
fn defaults() -> Protocol {
    Protocol::of(Recipe::default())
}

/// Refines an autoencoder so that its latents fall into clusters, without a label: a trained model in; one of the same kind out.
///
/// A recipe says what is lowered, for how many epochs, one after the other: OBJECTIVE[+OBJECTIVE…]:EPOCHS,… Objectives are
/// contrast (NT-Xent, Chen et al. 2020), reconstruction, imsat (Hu et al. 2017), dec (Xie et al. 2016), idec (Guo et al. 2017),
/// aspc (Guo et al. 2020), prototypes (Snell et al. 2017) and student (a network that begins anew learns in which cluster each image
/// is, and says in its turn; Xie et al. 2020). student, aspc and prototypes take the clusters of the last student, else those that
/// imsat's heads vote for, else those of K-means, which dec and idec begin with.
#[derive(Parser)]
#[command(version)]
struct RefineArgs {
    #[command(flatten)]
    stage: StageArgs,
    /// Folder of the run whose model is refined; without it a new model is begun
    #[arg(long, value_name = "DIR", conflicts_with_all = ["model", "latent_dim", "data"])]
    from: Option<PathBuf>,
    /// A new model: ae (dense layers) or cae (convolutions)
    #[arg(long, value_name = "NAME", default_value_t = ModelKind::Cae)]
    model: ModelKind,
    /// A new model's values in a latent vector, 1 to 512
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=i64::from(run_store::LATENT_DIM_LIMIT)))]
    latent_dim: u32,
    /// A new model's prepared dataset
    #[arg(long, value_name = "DIR", default_value_os_t = prepared_dataset("mnist").path().to_owned())]
    data: PathBuf,
    /// What is done, one after the other
    #[arg(long, value_name = "RECIPE", default_value_t = defaults().recipe)]
    recipe: Recipe,
    /// Clusters [default: one a class]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1000))]
    clusters: Option<u32>,
    /// Images in a step, 2 or more
    #[arg(long, value_name = "N", default_value_t = defaults().batch_size, value_parser = clap::value_parser!(u32).range(2..))]
    batch_size: u32,
    /// The largest step size of each phase, which leads up to it and then falls along half a cosine wave
    #[arg(long, value_name = "RATE", default_value_t = defaults().learning_rate, value_parser = positive)]
    learning_rate: f64,
    /// Use the first N training images [default: as many as the model was trained on; 20000 for a new one]
    #[arg(long, value_name = "N")]
    train_count: Option<NonZeroU32>,
    /// Use the first N test images, to judge reconstructions by [default: likewise; 4000]
    #[arg(long, value_name = "N")]
    test_count: Option<NonZeroU32>,
    /// Learn from those test images too, without their labels
    #[arg(long)]
    with_test: bool,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = defaults().seed)]
    seed: u64,
    /// What numbers to compute with: f32, or bf16, which is faster on processors that multiply it; weights stay f32
    #[arg(long, value_name = "NAME", default_value_t = defaults().precision)]
    precision: Precision,
    #[command(flatten)]
    objectives: ObjectiveArgs,
    #[command(flatten)]
    augmentation: AugmentationArgs,
    /// Where to compute: cpu or cuda:N
    #[arg(long, default_value_t = DeviceChoice::Cpu, help_heading = RUNNING)]
    device: DeviceChoice,
}

/// The objectives' parameters, in their papers' terms.
#[derive(clap::Args)]
#[command(next_help_heading = "Objectives")]
struct ObjectiveArgs {
    /// imsat: heads, which vote on the cluster of each image
    #[arg(long, value_name = "N", default_value_t = defaults().heads, value_parser = clap::value_parser!(u32).range(1..=64))]
    heads: u32,
    /// imsat: how often refining begins, each time with other heads and draws; the start goes on whose clusters, once imsat has found
    /// them, a new network learns best
    #[arg(long, value_name = "N", default_value_t = defaults().restarts, value_parser = clap::value_parser!(u32).range(1..=100))]
    restarts: u32,
    /// imsat: units of a head's hidden layer
    #[arg(long, value_name = "N", default_value_t = defaults().hidden_units, value_parser = clap::value_parser!(u32).range(1..=4096))]
    hidden_units: u32,
    /// imsat: λ, the weight of the information between image and cluster
    #[arg(long, value_name = "WEIGHT", default_value_t = defaults().imsat.information_weight, value_parser = not_negative)]
    information_weight: f64,
    /// imsat: μ, the weight of the clusters' entropy in it; above 1 it holds clusters to one size
    #[arg(long, value_name = "WEIGHT", default_value_t = defaults().imsat.marginal_weight, value_parser = not_negative)]
    marginal_weight: f64,
    /// contrast: divides the similarities of views
    #[arg(long, value_name = "T", default_value_t = defaults().contrast.temperature, value_parser = positive)]
    temperature: f64,
    /// contrast: the part of the loss that is an image's nearest neighbours', 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = defaults().contrast.neighbour_share, value_parser = share)]
    neighbour_share: f64,
    /// dec, idec: the weight of the divergence
    #[arg(long, value_name = "WEIGHT", default_value_t = defaults().dec_weight, value_parser = not_negative)]
    dec_weight: f64,
    /// aspc: the weight of the distances to centres
    #[arg(long, value_name = "WEIGHT", default_value_t = defaults().aspc_weight, value_parser = not_negative)]
    aspc_weight: f64,
    /// prototypes: the weight of the cross-entropy of distances to centres
    #[arg(long, value_name = "WEIGHT", default_value_t = defaults().prototypes.prototype_weight, value_parser = not_negative)]
    prototype_weight: f64,
    /// prototypes: divides squared distances, in units of the radius squared
    #[arg(long, value_name = "T", default_value_t = defaults().prototypes.prototype_temperature, value_parser = positive)]
    prototype_temperature: f64,
    /// aspc, prototypes: the distance of centres from the origin
    #[arg(long, value_name = "LENGTH", default_value_t = defaults().radius, value_parser = positive)]
    radius: f64,
    /// student: views of an image that it names it by, each with its own map
    #[arg(long, value_name = "N", default_value_t = defaults().naming.views, value_parser = clap::value_parser!(u32).range(1..=1000))]
    views: u32,
    /// student: how far images are moved in these views, as a share of the augmentation, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = defaults().naming.view_share, value_parser = share)]
    view_share: f64,
    /// reconstruction, idec: the weight of the binary cross-entropy
    #[arg(long, value_name = "WEIGHT", default_value_t = defaults().reconstruction_weight, value_parser = not_negative)]
    reconstruction_weight: f64,
}

/// How images are moved. What digits stay themselves under is knowledge of digits: nothing is mirrored.
#[derive(clap::Args)]
#[command(next_help_heading = "Augmentation, for every objective")]
struct AugmentationArgs {
    /// How far an image is turned at most, in degrees
    #[arg(long, value_name = "DEGREES", default_value_t = defaults().augmentation.rotation_degrees, value_parser = not_negative)]
    rotation: f64,
    /// How far it is sheared at most, in columns for each row
    #[arg(long, value_name = "RATIO", default_value_t = defaults().augmentation.shear, value_parser = not_negative)]
    shear: f64,
    /// The natural logarithm of its largest factor of size
    #[arg(long, value_name = "LOG", default_value_t = defaults().augmentation.log_scale, value_parser = not_negative)]
    log_scale: f64,
    /// How far it is shifted at most, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = defaults().augmentation.shift_pixels, value_parser = not_negative)]
    shift: f64,
    /// The natural logarithm of the largest power that brightness is raised to; for images whose shade says nothing, such as clothes
    #[arg(long, value_name = "LOG", default_value_t = defaults().augmentation.log_gamma, value_parser = not_negative)]
    gamma: f64,
    /// The largest share of its brightness that it loses, 0 to 1; likewise
    #[arg(long, value_name = "SHARE", default_value_t = defaults().augmentation.dimming, value_parser = share)]
    dimming: f64,
}

impl RefineArgs {
    fn config(self) -> Config {
        let origin = match self.from {
            Some(run) => Origin::Run(RunDir::new(run)),
            None => Origin::Fresh { model: self.model, latent_dim: self.latent_dim, data: RunDir::new(self.data) },
        };
        let mut protocol = Protocol::of(self.recipe);
        protocol.clusters = self.clusters;
        protocol.batch_size = self.batch_size;
        protocol.learning_rate = self.learning_rate;
        protocol.train_count = self.train_count.map(NonZeroU32::get);
        protocol.test_count = self.test_count.map(NonZeroU32::get);
        protocol.with_test = self.with_test;
        protocol.seed = self.seed;
        protocol.precision = self.precision;
        let objectives = self.objectives;
        protocol.restarts = objectives.restarts;
        protocol.heads = objectives.heads;
        protocol.hidden_units = objectives.hidden_units;
        protocol.imsat.information_weight = objectives.information_weight;
        protocol.imsat.marginal_weight = objectives.marginal_weight;
        protocol.contrast.temperature = objectives.temperature;
        protocol.contrast.neighbour_share = objectives.neighbour_share;
        protocol.dec_weight = objectives.dec_weight;
        protocol.aspc_weight = objectives.aspc_weight;
        protocol.radius = objectives.radius;
        protocol.prototypes.prototype_weight = objectives.prototype_weight;
        protocol.prototypes.prototype_temperature = objectives.prototype_temperature;
        protocol.naming.views = objectives.views;
        protocol.naming.view_share = objectives.view_share;
        protocol.reconstruction_weight = objectives.reconstruction_weight;
        protocol.augmentation.rotation_degrees = self.augmentation.rotation;
        protocol.augmentation.shear = self.augmentation.shear;
        protocol.augmentation.log_scale = self.augmentation.log_scale;
        protocol.augmentation.shift_pixels = self.augmentation.shift;
        protocol.augmentation.log_gamma = self.augmentation.gamma;
        protocol.augmentation.dimming = self.augmentation.dimming;
        Config { run: self.stage.run_dir(), origin, protocol, device: self.device }
    }
}

fn main() -> ExitCode {
    let args = stage_cli::parse::<RefineArgs>();
    let options = args.stage.options();
    let config = args.config();
    stage_cli::run(&options, |options, progress| {
        // K-means runs on rayon's threads.
        rayon::ThreadPoolBuilder::new().num_threads(options.threads as usize).build_global()?;
        ae_refine::run(&config, options, progress)
    })
}

//! The stage ae-train on the command line.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;

use ae_train::{Config, ContrastProtocol, Protocol, Sampling};
use autoencoders::Precision;
use clap::{CommandFactory, Parser};
use run_store::{ModelKind, RunDir, one_line, prepared_dataset};
use stage_cli::{RUNNING, StageArgs, not_negative, positive, share, single, subcommand};
use training::{DeviceChoice, Loss, OptimizerRule, Preset, Schedule};

/// The command beside the stage itself.
const SAMPLE: &str = "sample";

/// Trains an autoencoder: a prepared dataset in; weights, losses by epoch and reconstructions by epoch out.
///
/// `ae-train sample` draws digits from the prior of a variational model: see `ae-train sample --help`.
///
/// The preset decides every number that is not given. The preset `reference` is the report's protocol: the first 20,000
/// training and 4,000 test images in their order, 25 epochs, batches of 256, NAdam at 0.001 on binary cross-entropy.
#[derive(Parser)]
#[command(version)]
struct TrainArgs {
    #[command(flatten)]
    stage: StageArgs,
    /// Folder of the prepared dataset
    #[arg(long, value_name = "DIR", default_value_os_t = prepared_dataset("mnist").path().to_owned())]
    data: PathBuf,
    /// Defaults of everything below: `reference` is the report's protocol; `tuned` trains on as many images and epochs for
    /// latents that digits can be told apart by
    #[arg(long, default_value_t = Preset::Reference)]
    preset: Preset,
    /// ae (dense layers), cae (convolutions) or cvae (convolutions, variational) [reference: cae]
    #[arg(long, value_name = "NAME")]
    model: Option<ModelKind>,
    /// Values in a latent vector, 1 to 512 [reference: 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(run_store::LATENT_DIM_LIMIT)))]
    latent_dim: Option<u32>,
    /// Passes over the training images [reference: 25]
    #[arg(long, value_name = "N")]
    epochs: Option<NonZeroU32>,
    /// Images in a step [reference: 256]
    #[arg(long, value_name = "N")]
    batch_size: Option<NonZeroU32>,
    /// Step size of the optimizer, above 0 [reference: 0.001]
    #[arg(long, value_name = "RATE", value_parser = positive)]
    learning_rate: Option<f64>,
    /// How the step size changes: constant or cosine [reference: constant]
    #[arg(long, value_name = "NAME")]
    schedule: Option<Schedule>,
    /// The first N steps lead up to the step size in a straight line [reference: 0]
    #[arg(long, value_name = "N")]
    warmup_steps: Option<u32>,
    /// nadam or adam [reference: nadam]
    #[arg(long, value_name = "NAME")]
    optimizer: Option<OptimizerRule>,
    /// bce (binary cross-entropy), mse (mean squared error), or elbo (evidence lower bound, for cvae) [reference: bce; elbo for
    /// cvae]
    #[arg(long, value_name = "NAME")]
    loss: Option<Loss>,
    /// Draw an order for each epoch: true or false [reference: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    shuffle: Option<bool>,
    /// Use the first N training images [reference: 20000]
    #[arg(long, value_name = "N")]
    train_count: Option<NonZeroU32>,
    /// Use the first N test images [reference: 4000]
    #[arg(long, value_name = "N")]
    test_count: Option<NonZeroU32>,
    /// Seed of everything random [reference: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Keep weights and reconstructions after these epochs, at most 1023, and the last; 0 is the untrained model [reference:
    /// 0,1,5,10,15,20]
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    keep_epochs: Option<Vec<u32>>,
    /// What numbers to compute with: f32, or bf16, which is faster on processors that multiply it; weights stay f32
    /// [reference: f32]
    #[arg(long, value_name = "NAME")]
    precision: Option<Precision>,
    #[command(flatten)]
    layers: LayerArgs,
    #[command(flatten)]
    contrast: ContrastArgs,
    /// Where to compute: cpu or cuda:N
    #[arg(long, default_value_t = DeviceChoice::Cpu, help_heading = RUNNING)]
    device: DeviceChoice,
}

/// Where the model departs from the report's.
#[derive(clap::Args)]
#[command(next_help_heading = "Departures from the report's model")]
struct LayerArgs {
    /// No activation of the latent layer: true or false [reference: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    linear_latent: Option<bool>,
    /// No batch normalisation in front of the last sigmoid: true or false [reference: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    plain_output: Option<bool>,
    /// No dropout: true or false [reference: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    no_dropout: Option<bool>,
    /// Where pixels begin, before the last sigmoid [reference: 0]
    #[arg(long, value_name = "LOGIT", allow_negative_numbers = true, value_parser = single)]
    output_bias: Option<f64>,
}

/// The second loss.
#[derive(clap::Args)]
#[command(next_help_heading = "A second loss, on two views of each image (NT-Xent)")]
struct ContrastArgs {
    /// Its weight at the first step; 0 is none [reference: 0]
    #[arg(long, value_name = "WEIGHT", value_parser = not_negative)]
    contrast: Option<f64>,
    /// Its weight at the last step
    #[arg(long, value_name = "WEIGHT", value_parser = not_negative)]
    contrast_end: Option<f64>,
    /// Divides the similarities of views
    #[arg(long, value_name = "T", value_parser = positive)]
    temperature: Option<f64>,
    /// The part of the loss that is an image's nearest neighbours', 0 to 1
    #[arg(long, value_name = "SHARE", value_parser = share)]
    neighbour_share: Option<f64>,
    /// The length that latents are drawn to
    #[arg(long, value_name = "LENGTH", value_parser = positive)]
    radius: Option<f64>,
    /// The weight of the differences of their lengths from it
    #[arg(long, value_name = "WEIGHT", value_parser = not_negative)]
    radius_weight: Option<f64>,
    /// How far the second view is turned at most, in degrees
    #[arg(long, value_name = "DEGREES", value_parser = not_negative)]
    rotation: Option<f64>,
    /// How far it is sheared at most, in columns for each row
    #[arg(long, value_name = "RATIO", value_parser = not_negative)]
    shear: Option<f64>,
    /// The natural logarithm of its largest factor of size
    #[arg(long, value_name = "LOG", value_parser = not_negative)]
    log_scale: Option<f64>,
    /// How far it is shifted at most, in pixels
    #[arg(long, value_name = "PIXELS", value_parser = not_negative)]
    shift: Option<f64>,
}

impl ContrastArgs {
    /// The first argument that only says something of a second loss.
    fn detail(&self) -> Option<&'static str> {
        let details = [
            ("--contrast-end", self.contrast_end),
            ("--temperature", self.temperature),
            ("--neighbour-share", self.neighbour_share),
            ("--radius", self.radius),
            ("--radius-weight", self.radius_weight),
            ("--rotation", self.rotation),
            ("--shear", self.shear),
            ("--log-scale", self.log_scale),
            ("--shift", self.shift),
        ];
        details.into_iter().find_map(|(name, given)| given.map(|_| name))
    }

    /// What the arguments make of the preset's second loss; one that the preset lacks begins as the tuned one.
    fn applied_to(&self, preset: Option<ContrastProtocol>) -> Option<ContrastProtocol> {
        let tuned = || Protocol::of(Preset::Tuned, None).contrast;
        let mut contrast = if self.contrast.is_some() { preset.or_else(tuned)? } else { preset? };
        let set = |value: &mut f64, given: Option<f64>| *value = given.unwrap_or(*value);
        set(&mut contrast.weight, self.contrast);
        set(&mut contrast.final_weight, self.contrast_end);
        set(&mut contrast.contrast.temperature, self.temperature);
        set(&mut contrast.contrast.neighbour_share, self.neighbour_share);
        set(&mut contrast.radius, self.radius);
        set(&mut contrast.radius_weight, self.radius_weight);
        set(&mut contrast.augmentation.rotation_degrees, self.rotation);
        set(&mut contrast.augmentation.shear, self.shear);
        set(&mut contrast.augmentation.log_scale, self.log_scale);
        set(&mut contrast.augmentation.shift_pixels, self.shift);
        (contrast.weight > 0.0).then_some(contrast)
    }
}

impl TrainArgs {
    fn config(self) -> Result<Config, clap::Error> {
        let mut protocol = Protocol::of(self.preset, self.model);
        let set = |default: &mut u32, given: Option<NonZeroU32>| *default = given.map_or(*default, NonZeroU32::get);
        set(&mut protocol.epochs, self.epochs);
        set(&mut protocol.batch_size, self.batch_size);
        set(&mut protocol.train_count, self.train_count);
        set(&mut protocol.test_count, self.test_count);
        protocol.latent_dim = self.latent_dim.unwrap_or(protocol.latent_dim);
        protocol.learning_rate = self.learning_rate.unwrap_or(protocol.learning_rate);
        protocol.optimizer = self.optimizer.unwrap_or(protocol.optimizer);
        protocol.loss = self.loss.unwrap_or(protocol.loss);
        protocol.shuffle = self.shuffle.unwrap_or(protocol.shuffle);
        protocol.seed = self.seed.unwrap_or(protocol.seed);
        protocol.schedule = self.schedule.unwrap_or(protocol.schedule);
        protocol.warmup_steps = self.warmup_steps.unwrap_or(protocol.warmup_steps);
        protocol.linear_latent = self.layers.linear_latent.unwrap_or(protocol.linear_latent);
        protocol.plain_output = self.layers.plain_output.unwrap_or(protocol.plain_output);
        protocol.no_dropout = self.layers.no_dropout.unwrap_or(protocol.no_dropout);
        protocol.output_bias = self.layers.output_bias.unwrap_or(protocol.output_bias);
        protocol.precision = self.precision.unwrap_or(protocol.precision);
        protocol.contrast = self.contrast.applied_to(protocol.contrast);
        if let (None, Some(detail)) = (protocol.contrast, self.contrast.detail()) {
            let message = format!(
                "{detail} is of a second loss, and this training has none; give it a weight with --contrast, or leave {detail} out"
            );
            return Err(Self::command().error(clap::error::ErrorKind::ArgumentConflict, message));
        }
        if let Some(epochs) = self.keep_epochs {
            protocol.keep_epochs = epochs.into_iter().collect();
        }
        Ok(Config { run: self.stage.run_dir(), data: RunDir::new(self.data), protocol, device: self.device })
    }
}

/// Draws digits from the prior of a variational model, and writes them with their latents.
#[derive(Parser)]
#[command(version)]
struct SampleArgs {
    /// Folder of the run
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// How many, 1 to 100000
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// Seed of the draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Parquet file to write: latent and image, each a list of numbers
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

fn sample(args: SampleArgs) -> ExitCode {
    let said = format!("{}: {} digits drawn", one_line(&args.output.display().to_string()), args.count);
    let sampling = Sampling { run: RunDir::new(args.run), count: args.count, seed: args.seed, output: args.output };
    stage_cli::report(ae_train::sample(&sampling).map(|()| said))
}

fn train(args: TrainArgs) -> ExitCode {
    let options = args.stage.options();
    let config = args.config().unwrap_or_else(|error| error.exit());
    stage_cli::run(&options, |options, progress| ae_train::run(&config, options, progress))
}

fn main() -> ExitCode {
    match subcommand(SAMPLE) {
        Some(words) => sample(stage_cli::parse_from(words)),
        None => train(stage_cli::parse()),
    }
}

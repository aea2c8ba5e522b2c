//! The stage ae-train on the command line.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;

use ae_train::{Config, Protocol, Sampling};
use clap::Parser;
use run_store::{ModelKind, RunDir, prepared_dataset};
use stage_cli::{RUNNING, StageArgs, positive, subcommand};
use training::{DeviceChoice, Loss, OptimizerRule, Preset};

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
    /// Defaults of everything below: `reference` is the report's protocol
    #[arg(long, default_value_t = Preset::Reference)]
    preset: Preset,
    /// ae (dense layers), cae (convolutions) or cvae (convolutions, variational) [reference: cae]
    #[arg(long, value_name = "NAME")]
    model: Option<ModelKind>,
    /// Values in a latent vector, 1 to 512 [reference: 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(autoencoders::LATENT_DIM_LIMIT)))]
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
    /// Keep weights and reconstructions after these epochs, and the last; 0 is the untrained model [reference: 0,1,5,10,15,20]
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    keep_epochs: Option<Vec<u32>>,
    /// Where to compute: cpu or cuda:N
    #[arg(long, default_value_t = DeviceChoice::Cpu, help_heading = RUNNING)]
    device: DeviceChoice,
}

impl TrainArgs {
    fn config(self) -> Config {
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
        if let Some(epochs) = self.keep_epochs {
            protocol.keep_epochs = epochs.into_iter().collect();
        }
        Config { run: self.stage.run_dir(), data: RunDir::new(self.data), protocol, device: self.device }
    }
}

/// Draws digits from the prior of a variational model, and writes them with their latents.
#[derive(Parser)]
#[command(version)]
struct SampleArgs {
    /// Folder of the run
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// How many
    #[arg(long, value_name = "N", default_value = "64")]
    count: NonZeroU32,
    /// Seed of the draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Parquet file to write: latent and image, each a list of numbers
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

fn sample(args: SampleArgs) -> ExitCode {
    let said = format!("{}: {} digits drawn", args.output.display(), args.count);
    let sampling =
        Sampling { run: RunDir::new(args.run), count: args.count.get(), seed: args.seed, output: args.output };
    stage_cli::report(ae_train::sample(&sampling).map(|()| said))
}

fn train(args: TrainArgs) -> ExitCode {
    let options = args.stage.options();
    let config = args.config();
    stage_cli::run(&options, |options, progress| ae_train::run(&config, options, progress))
}

fn main() -> ExitCode {
    match subcommand(SAMPLE) {
        Some(words) => sample(SampleArgs::parse_from(words)),
        None => train(TrainArgs::parse()),
    }
}

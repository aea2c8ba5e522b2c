//! The stage latent-classify on the command line.

use std::num::NonZeroU32;
use std::process::ExitCode;

use clap::Parser;
use latent_classify::{Config, Protocol};
use stage_cli::{RUNNING, StageArgs, positive};
use training::{DeviceChoice, OptimizerRule, Preset};

/// Trains a small classifier on frozen latents: latents in; weights, history, accuracy and confusion counts out.
///
/// The classifier is the report's: Dense 64, ReLU, Dense (one output a class), softmax. The preset decides every number that is
/// not given; `reference` is 25 epochs in batches of 256, Adam at 0.001, no shuffling.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    stage: StageArgs,
    /// Keep the result in a folder of its own, latent-classify@TAG, beside the run's
    #[arg(long, value_parser = run_store::parse_tag)]
    tag: Option<String>,
    /// Defaults of everything below: `reference` is the report's protocol, `tuned` the same with the latents shuffled
    #[arg(long, default_value_t = Preset::Reference)]
    preset: Preset,
    /// Passes over the training latents [reference: 25]
    #[arg(long, value_name = "N")]
    epochs: Option<NonZeroU32>,
    /// Latents in a step [reference: 256]
    #[arg(long, value_name = "N")]
    batch_size: Option<NonZeroU32>,
    /// Step size of the optimizer, above 0 [reference: 0.001]
    #[arg(long, value_name = "RATE", value_parser = positive)]
    learning_rate: Option<f64>,
    /// nadam or adam [reference: adam]
    #[arg(long, value_name = "NAME")]
    optimizer: Option<OptimizerRule>,
    /// Draw an order for each epoch: true or false [reference: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    shuffle: Option<bool>,
    /// Seed of everything random [reference: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where to compute: cpu or cuda:N
    #[arg(long, default_value_t = DeviceChoice::Cpu, help_heading = RUNNING)]
    device: DeviceChoice,
}

impl Args {
    fn config(self) -> Config {
        let preset = Protocol::of(self.preset);
        let protocol = Protocol {
            epochs: self.epochs.map_or(preset.epochs, NonZeroU32::get),
            batch_size: self.batch_size.map_or(preset.batch_size, NonZeroU32::get),
            learning_rate: self.learning_rate.unwrap_or(preset.learning_rate),
            optimizer: self.optimizer.unwrap_or(preset.optimizer),
            shuffle: self.shuffle.unwrap_or(preset.shuffle),
            seed: self.seed.unwrap_or(preset.seed),
        };
        Config { run: self.stage.run_dir(), tag: self.tag, protocol, device: self.device }
    }
}

fn main() -> ExitCode {
    let args = stage_cli::parse::<Args>();
    let options = args.stage.options();
    let config = args.config();
    stage_cli::run(&options, |options, progress| latent_classify::run(&config, options, progress))
}

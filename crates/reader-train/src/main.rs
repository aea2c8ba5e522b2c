//! The stage reader-train on the command line.

use std::num::NonZeroU32;
use std::process::ExitCode;

use clap::Parser;
use reader_train::{Config, Protocol};
use stage_cli::{RUNNING, StageArgs, positive};
use training::DeviceChoice;

/// Trains a reader of images: a prepared dataset in; weights, history and test accuracy out, beside the dataset.
///
/// `recon-eval` asks the reader whether a reconstruction still shows its digit. The reader learns from training images that no
/// run of the study learns from, and is judged on all test images.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    stage: StageArgs,
    /// Position of the first training image to use
    #[arg(long, value_name = "N", default_value_t = Protocol::default().first)]
    first: u32,
    /// Use at most this many training images, from there
    #[arg(long, value_name = "N", default_value_t = count(Protocol::default().count))]
    count: NonZeroU32,
    /// Passes over them
    #[arg(long, value_name = "N", default_value_t = count(Protocol::default().epochs))]
    epochs: NonZeroU32,
    /// Images in a step
    #[arg(long, value_name = "N", default_value_t = count(Protocol::default().batch_size))]
    batch_size: NonZeroU32,
    /// Step size of the optimizer at the start, above 0; it falls to nothing along half a cosine
    #[arg(long, value_name = "RATE", default_value_t = Protocol::default().learning_rate, value_parser = positive)]
    learning_rate: f64,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = Protocol::default().seed)]
    seed: u64,
    /// Where to compute: cpu or cuda:N
    #[arg(long, default_value_t = DeviceChoice::Cpu, help_heading = RUNNING)]
    device: DeviceChoice,
}

fn count(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN)
}

fn main() -> ExitCode {
    let args = stage_cli::parse::<Args>();
    let protocol = Protocol {
        first: args.first,
        count: args.count.get(),
        epochs: args.epochs.get(),
        batch_size: args.batch_size.get(),
        learning_rate: args.learning_rate,
        seed: args.seed,
        ..Protocol::default()
    };
    let config = Config { run: args.stage.run_dir(), protocol, device: args.device };
    stage_cli::run(&args.stage.options(), |options, progress| reader_train::run(&config, options, progress))
}

//! The stage recon-eval on the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use recon_eval::Config;
use run_store::RunDir;
use stage_cli::{RUNNING, StageArgs};
use training::DeviceChoice;

/// Judges reconstructions: a trained autoencoder, its dataset and a reader in; how many digits can still be read, and how exact
/// the pixels are, out.
///
/// A reconstruction is readable if the reader, which `reader-train` makes, gives its true digit at least half of the
/// probability. It says so of the first 16 test images and of all that the model was judged on, after each epoch that the
/// training kept, with mean squared error, cross-entropy, peak signal-to-noise ratio and structural similarity.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    stage: StageArgs,
    /// Folder of a prepared dataset whose reader judges [default: the one the model was trained on]
    #[arg(long, value_name = "DIR")]
    reader: Option<PathBuf>,
    /// Where to compute: cpu or cuda:N
    #[arg(long, default_value_t = DeviceChoice::Cpu, help_heading = RUNNING)]
    device: DeviceChoice,
}

fn main() -> ExitCode {
    let args = stage_cli::parse::<Args>();
    let config = Config { run: args.stage.run_dir(), reader: args.reader.map(RunDir::new), device: args.device };
    stage_cli::run(&args.stage.options(), |options, progress| recon_eval::run(&config, options, progress))
}

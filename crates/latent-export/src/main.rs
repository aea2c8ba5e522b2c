//! The stage latent-export on the command line.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use latent_export::Config;
use run_store::RunDir;
use stage_cli::{RUNNING, StageArgs};
use training::DeviceChoice;

/// Exports latents: a trained encoder and its dataset in; index, label and latent of every image out, in Parquet.
///
/// Latents are taken in inference mode, after the latent layer's activation; those of a variational encoder are its means. pandas, DuckDB and polars read the files as
/// they are: columns index, label, z00, z01, …
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    stage: StageArgs,
    /// Folder of the prepared dataset [default: the one the model was trained on]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Export the first N training images [default: as many as the model was trained on]
    #[arg(long, value_name = "N")]
    train_count: Option<NonZeroU32>,
    /// Export the first N test images [default: as many as the model was judged on]
    #[arg(long, value_name = "N")]
    test_count: Option<NonZeroU32>,
    /// Export the log variances of a variational encoder too: columns logvar00, logvar01, …
    #[arg(long)]
    with_logvar: bool,
    /// Where to compute: cpu or cuda:N
    #[arg(long, default_value_t = DeviceChoice::Cpu, help_heading = RUNNING)]
    device: DeviceChoice,
}

fn main() -> ExitCode {
    let args = stage_cli::parse::<Args>();
    let config = Config {
        run: args.stage.run_dir(),
        data: args.data.map(RunDir::new),
        train_count: args.train_count.map(NonZeroU32::get),
        test_count: args.test_count.map(NonZeroU32::get),
        with_logvar: args.with_logvar,
        device: args.device,
    };
    stage_cli::run(&args.stage.options(), |options, progress| latent_export::run(&config, options, progress))
}

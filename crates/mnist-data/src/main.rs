//! The stage mnist-data on the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Parser;
use mnist_data::Config;
use run_store::{RunDir, parse_name, raw_dataset};
use stage_cli::StageArgs;

/// Prepares a dataset of grey images: four IDX files in, one checked file out.
///
/// Takes the MNIST-like quartet of a folder (train-images-idx3-ubyte and its three fellows, raw or .gz), or four files
/// of your own.
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    stage: StageArgs,
    /// Folder of the quartet [default: data/raw/NAME]
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    source: Option<PathBuf>,
    /// Name of the dataset [default: the last part of --run]
    #[arg(long, value_parser = run_store::parse_name)]
    name: Option<String>,
    #[command(flatten)]
    files: Option<Files>,
}

/// Four files of your own.
#[derive(clap::Args)]
#[group(id = "files", multiple = true)]
struct Files {
    /// Training images, IDX3 of bytes, raw or gzip
    #[arg(long, value_name = "FILE", required = false, requires_all = ["train_labels", "test_images", "test_labels"])]
    train_images: PathBuf,
    /// Training labels, IDX1 of bytes, raw or gzip
    #[arg(long, value_name = "FILE", required = false, requires_all = ["train_images", "test_images", "test_labels"])]
    train_labels: PathBuf,
    /// Test images, likewise
    #[arg(long, value_name = "FILE", required = false, requires_all = ["train_images", "train_labels", "test_labels"])]
    test_images: PathBuf,
    /// Test labels, likewise
    #[arg(long, value_name = "FILE", required = false, requires_all = ["train_images", "train_labels", "test_images"])]
    test_labels: PathBuf,
}

impl Args {
    fn config(self) -> anyhow::Result<Config> {
        let run = self.stage.run_dir();
        let named_after = |run: &RunDir| {
            parse_name(&run.name()).map_err(|expected| anyhow!("{}: {expected}; use --name", run.path().display()))
        };
        let name = self.name.map_or_else(|| named_after(&run), Ok)?;
        match self.files {
            Some(files) => Ok(Config {
                run,
                name,
                images: [files.train_images, files.test_images],
                labels: [files.train_labels, files.test_labels],
            }),
            None => {
                let source = self.source.unwrap_or_else(|| raw_dataset(&name));
                Config::quartet(run, name, &source)
            }
        }
    }
}

fn main() -> ExitCode {
    let args = stage_cli::parse::<Args>();
    let options = args.stage.options();
    stage_cli::run(&options, |options, progress| mnist_data::run(&args.config()?, options, progress))
}

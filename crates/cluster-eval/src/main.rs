//! The stage cluster-eval on the command line.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cluster_eval::{Config, Parameters, Prediction};
use run_store::RunDir;
use stage_cli::{StageArgs, positive, subcommand};

/// The command beside the stage itself.
const PREDICT: &str = "predict";

/// Clusters latents with K-means, and scores how well the clusters find the labels.
///
/// Labels are never used to fit: they name and score the clusters afterwards. Names are learnt on the training split and
/// applied to both.
///
/// `cluster-eval predict` assigns other latents to the clusters, without fitting anything: see `cluster-eval predict --help`.
#[derive(Parser)]
#[command(version)]
struct FitArgs {
    #[command(flatten)]
    stage: StageArgs,
    /// Keep the result in a folder of its own, cluster-eval@TAG, beside the run's
    #[arg(long, value_parser = run_store::parse_tag)]
    tag: Option<String>,
    /// Clusters [default: one a class]
    #[arg(long, value_name = "N")]
    k: Option<NonZeroU32>,
    /// Fits from different k-means++ seedings, of which the one with the lowest inertia is kept
    #[arg(long, value_name = "N", default_value = "10")]
    restarts: NonZeroU32,
    /// The most iterations of one fit
    #[arg(long, value_name = "N", default_value = "300")]
    iterations: NonZeroU32,
    /// A fit ends when the centroids, all taken together, move less than this
    #[arg(long, value_name = "DISTANCE", default_value = "1e-4", value_parser = positive)]
    tolerance: f64,
    /// Read the latents a few row groups at a time, at every pass, and hold no more of them: for files larger than memory. The
    /// clusters are the same up to rounding
    #[arg(long)]
    mini_batch: bool,
    /// The most images that the silhouette is taken over
    #[arg(long, value_name = "N", default_value = "4000")]
    silhouette_sample: NonZeroU32,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// Assigns latents to the clusters of a run, without fitting anything.
#[derive(Parser)]
#[command(version)]
struct PredictArgs {
    /// Folder of the run whose clusters are used
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// Use the clusters of cluster-eval@TAG
    #[arg(long, value_parser = run_store::parse_tag)]
    tag: Option<String>,
    /// Latents to assign, exported with the same encoder
    #[arg(long, value_name = "FILE")]
    latents: PathBuf,
    /// Parquet file to write: split, index, label, cluster, name, distance, confidence
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

impl FitArgs {
    fn config(&self) -> Config {
        let parameters = Parameters {
            k: self.k.map(NonZeroU32::get),
            restarts: self.restarts.get(),
            iterations: self.iterations.get(),
            tolerance: self.tolerance,
            silhouette_sample: self.silhouette_sample.get(),
            seed: self.seed,
            mini_batch: self.mini_batch,
        };
        Config { run: self.stage.run_dir(), tag: self.tag.clone(), parameters }
    }
}

fn fit(args: &FitArgs) -> ExitCode {
    stage_cli::run(&args.stage.options(), |options, progress| {
        // linfa's loops run on rayon's threads.
        let threads = options.threads as usize;
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
        cluster_eval::run(&args.config(), options, progress)
    })
}

fn predict(args: PredictArgs) -> ExitCode {
    let output = args.output.clone();
    let prediction =
        Prediction { run: RunDir::new(args.run), tag: args.tag, latents: args.latents, output: args.output };
    stage_cli::report(
        cluster_eval::predict(&prediction).map(|count| format!("{}: {count} latents assigned", output.display())),
    )
}

fn main() -> ExitCode {
    match subcommand(PREDICT) {
        Some(words) => predict(PredictArgs::parse_from(words)),
        None => fit(&FitArgs::parse()),
    }
}

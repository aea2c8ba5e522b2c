//! The stage cluster-eval on the command line.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use cluster_eval::{Choice, Config, Parameters, Prediction};
use clustering::FitOptions;
use run_store::{ClusterCount, ClusterCounts, RunDir, one_line};
use stage_cli::{StageArgs, positive, subcommand};

/// The commands beside the stage itself.
const PREDICT: &str = "predict";
const CHOOSE: &str = "choose";

/// Clusters latents with K-means, and scores how well the clusters find the labels.
///
/// Labels are never used to fit: they name and score the clusters afterwards. Names are learnt on the training split and
/// applied to both.
///
/// `cluster-eval predict` assigns other latents to the clusters, without fitting anything; `cluster-eval choose` says how many
/// clusters there are, where that is not known. `--help` behind either says more.
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
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=MOST_FITS))]
    restarts: u32,
    /// The most iterations of one fit
    #[arg(long, value_name = "N", default_value_t = FitOptions::ITERATIONS, value_parser = clap::value_parser!(u32).range(1..))]
    iterations: u32,
    /// A fit ends when the centroids, all taken together, move less than this
    #[arg(long, value_name = "DISTANCE", default_value_t = FitOptions::TOLERANCE, value_parser = positive)]
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

/// Says how many clusters latents fall into, without a label.
///
/// For each number of clusters: the silhouette, how far clusters lie apart; and the stability, how far two random halves of the
/// latents lead to the same clusters (adjusted Rand index, mean over splits ± standard deviation). What is best by either is
/// marked. Writes cluster-counts.json into the run, which `run-report figures` draws.
#[derive(Parser)]
#[command(version)]
struct ChooseArgs {
    /// Folder of the run whose training latents are clustered
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// The fewest clusters to try
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=MOST_CLUSTERS))]
    from: u32,
    /// The most clusters to try
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=MOST_CLUSTERS))]
    to: u32,
    /// How often the latents are split into halves
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=MOST_FITS))]
    splits: u32,
    /// Fits from different k-means++ seedings, of which the one with the lowest inertia is kept
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=MOST_FITS))]
    restarts: u32,
    /// The most images that the silhouette is taken over
    #[arg(long, value_name = "N", default_value = "4000")]
    silhouette_sample: NonZeroU32,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// As many as the scores can tell apart.
const MOST_CLUSTERS: i64 = 256;

/// More would go on for days.
const MOST_FITS: i64 = 10_000;

impl FitArgs {
    fn config(&self) -> Config {
        let parameters = Parameters {
            k: self.k.map(NonZeroU32::get),
            restarts: self.restarts,
            iterations: self.iterations,
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
        // K-means runs on rayon's threads.
        let threads = options.threads as usize;
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
        cluster_eval::run(&args.config(), options, progress)
    })
}

fn predict(args: PredictArgs) -> ExitCode {
    let output = one_line(&args.output.display().to_string());
    let prediction =
        Prediction { run: RunDir::new(args.run), tag: args.tag, latents: args.latents, output: args.output };
    stage_cli::report(cluster_eval::predict(&prediction).map(|count| format!("{output}: {count} latents assigned")))
}

fn choose(args: ChooseArgs) -> ExitCode {
    if args.from > args.to {
        let message = format!("--from {} is above --to {}", args.from, args.to);
        ChooseArgs::command().bin_name("cluster-eval choose").error(ErrorKind::ValueValidation, message).exit();
    }
    let choice = Choice {
        run: RunDir::new(args.run),
        cluster_counts: args.from..=args.to,
        restarts: args.restarts,
        split_count: args.splits,
        silhouette_sample: args.silhouette_sample.get(),
        seed: args.seed,
    };
    let tried = |row: &ClusterCount| stage_cli::say(&format!("{} clusters ...", row.cluster_count));
    stage_cli::report(cluster_eval::choose(&choice, tried).map(|counts| table(&counts)))
}

/// What was found, for people, a line for each number of clusters.
fn table(counts: &ClusterCounts) -> String {
    let (silhouette, stability) = (counts.best_silhouette(), counts.most_stable());
    let mark = |best: Option<u32>, row: &ClusterCount| if best == Some(row.cluster_count) { '*' } else { ' ' };
    let line = |row: &ClusterCount| {
        let of_silhouette = row.silhouette.map_or_else(|| "-".to_owned(), |mean| format!("{mean:.3}"));
        let deviation = row.stability_deviation.map_or_else(String::new, |deviation| format!(" ± {deviation:.3}"));
        format!(
            "{:>8}  {of_silhouette:>10}{}  {:>15}{}  {:>16.4}",
            row.cluster_count,
            mark(silhouette, row),
            format!("{:.3}{deviation}", row.stability),
            mark(stability, row),
            row.inertia_per_image
        )
    };
    let mut lines =
        vec![format!("{:>8}  {:>10}   {:>15}   {:>16}", "clusters", "silhouette", "stability", "inertia an image")];
    lines.extend(counts.rows.iter().map(line));
    lines.join("\n")
}

fn main() -> ExitCode {
    if let Some(words) = subcommand(PREDICT) {
        predict(stage_cli::parse_from(words))
    } else if let Some(words) = subcommand(CHOOSE) {
        choose(stage_cli::parse_from(words))
    } else {
        fit(&stage_cli::parse())
    }
}

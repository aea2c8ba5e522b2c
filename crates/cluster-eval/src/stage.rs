//! The stage around the clustering: what it reads, what it writes.

use std::collections::BTreeMap;

use anyhow::Context;
use clustering::{Assigned, FitOptions, assign, fit};
use run_store::{
    Assignments, ClusterMetrics, ClusterSplitMetrics, Environment, FinishedStage, KMeansModel, LatentSplits, Latents,
    Plan, RunDir, SilhouetteMetrics, Split, Stage, file, write_document,
};
use serde::Serialize;
use stage_cli::{Options, Progress, Summary, execute, percent};

use crate::scores::{ClusterNames, ContingencyTable, adjusted_rand_index, normalized_mutual_information, silhouette};

/// What to cluster, and where it goes.
#[derive(Clone, Debug)]
pub struct Config {
    /// The run.
    pub run: RunDir,
    /// Keeps this clustering beside the run's own.
    pub tag: Option<String>,
    /// What decides the outputs.
    pub parameters: Parameters,
}

/// Everything that decides the outputs. It is what the manifest records as parameters.
#[derive(Clone, Debug, Serialize)]
pub struct Parameters {
    /// Clusters; by default one a class.
    pub k: Option<u32>,
    /// Fits from different seedings.
    pub restarts: u32,
    /// The most iterations of one fit.
    pub iterations: u32,
    /// How little the centroids must move for a fit to end.
    pub tolerance: f64,
    /// The most images that a silhouette is taken over.
    pub silhouette_sample: u32,
    /// The seed.
    pub seed: u64,
}

/// Clusters the latents, unless they are up to date.
///
/// # Errors
/// The latents are missing, broken, or disagree; there are too few for so many clusters; or the destination cannot be
/// written.
pub fn run(config: &Config, options: &Options, progress: &mut dyn Progress) -> anyhow::Result<Summary> {
    let dir = config.run.stage(Stage::ClusterEval, config.tag.as_deref());
    let exported = FinishedStage::open(config.run.stage(Stage::LatentExport, None))?;
    let (train_file, test_file) = (exported.file(file::TRAIN_LATENTS)?, exported.file(file::TEST_LATENTS)?);
    let plan = Plan::new(dir.clone(), &config.parameters)?
        .input(file::TRAIN_LATENTS, &train_file)
        .input(file::TEST_LATENTS, &test_file);
    let outcome = execute(plan, options, progress, |work, _| {
        let latents = LatentSplits::read(train_file.path(), test_file.path())?;
        let (model, metrics, assignments) =
            cluster(&config.parameters, &latents).with_context(|| train_file.path().display().to_string())?;
        model.write(&work.file(file::KMEANS))?;
        assignments.write(&work.file(file::ASSIGNMENTS))?;
        write_document(&work.file(file::METRICS), &metrics)?;
        Ok(Environment {
            threads: options.threads,
            device: "cpu".to_owned(),
            precision: "f64".to_owned(),
            libtorch: None,
        })
    })?;
    Summary::of_stage(&dir, outcome, figures)
}

fn cluster(
    parameters: &Parameters,
    latents: &LatentSplits,
) -> anyhow::Result<(KMeansModel, ClusterMetrics, Assignments)> {
    let (LatentSplits { train, test }, class_count) = (latents, latents.class_count());
    let cluster_count = parameters.k.unwrap_or(class_count);
    let dimensions = train.dimensions;
    let fitting = FitOptions {
        cluster_count: cluster_count as usize,
        restarts: parameters.restarts as usize,
        iterations: u64::from(parameters.iterations),
        tolerance: parameters.tolerance,
        seed: parameters.seed,
    };
    let centroids = fit(&train.values, dimensions, &fitting)?;
    let splits = [(Split::Train, train), (Split::Test, test)];
    let assigned = splits.map(|(_, latents)| assign(&latents.values, &centroids, dimensions));
    let table = |latents: &Latents, assigned: &Assigned| {
        let (clusters, classes) = (cluster_count as usize, class_count as usize);
        ContingencyTable::from_assignments(&assigned.clusters, &latents.labels, clusters, classes)
    };
    let [train_assigned, test_assigned] = &assigned;
    let tables = [table(train, train_assigned)?, table(test, test_assigned)?];
    let [train_table, _] = &tables;
    let (majority, one_to_one) = (ClusterNames::by_majority(train_table), ClusterNames::one_to_one(train_table));

    let mut metrics = ClusterMetrics {
        cluster_count,
        majority_names: majority.as_slice().to_vec(),
        one_to_one_names: one_to_one.as_slice().to_vec(),
        splits: BTreeMap::new(),
    };
    let mut assignments = Assignments::default();
    for (((split, latents), assigned), table) in splits.into_iter().zip(&assigned).zip(&tables) {
        let sample = parameters.silhouette_sample as usize;
        let silhouette = silhouette(&latents.values, dimensions, &assigned.clusters, sample, parameters.seed);
        let scores = ClusterSplitMetrics {
            count: table.total(),
            majority_accuracy: majority.accuracy(table),
            one_to_one_accuracy: one_to_one.accuracy(table),
            normalized_mutual_information: normalized_mutual_information(table),
            adjusted_rand_index: adjusted_rand_index(table),
            inertia: assigned.inertia(),
            silhouette: silhouette.map(|silhouette| SilhouetteMetrics {
                mean: silhouette.mean,
                sample_size: silhouette.sample_size as u64,
            }),
            cluster_by_class: table.rows().map(<[u64]>::to_vec).collect(),
        };
        metrics.splits.insert(split.to_string(), scores);
        assignments.append(split, latents, &assigned.clusters, &assigned.squared_distances, majority.as_slice());
    }
    let model = KMeansModel {
        dimensions: u32::try_from(dimensions)?,
        centroids,
        majority_names: metrics.majority_names.clone(),
        one_to_one_names: metrics.one_to_one_names.clone(),
        model_fingerprint: train.header.model_fingerprint.clone(),
    };
    Ok((model, metrics, assignments))
}

fn figures(metrics: &ClusterMetrics) -> Vec<(String, String)> {
    let mut figures = vec![("clusters".to_owned(), metrics.cluster_count.to_string())];
    for (split, scores) in metrics.splits.iter().rev() {
        let silhouette = scores.silhouette.as_ref().map_or_else(
            || "undefined".to_owned(),
            |silhouette| format!("{:.4} (of {} images)", silhouette.mean, silhouette.sample_size),
        );
        figures.extend([
            (format!("{split} accuracy, majority names"), percent(scores.majority_accuracy)),
            (format!("{split} accuracy, one-to-one names"), percent(scores.one_to_one_accuracy)),
            (format!("{split} mutual information"), format!("{:.4}", scores.normalized_mutual_information)),
            (format!("{split} adjusted Rand index"), format!("{:.4}", scores.adjusted_rand_index)),
            (format!("{split} inertia"), format!("{:.1}", scores.inertia)),
            (format!("{split} silhouette"), silhouette),
        ]);
    }
    figures
}

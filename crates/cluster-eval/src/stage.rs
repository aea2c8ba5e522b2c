//! The stage around the clustering: what it reads, what it writes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use clustering::{FitOptions, Points, assign, fit_pieces};
use run_store::{
    AssignmentsWriter, ClusterMetrics, ClusterSplitMetrics, Environment, FinishedStage, KMeansModel, LatentsFile, Plan,
    RunDir, SilhouetteMetrics, Split, Stage, file, write_document,
};
use serde::Serialize;
use stage_cli::{Options, Progress, Summary, execute, percent};

use crate::advice::advised;
use crate::scores::{
    ClusterNames, ContingencyTable, Silhouette, adjusted_rand_index, normalized_mutual_information, silhouette,
    silhouette_sample,
};
use crate::source::{Source, assigned_rows};

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
    /// Whether latents are read a piece at a time, at every pass: sums are then rounded otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mini_batch: bool,
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
        let [train, test] = LatentsFile::open_exports(&exported, [&train_file, &test_file])?;
        let is_streamed = config.parameters.mini_batch;
        let splits = [Source::new(train, is_streamed)?, Source::new(test, is_streamed)?];
        let paths = [train_file.path(), test_file.path()];
        let (model, metrics) = cluster(&config.parameters, (&splits, paths), &work.file(file::ASSIGNMENTS)?)?;
        model.write(&work.file(file::KMEANS)?)?;
        write_document(&work.file(file::METRICS)?, &metrics)?;
        Ok(Environment {
            threads: options.threads,
            device: "cpu".to_owned(),
            // Which centroid is nearest is decided in f32 on the way; sums, and what is written, are f64.
            precision: "f64".to_owned(),
            libtorch: None,
        })
    })?;
    Summary::of_stage(&dir, outcome, figures)
}

/// Fits, writes the cluster of every image to `path`, and scores.
fn cluster(
    parameters: &Parameters,
    ([train, test], [train_path, test_path]): (&[Source; 2], [&Path; 2]),
    path: &Path,
) -> anyhow::Result<(KMeansModel, ClusterMetrics)> {
    let class_count = train.header().class_count.max(test.header().class_count);
    let cluster_count = parameters.k.unwrap_or(class_count);
    let most = ClusterMetrics::most_clusters(class_count);
    // More than there are latents is another fault, which fitting finds first of all.
    ensure!(
        cluster_count <= most || cluster_count as usize > train.count(),
        "{}: expected at most {most} clusters where there are {class_count} classes, as their figures fill a document, found {cluster_count}; \
         use a lower --k",
        train_path.display()
    );
    let fitting = FitOptions {
        cluster_count: cluster_count as usize,
        restarts: parameters.restarts as usize,
        iterations: u64::from(parameters.iterations),
        tolerance: parameters.tolerance,
        seed: parameters.seed,
    };
    let centroids = fit_pieces(train, &fitting)
        .map_err(|error| advised(error, "--k"))
        .with_context(|| train_path.display().to_string())?;
    let splits = [(Split::Train, train), (Split::Test, test)];
    let classes = class_count as usize;
    let mut judged = Vec::with_capacity(splits.len());
    for ((_, source), path) in splits.into_iter().zip([train_path, test_path]) {
        let of_split = judge(source, &centroids, classes, parameters);
        judged.push(of_split.with_context(|| path.display().to_string())?);
    }
    // Names are learnt on the training split.
    let train_table = &judged[0].table;
    let (majority, one_to_one) = (ClusterNames::by_majority(train_table), ClusterNames::one_to_one(train_table));

    let mut metrics = ClusterMetrics {
        cluster_count,
        majority_names: majority.as_slice().to_vec(),
        one_to_one_names: one_to_one.as_slice().to_vec(),
        splits: BTreeMap::new(),
    };
    let mut writer = AssignmentsWriter::create(path)?;
    for ((split, source), Judged { table, inertia, silhouette }) in splits.into_iter().zip(&judged) {
        let scores = ClusterSplitMetrics {
            count: table.total(),
            majority_accuracy: majority.accuracy(table),
            one_to_one_accuracy: one_to_one.accuracy(table),
            normalized_mutual_information: normalized_mutual_information(table),
            adjusted_rand_index: adjusted_rand_index(table),
            inertia: *inertia,
            silhouette: silhouette.map(|silhouette| SilhouetteMetrics {
                mean: silhouette.mean,
                sample_size: silhouette.sample_size as u64,
            }),
            cluster_by_class: table.rows().map(<[u64]>::to_vec).collect(),
        };
        metrics.splits.insert(split.to_string(), scores);
        source
            .for_each(&mut |latents| Ok(writer.write(&assigned_rows(latents, &centroids, majority.as_slice()))?))?;
    }
    writer.finish()?;
    let model = KMeansModel {
        dimensions: u32::try_from(train.dimensions())?,
        centroids,
        majority_names: metrics.majority_names.clone(),
        one_to_one_names: metrics.one_to_one_names.clone(),
        model_fingerprint: train.header().model_fingerprint.clone(),
    };
    Ok((model, metrics))
}

/// What a pass over one split tells of its clusters.
struct Judged {
    table: ContingencyTable,
    inertia: f64,
    silhouette: Option<Silhouette>,
}

fn judge(source: &Source, centroids: &[f64], classes: usize, parameters: &Parameters) -> anyhow::Result<Judged> {
    let dimensions = source.dimensions();
    let clusters = centroids.len() / dimensions;
    let sample = silhouette_sample(source.count(), parameters.silhouette_sample as usize, parameters.seed);
    let mut wanted = sample.iter().copied().peekable();
    let (mut sampled, mut sampled_clusters) = (Vec::new(), Vec::new());
    let (mut first, mut inertia, mut whole) = (0, 0.0, None::<ContingencyTable>);
    source.for_each(&mut |latents| {
        let assigned = assign(&latents.values, centroids, dimensions);
        let table = ContingencyTable::from_assignments(&assigned.clusters, &latents.labels, clusters, classes)?;
        whole = Some(match whole.take() {
            Some(whole) => whole.plus(&table)?,
            None => table,
        });
        inertia += assigned.inertia();
        let count = latents.labels.len();
        while let Some(position) = wanted.next_if(|position| *position < first + count) {
            let row = position - first;
            sampled.extend_from_slice(&latents.values[row * dimensions..][..dimensions]);
            sampled_clusters.push(assigned.clusters[row]);
        }
        first += count;
        Ok(())
    })?;
    Ok(Judged {
        table: whole.context("there are no latents")?,
        inertia,
        silhouette: silhouette(&sampled, dimensions, &sampled_clusters),
    })
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use run_store::{LatentWriter, LatentsHeader};

    use super::*;

    /// Row groups of so many that each is a piece of its own.
    const GROUPS: [usize; 3] = [40_000, 50_000, 30_007];

    #[test]
    fn pieces_are_judged_as_all_latents_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.parquet");
        let name = || "test".to_owned();
        let header = LatentsHeader {
            run: name(),
            model: name(),
            model_fingerprint: name(),
            dataset: name(),
            split: "train".to_owned(),
            class_count: 10,
        };
        let mut writer = LatentWriter::create(&path, &header, 1, false).unwrap();
        let mut first = 0;
        for count in GROUPS {
            let values: Vec<f32> = (first..first + count).map(|row| (row * 7 % 1000) as f32).collect();
            let labels: Vec<u8> = (first..first + count).map(|row| (row * 7 % 1000 / 100) as u8).collect();
            writer.write(first as u32, &labels, &values, &[]).unwrap();
            first += count;
        }
        writer.finish().unwrap();
        let parameters = Parameters {
            k: None,
            restarts: 1,
            iterations: 1,
            tolerance: 1.0,
            silhouette_sample: 300,
            seed: 3,
            mini_batch: true,
        };
        let judged = |is_streamed: bool| {
            let source = Source::new(LatentsFile::open(&path).unwrap(), is_streamed).unwrap();
            let mut pieces = 0;
            let mut count = |_: &_| {
                pieces += 1;
                Ok(())
            };
            source.for_each(&mut count).unwrap();
            assert_eq!(pieces, if is_streamed { GROUPS.len() } else { 1 });
            judge(&source, &[120.0, 480.0, 900.0], 10, &parameters).unwrap()
        };
        let (held, streamed) = (judged(false), judged(true));
        assert_eq!(held.table.total(), 120_007);
        assert!(held.table.rows().eq(streamed.table.rows()));
        assert!((held.inertia / streamed.inertia - 1.0).abs() < 1e-12);
        let means = [&held, &streamed].map(|judged| judged.silhouette.as_ref().map(|found| found.mean));
        assert!(means[0].is_some_and(|mean| mean > 0.0) && means[0] == means[1], "{means:?}");
    }
}

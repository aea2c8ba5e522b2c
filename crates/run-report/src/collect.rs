//! Run folders → what their stages measured.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use run_store::{
    ClassifyMetrics, ClusterMetrics, Document, FinishedStage, Manifest, ReconstructionMetrics, RunDir, Split, Stage,
    StageDir, StoreError, TrainMetrics, file, read_document,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::figure::Figure;
use crate::stage::{StageRecord, StageState, Upstream, open};

/// The stages of a run, in order; a prepared dataset is no run of a model.
pub(crate) fn stages() -> impl Iterator<Item = Stage> {
    Stage::ALL.into_iter().filter(|stage| !stage.is_of_dataset())
}

/// What was found where runs were looked for.
#[derive(Debug)]
pub struct Collected {
    /// Folders that hold at least one stage, in the order given, each once.
    pub runs: Vec<Run>,
    /// Folders that hold none.
    pub skipped: Vec<PathBuf>,
}

/// What is on disk of one run.
#[derive(Debug)]
pub struct Run {
    /// The run.
    pub dir: RunDir,
    /// Every stage, whether it has run or not.
    pub stages: BTreeMap<Stage, StageRecord>,
    /// What was trained, and on what; none before training has ended.
    pub training: Option<Training>,
    /// The figures of finished stages.
    pub figures: BTreeMap<Figure, f64>,
    /// The parameters of finished stages.
    pub parameters: BTreeMap<Stage, Map<String, Value>>,
    /// What a reader says of the reconstructions, epoch by epoch.
    pub reconstructions: Option<ReconstructionMetrics>,
    /// Clusters that K-means looked for.
    pub cluster_count: Option<u32>,
    /// Other clusterings and classifiers of the same latents.
    pub variants: Vec<Variant>,
}

/// What was trained, and on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// The model, such as `cae`.
    pub model: String,
    /// Values in a latent vector.
    pub latent_dim: u64,
    /// The dataset's name.
    pub dataset: String,
    /// The seed.
    pub seed: u64,
    /// Epochs trained.
    pub epochs: u32,
    /// Training images.
    pub train_count: u32,
    /// Test images.
    pub test_count: u32,
}

/// A clustering or classifier beside the run's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// The stage that it is a variant of.
    pub variant_of: Stage,
    /// What tells it apart.
    pub tag: String,
    /// How its folder stands.
    #[serde(flatten)]
    pub stage: StageRecord,
    /// Clusters that K-means looked for, if it is a clustering.
    pub cluster_count: Option<u32>,
    /// Its figures.
    pub figures: BTreeMap<Figure, f64>,
}

/// Reads the runs at `paths`. Files among them are passed over, so that a shell's `artifacts/*` may be given.
///
/// # Errors
/// A path does not exist. What is wrong inside a run is no error: it stands in the run's stages.
pub fn collect(paths: &[PathBuf]) -> Result<Collected, StoreError> {
    let mut collected = Collected { runs: Vec::new(), skipped: Vec::new() };
    let mut seen = BTreeSet::new();
    for path in paths {
        if !path.exists() {
            let advice = "expected the folder of a run, such as artifacts/cae-32".to_owned();
            return Err(StoreError::Missing { path: path.clone(), advice });
        }
        let identity = path.canonicalize().map_err(StoreError::io("read", path))?;
        if !path.is_dir() || !seen.insert(identity) {
            continue;
        }
        // Without the slash that a shell's `artifacts/*/` leaves at the end.
        let run = Run::read(RunDir::new(path.components().collect::<PathBuf>()));
        if run.is_empty() {
            collected.skipped.push(path.clone());
        } else {
            collected.runs.push(run);
        }
    }
    Ok(collected)
}

impl Run {
    /// Reads what is on disk of the run `dir`.
    fn read(dir: RunDir) -> Self {
        let mut run = Self {
            dir,
            stages: BTreeMap::new(),
            training: None,
            figures: BTreeMap::new(),
            parameters: BTreeMap::new(),
            reconstructions: None,
            cluster_count: None,
            variants: Vec::new(),
        };
        let mut upstream = Upstream::default();
        for stage in stages() {
            let dir = run.dir.stage(stage, None);
            let measured = open(&dir, &upstream).and_then(|finished| Ok((Measured::read(&dir, &finished)?, finished)));
            let record = match measured {
                Ok((measured, finished)) => {
                    run.figures.extend(measured.figures);
                    run.training = run.training.or(measured.training);
                    run.cluster_count = run.cluster_count.or(measured.cluster_count);
                    run.reconstructions = run.reconstructions.or(measured.reconstructions);
                    run.parameters.insert(stage, finished.manifest().parameters.clone());
                    upstream.finished.insert(stage.name(), finished.manifest().clone());
                    StageRecord::finished(&dir, finished.manifest())
                }
                Err(reason) => {
                    if reason.state == StageState::Outdated {
                        upstream.outdated.insert(stage.name());
                    }
                    StageRecord::without_figures(&dir, reason)
                }
            };
            run.stages.insert(stage, record);
        }
        for stage in [Stage::ClusterEval, Stage::LatentClassify] {
            let tags = run.dir.tags(stage);
            run.variants.extend(tags.into_iter().map(|tag| Variant::read(&run.dir, stage, tag, &upstream)));
        }
        run
    }

    /// Whether nothing of a run is there.
    fn is_empty(&self) -> bool {
        self.variants.is_empty() && self.stages.values().all(|stage| stage.state == StageState::Missing)
    }

    /// Whether a stage of it could be read.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        let variants = self.variants.iter().map(|variant| &variant.stage);
        self.stages
            .values()
            .chain(variants)
            .any(|stage| stage.state != StageState::Unreadable && stage.state != StageState::Missing)
    }
}

impl Variant {
    fn read(run: &RunDir, variant_of: Stage, tag: String, upstream: &Upstream) -> Self {
        let dir = run.stage(variant_of, Some(&tag));
        let (stage, measured) = open(&dir, upstream)
            .and_then(|finished| {
                Ok((StageRecord::finished(&dir, finished.manifest()), Measured::read(&dir, &finished)?))
            })
            .unwrap_or_else(|reason| (StageRecord::without_figures(&dir, reason), Measured::default()));
        Self { variant_of, tag, stage, cluster_count: measured.cluster_count, figures: measured.figures }
    }
}

/// What a stage folder says of its run.
#[derive(Default)]
struct Measured {
    figures: BTreeMap<Figure, f64>,
    training: Option<Training>,
    reconstructions: Option<ReconstructionMetrics>,
    cluster_count: Option<u32>,
}

impl Measured {
    fn read(dir: &StageDir, finished: &FinishedStage) -> Result<Self, StoreError> {
        match dir.stage() {
            Stage::AeTrain => {
                let metrics: TrainMetrics = metrics(finished)?;
                // A lower bound is in nats an image: not to be compared with other losses.
                let losses = match metrics.elbo {
                    None => vec![(Figure::LossTrain, metrics.train_loss), (Figure::LossTest, metrics.test_loss)],
                    Some(elbo) => vec![
                        (Figure::NegativeElboTrain, metrics.train_loss),
                        (Figure::NegativeElboTest, metrics.test_loss),
                        (Figure::ReconstructionNatsTest, elbo.test.reconstruction_nats),
                        (Figure::KlNatsTest, elbo.test.kl_nats),
                    ],
                };
                let exactness = (Figure::MeanSquaredErrorTest, metrics.test_mean_squared_error);
                let training = training(dir, finished.manifest(), metrics)?;
                let figures = losses.into_iter().chain([exactness]).collect();
                Ok(Self { figures, training: Some(training), ..Self::default() })
            }
            Stage::ClusterEval => {
                let metrics: ClusterMetrics = metrics(finished)?;
                let train = split(&metrics.splits, Split::Train, dir)?;
                let figures = [
                    (Figure::MajorityAccuracyTrain, train.majority_accuracy),
                    (Figure::OneToOneAccuracyTrain, train.one_to_one_accuracy),
                    (Figure::NormalizedMutualInformationTrain, train.normalized_mutual_information),
                ];
                Ok(Self { figures: figures.into(), cluster_count: Some(metrics.cluster_count), ..Self::default() })
            }
            Stage::LatentClassify => {
                let metrics: ClassifyMetrics = metrics(finished)?;
                let figures = [
                    (Figure::ClassifierAccuracyTrain, split(&metrics.splits, Split::Train, dir)?.accuracy),
                    (Figure::ClassifierAccuracyTest, split(&metrics.splits, Split::Test, dir)?.accuracy),
                ];
                Ok(Self { figures: figures.into(), ..Self::default() })
            }
            Stage::ReconEval => {
                let metrics: ReconstructionMetrics = metrics(finished)?;
                let Some(last) = metrics.epochs.last() else {
                    let problem = "expected figures of at least one epoch, found none";
                    let advice = format!("rerun {} with --force", dir.stage());
                    return Err(StoreError::invalid(&dir.file(file::METRICS), problem, advice));
                };
                let always = [
                    (Figure::SheetReadable, f64::from(last.readable.sheet_readable)),
                    (Figure::ReadableShare, last.readable.readable_share),
                    (Figure::BinaryCrossEntropyTest, last.binary_cross_entropy),
                ];
                let ratio = last.peak_signal_to_noise_ratio_db.map(|ratio| (Figure::PeakSignalToNoiseRatioTest, ratio));
                let similarity = last.structural_similarity.map(|value| (Figure::StructuralSimilarityTest, value));
                let figures = always.into_iter().chain(ratio).chain(similarity).collect();
                Ok(Self { figures, reconstructions: Some(metrics), ..Self::default() })
            }
            Stage::MnistData | Stage::ReaderTrain | Stage::LatentExport => Ok(Self::default()),
        }
    }
}

fn metrics<M: Document>(finished: &FinishedStage) -> Result<M, StoreError> {
    read_document(finished.file(file::METRICS)?.path())
}

fn split<'a, T>(splits: &'a BTreeMap<String, T>, split: Split, dir: &StageDir) -> Result<&'a T, StoreError> {
    splits.get(split.name()).ok_or_else(|| {
        let problem = format!("expected figures of the {split} split, found none");
        StoreError::invalid(&dir.file(file::METRICS), problem, format!("rerun {} with --force", dir.stage()))
    })
}

fn training(dir: &StageDir, manifest: &Manifest, metrics: TrainMetrics) -> Result<Training, StoreError> {
    let lacks = |name: &str| {
        let problem = format!("expected the parameter `{name}`, found none");
        StoreError::invalid(&dir.file(file::MANIFEST), problem, format!("rerun {} with --force", dir.stage()))
    };
    let number = |name: &str| manifest.parameters.get(name).and_then(Value::as_u64).ok_or_else(|| lacks(name));
    let model = manifest.parameters.get("model").and_then(Value::as_str).ok_or_else(|| lacks("model"))?;
    Ok(Training {
        model: model.to_owned(),
        latent_dim: number("latent_dim")?,
        seed: number("seed")?,
        dataset: metrics.dataset,
        epochs: metrics.epochs,
        train_count: metrics.train_count,
        test_count: metrics.test_count,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use run_store::ModelKind;

    use super::*;
    use crate::testing::Example;

    fn example(folder: &Path) -> Example {
        Example::new(folder, "cae-32", ModelKind::Cae, 32)
    }

    fn states(run: &Run) -> Vec<StageState> {
        run.stages.values().map(|stage| stage.state).collect()
    }

    fn read(folder: &Path) -> Run {
        collect(&[folder.join("cae-32")]).unwrap().runs.remove(0)
    }

    #[test]
    fn a_whole_run_gives_every_figure() {
        let folder = tempfile::tempdir().unwrap();
        example(folder.path()).all();
        let run = read(folder.path());
        assert_eq!(states(&run), [StageState::Finished; 5]);
        // Only a variational model has a lower bound.
        let bound =
            [Figure::NegativeElboTrain, Figure::NegativeElboTest, Figure::ReconstructionNatsTest, Figure::KlNatsTest];
        let expected: Vec<Figure> = Figure::ALL.into_iter().filter(|figure| !bound.contains(figure)).collect();
        assert_eq!(run.figures.keys().copied().collect::<Vec<_>>(), expected);
        assert_eq!(run.training.unwrap().latent_dim, 32);
        let variational = Example::new(folder.path(), "cvae-2", ModelKind::Cvae, 2).train().dir;
        let run = collect(&[variational.path().to_owned()]).unwrap().runs.remove(0);
        assert!(bound.iter().all(|figure| run.figures.contains_key(figure)));
        assert!(!run.figures.contains_key(&Figure::LossTest));
    }

    #[test]
    fn files_and_repeated_folders_are_passed_over_and_empty_ones_named() {
        let folder = tempfile::tempdir().unwrap();
        example(folder.path()).train();
        std::fs::write(folder.path().join("README.md"), "").unwrap();
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        let paths = ["README.md", "cae-32/", "cae-32", "empty"].map(|name| folder.path().join(name));
        let collected = collect(&paths).unwrap();
        assert_eq!(collected.runs.len(), 1);
        assert!(!collected.runs[0].dir.path().display().to_string().ends_with('/'));
        assert_eq!(collected.skipped, [folder.path().join("empty")]);
    }

    #[test]
    fn a_path_that_is_not_there_is_named() {
        let error = collect(&[PathBuf::from("no/such-run")]).unwrap_err().to_string();
        assert!(error.starts_with("no/such-run is missing: expected the folder of a run"), "{error}");
    }

    #[test]
    fn what_was_made_from_earlier_weights_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        example(folder.path()).all().cluster(Some("k20"), 20, 0.6);
        // Other weights: neither the latents nor what came of them belong to them.
        example(folder.path()).epochs(5).train();
        let run = read(folder.path());
        use StageState::{Finished, Outdated};
        assert_eq!(states(&run), [Finished, Outdated, Outdated, Outdated, Outdated]);
        assert_eq!(run.variants[0].stage.state, Outdated);
        assert!(run.figures.keys().all(|figure| figure.stage() == Stage::AeTrain));
    }

    #[test]
    fn one_unreadable_stage_does_not_hide_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = example(folder.path()).all().newer_manifest(Stage::AeTrain).dir.stage(Stage::ClusterEval, None);
        std::fs::write(metrics.file(file::METRICS), "{").unwrap();
        let run = read(folder.path());
        use StageState::{Finished, Unreadable};
        assert_eq!(states(&run), [Unreadable, Finished, Unreadable, Finished, Finished]);
        let problem = |stage: Stage| run.stages[&stage].problem.clone().unwrap();
        assert!(problem(Stage::AeTrain).contains("schema version 99"), "{}", problem(Stage::AeTrain));
        assert!(problem(Stage::ClusterEval).contains("metrics.json"), "{}", problem(Stage::ClusterEval));
        assert!(run.figures.contains_key(&Figure::ClassifierAccuracyTest));
        assert!(run.is_readable());
    }
}

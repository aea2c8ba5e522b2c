//! Run folders → what their stages measured.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use run_store::{
    ArtifactsDir, Manifest, ProjectorDir, ReconstructionMetrics, RunDir, Stage, StageDir, StoreError, file,
    schema_version,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::figure::Figure;
use crate::given::RunChoice;
use crate::measured::Measured;
use crate::seeds::{Ancestor, ancestors};
use crate::stage::{StageRecord, StageState, Upstream, open};

#[cfg(test)]
#[path = "refined_tests.rs"]
pub(crate) mod refined;

/// The stages of a run, in order; a prepared dataset is no run of a model. Of a run whose model is refined, `ae-refine` stands in
/// the place of `ae-train`: what it leaves is of the same kind.
pub(crate) fn stages() -> impl Iterator<Item = Stage> {
    Stage::of_a_trained_run()
}

/// The same of several runs, of each of which `is_refined` says whether its model is: what trains and what refines has a place of
/// its own, as far as there is such a run.
pub(crate) fn stages_of(is_refined: impl Iterator<Item = bool>) -> Vec<Stage> {
    let is_refined: Vec<bool> = is_refined.collect();
    let of_model = [(Stage::AeTrain, is_refined.contains(&false)), (Stage::AeRefine, is_refined.contains(&true))];
    let of_model = of_model.into_iter().filter(|(_, is_there)| *is_there).map(|(stage, _)| stage);
    of_model.chain(stages().filter(|stage| *stage != Stage::AeTrain)).collect()
}

/// The stages that may have variants beside the run's own result.
pub(crate) const WITH_VARIANTS: [Stage; 2] = [Stage::ClusterEval, Stage::LatentClassify];

/// What was found where runs were looked for.
#[derive(Debug)]
pub struct Collected {
    /// Folders that hold at least one stage, in the order given, each once.
    pub runs: Vec<Run>,
    /// Folders that hold none.
    pub skipped: Vec<PathBuf>,
}

/// What is on disk of one run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The run.
    pub dir: RunDir,
    /// The variant that stands in the place of the run's own results where there is one.
    pub tag: Option<String>,
    /// Every stage, whether it has run or not.
    pub stages: BTreeMap<Stage, StageRecord>,
    /// What was trained, and on what; none before training has ended.
    pub training: Option<Training>,
    /// The figures of finished stages.
    pub figures: BTreeMap<Figure, f64>,
    /// What finished stages record of themselves.
    pub manifests: BTreeMap<Stage, Manifest>,
    /// The schema versions of those records.
    pub schema_versions: BTreeMap<Stage, u64>,
    /// What a reader says of the reconstructions, epoch by epoch.
    pub reconstructions: Option<ReconstructionMetrics>,
    /// Clusters that K-means looked for.
    pub cluster_count: Option<u32>,
    /// Other clusterings and classifiers of the same latents.
    pub variants: Vec<Variant>,
    /// What its model was refined from, the nearest first.
    pub(crate) ancestors: Vec<Ancestor>,
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

/// Reads the runs at `paths`. Files among them, the folder of figures and exports are passed over, so that a shell's
/// `artifacts/*` may be given.
///
/// # Errors
/// A path does not exist. What is wrong inside a run is no error: it stands in the run's stages.
pub fn collect(paths: &[PathBuf]) -> Result<Collected, StoreError> {
    collect_chosen(paths.iter().map(|path| RunChoice { path: path.clone(), tag: None }))
}

/// Reads the runs that were chosen, each once with each of its variants. Files among them are passed over.
///
/// # Errors
/// As [`collect()`].
pub fn collect_chosen(choices: impl IntoIterator<Item = RunChoice>) -> Result<Collected, StoreError> {
    let mut collected = Collected { runs: Vec::new(), skipped: Vec::new() };
    let mut seen = BTreeSet::new();
    for RunChoice { path, tag } in choices {
        if !path.exists() {
            let advice = "expected the folder of a run, such as artifacts/cae-32".to_owned();
            return Err(StoreError::Missing { path, advice });
        }
        let identity = path.canonicalize().map_err(StoreError::io("read", &path))?;
        if !path.is_dir() || !seen.insert((identity, tag.clone())) {
            continue;
        }
        // Without the slash that a shell's `artifacts/*/` leaves at the end.
        let run = Run::read(RunDir::new(path.components().collect::<PathBuf>()), tag);
        if !run.is_empty() {
            collected.runs.push(run);
        } else if !is_made_of_runs(&path) {
            collected.skipped.push(path);
        }
    }
    Ok(collected)
}

/// Whether `path` holds what is made of runs: figures of those beside it, or an export.
fn is_made_of_runs(path: &Path) -> bool {
    let is_of_figures = path.parent().is_some_and(|artifacts| ArtifactsDir::new(artifacts).figures().path() == path);
    is_of_figures || ProjectorDir::new(path).holds_export()
}

impl Run {
    /// Reads what is on disk of the run `dir`, with its variant `tag` in the place of the run's own results.
    fn read(dir: RunDir, tag: Option<String>) -> Self {
        let mut run = Self {
            dir,
            tag,
            stages: BTreeMap::new(),
            training: None,
            figures: BTreeMap::new(),
            manifests: BTreeMap::new(),
            schema_versions: BTreeMap::new(),
            reconstructions: None,
            cluster_count: None,
            variants: Vec::new(),
            ancestors: Vec::new(),
        };
        let mut upstream = Upstream::default();
        for stage in stages() {
            let dir = run.stage_dir(stage);
            let measured = open(&dir, &upstream).and_then(|finished| Ok((Measured::read(&dir, &finished)?, finished)));
            let record = match measured {
                Ok((measured, finished)) => {
                    run.figures.extend(measured.figures);
                    run.training = run.training.or(measured.training);
                    run.cluster_count = run.cluster_count.or(measured.cluster_count);
                    run.reconstructions = run.reconstructions.or(measured.reconstructions);
                    if stage == Stage::AeTrain {
                        run.ancestors = ancestors(&finished);
                    }
                    run.manifests.insert(stage, finished.manifest().clone());
                    run.schema_versions
                        .extend(schema_version(&dir.file(file::MANIFEST)).map(|version| (stage, version)));
                    upstream.finished.insert(dir.stage().name(), finished.manifest().clone());
                    StageRecord::finished(&dir, finished.manifest())
                }
                Err(reason) => {
                    if reason.state == StageState::Outdated {
                        upstream.outdated.insert(dir.stage().name());
                    }
                    StageRecord::without_figures(&dir, reason)
                }
            };
            run.stages.insert(stage, record);
        }
        for stage in WITH_VARIANTS {
            let tags = run.dir.tags(stage);
            run.variants.extend(tags.into_iter().map(|tag| Variant::read(&run.dir, stage, tag, &upstream)));
        }
        run
    }

    /// The folder of `stage`: the chosen variant's, if there is one.
    pub(crate) fn stage_dir(&self, stage: Stage) -> StageDir {
        if stage == Stage::AeTrain {
            return self.dir.model_stage();
        }
        let tag = self.tag.as_deref().filter(|tag| self.dir.tags(stage).iter().any(|known| known == tag));
        self.dir.stage(stage, tag)
    }

    /// The stages where the chosen variant stands in the place of the run's own result.
    pub(crate) fn chosen_variants(&self) -> Vec<Stage> {
        WITH_VARIANTS.into_iter().filter(|stage| self.stage_dir(*stage).tag().is_some()).collect()
    }

    /// The parameters of finished stages.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (Stage, &Map<String, Value>)> {
        self.manifests.iter().map(|(stage, manifest)| (*stage, &manifest.parameters))
    }

    /// The manifest of the refinement that the run's model comes from, if it is no training.
    pub(crate) fn refinement(&self) -> Option<&Manifest> {
        self.manifests.get(&Stage::AeTrain).filter(|manifest| manifest.stage == Stage::AeRefine)
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

/// The names of `runs`: their folders', or their paths where two are named alike.
pub(crate) fn names(runs: &[Run]) -> Vec<String> {
    let name = |run: &Run| run.dir.name() + &tag_suffix(run);
    let short: Vec<String> = runs.iter().map(name).collect();
    let is_alone = |name: &String| short.iter().filter(|other| *other == name).count() == 1;
    let names = runs.iter().zip(&short).map(|(run, name)| {
        if is_alone(name) { name.clone() } else { format!("{}{}", run.dir.path().display(), tag_suffix(run)) }
    });
    names.collect()
}

fn tag_suffix(run: &Run) -> String {
    run.tag.as_ref().map_or_else(String::new, |tag| format!("@{tag}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

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
        std::fs::create_dir(folder.path().join("figures")).unwrap();
        let paths = ["README.md", "cae-32/", "cae-32", "empty", "figures/"].map(|name| folder.path().join(name));
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

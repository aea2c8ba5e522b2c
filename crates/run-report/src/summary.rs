//! What is said of all runs together: `summary.json`, and what the tables are made from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use run_store::{Document, ReconstructionMetrics, Stage, document_text, parameter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::collect::{Run, Training, Variant, names};
use crate::figure::Figure;
use crate::reference::{self, ReportFigure};
use crate::seeds::{seed_groups, shared_name, tell_apart, title};
use crate::spread::{Spread, Verdict};
use crate::stage::StageRecord;
use crate::text::lossy_path;

/// All runs beside the published figures. Shares are in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Where the published figures are from.
    pub sources: Sources,
    /// The runs, by dataset, model and latent size, those of the study's protocol first, then by seed and path.
    pub runs: Vec<RunSummary>,
    /// Runs that differ only by seed, together.
    pub groups: Vec<GroupSummary>,
}

impl Document for Summary {
    const KIND: &'static str = "a summary of runs";
}

/// Where the published figures are from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sources {
    /// The report's.
    pub report: String,
    /// Keras'.
    pub keras: String,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Its folder's name, or the path where two are named alike.
    pub name: String,
    /// Its folder, as it was given; what is no Unicode in it shows as �.
    #[serde(serialize_with = "lossy_path")]
    pub path: PathBuf,
    /// What was trained, and on what; `null` before training has ended.
    pub training: Option<Training>,
    /// Where it departs from the study's protocol. What a departure touches is not compared.
    pub differences: Vec<Difference>,
    /// Its figures.
    pub figures: BTreeMap<Figure, Compared>,
    /// What a reader says of its reconstructions, epoch by epoch; `null` where recon-eval is not finished.
    pub reconstructions: Option<ReconstructionMetrics>,
    /// Clusters that K-means looked for.
    pub cluster_count: Option<u32>,
    /// Its stages.
    pub stages: BTreeMap<Stage, StageRecord>,
    /// Other clusterings and classifiers of the same latents.
    pub variants: Vec<Variant>,
}

/// Runs that differ only by seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupSummary {
    /// What the runs' names share; where another group's would be the same, the name of the first run with an ellipsis.
    pub name: String,
    /// The runs' names, by seed.
    pub runs: Vec<String>,
    /// Clusters that K-means looked for.
    pub cluster_count: Option<u32>,
    /// Figures over the runs, where all have them.
    pub figures: BTreeMap<Figure, Compared>,
}

/// A parameter that is not the study's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The stage it belongs to.
    pub stage: Stage,
    /// The parameter.
    pub name: String,
    /// Its value in the run.
    pub value: Value,
    /// Its value in the study.
    pub reference: Value,
}

/// One figure beside the published ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Ours; `null` where the stage is not finished.
    pub ours: Option<Spread>,
    /// Keras', where the run follows the study's protocol.
    pub keras: Option<Spread>,
    /// The report's, likewise.
    pub report: Option<ReportFigure>,
    /// How ours stands to Keras', beyond what seeds explain.
    pub against_keras: Option<Verdict>,
}

impl Summary {
    /// The summary of `runs`.
    #[must_use]
    pub fn of(mut runs: Vec<Run>) -> Self {
        order(&mut runs);
        let groups = seed_groups(&runs);
        let names = names(&runs);
        let runs: Vec<RunSummary> = runs.into_iter().zip(names).map(|(run, name)| RunSummary::of(run, name)).collect();
        let groups = groups.iter().filter_map(|positions| {
            let members: Vec<&RunSummary> = positions.iter().filter_map(|position| runs.get(*position)).collect();
            GroupSummary::of(&members)
        });
        let mut groups: Vec<GroupSummary> = groups.collect();
        let named = groups.iter_mut().map(|GroupSummary { name, runs, .. }| {
            let first = runs.first().map_or("", String::as_str);
            (name, runs.len(), first)
        });
        tell_apart(named, title);
        Self {
            sources: Sources { report: reference::REPORT_SOURCE.to_owned(), keras: reference::KERAS_SOURCE.to_owned() },
            groups,
            runs,
        }
    }

    /// The text of `summary.json`.
    ///
    /// # Errors
    /// A value has no JSON form.
    pub fn json(&self) -> serde_json::Result<String> {
        document_text(self)
    }
}

/// Puts runs in order: by dataset, model and latent size, those of the study's protocol first, then by seed and path.
pub(crate) fn order(runs: &mut [Run]) {
    runs.sort_by_cached_key(|run| {
        let training = run.training.as_ref();
        let model = training.map(|training| (training.dataset.clone(), training.model.clone(), training.latent_dim));
        let departs = !follows_protocol(run);
        let seed = training.map(|training| training.seed);
        (model.is_none(), model, departs, seed, run.dir.path().to_owned())
    });
}

/// Whether `run` is as the study's, as far as it has come.
pub(crate) fn follows_protocol(run: &Run) -> bool {
    differences(run).is_empty()
}

impl RunSummary {
    /// Whether its model was refined from another, or begun anew to be refined.
    pub(crate) fn is_refined(&self) -> bool {
        let is_refined = |difference: &Difference| difference.stage == Stage::AeTrain && difference.name == REFINED_BY;
        self.differences.iter().any(is_refined)
    }

    fn of(run: Run, name: String) -> Self {
        let differences = differences(&run);
        let figures = Figure::ALL.into_iter().map(|figure| {
            let ours = run.figures.get(&figure).and_then(|value| Spread::of(&[*value]));
            let training = run.training.as_ref().filter(|_| is_comparable(figure, &differences));
            let keras = training.and_then(|training| reference::keras(figure, &training.model, training.latent_dim));
            let report = training.and_then(|training| reference::report(figure, &training.model, training.latent_dim));
            (figure, Compared::new(figure, ours, keras, report))
        });
        Self {
            name,
            path: run.dir.path().to_owned(),
            figures: figures.collect(),
            reconstructions: run.reconstructions,
            cluster_count: run.cluster_count,
            training: run.training,
            differences,
            stages: run.stages,
            variants: run.variants,
        }
    }
}

impl GroupSummary {
    /// Its name, and how many runs it has.
    pub(crate) fn title(&self) -> String {
        title(&self.name, self.runs.len())
    }

    fn of(members: &[&RunSummary]) -> Option<Self> {
        let first = members.first()?;
        let figures = first.figures.iter().map(|(figure, compared)| {
            // Over some of them it would not be of as many runs as the title says.
            let values: Option<Vec<f64>> =
                members.iter().map(|run| Some(run.figures.get(figure)?.ours?.mean)).collect();
            let ours = values.and_then(|values| Spread::of(&values));
            (*figure, Compared::new(*figure, ours, compared.keras, compared.report.clone()))
        });
        let names: Vec<&str> = members.iter().map(|run| run.name.as_str()).collect();
        Some(Self {
            name: shared_name(&names).unwrap_or_else(|| first.name.clone()),
            runs: names.into_iter().map(str::to_owned).collect(),
            cluster_count: first.cluster_count,
            figures: figures.collect(),
        })
    }
}

impl Compared {
    fn new(figure: Figure, ours: Option<Spread>, keras: Option<Spread>, report: Option<ReportFigure>) -> Self {
        let against_keras = ours.zip(keras).and_then(|(ours, keras)| ours.against(&keras, figure.rounding()));
        Self { ours, keras, report, against_keras }
    }
}

/// Whether `figure` is measured as in the study: a stage touches its own figures and those of the stages that build on it.
fn is_comparable(figure: Figure, differences: &[Difference]) -> bool {
    differences.iter().all(|difference| match difference.stage {
        Stage::MnistData | Stage::ReaderTrain | Stage::AeTrain | Stage::AeRefine => false,
        Stage::LatentExport => matches!(figure.stage(), Stage::AeTrain | Stage::ReconEval),
        Stage::ClusterEval | Stage::LatentClassify | Stage::ReconEval => difference.stage != figure.stage(),
    })
}

/// What a refinement departs in from the study's protocol.
const REFINED_BY: &str = "refined by";

/// Where `run` departs from the study's protocol, as far as it has come.
fn differences(run: &Run) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut compare = |stage, name: &str, value: Value, reference: Value| {
        if !is_same(&value, &reference) {
            differences.push(Difference { stage, name: name.to_owned(), value, reference });
        }
    };
    if let Some(training) = &run.training {
        compare(Stage::AeTrain, "dataset", json!(training.dataset), json!(reference::DATASET));
    }
    if let Some(cluster_count) = run.cluster_count {
        compare(Stage::ClusterEval, "k", json!(cluster_count), json!(reference::CLUSTER_COUNT));
    }
    let model = run.training.as_ref().map_or("", |training| training.model.as_str());
    // What a refinement is told is none of the study's parameters.
    let refinement = run.refinement();
    if let Some(recipe) = refinement.and_then(|manifest| manifest.parameters.get(parameter::RECIPE)) {
        compare(Stage::AeTrain, REFINED_BY, recipe.clone(), Value::Null);
    }
    let is_told = |stage: &Stage| *stage != Stage::AeTrain || refinement.is_none();
    for (stage, parameters) in run.parameters().filter(|(stage, _)| is_told(stage)) {
        for (name, expected) in reference::parameters(stage, model) {
            compare(stage, &name, parameters.get(&name).cloned().unwrap_or_default(), expected);
        }
    }
    differences
}

/// Equality that does not mind in which width a number was kept. Whole numbers are kept as they are: one of many digits may be a
/// seed's neighbour.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    let is_whole = |value: &Value| value.is_i64() || value.is_u64();
    if is_whole(one) && is_whole(other) {
        return one == other;
    }
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() <= 1e-6 * other.abs(),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use run_store::ModelKind;

    use super::*;
    use crate::collect::collect;
    use crate::testing::Example;

    fn summary(folder: &Path, names: &[&str]) -> Summary {
        let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        Summary::of(collect(&paths).unwrap().runs)
    }

    fn cae(folder: &Path, name: &str) -> Example {
        Example::new(folder, name, ModelKind::Cae, 32)
    }

    #[test]
    fn a_run_of_the_protocol_stands_beside_the_published_figures() {
        let folder = tempfile::tempdir().unwrap();
        cae(folder.path(), "cae-32").all();
        let summary = summary(folder.path(), &["cae-32"]);
        let run = &summary.runs[0];
        assert_eq!(run.differences, []);
        let accuracy = &run.figures[&Figure::MajorityAccuracyTrain];
        assert_eq!(accuracy.keras.unwrap().mean, 0.528);
        assert_eq!(accuracy.report.as_ref().unwrap().value, 0.5457);
        assert_eq!(accuracy.against_keras, Some(Verdict::Within));
        // 0.0268 against 0.0168 ± 0.0005.
        assert_eq!(run.figures[&Figure::MeanSquaredErrorTest].against_keras, Some(Verdict::Above));
    }

    #[test]
    fn only_what_a_departure_touches_is_left_uncompared() {
        let folder = tempfile::tempdir().unwrap();
        cae(folder.path(), "short").epochs(5).all();
        cae(folder.path(), "twenty").all().cluster(None, 20, 0.6);
        cae(folder.path(), "hasty").seed(1).all().classify(None, 3, 0.7);
        let summary = summary(folder.path(), &["short", "twenty", "hasty"]);
        let keras = |run: &RunSummary, figure| run.figures[&figure].keras.is_some();
        let [short, twenty, hasty] = &summary.runs[..] else { unreachable!() };
        assert!(Figure::ALL.into_iter().all(|figure| !keras(short, figure)));
        assert_eq!((short.differences[0].name.as_str(), &short.differences[0].reference), ("epochs", &json!(25)));
        assert!(keras(hasty, Figure::MajorityAccuracyTrain) && !keras(hasty, Figure::ClassifierAccuracyTest));
        assert!(!keras(twenty, Figure::MajorityAccuracyTrain) && keras(twenty, Figure::ClassifierAccuracyTest));
    }

    #[test]
    fn runs_that_differ_only_by_seed_are_taken_together() {
        let folder = tempfile::tempdir().unwrap();
        for (name, seed) in [("cae-32", 0), ("cae-32-seed1", 1), ("cae-32-seed2", 2), ("copy", 2)] {
            cae(folder.path(), name).seed(seed).all();
        }
        cae(folder.path(), "cae-32-seed3").seed(3).epochs(5).all();
        let names = ["cae-32-seed2", "cae-32", "copy", "cae-32-seed3", "cae-32-seed1"];
        let summary = summary(folder.path(), &names);
        assert_eq!(summary.groups.len(), 1);
        let group = &summary.groups[0];
        assert_eq!(group.name, "cae-32");
        assert_eq!(group.runs, ["cae-32", "cae-32-seed1", "cae-32-seed2"]);
        let accuracy = &group.figures[&Figure::MajorityAccuracyTrain];
        let ours = accuracy.ours.unwrap();
        assert!((ours.mean - 0.538).abs() < 1e-12 && (ours.sd.unwrap() - 0.01).abs() < 1e-12, "{ours:?}");
        assert_eq!(accuracy.against_keras, Some(Verdict::Within));
    }

    #[test]
    fn groups_that_share_a_name_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["cae-32-seed0", "cae-32-seed1", "cae-32-seed2", "cae-32-seed3"];
        for (name, (seed, epochs)) in names.into_iter().zip([(0, 25), (1, 25), (2, 5), (3, 5)]) {
            cae(folder.path(), name).seed(seed).epochs(epochs).train();
        }
        let titles: Vec<String> = summary(folder.path(), &names).groups.iter().map(GroupSummary::title).collect();
        assert_eq!(titles, ["cae-32-seed0 … (n = 2)", "cae-32-seed2 … (n = 2)"]);
    }

    #[test]
    fn a_mean_is_over_all_runs_that_its_title_counts() {
        let folder = tempfile::tempdir().unwrap();
        cae(folder.path(), "cae-32").all();
        cae(folder.path(), "cae-32-seed1").seed(1).all();
        let mut runs = summary(folder.path(), &["cae-32", "cae-32-seed1"]).runs;
        let ratio = Figure::PeakSignalToNoiseRatioTest;
        let ours =
            |runs: &[RunSummary]| GroupSummary::of(&runs.iter().collect::<Vec<_>>()).unwrap().figures[&ratio].ours;
        assert_eq!(ours(&runs).unwrap().run_count, 2);
        runs[1].figures.get_mut(&ratio).unwrap().ours = None;
        assert_eq!(ours(&runs), None);
    }

    #[test]
    fn a_number_is_the_same_in_any_width_and_a_seed_is_no_other() {
        assert!(is_same(&json!(0.001_f32), &json!(0.001)) && is_same(&json!(25.0), &json!(25)));
        assert!(!is_same(&json!(0.001), &json!(0.002)) && is_same(&json!("mse"), &json!("mse")));
        assert!(!is_same(&json!(20_240_601), &json!(20_240_602)));
        assert!(!is_same(&json!(u64::MAX), &json!(u64::MAX - 1)) && is_same(&json!(0), &json!(0)));
    }

    #[test]
    fn runs_named_alike_are_told_apart_by_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        cae(&folder.path().join("one"), "cae-32").train();
        cae(&folder.path().join("two"), "cae-32").train();
        let summary = summary(folder.path(), &["one/cae-32", "two/cae-32"]);
        assert_eq!(summary.runs[1].name, folder.path().join("two/cae-32").display().to_string());
    }
}

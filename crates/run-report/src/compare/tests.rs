#![allow(clippy::unwrap_used)]

use std::path::Path;

use run_store::{ModelKind, read_document};
use serde_json::{Value, json};

use super::*;
use crate::collect::collect_chosen;
use crate::collect::refined::refine;
use crate::given::choices;
use crate::spread::Verdict;
use crate::table::Tables;
use crate::testing::{Example, without_hashes};

fn cae(folder: &Path, name: &str) -> Example {
    Example::new(folder, name, ModelKind::Cae, 32)
}

fn runs(folder: &Path, words: &[&str]) -> Vec<Run> {
    let words: Vec<PathBuf> = words.iter().map(|word| folder.join(word)).collect();
    collect_chosen(choices(&words).unwrap().choices).unwrap().runs
}

fn compared(folder: &Path, words: &[&str]) -> Comparison {
    Comparison::of(&runs(folder, words), Grouping::BySeed, &[])
}

/// The tables of a comparison, with the folder's own path taken out.
fn rendered(folder: &Path, words: &[&str], layout: fn(&Tables) -> String) -> String {
    let text = layout(&Tables::compared(&compared(folder, words)));
    without_hashes(&text.replace(&folder.display().to_string(), "artifacts"))
}

fn names(comparison: &Comparison) -> Vec<&str> {
    comparison.sides.iter().map(|side| side.name.as_str()).collect()
}

fn figure(comparison: &Comparison, name: &str) -> ComparedFigure {
    comparison.figures.iter().find(|row| row.name == name).unwrap().clone()
}

/// What becomes of `condition` on each later side.
fn judged(runs: &[Run], condition: &str) -> Vec<Judgement> {
    Comparison::of(runs, Grouping::BySeed, &[condition.parse().unwrap()]).conditions
}

#[test]
fn two_runs_on_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    cae(folder.path(), "cae-32").all();
    cae(folder.path(), "cae-32-short").epochs(5).train().export().cluster(None, 20, 0.6).classify(None, 3, 0.81);
    let text = rendered(folder.path(), &["cae-32", "cae-32-short"], Tables::terminal);
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn two_models_in_markdown() {
    let folder = tempfile::tempdir().unwrap();
    cae(folder.path(), "cae-32").all();
    Example::new(folder.path(), "cvae-2", ModelKind::Cvae, 2).all();
    insta::assert_snapshot!(rendered(folder.path(), &["cae-32", "cvae-2"], Tables::markdown));
}

#[test]
fn groups_of_seeds_on_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    for (suffix, seed) in [("", 0), ("-seed1", 1), ("-seed2", 2)] {
        cae(folder.path(), &format!("cae-32{suffix}")).seed(seed).all();
        let long = cae(folder.path(), &format!("cae-32-long{suffix}")).epochs(40).seed(seed).all();
        long.cluster(None, 10, 0.535 + seed as f64 * 0.02).classify(None, 25, 0.95 + seed as f64 * 0.001);
    }
    let text = rendered(folder.path(), &["cae-32-long*", "cae-32", "cae-32-seed*"], Tables::terminal);
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn gaps_and_damage_on_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    cae(folder.path(), "cae-32").all();
    cae(folder.path(), "cae-32-mixed").all().epochs(7).train();
    cae(folder.path(), "cae-32-future").all().newer_manifest(Stage::ClusterEval);
    let text = rendered(folder.path(), &["cae-32", "cae-32-mixed", "cae-32-future"], Tables::terminal);
    insta::assert_snapshot!(text);
}

#[test]
fn a_comparison_is_a_document() {
    let folder = tempfile::tempdir().unwrap();
    cae(folder.path(), "cae-32").all();
    cae(folder.path(), "cae-32-short").epochs(5).all();
    let runs = runs(folder.path(), &["cae-32", "cae-32-short"]);
    let condition = "cluster.accuracy < -1.0".parse().unwrap();
    let comparison = Comparison::of(&runs, Grouping::BySeed, &[condition]);
    let text = comparison.json().unwrap();
    assert!(text.starts_with("{\n  \"schema_version\": 1,\n"), "{text}");
    let path = folder.path().join("comparison.json");
    std::fs::write(&path, &text).unwrap();
    assert_eq!(read_document::<Comparison>(&path).unwrap(), comparison);
}

#[test]
fn equal_runs_are_only_counted() {
    let folder = tempfile::tempdir().unwrap();
    cae(folder.path(), "one").all();
    cae(folder.path(), "two").all();
    let comparison = compared(folder.path(), &["one", "two"]);
    assert_eq!((comparison.parameters.len(), comparison.figures.len()), (0, 0));
    // Every figure but the four of a variational model; the runs' own names are no parameter.
    assert_eq!(comparison.same_figure_count, Figure::ALL.len() - 4);
    let text = rendered(folder.path(), &["one", "two"], Tables::terminal);
    assert!(text.starts_with("Nothing differs: 27 parameters and 13 figures are the same.\n"), "{text}");
}

#[test]
fn nested_parameters_have_dotted_names_and_unset_ones_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let set = |name, value: Value| {
        cae(folder.path(), name).train().parameter(Stage::AeTrain, "contrast", value);
    };
    set("with", json!({ "weight": 0.1, "view": { "shift": 3 } }));
    set("without", Value::Null);
    set("other", json!({ "weight": 0.1, "view": { "shift": 4 } }));
    let comparison = compared(folder.path(), &["with", "without", "other"]);
    let rows: Vec<(&str, Value)> =
        comparison.parameters.iter().map(|row| (row.name.as_str(), json!(row.values))).collect();
    assert_eq!(
        rows,
        [("contrast.view.shift", json!([[3], [null], [4]])), ("contrast.weight", json!([[0.1], [null], [0.1]])),]
    );
}

#[test]
fn the_better_one_depends_on_the_figure() {
    let folder = tempfile::tempdir().unwrap();
    cae(folder.path(), "cae-32").all();
    Example::new(folder.path(), "other", ModelKind::Cae, 2).seed(1).all();
    let comparison = compared(folder.path(), &["cae-32", "other"]);
    // The example's seed 1 has one hundredth more accuracy, and one ten-thousandth more loss.
    let accuracy = figure(&comparison, "cluster.accuracy");
    assert_eq!(accuracy.best, [1]);
    assert!((accuracy.differences[0].unwrap() - 0.01).abs() < 1e-12);
    assert_eq!((accuracy.better, accuracy.verdicts), (Some(crate::figure_name::Direction::Higher), vec![None]));
    let loss = figure(&comparison, "train.loss");
    assert_eq!(loss.best, [0]);
    let swapped = compared(folder.path(), &["other", "cae-32"]);
    assert!((figure(&swapped, "train.loss").differences[0].unwrap() + 1e-4).abs() < 1e-12);
}

#[test]
fn losses_of_different_kinds_have_no_better_one() {
    let folder = tempfile::tempdir().unwrap();
    cae(folder.path(), "bce").train();
    cae(folder.path(), "mse").seed(1).train().parameter(Stage::AeTrain, "loss", json!("mse"));
    let comparison = compared(folder.path(), &["bce", "mse"]);
    let loss = figure(&comparison, "train.loss");
    assert_eq!((loss.better, loss.best), (None, vec![]));
    assert!(comparison.remarks.iter().any(|remark| remark.contains("bce (bce), mse (mse)")), "{comparison:?}");
}

#[test]
fn a_refinement_is_better_by_its_test_loss_alone() {
    let folder = tempfile::tempdir().unwrap();
    cae(folder.path(), "cae-32").all();
    // Its seed gives it other losses.
    refine(cae(folder.path(), "cae-32+refined").seed(1).all(), "cae-32");
    let runs = runs(folder.path(), &["cae-32", "cae-32+refined"]);
    let comparison = Comparison::of(&runs, Grouping::BySeed, &[]);
    let loss = figure(&comparison, "train.loss");
    assert_eq!((loss.better, loss.best), (None, vec![]));
    let remarks = comparison.remarks.join("\n");
    assert!(remarks.contains("train.loss was not taken alike") && !remarks.contains("different kinds"), "{remarks}");
    let measures = |figure: Figure| [&runs[0], &runs[1]].map(|run| run.measure(figure));
    let [trained, refined] = measures(Figure::LossTest);
    assert_eq!((trained.as_deref(), &refined), (Some("bce"), &trained));
    let [trained, refined] = measures(Figure::LossTrain);
    assert_ne!(trained, refined);
    assert_eq!(measures(Figure::ReadableShare), [None, None]);
    // Beside a training that lowers another loss, neither is better.
    cae(folder.path(), "mse").seed(2).train().parameter(Stage::AeTrain, "loss", json!("mse"));
    let remarks = compared(folder.path(), &["cae-32+refined", "mse"]).remarks.join("\n");
    assert!(remarks.contains("bce (cae-32+refined), mse (mse)") && !remarks.contains("not taken alike"), "{remarks}");
}

#[test]
fn seeds_stand_together_unless_they_are_all_there_is() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..3 {
        cae(folder.path(), &format!("cae-32-seed{seed}")).seed(seed).all();
    }
    cae(folder.path(), "cae-32-short").epochs(5).all();
    let all = ["cae-32-seed0", "cae-32-short", "cae-32-seed1", "cae-32-seed2"];
    let comparison = compared(folder.path(), &all);
    assert_eq!(names(&comparison), ["cae-32", "cae-32-short"]);
    assert_eq!(comparison.sides[0].runs, ["cae-32-seed0", "cae-32-seed1", "cae-32-seed2"]);
    let accuracy = figure(&comparison, "cluster.accuracy");
    assert!((accuracy.values[0].unwrap().mean - 0.538).abs() < 1e-12);
    // 0.528 is within 0.538 ± 4.303 · 0.01 · √(4/3).
    assert_eq!(accuracy.verdicts, [Some(Verdict::Within)]);

    let each = Comparison::of(&runs(folder.path(), &all), Grouping::Each, &[]);
    assert_eq!(names(&each), all);
    let alone = compared(folder.path(), &["cae-32-seed0", "cae-32-seed1"]);
    assert_eq!(names(&alone), ["cae-32-seed0", "cae-32-seed1"]);
    assert!(alone.remarks.iter().any(|remark| remark.contains("only by seed")), "{:?}", alone.remarks);
}

#[test]
fn sides_that_share_a_name_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    for (seed, epochs) in [(0, 25), (1, 25), (2, 5), (3, 5)] {
        cae(folder.path(), &format!("cae-32-seed{seed}")).seed(seed).epochs(epochs).train();
    }
    let comparison = compared(folder.path(), &["cae-32-seed*"]);
    assert_eq!(names(&comparison), ["cae-32-seed0 …", "cae-32-seed2 …"]);
}

#[test]
fn a_variant_stands_in_the_place_of_the_runs_own() {
    let folder = tempfile::tempdir().unwrap();
    cae(folder.path(), "cae-32").all().cluster(Some("k20"), 20, 0.6);
    let comparison = compared(folder.path(), &["cae-32", "cae-32@k20"]);
    assert_eq!(names(&comparison), ["cae-32", "cae-32@k20"]);
    let rows: Vec<(Stage, &str)> = comparison.parameters.iter().map(|row| (row.stage, row.name.as_str())).collect();
    assert_eq!(rows, [(Stage::ClusterEval, "k")]);
    assert!(comparison.figures.iter().all(|row| row.figure.stage() == Stage::ClusterEval));
    assert_eq!(figure(&comparison, "cluster.accuracy").values[1].unwrap().mean, 0.6);
    assert_eq!(comparison.runs[1].lineage[&Stage::ClusterEval].tag.as_deref(), Some("k20"));
    let remarks = comparison.remarks.join("\n");
    assert!(remarks.contains("its variant k20 of cluster-eval; its latent-classify is the run's own"), "{remarks}");
    assert!(remarks.contains("k = 10 (cae-32), k = 20 (cae-32@k20)"), "{remarks}");
}

#[test]
fn an_outdated_variant_is_named_with_its_command() {
    let folder = tempfile::tempdir().unwrap();
    cae(folder.path(), "cae-32").all().cluster(Some("k20"), 20, 0.6).epochs(5).train();
    cae(folder.path(), "other").all();
    let text = rendered(folder.path(), &["other", "cae-32@k20"], Tables::terminal);
    assert!(
        text.contains("cluster-eval@k20") && text.contains("cluster-eval --run artifacts/cae-32 --tag k20"),
        "{text}"
    );
}

#[test]
fn a_group_of_variants_keeps_their_tag() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..2 {
        cae(folder.path(), &format!("cae-32-seed{seed}")).seed(seed).all().cluster(Some("k20"), 20, 0.6);
    }
    let comparison = compared(folder.path(), &["cae-32-seed*", "cae-32-seed*@k20"]);
    assert_eq!(names(&comparison), ["cae-32", "cae-32@k20"]);
}

#[test]
fn other_datasets_and_versions_are_remarked() {
    let folder = tempfile::tempdir().unwrap();
    cae(folder.path(), "new").train();
    cae(folder.path(), "again").train();
    cae(folder.path(), "old").train().older_manifest(Stage::AeTrain);
    cae(folder.path(), "fashion").dataset("fashion-mnist").train();
    let remarks = |names: [&str; 2]| compared(folder.path(), &names).remarks.join("\n");
    let versions = remarks(["new", "old"]);
    assert!(
        versions.contains("ae-train was written in different versions: format 2 (new), format 1 (old)"),
        "{versions}"
    );
    assert!(versions.contains("schema version 1 (new), schema version 0 (old)"), "{versions}");
    let datasets = remarks(["new", "fashion"]);
    assert!(datasets.contains("different datasets: mnist (new), fashion-mnist (fashion)"), "{datasets}");
    assert_eq!(remarks(["new", "again"]), "");
    for (name, content) in [("mnist-a", "a"), ("mnist-b", "b")] {
        let run = cae(folder.path(), name).all();
        run.input(Stage::AeTrain, "dataset", content).input(Stage::ReconEval, "reader_weights", content);
    }
    let contents = remarks(["mnist-a", "mnist-b"]);
    assert!(
        contents.contains("one name and different contents: 17762fddd969 (mnist-a), 10e5cf3d3c8a (mnist-b)"),
        "{contents}"
    );
    assert!(contents.contains("different readers: 17762fddd969 (mnist-a), 10e5cf3d3c8a (mnist-b)"), "{contents}");
}

#[test]
fn conditions_hold_against_the_first_side_in_points() {
    let folder = tempfile::tempdir().unwrap();
    cae(folder.path(), "cae-32").all();
    cae(folder.path(), "better").epochs(5).train().export().cluster(None, 10, 0.538);
    cae(folder.path(), "worse").epochs(7).train().export().cluster(None, 10, 0.508);
    let runs = runs(folder.path(), &["cae-32", "better", "worse"]);
    let outcomes = |condition| judged(&runs, condition).iter().map(|judged| judged.outcome).collect::<Vec<_>>();
    use Outcome::{CannotBeTold, DoesNotHold, Holds};
    assert_eq!(outcomes("cluster.accuracy < -1.0"), [DoesNotHold, Holds]);
    // Two points lost are exactly two, whatever a subtraction of shares makes of them.
    assert_eq!(outcomes("cluster.accuracy < -2"), [DoesNotHold, DoesNotHold]);
    assert_eq!(outcomes("cluster.accuracy <= -2"), [DoesNotHold, Holds]);
    assert_eq!(outcomes("cluster.accuracy >= 1"), [Holds, DoesNotHold]);
    assert_eq!(outcomes("cluster.accuracy > 1"), [DoesNotHold, DoesNotHold]);
    // Equal figures, which no table shows, can be judged.
    assert_eq!(outcomes("test.mse > 0"), [DoesNotHold, DoesNotHold]);
    assert_eq!(outcomes("classifier.test_accuracy < 0"), [CannotBeTold, CannotBeTold]);

    let holding = judged(&runs, "cluster.accuracy < -1.0").remove(1);
    assert_eq!(holding.to_string(), "cluster.accuracy < -1 holds for worse: -2 from cae-32");
    let missing = judged(&runs, "classifier.test_accuracy < 0").remove(0).to_string();
    assert!(missing.contains("better has no classifier.test_accuracy, as latent-classify is not there"), "{missing}");
    assert!(missing.contains("run `latent-classify --run "), "{missing}");
    let other_model = judged(&runs, "elbo.test_loss < 0").remove(0).to_string();
    assert!(other_model.contains("cae-32 has no elbo.test_loss: a model of kind cae has none"), "{other_model}");
}

#[test]
fn conditions_on_groups_are_about_their_means() {
    let folder = tempfile::tempdir().unwrap();
    for (suffix, seed) in [("a", 0), ("b", 1)] {
        cae(folder.path(), &format!("long-{suffix}")).epochs(40).seed(seed).all();
        cae(folder.path(), &format!("short-{suffix}")).seed(seed + 1).all();
    }
    let runs = runs(folder.path(), &["long-*", "short-*"]);
    let judged = judged(&runs, "cluster.accuracy > 0.99");
    assert_eq!((judged.len(), judged[0].outcome, judged[0].difference), (1, Outcome::Holds, Some(1.0)));
    assert_eq!(judged[0].to_string(), "cluster.accuracy > 0.99 holds for short (n = 2): +1 from long (n = 2)");
}

#[test]
fn long_names_and_reasons_are_cut_and_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let long = "a-name-that-goes-on-".repeat(4);
    cae(folder.path(), &format!("{long}one")).all();
    cae(folder.path(), &format!("{long}two")).epochs(5).all();
    let names = [format!("{long}one"), format!("{long}two")];
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let text = Tables::compared(&compared(folder.path(), &names)).terminal();
    let in_tables = text.lines().filter(|line| !line.contains("--run"));
    assert!(in_tables.clone().all(|line| line.chars().count() <= 120), "{text}");
    assert!(text.contains("on-one") && text.contains("on-two") && text.contains("… cut to fit"), "{text}");
}

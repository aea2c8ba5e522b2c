//! Refining a trained model into clusters: a run of its own that later stages take as any other.

use std::path::PathBuf;

use pipeline_tests::{FileStates, Study, Tree, error_text, manifest, said, succeeded};
use run_store::{
    ClusterMetrics, History, ModelKind, Reconstructions, RefineMetrics, RefinementEpoch, RunDir, Stage, TrainingEpoch,
    file, read_document,
};

/// The folder of the refined run, seen from outside.
fn refined(study: &Study) -> RunDir {
    RunDir::new(study.dir(Stage::AeRefine).run())
}

fn refine(study: &Study, changes: &[(&str, &str)]) {
    succeeded(study.command_with(Stage::AeRefine, changes));
}

/// The stage on the refined run.
fn on_refined(study: &Study, stage: Stage) -> String {
    let run = refined(study);
    succeeded(study.bare_command(stage, &["--run", run.path().to_str().unwrap()]))
}

#[test]
fn later_stages_take_a_refined_run_as_any_other() {
    let study = Study::finished(ModelKind::Cae);
    let parent = Tree::read(study.run().path());
    refine(&study, &[]);
    assert_eq!(parent.differences(&Tree::read(study.run().path())), Vec::<PathBuf>::new());
    let dir = study.dir(Stage::AeRefine);
    for name in Stage::AeRefine.outputs() {
        assert!(dir.file(name).exists(), "{name} is missing");
    }
    for stage in [Stage::LatentExport, Stage::ClusterEval, Stage::LatentClassify, Stage::ReconEval] {
        on_refined(&study, stage);
    }
    let clusters: ClusterMetrics =
        read_document(&refined(&study).stage(Stage::ClusterEval, None).file(file::METRICS)).unwrap();
    assert_eq!(clusters.splits["train"].count, 256);
    // It has every figure that a run has, and one beside its parent.
    let output = study.report(&["figures", "artifacts/cae-2+refined", "--out", "figures"]).output().unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && !notes.contains("note:"), "{notes}");
    for name in ["losses", "task1", "latents-cae-2+refined", "confusion-cae-2+refined", "refinement-cae-2+refined"] {
        assert!(study.path().join("figures").join(format!("{name}.png")).exists(), "{name} is missing: {notes}");
    }
    // Its lineage names its parent.
    let inputs = manifest(&dir).inputs;
    assert_eq!(inputs["weights"].path, PathBuf::from("../cae-2/ae-train/weights.safetensors"));
    // What is up to date stays; what its parent no longer is, does not.
    let before = FileStates::of(refined(&study).path());
    said(study.command(Stage::AeRefine), ": up to date");
    before.assert_untouched();
    succeeded(study.command_with(Stage::AeTrain, &[("--seed", "3")]));
    said(study.command(Stage::AeRefine), "input weights changed");
}

#[test]
fn its_history_says_what_was_lowered_and_is_drawn_as_a_training_s() {
    let study = Study::finished(ModelKind::Cae);
    refine(&study, &[]);
    let path = study.dir(Stage::AeRefine).file(file::HISTORY);
    let rows = RefinementEpoch::read(&path).unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row.objectives.as_str()).collect();
    assert_eq!(names, ["contrast", "imsat", "imsat", "student", "prototypes+aspc+reconstruction"]);
    let agreements: Vec<bool> = rows.iter().map(|row| row.head_agreement.is_some()).collect();
    assert_eq!(agreements, [false, true, true, false, false]);
    let renamed: Vec<bool> = rows.iter().map(|row| row.renamed.is_some()).collect();
    assert_eq!(renamed, [false, false, false, true, false]);
    // A student leaves the model as it was, and with it how well it redraws.
    assert_eq!((rows[3].train_loss, rows[3].test_loss), (rows[2].train_loss, rows[2].test_loss));
    assert_ne!(rows[4].test_loss, rows[3].test_loss);
    assert!(rows.iter().filter_map(|row| row.head_agreement).all(|share| share > 0.0 && share <= 1.0));
    assert_eq!(TrainingEpoch::of_refinement(&path).unwrap().len(), rows.len());
    let metrics: RefineMetrics = read_document(&study.dir(Stage::AeRefine).file(file::METRICS)).unwrap();
    assert_eq!((metrics.training.epochs, metrics.cluster_count, metrics.with_test), (5, 10, false));
    assert_eq!((metrics.head_agreement, metrics.renamed), (rows[2].head_agreement, rows[3].renamed));
}

#[test]
fn every_objective_alone_runs_and_moves_the_model() {
    let study = Study::finished(ModelKind::Ae);
    let parent = std::fs::read(study.dir(Stage::AeTrain).file(file::WEIGHTS)).unwrap();
    for objective in ["contrast", "reconstruction", "imsat", "dec", "idec", "aspc", "prototypes"] {
        refine(&study, &[("--recipe", &format!("{objective}:1"))]);
        let weights = std::fs::read(study.dir(Stage::AeRefine).file(file::WEIGHTS)).unwrap();
        assert!(weights != parent, "{objective} changed nothing");
    }
}

/// Where nothing has named the images, K-means on the model's latents does, and what a student says of that is what the model is
/// moved to.
#[test]
fn a_student_names_what_others_move_the_model_to() {
    let study = Study::finished(ModelKind::Ae);
    let weights = |recipe: &str| {
        refine(&study, &[("--recipe", recipe)]);
        std::fs::read(study.dir(Stage::AeRefine).file(file::WEIGHTS)).unwrap()
    };
    let [alone, taught, beside] = ["aspc:1", "student:2,aspc:1", "student+reconstruction:1,aspc:1"].map(weights);
    assert!(alone != taught && taught != beside);
}

/// It need not have seen many: a hundred steps on 256 images are enough to say of most what it was taught.
#[test]
fn a_student_of_few_images_comes_to_know_them() {
    let study = Study::finished(ModelKind::Ae);
    refine(&study, &[("--recipe", "student:30,aspc:1")]);
    let metrics: RefineMetrics = read_document(&study.dir(Stage::AeRefine).file(file::METRICS)).unwrap();
    assert!(metrics.renamed.is_some_and(|share| share < 0.4), "{:?}", metrics.renamed);
}

#[test]
fn a_new_model_may_be_refined_from_the_start() {
    let study = Study::prepared(ModelKind::Cae);
    let arguments =
        ["--run", "artifacts/fresh", "--train-count", "128", "--test-count", "32", "--recipe", "reconstruction:1"];
    let dir = RunDir::new(study.path().join("artifacts/fresh")).stage(Stage::AeRefine, None);
    succeeded(study.bare_command(Stage::AeRefine, &arguments));
    let parameters = manifest(&dir).parameters;
    assert_eq!((&parameters["model"], &parameters["latent_dim"]), (&"cae".into(), &32.into()));
    let error = error_text(
        study.bare_command(Stage::AeRefine, &[&arguments[..], &["--from", "x", "--model", "ae"]].concat()),
        2,
    );
    assert!(error.contains("--from"), "{error}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
    let study = Study::finished(ModelKind::Cae);
    let results = |changes: &[(&str, &str)]| {
        refine(&study, changes);
        Tree::read(refined(&study).path()).results()
    };
    let first = results(&[]);
    std::fs::remove_dir_all(refined(&study).path()).unwrap();
    assert_eq!(first.differences(&results(&[])), Vec::<PathBuf>::new());
    let other = first.differences(&results(&[("--seed", "1")]));
    assert!(other.iter().any(|path| path.ends_with(file::WEIGHTS)), "{other:?}");
}

/// A refinement that was stopped in its middle ends as one that was not: the optimizers, the heads, the centroids and the names
/// that a student is taught all come back.
#[test]
fn an_interrupted_refinement_goes_on() {
    let recipe = "contrast:1,imsat:3,student:2,student:2,prototypes+aspc+reconstruction:2,dec:1";
    goes_on_as_if_never_stopped(&[("--recipe", recipe)], [1, 3, 5, 7, 10]);
}

/// And so does the start that was best so far.
#[test]
fn an_interrupted_choice_of_starts_goes_on() {
    let changes = [("--recipe", "contrast:1,imsat:1,student:1,aspc:1"), ("--restarts", "3")];
    goes_on_as_if_never_stopped(&changes, [1, 3, 4, 6, 9]);
}

/// Stops it after each of these `epochs`.
fn goes_on_as_if_never_stopped(changes: &[(&str, &str)], epochs: [u32; 5]) {
    let study = Study::finished(ModelKind::Cae);
    refine(&study, changes);
    let whole = Tree::read(refined(&study).path()).results();
    std::fs::remove_dir_all(refined(&study).path()).unwrap();
    let folder = refined(&study).path().join(".ae-refine.partial").join(file::CHECKPOINT);
    let mut stopped = 0;
    for epoch in epochs {
        let mut child = study.process_with(Stage::AeRefine, changes).spawn().unwrap();
        let checkpoint = folder.join(format!("epoch-{epoch:05}"));
        while !checkpoint.exists() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        stopped += usize::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert!(stopped >= 2, "{stopped} of 5 were stopped");
    refine(&study, changes);
    assert_eq!(whole.differences(&Tree::read(refined(&study).path()).results()), Vec::<PathBuf>::new());
}

/// Each of several starts is in the history, and what is kept by epoch is of the one that went on.
#[test]
fn of_several_starts_one_goes_on() {
    let study = Study::finished(ModelKind::Ae);
    refine(&study, &[("--recipe", "contrast:1,imsat:3,aspc:1"), ("--restarts", "2")]);
    let dir = study.dir(Stage::AeRefine);
    let history = RefinementEpoch::read(&dir.file(file::HISTORY)).unwrap();
    let start = ["contrast", "imsat", "imsat", "imsat", "student"];
    let objectives: Vec<&str> = history.iter().map(|row| row.objectives.as_str()).collect();
    assert_eq!(objectives, [&start[..], &start, &["aspc"]].concat());
    let other_draws = |of: usize| (history[of].objective - history[of + start.len()].objective).abs() > 1e-9;
    assert!(other_draws(0) && other_draws(3));
    assert!(history.iter().all(|row| row.renamed.is_none()), "a student that judges names nothing");
    // Until it is known which goes on, nothing is known of its reconstructions.
    let known: Vec<u32> =
        TrainingEpoch::of_refinement(&dir.file(file::HISTORY)).unwrap().iter().map(|row| row.epoch).collect();
    assert_eq!(known, [10, 11]);
    let mut kept: Vec<u32> =
        Reconstructions::read(&dir.file(file::RECONSTRUCTIONS)).unwrap().rows.iter().map(|row| row.epoch).collect();
    kept.dedup();
    assert_eq!(kept, [0, 10, 11]);
}

#[test]
fn what_cannot_be_refined_is_refused() {
    let study = Study::finished(ModelKind::Cvae);
    let error = error_text(study.command(Stage::AeRefine), 1);
    assert!(error.contains("not variational, found cvae"), "{error}");

    let study = Study::finished(ModelKind::Ae);
    let error =
        error_text(study.bare_command(Stage::AeRefine, &["--run", "artifacts/ae-2", "--from", "artifacts/ae-2"]), 1);
    assert!(error.contains("another --run"), "{error}");
    let error = error_text(study.command_with(Stage::AeRefine, &[("--from", "artifacts/none")]), 1);
    assert!(error.contains("artifacts/none/ae-train/manifest.json is missing: run `ae-train --run"), "{error}");
    let error = error_text(study.command_with(Stage::AeRefine, &[("--train-count", "100000")]), 1);
    assert!(error.contains("expected at least 100000 training images"), "{error}");
    let error = error_text(study.command_with(Stage::AeRefine, &[("--recipe", "guess:1")]), 2);
    assert!(error.contains("expected contrast"), "{error}");
    let error = error_text(study.command_with(Stage::AeRefine, &[("--recipe", "imsat:1,student:1")]), 2);
    assert!(error.contains("a phase behind the last student"), "{error}");
    let error = error_text(study.command_with(Stage::AeRefine, &[("--recipe", "dec:1"), ("--restarts", "2")]), 1);
    assert!(error.contains("expected a recipe with imsat") && error.contains("leave --restarts out"), "{error}");
    let error = error_text(study.command_with(Stage::AeRefine, &[("--recipe", "dec:1"), ("--clusters", "900")]), 1);
    assert!(error.contains("different latents"), "{error}");
    let error = error_text(study.command_with(Stage::AeRefine, &[("--learning-rate", "1e30")]), 1);
    assert!(error.contains("is not finite (NaN) in epoch 1") && error.contains("--learning-rate"), "{error}");
    assert!(!refined(&study).stage(Stage::AeRefine, None).path().exists());

    refine(&study, &[]);
    let error = error_text(study.bare_command(Stage::AeTrain, &["--run", "artifacts/ae-2+refined"]), 1);
    assert!(error.contains("another --run"), "{error}");
    // Nor in the place of what it begins with.
    let before = FileStates::of(refined(&study).path());
    let itself = ["--run", "artifacts/ae-2+refined", "--from", "artifacts/../artifacts/ae-2+refined"];
    let error = error_text(study.bare_command(Stage::AeRefine, &itself), 1);
    assert!(error.contains("whose model would be lost; say another --run"), "{error}");
    before.assert_untouched();
}

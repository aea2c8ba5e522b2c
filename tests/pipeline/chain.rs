//! The stages one after the other, and what they leave.

use std::fs;

use pipeline_tests::{FileStates, MODELS, Study, Tree, error_text, leftovers, said, stages, succeeded};
use run_store::{Assignments, ClusterCounts, ModelKind, RunDir, Split, Stage, file, read_document};
use serde_json::Value;

#[test]
fn every_stage_leaves_its_files_and_is_then_up_to_date() {
    for model in MODELS {
        let study = Study::finished(*model);
        for stage in stages() {
            let mut expected: Vec<&str> = stage.outputs().to_vec();
            expected.push(file::MANIFEST);
            // The study has two latent dimensions, so a variational model leaves all that any model leaves.
            expected.extend(stage.outputs_of_some().iter().filter(|_| model.is_variational()));
            expected.sort_unstable();
            let found = Tree::read(&study.dir(stage).path());
            let (checkpoint, found): (Vec<_>, Vec<_>) =
                found.paths().map(|path| path.to_str().unwrap()).partition(|path| path.starts_with(file::CHECKPOINT));
            assert_eq!(found, expected, "{stage}");
            assert_eq!(!checkpoint.is_empty(), stage.is_resumable(), "{stage}");
        }
        assert_eq!(leftovers(study.run().path()), Vec::<String>::new());

        let before = FileStates::of(study.path());
        for stage in stages() {
            said(study.command(stage), ": up to date");
        }
        before.assert_untouched();
    }
}

#[test]
fn a_study_may_be_moved() {
    // The copies of `finished` are moved already; a second move is from a place that other tests cannot have seen.
    let study = Study::finished(ModelKind::Ae).copy();
    let mut command = study.command(Stage::LatentExport);
    command.arg("--force");
    let before = Tree::read(study.path());
    said(command, "(rerun: forced)");
    assert_eq!(before.results().differences(&Tree::read(study.path()).results()), Vec::<std::path::PathBuf>::new());
}

/// Large disks are often elsewhere, and `artifacts` a link to them.
#[cfg(unix)]
#[test]
fn runs_behind_a_link_find_their_dataset() {
    let study = Study::prepared(ModelKind::Ae);
    let elsewhere = tempfile::tempdir().unwrap();
    let disk = elsewhere.path().join("some/large/disk");
    fs::create_dir_all(&disk).unwrap();
    std::os::unix::fs::symlink(&disk, study.path().join("artifacts")).unwrap();
    study.run_stages(&[Stage::AeTrain, Stage::LatentExport]);
    said(study.command(Stage::AeTrain), "up to date");
}

#[test]
fn a_summary_for_scripts_is_json() {
    let study = Study::finished(ModelKind::Ae);
    for stage in stages() {
        for (option, outcome) in [("--quiet", "up_to_date"), ("--force", "done"), ("--dry-run", "up_to_date")] {
            let mut command = study.command(stage);
            command.args(["--json", option]);
            let summary: Value = serde_json::from_str(&succeeded(command)).unwrap();
            assert_eq!(summary["outcome"], outcome, "{stage} {option}");
            assert_eq!(summary["name"], study.dir(stage).title());
            assert_eq!(summary["metrics"].is_object(), stage != Stage::LatentExport, "{stage}");
        }
    }
}

#[test]
fn quiet_stages_say_nothing() {
    let study = Study::empty(ModelKind::Ae);
    for stage in stages() {
        let mut command = study.command(stage);
        let output = command.arg("--quiet").output().unwrap();
        assert!(output.status.success());
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{stage}: {output:?}");
    }
}

#[test]
fn progress_is_plain_lines_where_there_is_no_terminal() {
    let study = Study::prepared(ModelKind::Ae);
    let output = study.command(Stage::AeTrain).output().unwrap();
    let progress = String::from_utf8(output.stderr).unwrap();
    assert!(progress.contains("ae-2/ae-train: first run\n"), "{progress}");
    assert_eq!(progress.matches("epoch ").count(), 2, "{progress}");
    assert!(!progress.contains(['\r', '\u{1b}']), "{progress:?}");
}

/// A reader of the progress that goes away, as in `2>&1 | head`, must not take a long training with it.
#[cfg(target_os = "linux")]
#[test]
fn progress_that_nobody_takes_stops_no_stage() {
    let study = Study::prepared(ModelKind::Ae);
    let mut process = study.process_with(Stage::AeTrain, &[]);
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    assert_eq!(process.stdout(full()).stderr(full()).status().unwrap().code(), Some(0));
    assert!(study.dir(Stage::AeTrain).file(file::MANIFEST).exists());
}

#[test]
fn a_dry_run_only_says_what_it_would_do() {
    let study = Study::finished(ModelKind::Ae);
    let before = FileStates::of(study.path());
    for stage in stages() {
        let mut command = study.command(stage);
        command.args(["--force", "--dry-run"]);
        said(command, ": would run (rerun: forced)");
    }
    before.assert_untouched();

    let study = Study::prepared(ModelKind::Ae);
    let mut command = study.command(Stage::AeTrain);
    command.arg("--dry-run");
    said(command, ": would run (first run)");
    assert!(!study.run().path().exists());
}

#[test]
fn a_variant_lives_beside_the_stage() {
    let study = Study::finished(ModelKind::Cae);
    let before = FileStates::of(study.run().path());
    for (stage, change) in [(Stage::ClusterEval, ("--k", "20")), (Stage::LatentClassify, ("--seed", "7"))] {
        succeeded(study.command_with(stage, &[change, ("--tag", "other")]));
        let variant = study.run().stage(stage, Some("other"));
        assert!(variant.file(file::MANIFEST).exists());
        said(study.command_with(stage, &[change, ("--tag", "other")]), "up to date");
        said(study.command(stage), "up to date");
        fs::remove_dir_all(variant.path()).unwrap();
    }
    before.assert_untouched();
}

#[test]
fn prediction_finds_the_clusters_of_the_fit() {
    let study = Study::finished(ModelKind::Cae);
    let run = study.run();
    let fitted = Assignments::read(&study.dir(Stage::ClusterEval).file(file::ASSIGNMENTS)).unwrap();
    let before = FileStates::of(study.path());
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("predicted.parquet");
    for split in Split::ALL {
        let latents = study.dir(Stage::LatentExport).file(split.latents_file());
        predict(&study, &run, &latents, &output);
        let predicted = Assignments::read(&output).unwrap();
        let of_split: Vec<usize> = (0..fitted.splits.len()).filter(|row| fitted.splits[*row] == split.name()).collect();
        let clusters: Vec<u32> = of_split.iter().map(|row| fitted.clusters[*row]).collect();
        let distances: Vec<f32> = of_split.iter().map(|row| fitted.distances[*row]).collect();
        assert_eq!(predicted.clusters, clusters);
        assert_eq!(predicted.distances, distances);
        assert!(predicted.confidences.iter().all(|confidence| (0.0..=1.0).contains(confidence)));
        assert!(predicted.splits.iter().all(|name| name == split.name()));
    }
    before.assert_untouched();
}

fn predict(study: &Study, run: &RunDir, latents: &std::path::Path, output: &std::path::Path) {
    let paths = [run.path(), latents, output].map(|path| path.to_str().unwrap());
    let arguments = ["predict", "--run", paths[0], "--latents", paths[1], "--output", paths[2]];
    said(study.bare_command(Stage::ClusterEval, &arguments), "latents assigned");
}

#[test]
fn prediction_refuses_latents_of_another_encoder() {
    let (study, other) = (Study::finished(ModelKind::Cae), Study::finished(ModelKind::Ae));
    let latents = other.dir(Stage::LatentExport).file(file::TEST_LATENTS);
    let arguments =
        ["predict", "--run", "artifacts/cae-2", "--latents", latents.to_str().unwrap(), "--output", "out.parquet"];
    let error = error_text(study.bare_command(Stage::ClusterEval, &arguments), 1);
    assert!(error.contains("expected latents of the encoder") && error.contains("test.parquet"), "{error}");
    assert!(!study.path().join("out.parquet").exists());
}

#[test]
fn numbers_of_clusters_are_tried_and_left_in_the_run() {
    let study = Study::finished(ModelKind::Ae);
    let dir = study.dir(Stage::ClusterEval);
    let run = RunDir::new(dir.run());
    let path = dir.run().to_str().unwrap().to_owned();
    let choose = |more: &[&str]| {
        let arguments = [&["choose", "--run", &path, "--splits", "2", "--silhouette-sample", "200"], more].concat();
        study.bare_command(Stage::ClusterEval, &arguments)
    };
    let said = succeeded(choose(&["--from", "3", "--to", "5"]));
    let counts: ClusterCounts = read_document(&run.cluster_counts()).unwrap();
    assert_eq!(counts.rows.iter().map(|row| row.cluster_count).collect::<Vec<_>>(), [3, 4, 5]);
    assert!(counts.rows.iter().all(|row| (-1.0..=1.0).contains(&row.stability) && row.silhouette.is_some()));
    assert_eq!(said.lines().count(), 1 + 3, "{said}");
    let bytes = || std::fs::read(run.cluster_counts()).unwrap();
    let first = bytes();
    succeeded(choose(&["--from", "3", "--to", "5"]));
    assert_eq!(bytes(), first);
    let error = error_text(choose(&["--from", "6", "--to", "5"]), 2);
    assert!(error.contains("--from 6 is above --to 5"), "{error}");
    // No stage takes notice of it.
    assert!(succeeded(study.command(Stage::ClusterEval)).contains("up to date"));
}

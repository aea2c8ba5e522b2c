//! What a kill leaves, and two stages at the same time. Kills at any moment, and much else, are in the fault campaign.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use pipeline_tests::{FileStates, Study, leftovers, manifest, refused, said, stages, succeeded};
use run_store::{ModelKind, Stage, file};

/// A training that no test waits for.
const ENDLESS: &[(&str, &str)] = &[("--epochs", "1000000")];

fn start(study: &Study, stage: Stage, changes: &[(&str, &str)], force: bool) -> Child {
    let mut process = study.process_with(stage, changes);
    if force {
        process.arg("--force");
    }
    process.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// SIGKILL on Unix: no handler, no clean-up.
fn kill(mut process: Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

/// Where `stage` writes before its result takes its place.
fn partial(study: &Study, stage: Stage) -> PathBuf {
    study.dir(stage).run().join(format!(".{stage}.partial"))
}

/// Waits until `process` writes its result.
fn wait_for_work(study: &Study, stage: Stage, process: &mut Child) {
    let began = Instant::now();
    while !partial(study, stage).exists() {
        assert!(process.try_wait().unwrap().is_none(), "{stage} ended early");
        assert!(began.elapsed() < Duration::from_secs(60), "{stage} does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_killed_rerun_leaves_every_file_as_it_was() {
    let study = Study::finished(ModelKind::Ae);
    let before = FileStates::of(&study.dir(Stage::AeTrain).path());
    let mut process = start(&study, Stage::AeTrain, ENDLESS, false);
    wait_for_work(&study, Stage::AeTrain, &mut process);
    kill(process);
    before.assert_untouched();
    assert_eq!(leftovers(study.run().path()), [".ae-train.partial"]);
    said(study.command(Stage::AeTrain), "up to date");
}

#[test]
fn what_an_interrupted_stage_left_is_cleared_away() {
    let study = Study::finished(ModelKind::Ae);
    for stage in stages() {
        let partial = partial(&study, stage);
        fs::create_dir(&partial).unwrap();
        fs::write(partial.join("weights.safetensors"), "half").unwrap();
        let mut command = study.command(stage);
        command.arg("--force");
        succeeded(command);
        assert_eq!(leftovers(study.dir(stage).run()), Vec::<String>::new());
        let outputs = manifest(&study.dir(stage)).outputs;
        let results = outputs.keys().filter(|path| !path.starts_with(file::CHECKPOINT));
        assert_eq!(results.count(), stage.outputs().len(), "{stage}");
    }
}

#[test]
fn two_processes_never_write_the_same_folder() {
    let study = Study::finished(ModelKind::Ae);
    let mut first = start(&study, Stage::AeTrain, ENDLESS, false);
    wait_for_work(&study, Stage::AeTrain, &mut first);

    let mut second = study.command(Stage::AeTrain);
    second.arg("--force");
    let before = FileStates::of(&study.dir(Stage::AeTrain).path());
    let error = pipeline_tests::error_text(second, 1);
    let holder = format!("(process {})", first.id());
    assert!(error.contains("artifacts/ae-2/ae-train is being written by another process"), "{error}");
    assert!(error.contains(&holder), "expected {holder} in: {error}");
    before.assert_untouched();

    // Whoever only reads is not held up, nor is another stage of the run.
    said(study.command(Stage::AeTrain), "up to date");
    let mut other = study.command(Stage::LatentExport);
    other.arg("--force");
    said(other, "(rerun: forced)");

    kill(first);
    let mut third = study.command(Stage::AeTrain);
    third.arg("--force");
    said(third, "(rerun: forced)");
    assert_eq!(leftovers(study.run().path()), Vec::<String>::new());
}

/// On file systems that cannot exchange two folders in one step, a kill may fall between the two.
#[test]
fn a_replacement_cut_in_two_is_mended_by_whoever_looks() {
    let study = Study::finished(ModelKind::Ae);
    for (stage, reader) in [
        (Stage::MnistData, Stage::AeTrain),
        (Stage::AeTrain, Stage::LatentExport),
        (Stage::LatentExport, Stage::ClusterEval),
        (Stage::ClusterEval, Stage::ClusterEval),
    ] {
        let dir = study.dir(stage);
        let previous = dir.run().join(format!(".{stage}.previous"));
        fs::rename(dir.path(), &previous).unwrap();
        said(study.command(reader), "up to date");
        assert!(dir.path().exists() && !previous.exists(), "{stage}");
    }
}

#[test]
fn a_lock_without_a_holder_is_no_obstacle() {
    let study = Study::finished(ModelKind::Ae);
    fs::write(study.run().path().join(".cluster-eval.lock"), "4000000").unwrap();
    let mut command = study.command(Stage::ClusterEval);
    command.arg("--force");
    said(command, "(rerun: forced)");
}

#[test]
fn a_lock_held_by_somebody_unknown_is_respected() {
    let study = Study::finished(ModelKind::Ae);
    let lock = fs::File::create(study.run().path().join(".cluster-eval.lock")).unwrap();
    lock.lock().unwrap();
    let mut command = study.command(Stage::ClusterEval);
    command.arg("--force");
    refused(&study, command, &["artifacts/ae-2/cluster-eval is being written by another process;"]);
}

//! Work that is committed, dropped, cut short, and robbed of its run.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::layout::{RunDir, Stage};
use serde_json::json;

fn dir(folder: &Path) -> StageDir {
    RunDir::new(folder.join("run")).stage(Stage::ClusterEval, None)
}

fn begin(folder: &Path) -> Result<Work> {
    Plan::new(dir(folder), &json!({})).unwrap().begin(Reason::First)
}

fn environment() -> Environment {
    Environment { threads: 1, device: "cpu".to_owned(), precision: "f32".to_owned(), libtorch: None }
}

#[test]
fn a_dropped_work_leaves_the_earlier_result() {
    let folder = tempfile::tempdir().unwrap();
    let work = begin(folder.path()).unwrap();
    fs::write(work.file("a").unwrap(), "old").unwrap();
    work.commit(environment()).unwrap();
    let work = begin(folder.path()).unwrap();
    fs::write(work.file("a").unwrap(), "new").unwrap();
    drop(work);
    assert_eq!(fs::read_to_string(dir(folder.path()).file("a")).unwrap(), "old");
    assert!(!dir(folder.path()).partial().exists());
}

#[test]
fn a_commit_replaces_the_whole_folder() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        let work = begin(folder.path()).unwrap();
        fs::write(work.file(name).unwrap(), name).unwrap();
        let manifest = work.commit(environment()).unwrap();
        assert_eq!(manifest.outputs.keys().collect::<Vec<_>>(), [name]);
    }
    assert!(!dir(folder.path()).file("a").exists());
    assert!(dir(folder.path()).file("b").exists());
    assert!(!dir(folder.path()).partial().exists());
}

#[test]
fn only_one_may_write() {
    let folder = tempfile::tempdir().unwrap();
    let first = begin(folder.path()).unwrap();
    let error = begin(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { process: Some(id), .. } if id == std::process::id()), "{error}");
    drop(first);
    assert!(begin(folder.path()).is_ok());
}

#[test]
fn a_replacement_cut_in_two_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let work = begin(folder.path()).unwrap();
    fs::write(work.file("a").unwrap(), "old").unwrap();
    work.commit(environment()).unwrap();
    let dir = dir(folder.path());
    fs::rename(dir.path(), dir.previous()).unwrap();
    recover(&dir).unwrap();
    assert_eq!(fs::read_to_string(dir.file("a")).unwrap(), "old");
}

#[test]
fn a_destination_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("run"), "a file, not a folder").unwrap();
    let error = begin(folder.path()).unwrap_err().to_string();
    assert!(error.contains("cannot create") && error.contains("run"), "{error}");
}

/// Whoever deletes a run, or gives its name to another, takes it from the stage that is at work in it.
#[test]
fn a_run_that_is_gone_or_another_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let work = begin(folder.path()).unwrap();
    fs::write(work.file("a").unwrap(), "late").unwrap();
    fs::rename(&run, folder.path().join("away")).unwrap();
    let of_another = dir(folder.path()).partial();
    fs::create_dir_all(&of_another).unwrap();
    fs::write(of_another.join("b"), "another's").unwrap();
    // Nothing more is written there either.
    assert!(work.file("b").is_err() && work.folder().is_err());
    let error = work.commit(environment()).unwrap_err().to_string();
    assert!(error.contains("another in its place; run the stage again"), "{error}");
    assert_eq!(fs::read_to_string(of_another.join("b")).unwrap(), "another's");

    let work = begin(folder.path()).unwrap();
    let checkpoints = work.checkpoints();
    fs::remove_dir_all(&run).unwrap();
    let error = checkpoints.write(1, 1, |_| Ok::<(), StoreError>(())).unwrap_err().to_string();
    assert!(error.contains("another in its place"), "{error}");
    drop(work);
    assert!(!run.exists());
}

/// Where a kill falls while the replaced result is removed, what is left of it is no training that might go on.
#[test]
fn what_is_left_of_a_replaced_result_is_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let dir = RunDir::new(folder.path()).stage(Stage::AeTrain, None);
    let plan = || Plan::new(dir.clone(), &json!({})).unwrap();
    plan().begin(Reason::First).unwrap().commit(environment()).unwrap();
    let tidied = || {
        plan().tidy();
        !dir.partial().exists()
    };
    fs::create_dir_all(dir.partial().join(file::CHECKPOINT).join("epoch-00003")).unwrap();
    assert!(!tidied(), "a checkpoint of some training is worth keeping");
    fs::write(dir.partial().join(file::MANIFEST), "").unwrap();
    assert!(tidied());
    fs::create_dir_all(dir.partial().join(file::CHECKPOINT).join(".unfinished")).unwrap();
    assert!(tidied(), "half a checkpoint is not");
}

/// Where folders are swapped in two steps, a kill between them leaves the model where only its stage would look.
#[test]
fn a_model_whose_replacement_was_cut_in_two_is_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDir::new(folder.path());
    let plan = |stage| Plan::new(run.stage(stage, None), &json!({})).unwrap();
    for (stage, rival) in [(Stage::AeRefine, Stage::AeTrain), (Stage::AeTrain, Stage::AeRefine)] {
        plan(stage).begin(Reason::First).unwrap().commit(environment()).unwrap();
        let dir = run.stage(stage, None);
        fs::rename(dir.path(), dir.previous()).unwrap();
        assert_eq!(run.model_stage().stage(), stage);
        assert!(plan(rival).decide(false).is_err() && plan(rival).begin(Reason::First).is_err());
        plan(stage).decide(false).unwrap();
        assert!(dir.path().exists());
        fs::remove_dir_all(dir.path()).unwrap();
    }
}

/// What a stage left that was interrupted, and can give the run no model any more, goes when another has given it one.
#[test]
fn an_interrupted_rival_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDir::new(folder.path());
    let plan = |stage| Plan::new(run.stage(stage, None), &json!({})).unwrap();
    let checkpoint = run.stage(Stage::AeRefine, None).partial().join(file::CHECKPOINT).join("epoch-00003");
    fs::create_dir_all(&checkpoint).unwrap();
    plan(Stage::AeTrain).begin(Reason::First).unwrap().commit(environment()).unwrap();
    assert!(!checkpoint.exists());
    fs::create_dir_all(&checkpoint).unwrap();
    plan(Stage::AeTrain).tidy();
    assert!(!run.stage(Stage::AeRefine, None).partial().exists());
}

#[test]
fn a_run_has_one_model() {
    let folder = tempfile::tempdir().unwrap();
    let plan = |stage| Plan::new(RunDir::new(folder.path()).stage(stage, None), &json!({})).unwrap();
    let refining = plan(Stage::AeRefine).begin(Reason::First).unwrap();
    let error = plan(Stage::AeTrain).begin(Reason::First).unwrap_err().to_string();
    assert!(error.contains("ae-refine is being written by another process"), "{error}");
    refining.commit(environment()).unwrap();
    for refused in [plan(Stage::AeTrain).decide(false).err(), plan(Stage::AeTrain).begin(Reason::First).err()] {
        let error = refused.unwrap().to_string();
        assert!(error.contains("found one that ae-refine left; give the new model another --run"), "{error}");
    }
}

//! A training that goes on where it stopped ends with the same bytes as one that nothing disturbed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use pipeline_tests::{Study, Tree, edit_json, leftovers, succeeded};
use run_store::{ModelKind, Stage, file, hash_bytes};
use serde_json::json;

/// Stages that train.
const TRAININGS: [Stage; 2] = [Stage::AeTrain, Stage::LatentClassify];

/// Epochs enough that a busy machine stops a training among them; one of the classifier takes milliseconds.
fn many_epochs(stage: Stage) -> &'static str {
    if stage == Stage::LatentClassify { "400" } else { "40" }
}

fn results(study: &Study, stage: Stage) -> Tree {
    Tree::read(&study.dir(stage).path()).results()
}

/// The results of `stage` with `changes`, undisturbed, in a copy of a finished study.
fn undisturbed(model: ModelKind, stage: Stage, changes: &[(&str, &str)]) -> Tree {
    let study = Study::finished(model);
    fs::remove_dir_all(study.dir(stage).path()).unwrap();
    succeeded(study.command_with(stage, changes));
    results(&study, stage)
}

#[track_caller]
fn assert_same(expected: &Tree, found: &Tree) {
    assert_eq!(expected.differences(found), Vec::<PathBuf>::new());
}

/// Runs `stage`, which has to end well, and returns what it said on stderr.
fn notes(study: &Study, stage: Stage, changes: &[(&str, &str)]) -> String {
    let output = study.command_with(stage, changes).output().unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{notes}");
    notes
}

/// The checkpoints under work, the oldest first.
fn checkpoints(study: &Study, stage: Stage) -> Vec<PathBuf> {
    let folder = study.dir(stage).run().join(format!(".{stage}.partial")).join(file::CHECKPOINT);
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    // One in the making and one on its way out are hidden.
    let is_checkpoint = |path: &PathBuf| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'));
    let mut folders: Vec<PathBuf> = entries.filter(is_checkpoint).collect();
    folders.sort();
    folders
}

/// Starts `stage` and waits until it has written the checkpoint of `epoch`.
fn start_until(study: &Study, stage: Stage, changes: &[(&str, &str)], epoch: u32) -> Child {
    let name = format!("epoch-{epoch:05}");
    start_and_wait(study, stage, changes, |found| found.last().is_some_and(|last| *last.file_name().unwrap() >= *name))
}

/// Starts `stage` and waits until it has written a checkpoint that was not there.
fn start_until_changed(study: &Study, stage: Stage, changes: &[(&str, &str)]) -> Child {
    let before = checkpoints(study, stage);
    start_and_wait(study, stage, changes, |found| found.iter().any(|path| !before.contains(path)))
}

fn kill(mut process: Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

fn start_and_wait(
    study: &Study,
    stage: Stage,
    changes: &[(&str, &str)],
    is_there: impl Fn(&[PathBuf]) -> bool,
) -> Child {
    let mut process = study.process_with(stage, changes);
    let mut process = process.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while !is_there(&checkpoints(study, stage)) {
        if process.try_wait().unwrap().is_some() {
            let said = String::from_utf8(process.wait_with_output().unwrap().stderr).unwrap();
            panic!("{stage} ended before it was stopped: {said}");
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{stage} writes no checkpoint");
        std::thread::sleep(Duration::from_millis(2));
    }
    process
}

#[test]
fn a_longer_training_continues_a_finished_one() {
    for shuffle in ["false", "true"] {
        for stage in TRAININGS {
            let changes = |epochs| [("--epochs", epochs), ("--shuffle", shuffle)];
            let expected = undisturbed(ModelKind::Cae, stage, &changes("5"));
            let study = Study::finished(ModelKind::Cae);
            succeeded(study.command_with(stage, &changes("2")));
            let notes = notes(&study, stage, &changes("5"));
            assert!(notes.contains("rerun: epochs 2 → 5") && notes.contains("continuing after epoch 2"), "{notes}");
            assert_same(&expected, &results(&study, stage));
        }
    }
}

/// What is drawn along the way, latents and the maps of views, is drawn again as it would have been.
#[test]
fn trainings_that_draw_go_on_too() {
    let epochs = ("--epochs", "5");
    for (model, changes) in [(ModelKind::Cvae, vec![epochs]), (ModelKind::Cae, vec![epochs, ("--preset", "tuned")])] {
        let expected = undisturbed(model, Stage::AeTrain, &changes);
        let study = Study::prepared(model);
        kill(start_until(&study, Stage::AeTrain, &changes, 2));
        let notes = notes(&study, Stage::AeTrain, &changes);
        assert!(notes.contains("continuing after epoch"), "{notes}");
        assert_same(&expected, &results(&study, Stage::AeTrain));
    }
}

#[test]
fn a_shorter_training_starts_over() {
    let expected = undisturbed(ModelKind::Ae, Stage::AeTrain, &[("--epochs", "1")]);
    let study = Study::finished(ModelKind::Ae);
    let notes = notes(&study, Stage::AeTrain, &[("--epochs", "1")]);
    assert!(!notes.contains("continuing"), "{notes}");
    assert_same(&expected, &results(&study, Stage::AeTrain));
}

#[test]
fn other_parameters_start_over() {
    let study = Study::finished(ModelKind::Ae);
    let notes = notes(&study, Stage::AeTrain, &[("--epochs", "3"), ("--learning-rate", "0.002")]);
    assert!(!notes.contains("continuing"), "{notes}");
}

#[test]
fn epochs_that_were_not_kept_need_a_new_start() {
    let changes = [("--epochs", "4"), ("--keep-epochs", "0,2,3")];
    let expected = undisturbed(ModelKind::Ae, Stage::AeTrain, &changes);
    let study = Study::finished(ModelKind::Ae);
    succeeded(study.command_with(Stage::AeTrain, &[("--epochs", "3"), ("--keep-epochs", "0")]));
    let notes = notes(&study, Stage::AeTrain, &changes);
    assert!(notes.contains("nothing was kept of epoch 2"), "{notes}");
    assert_same(&expected, &results(&study, Stage::AeTrain));
}

#[test]
fn a_killed_training_goes_on_after_its_last_epoch() {
    for stage in TRAININGS {
        let changes = [("--epochs", many_epochs(stage))];
        let expected = undisturbed(ModelKind::Ae, stage, &changes);
        let study = Study::finished(ModelKind::Ae);
        fs::remove_dir_all(study.dir(stage).path()).unwrap();
        for epoch in [2, 5] {
            kill(start_until(&study, stage, &changes, epoch));
        }
        let notes = notes(&study, stage, &changes);
        assert!(notes.contains("continuing after epoch"), "{notes}");
        assert_same(&expected, &results(&study, stage));
        assert_eq!(leftovers(study.dir(stage).run()), Vec::<String>::new());
    }
}

#[test]
fn a_shorter_training_is_not_crowded_out_by_a_longer_ones_checkpoints() {
    // As with `many_epochs`: the classifier needs more of them to be stopped in time. Both are killed far enough behind the epochs
    // that are wanted to have dropped the checkpoint of the last, with which nothing would be left to be stopped.
    for (stage, epochs, longer, killed_after) in
        [(Stage::AeTrain, "12", "40", 15), (Stage::LatentClassify, "150", "1500", 160)]
    {
        let expected = undisturbed(ModelKind::Ae, stage, &[("--epochs", epochs)]);
        let study = Study::finished(ModelKind::Ae);
        fs::remove_dir_all(study.dir(stage).path()).unwrap();
        kill(start_until(&study, stage, &[("--epochs", longer)], killed_after));
        kill(start_until_changed(&study, stage, &[("--epochs", epochs)]));
        let notes = notes(&study, stage, &[("--epochs", epochs)]);
        assert!(notes.contains("continuing after epoch"), "{notes}");
        assert_same(&expected, &results(&study, stage));
    }
}

#[test]
fn a_training_stopped_right_after_the_wanted_epoch_still_redraws_it() {
    let expected = undisturbed(ModelKind::Ae, Stage::AeTrain, &[("--epochs", "4")]);
    let study = Study::finished(ModelKind::Ae);
    fs::remove_dir_all(study.dir(Stage::AeTrain).path()).unwrap();
    // Two are kept: a kill may come too late to find this one.
    let is_wanted = |path: &PathBuf| path.ends_with("epoch-00004");
    let is_stopped_in_time = (0..20).any(|_| {
        let _ = fs::remove_dir_all(study.run().path().join(".ae-train.partial"));
        kill(start_until(&study, Stage::AeTrain, &[("--epochs", "40")], 4));
        checkpoints(&study, Stage::AeTrain).iter().any(is_wanted)
    });
    assert!(is_stopped_in_time, "no training was stopped before it was two epochs further");
    for folder in checkpoints(&study, Stage::AeTrain).into_iter().filter(|path| !is_wanted(path)) {
        fs::remove_dir_all(folder).unwrap();
    }
    succeeded(study.command_with(Stage::AeTrain, &[("--epochs", "4")]));
    assert_same(&expected, &results(&study, Stage::AeTrain));
}

#[test]
fn neither_a_dry_run_nor_an_up_to_date_one_costs_a_longer_training_its_progress() {
    let study = Study::finished(ModelKind::Ae);
    kill(start_until(&study, Stage::AeTrain, &[("--epochs", "60")], 5));
    let before = checkpoints(&study, Stage::AeTrain);
    let mut dry = study.command(Stage::AeTrain);
    dry.arg("--dry-run");
    pipeline_tests::said(dry, "up to date");
    pipeline_tests::said(study.command(Stage::AeTrain), "up to date");
    assert_eq!(before, checkpoints(&study, Stage::AeTrain));
    let notes = notes(&study, Stage::AeTrain, &[("--epochs", "60")]);
    assert!(!notes.contains("continuing after epoch 2\n") && notes.contains("continuing after epoch"), "{notes}");
}

#[test]
fn a_force_starts_over() {
    let study = Study::finished(ModelKind::Ae);
    let expected = results(&study, Stage::AeTrain);
    let mut command = study.command(Stage::AeTrain);
    command.arg("--force");
    let output = command.output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("continuing"));
    assert_same(&expected, &results(&study, Stage::AeTrain));
}

/// Ctrl-C, as a shell sends it.
#[cfg(unix)]
#[test]
fn ctrl_c_says_how_to_go_on() {
    for stage in TRAININGS {
        let changes = [("--epochs", many_epochs(stage))];
        let expected = undisturbed(ModelKind::Ae, stage, &changes);
        let study = Study::finished(ModelKind::Ae);
        fs::remove_dir_all(study.dir(stage).path()).unwrap();
        let process = start_until(&study, stage, &changes, 3);
        let signal = std::process::Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
        assert!(signal.success());
        let output = process.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{said}");
        assert!(said.contains("run the same command again to go on after epoch"), "{said}");
        assert!(!study.dir(stage).path().exists());
        succeeded(study.command_with(stage, &changes));
        assert_same(&expected, &results(&study, stage));
    }
}

/// A training that was killed, and its last two checkpoints.
fn killed_training() -> (Study, Vec<PathBuf>) {
    let study = Study::finished(ModelKind::Ae);
    fs::remove_dir_all(study.dir(Stage::AeTrain).path()).unwrap();
    kill(start_until(&study, Stage::AeTrain, &[("--epochs", "40")], 4));
    let mut checkpoints = checkpoints(&study, Stage::AeTrain);
    // The kill may fall after a checkpoint is written and before the oldest is removed.
    let last_two = checkpoints.split_off(checkpoints.len() - 2);
    (study, last_two)
}

#[track_caller]
fn assert_falls_back(damage: impl Fn(&Path), expected_note: &str) {
    let expected = undisturbed(ModelKind::Ae, Stage::AeTrain, &[("--epochs", "40")]);
    let (study, checkpoints) = killed_training();
    damage(&checkpoints[1]);
    let epoch =
        checkpoints[0].file_name().unwrap().to_str().unwrap().trim_start_matches("epoch-").trim_start_matches('0');
    let notes = notes(&study, Stage::AeTrain, &[("--epochs", "40")]);
    assert!(notes.contains(&format!("continuing after epoch {epoch}\n")), "{notes}");
    assert!(notes.contains(expected_note), "expected `{expected_note}` in {notes}");
    assert_same(&expected, &results(&study, Stage::AeTrain));
}

#[test]
fn a_checkpoint_cut_short_gives_way_to_the_one_before() {
    let cut = |checkpoint: &Path| pipeline_tests::truncate(&checkpoint.join(file::OPTIMIZER));
    assert_falls_back(cut, "checkpoint passed over");
}

#[test]
fn a_checkpoint_of_a_newer_version_gives_way_to_the_one_before() {
    let newer = |checkpoint: &Path| {
        let path = checkpoint.join(file::CHECKPOINT_STATE);
        let text = fs::read_to_string(&path).unwrap().replace("\"schema_version\": 1", "\"schema_version\": 99");
        fs::write(path, text).unwrap();
    };
    assert_falls_back(newer, "schema version 99");
}

/// Not of its own accord, but vouched for by whoever made it.
#[test]
fn a_checkpoint_that_lacks_weights_it_has_reconstructions_of_is_refused() {
    let (study, checkpoints) = killed_training();
    let none = [2_u64.to_le_bytes().as_slice(), b"{}"].concat();
    fs::write(checkpoints[1].join(file::WEIGHTS_BY_EPOCH), &none).unwrap();
    edit_json(&checkpoints[1].join(file::CHECKPOINT_STATE), |state| {
        state["files"][file::WEIGHTS_BY_EPOCH] = json!(hash_bytes(&none));
        let facts = json!([state["key"], state["epoch"], state["optimizer_steps"], state["files"]]);
        state["content"] = json!(hash_bytes(facts.to_string().as_bytes()));
    });
    let output = study.process_with(Stage::AeTrain, &[("--epochs", "40")]).output().unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{notes}");
    let expected = "weights_by_epoch.safetensors: expected weights of the epochs {0";
    assert!(notes.contains(expected) && notes.contains("found {}; start over with --force"), "{notes}");
}

#[test]
fn a_checkpoint_of_another_architecture_is_left_alone() {
    let study = Study::finished(ModelKind::Cae);
    let mut process = study.process_with(Stage::AeTrain, &[("--epochs", "3"), ("--model", "ae")]);
    let output = process.output().unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{notes}");
    assert!(!notes.contains("continuing"), "{notes}");
}

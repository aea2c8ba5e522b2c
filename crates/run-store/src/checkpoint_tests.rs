//! Checkpoints written, damaged, passed over and removed.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::hash::hash_bytes;

fn checkpoints(folder: &Path) -> Checkpoints {
    Checkpoints::new(folder, None, hash_bytes(b"training"))
}

fn write(checkpoints: &Checkpoints, epoch: u32) {
    let fill = |checkpoint: &Checkpoint| -> Result<()> {
        fs::write(checkpoint.file("values"), format!("epoch {epoch}")).map_err(StoreError::io("write", Path::new("")))
    };
    checkpoints.write(epoch, 10 * epoch, fill).unwrap();
}

fn latest(checkpoints: &Checkpoints, limit: u32) -> Option<u32> {
    checkpoints.latest(limit, |_| Ok(())).0.map(|checkpoint| checkpoint.epoch)
}

#[test]
fn the_last_two_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = checkpoints(folder.path());
    assert_eq!(latest(&checkpoints, 9), None);
    (1..=4).for_each(|epoch| write(&checkpoints, epoch));
    assert_eq!(epochs(&checkpoints.folder).into_keys().collect::<Vec<_>>(), [3, 4]);
    assert_eq!(latest(&checkpoints, 9), Some(4));
    assert_eq!(latest(&checkpoints, 3), Some(3));
    assert_eq!(latest(&checkpoints, 2), None);
    assert_eq!(checkpoints.latest(9, |_| Ok(())).0.unwrap().optimizer_steps, 40);
}

#[test]
fn what_a_kill_left_of_one_that_was_being_removed_goes() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = checkpoints(folder.path());
    write(&checkpoints, 1);
    fs::create_dir_all(checkpoints.folder.join(DROPPED).join("half")).unwrap();
    (2..=3).for_each(|epoch| write(&checkpoints, epoch));
    assert!(!checkpoints.folder.join(DROPPED).exists());
    fs::create_dir_all(checkpoints.folder.join(DROPPED).join("half")).unwrap();
    assert!(drop_unfinished(&checkpoints.folder).unwrap());
    assert_eq!(list(&checkpoints.folder).unwrap().len(), KEPT);
}

#[test]
fn one_that_is_not_what_it_says_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = checkpoints(folder.path());
    (1..=2).for_each(|epoch| write(&checkpoints, epoch));
    let last = checkpoints.folder.join(name_of(2));
    let passed_over = || {
        let (found, notes) = checkpoints.latest(9, |_| Ok(()));
        assert_eq!(found.map(|checkpoint| checkpoint.epoch), Some(1));
        notes.concat()
    };
    // A file that it does not vouch for.
    fs::write(last.join("more"), "").unwrap();
    assert!(passed_over().contains("expected only files that the checkpoint lists"));
    fs::remove_file(last.join("more")).unwrap();
    assert_eq!(latest(&checkpoints, 9), Some(2));
    // A figure of its own that is another than was written.
    let state = last.join(file::CHECKPOINT_STATE);
    let written = fs::read_to_string(&state).unwrap();
    for (from, to) in [("\"optimizer_steps\": 20", "\"optimizer_steps\": 21"), ("\"epoch\": 2", "\"epoch\": 1")] {
        assert!(written.contains(from), "{written}");
        fs::write(&state, written.replace(from, to)).unwrap();
        let note = passed_over();
        assert!(note.contains("checkpoint.json") && note.contains("expected content"), "{note}");
    }
    fs::write(&state, written).unwrap();
    // Another epoch's name.
    fs::rename(&last, checkpoints.folder.join(name_of(3))).unwrap();
    assert!(passed_over().contains("expected the checkpoint after epoch 2, found one in epoch-00003"));
}

#[test]
fn another_trainings_make_room_for_the_first_of_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let other = Checkpoints::new(folder.path(), None, hash_bytes(b"another training"));
    (7..=8).for_each(|epoch| write(&other, epoch));
    let own = checkpoints(folder.path());
    assert_eq!(latest(&own, 9), None);
    write(&own, 1);
    assert_eq!(latest(&own, 9), Some(1));
    assert_eq!(epochs(&own.folder).into_keys().collect::<Vec<_>>(), [1]);
}

#[test]
fn the_earlier_results_serve_too() {
    let folder = tempfile::tempdir().unwrap();
    let (earlier, work) = (folder.path().join("earlier"), folder.path().join("work"));
    for folder in [&earlier, &work] {
        fs::create_dir(folder).unwrap();
    }
    (1..=3).for_each(|epoch| write(&checkpoints(&earlier), epoch));
    checkpoints(&earlier).finish().unwrap();
    let next = Checkpoints::new(&work, Some(&earlier), hash_bytes(b"training"));
    assert_eq!(latest(&next, 9), Some(3));
    assert_eq!(latest(&next, 2), None);
    write(&next, 4);
    assert_eq!(latest(&next, 9), Some(4));
    next.finish().unwrap();
    assert_eq!(epochs(&next.folder).into_keys().collect::<Vec<_>>(), [4]);
}

#[test]
fn those_that_a_result_has_outrun_go() {
    let folder = tempfile::tempdir().unwrap();
    let (result, work) = (folder.path().join("result"), folder.path().join("work"));
    for folder in [&result, &work] {
        fs::create_dir(folder).unwrap();
    }
    write(&checkpoints(&result), 3);
    (3..=4).for_each(|epoch| write(&checkpoints(&work), epoch));
    let beside = Checkpoints::new(&work, Some(&result), hash_bytes(b"training"));
    beside.drop_outrun().unwrap();
    assert_eq!(epochs(&beside.folder).into_keys().collect::<Vec<_>>(), [4]);
    Checkpoints::new(&work, Some(&result), hash_bytes(b"another")).drop_outrun().unwrap();
    assert_eq!(latest(&beside, 9), Some(4));
}

#[test]
fn one_that_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = checkpoints(folder.path());
    let fail = |checkpoint: &Checkpoint| {
        fs::write(checkpoint.file("values"), "half").unwrap();
        Err(StoreError::invalid(Path::new("values"), "no room", "make some"))
    };
    assert!(checkpoints.write(1, 10, fail).is_err());
    assert!(!checkpoints.folder.exists());
    write(&checkpoints, 1);
    assert!(checkpoints.write(2, 20, fail).is_err());
    assert_eq!(list(&checkpoints.folder).unwrap().len(), 1);
}

#[test]
fn a_longer_trainings_do_not_crowd_out_a_shorter_ones() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = checkpoints(folder.path());
    (29..=30).for_each(|epoch| write(&checkpoints, epoch));
    assert_eq!(latest(&checkpoints, 25), None);
    write(&checkpoints, 1);
    write(&checkpoints, 2);
    assert_eq!(epochs(&checkpoints.folder).into_keys().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(latest(&checkpoints, 25), Some(2));
}

#[test]
fn one_that_is_of_no_use_gives_way_to_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = checkpoints(folder.path());
    (1..=2).for_each(|epoch| write(&checkpoints, epoch));
    let usable = |found: &Checkpoint| if found.epoch == 1 { Ok(()) } else { Err("no use".to_owned()) };
    let (found, passed_over) = checkpoints.latest(9, usable);
    assert_eq!(found.unwrap().epoch, 1);
    assert_eq!(passed_over, ["no use"]);
}

#[test]
fn a_damaged_one_gives_way_to_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = checkpoints(folder.path());
    (1..=2).for_each(|epoch| write(&checkpoints, epoch));
    let values = checkpoints.latest(2, |_| Ok(())).0.unwrap().file("values");
    fs::write(&values, "epo").unwrap();
    let (found, passed_over) = checkpoints.latest(2, |_| Ok(()));
    assert_eq!(found.unwrap().epoch, 1);
    assert!(passed_over[0].contains("values"), "{passed_over:?}");
    fs::remove_file(values).unwrap();
    assert_eq!(latest(&checkpoints, 2), Some(1));
}

#[test]
fn one_of_a_newer_version_or_another_training_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let own = checkpoints(folder.path());
    (1..=2).for_each(|epoch| write(&own, epoch));
    let other = Checkpoints::new(folder.path(), None, hash_bytes(b"another training"));
    assert_eq!(latest(&other, 9), None);
    let state = own.latest(2, |_| Ok(())).0.unwrap().file(file::CHECKPOINT_STATE);
    let text = fs::read_to_string(&state).unwrap().replace("\"schema_version\": 1", "\"schema_version\": 99");
    fs::write(&state, text).unwrap();
    let (found, passed_over) = own.latest(2, |_| Ok(()));
    assert_eq!(found.unwrap().epoch, 1);
    assert!(passed_over[0].contains("schema version 99"), "{passed_over:?}");
}

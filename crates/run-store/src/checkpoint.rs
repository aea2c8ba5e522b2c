//! Checkpoints: what a training needs in order to go on after an epoch.
//!
//! Each is a folder of its own, `checkpoint/epoch-00012/`, written beside and renamed into place, with the hash of each of
//! its files. While a stage works the last two are kept: should one be damaged, the other is still good. So none of it has
//! to be flushed to disk at each epoch.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::document::{Document, read_document, write_document};
use crate::error::{Result, StoreError};
use crate::hash::{ContentHash, hash_file};
use crate::layout::file;
use crate::lock::FolderLock;
use crate::names::names_below;
use crate::replace::{is_folder, remove_folder};

/// How many are kept while a stage works.
const KEPT: usize = 2;
const PREFIX: &str = "epoch-";
const UNFINISHED: &str = ".unfinished";
/// Where one is taken to be removed: so that what a kill leaves of it is no checkpoint, which might be taken for another
/// training's.
const DROPPED: &str = ".dropped";

/// What a checkpoint says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// The hash of everything that decides the training up to here.
    key: ContentHash,
    epoch: u32,
    optimizer_steps: u32,
    #[serde(deserialize_with = "names_below")]
    files: BTreeMap<String, ContentHash>,
}

impl Document for State {
    const KIND: &'static str = "a checkpoint";
}

/// A checkpoint that can be continued from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    folder: PathBuf,
    /// Epochs trained.
    pub epoch: u32,
    /// Steps that the optimizer took.
    pub optimizer_steps: u32,
}

impl Checkpoint {
    /// One of its files.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The checkpoints of a stage that is at work.
#[derive(Debug)]
pub struct Checkpoints {
    /// Where they are written.
    folder: PathBuf,
    /// Those of the earlier result, if they may be used.
    earlier: Option<PathBuf>,
    key: ContentHash,
    /// What says that they may be written.
    lock: Option<Arc<FolderLock>>,
}

impl Checkpoints {
    pub(crate) fn new(at_work: &Path, earlier_result: Option<&Path>, key: ContentHash) -> Self {
        let earlier = earlier_result.map(|result| result.join(file::CHECKPOINT));
        Self { folder: at_work.join(file::CHECKPOINT), earlier, key, lock: None }
    }

    /// Writes none without `lock`.
    pub(crate) fn under(self, lock: Arc<FolderLock>) -> Self {
        Self { lock: Some(lock), ..self }
    }

    /// The checkpoint of this training with the most epochs, but no more than `limit`, that is sound and `usable`; `usable`
    /// says why one is not. What was passed over stands in the list beside it.
    pub fn latest(
        &self,
        limit: u32,
        usable: impl Fn(&Checkpoint) -> std::result::Result<(), String>,
    ) -> (Option<Checkpoint>, Vec<String>) {
        let earlier = self.earlier.as_deref().map(epochs).unwrap_or_default();
        let mut candidates: Vec<(u32, PathBuf)> = earlier.into_iter().chain(epochs(&self.folder)).collect();
        candidates.sort_by_key(|(epoch, _)| *epoch);
        let mut passed_over = Vec::new();
        for (_, folder) in candidates.into_iter().rev() {
            match self.check(&folder) {
                Ok(Some(checkpoint)) if checkpoint.epoch <= limit => match usable(&checkpoint) {
                    Ok(()) => return (Some(checkpoint), passed_over),
                    Err(reason) => passed_over.push(reason),
                },
                Ok(_) => {}
                Err(error) => passed_over.push(format!("checkpoint passed over: {error}")),
            }
        }
        passed_over.dedup();
        (None, passed_over)
    }

    /// Writes the checkpoint of `epoch`: `write` fills its folder.
    ///
    /// # Errors
    /// `write` fails, the disk refuses, or the run is no longer where it was; earlier checkpoints then remain.
    pub fn write<E: From<StoreError>>(
        &self,
        epoch: u32,
        optimizer_steps: u32,
        write: impl FnOnce(&Checkpoint) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.lock.as_ref().map_or(Ok(()), |lock| lock.check())?;
        let written = self.write_whole(epoch, optimizer_steps, write);
        if written.is_err() {
            // The first failure is what matters; on a full disk this makes room.
            let _ = drop_unfinished(&self.folder);
        }
        written
    }

    fn write_whole<E: From<StoreError>>(
        &self,
        epoch: u32,
        optimizer_steps: u32,
        write: impl FnOnce(&Checkpoint) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let unfinished = self.folder.join(UNFINISHED);
        remove_folder(&unfinished)?;
        // Not with all that leads to it: where the run was deleted meanwhile, none of it should come back.
        for folder in [&self.folder, &unfinished] {
            let made = fs::create_dir(folder).or_else(|error| if folder.is_dir() { Ok(()) } else { Err(error) });
            made.map_err(StoreError::io("create", folder))?;
        }
        write(&Checkpoint { folder: unfinished.clone(), epoch, optimizer_steps })?;
        let mut files = BTreeMap::new();
        for path in list(&unfinished)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(name, hash_file(&path)?.0);
        }
        let state = State { key: self.key.clone(), epoch, optimizer_steps, files };
        let state_path = unfinished.join(file::CHECKPOINT_STATE);
        write_document(&state_path, &state)?;
        let folder = self.folder.join(name_of(epoch));
        self.drop_checkpoint(&folder)?;
        fs::rename(&unfinished, &folder).map_err(StoreError::io("create", &folder))?;
        self.keep(KEPT, epoch)?;
        Ok(())
    }

    /// Removes those that the earlier result has outrun: of the same training, with no more epochs.
    pub(crate) fn drop_outrun(&self) -> Result<()> {
        let own = |(_, folder): &(&u32, &PathBuf)| self.is_own(folder);
        let earlier = self.earlier.as_deref().map(epochs).unwrap_or_default();
        let reached = earlier.iter().filter(own).map(|(epoch, _)| *epoch).max().unwrap_or(0);
        let outrun = epochs(&self.folder);
        let outrun = outrun.iter().filter(own).filter(|(epoch, _)| **epoch <= reached);
        outrun.into_iter().try_for_each(|(_, folder)| self.drop_checkpoint(folder))
    }

    /// Keeps the last `count` of this training up to `epoch`. What lies beyond it, or is of another training, was left by
    /// one that no longer goes on: it would only crowd out this one's.
    fn keep(&self, count: usize, epoch: u32) -> Result<()> {
        remove_folder(&self.folder.join(UNFINISHED))?;
        let all = epochs(&self.folder);
        let (own, others): (Vec<_>, Vec<_>) =
            all.iter().rev().partition(|(found, folder)| **found <= epoch && self.is_own(folder));
        own.iter().skip(count).chain(&others).try_for_each(|(_, folder)| self.drop_checkpoint(folder))
    }

    /// Removes the checkpoint in `folder`, if there is one: in one step it is none any more.
    fn drop_checkpoint(&self, folder: &Path) -> Result<()> {
        let dropped = self.folder.join(DROPPED);
        remove_folder(&dropped)?;
        match fs::rename(folder, &dropped) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::io("remove", folder)(error)),
            _ => remove_folder(&dropped),
        }
    }

    /// Leaves the one checkpoint that a finished result keeps: the last that was written.
    pub(crate) fn finish(&self) -> Result<()> {
        self.keep(1, u32::MAX)
    }

    fn is_own(&self, folder: &Path) -> bool {
        // Nothing that lies elsewhere becomes a part of the result.
        let holds_files = list(folder).is_ok_and(|files| files.iter().all(|path| is_file(path)));
        holds_files
            && read_document::<State>(&folder.join(file::CHECKPOINT_STATE)).is_ok_and(|state| state.key == self.key)
    }

    /// The checkpoint in `folder`, `None` if it is of another training.
    fn check(&self, folder: &Path) -> Result<Option<Checkpoint>> {
        let state: State = read_document(&folder.join(file::CHECKPOINT_STATE))?;
        if state.key != self.key {
            return Ok(None);
        }
        let advice = "an earlier one is taken instead";
        let named = folder.file_name().unwrap_or_default();
        if named != name_of(state.epoch).as_str() {
            let problem =
                format!("expected the checkpoint after epoch {}, found one in {}", state.epoch, named.display());
            return Err(StoreError::invalid(folder, problem, advice));
        }
        // Nothing is read that the checkpoint does not vouch for.
        let is_known = |name: &str| name == file::CHECKPOINT_STATE || state.files.contains_key(name);
        if let Some(path) =
            list(folder)?.iter().find(|path| !path.file_name().and_then(|name| name.to_str()).is_some_and(is_known))
        {
            return Err(StoreError::invalid(
                path,
                "expected only files that the checkpoint lists, found another",
                advice,
            ));
        }
        for (name, expected) in &state.files {
            let path = folder.join(name);
            if !is_file(&path) {
                let problem = "expected a file, found a link, something else or nothing";
                return Err(StoreError::invalid(&path, problem, advice));
            }
            let (found, _) = hash_file(&path)?;
            if found != *expected {
                let problem = format!("expected content {}, found {}", expected.short(), found.short());
                return Err(StoreError::invalid(&path, problem, advice));
            }
        }
        Ok(Some(Checkpoint { folder: folder.to_owned(), epoch: state.epoch, optimizer_steps: state.optimizer_steps }))
    }
}

/// Removes what is no whole checkpoint from `folder`, and the folder itself where that is all. Whether any is left.
pub(crate) fn drop_unfinished(folder: &Path) -> Result<bool> {
    let checkpoints = epochs(folder);
    list(folder)?
        .iter()
        .filter(|path| !checkpoints.values().any(|kept| kept == *path))
        .try_for_each(|path| remove_folder(path))?;
    // Only an empty folder can be removed so.
    let _ = fs::remove_dir(folder);
    Ok(folder.exists())
}

/// The name of the folder of the checkpoint after `epoch`.
fn name_of(epoch: u32) -> String {
    format!("{PREFIX}{epoch:05}")
}

/// Whether there is a file itself at `path`, and no link to one.
fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

/// Every checkpoint in `folder`, by epoch.
fn epochs(folder: &Path) -> BTreeMap<u32, PathBuf> {
    let epoch = |path: &Path| path.file_name()?.to_str()?.strip_prefix(PREFIX)?.parse().ok();
    if !is_folder(folder) {
        return BTreeMap::new();
    }
    list(folder)
        .unwrap_or_default()
        .into_iter()
        .filter(|path| is_folder(path))
        .filter_map(|path| Some((epoch(&path)?, path)))
        .collect()
}

fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(StoreError::io("read", folder))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(StoreError::io("read", folder))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::hash::hash_bytes;

    fn checkpoints(folder: &Path) -> Checkpoints {
        Checkpoints::new(folder, None, hash_bytes(b"training"))
    }

    fn write(checkpoints: &Checkpoints, epoch: u32) {
        let fill = |checkpoint: &Checkpoint| -> Result<()> {
            fs::write(checkpoint.file("values"), format!("epoch {epoch}"))
                .map_err(StoreError::io("write", Path::new("")))
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
}

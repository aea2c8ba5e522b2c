//! Checkpoints: what a training needs in order to go on after an epoch.
//!
//! Each is a folder of its own, `checkpoint/epoch-00012/`, written beside and renamed into place, with the hash of each of
//! its files. While a stage works the last two are kept: should one be damaged, the other is still good. So none of it has
//! to be flushed to disk at each epoch.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::document::{Document, read_document, write_document};
use crate::error::{Result, StoreError};
use crate::hash::{ContentHash, hash_bytes, hash_file};
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
/// What becomes of one that is passed over.
const EARLIER: &str = "an earlier one is taken instead";

/// What a checkpoint says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// The hash of everything that decides the training up to here.
    key: ContentHash,
    epoch: u32,
    optimizer_steps: u32,
    #[serde(deserialize_with = "names_below")]
    files: BTreeMap<String, ContentHash>,
    /// The hash of all that: nothing else vouches for it.
    content: ContentHash,
}

impl State {
    fn new(key: ContentHash, epoch: u32, optimizer_steps: u32, files: BTreeMap<String, ContentHash>) -> Self {
        let content = hash_bytes(json!([key, epoch, optimizer_steps, files]).to_string().as_bytes());
        Self { key, epoch, optimizer_steps, files, content }
    }

    fn read(path: &Path) -> Result<Self> {
        let read: Self = read_document(path)?;
        let expected = read.content.short().to_owned();
        let state = Self::new(read.key, read.epoch, read.optimizer_steps, read.files);
        if state.content == read.content {
            return Ok(state);
        }
        let problem = format!("expected content {expected}, found {}", state.content.short());
        Err(StoreError::invalid(path, problem, EARLIER))
    }
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
        let state = State::new(self.key.clone(), epoch, optimizer_steps, files);
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
        holds_files && State::read(&folder.join(file::CHECKPOINT_STATE)).is_ok_and(|state| state.key == self.key)
    }

    /// The checkpoint in `folder`, `None` if it is of another training.
    fn check(&self, folder: &Path) -> Result<Option<Checkpoint>> {
        let state = State::read(&folder.join(file::CHECKPOINT_STATE))?;
        if state.key != self.key {
            return Ok(None);
        }
        let named = folder.file_name().unwrap_or_default();
        if named != name_of(state.epoch).as_str() {
            let problem =
                format!("expected the checkpoint after epoch {}, found one in {}", state.epoch, named.display());
            return Err(StoreError::invalid(folder, problem, EARLIER));
        }
        // Nothing is read that the checkpoint does not vouch for.
        let is_known = |name: &str| name == file::CHECKPOINT_STATE || state.files.contains_key(name);
        if let Some(path) =
            list(folder)?.iter().find(|path| !path.file_name().and_then(|name| name.to_str()).is_some_and(is_known))
        {
            return Err(StoreError::invalid(
                path,
                "expected only files that the checkpoint lists, found another",
                EARLIER,
            ));
        }
        for (name, expected) in &state.files {
            let path = folder.join(name);
            if !is_file(&path) {
                let problem = "expected a file, found a link, something else or nothing";
                return Err(StoreError::invalid(&path, problem, EARLIER));
            }
            let (found, _) = hash_file(&path)?;
            if found != *expected {
                let problem = format!("expected content {}, found {}", expected.short(), found.short());
                return Err(StoreError::invalid(&path, problem, EARLIER));
            }
        }
        Ok(Some(Checkpoint { folder: folder.to_owned(), epoch: state.epoch, optimizer_steps: state.optimizer_steps }))
    }
}

/// Removes what is no whole checkpoint from `folder`, and the folder itself where that is all. Whether any is left.
pub(crate) fn drop_unfinished(folder: &Path) -> Result<bool> {
    let checkpoints = epochs(folder);
    let kept: HashSet<&PathBuf> = checkpoints.values().collect();
    list(folder)?.iter().filter(|path| !kept.contains(path)).try_for_each(|path| remove_folder(path))?;
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
    // Only one name is that of an epoch.
    let epoch = |path: &Path| -> Option<u32> {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix(PREFIX)?.parse().ok().filter(|epoch| name == name_of(*epoch))
    };
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
#[path = "checkpoint_tests.rs"]
mod tests;

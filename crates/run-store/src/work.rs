//! Writing a stage folder: under a lock, beside the old one, into place in one step.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use crate::checkpoint::{self, Checkpoints};
use crate::document::write_document;
use crate::error::{Result, StoreError};
use crate::hash::hash_file;
use crate::layout::{StageDir, file};
use crate::manifest::{Environment, FileRecord, Manifest, Versions};
use crate::plan::{Plan, Reason};
use crate::replace::{is_folder, put_in_place, remove_folder, sync};

/// A stage folder in the making. Dropped before [`commit`](Self::commit), it leaves no trace but its checkpoints; killed,
/// it leaves an earlier result as it was.
#[derive(Debug)]
pub struct Work {
    plan: Plan,
    reason: Reason,
    partial: PathBuf,
    started: SystemTime,
    clock: Instant,
    committed: bool,
    _lock: File,
}

impl Work {
    pub(crate) fn begin(plan: Plan, reason: Reason) -> Result<Self> {
        let (run, path) = (plan.dir.run(), plan.dir.path());
        if path.exists() && !path.is_dir() {
            return Err(StoreError::invalid(&path, "expected a folder, found a file", "move it away"));
        }
        fs::create_dir_all(run).map_err(StoreError::io("create", run))?;
        let lock = lock(&plan.dir)?;
        recover_locked(&plan.dir)?;
        let partial = plan.dir.partial();
        prepare(&partial, &reason)?;
        let (started, clock) = (SystemTime::now(), Instant::now());
        Ok(Self { plan, reason, partial, started, clock, committed: false, _lock: lock })
    }

    /// Where to write the output `name`.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.partial.join(name)
    }

    /// The training's checkpoints.
    #[must_use]
    pub fn checkpoints(&self) -> Checkpoints {
        let earlier = self.plan.dir.path();
        let earlier = (self.reason != Reason::Forced).then_some(earlier.as_path());
        Checkpoints::new(&self.partial, earlier, self.plan.checkpoint_key())
    }

    /// Another process may have replaced an input after it was hashed and before it was read: then the result is of nothing
    /// that the manifest could name.
    fn check_inputs(&self) -> Result<()> {
        for (name, input) in &self.plan.inputs {
            let path = self.plan.dir.run().join(&input.path);
            if hash_file(&path)?.0 != input.blake3 {
                let problem = format!("the input {name} changed while the stage was at work");
                return Err(StoreError::invalid(&path, problem, "run the stage again"));
            }
        }
        Ok(())
    }

    /// Writes the manifest and puts the new folder in the old one's place.
    ///
    /// # Errors
    /// The disk refuses; the earlier result is then still there.
    pub fn commit(mut self, environment: Environment) -> Result<Manifest> {
        self.check_inputs()?;
        self.checkpoints().finish()?;
        let outputs = record_outputs(&self.partial)?;
        let dir = &self.plan.dir;
        let manifest = Manifest {
            stage: dir.stage(),
            tag: dir.tag().map(str::to_owned),
            format_version: dir.stage().format_version(),
            fingerprint: self.plan.fingerprint(),
            reason: self.reason.to_string(),
            parameters: self.plan.parameters.clone(),
            inputs: self.plan.inputs.clone(),
            outputs,
            environment,
            versions: Versions::current(),
            started: humantime::format_rfc3339_seconds(self.started).to_string(),
            seconds: self.clock.elapsed().as_secs_f64(),
            peak_memory_mib: peak_memory_mib(),
        };
        let path = self.file(file::MANIFEST);
        write_document(&path, &manifest)?;
        sync(&path)?;
        sync(&self.partial)?;
        // `recover` mends what a kill between two steps leaves, where one step is not possible.
        put_in_place(&self.partial, &dir.path(), &dir.previous())?;
        self.committed = true;
        sync(dir.run())?;
        // What now stands at the partial path is the old result, if there was one. The new one is whole without this.
        let _ = remove_folder(&self.partial);
        Ok(manifest)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing can be reported from here, and the next run clears the folder anyway.
            let _ = clear_but_checkpoints(&self.partial);
        }
    }
}

/// Takes the lock of `dir`, which lasts as long as the file is open.
fn lock(dir: &StageDir) -> Result<File> {
    let path = dir.lock();
    // A link would have another file written to, and a pipe would be waited for.
    if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
        return Err(StoreError::invalid(&path, "expected a lock's file, found a link, folder or pipe", "remove it"));
    }
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(StoreError::io("create", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let process = file.read_to_string(&mut holder).ok().and_then(|_| holder.trim().parse().ok());
            return Err(StoreError::Locked { path: dir.path(), process });
        }
        Err(TryLockError::Error(source)) => return Err(StoreError::Io { action: "lock", path, source }),
    }
    // The holder's number only makes the other's message better: a failure here is no failure of the stage.
    let _ = file.set_len(0).and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
    Ok(file)
}

/// Makes `partial` an empty folder, but for the checkpoints of an interrupted training.
fn prepare(partial: &Path, reason: &Reason) -> Result<()> {
    if *reason == Reason::Forced {
        remove_folder(partial)?;
    }
    clear_but_checkpoints(partial)?;
    fs::create_dir_all(partial).map_err(StoreError::io("create", partial))
}

/// Removes everything from `folder` but its checkpoints, and the folder too if it has none. What links lead to is left alone.
fn clear_but_checkpoints(folder: &Path) -> Result<()> {
    if !is_folder(folder) || !is_folder(&folder.join(file::CHECKPOINT)) {
        return remove_folder(folder);
    }
    for entry in fs::read_dir(folder).map_err(StoreError::io("read", folder))? {
        let entry = entry.map_err(StoreError::io("read", folder))?;
        let path = entry.path();
        if entry.file_name() == file::CHECKPOINT {
            continue;
        }
        remove_folder(&path)?;
    }
    checkpoint::clear_all_else(&folder.join(file::CHECKPOINT))
}

/// Every file below `folder` with its hash, flushed to disk.
fn record_outputs(folder: &Path) -> Result<BTreeMap<String, FileRecord>> {
    let mut outputs = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(StoreError::io("read", folder))? {
        let entry = entry.map_err(StoreError::io("read", folder))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if is_folder(&path) {
            outputs
                .extend(record_outputs(&path)?.into_iter().map(|(below, record)| (format!("{name}/{below}"), record)));
        } else {
            let (blake3, bytes) = hash_file(&path)?;
            outputs.insert(name, FileRecord { blake3, bytes });
        }
        sync(&path)?;
    }
    Ok(outputs)
}

/// Brings the earlier result back if a kill fell between the two steps of a replacement.
pub(crate) fn recover(dir: &StageDir) -> Result<()> {
    if dir.path().exists() || !dir.previous().exists() {
        return Ok(());
    }
    let _lock = lock(dir)?;
    recover_locked(dir)
}

/// Removes what a kill left beside a whole result, unless someone is at work there. Checkpoints stay: they may be of a longer
/// training that is to go on.
pub(crate) fn tidy(dir: &StageDir) {
    let (partial, previous) = (dir.partial(), dir.previous());
    if (partial.exists() || previous.exists())
        && let Ok(_lock) = lock(dir)
    {
        // With a manifest it is the result before this one, on its way out. What cannot be removed does no harm.
        let _ = match partial.join(file::MANIFEST).exists() {
            true => remove_folder(&partial),
            false => clear_but_checkpoints(&partial),
        };
        let _ = remove_folder(&previous);
    }
}

fn recover_locked(dir: &StageDir) -> Result<()> {
    let (path, previous) = (dir.path(), dir.previous());
    if !path.exists() && previous.exists() {
        fs::rename(&previous, &path).map_err(StoreError::io("recover", &path))?;
    }
    Ok(())
}

/// The most memory this process held at once.
fn peak_memory_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024.0)
}

#[cfg(test)]
mod tests {
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
        fs::write(work.file("a"), "old").unwrap();
        work.commit(environment()).unwrap();
        let work = begin(folder.path()).unwrap();
        fs::write(work.file("a"), "new").unwrap();
        drop(work);
        assert_eq!(fs::read_to_string(dir(folder.path()).file("a")).unwrap(), "old");
        assert!(!dir(folder.path()).partial().exists());
    }

    #[test]
    fn a_commit_replaces_the_whole_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            let work = begin(folder.path()).unwrap();
            fs::write(work.file(name), name).unwrap();
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
        fs::write(work.file("a"), "old").unwrap();
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
}

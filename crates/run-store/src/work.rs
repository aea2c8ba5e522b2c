//! Writing a stage folder: under a lock, beside the old one, into place in one step.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::checkpoint::{Checkpoints, drop_unfinished};
use crate::document::write_document;
use crate::error::{Result, StoreError};
use crate::foreign::{carry_over, carry_over_left, check_own};
use crate::hash::{ContentHash, hash_file};
use crate::layout::{StageDir, file};
use crate::lock::FolderLock;
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
    lock: Arc<FolderLock>,
}

impl Work {
    pub(crate) fn begin(plan: Plan, reason: Reason) -> Result<Self> {
        let (run, path) = (plan.dir.run(), plan.dir.path());
        // A link that leads nowhere too.
        if path.symlink_metadata().is_ok() && !path.is_dir() {
            return Err(StoreError::invalid(&path, "expected a folder, found something else", "move it away"));
        }
        fs::create_dir_all(run).map_err(StoreError::io("create", run))?;
        let lock = Arc::new(FolderLock::take(&plan.dir)?);
        recover_locked(&plan.dir)?;
        // Another may have come first since the plan was made.
        check_rival(&plan.dir)?;
        carry_over_left(&plan.dir)?;
        check_own(&plan.dir)?;
        let partial = plan.dir.partial();
        // A run that has taken this one's place is somebody else's.
        lock.check()?;
        prepare(&partial, &reason)?;
        lock.check()?;
        let (started, clock) = (SystemTime::now(), Instant::now());
        Ok(Self { plan, reason, partial, started, clock, committed: false, lock })
    }

    /// The folder to write outputs into.
    ///
    /// # Errors
    /// The run is no longer where the stage began: in one that took its place somebody else may be writing.
    pub fn folder(&self) -> Result<&Path> {
        self.lock.check()?;
        Ok(&self.partial)
    }

    /// Where to write the output `name`.
    ///
    /// # Errors
    /// As of [`folder`](Self::folder).
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        Ok(self.folder()?.join(name))
    }

    /// The training's checkpoints.
    #[must_use]
    pub fn checkpoints(&self) -> Checkpoints {
        let earlier = self.plan.dir.path();
        let earlier = (self.reason != Reason::Forced).then_some(earlier.as_path());
        Checkpoints::new(&self.partial, earlier, self.plan.checkpoint_key()).under(Arc::clone(&self.lock))
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
    /// The disk refuses, an input changed meanwhile, or the run is no longer where it was; the earlier result is then still there.
    pub fn commit(mut self, environment: Environment) -> Result<Manifest> {
        self.lock.check()?;
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
        let path = self.file(file::MANIFEST)?;
        write_document(&path, &manifest)?;
        sync(&path)?;
        sync(&self.partial)?;
        self.lock.check()?;
        // `recover` mends what a kill between two steps leaves, where one step is not possible.
        put_in_place(&self.partial, &dir.path(), &dir.previous())?;
        self.committed = true;
        let flushed = sync(dir.run());
        // What now stands there is the old result, if there was one. The new one is whole without this.
        for old in [&self.partial, &dir.previous()] {
            carry_over(dir.stage(), old, &dir.path())?;
            let _ = remove_result(old);
        }
        drop_of_rival(dir);
        flushed.map(|()| manifest)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // In a run that took the place of this one, another process may be at work.
        if !self.committed && self.lock.check().is_ok() {
            // Nothing can be reported from here, and the next run clears the folder anyway.
            let _ = clear_but_checkpoints(&self.partial);
        }
    }
}

/// Removes what an interrupted stage left that can give the run no model any more, as it has one. Both have one lock, which is held.
fn drop_of_rival(dir: &StageDir) {
    if let Some(rival) = dir.rival() {
        let _ = remove_folder(&rival.partial());
    }
}

/// A run's model is trained or refined, not both: later stages could not tell which is meant.
pub(crate) fn check_rival(dir: &StageDir) -> Result<()> {
    let Some(rival) = dir.rival().filter(StageDir::is_there) else { return Ok(()) };
    let problem = format!("expected a run without a model of its own, found one that {} left", rival.stage());
    Err(StoreError::invalid(dir.run(), problem, "give the new model another --run"))
}

/// Makes `partial` an empty folder, but for the checkpoints of an interrupted training.
fn prepare(partial: &Path, reason: &Reason) -> Result<()> {
    if *reason == Reason::Forced {
        remove_folder(partial)?;
    }
    clear_but_checkpoints(partial)?;
    match fs::create_dir(partial) {
        // With checkpoints to go on from.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && is_folder(partial) => Ok(()),
        // Where the run is gone it is not made again.
        made => made.map_err(StoreError::io("create", partial)),
    }
}

/// Removes everything from `folder` but its checkpoints, and the folder too if it has none. What links lead to is left alone.
fn clear_but_checkpoints(folder: &Path) -> Result<()> {
    let checkpoint = folder.join(file::CHECKPOINT);
    if !is_folder(folder) || !is_folder(&checkpoint) || !drop_unfinished(&checkpoint)? {
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
    Ok(())
}

/// Removes a result that another has replaced. Its checkpoint goes first: what a kill leaves of the rest is then no training that
/// might go on.
fn remove_result(folder: &Path) -> Result<()> {
    if !is_folder(folder) {
        return remove_folder(folder);
    }
    remove_folder(&folder.join(file::CHECKPOINT))?;
    remove_folder(folder)
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
    let _lock = FolderLock::take(dir)?;
    recover_locked(dir)
}

/// Removes what a kill left beside a whole result, unless someone is at work there. Checkpoints stay where they are of another
/// training than `key`'s, or further on than the result: those may still be wanted.
pub(crate) fn tidy(dir: &StageDir, key: ContentHash) {
    let (partial, previous) = (dir.partial(), dir.previous());
    let of_rival = dir.rival().is_some_and(|rival| rival.partial().exists());
    if (partial.exists() || previous.exists() || of_rival)
        && let Ok(_lock) = FolderLock::take(dir)
        && carry_over_left(dir).is_ok()
    {
        // With a manifest it is the result before this one, on its way out. What cannot be removed does no harm.
        let _ = match is_folder(&partial) && !partial.join(file::MANIFEST).exists() {
            false => remove_result(&partial),
            true => Checkpoints::new(&partial, Some(&dir.path()), key)
                .drop_outrun()
                .and_then(|()| clear_but_checkpoints(&partial)),
        };
        let _ = remove_result(&previous);
        drop_of_rival(dir);
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
#[path = "work_tests.rs"]
mod tests;

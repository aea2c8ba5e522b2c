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
}

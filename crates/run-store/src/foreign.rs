//! What lies in a stage's folder and is no stage's: people's own files, which would go with the old result when a new one comes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::document::read_document;
use crate::error::{Result, StoreError};
use crate::layout::{Stage, StageDir, file};
use crate::manifest::Manifest;
use crate::replace::is_folder;

/// Checks that all that is in the folder of `dir` may go when a new result takes its place.
///
/// # Errors
/// There is something else, or the folder cannot be read.
pub(crate) fn check_own(dir: &StageDir) -> Result<()> {
    let (stage, folder) = (dir.stage(), dir.path());
    let others = foreign(stage, &folder)?;
    let Some(first) = others.first() else { return Ok(()) };
    let more = if others.len() > 1 { format!(" and {} more", others.len() - 1) } else { String::new() };
    let first = first.to_string_lossy();
    let problem = format!("expected only what {stage} writes, found {first}{more}, which a new result would take away");
    // The others find what they read in the run.
    let has_choice = stage.is_of_dataset() || stage.rival().is_some();
    let advice = if has_choice { "move it away, or give another --run" } else { "move it away" };
    Err(StoreError::invalid(&folder, problem, advice))
}

/// Moves what somebody put into the folder `old` of a stage while a new result was made into the `new` one, where
/// [`check_own`] finds it the next time. What cannot be moved is said by an error.
pub(crate) fn carry_over(stage: Stage, old: &Path, new: &Path) -> Result<()> {
    for name in foreign(stage, old)? {
        // A link may lead anywhere: what lies in a stranger's run must not go there.
        if new.symlink_metadata().is_ok() && !is_folder(new) {
            let problem = format!("expected a folder to move what lies in {} to, found something else", old.display());
            return Err(StoreError::invalid(new, problem, "move it away"));
        }
        // Somebody may have removed it since.
        fs::create_dir_all(new).map_err(StoreError::io("create", new))?;
        let place = new.join(&name);
        if place.symlink_metadata().is_ok() {
            let problem = format!("expected room for what lies in {} by the same name, found none", old.display());
            return Err(StoreError::invalid(&place, problem, "move one of them away"));
        }
        fs::rename(old.join(&name), &place).map_err(StoreError::io("move", &place))?;
    }
    Ok(())
}

/// Does so for the result before this one, where a kill came before all of it was moved: whole yet, it waits to be removed.
pub(crate) fn carry_over_left(dir: &StageDir) -> Result<()> {
    // Without a manifest it is in the making, or half removed, after all of it was moved.
    let is_result = |folder: &PathBuf| is_folder(folder) && folder.join(file::MANIFEST).exists();
    let left = [dir.partial(), dir.previous()].into_iter().filter(is_result);
    left.into_iter().try_for_each(|old| carry_over(dir.stage(), &old, &dir.path()))
}

/// The names in `folder` that are neither what the stage writes, nor what the manifest there records, nor what file managers and
/// file systems leave everywhere.
fn foreign(stage: Stage, folder: &Path) -> Result<BTreeSet<OsString>> {
    // Of a link only the link goes.
    if !is_folder(folder) {
        return Ok(BTreeSet::new());
    }
    // Earlier versions may have written files of other names. Of a damaged manifest only the names of today are known.
    let recorded = read_document::<Manifest>(&folder.join(file::MANIFEST)).map(|manifest| manifest.outputs);
    let recorded = recorded.unwrap_or_default();
    let recorded = recorded.keys().filter_map(|path| path.split('/').next());
    let mut own: BTreeSet<&str> =
        stage.outputs().iter().chain(stage.outputs_of_some()).chain(LEFT_BY_SYSTEMS).copied().chain(recorded).collect();
    own.insert(file::MANIFEST);
    own.extend(stage.is_resumable().then_some(file::CHECKPOINT));
    let is_own = |name: &str| own.contains(name) || PREFIXES_OF_SYSTEMS.iter().any(|prefix| name.starts_with(prefix));
    let mut others = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(StoreError::io("read", folder))? {
        let name = entry.map_err(StoreError::io("read", folder))?.file_name();
        if !name.to_str().is_some_and(is_own) {
            others.insert(name);
        }
    }
    Ok(others)
}

/// Views of folders, on macOS, KDE and Windows.
const LEFT_BY_SYSTEMS: &[&str] = &[".DS_Store", ".directory", "Thumbs.db", "desktop.ini"];
/// Attributes, on macOS; files that were removed while they were open, on NFS and FUSE.
const PREFIXES_OF_SYSTEMS: &[&str] = &["._", ".nfs", ".fuse_hidden"];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::layout::RunDir;
    use crate::manifest::Environment;
    use crate::plan::{Plan, Reason};
    use crate::work::Work;

    fn dir(folder: &tempfile::TempDir) -> StageDir {
        RunDir::new(folder.path().join("run")).stage(Stage::ClusterEval, None)
    }

    fn begin(dir: &StageDir) -> Result<Work> {
        Plan::new(dir.clone(), &json!({})).unwrap().begin(Reason::First)
    }

    fn commit(dir: &StageDir, names: &[&str]) {
        let work = begin(dir).unwrap();
        for name in names {
            fs::write(work.file(name).unwrap(), *name).unwrap();
        }
        work.commit(environment()).unwrap();
    }

    fn environment() -> Environment {
        Environment { threads: 1, device: "cpu".to_owned(), precision: "f32".to_owned(), libtorch: None }
    }

    /// A run's name may be that of any folder, such as one with the sources of a program called as a stage is.
    #[test]
    fn a_folder_of_somebody_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let dir = dir(&folder);
        fs::create_dir_all(dir.file("src")).unwrap();
        fs::write(dir.file("Cargo.toml"), "[package]").unwrap();
        let error = begin(&dir).unwrap_err().to_string();
        assert!(error.contains("found Cargo.toml and 1 more, which a new result would take away"), "{error}");
        assert!(error.ends_with("move it away"), "{error}");
        assert_eq!(fs::read_to_string(dir.file("Cargo.toml")).unwrap(), "[package]");
        assert!(!dir.partial().exists());
    }

    #[test]
    fn a_note_beside_a_result_keeps_it_from_being_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let dir = dir(&folder);
        commit(&dir, &[file::METRICS]);
        fs::write(dir.file("notes.txt"), "mine").unwrap();
        let error = begin(&dir).unwrap_err().to_string();
        assert!(error.contains("expected only what cluster-eval writes, found notes.txt, which"), "{error}");
        assert_eq!(fs::read_to_string(dir.file("notes.txt")).unwrap(), "mine");
        fs::remove_file(dir.file("notes.txt")).unwrap();
        commit(&dir, &[file::METRICS]);
    }

    /// What comes beside a result while the next one is made stays there.
    #[test]
    fn a_note_that_comes_late_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let dir = dir(&folder);
        commit(&dir, &[file::METRICS]);
        let work = begin(&dir).unwrap();
        fs::write(work.file(file::KMEANS).unwrap(), "new").unwrap();
        fs::create_dir(dir.file(".git")).unwrap();
        fs::write(dir.file(".git").join("HEAD"), "mine").unwrap();
        work.commit(environment()).unwrap();
        assert!(dir.file(file::KMEANS).exists() && !dir.file(file::METRICS).exists());
        assert_eq!(fs::read_to_string(dir.file(".git").join("HEAD")).unwrap(), "mine");
        assert!(!dir.partial().exists());
        let error = begin(&dir).unwrap_err().to_string();
        assert!(error.contains("found .git, which"), "{error}");
    }

    /// As the moment after the new folder has taken the old one's place leaves them, with a swap of the two and without.
    #[test]
    fn a_note_that_comes_late_is_kept_when_a_kill_follows() {
        let folder = tempfile::tempdir().unwrap();
        let dir = dir(&folder);
        for waits_at in [dir.partial(), dir.previous()] {
            commit(&dir, &[file::METRICS]);
            fs::create_dir(&waits_at).unwrap();
            fs::copy(dir.file(file::MANIFEST), waits_at.join(file::MANIFEST)).unwrap();
            fs::write(waits_at.join("notes.txt"), "mine").unwrap();
            let error = begin(&dir).unwrap_err().to_string();
            assert!(error.contains("found notes.txt, which"), "{error}");
            assert_eq!(fs::read_to_string(dir.file("notes.txt")).unwrap(), "mine");
            // Another of the same name is not written over.
            fs::write(waits_at.join("notes.txt"), "older").unwrap();
            let error = begin(&dir).unwrap_err().to_string();
            assert!(error.contains("found none") && error.ends_with("move one of them away"), "{error}");
            assert_eq!(fs::read_to_string(waits_at.join("notes.txt")).unwrap(), "older");
            // Where the new result is gone, the note takes its place.
            fs::remove_dir_all(dir.path()).unwrap();
            let error = begin(&dir).unwrap_err().to_string();
            assert!(error.contains("found notes.txt, which"), "{error}");
            assert_eq!(fs::read_to_string(dir.file("notes.txt")).unwrap(), "older");
            fs::remove_file(dir.file("notes.txt")).unwrap();
        }
        commit(&dir, &[file::METRICS]);
    }

    /// A stage's folder may be a link to any folder of whoever runs the stage.
    #[cfg(unix)]
    #[test]
    fn nothing_is_moved_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let dir = dir(&folder);
        for waits_at in [dir.partial(), dir.previous()] {
            let home = tempfile::tempdir().unwrap();
            commit(&dir, &[file::METRICS]);
            fs::rename(dir.path(), &waits_at).unwrap();
            fs::write(waits_at.join("evil.desktop"), "evil").unwrap();
            std::os::unix::fs::symlink(home.path(), dir.path()).unwrap();
            let error = begin(&dir).unwrap_err().to_string();
            assert!(error.contains("found something else"), "{error}");
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
            fs::remove_file(dir.path()).unwrap();
            fs::remove_file(waits_at.join("evil.desktop")).unwrap();
        }
    }

    /// With a damaged manifest, without one, with files of an earlier version and with what file managers leave.
    #[test]
    fn results_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let dir = dir(&folder);
        commit(&dir, &["written-by-an-earlier-version", file::METRICS]);
        fs::write(dir.file(".DS_Store"), "").unwrap();
        commit(&dir, &[file::METRICS]);
        fs::write(dir.file(file::MANIFEST), "damaged").unwrap();
        commit(&dir, &[file::METRICS]);
        fs::remove_file(dir.file(file::MANIFEST)).unwrap();
        commit(&dir, &[file::METRICS]);
    }
}

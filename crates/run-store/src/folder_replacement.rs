//! Folders replaced in one step: whatever interrupts it, what was there before stays whole.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Result, StoreError};
use crate::lock::is_at;
use crate::replace::{PARTIAL, hidden, is_folder, put_in_place, remove_folder, sync};

/// What stands in the name of a folder that another takes the place of.
const PREVIOUS: &str = "previous";

/// A folder in the making, beside the one whose place it is to take. Dropped before [`commit`](Self::commit), it leaves no
/// trace; killed, it leaves what was there before as it was, and the next one clears what is left of it.
#[derive(Debug)]
pub(crate) struct FolderReplacement {
    target: PathBuf,
    partial: PathBuf,
    committed: bool,
    lock: FolderFile,
}

impl FolderReplacement {
    /// Begins an empty folder that is to take the place of `path`, or of what the link `path` leads to.
    ///
    /// # Errors
    /// Another process is at the same, or no folder can be made beside `path`.
    pub(crate) fn begin(path: &Path) -> Result<Self> {
        let target =
            path.canonicalize().or_else(|_| std::path::absolute(path)).map_err(StoreError::io("read", path))?;
        let (Some(parent), Some(_)) = (target.parent(), target.file_name()) else {
            let problem = "expected a folder that another can take the place of, found one without a name";
            return Err(StoreError::invalid(path, problem, "name another folder"));
        };
        fs::create_dir_all(parent).map_err(StoreError::io("create", parent))?;
        let partial = hidden(&target, PARTIAL);
        let lock = locked_folder(&target, &partial)?;
        // Where two folders cannot be swapped in one step, a kill between two steps leaves the old one so.
        let previous = hidden(&target, PREVIOUS);
        if is_folder(&previous) && target.symlink_metadata().is_err() {
            fs::rename(&previous, &target).map_err(StoreError::io("move", &target))?;
        }
        let replacement = Self { target, partial, committed: false, lock };
        clear(&replacement.partial)?;
        Ok(replacement)
    }

    /// Where to write what the folder is to hold.
    pub(crate) fn path(&self) -> &Path {
        &self.partial
    }

    /// Checks that the folder still stands where it was begun: in one that took its place somebody else is writing.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.lock {
            FolderFile::Locked(file) if !is_at(file, &self.partial) => {
                let problem = "expected the folder that is being written, found it gone or another in its place";
                Err(StoreError::invalid(&self.partial, problem, "run the command again"))
            }
            _ => Ok(()),
        }
    }

    /// Puts the new folder in the old one's place.
    ///
    /// # Errors
    /// The disk refuses, or the folder is no longer where it was begun; the old folder is then still there.
    pub(crate) fn commit(mut self) -> Result<()> {
        self.check()?;
        sync_all(&self.partial)?;
        // The old folder is next where new ones are begun: with its lock, nobody begins in it before it is gone.
        let old = lock_folder(&self.target, &self.target)?;
        let previous = hidden(&self.target, PREVIOUS);
        self.check()?;
        put_in_place(&self.partial, &self.target, &previous)?;
        self.committed = true;
        remove_folder(&previous)?;
        if let Some(parent) = self.target.parent() {
            sync(parent)?;
        }
        // Without an old folder, or where it is gone already, another process may have begun there by now. The new one is whole
        // without this.
        if let FolderFile::Locked(old) = &old
            && is_at(old, &self.partial)
        {
            let _ = remove_folder(&self.partial);
        }
        Ok(())
    }
}

impl Drop for FolderReplacement {
    fn drop(&mut self) {
        if !self.committed && self.check().is_ok() {
            // Nothing can be reported from here, and the next one clears the folder anyway.
            let _ = remove_folder(&self.partial);
        }
    }
}

/// What came of opening a folder for its lock.
#[derive(Debug)]
enum FolderFile {
    /// It is locked, for as long as this is kept.
    Locked(File),
    /// There is no such folder.
    Missing,
    /// The system opens no folders.
    Unopened,
}

/// Takes the lock of `folder`, in which `target` is made anew. Locking the folder itself leaves no file behind.
fn lock_folder(target: &Path, folder: &Path) -> Result<FolderFile> {
    let file = match File::open(folder) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(FolderFile::Missing),
        Err(_) => return Ok(FolderFile::Unopened),
    };
    match file.try_lock() {
        Ok(()) => Ok(FolderFile::Locked(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: target.to_owned(), process: None }),
        Err(TryLockError::Error(source)) => Err(StoreError::Io { action: "lock", path: folder.to_owned(), source }),
    }
}

/// Makes the folder at `partial`, unless there is one, and locks it.
fn locked_folder(target: &Path, partial: &Path) -> Result<FolderFile> {
    loop {
        // A file or a link goes. A folder stays, be it that another process makes it at this very moment: its lock decides.
        let is_in_the_way = || fs::symlink_metadata(partial).is_ok_and(|found| !found.is_dir());
        if is_in_the_way()
            && let Err(source) = fs::remove_file(partial)
            && is_in_the_way()
        {
            return Err(StoreError::Io { action: "remove", path: partial.to_owned(), source });
        }
        match fs::create_dir(partial) {
            Err(source) if source.kind() == ErrorKind::AlreadyExists => {
                // Or was there, a moment ago.
                if !is_folder(partial) {
                    continue;
                }
            }
            made => made.map_err(StoreError::io("create", partial))?,
        }
        match lock_folder(target, partial)? {
            // Before it was locked, whoever had made it may have moved it to its place, or given it up.
            FolderFile::Locked(file) if !is_at(&file, partial) => {}
            FolderFile::Missing => {}
            lock => return Ok(lock),
        }
    }
}

/// Removes everything from `folder`.
fn clear(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(StoreError::io("read", folder))? {
        remove_folder(&entry.map_err(StoreError::io("read", folder))?.path())?;
    }
    Ok(())
}

/// Flushes `folder` and all that is in it to disk.
fn sync_all(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(StoreError::io("read", folder))? {
        let path = entry.map_err(StoreError::io("read", folder))?.path();
        if path.is_dir() { sync_all(&path)? } else { sync(&path)? }
    }
    sync(folder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::replace::tests::names;

    fn replace(path: &Path, file: &str) {
        let replacement = FolderReplacement::begin(path).unwrap();
        fs::create_dir(replacement.path().join("below")).unwrap();
        fs::write(replacement.path().join("below").join(file), file).unwrap();
        replacement.commit().unwrap();
    }

    #[test]
    fn a_folder_is_replaced_whole_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/out");
        for file in ["a", "b"] {
            replace(&path, file);
            assert_eq!(names(&path.join("below")), [file]);
            assert_eq!(names(path.parent().unwrap()), ["out"]);
        }
    }

    /// Each is refused, or alone: what one has begun, no other clears, moves or removes.
    #[test]
    fn of_many_at_once_each_makes_its_own_or_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        // The first of each place finds no earlier folder there, the others find one.
        for place in 0..100 {
            let path = folder.path().join(place.to_string());
            let make = |number: usize| {
                let attempt = || {
                    let replacement = FolderReplacement::begin(&path)?;
                    fs::write(replacement.path().join(number.to_string()), "")
                        .map_err(StoreError::io("write", &path))?;
                    replacement.commit()
                };
                match attempt() {
                    Ok(()) | Err(StoreError::Locked { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            };
            std::thread::scope(|scope| {
                for number in 0..4 {
                    scope.spawn(move || (0..3).for_each(|_| make(number)));
                }
            });
            assert_eq!(names(&path).len(), 1);
        }
        assert_eq!(names(folder.path()).len(), 100);
    }

    #[test]
    fn what_a_kill_moved_away_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        replace(&path, "a");
        fs::rename(&path, hidden(&path, PREVIOUS)).unwrap();
        drop(FolderReplacement::begin(&path).unwrap());
        assert_eq!(names(&path.join("below")), ["a"]);
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_dropped_replacement_leaves_the_earlier_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        replace(&path, "a");
        let replacement = FolderReplacement::begin(&path).unwrap();
        fs::write(replacement.path().join("half"), "").unwrap();
        drop(replacement);
        assert_eq!(names(folder.path()), ["out"]);
        assert_eq!(names(&path.join("below")), ["a"]);
    }

    #[test]
    fn what_a_kill_left_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::create_dir_all(hidden(&path, "partial").join("half/made")).unwrap();
        fs::write(hidden(&path, "partial").join("file"), "").unwrap();
        replace(&path, "a");
        assert_eq!((names(folder.path()), names(&path)), (vec!["out".to_owned()], vec!["below".to_owned()]));
    }

    #[cfg(unix)]
    #[test]
    fn only_one_may_write_and_what_a_link_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("out"), folder.path().join("link"));
        replace(&path, "a");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let first = FolderReplacement::begin(&path).unwrap();
        let error = FolderReplacement::begin(&link).unwrap_err();
        assert!(matches!(&error, StoreError::Locked { path: locked, .. } if locked.ends_with("out")), "{error}");
        drop(first);
        replace(&link, "b");
        assert!(link.is_symlink());
        assert_eq!(names(&path.join("below")), ["b"]);
        assert!(FolderReplacement::begin(Path::new("/")).is_err());
    }
}

//! The lock of a stage folder: who holds it may write there.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{Result, StoreError};
use crate::layout::StageDir;
use crate::opened::{Links, unwaiting};

/// A lock that this process holds, for as long as its file is open.
#[derive(Debug)]
pub(crate) struct FolderLock {
    file: File,
    path: PathBuf,
    run: PathBuf,
}

impl FolderLock {
    /// Takes the lock of `dir`, whose run is there.
    pub(crate) fn take(dir: &StageDir) -> Result<Self> {
        let path = dir.lock();
        // A link would have another file written to, and a pipe would be waited for.
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(StoreError::invalid(
                &path,
                "expected a lock's file, found a link, folder or pipe",
                "remove it",
            ));
        }
        let mut file = unwaiting(Links::Refused)
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
                return Err(StoreError::Locked { path: held_folder(dir), process });
            }
            Err(TryLockError::Error(source)) => return Err(StoreError::Io { action: "lock", path, source }),
        }
        // The holder's number only makes the other's message better: a failure here is no failure of the stage.
        let _ = file.set_len(0).and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
        let lock = Self { file, path, run: dir.run().to_owned() };
        lock.check()?;
        Ok(lock)
    }

    /// Checks that the lock still stands where it was taken. Whoever deletes a run, or puts another in its place, while a stage is
    /// at work there takes the lock along; what the stage then wrote would land in a run that others may be writing.
    pub(crate) fn check(&self) -> Result<()> {
        if is_at(&self.file, &self.path) {
            return Ok(());
        }
        let problem = "expected the folder in which the stage began, found it gone or another in its place";
        Err(StoreError::invalid(&self.run, problem, "run the stage again"))
    }
}

/// Which folder someone who holds the lock of `dir` is writing: where two stages share a lock, it may be the other's.
fn held_folder(dir: &StageDir) -> PathBuf {
    let rival = dir.rival().filter(|rival| rival.partial().exists() && !dir.partial().exists());
    rival.as_ref().unwrap_or(dir).path()
}

/// Whether `file` is what `path` leads to.
#[cfg(unix)]
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata().is_ok_and(|file| fs::metadata(path).is_ok_and(|found| identity(found) == identity(file)))
}

#[cfg(not(unix))]
pub(crate) fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

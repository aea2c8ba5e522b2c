//! Opening files that somebody else may have made: regular ones only, and no longer than their kind may be.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::Path;

use crate::error::{Result, StoreError};

/// The largest file that is read whole: the 70,000 images of MNIST take 55 MB.
pub(crate) const SIZE_LIMIT: u64 = 16 << 30;

/// Opens the regular file at `path` and says how many bytes it has. Pipes are waited for and devices have no end, so nothing
/// but a file is opened.
///
/// # Errors
/// There is none, or it may not be read.
pub(crate) fn open(path: &Path) -> Result<(File, u64)> {
    let only_files = |metadata: fs::Metadata| {
        if metadata.is_file() {
            return Ok(metadata.len());
        }
        let problem = "expected a regular file, found a folder, pipe or device";
        Err(StoreError::invalid(path, problem, "put the file itself there"))
    };
    // Asked before, as opening alone makes some devices act; and of what was opened, as another may have taken the place meanwhile.
    only_files(fs::metadata(path).map_err(StoreError::io("read", path))?)?;
    let file = unwaiting(Links::Followed).read(true).open(path).map_err(StoreError::io("read", path))?;
    let length = only_files(file.metadata().map_err(StoreError::io("read", path))?)?;
    Ok((file, length))
}

/// What becomes of a link that is to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// What it leads to is opened.
    Followed,
    /// It is refused.
    Refused,
}

/// Options of opening that wait for nobody: what was a file when it was looked at may have become a pipe, and an ordinary opening of
/// that waits for its other end.
pub(crate) fn unwaiting(links: Links) -> OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let of_links = if links == Links::Refused { OFlags::NOFOLLOW } else { OFlags::empty() };
        options.custom_flags((OFlags::NONBLOCK | of_links).bits().cast_signed());
    }
    #[cfg(not(unix))]
    let _ = links;
    options
}

/// The bytes of the regular file at `path`, which should be a `kind` and have no more than `limit`.
///
/// # Errors
/// It is longer, or cannot be read.
pub(crate) fn read(path: &Path, kind: &str, limit: u64) -> Result<Vec<u8>> {
    let (file, length) = open(path)?;
    if length > limit {
        let problem = format!("expected {kind} of at most {limit} bytes, found {length}");
        return Err(StoreError::invalid(path, problem, "look what it is, and move it away"));
    }
    let mut bytes = Vec::new();
    // What grows while it is read is not read further than it was long.
    let outcome = bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX)).map_err(std::io::Error::from);
    outcome.and_then(|()| file.take(length).read_to_end(&mut bytes)).map_err(StoreError::io("read", path))?;
    Ok(bytes)
}

/// Whether there is something at `path`.
///
/// # Errors
/// That may not be known: what lies behind a folder that is closed to this user is not missing.
pub(crate) fn is_there(path: &Path) -> Result<bool> {
    match path.try_exists() {
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(false),
        answer => answer.map_err(StoreError::io("read", path)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_files_are_opened_and_only_short_ones_read() {
        let folder = tempfile::tempdir().unwrap();
        let error = |path: &Path| read(path, "a table", 3).unwrap_err().to_string();
        assert!(error(folder.path()).contains("expected a regular file"));
        let path = folder.path().join("file");
        assert!(error(&path).contains("cannot read"));
        fs::write(&path, "four").unwrap();
        assert!(error(&path).contains("expected a table of at most 3 bytes, found 4"));
        assert_eq!(read(&path, "a table", 4).unwrap(), b"four");
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            // Endless, and without a length of its own.
            std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
            assert!(error(&link).contains("expected a regular file"));
            assert!(unwaiting(Links::Refused).read(true).open(&link).is_err());
            // Without a writer, and not waited for.
            let pipe = folder.path().join("pipe");
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
            assert!(unwaiting(Links::Followed).read(true).open(&pipe).is_ok());
        }
    }
}

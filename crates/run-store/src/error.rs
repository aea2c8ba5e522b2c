//! What can go wrong with a file of a run. Every message names the file, what was expected, and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// The result of everything in this crate.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A file or folder of a run that cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `create`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// Something an earlier stage should have left is not there.
    #[error("{} is missing: {advice}", path.display())]
    Missing {
        /// The file or folder.
        path: PathBuf,
        /// What to do.
        advice: String,
    },
    /// The file is there and is not what it should be.
    #[error("{}: {problem}; {advice}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        problem: String,
        /// What to do.
        advice: String,
    },
    /// The file was written by a newer version of this software.
    #[error(
        "{}: {kind} has schema version {found}, and this program reads up to {supported}; use the newer program that wrote it, or rerun the stage with --force",
        path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The kind of document.
        kind: &'static str,
        /// The version in the file.
        found: u64,
        /// The newest version this program knows.
        supported: u32,
    },
    /// Another process is writing the same stage folder.
    #[error("{} is being written by another process{}; wait for it to end, or stop it", path.display(), holder(*process))]
    Locked {
        /// The stage folder.
        path: PathBuf,
        /// The process that holds the lock, where it said so.
        process: Option<u32>,
    },
}

fn holder(process: Option<u32>) -> String {
    process.map_or_else(String::new, |id| format!(" (process {id})"))
}

impl StoreError {
    /// An [`Io`](Self::Io) error, for use with `map_err`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Whether what was wanted may be there, and sound, for others to see.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }

    /// An [`Invalid`](Self::Invalid) error.
    pub fn invalid(path: &Path, problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Invalid { path: path.to_owned(), problem: problem.into(), advice: advice.into() }
    }
}

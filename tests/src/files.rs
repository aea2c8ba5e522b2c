//! What is in a folder, to be compared with what was.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use run_store::{ContentHash, hash_file};

/// Every file below a folder with its bytes, by its path there.
#[derive(Clone)]
pub struct Tree {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Tree {
    /// Reads all files below `folder`.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let files = paths(folder).into_iter().map(|path| {
            let bytes = fs::read(folder.join(&path)).unwrap();
            (path, bytes)
        });
        Self { files: files.collect() }
    }

    /// Writes all files below `folder`.
    pub fn write(&self, folder: &Path) {
        for (path, bytes) in &self.files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }

    /// The files' paths.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// Only the results: no manifest, which holds times, and nothing hidden, as locks and work are.
    #[must_use]
    pub fn results(mut self) -> Self {
        self.files.retain(|path, _| !path.ends_with(run_store::file::MANIFEST) && !is_hidden(path));
        self
    }

    /// As [`results`](Self::results), with manifests: what a copy of a run takes along.
    #[must_use]
    pub fn results_and_manifests(mut self) -> Self {
        self.files.retain(|path, _| !is_hidden(path));
        self
    }

    /// The paths of files that are not the same in both, or in one only.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<PathBuf> {
        differing_keys(&self.files, &other.files)
    }
}

/// Every file below a folder with its content, its identity and the time of its last change, locks left out.
#[derive(Debug)]
pub struct FileStates {
    folder: PathBuf,
    files: BTreeMap<PathBuf, FileState>,
}

#[derive(Debug, PartialEq)]
struct FileState {
    content: ContentHash,
    inode: u64,
    modified: SystemTime,
}

impl FileStates {
    /// The states of the files below `folder`.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let files = paths(folder).into_iter().filter(|path| path.extension().is_none_or(|ending| ending != "lock"));
        let files = files.map(|path| {
            let state = FileState::of(&folder.join(&path));
            (path, state)
        });
        Self { folder: folder.to_owned(), files: files.collect() }
    }

    /// Fails if a file was written, replaced, removed or added since.
    pub fn assert_untouched(&self) {
        let changed = differing_keys(&self.files, &Self::of(&self.folder).files);
        assert!(changed.is_empty(), "touched in {}: {changed:?}", self.folder.display());
    }
}

impl FileState {
    fn of(path: &Path) -> Self {
        let (content, _) = hash_file(path).unwrap();
        let metadata = fs::metadata(path).unwrap();
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self { content, inode, modified: metadata.modified().unwrap() }
    }
}

/// What an interrupted program left in the folder of `run`, or in another, besides results and locks.
#[must_use]
pub fn leftovers(run: &Path) -> Vec<String> {
    names(run).into_iter().filter(|name| name.starts_with('.') && !name.ends_with(".lock")).collect()
}

/// What lies in `folder`, in order; nothing where there is no folder.
#[must_use]
pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn is_hidden(path: &Path) -> bool {
    path.iter().any(|part| part.to_string_lossy().starts_with('.'))
}

fn differing_keys<T: PartialEq>(one: &BTreeMap<PathBuf, T>, other: &BTreeMap<PathBuf, T>) -> Vec<PathBuf> {
    let mut paths: Vec<&PathBuf> = one.keys().chain(other.keys()).collect();
    paths.sort();
    paths.dedup();
    paths.into_iter().filter(|path| one.get(*path) != other.get(*path)).cloned().collect()
}

/// All files below `folder`, relative to it; none where there is no folder.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            } else {
                paths.push(entry.path().strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    paths.sort();
    paths
}

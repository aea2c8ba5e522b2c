//! Files from strangers: every reader gives a value or an error, whatever is in them.
//!
//! `scripts/fuzz` looks for files that do more, with the same readers. What it found is read again here, and what it starts from
//! is damaged here at random, always in the same way.

#![allow(clippy::unwrap_used)]

#[path = "../../../../fuzz/src/readers.rs"]
mod readers;

mod mutation;

use std::fs;
use std::path::{Path, PathBuf};

use readers::READERS;

use mutation::Mutator;

/// Damaged files that each reader reads.
const COUNT: usize = 2500;

/// The files in a folder of `fuzz`, in order.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(folder);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Else what a reader does with a file of its kind would hardly ever be looked at.
#[test]
fn every_reader_has_a_file_to_start_from() {
    for (folder, kinds) in [("document", readers::DOCUMENTS), ("tables", readers::TABLES)] {
        let seeds = files(&format!("corpus/{folder}"));
        for (kind, is_read) in kinds {
            assert!(seeds.iter().any(|path| is_read(path)), "no file of {folder} is read as {kind}");
        }
    }
}

/// Else nothing that is read after a checkpoint's key and content would ever be looked at.
#[test]
fn a_checkpoint_to_start_from_is_gone_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input");
    for file in files("corpus/checkpoint") {
        fs::copy(file, &path).unwrap();
        assert_eq!(readers::resumed(&path), Some(true));
    }
}

#[test]
fn what_once_broke_a_reader_breaks_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input");
    for (name, reader) in READERS {
        for file in files(&format!("reproducers/{name}")) {
            fs::copy(file, &path).unwrap();
            reader(&path);
        }
    }
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input");
    for (name, reader) in READERS {
        let seeds: Vec<Vec<u8>> = files(&format!("corpus/{name}")).iter().map(|file| fs::read(file).unwrap()).collect();
        assert!(!seeds.is_empty(), "there is no file to damage for {name}");
        let mut mutator = Mutator::new(name);
        for _ in 0..COUNT {
            fs::write(&path, mutator.damage(&seeds)).unwrap();
            reader(&path);
            // Some file systems flush a file that is written over, and none that is new.
            fs::remove_file(&path).unwrap();
        }
    }
}

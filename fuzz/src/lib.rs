//! What all targets share: a file to read, and a count of the memory that reading it takes.

mod memory;
pub mod readers;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

/// Memory beyond twice the file that a reader may take.
const ALLOWANCE: usize = 64 << 20;

/// Lets `reader` read a file of these `bytes`. It may return an error. It may not panic, or take more memory than twice the
/// file and 64 MiB.
pub fn read_file(reader: fn(&Path), bytes: &[u8]) {
    let path = file();
    fs::write(&path, bytes).expect("the disk refuses");
    let peak = memory::peak_of(|| reader(&path));
    let limit = 2 * bytes.len() + ALLOWANCE;
    assert!(peak <= limit, "{peak} bytes of memory for a file of {}, expected at most {limit}", bytes.len());
}

/// One file for all inputs of this process, in memory where the system has such a folder.
fn file() -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let make = || match tempfile::tempdir_in("/dev/shm") {
        Ok(folder) => folder,
        Err(_) => tempfile::tempdir().expect("there is no folder to write in"),
    };
    FOLDER.get_or_init(make).path().join("input")
}

//! What the fuzzer starts from and what it found: a value or an error, as run-store's tests have it of its own readers.

use std::fs;
use std::path::{Path, PathBuf};

use super::{read_images, read_labels};

/// The files in `fuzz/FOLDER`, if there is one.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(folder);
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.expect("a file of the fuzzer").path()).collect()
}

#[test]
fn what_once_broke_a_reader_breaks_none() {
    let is_read = |name: &str, path: &Path| match name {
        "images" => read_images(path).is_ok(),
        _ => read_labels(path).is_ok(),
    };
    for name in ["images", "labels"] {
        let sound = files(&format!("corpus/{name}"));
        assert!(!sound.is_empty() && sound.iter().all(|path| is_read(name, path)), "{name}: {sound:?}");
        for file in files(&format!("reproducers/{name}")) {
            is_read(name, &file);
        }
    }
}

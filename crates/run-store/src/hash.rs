//! BLAKE3 content hashes: what manifests record and fingerprints are made of.

use std::fmt;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};
use crate::opened::open;

/// The BLAKE3 hash of some content, as 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentHash(String);

impl ContentHash {
    /// The first twelve digits: enough to tell artifacts apart by eye.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The hash of `bytes`.
#[must_use]
pub fn hash_bytes(bytes: &[u8]) -> ContentHash {
    ContentHash(blake3::hash(bytes).to_hex().to_string())
}

/// The hash of a file's content, and its length in bytes, read in one pass of bounded memory.
///
/// # Errors
/// The file cannot be read.
pub fn hash_file(path: &Path) -> Result<(ContentHash, u64)> {
    let (file, length) = open(path)?;
    let mut hasher = blake3::Hasher::new();
    // Some that the system makes up have no end.
    hasher.update_reader(file.take(length)).map_err(StoreError::io("read", path))?;
    Ok((ContentHash(hasher.finalize().to_hex().to_string()), hasher.count()))
}

//! Versioned JSON documents: `schema_version` first, old versions readable, unknown newer ones refused.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Result, StoreError};

const RERUN: &str = "rerun the stage that wrote it with --force";

/// A type that stands alone in a JSON file.
pub trait Document: Serialize + DeserializeOwned {
    /// What it is, for messages.
    const KIND: &'static str;
    /// The version that this program writes.
    const SCHEMA_VERSION: u32 = 1;
    /// What to do where a file is none.
    const ADVICE: &'static str = RERUN;

    /// Brings a document of an `older` version to [`SCHEMA_VERSION`](Self::SCHEMA_VERSION).
    #[must_use]
    fn upgrade(document: Value, older: u32) -> Value {
        let _ = older;
        document
    }
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    body: &'a T,
}

#[derive(Deserialize)]
struct VersionOnly {
    schema_version: u64,
}

/// Writes `document` to `path`, readable by people.
///
/// # Errors
/// The file cannot be written.
pub fn write_document<T: Document>(path: &Path, document: &T) -> Result<()> {
    let text = document_text(document)
        .map_err(|error| StoreError::invalid(path, format!("{} cannot be written: {error}", T::KIND), "report this"))?;
    fs::write(path, text).map_err(StoreError::io("write", path))
}

/// The text of `document` in a file, readable by people.
///
/// # Errors
/// A value has no JSON form.
pub fn document_text<T: Document>(document: &T) -> serde_json::Result<String> {
    let envelope = Envelope { schema_version: T::SCHEMA_VERSION, body: document };
    serde_json::to_string_pretty(&envelope).map(|text| text + "\n")
}

/// The schema version of the document at `path`, whatever its kind.
///
/// # Errors
/// The file cannot be read, or says none.
pub fn schema_version(path: &Path) -> Result<u64> {
    let bytes = fs::read(path).map_err(StoreError::io("read", path))?;
    let version = serde_json::from_slice::<VersionOnly>(&bytes).map_err(|error| {
        let problem = format!("expected JSON with a schema_version, found something else ({error})");
        StoreError::invalid(path, problem, RERUN)
    })?;
    Ok(version.schema_version)
}

/// Reads a document from `path`.
///
/// # Errors
/// The file cannot be read, is not such a document, or is of a newer version.
pub fn read_document<T: Document>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).map_err(StoreError::io("read", path))?;
    let not_this = |error: serde_json::Error| {
        StoreError::invalid(path, format!("expected {} as JSON, found something else ({error})", T::KIND), T::ADVICE)
    };
    let version: VersionOnly = serde_json::from_slice(&bytes).map_err(not_this)?;
    let supported = T::SCHEMA_VERSION;
    if version.schema_version > u64::from(supported) {
        return Err(StoreError::TooNew {
            path: path.to_owned(),
            kind: T::KIND,
            found: version.schema_version,
            supported,
        });
    }
    let mut document: Value = serde_json::from_slice(&bytes).map_err(not_this)?;
    if let Some(older) = u32::try_from(version.schema_version).ok().filter(|found| *found < supported) {
        document = T::upgrade(document, older);
    }
    serde_json::from_value(document).map_err(not_this)
}

//! Versioned JSON documents: `schema_version` first, old versions readable, unknown newer ones refused.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contained::contain_panics;
use crate::error::{Result, StoreError};
use crate::opened;

/// The most bytes of a document. Ours have thousands.
const SIZE_LIMIT: u64 = 64 << 20;
/// The most values in a document: those of a clustering with 20,000 clusters and ten classes are nine tenths of it.
pub(crate) const VALUE_LIMIT: usize = 1 << 19;
/// The most bytes of a text in a document: as many as a path may have, and as many again.
const TEXT_LIMIT: usize = 8192;
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

    /// Checks that the document's parts agree with each other, such as a share with the counts that it is of.
    ///
    /// # Errors
    /// What was found to disagree, in words.
    fn check(&self) -> std::result::Result<(), String> {
        Ok(())
    }
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    body: &'a T,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with a schema_version")]
struct VersionOnly {
    schema_version: u64,
}

/// Writes `document` to `path`, readable by people.
///
/// # Errors
/// The file cannot be written; or the document would not be read again, as one with a figure that is not finite or that is not
/// that of the counts beside it: nothing is written then.
pub fn write_document<T: Document>(path: &Path, document: &T) -> Result<()> {
    let text = document_text(document)
        .map_err(|error| StoreError::invalid(path, format!("{} cannot be written: {error}", T::KIND), "report this"))?;
    if text.len() as u64 > SIZE_LIMIT {
        let problem = format!("expected {} of at most {SIZE_LIMIT} bytes, found {}", T::KIND, text.len());
        return Err(StoreError::invalid(path, problem, "nothing was written"));
    }
    check_parts(path, T::KIND, text.as_bytes(), "nothing was written")?;
    // JSON knows no number that is not finite: `null` would stand in its place.
    let read: T = parse(text.as_bytes()).map_err(|problem| {
        let problem = format!("expected {} with finite numbers, found another ({problem})", T::KIND);
        StoreError::invalid(path, problem, "nothing was written; see whether what they were computed from is sound")
    })?;
    check(path, &read, "nothing was written; report this")?;
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
    let bytes = read_bytes(path, "a document", RERUN)?;
    let version: VersionOnly = parse(&bytes).map_err(|problem| {
        let problem = format!("expected JSON with a schema_version, found something else ({problem})");
        StoreError::invalid(path, problem, RERUN)
    })?;
    Ok(version.schema_version)
}

/// Reads a document from `path`.
///
/// # Errors
/// The file cannot be read, is not such a document, is one whose parts disagree, or is of a newer version.
pub fn read_document<T: Document>(path: &Path) -> Result<T> {
    let bytes = read_bytes(path, T::KIND, T::ADVICE)?;
    let not_this = |problem: String| {
        StoreError::invalid(path, format!("expected {} as JSON, found something else ({problem})", T::KIND), T::ADVICE)
    };
    let version: VersionOnly = parse(&bytes).map_err(not_this)?;
    let supported = T::SCHEMA_VERSION;
    if version.schema_version > u64::from(supported) {
        return Err(StoreError::TooNew {
            path: path.to_owned(),
            kind: T::KIND,
            found: version.schema_version,
            supported,
        });
    }
    let document = match u32::try_from(version.schema_version).ok().filter(|found| *found < supported) {
        None => parse(&bytes).map_err(not_this)?,
        Some(older) => {
            let document = T::upgrade(parse(&bytes).map_err(not_this)?, older);
            serde_json::from_value(document).map_err(|error| not_this(error.to_string()))?
        }
    };
    check(path, &document, T::ADVICE)?;
    Ok(document)
}

/// Checks the parts of `document`, from or for `path`, against each other.
fn check<T: Document>(path: &Path, document: &T, advice: &str) -> Result<()> {
    document.check().map_err(|found| {
        StoreError::invalid(path, format!("expected {} that agree with each other, found {found}", T::KIND), advice)
    })
}

/// The bytes of the document at `path`, of which there are not too many for any document of ours.
fn read_bytes(path: &Path, kind: &str, advice: &str) -> Result<Vec<u8>> {
    let bytes = opened::read(path, kind, SIZE_LIMIT)?;
    check_parts(path, kind, &bytes, advice)?;
    Ok(bytes)
}

/// Values that an object counts as.
const OBJECT_WEIGHT: usize = 16;

/// Checks that the JSON `text` has no more than [`VALUE_LIMIT`] values: in memory each takes up to a hundred times the bytes that
/// it has there. Before each stands one of three signs, which may stand in a string too. An object takes as much as many values,
/// however few it has.
pub(crate) fn check_value_count(path: &Path, kind: &str, text: &[u8], advice: &str) -> Result<()> {
    let weight = |byte: &u8| match byte {
        b',' | b'[' => 1,
        b'{' => OBJECT_WEIGHT,
        _ => 0,
    };
    let count: usize = text.iter().map(weight).sum();
    if count <= VALUE_LIMIT {
        return Ok(());
    }
    let problem = format!("expected {kind} of at most {VALUE_LIMIT} values, found some {count}");
    Err(StoreError::invalid(path, problem, advice))
}

/// Checks that the JSON `text` has neither too many values nor a text that is too long: who shows one copies and measures it often.
fn check_parts(path: &Path, kind: &str, text: &[u8], advice: &str) -> Result<()> {
    check_value_count(path, kind, text, advice)?;
    // Quotes begin and end texts, but for those behind a backslash.
    let (mut length, mut is_text, mut is_escaped) = (0, false, false);
    for byte in text {
        match byte {
            b'"' if !is_escaped => (length, is_text) = (0, !is_text),
            _ if is_text => length += 1,
            _ => {}
        }
        is_escaped = *byte == b'\\' && !is_escaped;
        if length > TEXT_LIMIT {
            let problem = format!("expected {kind} with texts of at most {TEXT_LIMIT} bytes, found a longer one");
            return Err(StoreError::invalid(path, problem, advice));
        }
    }
    Ok(())
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> std::result::Result<T, String> {
    contain_panics(|| serde_json::from_slice(bytes).map_err(|error| error.to_string())).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Figures {
        loss: f64,
        known: Option<f64>,
    }

    impl Document for Figures {
        const KIND: &'static str = "figures";
    }

    #[derive(Serialize, Deserialize)]
    struct Named {
        name: String,
    }

    impl Document for Named {
        const KIND: &'static str = "names";
    }

    /// Each of them takes hundreds of bytes in memory.
    #[test]
    fn objects_count_as_several_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("figures.json");
        let problem = |count: usize| {
            let objects = vec![r#"{"":0}"#; count].join(",");
            fs::write(&path, format!(r#"{{"schema_version":1,"loss":0.5,"known":null,"more":[{objects}]}}"#)).unwrap();
            read_document::<Figures>(&path).err().map(|error| error.to_string())
        };
        assert_eq!(problem(VALUE_LIMIT / (OBJECT_WEIGHT + 1) - 2), None);
        assert!(problem(VALUE_LIMIT / OBJECT_WEIGHT).unwrap().contains("expected figures of at most 524288 values"));
    }

    #[test]
    fn only_what_can_be_read_again_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("figures.json");
        let error = write_document(&path, &Figures { loss: f64::NAN, known: None }).unwrap_err().to_string();
        assert!(error.contains("figures.json: expected figures with finite numbers"), "{error}");
        assert!(!path.exists());
        let endless = Named { name: "x".repeat(SIZE_LIMIT as usize) };
        let error = write_document(&path, &endless).unwrap_err().to_string();
        assert!(error.contains("figures.json: expected names of at most 67108864 bytes"), "{error}");
        assert!(!path.exists());
        for (length, quote) in [(TEXT_LIMIT - 2, "\""), (TEXT_LIMIT - 1, "\"")] {
            // A quote within a text has a backslash in front.
            let named = Named { name: "x".repeat(length) + quote };
            let problem = write_document(&path, &named).err().map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(problem.contains("texts of at most 8192 bytes"), length == TEXT_LIMIT - 1, "{problem}");
        }
        let sound = Figures { loss: 0.5, known: None };
        write_document(&path, &sound).unwrap();
        assert_eq!(read_document::<Figures>(&path).unwrap(), sound);
    }
}

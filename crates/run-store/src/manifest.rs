//! `manifest.json`: what a stage folder holds, from what it was made, and how. Written last: a folder without it is unfinished.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::document::Document;
use crate::error::{Result, StoreError};
use crate::hash::{ContentHash, hash_file};
use crate::layout::Stage;
use crate::names::names_below;
use crate::plan::hash_facts;

/// The record of one finished run of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The stage.
    pub stage: Stage,
    /// The variant's tag.
    pub tag: Option<String>,
    /// The version of the stage's outputs.
    pub format_version: u32,
    /// The hash of what decides the outputs, however they are computed: stage, format, parameters, inputs.
    pub fingerprint: ContentHash,
    /// Why the stage ran.
    pub reason: String,
    /// The parameters that decide the outputs.
    pub parameters: Map<String, Value>,
    /// What it read, by name.
    pub inputs: BTreeMap<String, InputRecord>,
    /// What it wrote, by path below the folder.
    #[serde(deserialize_with = "names_below")]
    pub outputs: BTreeMap<String, FileRecord>,
    /// Where it ran.
    pub environment: Environment,
    /// What it was built from.
    pub versions: Versions,
    /// When it began, in UTC.
    pub started: String,
    /// Wall-clock time from beginning to end.
    pub seconds: f64,
    /// The most memory the process held at once, where the system tells.
    pub peak_memory_mib: Option<f64>,
}

impl Manifest {
    /// Whether the fingerprint is that of the stage, format, parameters and inputs beside it, so that none of them was changed
    /// after the stage wrote it.
    #[must_use]
    pub fn has_its_fingerprint(&self) -> bool {
        self.fingerprint == hash_facts(self.stage, self.format_version, self.parameters.iter(), &self.inputs)
    }
}

impl Document for Manifest {
    const KIND: &'static str = "a stage manifest";

    fn check(&self) -> std::result::Result<(), String> {
        let files = self.inputs.len() + self.outputs.len();
        if files > FILE_LIMIT {
            return Err(format!("{files} files, where {FILE_LIMIT} are the most"));
        }
        check_names(&self.parameters, 0, &mut 0)
    }
}

/// The most files that a stage reads and writes, and the most parameters that decide about them. Ours have some thirty.
const FILE_LIMIT: usize = 4096;
const PARAMETER_LIMIT: usize = 256;
/// The longest name of a parameter, with those that it lies in.
const NAME_LIMIT: usize = 256;

/// Checks that the names in `parameters`, which lie in others of `length` bytes, are no more and no longer than they may be. Who
/// compares runs spells each with all that it lies in.
fn check_names(parameters: &Map<String, Value>, length: usize, count: &mut usize) -> std::result::Result<(), String> {
    for (name, value) in parameters {
        let length = length + 1 + name.len();
        *count += 1;
        if length > NAME_LIMIT || *count > PARAMETER_LIMIT {
            return Err(format!(
                "more than {PARAMETER_LIMIT} parameters, or one whose name has more than {NAME_LIMIT} bytes"
            ));
        }
        if let Value::Object(nested) = value {
            check_names(nested, length, count)?;
        }
    }
    Ok(())
}

/// A file that a stage read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputRecord {
    /// Where it was, relative to the run's folder.
    pub path: PathBuf,
    /// Its content.
    pub blake3: ContentHash,
}

/// A file that a stage wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its content.
    pub blake3: ContentHash,
    /// Its length.
    pub bytes: u64,
}

impl FileRecord {
    /// Why what is at `path` is not the recorded file, whatever it holds: it is of another length, or no file itself.
    ///
    /// # Errors
    /// Nothing is there, or it may not be looked at.
    pub fn mismatch_at(&self, path: &Path) -> Result<Option<String>> {
        let found = fs::symlink_metadata(path).map_err(StoreError::io("read", path))?;
        Ok(if !found.is_file() {
            Some("a link, or something else than a file".to_owned())
        } else {
            (found.len() != self.bytes).then(|| format!("{} bytes in the place of {}", found.len(), self.bytes))
        })
    }

    /// The content of the file itself at `path`, if it is as recorded, else what was found. What is of another length is not read: it
    /// may be without an end.
    pub(crate) fn hash_at(&self, path: &Path) -> Result<std::result::Result<ContentHash, String>> {
        if let Some(mismatch) = self.mismatch_at(path)? {
            return Ok(Err(mismatch));
        }
        let (hash, _) = hash_file(path)?;
        Ok(if hash == self.blake3 { Ok(hash) } else { Err(hash.short().to_owned()) })
    }
}

/// Where a stage ran: recorded, and no part of the fingerprint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// The processor threads it was allowed.
    pub threads: u32,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// The arithmetic of its heavy part.
    pub precision: String,
    /// The version of libtorch, for stages that use it and were built with the version checked.
    pub libtorch: Option<String>,
}

/// What a stage was built from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    /// This software.
    pub package: String,
    /// The compiler.
    pub rustc: String,
}

impl Versions {
    /// Those of this program.
    #[must_use]
    pub fn current() -> Self {
        Self { package: env!("CARGO_PKG_VERSION").to_owned(), rustc: env!("RUSTC_VERSION").to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(parameters: Value) -> std::result::Result<(), String> {
        let Value::Object(parameters) = parameters else { return Err("no object".to_owned()) };
        check_names(&parameters, 0, &mut 0)
    }

    #[test]
    fn parameters_are_few_and_their_names_short() {
        assert_eq!(check(json!({ "epochs": 25, "contrast": { "temperature": 0.5, "neighbours": [1, 2] } })), Ok(()));
        let long = "x".repeat(NAME_LIMIT / 2);
        assert_eq!(check(json!({ &long: { "short": 1 } })), Ok(()));
        let many = |count: usize| Value::Object((0..count).map(|name| (name.to_string(), json!(0))).collect());
        assert_eq!(check(many(PARAMETER_LIMIT)), Ok(()));
        // By their number, by one name, and by one name in another.
        for parameters in [many(PARAMETER_LIMIT + 1), json!({ long.repeat(2): 0 }), json!({ &long: { &long: 0 } })] {
            assert!(check(parameters).is_err_and(|problem| problem.contains("more than 256 parameters")));
        }
    }
}

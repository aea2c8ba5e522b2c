//! `manifest.json`: what a stage folder holds, from what it was made, and how. Written last: a folder without it is unfinished.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::document::Document;
use crate::hash::ContentHash;
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
    /// The hash of everything that decides the outputs: stage, format, parameters, inputs.
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

/// Where a stage ran: recorded, and no part of the fingerprint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// The processor threads it was allowed.
    pub threads: u32,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// The arithmetic of its heavy part.
    pub precision: String,
    /// The version of libtorch, for stages that use it.
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

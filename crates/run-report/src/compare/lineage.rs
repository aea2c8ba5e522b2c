//! From what a run's stages were made, when and why.

use std::collections::BTreeMap;

use run_store::{ContentHash, Manifest, Stage};
use serde::{Deserialize, Serialize};

use crate::collect::Run;

/// What a finished stage records of how it came to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// The tag, if it is a variant.
    pub tag: Option<String>,
    /// When it began, in UTC.
    pub started: String,
    /// Why it ran.
    pub reason: String,
    /// The content of what it read, by name.
    pub inputs: BTreeMap<String, ContentHash>,
    /// The hash of everything that decides what it wrote.
    pub fingerprint: ContentHash,
    /// The version of what it wrote.
    pub format_version: u32,
}

impl Lineage {
    fn of(manifest: &Manifest) -> Self {
        Self {
            tag: manifest.tag.clone(),
            started: manifest.started.clone(),
            reason: manifest.reason.clone(),
            inputs: manifest.inputs.iter().map(|(name, input)| (name.clone(), input.blake3.clone())).collect(),
            fingerprint: manifest.fingerprint.clone(),
            format_version: manifest.format_version,
        }
    }
}

/// The lineage of the finished stages of `run`.
pub(crate) fn lineage(run: &Run) -> BTreeMap<Stage, Lineage> {
    run.manifests.iter().map(|(stage, manifest)| (*stage, Lineage::of(manifest))).collect()
}

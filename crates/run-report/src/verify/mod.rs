//! Files against manifests: whether runs still hold what their stages wrote, made from what is still there. Nothing is
//! written, and nothing that a kill left is mended.

mod stage;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use run_store::{
    ContentHash, Document, Manifest, RunDir, Stage, StageDir, StoreError, document_text, file, hash_file, read_document,
};
use serde::{Deserialize, Serialize};

use crate::text::{lossy_path, lossy_paths};

/// What became of the files of runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// The runs, in the order given, each once.
    pub runs: Vec<VerifiedRun>,
    /// Folders that hold no stage.
    #[serde(serialize_with = "lossy_paths")]
    pub skipped: Vec<PathBuf>,
}

impl Document for Verification {
    const KIND: &'static str = "a verification of runs";
}

/// What became of the files of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerifiedRun {
    /// Its folder, as it was given.
    #[serde(serialize_with = "lossy_path")]
    pub path: PathBuf,
    /// Folders of stages.
    pub stage_count: usize,
    /// Folders of their variants.
    pub variant_count: usize,
    /// Files that manifests record, or should.
    pub file_count: usize,
    /// Their length.
    pub byte_count: u64,
    /// Inputs that are no longer where they were read, so that nothing can be said of them.
    pub gone_input_count: usize,
    /// What does not hold.
    pub findings: Vec<Finding>,
}

/// Something that is not as a manifest says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// The name of the stage's folder.
    pub stage: String,
    /// The file: of an output its path below that folder, of an input its path from the run's folder.
    pub file: String,
    /// The content that the manifest records.
    pub expected: Option<ContentHash>,
    /// The content that is there.
    pub found: Option<ContentHash>,
    /// What the system or the reader of the file said, or what is there in the place of the file.
    pub problem: Option<String>,
    /// The command that makes the folder again, or that of a changed input; `null` where that is no remedy.
    pub command: Option<String>,
}

/// What is not as a manifest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// An output has other content.
    Changed,
    /// An output is not there.
    Missing,
    /// A file lies in the folder that its manifest does not know.
    Unrecorded,
    /// A file or manifest cannot be read.
    Unreadable,
    /// There is no manifest.
    Unfinished,
    /// The manifest is that of another folder.
    Misplaced,
    /// The manifest does not have the fingerprint of its parameters and inputs.
    Edited,
    /// An input has other content than when it was read, and nothing says that it should not: the stage is outdated.
    InputReplaced,
    /// An input from another folder has other content than when it was read, and than its own manifest says; said once a run.
    InputChanged,
}

/// Holds the files of the runs at `folders` against their manifests. Files among them are passed over.
///
/// # Errors
/// A folder does not exist or cannot be read. What is wrong inside a run is no error: it stands among the findings.
pub fn verify(folders: &[PathBuf]) -> Result<Verification, StoreError> {
    let mut verification = Verification { runs: Vec::new(), skipped: Vec::new() };
    let (mut seen, mut contents) = (BTreeSet::new(), Contents::default());
    for folder in folders {
        let identity = folder.canonicalize().map_err(StoreError::io("read", folder))?;
        if !folder.is_dir() || !seen.insert(identity) {
            continue;
        }
        // Without the slash that a shell's `artifacts/*/` leaves at the end.
        let run = RunDir::new(folder.components().collect::<PathBuf>());
        let dirs = stage_dirs(&run);
        if dirs.is_empty() {
            verification.skipped.push(folder.clone());
        } else {
            verification.runs.push(VerifiedRun::of(&run, &dirs, &mut contents));
        }
    }
    Ok(verification)
}

/// The folders of stages and their variants that are on disk.
fn stage_dirs(run: &RunDir) -> Vec<StageDir> {
    let with_variants = |stage: Stage| {
        let variants = run.tags(stage).into_iter().map(move |tag| run.stage(stage, Some(&tag)));
        std::iter::once(run.stage(stage, None)).chain(variants)
    };
    Stage::ALL.into_iter().flat_map(with_variants).filter(|dir| dir.path().is_dir()).collect()
}

impl Verification {
    /// Whether everything is as recorded.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.runs.iter().all(VerifiedRun::holds)
    }

    /// The text of the verification as JSON.
    ///
    /// # Errors
    /// A value has no JSON form.
    pub fn json(&self) -> serde_json::Result<String> {
        document_text(self)
    }
}

impl VerifiedRun {
    /// Whether everything is as recorded.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }

    fn of(run: &RunDir, dirs: &[StageDir], contents: &mut Contents) -> Self {
        let variant_count = dirs.iter().filter(|dir| dir.tag().is_some()).count();
        let mut verified = Self {
            path: run.path().to_owned(),
            stage_count: dirs.len() - variant_count,
            variant_count,
            file_count: 0,
            byte_count: 0,
            gone_input_count: 0,
            findings: Vec::new(),
        };
        for dir in dirs {
            verified.check(dir, contents);
        }
        verified
    }
}

/// The contents of files that were read so far: a dataset is the input of many stages.
#[derive(Default)]
struct Contents {
    known: BTreeMap<PathBuf, (ContentHash, u64)>,
    /// By folder.
    manifests: BTreeMap<PathBuf, Option<Manifest>>,
}

impl Contents {
    /// The hash of a file's content, and its length in bytes.
    fn of(&mut self, path: &Path) -> Result<(ContentHash, u64), StoreError> {
        let identity = path.canonicalize().map_err(StoreError::io("read", path))?;
        if let Some(known) = self.known.get(&identity) {
            return Ok(known.clone());
        }
        let content = hash_file(path)?;
        self.known.insert(identity, content.clone());
        Ok(content)
    }

    /// The manifest of `folder`, if it has a sound one.
    fn manifest(&mut self, folder: &Path) -> Option<&Manifest> {
        // A folder has many spellings.
        let identity = folder.canonicalize().ok()?;
        let read = || read_document(&folder.join(file::MANIFEST)).ok();
        self.manifests.entry(identity).or_insert_with(read).as_ref()
    }
}

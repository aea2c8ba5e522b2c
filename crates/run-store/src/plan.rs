//! Whether a stage has to run, and why.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::document::read_document;
use crate::error::{Result, StoreError};
use crate::finished::VerifiedFile;
use crate::foreign::check_own;
use crate::hash::{ContentHash, hash_bytes};
use crate::layout::{Stage, StageDir, file};
use crate::manifest::{InputRecord, Manifest};
use crate::opened::is_there;
use crate::work::Work;

/// What a stage is about to do: where, with which parameters, from which files.
#[derive(Debug)]
pub struct Plan {
    pub(crate) dir: StageDir,
    pub(crate) parameters: Map<String, Value>,
    pub(crate) inputs: BTreeMap<String, InputRecord>,
    resumed_across: &'static [&'static str],
}

/// Whether the stage has to run.
#[derive(Debug)]
pub enum Decision {
    /// The folder already holds exactly what would be made.
    UpToDate(Box<Manifest>),
    /// It does not, for this reason.
    Run(Reason),
}

/// Why a stage runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nothing was there.
    First,
    /// Something was there, and these things are not as they would be.
    Rerun(Vec<String>),
    /// A run from the start was asked for.
    Forced,
}

/// The most characters of a parameter's value in a reason, and of all its causes.
const VALUE_SHOWN: usize = 200;
const CAUSES_SHOWN: usize = 1500;

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => formatter.write_str("first run"),
            Self::Rerun(causes) => write!(formatter, "rerun: {}", beginning(&causes.join(", "), CAUSES_SHOWN)),
            Self::Forced => formatter.write_str("rerun: forced"),
        }
    }
}

impl Plan {
    /// A plan to fill `dir` from `parameters`, which serialize to a JSON object: everything that decides the outputs
    /// but the threads and the device, which the manifest's environment records.
    ///
    /// # Errors
    /// The parameters do not serialize to an object.
    pub fn new(dir: StageDir, parameters: &impl Serialize) -> Result<Self> {
        match serde_json::to_value(parameters) {
            Ok(Value::Object(parameters)) => Ok(Self { dir, parameters, inputs: BTreeMap::new(), resumed_across: &[] }),
            _ => Err(StoreError::invalid(&dir.path(), "the parameters are no JSON object", "report this")),
        }
    }

    /// Adds an input under `name`.
    #[must_use]
    pub fn input(mut self, name: &str, file: &VerifiedFile) -> Self {
        let path = relative_path(self.dir.run(), &file.path);
        self.inputs.insert(name.to_owned(), InputRecord { path, blake3: file.hash.clone() });
        self
    }

    /// Names the parameters that a checkpoint does not depend on, such as how long to go on.
    #[must_use]
    pub fn resumed_across(mut self, parameters: &'static [&'static str]) -> Self {
        self.resumed_across = parameters;
        self
    }

    /// The folder to be filled.
    #[must_use]
    pub fn dir(&self) -> &StageDir {
        &self.dir
    }

    /// Everything that decides the outputs, but for the inputs.
    #[must_use]
    pub fn parameters(&self) -> &Map<String, Value> {
        &self.parameters
    }

    /// The hash of everything that decides the outputs.
    #[must_use]
    pub fn fingerprint(&self) -> ContentHash {
        self.hash_without(&[])
    }

    /// The hash of everything that decides a checkpoint.
    pub(crate) fn checkpoint_key(&self) -> ContentHash {
        self.hash_without(self.resumed_across)
    }

    fn hash_without(&self, left_out: &[&str]) -> ContentHash {
        let parameters = self.parameters.iter().filter(|(name, _)| !left_out.contains(&name.as_str()));
        let stage = self.dir.stage();
        hash_facts(stage, stage.format_version(), parameters, &self.inputs)
    }

    /// Compares the plan with what is on disk.
    ///
    /// # Errors
    /// What is on disk was written by a newer version, cannot be read, or has somebody's own files beside it; or the run has its
    /// model from another stage.
    pub fn decide(&self, force: bool) -> Result<Decision> {
        let decision = self.compare(force)?;
        if matches!(decision, Decision::Run(_)) {
            check_own(&self.dir)?;
        }
        Ok(decision)
    }

    fn compare(&self, force: bool) -> Result<Decision> {
        crate::work::recover(&self.dir)?;
        crate::work::check_rival(&self.dir)?;
        if force && (self.dir.path().exists() || self.dir.partial().exists()) {
            return Ok(Decision::Run(Reason::Forced));
        }
        if !self.dir.path().exists() {
            return Ok(Decision::Run(Reason::First));
        }
        let manifest_path = self.dir.file(file::MANIFEST);
        // One that may not be looked at is no unfinished result.
        if !is_there(&manifest_path)? {
            return Ok(Decision::Run(Reason::Rerun(vec!["the earlier result is unfinished".to_owned()])));
        }
        let manifest: Manifest = match read_document(&manifest_path) {
            Ok(manifest) => manifest,
            Err(error @ StoreError::TooNew { .. }) => return Err(error),
            Err(error) if error.is_denied() => return Err(error),
            Err(_) => return Ok(Decision::Run(Reason::Rerun(vec!["its manifest is damaged".to_owned()]))),
        };
        let mut causes = self.differences(&manifest);
        if causes.is_empty() {
            causes = self.damage(&manifest)?;
        }
        if causes.is_empty() {
            Ok(Decision::UpToDate(Box::new(manifest)))
        } else {
            Ok(Decision::Run(Reason::Rerun(causes)))
        }
    }

    /// Removes what a kill left beside a result that is up to date, but for checkpoints that are further on than it or of another
    /// training, unless someone is at work there.
    pub fn tidy(&self) {
        crate::work::tidy(&self.dir, self.checkpoint_key());
    }

    /// Takes the folder's lock and begins to fill a new one beside it. Checkpoints of an interrupted or finished training
    /// are there to go on from, unless the reason is that a run from the start was asked for.
    ///
    /// # Errors
    /// Another process holds the lock, or the destination cannot be written.
    pub fn begin(self, reason: Reason) -> Result<Work> {
        Work::begin(self, reason)
    }

    /// How the plan differs from the one that made `manifest`.
    fn differences(&self, manifest: &Manifest) -> Vec<String> {
        let mut causes = Vec::new();
        let stage = self.dir.stage();
        if manifest.stage != stage {
            causes.push(format!("its manifest is that of {}", manifest.stage));
        }
        let format = stage.format_version();
        if manifest.format_version != format {
            causes.push(format!("the stage's format {} → {format}", manifest.format_version));
        }
        let none = Value::Null;
        let mut names: Vec<&String> = manifest.parameters.keys().chain(self.parameters.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let old = manifest.parameters.get(name).unwrap_or(&none);
            let new = self.parameters.get(name).unwrap_or(&none);
            if old != new {
                causes.push(format!("{name} {} → {}", plain(old), plain(new)));
            }
        }
        for (name, input) in &self.inputs {
            match manifest.inputs.get(name) {
                Some(old) if old.blake3 == input.blake3 => {}
                Some(_) => causes.push(format!("input {name} changed")),
                None => causes.push(format!("input {name} is new")),
            }
        }
        causes.extend(
            manifest
                .inputs
                .keys()
                .filter(|name| !self.inputs.contains_key(*name))
                .map(|name| format!("input {name} is gone")),
        );
        if causes.is_empty() && manifest.fingerprint != self.fingerprint() {
            causes.push("its fingerprint does not match its manifest".to_owned());
        }
        causes
    }

    /// Outputs that are not as the manifest says.
    fn damage(&self, manifest: &Manifest) -> Result<Vec<String>> {
        let missing = self.dir.stage().outputs().iter().filter(|name| !manifest.outputs.contains_key(**name));
        let mut causes: Vec<String> = missing.map(|name| format!("output {name} is missing")).collect();
        for (name, record) in &manifest.outputs {
            match record.hash_at(&self.dir.file(name)) {
                Ok(Ok(_)) => {}
                Ok(Err(_)) => causes.push(format!("output {name} changed since it was written")),
                Err(error) if error.is_denied() => return Err(error),
                Err(_) => causes.push(format!("output {name} is missing")),
            }
        }
        Ok(causes)
    }
}

/// The hash of what decides the outputs of `stage`: where an input lies does not.
pub(crate) fn hash_facts<'a>(
    stage: Stage,
    format_version: u32,
    parameters: impl Iterator<Item = (&'a String, &'a Value)>,
    inputs: &BTreeMap<String, InputRecord>,
) -> ContentHash {
    let parameters: BTreeMap<&String, &Value> = parameters.collect();
    let inputs: BTreeMap<&str, &ContentHash> =
        inputs.iter().map(|(name, input)| (name.as_str(), &input.blake3)).collect();
    let facts = json!([stage, format_version, parameters, inputs]);
    hash_bytes(facts.to_string().as_bytes())
}

/// A JSON value as people write it, as far as it can be taken in.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => beginning(text, VALUE_SHOWN),
        other => beginning(&other.to_string(), VALUE_SHOWN),
    }
}

/// The first `count` characters of `text`, and whether there are more: of a manifest anybody's values may become a reason, which a
/// manifest has to have room for again.
fn beginning(text: &str, count: usize) -> String {
    let shown: String = text.chars().take(count).collect();
    if shown.len() < text.len() { shown + "…" } else { shown }
}

/// `target` as seen from the folder `base`, so that a project can be moved as a whole; absolute where they share no root.
fn relative_path(base: &Path, target: &Path) -> PathBuf {
    let (Ok(base), Ok(target)) = (absolute(base), absolute(target)) else { return target.to_owned() };
    let shared = base.components().zip(target.components()).take_while(|(a, b)| a == b).count();
    let up = base.components().skip(shared).map(|_| Path::new(".."));
    up.map(Path::to_owned).chain([target.components().skip(shared).collect()]).collect()
}

/// An absolute path without links, as far as it exists.
fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let existing = path.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    Ok(match existing {
        Some((ancestor, canonical)) => {
            path.strip_prefix(ancestor).map(|rest| canonical.join(rest)).unwrap_or(canonical)
        }
        None => path,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::finished::FinishedStage;
    use crate::layout::RunDir;
    use crate::manifest::Environment;

    fn environment() -> Environment {
        Environment { threads: 1, device: "cpu".to_owned(), precision: "f32".to_owned(), libtorch: None }
    }

    fn plan(run: &RunDir, epochs: u32, input: &Path) -> Plan {
        let file = VerifiedFile::external(input).unwrap();
        let parameters = json!({ "epochs": epochs, "seed": 0 });
        Plan::new(run.stage(Stage::LatentExport, None), &parameters).unwrap().input("weights", &file)
    }

    fn complete(plan: Plan) -> Manifest {
        let Decision::Run(reason) = plan.decide(true).unwrap() else { unreachable!() };
        let work = plan.begin(reason).unwrap();
        for name in Stage::LatentExport.outputs() {
            std::fs::write(work.file(name).unwrap(), name).unwrap();
        }
        work.commit(environment()).unwrap()
    }

    fn reason(plan: &Plan) -> String {
        match plan.decide(false).unwrap() {
            Decision::UpToDate(_) => "up to date".to_owned(),
            Decision::Run(reason) => reason.to_string(),
        }
    }

    /// Anybody's manifest may say what a result was made with.
    #[test]
    fn a_reason_has_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::new(folder.path().join("run"));
        let of = |name: &dyn Fn(usize) -> String| {
            let parameters: Map<String, Value> = (0..200).map(|index| (name(index), "é".repeat(4000).into())).collect();
            Plan::new(run.stage(Stage::LatentExport, None), &parameters).unwrap()
        };
        complete(of(&|index| format!("a{index}")));
        let reason = reason(&of(&|index| format!("b{index}")));
        assert!(
            reason.starts_with("rerun: a0 é") && reason.contains("é… → none, a1 é") && reason.ends_with('…'),
            "{reason}"
        );
        assert_eq!(reason.chars().count(), "rerun: ".len() + CAUSES_SHOWN + 1);
        let manifest = complete(of(&|index| format!("b{index}")));
        assert_eq!(manifest.reason, Reason::Forced.to_string());
        let again = of(&|index| format!("c{index}"));
        let Decision::Run(reason) = again.decide(false).unwrap() else { unreachable!() };
        let work = again.begin(reason).unwrap();
        for name in Stage::LatentExport.outputs() {
            std::fs::write(work.file(name).unwrap(), name).unwrap();
        }
        assert!(work.commit(environment()).unwrap().reason.ends_with('…'));
    }

    #[test]
    fn every_rerun_has_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("input");
        std::fs::write(&input, "one").unwrap();
        let run = RunDir::new(folder.path().join("run"));
        assert_eq!(reason(&plan(&run, 2, &input)), "first run");
        let manifest = complete(plan(&run, 2, &input));
        assert_eq!(manifest.inputs["weights"].path, Path::new("../input"));
        assert!(manifest.has_its_fingerprint());
        assert!(!Manifest { parameters: Map::new(), ..manifest }.has_its_fingerprint());
        assert_eq!(reason(&plan(&run, 2, &input)), "up to date");
        assert_eq!(reason(&plan(&run, 3, &input)), "rerun: epochs 2 → 3");

        let output = run.stage(Stage::LatentExport, None).file("train.parquet");
        std::fs::write(&output, "other").unwrap();
        assert_eq!(reason(&plan(&run, 2, &input)), "rerun: output train.parquet changed since it was written");
        std::fs::remove_file(&output).unwrap();
        assert_eq!(reason(&plan(&run, 2, &input)), "rerun: output train.parquet is missing");

        complete(plan(&run, 2, &input));
        std::fs::write(&input, "two").unwrap();
        assert_eq!(reason(&plan(&run, 2, &input)), "rerun: input weights changed");

        std::fs::remove_file(run.stage(Stage::LatentExport, None).file(file::MANIFEST)).unwrap();
        assert_eq!(reason(&plan(&run, 2, &input)), "rerun: the earlier result is unfinished");
    }

    #[test]
    fn a_verified_file_is_what_its_manifest_says() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("input");
        std::fs::write(&input, "one").unwrap();
        let run = RunDir::new(folder.path().join("run"));
        let dir = run.stage(Stage::LatentExport, None);
        assert!(FinishedStage::open(dir.clone()).unwrap_err().to_string().contains("run `latent-export --run"));
        complete(plan(&run, 2, &input));
        let finished = FinishedStage::open(dir.clone()).unwrap();
        assert!(finished.file("train.parquet").is_ok());
        std::fs::write(dir.file("train.parquet"), "other").unwrap();
        let error = finished.file("train.parquet").unwrap_err().to_string();
        assert!(error.contains("--force"), "{error}");
    }
}

//! Every reader of a file of a run, by the name of its folder in `fuzz/corpus`. What is read is dropped: an error is as good.
//!
//! The tests of run-store read broken files with these too, so that there is one list.

use std::fs;
use std::path::Path;

use run_store::*;
use serde_json::{Map, Value};

/// Reads a file, and drops what it holds.
pub type Reader = fn(&Path);

/// The readers that need no other crate than run-store.
pub const READERS: &[(&str, Reader)] = &[
    ("dataset", dataset),
    ("document", document),
    ("kmeans", kmeans),
    ("latents", latents),
    ("tables", tables),
    ("tensors", tensors),
    ("checkpoint", checkpoint),
];

/// A prepared dataset.
pub fn dataset(path: &Path) {
    let _ = DatasetFile::read(path).and_then(|file| file.dataset().map(drop));
}

/// Reads a file as one kind: whether it is of that kind.
pub type Kind = (&'static str, fn(&Path) -> bool);

/// Every kind of JSON.
pub const DOCUMENTS: &[Kind] = &[
    ("Manifest", |path| read_document::<Manifest>(path).is_ok()),
    ("ModelDescription", |path| read_document::<ModelDescription>(path).is_ok()),
    ("ClassifierDescription", |path| read_document::<ClassifierDescription>(path).is_ok()),
    ("ReaderDescription", |path| read_document::<ReaderDescription>(path).is_ok()),
    ("DatasetMetrics", |path| read_document::<DatasetMetrics>(path).is_ok()),
    ("TrainMetrics", |path| read_document::<TrainMetrics>(path).is_ok()),
    ("RefineMetrics", |path| read_document::<RefineMetrics>(path).is_ok()),
    ("ReaderMetrics", |path| read_document::<ReaderMetrics>(path).is_ok()),
    ("ReconstructionMetrics", |path| read_document::<ReconstructionMetrics>(path).is_ok()),
    ("ClusterMetrics", |path| read_document::<ClusterMetrics>(path).is_ok()),
    ("ClassifyMetrics", |path| read_document::<ClassifyMetrics>(path).is_ok()),
    ("ClusterCounts", |path| read_document::<ClusterCounts>(path).is_ok()),
    ("Growth", |path| read_document::<Growth>(path).is_ok()),
];

/// JSON of any kind.
pub fn document(path: &Path) {
    let _ = schema_version(path);
    let _ = read_document::<Manifest>(path).map(|manifest| manifest.has_its_fingerprint());
    for (_, is_read) in DOCUMENTS {
        is_read(path);
    }
}

/// A fitted K-means model.
pub fn kmeans(path: &Path) {
    let _ = KMeansModel::read(path);
}

/// Latents, whole and in pieces.
pub fn latents(path: &Path) {
    let _ = Latents::read(path);
    let _ = LatentsFile::open(path).map(|file| file.pieces().take_while(Result::is_ok).count());
}

/// Every other kind of Parquet.
pub const TABLES: &[Kind] = &[
    ("Assignments", |path| Assignments::read(path).is_ok()),
    ("TrainingEpoch", |path| TrainingEpoch::read(path).is_ok()),
    ("RefinementEpoch", |path| RefinementEpoch::read(path).is_ok()),
    ("ClassifierEpoch", |path| ClassifierEpoch::read(path).is_ok()),
    ("Reconstructions", |path| Reconstructions::read(path).is_ok()),
    ("DecodedSheet", |path| DecodedSheet::read(path).is_ok()),
    ("ReconstructionReading", |path| ReconstructionReading::read(path).is_ok()),
    ("TrainingEpoch of a refinement", |path| TrainingEpoch::of_refinement(path).is_ok()),
];

/// Parquet of any other kind.
pub fn tables(path: &Path) {
    for (_, is_read) in TABLES {
        is_read(path);
    }
}

/// Weights.
pub fn tensors(path: &Path) {
    let _ = read_tensors(path);
}

/// What a checkpoint says of itself: in a folder with nothing else, and with the files that it names.
pub fn checkpoint(path: &Path) {
    let _ = resumed(path);
}

/// Whether a training would go on from the checkpoint at `path`, had its own key and content stood there and the files that it names
/// lain beside it: no change of a byte comes up with these.
pub fn resumed(path: &Path) -> Option<bool> {
    let folder = path.parent()?;
    let dir = RunDir::new(folder.join("run")).stage(Stage::AeTrain, None);
    let work = Plan::new(dir, &Parameters {}).and_then(|plan| plan.begin(Reason::First)).ok()?;
    let (checkpoints, at) = (work.checkpoints(), work.file(file::CHECKPOINT).ok()?);
    let fill = |checkpoint: &Checkpoint| {
        fs::write(checkpoint.file(file::WEIGHTS), CONTENT).map_err(|source| StoreError::Io {
            action: "write",
            path: path.to_owned(),
            source,
        })
    };
    checkpoints.write(1, 1, fill).ok()?;
    let state = at.join("epoch-00001").join(file::CHECKPOINT_STATE);
    let own: Map<String, Value> = serde_json::from_slice(&fs::read(&state).ok()?).ok()?;
    fs::copy(path, &state).ok()?;
    let _ = checkpoints.latest(u32::MAX, |_| Ok(()));
    let mut forged: Map<String, Value> = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let epoch = forged.get("epoch").and_then(Value::as_u64).unwrap_or(1);
    let named = at.join(format!("epoch-{epoch:05}"));
    fs::create_dir_all(&named).ok()?;
    let hash = own.get("files").and_then(|files| files.get(file::WEIGHTS))?.clone();
    if let Some(Value::Object(files)) = forged.get_mut("files") {
        for (name, found) in files.iter_mut().filter(|(name, _)| Path::new(name).file_name() == Some(name.as_ref())) {
            *found = hash.clone();
            let _ = fs::write(named.join(name), CONTENT);
        }
    }
    forged.insert("key".to_owned(), own.get("key")?.clone());
    let part = |name: &str| forged.get(name).cloned().unwrap_or_default();
    let parts = ["key", "epoch", "optimizer_steps", "files"].map(part);
    let content = hash_bytes(Value::from(parts.to_vec()).to_string().as_bytes());
    forged.insert("content".to_owned(), content.to_string().into());
    fs::write(named.join(file::CHECKPOINT_STATE), Value::Object(forged).to_string()).ok()?;
    Some(checkpoints.latest(u32::MAX, |_| Ok(())).0.is_some_and(|found| u64::from(found.epoch) == epoch))
}

/// What lies in every file of a checkpoint.
const CONTENT: &str = "x";

#[derive(serde::Serialize)]
struct Parameters {}

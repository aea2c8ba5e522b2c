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

/// Every kind of JSON.
pub fn document(path: &Path) {
    let _ = schema_version(path);
    let _ = read_document::<Manifest>(path).map(|manifest| manifest.has_its_fingerprint());
    let _ = read_document::<ModelDescription>(path);
    let _ = read_document::<ClassifierDescription>(path);
    let _ = read_document::<ReaderDescription>(path);
    let _ = read_document::<DatasetMetrics>(path);
    let _ = read_document::<TrainMetrics>(path);
    let _ = read_document::<RefineMetrics>(path);
    let _ = read_document::<ReaderMetrics>(path);
    let _ = read_document::<ReconstructionMetrics>(path);
    let _ = read_document::<ClusterMetrics>(path);
    let _ = read_document::<ClassifyMetrics>(path);
    let _ = read_document::<ClusterCounts>(path);
    let _ = read_document::<Growth>(path);
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
pub fn tables(path: &Path) {
    let _ = Assignments::read(path);
    let _ = TrainingEpoch::read(path);
    let _ = RefinementEpoch::read(path);
    let _ = TrainingEpoch::of_refinement(path);
    let _ = ClassifierEpoch::read(path);
    let _ = Reconstructions::read(path);
    let _ = DecodedSheet::read(path);
    let _ = ReconstructionReading::read(path);
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

//! Every reader of a file of a run, by the name of its folder in `fuzz/corpus`. What is read is dropped: an error is as good.
//!
//! The tests of run-store read broken files with these too, so that there is one list.

use std::fs;
use std::path::Path;

use run_store::*;

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
    let _ = ClassifierEpoch::read(path);
    let _ = Reconstructions::read(path);
    let _ = DecodedSheet::read(path);
    let _ = ReconstructionReading::read(path);
}

/// Weights.
pub fn tensors(path: &Path) {
    let _ = read_tensors(path);
}

/// What a checkpoint says of itself, in a folder with nothing else.
pub fn checkpoint(path: &Path) {
    let Some(folder) = path.parent() else { return };
    let dir = RunDir::new(folder.join("run")).stage(Stage::AeTrain, None);
    let Ok(work) = Plan::new(dir, &Parameters {}).and_then(|plan| plan.begin(Reason::First)) else { return };
    let Ok(checkpoints) = work.file(file::CHECKPOINT) else { return };
    let state = checkpoints.join("epoch-00001");
    let placed = fs::create_dir_all(&state).and_then(|()| fs::copy(path, state.join(file::CHECKPOINT_STATE)));
    if placed.is_ok() {
        let _ = work.checkpoints().latest(u32::MAX, |_| Ok(()));
    }
}

#[derive(serde::Serialize)]
struct Parameters {}

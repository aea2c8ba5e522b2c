//! Damage: changing what a stage left, with or without its manifest's knowledge.

use std::fs::{self, File};
use std::path::Path;

use polars::io::SerReader;
use polars::io::parquet::read::ParquetReader;
use polars::io::parquet::write::{KeyValueMetadata, ParquetWriter};
use polars::prelude::{Column, DataFrame};
use run_store::{FileRecord, Manifest, Split, Stage, StageDir, file, hash_bytes, read_document};
use serde_json::Value;

use crate::study::Study;

/// The manifest of a stage folder.
#[must_use]
pub fn manifest(dir: &StageDir) -> Manifest {
    read_document(&dir.file(file::MANIFEST)).unwrap()
}

/// Changes a JSON file.
pub fn edit_json(path: &Path, edit: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    edit(&mut value);
    fs::write(path, serde_json::to_vec_pretty(&value).unwrap()).unwrap();
}

/// Changes the manifest of a stage folder.
pub fn edit_manifest(dir: &StageDir, edit: impl FnOnce(&mut Value)) {
    edit_json(&dir.file(file::MANIFEST), edit);
}

/// Makes the manifest of a stage folder say what its file `name` now holds: the reader of that file is then alone with it.
pub fn correct_manifest(dir: &StageDir, name: &str) {
    let content = fs::read(dir.file(name)).unwrap();
    let record = FileRecord { blake3: hash_bytes(&content), bytes: content.len() as u64 };
    edit_manifest(dir, |manifest| manifest["outputs"][name] = serde_json::to_value(record).unwrap());
}

/// Puts `content` in the place of the file `name` of a stage folder, and corrects the manifest.
pub fn replace_output(dir: &StageDir, name: &str, content: impl AsRef<[u8]>) {
    fs::write(dir.file(name), content).unwrap();
    correct_manifest(dir, name);
}

/// Keeps only the first half of a file.
pub fn truncate(path: &Path) {
    let content = fs::read(path).unwrap();
    fs::write(path, &content[..content.len() / 2]).unwrap();
}

/// Changes columns and metadata of a split's latents, and corrects the manifest.
pub fn edit_latents(study: &Study, split: Split, edit: impl FnOnce(&mut Vec<Column>, &mut Vec<(String, String)>)) {
    let dir = study.dir(Stage::LatentExport);
    let path = dir.file(split.latents_file());
    let mut reader = ParquetReader::new(File::open(&path).unwrap());
    let pairs = reader.get_metadata().unwrap().key_value_metadata().iter().flatten();
    // The writer notes the columns itself; the old note would go before the new columns.
    let pairs = pairs.filter(|pair| !pair.key.starts_with("ARROW"));
    let mut metadata = pairs.map(|pair| (pair.key.clone(), pair.value.clone().unwrap())).collect();
    let mut columns = reader.finish().unwrap().columns().to_vec();
    edit(&mut columns, &mut metadata);
    let mut frame = DataFrame::new_infer_height(columns).unwrap();
    ParquetWriter::new(File::create(&path).unwrap())
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(metadata)))
        .finish(&mut frame)
        .unwrap();
    correct_manifest(&dir, split.latents_file());
}

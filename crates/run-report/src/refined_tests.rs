//! Refined runs on disk, made of trained ones.

#![allow(clippy::unwrap_used)]

use std::fs;

use run_store::{RunDir, Stage, StageDir, file, parameter};
use serde_json::{Value, json};

use super::stages;
use crate::testing::Example;

/// Lets the model of `example`, with all that was made of it, be refined from that of the run `parent` beside it.
pub(crate) fn refine(example: Example, parent: &str) -> Example {
    let [trained, refined] = [Stage::AeTrain, Stage::AeRefine].map(|stage| example.dir.stage(stage, None));
    fs::rename(trained.path(), refined.path()).unwrap();
    let parent = RunDir::new(example.dir.path().with_file_name(parent)).model_stage();
    let weights = read(&parent)["outputs"][file::WEIGHTS]["blake3"].clone();
    let path = format!("../{}/{}", parent.title(), file::WEIGHTS);
    let mut manifest = read(&refined);
    manifest["stage"] = json!(Stage::AeRefine);
    manifest["parameters"] = json!({
        (parameter::MODEL): example.model, (parameter::LATENT_DIM): example.latent_dim, (parameter::SEED): example.seed,
        (parameter::RECIPE): "imsat:10",
    });
    manifest["inputs"]["weights"] = json!({ "path": path, "blake3": weights });
    fs::write(refined.file(file::MANIFEST), manifest.to_string()).unwrap();
    for stage in stages().filter(|stage| *stage != Stage::AeTrain) {
        let path = example.dir.stage(stage, None).file(file::MANIFEST);
        if let Ok(text) = fs::read_to_string(&path) {
            let [old, new] = [&trained, &refined].map(|dir| format!("\"{}/", dir.name()));
            fs::write(&path, text.replace(&old, &new)).unwrap();
        }
    }
    example
}

fn read(dir: &StageDir) -> Value {
    serde_json::from_slice(&fs::read(dir.file(file::MANIFEST)).unwrap()).unwrap()
}

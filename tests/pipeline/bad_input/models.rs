//! Weights, architectures and K-means models that are not what they should be.

use std::fs;

use pipeline_tests::{Study, correct_manifest, edit_json, refused, replace_output, truncate};
use run_store::{ModelKind, Stage, StageDir, file};
use serde_json::{Value, json};

const WEIGHTS: &str = "artifacts/cae-2/ae-train/weights.safetensors";
const MODEL: &str = "artifacts/cae-2/ae-train/model.json";
const KMEANS: &str = "artifacts/cae-2/cluster-eval/kmeans.bin";

fn trained() -> (Study, StageDir) {
    let study = Study::finished(ModelKind::Cae);
    let dir = study.dir(Stage::AeTrain);
    (study, dir)
}

#[track_caller]
fn export_refused(study: &Study, expected: &[&str]) {
    refused(study, study.command(Stage::LatentExport), expected);
}

#[test]
fn weights_of_another_architecture() {
    let (study, dir) = trained();
    let other = Study::finished(ModelKind::Ae);
    fs::copy(other.dir(Stage::AeTrain).file(file::WEIGHTS), dir.file(file::WEIGHTS)).unwrap();
    export_refused(&study, &[WEIGHTS, "as its manifest says", "run `ae-train --run artifacts/cae-2 --force`"]);
    correct_manifest(&dir, file::WEIGHTS);
    export_refused(&study, &[WEIGHTS, "expected no tensor", "train the model again"]);
}

#[test]
fn weights_of_another_latent_size() {
    let (study, dir) = trained();
    edit_json(&dir.file(file::MODEL), |model| {
        model["latent_dim"] = 3.into();
        let dense = model["encoder"].as_array_mut().unwrap().iter_mut().rev().find(|layer| layer["layer"] == "dense");
        dense.unwrap()["units"] = 3.into();
    });
    correct_manifest(&dir, file::MODEL);
    export_refused(&study, &[WEIGHTS, "expected tensor", "of shape [3, "]);
}

#[test]
fn numbers_that_no_layer_can_compute_with() {
    for (place, value, expected) in [
        ("/pixel_divisor", 1.0, "expected a number from 255 up, found 1"),
        ("/encoder/1/epsilon", -1.0, "expected a number above 0, found -1"),
        ("/encoder/1/momentum", 1.0, "expected a number from 0 to below 1, found 1"),
    ] {
        let (study, dir) = trained();
        edit_json(&dir.file(file::MODEL), |model| *model.pointer_mut(place).unwrap() = value.into());
        correct_manifest(&dir, file::MODEL);
        export_refused(&study, &[MODEL, expected]);
        // What it made before the model was tampered with stays.
        refused(&study, study.command(Stage::ReconEval), &[MODEL, expected]);
    }
}

#[test]
fn truncated_weights() {
    let (study, dir) = trained();
    truncate(&dir.file(file::WEIGHTS));
    export_refused(&study, &[WEIGHTS, "as its manifest says"]);
    correct_manifest(&dir, file::WEIGHTS);
    export_refused(&study, &[WEIGHTS, "expected weights as safetensors"]);
    replace_output(&dir, file::WEIGHTS, "");
    export_refused(&study, &[WEIGHTS, "expected weights as safetensors"]);
}

#[test]
fn weights_that_are_not_finite() {
    let (study, dir) = trained();
    let mut weights = fs::read(dir.file(file::WEIGHTS)).unwrap();
    let end = weights.len();
    weights[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    replace_output(&dir, file::WEIGHTS, weights);
    export_refused(&study, &[WEIGHTS, "expected finite values in tensor"]);
}

#[test]
fn weights_that_give_no_finite_latents() {
    let (study, dir) = trained();
    let mut weights = fs::read(dir.file(file::WEIGHTS)).unwrap();
    let values = 8 + u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    weights[values..].chunks_exact_mut(4).for_each(|value| value.copy_from_slice(&1e38_f32.to_le_bytes()));
    replace_output(&dir, file::WEIGHTS, weights);
    export_refused(&study, &[WEIGHTS, "expected an encoder that gives finite latents", "train it again"]);
}

#[test]
fn a_model_that_is_no_document() {
    let (study, dir) = trained();
    truncate(&dir.file(file::MODEL));
    export_refused(&study, &[MODEL, "as its manifest says"]);
    for (content, problem) in [
        ("{", "expected a model description as JSON"),
        ("", "expected a model description as JSON"),
        ("{}", "schema_version"),
        (r#"{"schema_version": 1}"#, "missing field"),
        (r#"{"schema_version": 999}"#, "a model description has schema version 999, and this program reads up to 1"),
    ] {
        replace_output(&dir, file::MODEL, content);
        export_refused(&study, &[MODEL, problem]);
    }
}

#[test]
fn a_model_that_contradicts_itself() {
    let edits: &[fn(&mut Value)] = &[
        |model| model["model"] = "vae".into(),
        |model| model["latent_dim"] = 0.into(),
        |model| model["latent_dim"] = 7.into(),
        |model| model["image_height"] = 0.into(),
        |model| model["image_height"] = 27.into(),
        |model| model["encoder"] = json!([]),
        |model| model["decoder"] = json!([{ "layer": "flatten" }]),
        |model| model["encoder"][0] = json!({ "layer": "conv2d", "filters": 0, "kernel": 3 }),
        |model| model["encoder"][0] = json!({ "layer": "conv2d", "filters": 8, "kernel": 0 }),
        |model| model["encoder"][0] = json!({ "layer": "conv2d", "filters": 8, "kernel": 4 }),
        |model| model["encoder"][0] = json!({ "layer": "max_pool2d", "size": 0 }),
        |model| model["encoder"][0] = json!({ "layer": "dense", "units": 4 }),
        |model| model["encoder"][0] = json!({ "layer": "unheard_of" }),
        |model| model["decoder"][0] = json!({ "layer": "reshape", "height": 1, "width": 1, "channels": 1 }),
        |model| model["decoder"][3] = json!({ "layer": "conv_transpose2d", "filters": 1, "kernel": 1, "stride": 0 }),
        |model| model["decoder"][3] = json!({ "layer": "conv_transpose2d", "filters": 64, "kernel": 2, "stride": 3 }),
        |model| {
            model["decoder"][3] = json!({ "layer": "conv_transpose2d", "filters": 64, "kernel": 3, "stride": u32::MAX })
        },
    ];
    for edit in edits {
        let (study, dir) = trained();
        edit_json(&dir.file(file::MODEL), edit);
        correct_manifest(&dir, file::MODEL);
        // One that could be a model of another kind is known by the weights that do not fit it.
        export_refused(&study, &["artifacts/cae-2/ae-train/"]);
    }
}

/// A damaged number must not ask the machine for all its memory.
#[test]
fn a_model_too_large_for_any_machine() {
    let (study, dir) = trained();
    edit_json(&dir.file(file::MODEL), |model| {
        let layers = model["encoder"].as_array_mut().unwrap();
        let latent = layers.iter().rposition(|layer| layer["layer"] == "dense").unwrap();
        layers.insert(latent, json!({ "layer": "dense", "units": u32::MAX }));
    });
    correct_manifest(&dir, file::MODEL);
    export_refused(
        &study,
        &[MODEL, "expected layer", r#"found {"layer":"dense","units":4294967295}"#, "train again with --force"],
    );
}

#[test]
fn a_clustering_that_was_damaged() {
    let (study, dir) = (Study::finished(ModelKind::Cae), Study::dir);
    let dir = dir(&study, Stage::ClusterEval);
    let latents = "artifacts/cae-2/latent-export/test.parquet";
    let predict = || {
        let arguments = ["predict", "--run", "artifacts/cae-2", "--latents", latents, "--output", "predicted.parquet"];
        study.bare_command(Stage::ClusterEval, &arguments)
    };
    let whole = fs::read(dir.file(file::KMEANS)).unwrap();
    fs::write(dir.file(file::KMEANS), &whole[..50]).unwrap();
    refused(&study, predict(), &[KMEANS, "as its manifest says", "cluster-eval --run artifacts/cae-2 --force"]);
    let nan = f64::NAN.to_le_bytes();
    let damaged: [(&[u8], &str); 5] = [
        (&whole[..50], "bytes after the header"),
        (b"PK\x03\x04 an archive of something", "found another kind of file"),
        (&[&whole[..20], &[3, 0, 0, 0], &whole[24..]].concat(), "in 3 dimensions"),
        (&[&whole[..32], &nan, &whole[40..]].concat(), "expected finite centroids"),
        // The number of coordinates, which must not be believed before the bytes are there.
        (&[&whole[..24], &[255; 8], &whole[32..]].concat(), "cannot be decoded"),
    ];
    for (content, problem) in damaged {
        replace_output(&dir, file::KMEANS, content);
        refused(&study, predict(), &[KMEANS, problem]);
    }
    fs::remove_dir_all(dir.path()).unwrap();
    refused(&study, predict(), &["cluster-eval/manifest.json is missing", "run `cluster-eval --run artifacts/cae-2`"]);
}

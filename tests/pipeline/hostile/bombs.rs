//! Small files that promise much: each is refused in seconds, with at most twice its size and 64 MiB of memory more than an
//! honest file of its kind takes.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use miniz_oxide::deflate::compress_to_vec;
use pipeline_tests::{Study, correct_manifest, cost_of, edit_json, edit_latents, refused, replace_output, slice};
use polars::prelude::Column;
use run_store::{ModelKind, NamedTensor, Split, Stage, file, write_tensors};
use serde_json::json;

const ALLOWANCE: u64 = 64 << 20;

/// Runs the command, which has to refuse a file of `length` bytes and say `expected`, and compares what it takes with the memory
/// of an `honest` run.
#[track_caller]
fn refused_cheaply(command: Command, honest: u64, length: usize, expected: &str) {
    let cost = cost_of(command);
    assert_eq!(cost.code, Some(1), "{}", cost.error);
    assert!(cost.error.contains(expected) && !cost.error.contains("panicked"), "{}", cost.error);
    let limit = honest + 2 * length as u64 + ALLOWANCE;
    assert!(cost.peak_bytes <= limit, "{expected}: {} bytes of memory, expected at most {limit}", cost.peak_bytes);
    assert!(cost.time < Duration::from_secs(10), "{expected}: {:?}", cost.time);
}

/// The peak of the command, which has to end well.
#[track_caller]
fn honest(command: Command) -> u64 {
    let cost = cost_of(command);
    assert_eq!(cost.code, Some(0), "{}", cost.error);
    cost.peak_bytes
}

fn gzip(content: &[u8]) -> Vec<u8> {
    [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255][..], &compress_to_vec(content, 6)].concat()
}

fn idx(count: u32, side: u32, length: usize) -> Vec<u8> {
    let mut content = [&[0, 0, 8, 3][..], &count.to_be_bytes(), &side.to_be_bytes(), &side.to_be_bytes()].concat();
    content.resize(16 + length, 0);
    content
}

#[test]
fn images() {
    let study = Study::empty(ModelKind::Ae);
    let raw = study.path().join("raw");
    fs::create_dir(&raw).unwrap();
    for entry in fs::read_dir(slice()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), raw.join(entry.file_name())).unwrap();
    }
    let prepare = || study.process_with(Stage::MnistData, &[("--source", "raw")]);
    let honest = honest(prepare());
    let path = raw.join("train-images-idx3-ubyte.gz");
    let bombs = [
        (gzip(&idx(1, 28, 200 << 20)), "expected 784 bytes of data after the header, found at least 785"),
        (gzip(&idx(200 << 10, 32, 200 << 20)), "found a gzip file that can hold at most"),
        (gzip(&idx(u32::MAX, u32::MAX, 9)), "multiply to more"),
        (idx(8 << 20, 32, 9), "found only 9"),
    ];
    for (content, expected) in bombs {
        fs::write(&path, &content).unwrap();
        refused_cheaply(prepare(), honest, content.len(), expected);
    }
}

#[test]
fn documents_and_models() {
    let study = Study::finished(ModelKind::Cae);
    let cluster = || study.process_with(Stage::ClusterEval, &[]);
    let cheap = honest(cluster());
    let manifest = study.dir(Stage::LatentExport).file(file::MANIFEST);
    let whole = fs::read_to_string(&manifest).unwrap();
    let begin = whole.strip_suffix("}\n").unwrap();
    let nested = format!(r#"{begin}, "more": {}"#, "[".repeat(8 << 20));
    let many = format!(r#"{begin}, "more": [{}0]}}"#, "0,".repeat(8 << 20));
    let long = format!(r#"{begin}, "more": "{}"}}"#, "x".repeat(65 << 20));
    for (content, expected) in [(nested, "values, found"), (many, "values, found"), (long, "of at most 67108864 bytes")]
    {
        fs::write(&manifest, &content).unwrap();
        refused_cheaply(cluster(), cheap, content.len(), expected);
    }
    let deep = format!(r#""parameters": {{ "deep": {}{}, "#, "[".repeat(1000), "]".repeat(1000));
    fs::write(&manifest, whole.replace(r#""parameters": {"#, &deep)).unwrap();
    refused_cheaply(cluster(), cheap, 1000, "recursion limit");
    let leaves: Vec<String> = (0..2000).map(|leaf| format!(r#""{leaf}":0"#)).collect();
    let wordy = format!(r#""parameters": {{ "{}": {{{}}}, "#, "x".repeat(4096), leaves.join(","));
    let content = whole.replace(r#""parameters": {"#, &wordy);
    fs::write(&manifest, &content).unwrap();
    refused_cheaply(cluster(), cheap, content.len(), "more than 256 parameters, or one whose name");
    fs::write(&manifest, whole).unwrap();

    let export = || study.process_with(Stage::LatentExport, &[]);
    let dear = honest(study.process_with(Stage::LatentExport, &[("--train-count", "200")]));
    let dir = study.dir(Stage::AeTrain);
    let weights = fs::read(dir.file(file::WEIGHTS)).unwrap();
    let header = [&(90_u64 << 20).to_le_bytes()[..], &vec![b' '; 90 << 20]].concat();
    replace_output(&dir, file::WEIGHTS, &header);
    refused_cheaply(export(), dear, header.len(), "its header is too long");
    replace_output(&dir, file::WEIGHTS, &weights);
    // 125 million values of half a gigabyte, in words that fit a few hundred bytes.
    edit_json(&dir.file(file::MODEL), |model| {
        let layers = model["encoder"].as_array_mut().unwrap();
        let latent = layers.iter().rposition(|layer| layer["layer"] == "dense").unwrap();
        layers.insert(latent, json!({ "layer": "dense", "units": 40_000 }));
    });
    correct_manifest(&dir, file::MODEL);
    refused_cheaply(export(), dear, 2000, "bytes of values, as model.json describes");
}

/// Few weights, and many values between layers.
#[test]
fn a_model_that_is_wide_within() {
    let study = Study::finished(ModelKind::Cae);
    let export = |count: &str| study.process_with(Stage::LatentExport, &[("--train-count", count)]);
    let dear = honest(export("200"));
    let dir = study.dir(Stage::AeTrain);
    let (path, weights) = (dir.file(file::MODEL), dir.file(file::WEIGHTS));
    edit_json(&path, |model| {
        model["encoder"] = json!([
            { "layer": "conv2d", "filters": 10_699, "kernel": 1 },
            { "layer": "conv2d", "filters": 1, "kernel": 1 },
            { "layer": "flatten" },
            { "layer": "dense", "units": 2 },
        ]);
        model["decoder"] = json!([{ "layer": "dense", "units": 784 }, { "layer": "sigmoid" }]);
    });
    let tensors: [(&str, &[usize]); 8] = [
        ("encoder.0.weight", &[10_699, 1, 1, 1]),
        ("encoder.0.bias", &[10_699]),
        ("encoder.1.weight", &[1, 10_699, 1, 1]),
        ("encoder.1.bias", &[1]),
        ("encoder.3.weight", &[2, 784]),
        ("encoder.3.bias", &[2]),
        ("decoder.0.weight", &[784, 2]),
        ("decoder.0.bias", &[784]),
    ];
    let tensors = tensors.map(|(name, shape)| {
        let values = vec![0.01; shape.iter().product()];
        NamedTensor { name: name.to_owned(), shape: shape.to_vec(), values }
    });
    write_tensors(&weights, &tensors).unwrap();
    [file::MODEL, file::WEIGHTS].into_iter().for_each(|name| correct_manifest(&dir, name));
    let cost = cost_of(export("100"));
    assert_eq!(cost.code, Some(0), "{}", cost.error);
    // What flows between layers is held within 256 MiB, and a layer has what it takes beside what it gives.
    assert!(cost.peak_bytes <= dear + 3 * (256 << 20), "{} bytes, {dear} of an honest model", cost.peak_bytes);

    edit_json(&path, |model| {
        model["encoder"] = json!([{ "layer": "max_pool2d", "size": 2 }, { "layer": "flatten" }]);
        model["latent_dim"] = 196.into();
    });
    correct_manifest(&dir, file::MODEL);
    let refine = study.process_with(Stage::AeRefine, &[]);
    let cost = cost_of(refine);
    assert_eq!(cost.code, Some(1), "{}", cost.error);
    assert!(cost.error.contains("expected an encoder with a dense layer, found none"), "{}", cost.error);
}

/// Figures that say that nothing was trained on, or judged by.
#[test]
fn no_images() {
    for name in ["train_count", "test_count"] {
        let study = Study::finished(ModelKind::Ae);
        let dir = study.dir(Stage::AeTrain);
        edit_json(&dir.file(file::METRICS), |metrics| metrics[name] = 0.into());
        correct_manifest(&dir, file::METRICS);
        for stage in [Stage::LatentExport, Stage::AeRefine] {
            refused(&study, study.command(stage), &["metrics.json", "a count from 1 up, found 0"]);
        }
    }
}

#[test]
fn latents() {
    let study = Study::finished(ModelKind::Ae);
    let cluster = || study.process_with(Stage::ClusterEval, &[("--k", "3")]);
    let honest = honest(cluster());
    edit_latents(&study, Split::Train, |columns, _| {
        const ROWS: usize = 8 << 20;
        *columns = vec![Column::new("index".into(), vec![0_u32; ROWS]), Column::new("label".into(), vec![0_u8; ROWS])];
        columns.extend(["z00", "z01"].map(|name| Column::new(name.into(), vec![0.5_f32; ROWS])));
    });
    let length = length(&study.dir(Stage::LatentExport).file(file::TRAIN_LATENTS));
    assert!(length < 1 << 20, "{length} bytes are no bomb");
    refused_cheaply(cluster(), honest, length, "it promises more values than");
}

fn length(path: &Path) -> usize {
    usize::try_from(fs::metadata(path).unwrap().len()).unwrap()
}

//! The shapes of what the stages write and say, as snapshots. Never the numbers in them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use pipeline_tests::{MODELS, Study, Tree, manifest, stages, succeeded};
use polars::io::SerReader;
use polars::io::parquet::read::ParquetReader;
use run_store::{ModelKind, Stage, file};
use serde_json::{Map, Value, json};

/// Fields that a value or `null` stands in, depending on the numbers.
const NULLABLE: &[&str] =
    &["majority_names", "one_to_one_names", "silhouette", "precision", "recall", "peak_memory_mib"];

#[test]
fn tree_of_a_study() {
    let tree = Tree::read(Study::finished(ModelKind::Cae).path());
    let paths = tree.paths().map(|path| path.display().to_string().replace('\\', "/"));
    insta::assert_snapshot!(paths.collect::<Vec<_>>().join("\n"));
}

#[test]
fn manifests() {
    let study = Study::finished(ModelKind::Cae);
    for stage in stages() {
        let document = read_json(&study.dir(stage).file(file::MANIFEST));
        let mut shape = shape(&document);
        // Parameters are worth their values: they are this test's own, and the defaults.
        shape["parameters"] = document["parameters"].clone();
        shape["inputs"] = paths_of(&document["inputs"]);
        insta::assert_json_snapshot!(format!("manifest_{stage}"), shape);
    }
}

#[test]
fn metrics() {
    let study = Study::finished(ModelKind::Cae);
    for stage in stages().filter(|stage| stage.outputs().contains(&file::METRICS)) {
        let document = read_json(&study.dir(stage).file(file::METRICS));
        insta::assert_json_snapshot!(format!("metrics_{stage}"), shape(&document));
    }
}

#[test]
fn documents_begin_with_their_version() {
    let study = Study::finished(ModelKind::Cae);
    for stage in stages() {
        let names = stage.outputs().iter().copied().chain([file::MANIFEST]);
        for name in names.filter(|name| name.ends_with(".json")) {
            let text = fs::read_to_string(study.dir(stage).file(name)).unwrap();
            assert!(text.starts_with("{\n  \"schema_version\": 1,\n"), "{stage}/{name}");
        }
    }
}

#[test]
fn models() {
    for model in MODELS {
        let study = Study::finished(*model);
        let description = fs::read_to_string(study.dir(Stage::AeTrain).file(file::MODEL)).unwrap();
        insta::assert_snapshot!(format!("model_{model}"), description);
    }
    let study = Study::finished(ModelKind::Cae);
    for (stage, name) in [(Stage::LatentClassify, "model_classifier"), (Stage::ReaderTrain, "model_reader")] {
        insta::assert_snapshot!(name, fs::read_to_string(study.dir(stage).file(file::MODEL)).unwrap());
    }
}

#[test]
fn weights() {
    for model in MODELS {
        let study = Study::finished(*model);
        insta::assert_snapshot!(format!("weights_{model}"), tensors(&study.dir(Stage::AeTrain).file(file::WEIGHTS)));
    }
    let study = Study::finished(ModelKind::Cae);
    for (stage, name) in [(Stage::LatentClassify, "weights_classifier"), (Stage::ReaderTrain, "weights_reader")] {
        insta::assert_snapshot!(name, tensors(&study.dir(stage).file(file::WEIGHTS)));
    }
}

#[test]
fn tables() {
    let study = Study::finished(ModelKind::Cae);
    let mut text = String::new();
    for stage in stages() {
        for name in stage.outputs().iter().filter(|name| name.ends_with(".parquet")) {
            text += &format!("{stage}/{name}\n{}\n", table(&study.dir(stage).file(name)));
        }
    }
    let variational = Study::finished(ModelKind::Cvae);
    let mut command = variational.command(Stage::LatentExport);
    command.arg("--with-logvar");
    succeeded(command);
    let of_variational = [(Stage::LatentExport, file::TEST_LATENTS), (Stage::AeTrain, file::HISTORY)];
    let of_variational =
        of_variational.into_iter().chain(Stage::AeTrain.outputs_of_some().iter().map(|name| (Stage::AeTrain, *name)));
    for (stage, name) in of_variational {
        text += &format!("{stage}/{name} of a variational model\n{}\n", table(&variational.dir(stage).file(name)));
    }
    // Only these values are no words of the test's own.
    for study in [study, variational] {
        let weights = manifest(&study.dir(Stage::AeTrain)).outputs[file::WEIGHTS].blake3.to_string();
        text = text.replace(&weights, "[hash of the weights]");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn summaries() {
    let study = Study::finished(ModelKind::Cae);
    for stage in stages() {
        let mut command = study.command(stage);
        command.arg("--json");
        let mut summary: Value = serde_json::from_str(&succeeded(command)).unwrap();
        // They are those of metrics.json, which has a snapshot.
        let metrics = read_json_or_null(&study.dir(stage).file(file::METRICS));
        let mut found = summary["metrics"].take();
        if let Some(metrics) = metrics.as_object() {
            found["schema_version"] = metrics["schema_version"].clone();
        }
        assert_eq!(found, metrics, "{stage}");
        let parameters = summary["parameters"].take();
        assert_eq!(parameters, read_json(&study.dir(stage).file(file::MANIFEST))["parameters"], "{stage}");
        insta::assert_json_snapshot!("summary", shape(&summary));
    }
}

#[test]
fn help() {
    let study = Study::empty(ModelKind::Ae);
    for stage in Stage::ALL {
        insta::assert_snapshot!(format!("help_{stage}"), succeeded(study.bare_command(stage, &["-h"])));
    }
    for (stage, command) in
        [(Stage::ClusterEval, "predict"), (Stage::ClusterEval, "choose"), (Stage::AeTrain, "sample")]
    {
        let help = succeeded(study.bare_command(stage, &[command, "-h"]));
        insta::assert_snapshot!(format!("help_{stage}_{command}"), help);
    }
}

#[test]
fn versions_are_the_package_s() {
    let study = Study::empty(ModelKind::Ae);
    for stage in Stage::ALL {
        let version = succeeded(study.bare_command(stage, &["--version"]));
        assert_eq!(version, format!("{stage} {}\n", env!("CARGO_PKG_VERSION")));
    }
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn read_json_or_null(path: &Path) -> Value {
    if path.exists() { read_json(path) } else { Value::Null }
}

/// Where the inputs of a manifest lie: the relation between folders is part of the contract.
fn paths_of(inputs: &Value) -> Value {
    let inputs = inputs.as_object().unwrap().iter();
    // The raw files are wherever the sources of these tests are.
    let path = |input: &Value| match input["path"].as_str().unwrap() {
        path if path.contains("mnist-slice") => "[raw file]".to_owned(),
        path => path.to_owned(),
    };
    inputs
        .map(|(name, input)| (name.clone(), json!({ "path": path(input), "blake3": "text" })))
        .collect::<Map<_, _>>()
        .into()
}

/// A document with the kind of each value in the value's place, and each list as what is common to its members.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "true or false".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
        Value::Array(members) => match members.first() {
            Some(member) => json!([shape(member)]),
            None => json!([]),
        },
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                // `precision` is also what a manifest calls its arithmetic, in a word.
                let nullable = NULLABLE.contains(&name.as_str()) && !value.is_string();
                (name.clone(), if nullable { format!("{} or null", kind(name)).into() } else { shape(value) })
            });
            fields.collect::<Map<_, _>>().into()
        }
    }
}

/// What stands in a field of [`NULLABLE`] where it is not `null`.
fn kind(name: &str) -> &'static str {
    match name {
        "majority_names" | "one_to_one_names" => "list of number",
        "silhouette" => "mean and sample_size",
        _ => "number",
    }
}

/// Names, types and shapes of the tensors of a safetensors file, whose header is JSON behind its length.
fn tensors(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    let (length, rest) = bytes.split_first_chunk::<8>().unwrap();
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap();
    let header: BTreeMap<String, Value> = serde_json::from_slice(&rest[..length]).unwrap();
    let lines = header
        .iter()
        .map(|(name, tensor)| format!("{name}  {} {}", tensor["dtype"].as_str().unwrap_or("?"), tensor["shape"]));
    lines.collect::<Vec<_>>().join("\n")
}

/// Columns and metadata of a Parquet file.
fn table(path: &Path) -> String {
    let mut reader = ParquetReader::new(File::open(path).unwrap());
    let pairs = reader.get_metadata().unwrap().key_value_metadata().iter().flatten();
    // The schema of Arrow is the writer's own note.
    let mut metadata: Vec<String> = pairs
        .filter(|pair| !pair.key.starts_with("ARROW"))
        .map(|pair| format!("    {} = {}", pair.key, pair.value.as_deref().unwrap_or("none")))
        .collect();
    metadata.sort();
    let frame = reader.finish().unwrap();
    let columns = frame.columns().iter().map(|column| format!("  {}: {}", column.name(), column.dtype()));
    columns.chain(metadata).collect::<Vec<_>>().join("\n") + "\n"
}

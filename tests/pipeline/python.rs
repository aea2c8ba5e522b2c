//! The examples of README that read artifacts from Python, run as they stand there.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use pipeline_tests::{Study, workspace_root};
use run_store::{
    ClusterMetrics, Latents, ModelDescription, ModelKind, Split, Stage, TrainMetrics, file, read_document,
};

/// The blocks of README that are in Python.
fn examples() -> Vec<String> {
    let readme = fs::read_to_string(workspace_root().join("README.md")).unwrap();
    let blocks = readme.split("\n```python\n").skip(1);
    blocks.map(|block| block.split_once("\n```").unwrap().0.to_owned()).collect()
}

/// Runs `example` in the study's folder and returns what it prints.
fn printed(study: &Study, example: &str) -> String {
    let packages = workspace_root().join(".python");
    let is_there = packages.join("polars").is_dir();
    assert!(is_there, "expected Python packages in {}, found none; run scripts/set-up/python", packages.display());
    let output = Command::new("python3")
        .current_dir(study.path())
        .env("PYTHONPATH", &packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["-c", example])
        .output()
        .expect("python3 is on the path, as the set-up needs it");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.is_empty(), "{example}\nfailed with\n{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Fails if what an example printed is not what the study holds.
type Check = fn(&Study, &str);

#[test]
fn examples_print_what_the_stages_measured() {
    let study = Study::prepared(ModelKind::Cae).with_latent_dim(32);
    study.run_stages(&[Stage::AeTrain, Stage::LatentExport, Stage::ClusterEval]);
    assert!(study.run().path().ends_with("artifacts/cae-32"), "the examples are about cae-32");
    let checks: [(&str, Check); 4] =
        [("pandas", clusters), ("duckdb", shares), ("polars", means), ("safetensors", weights)];
    let examples = examples();
    assert_eq!(examples.len(), checks.len(), "each example has its check");
    for (package, check) in checks {
        let is_meant = |example: &&String| {
            let imports = |line: &str| line.starts_with("import ") || line.starts_with("from ");
            example.lines().any(|line| imports(line) && line.contains(package))
        };
        let example = examples.iter().find(is_meant).unwrap_or_else(|| panic!("no example imports {package}"));
        check(&study, &printed(&study, example));
    }
}

/// The numbers of `line`, whatever stands between them.
fn numbers(line: &str) -> Vec<f64> {
    let words = line.split(|character: char| !character.is_ascii_digit() && !"-.".contains(character));
    words.filter_map(|word| word.parse().ok()).collect()
}

fn cluster_metrics(study: &Study) -> ClusterMetrics {
    read_document(&study.dir(Stage::ClusterEval).file(file::METRICS)).unwrap()
}

/// pandas prints clusters × digits, and the share of images whose cluster bears their digit.
fn clusters(study: &Study, printed: &str) {
    let train = &cluster_metrics(study).splits["train"];
    let (table, share) = printed.trim_end().rsplit_once('\n').unwrap();
    // Under two lines of names; a row begins with its cluster.
    let rows: Vec<Vec<f64>> = table.lines().skip(2).map(|line| numbers(line).split_off(1)).collect();
    let expected: Vec<Vec<f64>> =
        train.cluster_by_class.iter().map(|row| row.iter().map(|count| *count as f64).collect()).collect();
    assert_eq!(rows, expected, "{table}");
    assert_eq!(share, format!("named right: {:.4}", train.majority_accuracy));
}

/// DuckDB prints for each digit how many of its test images are in a cluster of that name.
fn shares(study: &Study, printed: &str) {
    let test = &cluster_metrics(study).splits["test"];
    let (mut right, mut images) = (0.0, 0.0);
    for (digit, line) in printed.lines().enumerate() {
        let rest = line.strip_prefix("cae-32: ").unwrap();
        let [of_digit, name, named_right] = numbers(rest)[..] else { panic!("{line}") };
        assert_eq!(name, digit as f64, "{line}");
        (right, images) = (right + named_right, images + of_digit);
    }
    assert_eq!(images, test.count as f64);
    assert_eq!(right / images, test.majority_accuracy, "{printed}");
}

/// polars prints the mean of the first two latent dimensions for each digit, over both splits.
fn means(study: &Study, printed: &str) {
    let mut sums: BTreeMap<u8, [f64; 3]> = BTreeMap::new();
    for split in Split::ALL {
        let latents = Latents::read(&study.dir(Stage::LatentExport).file(split.latents_file())).unwrap();
        for (label, latent) in latents.labels.iter().zip(latents.values.chunks(latents.dimensions)) {
            let sums = sums.entry(*label).or_default();
            for (sum, value) in sums.iter_mut().zip([1.0, latent[0].into(), latent[1].into()]) {
                *sum += value;
            }
        }
    }
    let rows = printed.lines().filter_map(|line| line.strip_prefix("│ "));
    let rows = rows.filter(|row| row.starts_with(|first: char| first.is_ascii_digit()));
    let rows: Vec<Vec<f64>> = rows.map(numbers).collect();
    assert_eq!(rows.len(), sums.len(), "{printed}");
    for (row, (label, [count, first, second])) in rows.iter().zip(&sums) {
        for (found, expected) in row.iter().zip([f64::from(*label), first / count, second / count]) {
            assert!((found - expected).abs() < 1e-4 * expected.abs().max(1.0), "{label}: {found} and {expected}");
        }
    }
}

/// safetensors prints the shape of each array with its layer, and how many parameters were trained.
fn weights(study: &Study, printed: &str) {
    let trained = study.dir(Stage::AeTrain);
    let metrics: TrainMetrics = read_document(&trained.file(file::METRICS)).unwrap();
    let model: ModelDescription = read_document(&trained.file(file::MODEL)).unwrap();
    let (arrays, count) = printed.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(count, format!("{} parameters", metrics.parameter_count));
    assert!(arrays.contains("encoder.0.weight (32, 1, 3, 3) conv2d"), "{arrays}");
    assert!(arrays.contains(&format!("encoder.{}.bias (32,) dense", model.encoder.len() - 2)), "{arrays}");
}

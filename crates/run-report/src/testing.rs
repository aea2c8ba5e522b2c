//! Runs on disk, made through run-store as the stages make them.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use crate::collect::stages;
use run_store::{
    ClassifyMetrics, ClassifySplitMetrics, ClusterMetrics, ClusterSplitMetrics, Dataset, Decision, Document, ElboEpoch,
    ElboParts, Environment, FinishedStage, Manifest, ModelKind, Plan, ReadableCounts, Reason, ReconstructionEpoch,
    ReconstructionMetrics, RunDir, Stage, TrainMetrics, file, input, write_dataset, write_document,
};
use serde::Serialize;
use serde_json::{Value, json};

#[path = "contents_tests.rs"]
mod contents;

/// `text` with each content's short hash as `content-0001`, numbered as they come: what files hold is another test's.
pub(crate) fn without_hashes(text: &str) -> String {
    let is_hash = |word: &&str| word.len() == 12 && word.chars().all(|digit| "0123456789abcdef".contains(digit));
    let mut known: Vec<&str> = Vec::new();
    for word in text.split(|character: char| !character.is_ascii_alphanumeric()).filter(is_hash) {
        if !known.contains(&word) {
            known.push(word);
        }
    }
    let numbered = known.iter().zip(1..);
    numbered.fold(text.to_owned(), |text, (hash, number)| text.replace(hash, &format!("content-{number:04}")))
}

/// How many of `count` a share is.
fn parts_of(count: u64, share: f64) -> u64 {
    (share * count as f64).round() as u64
}

/// The share that `part` of `parts` has of `count`, nearly the same for each.
fn shared_out(count: u64, parts: u64, part: u64) -> u64 {
    count / parts + u64::from(part < count % parts)
}

/// Ten counts: `right` at `class`, and `wrong` shared out among the others.
fn row(class: u64, right: u64, wrong: u64) -> Vec<u64> {
    let other = |digit: u64| shared_out(wrong, 9, (digit + 9 - class) % 10);
    (0..10).map(|digit| if digit == class { right } else { other(digit) }).collect()
}

/// A run to be made; its figures are the seed's, so that they can be told apart.
pub(crate) struct Example {
    pub dir: RunDir,
    pub model: ModelKind,
    pub latent_dim: u32,
    pub seed: u64,
    pub epochs: u32,
    pub dataset: &'static str,
}

impl Example {
    pub fn new(folder: &Path, name: &str, model: ModelKind, latent_dim: u32) -> Self {
        Self { dir: RunDir::new(folder.join(name)), model, latent_dim, seed: 0, epochs: 25, dataset: "mnist" }
    }

    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    pub fn epochs(self, epochs: u32) -> Self {
        Self { epochs, ..self }
    }

    pub fn dataset(self, dataset: &'static str) -> Self {
        Self { dataset, ..self }
    }

    /// Every stage, with figures near Keras' for a CAE of 32.
    pub fn all(self) -> Self {
        let step = self.seed as f64 * 0.01;
        self.train().export().cluster(None, 10, 0.528 + step).classify(None, 25, 0.924 + step).judge()
    }

    pub fn train(self) -> Self {
        let parameters = json!({
            "model": self.model, "latent_dim": self.latent_dim, "epochs": self.epochs, "batch_size": 256,
            "learning_rate": 0.001, "optimizer": "nadam", "loss": if self.model.is_variational() { "elbo" } else { "bce" }, "shuffle": false, "train_count": 20_000,
            "test_count": 4_000, "seed": self.seed, "keep_epochs": [0, 1, 5, 10, 15, 20],
        });
        let parts = ElboParts { reconstruction_nats: 150.0, kl_nats: 6.5 };
        let metrics = TrainMetrics {
            elbo: self.model.is_variational().then_some(ElboEpoch { train: parts, test: parts }),
            dataset: self.dataset.to_owned(),
            train_count: 20_000,
            test_count: 4_000,
            epochs: self.epochs,
            parameter_count: 300_000,
            train_loss: 0.1541 + self.seed as f64 * 1e-4,
            test_loss: 0.1676,
            test_mean_squared_error: 0.0268,
        };
        self.stage(Stage::AeTrain, None, &parameters, &[], Some(&metrics))
    }

    pub fn export(self) -> Self {
        let weights = (input::WEIGHTS, Stage::AeTrain, file::WEIGHTS);
        let parameters = json!({ "run": self.dir.name(), "train_count": 20_000, "test_count": 4_000 });
        self.stage(Stage::LatentExport, None, &parameters, &[weights], None::<&TrainMetrics>)
    }

    /// With two epochs, of which the untrained one can hardly be read.
    pub fn judge(self) -> Self {
        let epoch = |epoch, sheet_readable, readable_share| ReconstructionEpoch {
            epoch,
            readable: ReadableCounts { sheet_readable, readable_share },
            mean_squared_error: 0.0268,
            binary_cross_entropy: 0.1676,
            peak_signal_to_noise_ratio_db: Some(17.25),
            structural_similarity: Some(0.81),
        };
        let metrics = ReconstructionMetrics {
            image_count: 4_000,
            sheet_count: 16,
            readable_probability: 0.5,
            reader_test_accuracy: 0.992,
            originals: ReadableCounts { sheet_readable: 16, readable_share: 0.993 },
            epochs: vec![epoch(0, 1, 0.1), epoch(self.epochs, 14 + self.seed as u32 % 3, 0.9)],
        };
        let weights = (file::WEIGHTS_BY_EPOCH, Stage::AeTrain, file::WEIGHTS_BY_EPOCH);
        self.stage(Stage::ReconEval, None, &json!({ "readable_probability": 0.5 }), &[weights], Some(&metrics))
    }

    /// With as many images named right as `accuracy` says, and three in a hundred of all fewer by one-to-one names.
    pub fn cluster(self, tag: Option<&str>, cluster_count: u32, accuracy: f64) -> Self {
        let clusters = u64::from(cluster_count);
        // One cluster at least has no one-to-one name.
        let named = (clusters - 1).min(10);
        let (count, unnamed) = (20_000, 600);
        let right = parts_of(count, accuracy);
        let row = |cluster: u64| {
            let right = match cluster < named {
                true => shared_out(right - unnamed, named, cluster),
                false => shared_out(unnamed, clusters - named, cluster - named),
            };
            row(cluster % 10, right, shared_out(count - parts_of(count, accuracy), clusters, cluster))
        };
        let split = ClusterSplitMetrics {
            count,
            majority_accuracy: accuracy,
            one_to_one_accuracy: accuracy - 0.03,
            normalized_mutual_information: accuracy - 0.1,
            adjusted_rand_index: 0.3,
            inertia: 1e5,
            silhouette: None,
            cluster_by_class: (0..clusters).map(row).collect(),
        };
        let metrics = ClusterMetrics {
            cluster_count,
            majority_names: (0..clusters).map(|cluster| Some((cluster % 10) as u8)).collect(),
            one_to_one_names: (0..clusters).map(|cluster| (cluster < named).then_some(cluster as u8)).collect(),
            splits: BTreeMap::from([("train".to_owned(), split)]),
        };
        let parameters =
            json!({ "k": cluster_count, "restarts": 10, "iterations": 300, "tolerance": 1e-4, "seed": self.seed });
        let latents = (file::TRAIN_LATENTS, Stage::LatentExport, file::TRAIN_LATENTS);
        self.stage(Stage::ClusterEval, tag, &parameters, &[latents], Some(&metrics))
    }

    pub fn classify(self, tag: Option<&str>, epochs: u32, accuracy: f64) -> Self {
        let count = 4_000;
        let split = |accuracy| {
            let right = parts_of(count, accuracy);
            let confused = |class| row(class, shared_out(right, 10, class), shared_out(count - right, 10, class));
            let confusion = (0..10).map(confused).collect();
            ClassifySplitMetrics { count, loss: 0.3, accuracy, confusion, classes: Vec::new() }
        };
        let splits =
            BTreeMap::from([("train".to_owned(), split(accuracy + 0.02)), ("test".to_owned(), split(accuracy))]);
        let metrics = ClassifyMetrics { epochs, splits };
        let latents = (file::TRAIN_LATENTS, Stage::LatentExport, file::TRAIN_LATENTS);
        let parameters = json!({
            "epochs": epochs, "batch_size": 256, "learning_rate": 0.001, "optimizer": "adam", "shuffle": false,
            "seed": self.seed,
        });
        self.stage(Stage::LatentClassify, tag, &parameters, &[latents], Some(&metrics))
    }

    /// Lets the latents be of `dataset`, which is prepared beside the run.
    pub fn of_dataset(self, dataset: &Dataset<'_>) -> Self {
        let dir = RunDir::new(self.dir.path().with_file_name(dataset.name)).stage(Stage::MnistData, None);
        let work = Plan::new(dir.clone(), &json!({})).unwrap().begin(Reason::Forced).unwrap();
        write_dataset(&work.file(file::DATASET).unwrap(), dataset).unwrap();
        let environment =
            Environment { threads: 2, device: "cpu".to_owned(), precision: "u8".to_owned(), libtorch: None };
        let outputs = work.commit(environment).unwrap().outputs;
        let path = format!("../{}/{}/{}", dataset.name, dir.name(), file::DATASET);
        let input = json!({ "path": path, "blake3": outputs[file::DATASET].blake3 });
        self.edit_json(Stage::LatentExport, |manifest| manifest["inputs"]["dataset"] = input)
    }

    fn stage(
        self,
        stage: Stage,
        tag: Option<&str>,
        parameters: &impl Serialize,
        inputs: &[(&str, Stage, &str)],
        metrics: Option<&impl Document>,
    ) -> Self {
        let dir = self.dir.stage(stage, tag);
        let mut plan = Plan::new(dir.clone(), parameters).unwrap();
        for (name, producer, file) in inputs {
            let producer = FinishedStage::open(self.dir.stage(*producer, None)).unwrap();
            plan = plan.input(name, &producer.file(file).unwrap());
        }
        let Decision::Run(reason) = plan.decide(true).unwrap() else { unreachable!() };
        let fingerprint = plan.fingerprint();
        let work = plan.begin(reason).unwrap();
        let some: &[&str] = if self.model.is_variational() { stage.outputs_of_some() } else { &[] };
        // As a training does, which has a plane of two latent dimensions only.
        let is_left_out = |name: &&str| *name == file::PRIOR_GRID && self.latent_dim != 2;
        for name in stage.outputs().iter().chain(some).filter(|name| !is_left_out(name)) {
            if !contents::write(&self, stage, name, &work.file(name).unwrap()) {
                std::fs::write(work.file(name).unwrap(), format!("{name} of {fingerprint:?}")).unwrap();
            }
        }
        if let Some(metrics) = metrics {
            write_document(&work.file(file::METRICS).unwrap(), metrics).unwrap();
        }
        let device = "cpu".to_owned();
        work.commit(Environment { threads: 2, device, precision: "f32".to_owned(), libtorch: None }).unwrap();
        // What a clock or the system measured would make no two tables equal.
        self.edit_manifest(stage, tag, |manifest| {
            // Datasets come first, as they would.
            let position = 2 + stages().position(|other| other == stage).unwrap_or_default();
            manifest.seconds = 10.0 + position as f64;
            manifest.peak_memory_mib = Some(512.0);
            manifest.started = format!("2026-11-23T12:{:02}:00Z", 5 * position);
        })
    }

    fn edit_manifest(self, stage: Stage, tag: Option<&str>, edit: impl FnOnce(&mut Manifest)) -> Self {
        let path = self.dir.stage(stage, tag).file(file::MANIFEST);
        let mut manifest: Manifest = run_store::read_document(&path).unwrap();
        edit(&mut manifest);
        write_document(&path, &manifest).unwrap();
        self
    }

    /// Makes the manifest of `stage` one of the future.
    pub fn newer_manifest(self, stage: Stage) -> Self {
        self.edit_json(stage, |manifest| manifest["schema_version"] = json!(99))
    }

    /// Makes the manifest of `stage` one of the past.
    pub fn older_manifest(self, stage: Stage) -> Self {
        self.edit_json(stage, |manifest| {
            manifest["schema_version"] = json!(0);
            manifest["format_version"] = json!(1);
        })
    }

    /// Changes a parameter in the manifest of `stage`, and nothing else there.
    pub fn parameter(self, stage: Stage, name: &str, value: Value) -> Self {
        self.edit_json(stage, |manifest| manifest["parameters"][name] = value)
    }

    /// Lets the manifest of `stage` say that it read `content` under `name`.
    pub fn input(self, stage: Stage, name: &str, content: &str) -> Self {
        let input = json!({ "path": "../elsewhere", "blake3": run_store::hash_bytes(content.as_bytes()) });
        self.edit_json(stage, |manifest| manifest["inputs"][name] = input)
    }

    fn edit_json(self, stage: Stage, edit: impl FnOnce(&mut Value)) -> Self {
        let path = self.dir.stage(stage, None).file(file::MANIFEST);
        let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        edit(&mut manifest);
        std::fs::write(&path, manifest.to_string()).unwrap();
        self
    }
}

//! The names of the files in stage folders.

/// What the folder holds and how it was made; written last.
pub const MANIFEST: &str = "manifest.json";
/// The prepared dataset.
pub const DATASET: &str = "dataset.bin";
/// The architecture that the weights belong to.
pub const MODEL: &str = "model.json";
/// Trained parameters and running statistics.
pub const WEIGHTS: &str = "weights.safetensors";
/// The folder of what a training needs in order to go on.
pub const CHECKPOINT: &str = "checkpoint";
/// The model's values after the epochs that are kept, the last among them.
pub const WEIGHTS_BY_EPOCH: &str = "weights_by_epoch.safetensors";
/// Digits drawn from a variational model's prior.
pub const PRIOR_SAMPLES: &str = "prior_samples.parquet";
/// A variational model's latent plane, decoded at the prior's quantiles.
pub const PRIOR_GRID: &str = "prior_grid.parquet";
/// What a checkpoint says of itself.
pub const CHECKPOINT_STATE: &str = "checkpoint.json";
/// Heads that a refinement leaves behind, in its checkpoints.
pub const HEADS: &str = "heads.safetensors";
/// The memory of their optimizer.
pub const HEADS_OPTIMIZER: &str = "heads_optimizer.safetensors";
/// The values of model and heads that the best of several starts left, while there are more to come, likewise.
pub const BEST_START: &str = "best_start.safetensors";
/// The student of a refinement with what it is taught, likewise.
pub const STUDENT: &str = "student.safetensors";
/// The memory of its optimizer.
pub const STUDENT_OPTIMIZER: &str = "student_optimizer.safetensors";
/// An optimizer's memory.
pub const OPTIMIZER: &str = "optimizer.safetensors";
/// One row for each epoch.
pub const HISTORY: &str = "history.parquet";
/// The first test images as the model redraws them, by epoch.
pub const RECONSTRUCTIONS: &str = "reconstructions.parquet";
/// The stage's figures.
pub const METRICS: &str = "metrics.json";
/// How well latents fall into each number of clusters, beside the stages' folders.
pub const CLUSTER_COUNTS: &str = "cluster-counts.json";
/// A fitted K-means model.
pub const KMEANS: &str = "kmeans.bin";
/// The cluster of each image.
pub const ASSIGNMENTS: &str = "assignments.parquet";
/// What a reader sees in each image.
pub const READINGS: &str = "readings.parquet";
/// Latents of the training split.
pub const TRAIN_LATENTS: &str = "train.parquet";
/// Latents of the test split.
pub const TEST_LATENTS: &str = "test.parquet";

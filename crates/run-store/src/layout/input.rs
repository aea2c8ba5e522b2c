//! What manifests call the inputs that stages share, or that others look for.

/// The architecture of the model that a stage works with.
pub const MODEL: &str = "model";
/// Its weights.
pub const WEIGHTS: &str = "weights";
/// The prepared dataset.
pub const DATASET: &str = "dataset";
/// The architecture of the reader that judges.
pub const READER_MODEL: &str = "reader_model";
/// Its weights.
pub const READER_WEIGHTS: &str = "reader_weights";
/// Its figures.
pub const READER_METRICS: &str = "reader_metrics";
/// The figures of the training that a run has its model from.
pub const TRAINING_METRICS: &str = "training_metrics";

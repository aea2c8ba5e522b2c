//! What manifests call the inputs that others look for in them.

/// The weights of the model that a stage works with.
pub const WEIGHTS: &str = "weights";
/// The prepared dataset.
pub const DATASET: &str = "dataset";
/// The weights of the reader that judges.
pub const READER_WEIGHTS: &str = "reader_weights";

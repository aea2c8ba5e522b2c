//! What manifests call the inputs that others look for in them.

/// The weights of the model that a stage works with.
pub const WEIGHTS: &str = "weights";

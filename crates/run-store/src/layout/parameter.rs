//! What manifests call parameters that another stage looks for.

/// The kind of a model.
pub const MODEL: &str = "model";
/// Values in a latent vector.
pub const LATENT_DIM: &str = "latent_dim";
/// The seed.
pub const SEED: &str = "seed";
/// The loss that a training lowers.
pub const LOSS: &str = "loss";
/// What a refinement lowers, and for how long.
pub const RECIPE: &str = "recipe";
/// Position of the first training image that a reader learns from.
pub const FIRST: &str = "first";

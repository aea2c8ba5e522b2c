//! The stage cluster-eval: latents → a K-means model, the cluster of every image, and how well clusters find the labels.
//!
//! K-means never sees a label: labels name and score its clusters afterwards, and only there. Names are learnt on the
//! training split and applied to both splits.

mod advice;
mod choose;
mod predict;
pub mod scores;
mod source;
mod stage;

pub use choose::{Choice, choose};
pub use predict::{Prediction, predict};
pub use stage::{Config, Parameters, run};

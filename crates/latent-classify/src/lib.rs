//! The stage latent-classify: latents → the report's classifier, its history, and how well it reads the labels.
//!
//! The encoder stays as it was: this stage sees latents only, never an image.

mod config;
mod scores;
mod stage;
mod train;

pub use config::{Config, Protocol};
pub use stage::run;

//! The stage ae-refine: a trained autoencoder → one whose latents fall into clusters, found without a label.
//!
//! It is one loop over small interchangeable [`Objective`]s, chained in a [`Recipe`]. What it leaves is of the same kind as what
//! ae-train leaves, so every later stage works on it unchanged. It never looks at a label to learn; the labels of the first test
//! images are written beside their reconstructions, as ae-train does.

mod aims;
mod config;
mod names;
mod objective;
mod recipe;
mod refinement;
mod stage;
mod starts;
mod state;
mod step;
mod student;

pub use config::{Config, Origin, Protocol};
pub use objective::Objective;
pub use recipe::{Phase, Recipe};
pub use stage::run;

//! The stage ae-train: a prepared dataset → a trained autoencoder, its history, weights and reconstructions by epoch, and
//! digits from the prior where there is one.
//!
//! It never looks at a label to learn; the labels of the first test images are written beside their reconstructions so
//! that a reader knows what they should show.

mod config;
mod objective;
mod prior;
mod stage;
mod state;
mod train;

pub use config::{Config, Protocol};
pub use objective::ContrastProtocol;
pub use prior::{Sampling, sample};
pub use stage::run;

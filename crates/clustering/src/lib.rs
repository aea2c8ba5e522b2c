//! Clustering of points, whatever they are: K-means on linfa's traits, at several times its speed, and what several clusterings of
//! the same points agree on.
//!
//! No label, no file, no score: who clusters latents, and what for, is a stage's business.

mod assignment;
mod consensus;
mod kmeans;

pub use assignment::minimum_cost_assignment;
pub use consensus::{Consensus, consensus};
pub use kmeans::{Assigned, FitOptions, FittedKMeans, KMeansError, Look, Points, assign, distinct, fit, fit_pieces};

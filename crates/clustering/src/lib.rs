//! Clustering of points, whatever they are: K-means on linfa's traits, at several times its speed.
//!
//! No label, no file, no score: who clusters latents, and what for, is a stage's business.

mod kmeans;

pub use kmeans::{Assigned, FitOptions, FittedKMeans, KMeansError, Look, Points, assign, fit, fit_pieces};

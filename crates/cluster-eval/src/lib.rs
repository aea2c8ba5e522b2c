//! Clustering.

pub mod scores;

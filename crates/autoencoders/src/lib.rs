//! The models: what layers they have, how they begin, how they encode and decode, and how their weights travel.
//!
//! - [`describe`], [`describe_classifier`] and [`describe_reader`] spell the architectures as data, the same data that stands in `model.json`;
//! - [`Parameters`] holds all values of a model in one flat tensor, with a view for each layer;
//! - [`Network`] runs a list of layers, in a [`Precision`]; [`Autoencoder`] and [`Classifier`] are networks with their parameters;
//! - [`read_weights`] and [`write_weights`] are safetensors in and out, checked against the architecture first;
//!   [`read_tensors`] and [`write_tensors`] are the same for tensors of other kinds, such as an optimizer's;
//! - [`ClusterHeads`] and a [`ClusterStudent`] are what an encoder is refined for clustering with, and are left behind afterwards;
//! - [`WeightsByEpoch`] holds a model's values as they were along its training.
//!
//! No optimizer, no loss, no dataset, no command line: whatever needs those is in `training` or in a stage.

mod architecture;
mod autoencoder;
mod classifier;
mod cluster_heads;
mod cluster_student;
mod convolution;
mod dense;
mod dropout;
mod error;
mod network;
mod operation;
mod parameters;
mod precision;
mod weights;
mod weights_by_epoch;

pub use architecture::{Departures, describe, describe_classifier, describe_departing, describe_reader};
pub use autoencoder::{Autoencoder, Encoding};
pub use classifier::Classifier;
pub use cluster_heads::{ClusterHeads, HeadsShape};
pub use cluster_student::ClusterStudent;
pub use error::{ModelError, Result};
pub use network::{MOST_AT_ONCE, Mode, Network, Shape};
pub use parameters::{ParameterInfo, Parameters};
pub use precision::Precision;
pub use weights::{Weights, read_tensors, read_weights, write_tensors, write_weights};
pub use weights_by_epoch::WeightsByEpoch;

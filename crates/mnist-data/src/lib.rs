//! The stage mnist-data: four IDX files → one prepared dataset.
//!
//! It reads images of any size and any number of labels, raw or compressed, and checks that they agree. It neither
//! scales nor shuffles nor chooses: every later stage sees the images in the order of the source.

mod idx;
mod stage;

pub use idx::{IdxError, Images, read_images, read_labels};
pub use stage::{Config, run};

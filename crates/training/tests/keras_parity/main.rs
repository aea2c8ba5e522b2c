//! Holds models, losses and optimizers to what Keras makes of the same values and digits.
//!
//! `scripts/parity/keras_models.py` records Keras' figures in `tests/data/keras_parity.safetensors` and says what is
//! in there; `formula` gives both sides the same values. Run with `--nocapture` to see how far the two are from each
//! other.

#![allow(clippy::unwrap_used)]

mod classification;
mod comparison;
mod formula;
mod initialisation;
mod reconstruction;
mod recorded;
mod subject;

//! Cross-stage tests: the real binaries, in order, on real files.
//!
//! One binary with a module for each topic, so that the stages are built once and a finished study is shared.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod architecture;
mod bad_input;
mod browser;
mod chain;
mod degenerate;
mod dependencies;
mod determinism;
mod device;
mod figures;
mod hostile;
mod interruption;
mod mini_batch;
mod not_finite;
mod page;
mod precision;
mod presets;
mod projector;
mod python;
mod refine;
mod reruns;
mod resume;
mod schemas;
mod script;
mod set_up;
mod tuned;
mod usage;
mod variational;

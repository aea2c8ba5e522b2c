//! What the cross-stage tests share: the built binaries, small studies for them to work on, ways to look at what they
//! leave and to damage it, and a browser for the pages among it.
//!
//! The tests themselves are in `tests/pipeline`, one binary with a module for each topic.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod binaries;
mod browser;
#[cfg(unix)]
mod cost;
mod files;
mod outcome;
mod study;
mod tamper;

pub use binaries::{stage, workspace_root};
pub use browser::Browser;
#[cfg(unix)]
pub use cost::{Cost, cost_of, memory_kib};
pub use files::{FileStates, Tree, leftovers, names};
pub use outcome::{error_text, refused, said, succeeded};
pub use study::{MODELS, Study, slice, stages};
pub use tamper::{correct_manifest, edit_json, edit_latents, edit_manifest, manifest, replace_output, truncate};

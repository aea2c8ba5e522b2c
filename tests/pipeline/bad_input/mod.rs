//! Bad input: exit code 1, a message that names the file and what was expected, and earlier results as they were.

mod destinations;
mod idx;
mod latents;
mod manifests;
mod models;
mod readers;
mod requests;

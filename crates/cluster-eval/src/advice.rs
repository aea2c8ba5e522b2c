//! What to do where latents cannot be clustered.

use anyhow::{Error, anyhow};
use clustering::KMeansError;

/// `error`, with what to do about it if it is one of K-means; `count` is the option that says how many clusters.
pub(crate) fn advised(error: Error, count: &str) -> Error {
    match error.downcast_ref() {
        Some(KMeansError::TooFewPoints { .. }) => anyhow!("{error}; use a lower {count}, or images that differ"),
        Some(KMeansError::OutOfRange { .. }) => anyhow!(
            "{error}; the model has diverged or the file is damaged: train it again with a lower --learning-rate, or export again with \
             --force"
        ),
        Some(KMeansError::Fit(_)) | None => error,
    }
}

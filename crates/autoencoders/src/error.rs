//! What can be wrong with a model or its weights.

use std::path::PathBuf;

use run_store::StoreError;

/// The result of everything in this crate.
pub type Result<T, E = ModelError> = std::result::Result<T, E>;

/// A model that cannot be built, or weights that do not belong to it.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The description contradicts itself or asks for something that does not exist.
    #[error("{0}")]
    Architecture(String),
    /// The file of weights cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The weights are of another model.
    #[error("{}: {problem}; {advice}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        problem: String,
        /// What to do.
        advice: &'static str,
    },
}

/// What to do where a description of a trained model cannot be built.
pub(crate) const OF_FILE: &str = "the description is damaged; train again with --force";
/// What to do where a model cannot be begun for some images.
pub(crate) const OF_IMAGES: &str = "prepare images of another size, or begin another model";

impl ModelError {
    /// With `advice`, if it is of a description.
    pub(crate) fn advised(self, advice: &str) -> Self {
        match self {
            Self::Architecture(problem) => Self::Architecture(format!("{problem}; {advice}")),
            other => other,
        }
    }
}

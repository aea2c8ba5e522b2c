//! Points of many dimensions in two, to be looked at: by principal components, exactly, and by t-SNE.

mod pca;
mod tsne;

pub(crate) use pca::principal_components;
pub(crate) use tsne::{PERPLEXITY, tsne};

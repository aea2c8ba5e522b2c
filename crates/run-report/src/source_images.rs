//! The images that latents are of, in the prepared dataset.

use std::path::Path;

use run_store::{Dataset, FinishedStage, Split, StoreError, VerifiedFile, file};

/// The file of the dataset that the latents of `exported` are of.
///
/// # Errors
/// It is not where it was, or was prepared anew from something else since.
pub(crate) fn dataset_of(exported: &FinishedStage) -> Result<VerifiedFile, StoreError> {
    exported.dataset(None)?.file(file::DATASET)
}

/// The pixels of an image of `dataset`, read from `path`: that of a `label` at `index` of `split`.
///
/// # Errors
/// There is no such image.
pub(crate) fn image<'a>(
    dataset: &Dataset<'a>,
    path: &Path,
    (split, index, label): (Split, u32, u8),
) -> Result<&'a [u8], StoreError> {
    let position = index as usize;
    let image = dataset.split(split).range(position..position + 1);
    if image.labels == [label] {
        return Ok(image.pixels);
    }
    let problem = format!("expected a {label} as {split} image {index}, as the latents say, found none");
    Err(StoreError::invalid(path, problem, "run latent-export with --force"))
}

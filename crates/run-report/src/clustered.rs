//! The cluster of each image beside its latent.

use std::path::Path;

use run_store::{Assignments, Latents, Split, StoreError};

/// The rows of `assignments`, read from `path`, that are of `split`: one for each of `latents`, in their order.
///
/// # Errors
/// They are of other images.
pub(crate) fn rows_of(
    assignments: &Assignments,
    path: &Path,
    split: Split,
    latents: &Latents,
) -> Result<Vec<usize>, StoreError> {
    let splits = assignments.splits.iter().enumerate();
    let rows: Vec<usize> = splits.filter(|(_, name)| *name == split.name()).map(|(row, _)| row).collect();
    let found = rows.iter().map(|row| (assignments.indices[*row], assignments.labels[*row]));
    if found.eq(latents.indices.iter().copied().zip(latents.labels.iter().copied())) {
        return Ok(rows);
    }
    let problem = format!(
        "expected the cluster of each of the {} {split} images that there are latents of, in their order, found other images",
        latents.labels.len()
    );
    Err(StoreError::invalid(path, problem, "rerun cluster-eval with --force"))
}

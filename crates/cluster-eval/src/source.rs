//! Latents as clustering goes through them: held in memory, or read from their file at every pass.

use clustering::{Look, Points, assign};
use ndarray::ArrayView2;
use run_store::{Assignments, Clustered, Latents, LatentsFile, LatentsHeader};

/// Latents of one split.
pub(crate) enum Source {
    /// All in memory.
    Held(Latents),
    /// A piece of the file in memory at a time.
    Streamed(LatentsFile),
}

impl Source {
    /// The latents of `file`: streamed, or held.
    ///
    /// # Errors
    /// They are to be held, and the file holds something else.
    pub(crate) fn new(file: LatentsFile, is_streamed: bool) -> run_store::Result<Self> {
        if is_streamed { Ok(Self::Streamed(file)) } else { file.whole().map(Self::Held) }
    }

    pub(crate) fn header(&self) -> &LatentsHeader {
        match self {
            Self::Held(latents) => &latents.header,
            Self::Streamed(file) => file.header(),
        }
    }

    /// Images.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Held(latents) => latents.labels.len(),
            Self::Streamed(file) => file.count(),
        }
    }

    /// Shows `look` all latents in their order, a piece at a time.
    pub(crate) fn for_each(&self, look: &mut dyn FnMut(&Latents) -> anyhow::Result<()>) -> anyhow::Result<()> {
        match self {
            Self::Held(latents) => look(latents),
            Self::Streamed(file) => file.pieces().try_for_each(|piece| look(&piece?)),
        }
    }
}

/// The rows of `latents`: the nearest of `centroids` to each, with its name of `names`.
pub(crate) fn assigned_rows(latents: &Latents, centroids: &[f64], names: &[Option<u8>]) -> Assignments {
    let assigned = assign(&latents.values, centroids, latents.dimensions);
    let clustered = Clustered {
        clusters: &assigned.clusters,
        squared_distances: &assigned.squared_distances,
        confidences: &assigned.confidences().collect::<Vec<_>>(),
    };
    let mut rows = Assignments::default();
    rows.append(&latents.header.split, latents, clustered, names);
    rows
}

impl Points for Source {
    type Error = anyhow::Error;

    fn count(&self) -> usize {
        match self {
            Self::Held(latents) => latents.labels.len(),
            Self::Streamed(file) => file.count(),
        }
    }

    fn dimensions(&self) -> usize {
        match self {
            Self::Held(latents) => latents.dimensions,
            Self::Streamed(file) => file.dimensions(),
        }
    }

    fn for_each_piece(&self, look: &mut Look<'_, anyhow::Error>) -> anyhow::Result<()> {
        self.for_each(&mut |latents| {
            look(ArrayView2::from_shape((latents.labels.len(), latents.dimensions), &latents.values)?)
        })
    }
}

//! What a step can lower. Each objective is a formula of its own, in its paper's terms; what they are given is in [`crate::step`].

pub(crate) mod aspc;
pub(crate) mod dec;
pub(crate) mod imsat;
#[cfg(test)]
mod parity_tests;

use run_store::named_choice;

/// An objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// Two views of an image lie together, views of others apart (NT-Xent; Chen et al. 2020).
    Contrast,
    /// Binary cross-entropy of the reconstruction.
    Reconstruction,
    /// Heads name a cluster so that it tells as much of the image as it can, and the same under any view (Hu et al. 2017).
    Imsat,
    /// Soft assignments approach a sharpened form of themselves (Xie et al. 2016).
    Dec,
    /// The same, with the reconstruction (Guo et al. 2017).
    Idec,
    /// Latents of moved images approach the fixed centre of their image, easy images first (Guo et al. 2020).
    Aspc,
}

named_choice!(Objective {
    Contrast => "contrast",
    Reconstruction => "reconstruction",
    Imsat => "imsat",
    Dec => "dec",
    Idec => "idec",
    Aspc => "aspc",
});

impl Objective {
    /// Whether it pulls latents to centroids that its phase begins with.
    pub(crate) fn has_centroids(self) -> bool {
        matches!(self, Self::Dec | Self::Idec | Self::Aspc)
    }
}

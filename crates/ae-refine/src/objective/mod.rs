//! What a step can lower. Each objective is a formula of its own, in its paper's terms; what they are given is in [`crate::step`].

pub(crate) mod aspc;
pub(crate) mod centres;
pub(crate) mod dec;
pub(crate) mod imsat;
#[cfg(test)]
mod parity_tests;
pub(crate) mod prototypes;
pub(crate) mod student;

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
    /// Distances from fixed centres tell which cluster a latent is in (Snell et al. 2017).
    Prototypes,
    /// A network that begins anew learns the clusters that images are in from moved images, and says in its turn which (Xie et al.
    /// 2020).
    Student,
}

named_choice!(Objective {
    Contrast => "contrast",
    Reconstruction => "reconstruction",
    Imsat => "imsat",
    Dec => "dec",
    Idec => "idec",
    Aspc => "aspc",
    Prototypes => "prototypes",
    Student => "student",
});

impl Objective {
    /// Whether it moves the model that is refined: a student only says what others should move it to.
    pub(crate) fn moves_model(self) -> bool {
        self != Self::Student
    }

    /// Whether it moves what stands on the model, heads or centroids. Steps of none cost time and lead nowhere.
    pub(crate) fn moves_heads(self) -> bool {
        matches!(self, Self::Imsat | Self::Dec | Self::Idec)
    }

    /// Whether it pulls latents to centroids that its phase begins with.
    pub(crate) fn has_centroids(self) -> bool {
        matches!(self, Self::Dec | Self::Idec) || self.has_fixed_centres()
    }

    /// Whether these stay where they are, one an image.
    pub(crate) fn has_fixed_centres(self) -> bool {
        matches!(self, Self::Aspc | Self::Prototypes)
    }
}

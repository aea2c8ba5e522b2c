//! Sets of defaults. What each decides is said by the stage that takes it.

use run_store::named_choice;

/// A set of defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// The report's protocol.
    Reference,
    /// The same images and epochs, for latents that digits can be told apart by.
    Tuned,
}

named_choice!(Preset { Reference => "reference", Tuned => "tuned" });

//! Sets of defaults. What each decides is said by the stage that takes it.

use run_store::named_choice;

/// A set of defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// The report's protocol.
    Reference,
}

named_choice!(Preset { Reference => "reference" });

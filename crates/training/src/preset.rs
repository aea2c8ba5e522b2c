//! Sets of defaults. What each decides is said by the stage that takes it.

use run_store::named_choice;

/// How many images of each split the report takes, the first: training and test.
pub const REPORT_COUNTS: (u32, u32) = (20_000, 4_000);

/// A set of defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// The report's protocol.
    Reference,
    /// The same images and epochs, for latents that digits can be told apart by.
    Tuned,
}

named_choice!(Preset { Reference => "reference", Tuned => "tuned" });

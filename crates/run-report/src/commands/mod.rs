//! The commands, a module each: their arguments, and what they say where.

mod compare;
mod export;
mod figures;
mod html;
mod table;
mod verify;

use std::io::{self, Write};
use std::path::PathBuf;

pub use compare::{CompareArgs, compare};
pub use export::{ExportArgs, export};
pub use figures::{FiguresArgs, figures};
pub use html::{HtmlArgs, html};
pub use table::{TableArgs, table};
pub use verify::{VerifyArgs, verify};

/// What to say where none of the folders given is a run.
const NO_RUN: &str = "no run among the folders given: expected at least one such as artifacts/cae-32, which \
                      `scripts/pipeline` makes";

/// Prints a line on stderr, and does not mind a reader that has gone.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{}", stage_cli::printable(line));
}

fn note_skipped(paths: &[PathBuf]) {
    for path in paths {
        say(&format!("note: passed over {}: it holds no stage of a run", path.display()));
    }
}

fn note_without_variant(paths: &[PathBuf]) {
    for path in paths {
        say(&format!("note: passed over {}: it has no such variant", path.display()));
    }
}

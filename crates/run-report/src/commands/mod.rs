//! The commands, a module each: their arguments, and what they say where.

mod compare;
mod table;
mod verify;

use std::io::{self, Write};
use std::path::PathBuf;

pub use compare::{CompareArgs, compare};
pub use table::{TableArgs, table};
pub use verify::{VerifyArgs, verify};

/// Prints a line on stderr, and does not mind a reader that has gone.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn note_skipped(paths: &[PathBuf]) {
    for path in paths {
        say(&format!("note: passed over {}: it holds no stage of a run", path.display()));
    }
}

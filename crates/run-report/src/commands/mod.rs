//! The commands, a module each: their arguments, and what they say where.

mod compare;
mod export;
mod figures;
mod html;
mod table;
mod verify;

use std::io::Write;
use std::path::PathBuf;

use run_store::printable;
use stage_cli::say;

pub use compare::{CompareArgs, compare};
pub use export::{ExportArgs, export};
pub use figures::{FiguresArgs, figures};
pub use html::{HtmlArgs, html};
pub use table::{TableArgs, table};
pub use verify::{VerifyArgs, verify};

/// What to say where none of the folders given is a run.
const NO_RUN: &str = "no run among the folders given: expected at least one such as artifacts/cae-32, which \
                      `scripts/pipeline` makes";

/// Passes text on as [`printable`].
#[derive(Debug)]
pub struct Printable<W>(pub W);

impl<W: Write> Write for Printable<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write_all(printable(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
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

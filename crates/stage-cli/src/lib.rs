//! What every stage's command line shares: common arguments, progress, the order of things, exit codes.
//!
//! A stage's `main` reads its arguments with [`parse`] and calls [`run`]; its core gets [`Options`] and a [`Progress`] and
//! never sees the command line. Exit codes: 0 done or up to date, 1 bad input or environment, 2 wrong usage, 101 a bug,
//! 130 stopped by Ctrl-C.
//!
//! This crate knows no stage and no model.

mod arguments;
mod command_line;
mod execute;
mod interrupt;
mod progress;
mod summary;

pub use arguments::{Options, RUNNING, StageArgs, not_negative, positive, share, single, subcommand};
pub use command_line::{parse, parse_from};
pub use execute::{Outcome, execute, failed, latest_checkpoint, report, run, stopped_in_epoch};
pub use interrupt::{Interrupt, Interrupted};
pub use progress::{Progress, Silent, say};
pub use summary::{Summary, per_cent, percent};

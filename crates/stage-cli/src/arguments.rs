//! The arguments that every stage takes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};
use run_store::{RunDir, parse_run};

use crate::interrupt::Interrupt;

/// The heading, in a stage's help, of arguments that do not change its result.
pub const RUNNING: &str = "Running";

/// More threads than any machine has use for; a mistyped number should not bring one to its knees.
const THREAD_LIMIT: i64 = 1024;

/// Arguments that every stage takes.
#[derive(Clone, Debug, clap::Args)]
pub struct StageArgs {
    /// Folder of the run; the stage writes a folder of its own name in it
    #[arg(long, value_name = "DIR", value_parser = PathBufValueParser::new().try_map(parse_run))]
    pub run: PathBuf,
    #[command(flatten)]
    common: CommonArgs,
}

impl StageArgs {
    /// The run.
    #[must_use]
    pub fn run_dir(&self) -> RunDir {
        RunDir::new(&self.run)
    }

    /// How to run, whatever the stage.
    #[must_use]
    pub fn options(&self) -> Options {
        let common = &self.common;
        let threads = common.threads.unwrap_or_else(available_threads);
        Options {
            force: common.force,
            dry_run: common.dry_run,
            quiet: common.quiet,
            json: common.json,
            threads,
            interrupt: Interrupt::default(),
        }
    }
}

#[derive(Clone, Debug, clap::Args)]
struct CommonArgs {
    /// Processor threads to use, 1 to 1024 [default: all]; the same number gives the same bytes
    #[arg(long, value_name = "N", help_heading = RUNNING, value_parser = clap::value_parser!(u32).range(1..=THREAD_LIMIT))]
    threads: Option<u32>,
    /// Run even if the result is up to date
    #[arg(long, help_heading = RUNNING)]
    force: bool,
    /// Say whether the stage would run, and why, and stop
    #[arg(long, help_heading = RUNNING)]
    dry_run: bool,
    /// No progress, and no result on stdout but that of --json
    #[arg(long, short, help_heading = RUNNING)]
    quiet: bool,
    /// The result on stdout as JSON, for scripts
    #[arg(long, help_heading = RUNNING)]
    json: bool,
}

/// How to run a stage: nothing here changes its result.
#[derive(Clone, Debug)]
pub struct Options {
    /// Run even if the result is up to date.
    pub force: bool,
    /// Decide, say, and stop.
    pub dry_run: bool,
    /// No progress, and no result on stdout but the one as JSON.
    pub quiet: bool,
    /// The result as JSON.
    pub json: bool,
    /// Processor threads.
    pub threads: u32,
    /// Whether Ctrl-C was pressed.
    pub interrupt: Interrupt,
}

/// Reads a finite number, 0 or above, such as a weight.
///
/// # Errors
/// It is none.
pub fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value >= 0.0 && value.is_finite() => Ok(value),
        _ => Err("expected a number, 0 or above".to_owned()),
    }
}

/// A part of a whole, from 0 to 1.
///
/// # Errors
/// It is none.
pub fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

/// The words of the command line for `name`, the command that a stage has beside itself, if that is what was asked for. The
/// program's name in them has it appended, as it should stand in messages.
#[must_use]
pub fn subcommand(name: &str) -> Option<Vec<OsString>> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    if words.get(1).is_none_or(|word| word != name) {
        return None;
    }
    words.remove(1);
    words[0].push(format!(" {name}"));
    Some(words)
}

fn available_threads() -> u32 {
    std::thread::available_parallelism().ok().and_then(|count| u32::try_from(count.get()).ok()).unwrap_or(1)
}

/// Reads a finite number above 0, such as a learning rate.
///
/// # Errors
/// It is none.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err("expected a number above 0".to_owned()),
    }
}

/// Reads a number that single precision has room for, such as a logit.
///
/// # Errors
/// It is none.
pub fn single(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.abs() <= f64::from(f32::MAX) => Ok(value),
        _ => Err("expected a number of at most 3.4e38 either way".to_owned()),
    }
}

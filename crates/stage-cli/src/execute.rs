//! The order of things in every stage: decide, begin, work, commit, say.

use std::process::ExitCode;

use run_store::{Checkpoint, Checkpoints, Decision, Environment, Manifest, Plan, Reason, Work, one_line, printable};
use serde_json::{Map, Value};

use crate::arguments::Options;
use crate::interrupt::{EXIT_CODE, Interrupted};
use crate::progress::{self, Progress, for_stderr};
use crate::summary::Summary;

/// What became of a stage.
#[derive(Debug)]
pub enum Outcome {
    /// The result on disk is what would be made.
    UpToDate(Box<Manifest>),
    /// It would have run, for this reason and with these parameters, if it were not a dry run.
    WouldRun(Reason, Map<String, Value>),
    /// It ran.
    Done(Box<Manifest>),
}

impl Outcome {
    /// What happened, in a few words of one line, though a reason may repeat what an earlier manifest says.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::UpToDate(_) => "up to date".to_owned(),
            Self::WouldRun(reason, _) => one_line(&format!("would run ({reason})")),
            Self::Done(manifest) => one_line(&format!("done in {:.1} s ({})", manifest.seconds, manifest.reason)),
        }
    }

    /// Whether there is a finished result on disk.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !matches!(self, Self::WouldRun(..))
    }
}

/// Carries `plan` out if it has to be: `body` fills the folder and says in what environment.
///
/// # Errors
/// What is on disk cannot be read, the destination cannot be written, or `body` fails; an earlier result then remains.
pub fn execute(
    plan: Plan,
    options: &Options,
    progress: &mut dyn Progress,
    body: impl FnOnce(&Work, &mut dyn Progress) -> anyhow::Result<Environment>,
) -> anyhow::Result<Outcome> {
    let title = plan.dir().title();
    let reason = match plan.decide(options.force)? {
        Decision::UpToDate(manifest) => {
            if !options.dry_run {
                plan.tidy();
            }
            return Ok(Outcome::UpToDate(manifest));
        }
        Decision::Run(reason) if options.dry_run => return Ok(Outcome::WouldRun(reason, plan.parameters().clone())),
        Decision::Run(reason) => reason,
    };
    progress.note(&format!("{title}: {reason}"));
    let work = plan.begin(reason)?;
    let environment = body(&work, progress)?;
    Ok(Outcome::Done(Box::new(work.commit(environment)?)))
}

/// The checkpoint to continue a training of `epochs` epochs from, if there is one that is sound and `usable`. Says which were
/// passed over, and where the training goes on.
pub fn latest_checkpoint(
    checkpoints: &Checkpoints,
    epochs: u32,
    progress: &mut dyn Progress,
    usable: impl Fn(&Checkpoint) -> Result<(), String>,
) -> Option<Checkpoint> {
    let (checkpoint, passed_over) = checkpoints.latest(epochs, usable);
    passed_over.iter().for_each(|problem| progress.note(problem));
    if let Some(checkpoint) = &checkpoint {
        progress.note(&format!("continuing after epoch {}", checkpoint.epoch));
    }
    checkpoint
}

/// What to say when a training was asked to stop in `epoch`.
#[must_use]
pub fn stopped_in_epoch(epoch: u32, options: &Options) -> Interrupted {
    Interrupted(match epoch {
        _ if options.force => {
            format!("stopped in epoch {epoch}; run the same command again to start over, as --force does")
        }
        1 => "stopped in epoch 1; run the same command again to start over".to_owned(),
        _ => format!("stopped in epoch {epoch}; run the same command again to go on after epoch {}", epoch - 1),
    })
}

/// Runs a stage's core for its `main`: says its summary on stdout, or what went wrong on stderr.
pub fn run(options: &Options, core: impl FnOnce(&Options, &mut dyn Progress) -> anyhow::Result<Summary>) -> ExitCode {
    let mut progress = for_stderr(options.quiet);
    match core(options, progress.as_mut()) {
        Ok(summary) => {
            if options.json {
                say(&summary.json().to_string());
            } else if !options.quiet {
                say(&summary.text());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            progress.end();
            if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
                progress::say(&interrupted.to_string());
                return ExitCode::from(EXIT_CODE);
            }
            failed(&error)
        }
    }
}

/// Says the result of a command that is no stage, lines of text, or what went wrong.
pub fn report(result: anyhow::Result<String>) -> ExitCode {
    match result {
        Ok(text) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error),
    }
}

/// Says what went wrong.
pub fn failed(error: &anyhow::Error) -> ExitCode {
    progress::say(&format!("error: {error:#}"));
    ExitCode::FAILURE
}

/// Prints lines, and does not mind a reader that has gone.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{}", printable(text));
}

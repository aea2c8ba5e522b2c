//! Progress on stderr: a bar on a terminal, plain lines elsewhere, nothing when quiet.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use run_store::one_line;

/// What a stage's core says while it works.
pub trait Progress {
    /// Begins a piece of work of `total` units, such as `images`.
    fn begin(&mut self, task: &str, total: u64, unit: &'static str);

    /// `amount` more units are done.
    fn advance(&mut self, amount: u64);

    /// What is worth knowing at this moment, such as the epoch and its loss.
    fn status(&mut self, text: &str);

    /// A step worth a line where there is no bar, such as a finished epoch.
    fn milestone(&mut self, text: &str);

    /// Ends the piece of work.
    fn end(&mut self);

    /// A line of its own.
    fn note(&mut self, text: &str);
}

/// Says nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _task: &str, _total: u64, _unit: &'static str) {}
    fn advance(&mut self, _amount: u64) {}
    fn status(&mut self, _text: &str) {}
    fn milestone(&mut self, _text: &str) {}
    fn end(&mut self) {}
    fn note(&mut self, _text: &str) {}
}

/// The progress that fits the place stderr goes to.
pub(crate) fn for_stderr(quiet: bool) -> Box<dyn Progress> {
    if quiet {
        Box::new(Silent)
    } else if stderr().is_terminal() {
        Box::new(Bar { bar: ProgressBar::hidden() })
    } else {
        Box::new(Plain::default())
    }
}

struct Bar {
    bar: ProgressBar,
}

impl Progress for Bar {
    fn begin(&mut self, task: &str, total: u64, unit: &'static str) {
        let template = "{prefix} {bar:28} {percent:>3} % · {rate} · {eta} left · {wide_msg}";
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("rate", move |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{} {unit}/s", thousands(state.per_sec()));
            })
            .progress_chars("━╸─");
        self.bar = ProgressBar::new(total).with_style(style).with_prefix(one_line(task));
        self.bar.enable_steady_tick(Duration::from_millis(250));
    }

    fn advance(&mut self, amount: u64) {
        self.bar.inc(amount);
    }

    fn status(&mut self, text: &str) {
        self.bar.set_message(one_line(text));
    }

    fn milestone(&mut self, text: &str) {
        self.status(text);
    }

    fn end(&mut self) {
        self.bar.finish_and_clear();
    }

    fn note(&mut self, text: &str) {
        self.bar.suspend(|| say(text));
    }
}

#[derive(Default)]
struct Plain {
    work: Option<Work>,
}

/// Lines come no faster than this, so that a quick stage does not fill a log.
const PAUSE: Duration = Duration::from_secs(1);

struct Work {
    task: String,
    unit: &'static str,
    total: u64,
    done: u64,
    began: Instant,
    last_line: Option<Instant>,
}

impl Progress for Plain {
    fn begin(&mut self, task: &str, total: u64, unit: &'static str) {
        self.work = Some(Work { task: task.to_owned(), unit, total, done: 0, began: Instant::now(), last_line: None });
    }

    fn advance(&mut self, amount: u64) {
        if let Some(work) = &mut self.work {
            work.done += amount;
        }
    }

    fn status(&mut self, _text: &str) {}

    fn milestone(&mut self, text: &str) {
        let Some(work) = &mut self.work else { return };
        let early = work.last_line.is_some_and(|last| last.elapsed() < PAUSE);
        if early && work.done < work.total {
            return;
        }
        work.last_line = Some(Instant::now());
        let per_second = work.done as f64 / work.began.elapsed().as_secs_f64().max(1e-9);
        let left = Duration::from_secs_f64(work.total.saturating_sub(work.done) as f64 / per_second.max(1e-9));
        let rate = thousands(per_second);
        say(&format!("{} · {text} · {rate} {}/s · {} left", work.task, work.unit, HumanDuration(left)));
    }

    fn end(&mut self) {
        self.work = None;
    }

    fn note(&mut self, text: &str) {
        say(text);
    }
}

/// Prints a line on stderr, and does not mind a reader that has gone: no result is lost for want of an audience.
pub fn say(line: &str) {
    let _ = writeln!(stderr(), "{}", one_line(line));
}

/// A rate without false precision: `12,345`.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn digits_are_grouped() {
        assert_eq!([0.4, 999.0, 1000.0, 1_234_567.2].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}

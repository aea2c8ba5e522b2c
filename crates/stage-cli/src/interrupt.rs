//! Ctrl-C: the first asks a stage to stop at the next good moment, the second ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the shell expects of a program that Ctrl-C ended.
pub(crate) const EXIT_CODE: u8 = 130;

/// Whether a stop was asked for.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    requested: Arc<AtomicBool>,
}

impl Interrupt {
    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// Asks for a stop.
    pub fn request(&self) {
        self.requested.store(true, Ordering::Relaxed);
    }

    /// Lets Ctrl-C ask for a stop, from now on: for a stage that looks at [`is_requested`](Self::is_requested) often. Others
    /// are better ended at once, as they have nothing to save.
    pub fn listen(&self) {
        let interrupt = self.clone();
        let handler = move || {
            if interrupt.is_requested() {
                std::process::exit(i32::from(EXIT_CODE));
            }
            interrupt.request();
        };
        // Where no handler can be set, Ctrl-C ends the process at once, which loses no more than a kill does.
        let _ = ctrlc::set_handler(handler);
    }
}

/// A stage stopped because it was asked to; the message says how to go on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Interrupted(pub String);

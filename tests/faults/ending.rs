//! How a program ended under a fault.

use std::process::{Child, ExitStatus, Output};

/// How a program ended. Anything else, such as a panic, is a failure of the campaign.
#[derive(Debug)]
pub enum Ending {
    /// Its result is there.
    Done,
    /// It said why it cannot go on.
    Refused(String),
    /// It was stopped, by Ctrl-C or a signal that it does not handle.
    Stopped,
}

impl Ending {
    /// Waits for `process`, whose messages are kept.
    #[track_caller]
    pub fn of(process: Child) -> Self {
        Self::in_output(&process.wait_with_output().unwrap())
    }

    #[track_caller]
    pub fn in_output(output: &Output) -> Self {
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => Self::Done,
            Some(1) => {
                let message = said.lines().find_map(|line| line.strip_prefix("error: "));
                Self::Refused(message.unwrap_or_else(|| panic!("exit code 1 without a message: {said}")).to_owned())
            }
            Some(130) => Self::Stopped,
            None if is_signalled(output.status) => Self::Stopped,
            _ => panic!("{}: {said}", output.status),
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused(_) => "refused",
            Self::Stopped => "stopped",
        }
    }
}

/// Whether it was a signal that is sent here. One that stands for a bug, such as a segmentation fault, is none of them.
fn is_signalled(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    const INTERRUPT: i32 = 2;
    const KILL: i32 = 9;
    const TERMINATE: i32 = 15;
    status.signal().is_some_and(|signal| [INTERRUPT, KILL, TERMINATE].contains(&signal))
}

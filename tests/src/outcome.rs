//! What a stage said and how it ended.

use assert_cmd::Command;

use crate::files::{FileStates, leftovers};
use crate::study::Study;

/// Runs the command, which has to end well, and returns what it said on stdout.
#[track_caller]
pub fn succeeded(mut command: Command) -> String {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{command:?}\n{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the command, which has to end well and say `expected` on stdout.
#[track_caller]
pub fn said(command: Command, expected: &str) {
    let output = succeeded(command);
    assert!(output.contains(expected), "expected `{expected}`, found\n{output}");
}

/// Runs the command, which has to end with `code` and nothing on stdout, and returns its message.
#[track_caller]
pub fn error_text(mut command: Command, code: i32) -> String {
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{error}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    error
}

/// Runs the command, which has to refuse what it finds in `study`: exit code 1, all of `expected` in its message, every
/// file as before and nothing half-made left.
#[track_caller]
pub fn refused(study: &Study, command: Command, expected: &[&str]) {
    let before = FileStates::of(study.path());
    let error = error_text(command, 1);
    let message = error.lines().find_map(|line| line.strip_prefix("error: "));
    let message = message.unwrap_or_else(|| panic!("no message: {error}"));
    for part in expected {
        assert!(message.contains(part), "expected `{part}` in: {message}");
    }
    before.assert_untouched();
    assert_eq!(leftovers(study.run().path()), Vec::<String>::new());
}

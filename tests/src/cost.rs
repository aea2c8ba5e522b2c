//! What a program takes until it ends.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How a program ended, and what it took.
#[derive(Debug)]
pub struct Cost {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it said on stderr.
    pub error: String,
    /// The most memory that it held at once, in bytes; 0 where the system does not tell.
    pub peak_bytes: u64,
    /// How long it took.
    pub time: Duration,
}

/// Runs `command` to its end.
#[must_use]
pub fn cost_of(mut command: Command) -> Cost {
    let began = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // What the system says of a child that has ended counts the memory of its parent too, from before it became another
    // program. So the child is asked while it lives; what it holds at most only ever grows.
    let mut peak_bytes = 0;
    while child.try_wait().unwrap().is_none() {
        peak_bytes = peak(&child).unwrap_or(peak_bytes);
        thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    Cost { code: output.status.code(), error, peak_bytes, time: began.elapsed() }
}

fn peak(child: &Child) -> Option<u64> {
    memory_kib(&child.id().to_string(), "VmHWM").map(|kibibytes| kibibytes * 1024)
}

/// What the system says of `process`, a number or `self`, under `name`: `VmRSS`, the memory that it holds, or `VmHWM`, the most that it
/// held. `None` if it has ended.
#[must_use]
pub fn memory_kib(process: &str, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}

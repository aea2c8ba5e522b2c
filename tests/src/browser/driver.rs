//! ChromeDriver as a process.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Starting takes some hundredths of a second.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// Keeps the driver and what it starts in a process group, and ends them all when its input ends. So does the input of
/// a test's process that ends, in whichever way: a panic, Ctrl-C and a kill leave no browser behind.
const KEEPER: &str = r#"
set -m
"$1" --port=0 </dev/null 2>&1 &
exec >/dev/null 2>&1
read -r _
kill -KILL -- "-$!"
wait
# What was just killed may still be writing.
for _ in {1..100}; do
    rm -rf -- "$2" && break
    sleep 0.02
done
"#;

/// A running ChromeDriver. It ends with the value, and takes its browser with it.
#[derive(Debug)]
pub(super) struct Driver {
    keeper: Child,
    port: u16,
    folder: PathBuf,
}

impl Driver {
    /// Starts `program`, in an environment that leaves the user's own settings and caches alone.
    #[track_caller]
    pub(super) fn start(program: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("latent-study-browser").tempdir().unwrap().keep();
        let mut command = Command::new("bash");
        command.args(["-c", KEEPER, "keeper"]).arg(program).arg(&folder);
        // cargo adds folders of the workspace's libraries, which a browser must not take for its own.
        for variable in ["LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"] {
            command.env_remove(variable);
        }
        for variable in ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
            command.env(variable, &folder);
        }
        command.env("LANGUAGE", "en");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut keeper = command.spawn().unwrap_or_else(|error| panic!("bash does not start: {error}"));
        let lines = lines_of(keeper.stdout.take().unwrap());
        let mut driver = Self { keeper, port: 0, folder };
        driver.port = port(&lines).unwrap_or_else(|said| {
            panic!("{} does not start; expected the port it listens on, found:\n{said}", program.display())
        });
        driver
    }

    /// The port it listens on.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// A folder of its own, which vanishes with it.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// The lines of a process, as they come. They are read on when nobody listens, or a full pipe would stop the process.
fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}

/// The port that ChromeDriver says it listens on; else what it said.
fn port(lines: &Receiver<String>) -> Result<u16, String> {
    let deadline = Instant::now() + TIME_LIMIT;
    let mut said = String::new();
    while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        let port = line.split_once("started successfully on port ").map(|(_, rest)| rest.trim_end_matches('.'));
        if let Some(port) = port.and_then(|port| port.parse().ok()) {
            return Ok(port);
        }
        said.push_str(&line);
        said.push('\n');
    }
    Err(said)
}

//! The binaries, as the sources now make them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use run_store::Stage;

/// The folder of the workspace's `Cargo.toml`.
#[must_use]
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A command that starts the binary of `stage`, in an environment without what cargo adds for its own: a stage has to
/// find libtorch from where it stands.
#[must_use]
pub fn stage(stage: Stage) -> Command {
    program(stage.name())
}

/// The name of the program that reads runs and is no stage.
pub(crate) const REPORT: &str = "run-report";

/// The same for any program of the workspace.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(folder().join(format!("{name}{}", std::env::consts::EXE_SUFFIX)));
    // COLUMNS would wrap the help to the width of somebody's terminal.
    for variable in ["LIBTORCH", "LIBTORCH_USE_PYTORCH", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

/// The folder of the binaries, built on the first call: cargo builds no binaries of other packages for a test, and old
/// ones would be tested otherwise.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // target/<profile>/deps/pipeline-<hash>
        let test = std::env::current_exe().unwrap();
        let folder = test.ancestors().nth(2).unwrap();
        let profile = match folder.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            name => name,
        };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // The whole workspace, as the test itself was built, so that cargo takes the same features and builds no
        // dependency twice.
        let status = Command::new(cargo)
            .current_dir(workspace_root())
            .args(["build", "--locked", "--quiet", "--workspace", "--profile", profile, "--target-dir"])
            .arg(folder.parent().unwrap())
            .args(Stage::ALL.map(Stage::name).into_iter().chain([REPORT]).flat_map(|name| ["--bin", name]))
            .status()
            .unwrap();
        assert!(status.success(), "the programs do not build");
        folder.to_owned()
    })
}

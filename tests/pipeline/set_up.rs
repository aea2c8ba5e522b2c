//! The set-up scripts, in a project and a cache of their own, with a python3 that downloads nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use pipeline_tests::{names, workspace_root};

/// Answers what `scripts/set-up/python` asks: the key of this kind of Python, whether there is a pip, and for packages in a folder.
const PYTHON: &str = r#"#!/bin/sh
case "$1 $3" in
    "- "*) cat >/dev/null; echo key ;;
    "-m install") for word; do [ "$last" = --target ] && mkdir -p "$word"; last=$word; done ;;
esac
"#;

/// A folder with the set-up scripts, and a cache beside them.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let scripts = folder.path().join("scripts/set-up");
    fs::create_dir_all(&scripts).unwrap();
    for entry in fs::read_dir(workspace_root().join("scripts/set-up")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), scripts.join(entry.file_name())).unwrap();
    }
    let python = folder.path().join("bin/python3");
    fs::create_dir_all(python.parent().unwrap()).unwrap();
    fs::write(&python, PYTHON).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn set_up(project: &Path, script: &str) {
    let path = format!("{}:{}", project.join("bin").display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(project.join("scripts/set-up").join(script));
    command.env("PATH", path).env("XDG_CACHE_HOME", project.join("cache"));
    for variable in ["LIBTORCH", "LIBTORCH_USE_PYTORCH"] {
        command.env_remove(variable);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What takes half a gigabyte must not stay for ever, nor add up. Where no lock can be had, what lies there may be at work.
#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_set_up_left_goes_with_the_next() {
    let project = project();
    let cache = project.path().join("cache/latent-study");
    for left in ["a1B2c3", "xxxxxx"] {
        fs::create_dir_all(cache.join(format!(".python-key.set-up.{left}/packages"))).unwrap();
    }
    // Somebody's own, of as many letters.
    fs::create_dir_all(cache.join(".python-key.backup")).unwrap();
    set_up(project.path(), "python");
    assert_eq!(names(&cache), [".python-key.backup", "lock", "python-key"]);
    assert!(project.path().join(".python").exists());
}

/// Where a kill falls after the libraries are in place and before what they were made of is gone. Elsewhere none are put together.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn downloads_go_once_they_are_unpacked() {
    let project = project();
    let cache = project.path().join("cache/latent-study");
    let script = fs::read_to_string(workspace_root().join("scripts/set-up/libtorch")).unwrap();
    let version = script.lines().find_map(|line| line.strip_prefix("version=")).unwrap();
    let installed = cache.join(format!("libtorch-{version}-cpu"));
    fs::create_dir_all(installed.join("lib")).unwrap();
    fs::write(installed.join("lib/libtorch_cpu.so"), "").unwrap();
    fs::write(installed.join("version.py"), format!("__version__ = '{version}+cpu'\n")).unwrap();
    fs::create_dir_all(cache.join("downloads/torch.whl.partial")).unwrap();
    set_up(project.path(), "libtorch");
    assert_eq!(names(&cache), [installed.file_name().unwrap().to_str().unwrap(), "lock"]);
    assert!(project.path().join(".libtorch/lib/libtorch_cpu.so").exists());
}

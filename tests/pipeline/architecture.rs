//! Who may depend on whom, and who may spell what.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};
use pipeline_tests::workspace_root;
use run_store::{Stage, file};

/// The package of these tests, which may know everything.
const TESTS: &str = "pipeline-tests";

type Names = BTreeSet<String>;

/// What every package of the workspace depends on.
struct Workspace {
    packages: BTreeMap<String, Names>,
}

impl Workspace {
    fn read() -> Self {
        let manifest = workspace_root().join("Cargo.toml");
        let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
        let packages = metadata.packages.into_iter().map(|package| {
            let dependencies = package.dependencies.into_iter();
            let dependencies = dependencies.filter(|dependency| dependency.kind != DependencyKind::Development);
            (package.name.to_string(), dependencies.map(|dependency| dependency.name).collect())
        });
        Self { packages: packages.collect() }
    }

    /// What `package` depends on, directly or through other packages of the workspace.
    fn reach(&self, package: &str) -> Names {
        let mut reached = Names::new();
        let mut waiting = vec![package.to_owned()];
        while let Some(next) = waiting.pop() {
            for name in self.packages.get(&next).into_iter().flatten() {
                if reached.insert(name.clone()) {
                    waiting.push(name.clone());
                }
            }
        }
        reached
    }

    fn assert_reaches_none(&self, package: &str, forbidden: &[&str]) {
        assert!(self.packages.contains_key(package), "there is no package {package}");
        let reached = self.reach(package);
        let found: Vec<_> = forbidden.iter().filter(|name| reached.contains(**name)).collect();
        assert!(found.is_empty(), "{package} must not depend on {found:?}");
    }

    /// Packages that themselves name a dependency that is one of `names` or begins so, with a hyphen after it.
    fn users(&self, names: &[&str]) -> Vec<&str> {
        let is_meant = |dependency: &String| {
            names.iter().any(|name| dependency == name || dependency.starts_with(&format!("{name}-")))
        };
        let users = self.packages.iter().filter(|(package, _)| *package != TESTS);
        users.filter(|(_, dependencies)| dependencies.iter().any(is_meant)).map(|(name, _)| name.as_str()).collect()
    }
}

#[test]
fn no_stage_is_a_dependency_of_anything() {
    let workspace = Workspace::read();
    let stages = Stage::ALL.map(Stage::name);
    for package in workspace.packages.keys() {
        workspace.assert_reaches_none(package, &stages);
    }
}

#[test]
fn dependencies_point_one_way() {
    let workspace = Workspace::read();
    let shared = ["stage-cli", "autoencoders", "training"];
    workspace.assert_reaches_none("run-store", &[&shared[..], &["tch", "linfa", "clap", "run-report"]].concat());
    workspace.assert_reaches_none("autoencoders", &["stage-cli", "training", "clap", "linfa", "run-report"]);
    workspace.assert_reaches_none("training", &["stage-cli", "clap", "linfa", "run-report"]);
    workspace.assert_reaches_none("stage-cli", &["tch", "autoencoders", "training", "linfa", "run-report"]);
    workspace.assert_reaches_none("cluster-eval", &["tch"]);
    workspace.assert_reaches_none("clustering", &["tch", "clap", "run-store"]);
    workspace.assert_reaches_none("mnist-data", &["tch", "linfa"]);
    workspace.assert_reaches_none("run-report", &["tch", "linfa"]);
}

#[test]
fn formats_and_methods_have_one_user() {
    let workspace = Workspace::read();
    assert_eq!(workspace.users(&["polars"]), ["run-store"]);
    assert_eq!(workspace.users(&["bincode"]), ["run-store"]);
    assert_eq!(workspace.users(&["safetensors"]), ["run-store"]);
    assert_eq!(workspace.users(&["linfa"]), ["clustering"]);
    assert_eq!(workspace.users(&["flate2"]), ["mnist-data"]);
    assert_eq!(workspace.users(&["zeno", "ttf-parser"]), ["run-report"]);
    assert_eq!(workspace.users(&["run-report"]), Vec::<&str>::new());
}

#[test]
fn only_the_store_spells_the_names_of_files() {
    let list = fs::read_to_string(workspace_root().join("crates/run-store/src/layout/file.rs")).unwrap();
    let names: Vec<&str> = list.lines().filter_map(|line| line.split('"').nth(1)).collect();
    assert!(names.contains(&file::MANIFEST) && names.contains(&file::BEST_START));
    let mut found = Vec::new();
    for (path, code) in product_code() {
        if path.starts_with("crates/run-store") {
            continue;
        }
        for (number, line) in code {
            if names.iter().any(|name| line.contains(&format!("\"{name}\""))) {
                found.push(format!("{}:{number}: {line}", path.display()));
            }
        }
    }
    assert!(found.is_empty(), "use run_store::file instead of\n{}", found.join("\n"));
}

/// What an artifact holds is data: no stage starts a program, loads a module, or takes PyTorch's pickled files.
#[test]
fn nothing_is_executed() {
    let forbidden = [
        "process::Command",
        "Command::new",
        ".exec(",
        "CModule",
        "Tensor::load",
        "Tensor::read_npy",
        "VarStore",
        "dlopen",
    ];
    let mut found = Vec::new();
    for (path, code) in product_code().into_iter().filter(|(path, _)| !path.ends_with("build.rs")) {
        for (number, line) in code {
            found.extend(
                forbidden.iter().filter(|word| line.contains(**word)).map(|word| (path.clone(), number, *word)),
            );
        }
    }
    // libtorch's own part for GPUs, by a name that is written there.
    found.retain(|(path, _, word)| !(path.ends_with("training/src/device.rs") && *word == "dlopen"));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn the_set_up_installs_the_libtorch_that_is_recorded() {
    let between = |path: &str, before: &str, after: char| {
        let text = fs::read_to_string(workspace_root().join(path)).unwrap();
        let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no `{before}` in {path}"));
        rest.split(after).next().unwrap().to_owned()
    };
    let recorded = between("crates/training/src/device.rs", "LIBTORCH_VERSION: &str = \"", '"');
    assert_eq!(recorded, between("scripts/set-up/libtorch", "\nversion=", '\n'));
}

/// The source files of all crates without their tests and comments: each as its path and numbered lines.
fn product_code() -> Vec<(PathBuf, Vec<(usize, String)>)> {
    let mut sources = Vec::new();
    let mut waiting = vec![workspace_root().join("crates")];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !is_test(&path) {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path.strip_prefix(workspace_root()).unwrap().to_owned(), product_lines(&text)));
            }
        }
    }
    assert!(sources.len() > 20, "the crates have moved");
    sources
}

/// Whether the whole file is test code, as this workspace names such files.
fn is_test(path: &Path) -> bool {
    let name = path.file_stem().unwrap().to_string_lossy();
    path.components().any(|part| part.as_os_str() == "tests")
        || name == "tests"
        || name == "testing"
        || name.ends_with("_tests")
}

/// The lines up to the file's test module, which in this workspace stands last, without comments.
fn product_lines(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().zip(1..).take_while(|(line, _)| !line.starts_with("mod tests {"));
    lines
        .filter(|(line, _)| !line.trim_start().starts_with("//"))
        .map(|(line, number)| (number, line.to_owned()))
        .collect()
}

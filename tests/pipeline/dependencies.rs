//! The rules of `deny.toml`, held against the lock file. They are cargo-deny's; here they need neither it nor a network.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand, Package, PackageId};
use pipeline_tests::workspace_root;
use serde::Deserialize;

#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
    advisories: Advisories,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Advisories {
    ignore: Vec<Ignored>,
}

#[derive(Deserialize)]
struct Ignored {
    id: String,
    reason: String,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Spec>,
    skip: Vec<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

impl Spec {
    /// Whether it means this version, as `name` or `name@version` with as much of the version as it likes.
    fn means(&self, name: &str, version: &str) -> bool {
        match self.name.split_once('@') {
            None => self.name == name,
            Some((wanted, begin)) => wanted == name && (version == begin || version.starts_with(&format!("{begin}."))),
        }
    }
}

/// What is checked of a package.
#[derive(Clone)]
struct Locked {
    name: String,
    version: String,
    license: Option<String>,
    /// `None` for one of the workspace's own.
    source: Option<String>,
}

impl Locked {
    fn of(package: &Package) -> Self {
        Self {
            name: package.name.to_string(),
            version: package.version.to_string(),
            license: package.license.clone(),
            source: package.source.as_ref().map(|source| source.repr.clone()),
        }
    }

    fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

impl Policy {
    fn read() -> Self {
        toml::from_str(&fs::read_to_string(workspace_root().join("deny.toml")).unwrap()).unwrap()
    }

    /// Everything about `packages` that the rules forbid.
    fn problems(&self, packages: &[Locked]) -> Vec<String> {
        let mut problems = Vec::new();
        let mut versions: BTreeMap<&str, Vec<&Locked>> = BTreeMap::new();
        for package in packages {
            let title = package.title();
            match &package.license {
                Some(license) if allows(&self.licenses.allow, license) => {}
                license => problems.push(format!("{title} has the licence {license:?}")),
            }
            if package.source.as_deref().is_some_and(|source| source != REGISTRY) {
                problems.push(format!("{title} comes from {:?}", package.source));
            }
            if let Some(ban) = self.bans.deny.iter().find(|ban| ban.means(&package.name, &package.version)) {
                problems.push(format!("{title} is banned: {}", ban.reason));
            }
            versions.entry(&package.name).or_default().push(package);
        }
        for same_name in versions.values() {
            let is_skipped =
                |package: &&Locked| self.bans.skip.iter().any(|skip| skip.means(&package.name, &package.version));
            let counted: Vec<String> =
                same_name.iter().filter(|package| !is_skipped(package)).map(|package| package.title()).collect();
            if counted.len() > 1 {
                problems.push(format!("{} are two of one crate", counted.join(" and ")));
            }
        }
        for skip in &self.bans.skip {
            let is_used = |same_name: &Vec<&Locked>| {
                same_name.len() > 1 && same_name.iter().any(|package| skip.means(&package.name, &package.version))
            };
            if !versions.values().any(is_used) {
                problems.push(format!("{} is no duplicate any more: leave it out", skip.name));
            }
        }
        problems
    }
}

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Whether an SPDX expression can be met with `allowed` licences. A slash is an older way to write OR.
fn allows(allowed: &BTreeSet<String>, expression: &str) -> bool {
    let plain = expression.replace('/', " OR ");
    // In all expressions that there are, parentheses hold ORs beside an AND.
    let all = plain.split(" AND ").map(|part| part.trim().trim_matches(['(', ')']).to_owned());
    all.into_iter().all(|part| part.split(" OR ").any(|license| allowed.contains(license.trim())))
}

/// The lock file's packages for this system, without a network.
fn metadata() -> Metadata {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(rustc.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
    let options = ["--locked", "--offline", "--filter-platform"].map(str::to_owned).into_iter().chain([host]);
    let mut command = MetadataCommand::new();
    command.manifest_path(workspace_root().join("Cargo.toml")).other_options(options.collect::<Vec<_>>());
    command.exec().unwrap()
}

fn packages() -> Vec<Locked> {
    metadata().packages.iter().map(Locked::of).collect()
}

#[test]
fn dependencies_keep_the_rules() {
    let packages = packages();
    assert!(packages.len() > 200, "{} packages", packages.len());
    assert_eq!(Policy::read().problems(&packages), Vec::<String>::new());
}

#[test]
fn every_rule_can_fail() {
    let policy = Policy::read();
    let found = |change: &dyn Fn(&mut Vec<Locked>)| {
        let mut packages = packages();
        change(&mut packages);
        policy.problems(&packages)
    };
    let one =
        |name: &str, packages: &Vec<Locked>| packages.iter().find(|package| package.name == name).unwrap().clone();
    let add = |name: &'static str, edit: fn(&mut Locked)| {
        found(&move |packages: &mut Vec<Locked>| {
            let mut package = one("serde", packages);
            package.name = name.to_owned();
            edit(&mut package);
            packages.push(package);
        })
    };
    assert_eq!(add("other", |_| {}), Vec::<String>::new());
    assert!(add("other", |package| package.license = None)[0].contains("has the licence None"));
    assert!(add("other", |package| package.license = Some("GPL-3.0-only".to_owned()))[0].contains("GPL-3.0-only"));
    assert!(add("other", |package| package.license = Some("MIT AND GPL-3.0".to_owned()))[0].contains("licence"));
    assert!(add("other", |package| package.source = Some("git+https://example.org".to_owned()))[0].contains("git+"));
    assert!(add("serde_pickle", |_| {})[0].contains("is banned: weights are never unpickled"));
    for heavy in ["polars", "polars-core", "ndarray", "tch", "torch-sys", "bincode", "flate2", "rand"] {
        let problems = found(&|packages| {
            let mut package = one(heavy, packages);
            package.version = "99.0.0".to_owned();
            packages.push(package);
        });
        assert!(problems.iter().any(|problem| problem.contains(&format!("{heavy} 99.0.0 are two"))), "{problems:?}");
    }
    let gone = found(&|packages| packages.retain(|package| package.name != "itertools"));
    assert_eq!(gone, ["itertools@0.13 is no duplicate any more: leave it out"]);
}

/// The one advisory that is put up with is bincode's, as long as it is the version that was looked at.
#[test]
fn advisories_are_put_up_with_for_a_reason() {
    let policy = Policy::read();
    let [ignored] = policy.advisories.ignore.as_slice() else { panic!("one advisory is put up with") };
    assert_eq!(ignored.id, "RUSTSEC-2025-0141");
    assert!(ignored.reason.contains("bincode") && ignored.reason.contains("codec"));
    assert!(policy.bans.skip.iter().chain(&policy.bans.deny).all(|spec| !spec.reason.is_empty()));
    let bincode: Vec<Locked> = packages().into_iter().filter(|package| package.name == "bincode").collect();
    assert_eq!(bincode.iter().map(Locked::title).collect::<Vec<_>>(), ["bincode 2.0.1"]);
}

/// torch-sys can download libtorch while it is built, unverified. It is not let.
#[test]
fn nothing_is_downloaded_by_a_build() {
    let metadata = metadata();
    let name = |id: &PackageId| metadata[id].name.to_string();
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let torch = nodes.iter().find(|node| name(&node.id) == "torch-sys").unwrap();
    assert_eq!(torch.features.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
    // Of ours, only run-store has a build script, and it asks rustc for its version.
    for package in metadata.workspace_packages() {
        let has_script = package.targets.iter().any(cargo_metadata::Target::is_custom_build);
        assert_eq!(has_script, package.name.as_str() == "run-store", "{}", package.name);
    }
}

/// What builds, tests or runs does so from the lock file.
#[test]
fn every_cargo_of_a_script_is_locked() {
    let scripts = fs::read_dir(workspace_root().join("scripts")).unwrap().map(|entry| entry.unwrap().path());
    let others = [".ci/run", "tests/src/binaries.rs"].map(|path| workspace_root().join(path));
    let mut found = 0;
    for path in scripts.filter(|path| path.is_file()).chain(others) {
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', '/'])) {
            let builds = ["build", "test", "clippy", "doc"].iter().any(|word| line.contains(&format!("cargo {word} ")));
            assert!(!builds || line.contains("--locked"), "{}: {line}", path.display());
            found += usize::from(builds);
        }
    }
    assert!(found >= 5, "{found} builds were found");
}

/// Python's packages are known by their hashes, and looked for in no place that one machine has.
#[test]
fn python_packages_have_hashes() {
    for path in ["scripts/set-up/python-requirements.txt", "scripts/bench/requirements.txt"] {
        let text = fs::read_to_string(workspace_root().join(path)).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let mut hashes_due = 0;
        for line in lines {
            match line.trim_start().strip_prefix("--hash=sha256:") {
                Some(hash) => {
                    let digits = hash.trim_end_matches(" \\");
                    assert!(
                        digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()),
                        "{path}: {line}"
                    );
                    hashes_due = 0;
                }
                None => {
                    assert!(hashes_due == 0 && line.contains("==") && line.ends_with(" \\"), "{path}: {line}");
                    hashes_due = 1;
                }
            }
        }
        assert_eq!(hashes_due, 0, "{path}");
    }
}

//! Paths of what is said of all runs together.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::names::LONGEST;

/// The folder that holds the runs, and what is said of all of them together.
#[derive(Clone, Debug)]
pub struct ArtifactsDir {
    path: PathBuf,
}

impl ArtifactsDir {
    /// The artifacts at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The table of all runs, for people.
    #[must_use]
    pub fn summary_markdown(&self) -> PathBuf {
        self.path.join("summary.md")
    }

    /// The table of all runs, for programs.
    #[must_use]
    pub fn summary_json(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// The page that shows all runs.
    #[must_use]
    pub fn page(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// What stages take against how much they are given.
    #[must_use]
    pub fn growth(&self) -> PathBuf {
        self.path.join("growth.json")
    }

    /// The figures of all runs.
    #[must_use]
    pub fn figures(&self) -> FiguresDir {
        FiguresDir::new(self.path.join("figures"))
    }
}

/// The folder of the figures that are drawn of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiguresDir {
    path: PathBuf,
}

impl FiguresDir {
    /// The figures at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The figure `name` in pixels.
    #[must_use]
    pub fn png(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.png"))
    }

    /// The figure `name` in shapes.
    #[must_use]
    pub fn svg(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.svg"))
    }
}

/// `wanted` as the name of a file, of letters, digits and `punctuation`, and not one of `taken`, to which it is added.
pub fn free_name(wanted: &str, punctuation: &str, taken: &mut BTreeSet<String>) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || punctuation.contains(character);
    // Names differ at their ends, and with what is put around it, a file's name has room for this.
    let start =
        wanted.char_indices().rev().map(|(start, _)| start).take_while(|start| wanted.len() - start <= LONGEST).last();
    let plain = wanted[start.unwrap_or(0)..].replace(|character| !is_plain(character), "-");
    let mut name = plain.clone();
    let mut copy = 2;
    while !taken.insert(name.clone()) {
        name = format!("{plain}-{copy}");
        copy += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_keeps_its_end() {
        let mut taken = BTreeSet::new();
        let wanted = format!("latents-{}é-seed1", "x".repeat(250));
        let name = free_name(&wanted, "-", &mut taken);
        assert!(name.len() <= LONGEST && name.ends_with("xé-seed1"), "{name}");
        assert_eq!(free_name(&wanted, "-", &mut taken), format!("{name}-2"));
    }

    #[test]
    fn figures_lie_beside_the_summary() {
        let artifacts = ArtifactsDir::new("artifacts");
        assert_eq!(artifacts.summary_json(), Path::new("artifacts/summary.json"));
        assert_eq!(artifacts.figures().png("losses"), Path::new("artifacts/figures/losses.png"));
        assert_eq!(artifacts.figures().svg("latents-cae-32"), Path::new("artifacts/figures/latents-cae-32.svg"));
    }
}

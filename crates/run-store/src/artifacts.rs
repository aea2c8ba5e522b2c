//! Paths of what is said of all runs together.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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

/// The longest name of a file that [`free_name`] makes, in bytes. While such a file is written its name has some forty more, and
/// systems take 255.
const LONGEST_FILE_NAME: usize = 200;

/// How much of the beginning of one that would be longer is kept, in bytes: figures say there what they show.
const BEGINNING: usize = 48;

/// `wanted` as the name of a file, of letters, digits and `punctuation`, and not one of `taken`, to which it is added. Of a longer name
/// than a file may have the middle is left out: its kind begins it, and names of a kind differ at their ends.
pub fn free_name(wanted: &str, punctuation: &str, taken: &mut BTreeSet<String>) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || punctuation.contains(character);
    let plain = without_middle(wanted).replace(|character| !is_plain(character), "-");
    // A dot in front would hide the file, and a hyphen make an option of its name.
    let plain = match plain.trim_start_matches(['.', '-']) {
        "" => "unnamed",
        visible => visible,
    };
    let mut name = plain.to_owned();
    let mut copy = 2;
    while !taken.insert(name.clone()) {
        name = format!("{plain}-{copy}");
        copy += 1;
    }
    name
}

/// `name` in at most [`LONGEST_FILE_NAME`] bytes, if need be with a hyphen in the place of its middle.
fn without_middle(name: &str) -> String {
    let Some(end) = name.len().checked_sub(LONGEST_FILE_NAME).filter(|over| *over > 0) else { return name.to_owned() };
    let is_boundary = |at: &usize| name.is_char_boundary(*at);
    let beginning = (0..=BEGINNING).rev().find(is_boundary).unwrap_or_default();
    let rest = (end + BEGINNING + 1..name.len()).find(is_boundary).unwrap_or(name.len());
    format!("{}-{}", &name[..beginning], &name[rest..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_keeps_its_kind_and_its_end() {
        let mut taken = BTreeSet::new();
        for kind in ["latents", "confusion", "été"] {
            let wanted = format!("{kind}-{}é-seed1", "é".repeat(250));
            let name = free_name(&wanted, "-", &mut taken);
            let is_kept = name.starts_with(&format!("{kind}-éé")) && name.ends_with("éé-seed1");
            assert!(is_kept && name.len() <= LONGEST_FILE_NAME, "{name}");
            assert_eq!(free_name(&wanted, "-", &mut taken), format!("{name}-2"));
        }
        // What a run may be called is no such name.
        let of_run = format!("confusion-{}", "x".repeat(crate::names::LONGEST));
        assert_eq!(free_name(&of_run, "-", &mut taken), of_run);
        let longest = "x".repeat(LONGEST_FILE_NAME);
        assert_eq!(free_name(&longest, "-", &mut taken), longest);
        assert_eq!(free_name(&format!("{longest}y"), "-", &mut taken).len(), LONGEST_FILE_NAME);
    }

    #[test]
    fn no_name_is_hidden_or_an_option() {
        let mut taken = BTreeSet::new();
        let named = [".hidden", "--help", "\u{1b}[2J", "..", ""].map(|wanted| free_name(wanted, "-.", &mut taken));
        assert_eq!(named, ["hidden", "help", "2J", "unnamed", "unnamed-2"]);
    }

    #[test]
    fn figures_lie_beside_the_summary() {
        let artifacts = ArtifactsDir::new("artifacts");
        assert_eq!(artifacts.summary_json(), Path::new("artifacts/summary.json"));
        assert_eq!(artifacts.figures().png("losses"), Path::new("artifacts/figures/losses.png"));
        assert_eq!(artifacts.figures().svg("latents-cae-32"), Path::new("artifacts/figures/latents-cae-32.svg"));
    }
}

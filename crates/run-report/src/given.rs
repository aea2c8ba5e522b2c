//! Which runs the words of a command line mean: folders, patterns such as `artifacts/cae-32*`, and `RUN@TAG`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, glob_with};
use run_store::{RunDir, Stage, StoreError, one_line, parse_tag};

use crate::collect::WITH_VARIANTS;

const EXPECTED: &str =
    "expected the folder of a run, such as artifacts/cae-32, or a pattern, such as 'artifacts/cae-32*'";

/// A run, or a run with one of its variants in the place of its own results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunChoice {
    /// The run's folder.
    pub path: PathBuf,
    /// The variant's tag.
    pub tag: Option<String>,
}

/// What the words of a command line mean.
#[derive(Debug, Default)]
pub struct Given {
    /// The runs, in the order given, those of a pattern by name.
    pub choices: Vec<RunChoice>,
    /// Runs that match a pattern and lack the variant that was asked for.
    pub without_variant: Vec<PathBuf>,
}

/// The folders that `words` mean; a word that is no path and has `*`, `?` or `[…]` is a pattern.
///
/// # Errors
/// A word names nothing that is there.
pub fn folders(words: &[PathBuf]) -> Result<Vec<PathBuf>, StoreError> {
    let mut folders = Vec::new();
    for word in words {
        folders.extend(paths(word)?.ok_or_else(|| nothing_at(word))?);
    }
    Ok(folders)
}

/// The runs that `words` mean: [`folders`], and `RUN@TAG` for a run with its variant `TAG`.
///
/// # Errors
/// A word names nothing that is there, or a variant that no such run has.
pub fn choices(words: &[PathBuf]) -> Result<Given, StoreError> {
    let mut given = Given::default();
    for word in words {
        if let Some(paths) = paths(word)? {
            given.choices.extend(paths.into_iter().map(|path| RunChoice { path, tag: None }));
            continue;
        }
        let (runs, tag) = split_tag(word).ok_or_else(|| nothing_at(word))?;
        let runs = paths(&runs)?.ok_or_else(|| nothing_at(&runs))?;
        let folders = runs.into_iter().filter(|run| run.is_dir());
        let (with, without): (Vec<_>, Vec<_>) = folders.partition(|run| variants(run).contains_key(&tag));
        if with.is_empty() {
            return Err(no_variant(word, &tag, &without));
        }
        given.choices.extend(with.into_iter().map(|path| RunChoice { path, tag: Some(tag.clone()) }));
        given.without_variant.extend(without);
    }
    Ok(given)
}

/// The path that `word` is, or what it matches as a pattern. None if there is nothing.
fn paths(word: &Path) -> Result<Option<Vec<PathBuf>>, StoreError> {
    if word.exists() {
        return Ok(Some(vec![word.to_owned()]));
    }
    let Some(pattern) = word.to_str().filter(|text| text.contains(['*', '?', '['])) else { return Ok(None) };
    let as_in_a_shell =
        MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let matches = glob_with(pattern, as_in_a_shell).map_err(|error| {
        StoreError::invalid(word, format!("expected a path or a pattern, found neither ({error})"), "mend the pattern")
    })?;
    let mut paths = Vec::new();
    for path in matches {
        paths.push(path.map_err(|error| {
            let path = error.path().to_owned();
            StoreError::Io { action: "read", path, source: error.into() }
        })?);
    }
    Ok((!paths.is_empty()).then_some(paths))
}

/// `RUN@TAG` in its two parts.
fn split_tag(word: &Path) -> Option<(PathBuf, String)> {
    let (run, tag) = word.to_str()?.rsplit_once('@')?;
    Some((PathBuf::from(run), parse_tag(tag).ok()?))
}

/// The tags of the variants in the folder `run`, each with the stages that have it.
fn variants(run: &Path) -> BTreeMap<String, Vec<Stage>> {
    let mut variants: BTreeMap<String, Vec<Stage>> = BTreeMap::new();
    for stage in WITH_VARIANTS {
        for tag in RunDir::new(run).tags(stage) {
            variants.entry(tag).or_default().push(stage);
        }
    }
    variants
}

fn nothing_at(word: &Path) -> StoreError {
    StoreError::Missing { path: word.to_owned(), advice: EXPECTED.to_owned() }
}

fn no_variant(word: &Path, tag: &str, runs: &[PathBuf]) -> StoreError {
    let mut known: Vec<String> = Vec::new();
    for (tag, stages) in runs.iter().flat_map(|run| variants(run)) {
        let stages: Vec<&str> = stages.into_iter().map(Stage::name).collect();
        let text = format!("{tag} ({})", stages.join(", "));
        if !known.contains(&text) {
            known.push(text);
        }
    }
    let found = if known.is_empty() { "no variant at all".to_owned() } else { known.join(", ") };
    let stages = WITH_VARIANTS.map(Stage::name).join(" or ");
    let run = RunDir::new(runs.first().map_or_else(|| Path::new("RUN"), PathBuf::as_path));
    let command = one_line(&run.stage(Stage::ClusterEval, Some(tag)).command());
    let advice = format!("give one that is there, or make it, as with `{command}`");
    StoreError::invalid(word, format!("expected a variant {tag} of {stages}, found {found}"), advice)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    /// Folders of runs and variants, by their paths.
    fn make(folders: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        root
    }

    /// The choices of `word` below `root`, as `path@tag`.
    fn chosen(root: &Path, word: &str) -> Result<Vec<String>, String> {
        let given = choices(&[root.join(word)]).map_err(|error| error.to_string())?;
        let choices = given.choices.iter().map(|choice| {
            let path = choice.path.strip_prefix(root).unwrap().display().to_string();
            choice.tag.iter().fold(path, |path, tag| format!("{path} with {tag}"))
        });
        Ok(choices.collect())
    }

    #[test]
    fn a_pattern_means_what_a_shell_makes_of_it() {
        let root = make(&["cae-32", "cae-32-seed1", "cae-2", ".cae-32-hidden", "odd[1]"]);
        assert_eq!(chosen(root.path(), "cae-32*").unwrap(), ["cae-32", "cae-32-seed1"]);
        assert_eq!(chosen(root.path(), "cae-?").unwrap(), ["cae-2"]);
        assert_eq!(chosen(root.path(), "*32*").unwrap(), ["cae-32", "cae-32-seed1"]);
        // A folder that is there is meant as it is written.
        assert_eq!(chosen(root.path(), "odd[1]").unwrap(), ["odd[1]"]);
        let error = chosen(root.path(), "cvae*").unwrap_err();
        assert!(error.contains("cvae* is missing: expected the folder of a run"), "{error}");
        assert!(chosen(root.path(), "cae-[").unwrap_err().contains("mend the pattern"));
    }

    #[test]
    fn a_tag_chooses_a_variant() {
        let root =
            make(&["cae-32/cluster-eval@k20", "cae-32/latent-classify@short", "cae-2/cluster-eval", "with@sign"]);
        assert_eq!(chosen(root.path(), "cae-32@k20").unwrap(), ["cae-32 with k20"]);
        assert_eq!(chosen(root.path(), "with@sign").unwrap(), ["with@sign"]);
        let error = chosen(root.path(), "cae-32@k5").unwrap_err();
        assert!(
            error.contains("a variant k5") && error.contains("k20 (cluster-eval), short (latent-classify)"),
            "{error}"
        );
        let error = chosen(root.path(), "cae-2@k5").unwrap_err();
        assert!(error.contains("found no variant at all") && error.contains("--tag k5"), "{error}");
        assert!(chosen(root.path(), "none@k5").unwrap_err().contains("none is missing"));
    }

    /// What is said to be run may be run as it stands.
    #[test]
    fn a_folders_name_is_one_word_of_the_advice() {
        let root = make(&["a; rm b/cluster-eval"]);
        let error = chosen(root.path(), "a; rm b@k5").unwrap_err();
        let expected = format!("`cluster-eval --run '{}' --tag k5`", root.path().join("a; rm b").display());
        assert!(error.contains(&expected), "{error}");
    }

    #[test]
    fn runs_without_the_variant_are_told_apart_in_a_pattern() {
        let root = make(&["cae-32/cluster-eval@k20", "cae-2/cluster-eval"]);
        let given = choices(&[root.path().join("*@k20")]).unwrap();
        assert_eq!(given.choices.len(), 1);
        assert_eq!(given.without_variant, [root.path().join("cae-2")]);
    }

    #[test]
    fn where_no_variant_can_be_chosen_a_tag_is_no_part_of_a_path() {
        let root = make(&["cae-32/cluster-eval@k20"]);
        assert_eq!(folders(&[root.path().join("cae*")]).unwrap(), [root.path().join("cae-32")]);
        assert!(folders(&[root.path().join("cae-32@k20")]).is_err());
    }
}

//! `summary.md` and `summary.json`, each replaced in one step.

use std::fs;
use std::path::{Path, PathBuf};

use run_store::{ArtifactsDir, StoreError, document_text, replace_file};

use crate::collect::Run;
use crate::summary::Summary;

/// Where the summary of `runs` is written unless said otherwise: the folder that holds the first of them.
#[must_use]
pub fn default_folder(runs: &[Run]) -> Option<PathBuf> {
    let path = runs.first()?.dir.path();
    match (path.file_name(), path.parent()) {
        (Some(_), Some(parent)) if parent.as_os_str().is_empty() => Some(PathBuf::from(".")),
        (Some(_), Some(parent)) => Some(parent.to_owned()),
        // Such as `.`, whose parent only its full path shows.
        _ => path.canonicalize().ok()?.parent().map(Path::to_owned),
    }
}

/// Writes `summary` and its tables in Markdown to `folder`, which is created if need be; returns the two paths.
///
/// # Errors
/// The folder or a file cannot be written; what was there before then remains.
pub fn write_summary(folder: &Path, summary: &Summary, markdown: &str) -> Result<[PathBuf; 2], StoreError> {
    fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
    let artifacts = ArtifactsDir::new(folder);
    let paths = [artifacts.summary_markdown(), artifacts.summary_json()];
    let [for_people, for_programs] = &paths;
    replace_file(for_people, |partial| fs::write(partial, markdown).map_err(StoreError::io("write", for_people)))?;
    // It is of many runs, and no document of one: it may be as long as they make it.
    let text = document_text(summary).map_err(|error| {
        StoreError::invalid(for_programs, format!("the summary cannot be written: {error}"), "report this")
    })?;
    replace_file(for_programs, |partial| fs::write(partial, &text).map_err(StoreError::io("write", for_programs)))?;
    Ok(paths)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use run_store::{ModelKind, read_document};

    use super::*;
    use crate::collect::collect;
    use crate::testing::Example;

    fn example(folder: &Path) -> Vec<Run> {
        Example::new(folder, "cae-32", ModelKind::Cae, 32).all().cluster(Some("k20"), 20, 0.6);
        collect(&[folder.join("cae-32")]).unwrap().runs
    }

    #[test]
    fn what_is_written_is_what_is_printed_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let runs = example(folder.path());
        assert_eq!(default_folder(&runs).unwrap(), folder.path());
        let summary = Summary::of(runs);
        let [markdown, json] = write_summary(folder.path(), &summary, "tables").unwrap();
        assert_eq!(fs::read_to_string(markdown).unwrap(), "tables");
        let text = fs::read_to_string(&json).unwrap();
        assert!(text.starts_with("{\n  \"schema_version\": 1,\n"), "{text}");
        assert_eq!(text, summary.json().unwrap());
        assert_eq!(read_document::<Summary>(&json).unwrap(), summary);
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["cae-32", "summary.json", "summary.md"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.md");
        fs::write(&path, "old").unwrap();
        let failed = replace_file(&path, |partial| {
            fs::write(partial, "half").unwrap();
            Err(StoreError::invalid(&path, "no room", "make some"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let summary = Summary::of(example(folder.path()));
        let blocked = folder.path().join("file");
        fs::write(&blocked, "").unwrap();
        let error = write_summary(&blocked, &summary, "").unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot create {}", blocked.display())), "{error}");
    }
}

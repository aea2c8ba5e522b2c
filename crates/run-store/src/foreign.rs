//! What lies in a stage's folder and is no stage's: people's own files, which would go with the old result when a new one comes.

use std::collections::BTreeSet;
use std::fs;

use crate::document::read_document;
use crate::error::{Result, StoreError};
use crate::layout::{StageDir, file};
use crate::manifest::Manifest;
use crate::replace::is_folder;

/// Checks that all that is in the folder of `dir` may go when a new result takes its place: what the stage writes, what the
/// manifest there records, and hidden files, as file managers leave them everywhere.
///
/// # Errors
/// There is something else, or the folder cannot be read.
pub(crate) fn check_own(dir: &StageDir) -> Result<()> {
    let folder = dir.path();
    // Of a link only the link goes.
    if !is_folder(&folder) {
        return Ok(());
    }
    let stage = dir.stage();
    // Earlier versions may have written files of other names. Of a damaged manifest only the names of today are known.
    let recorded = read_document::<Manifest>(&dir.file(file::MANIFEST)).map(|manifest| manifest.outputs);
    let recorded = recorded.unwrap_or_default();
    let recorded = recorded.keys().filter_map(|path| path.split('/').next());
    let own: BTreeSet<&str> =
        stage.outputs().iter().chain(stage.outputs_of_some()).chain(OF_ALL).copied().chain(recorded).collect();
    let mut others = BTreeSet::new();
    for entry in fs::read_dir(&folder).map_err(StoreError::io("read", &folder))? {
        let name = entry.map_err(StoreError::io("read", &folder))?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && !own.contains(name.as_str()) {
            others.insert(name);
        }
    }
    let Some(first) = others.first() else { return Ok(()) };
    let more = if others.len() > 1 { format!(" and {} more", others.len() - 1) } else { String::new() };
    let problem = format!("expected only what {stage} writes, found {first}{more}, which a new result would take away");
    Err(StoreError::invalid(&folder, problem, "move it away, or give another --run"))
}

/// What every stage may have in its folder.
const OF_ALL: &[&str] = &[file::MANIFEST, file::CHECKPOINT];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::layout::{RunDir, Stage};
    use crate::manifest::Environment;
    use crate::plan::{Plan, Reason};
    use crate::work::Work;

    fn dir(folder: &tempfile::TempDir) -> StageDir {
        RunDir::new(folder.path().join("run")).stage(Stage::ClusterEval, None)
    }

    fn begin(dir: &StageDir) -> Result<Work> {
        Plan::new(dir.clone(), &json!({})).unwrap().begin(Reason::First)
    }

    fn commit(dir: &StageDir, names: &[&str]) {
        let work = begin(dir).unwrap();
        for name in names {
            fs::write(work.file(name), *name).unwrap();
        }
        let environment =
            Environment { threads: 1, device: "cpu".to_owned(), precision: "f32".to_owned(), libtorch: None };
        work.commit(environment).unwrap();
    }

    /// A run's name may be that of any folder, such as one with the sources of a program called as a stage is.
    #[test]
    fn a_folder_of_somebody_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let dir = dir(&folder);
        fs::create_dir_all(dir.file("src")).unwrap();
        fs::write(dir.file("Cargo.toml"), "[package]").unwrap();
        let error = begin(&dir).unwrap_err().to_string();
        assert!(error.contains("found Cargo.toml and 1 more, which a new result would take away"), "{error}");
        assert!(error.contains("give another --run"), "{error}");
        assert_eq!(fs::read_to_string(dir.file("Cargo.toml")).unwrap(), "[package]");
        assert!(!dir.partial().exists());
    }

    #[test]
    fn a_note_beside_a_result_keeps_it_from_being_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let dir = dir(&folder);
        commit(&dir, &[file::METRICS]);
        fs::write(dir.file("notes.txt"), "mine").unwrap();
        let error = begin(&dir).unwrap_err().to_string();
        assert!(error.contains("expected only what cluster-eval writes, found notes.txt, which"), "{error}");
        assert_eq!(fs::read_to_string(dir.file("notes.txt")).unwrap(), "mine");
        fs::remove_file(dir.file("notes.txt")).unwrap();
        commit(&dir, &[file::METRICS]);
    }

    /// With a damaged manifest, without one, with files of an earlier version and with what file managers leave.
    #[test]
    fn results_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let dir = dir(&folder);
        commit(&dir, &["written-by-an-earlier-version", file::METRICS]);
        fs::write(dir.file(".DS_Store"), "").unwrap();
        commit(&dir, &[file::METRICS]);
        fs::write(dir.file(file::MANIFEST), "damaged").unwrap();
        commit(&dir, &[file::METRICS]);
        fs::remove_file(dir.file(file::MANIFEST)).unwrap();
        commit(&dir, &[file::METRICS]);
    }
}

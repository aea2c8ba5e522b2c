#![allow(clippy::unwrap_used)]

use std::fs;

use run_store::{ModelKind, file, read_document};
use serde_json::json;

use super::*;
use crate::testing::{Example, without_hashes};

fn whole(folder: &Path) -> Example {
    Example::new(folder, "cae-32", ModelKind::Cae, 32).all().cluster(Some("k20"), 20, 0.6)
}

fn verified(folder: &Path) -> VerifiedRun {
    verify(&[folder.join("cae-32")]).unwrap().runs.remove(0)
}

/// What was found, as `kind stage file`, in the order found.
fn found(folder: &Path) -> Vec<String> {
    let findings = verified(folder).findings;
    findings.iter().map(|finding| format!("{:?} {} {}", finding.kind, finding.stage, finding.file)).collect()
}

/// The lines for people, with the folder's own path taken out.
fn lines(folder: &Path) -> String {
    let text = verify(&[folder.join("cae-32")]).unwrap().terminal();
    without_hashes(&text.replace(&folder.display().to_string(), "artifacts"))
}

/// The same without the files' length, which is another test's.
fn lines_without_length(folder: &Path) -> String {
    let lines = lines(folder);
    let (before, after) = lines.split_once(" files, ").unwrap();
    let (length, after) = after.split_once(": ").unwrap();
    assert!(length.ends_with(" kB"), "{length}");
    format!("{before} files: {after}")
}

/// Every file below `folder` with its content and the time of its last change.
fn states(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut states = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            states.extend(self::states(&path));
        } else {
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            states.insert(path.clone(), (fs::read(&path).unwrap(), modified));
        }
    }
    states
}

#[test]
fn a_whole_run_is_one_line_and_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    whole(folder.path());
    let before = states(folder.path());
    let expected = "artifacts/cae-32: 5 stages, 1 variant, 20 files: as recorded\n";
    assert_eq!(lines_without_length(folder.path()), expected);
    assert!(verified(folder.path()).holds());
    assert_eq!(states(folder.path()), before);
}

#[test]
fn what_became_of_outputs_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let run = whole(folder.path()).dir;
    let file = |stage, name| run.stage(stage, None).file(name);
    let metrics = file(Stage::ClusterEval, file::METRICS);
    fs::write(&metrics, fs::read_to_string(&metrics).unwrap().replace('0', "9")).unwrap();
    fs::remove_file(run.stage(Stage::ClusterEval, Some("k20")).file(file::KMEANS)).unwrap();
    fs::create_dir(file(Stage::ReconEval, "mine")).unwrap();
    fs::write(file(Stage::ReconEval, "mine/notes.txt"), "").unwrap();
    assert_eq!(
        found(folder.path()),
        [
            "Changed cluster-eval metrics.json",
            "Missing cluster-eval@k20 kmeans.bin",
            "Unrecorded recon-eval mine/notes.txt",
        ]
    );
    insta::assert_snapshot!(lines_without_length(folder.path()));
}

#[cfg(unix)]
#[test]
fn what_cannot_be_an_output_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let run = whole(folder.path()).dir;
    let latents = run.stage(Stage::LatentExport, None).file(file::TRAIN_LATENTS);
    let elsewhere = folder.path().join("elsewhere.parquet");
    fs::rename(&latents, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &latents).unwrap();
    assert_eq!(found(folder.path()), ["Changed latent-export train.parquet"]);
    let text = lines(folder.path());
    assert!(text.contains(", found a link, or something else than a file\n"), "{text}");
    fs::remove_file(&latents).unwrap();
    fs::write(&latents, "other").unwrap();
    let text = lines(folder.path());
    assert!(text.contains(", found 5 bytes in the place of "), "{text}");
}

#[test]
fn a_damaged_output_is_said_once_and_not_of_its_readers() {
    let folder = tempfile::tempdir().unwrap();
    let run = whole(folder.path()).dir;
    let latents = run.stage(Stage::LatentExport, None).file(file::TRAIN_LATENTS);
    fs::write(&latents, "other").unwrap();
    assert_eq!(found(folder.path()), ["Changed latent-export train.parquet"]);
    // What is gone can be read by nobody: the stage that wrote it misses it, its readers only cannot be held against it.
    fs::remove_file(&latents).unwrap();
    assert_eq!(found(folder.path()), ["Missing latent-export train.parquet"]);
    assert_eq!(verified(folder.path()).gone_input_count, 3);
}

#[test]
fn a_replaced_input_makes_its_readers_outdated() {
    let folder = tempfile::tempdir().unwrap();
    whole(folder.path()).epochs(5).train();
    assert_eq!(
        found(folder.path()),
        [
            "InputReplaced latent-export ae-train/weights.safetensors",
            "InputReplaced recon-eval ae-train/weights_by_epoch.safetensors",
        ]
    );
    let text = lines(folder.path());
    assert!(text.contains("latent-export is outdated: its input ae-train/weights.safetensors was "), "{text}");
    assert!(
        text.contains("    latent-export --run artifacts/cae-32\n    recon-eval --run artifacts/cae-32\n"),
        "{text}"
    );
}

#[test]
fn an_input_from_elsewhere_is_held_against_its_own_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let other = Example::new(folder.path(), "other", ModelKind::Cae, 2).train().dir;
    whole(folder.path());
    // As a run reads its dataset: from another folder, with a manifest of its own beside it.
    let run = RunDir::new(folder.path().join("cae-32"));
    let manifest = run.stage(Stage::LatentExport, None).file(file::MANIFEST);
    let weights = other.stage(Stage::AeTrain, None).file(file::WEIGHTS);
    let (content, _) = hash_file(&weights).unwrap();
    let mut document: serde_json::Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    let path = format!("../other/ae-train/{}", file::WEIGHTS);
    document["inputs"]["weights.safetensors"] = json!({ "path": path, "blake3": content });
    fs::write(&manifest, document.to_string()).unwrap();
    // Only the manifest's fingerprint tells.
    assert_eq!(found(folder.path()), ["Edited latent-export manifest.json"]);
    fs::write(&weights, "other").unwrap();
    assert_eq!(found(folder.path())[1], format!("InputChanged latent-export {path}"));
    let command = verified(folder.path()).findings[1].command.clone().unwrap();
    assert!(command.starts_with("ae-train --run ") && command.ends_with("/other"), "{command}");
    fs::remove_file(other.stage(Stage::AeTrain, None).file(file::MANIFEST)).unwrap();
    assert_eq!(found(folder.path())[1], format!("InputReplaced latent-export {path}"));
    fs::remove_file(&weights).unwrap();
    assert_eq!(found(folder.path()).len(), 1);
    assert!(lines(folder.path()).contains("; 1 input is no longer where it was read\n"), "{}", lines(folder.path()));
}

#[test]
fn what_became_of_manifests_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let example = whole(folder.path()).parameter(Stage::ClusterEval, "k", json!(11)).newer_manifest(Stage::ReconEval);
    let (run, variant) = (&example.dir, example.dir.stage(Stage::ClusterEval, Some("k20")));
    fs::rename(variant.path(), run.path().join("cluster-eval@k30")).unwrap();
    fs::remove_file(run.stage(Stage::LatentClassify, None).file(file::MANIFEST)).unwrap();
    assert_eq!(
        found(folder.path()),
        [
            "Edited cluster-eval manifest.json",
            "Misplaced cluster-eval@k30 manifest.json",
            "Unfinished latent-classify manifest.json",
            "Unreadable recon-eval manifest.json",
        ]
    );
    insta::assert_snapshot!(lines_without_length(folder.path()));
}

/// A run is one line, and so is whatever its folder is called.
#[test]
fn a_folders_name_makes_no_line_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let name = "x\ncae-32: 5 stages, 20 files, 19 kB: as recorded";
    Example::new(folder.path(), name, ModelKind::Cae, 32).train();
    let text = verify(&[folder.path().join(name)]).unwrap().terminal();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(r"x\u000acae-32: 5 stages"), "{text}");
}

#[test]
fn a_verification_is_a_document() {
    let folder = tempfile::tempdir().unwrap();
    let run = whole(folder.path()).dir;
    fs::write(run.stage(Stage::ClusterEval, None).file(file::METRICS), "other").unwrap();
    let verification = verify(&[folder.path().join("cae-32")]).unwrap();
    let text = verification.json().unwrap();
    assert!(text.starts_with("{\n  \"schema_version\": 1,\n"), "{text}");
    assert!(!verification.holds());
    let path = folder.path().join("verification.json");
    fs::write(&path, text).unwrap();
    assert_eq!(read_document::<Verification>(&path).unwrap(), verification);
}

#[test]
fn files_and_repeated_folders_are_passed_over_and_empty_ones_named() {
    let folder = tempfile::tempdir().unwrap();
    whole(folder.path());
    fs::write(folder.path().join("README.md"), "").unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let paths = ["README.md", "cae-32/", "cae-32", "empty"].map(|name| folder.path().join(name));
    let verification = verify(&paths).unwrap();
    assert_eq!((verification.runs.len(), verification.skipped), (1, vec![folder.path().join("empty")]));
}

#[test]
fn lengths_are_read_in_their_own_unit() {
    let size = super::text::size;
    assert_eq!([0, 1, 999_000, 1_250_000, 48_100_000].map(size), ["0 kB", "1 kB", "999 kB", "1.2 MB", "48 MB"]);
}

//! Figures of refined models, whose epochs, losses and stages are others than those of trained ones.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use run_store::{ModelKind, RunDir, Stage, file};

use super::tests::{catalogue, drawn, example};
use super::*;
use crate::collect::refined::refine;
use crate::drawing::{Outline, Weight, width};
use crate::testing::Example;

/// A whole run `cae-32`, and one that was refined from it.
fn refined(folder: &Path, name: &str) -> RunDir {
    cae(folder, "cae-32").all();
    refine(cae(folder, name).all(), "cae-32").dir
}

fn cae(folder: &Path, name: &str) -> Example {
    example(folder, name, ModelKind::Cae, 32)
}

/// The words of the one drawing that `draw` makes of the runs `names`.
fn words(draw: Draw, folder: &Path, names: &[&str]) -> String {
    drawn(draw, folder, names).texts().join(" ")
}

#[test]
fn epochs_and_losses_of_refined_models_are_said_to_be_others() {
    let folder = tempfile::tempdir().unwrap();
    refined(folder.path(), "cae-32+refined");
    let said = |draw: Draw, sentences: [&str; 2]| {
        [&["cae-32"][..], &["cae-32+refined"], &["cae-32", "cae-32+refined"]].map(|names| {
            let words = words(draw, folder.path(), names);
            sentences.map(|sentence| words.contains(sentence))
        })
    };
    let by_runs = [[true, false], [false, true], [true, true]];
    assert_eq!(said(losses::draw, ["while it trained, with", "epoch of refining, without dropout"]), by_runs);
    let readability = ["0 is the untrained model", "epoch 0 is the model that refining began with"];
    assert_eq!(said(readability::draw, readability), by_runs);
    let of_refining = "Epochs of refined models are those of refining.";
    assert_eq!(said(task1::draw, ["original", of_refining]), [[true, false], [true, true], [true, true]]);
}

#[test]
fn costs_are_those_of_the_stage_that_had_them() {
    let folder = tempfile::tempdir().unwrap();
    refined(folder.path(), "cae-32+refined");
    let legend = |names: &[&str]| {
        let scene = drawn(cost::draw, folder.path(), names);
        ["ae-train", "ae-refine"].map(|stage| scene.texts().contains(&stage))
    };
    assert_eq!(legend(&["cae-32"]), [true, false]);
    assert_eq!(legend(&["cae-32+refined"]), [false, true]);
    assert_eq!(legend(&["cae-32", "cae-32+refined"]), [true, true]);
    // Each of the two has a bar in both panels and a place in the legend.
    let scene = drawn(cost::draw, folder.path(), &["cae-32", "cae-32+refined"]);
    let shapes = scene.shapes();
    let fills = shapes.iter().filter(|(outline, ..)| matches!(outline, Outline::Rectangle { .. }));
    let mut paints: Vec<String> = fills.map(|(_, fill, _)| format!("{fill:?}")).collect();
    let count = paints.len();
    paints.sort();
    paints.dedup();
    assert_eq!((count, paints.len()), (2 * 2 * 5 + 6, 6));
}

/// The words that begin as the headings of the panels do.
fn headings(folder: &Path, name: &str, gaps: &mut Gaps) -> Vec<String> {
    let drawings = refinement::draw(&catalogue(folder, &[name]), gaps);
    let texts = drawings[0].scene.texts();
    let is_heading = |text: &&&str| text.starts_with("Before: ") || text.starts_with("After: ");
    texts.iter().filter(is_heading).map(|text| (*text).to_owned()).collect()
}

#[test]
fn accuracies_are_those_of_clusters_of_the_latents_that_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let run = refined(folder.path(), "cae-32+refined");
    let mut gaps = Gaps::default();
    let whole = headings(folder.path(), "cae-32+refined", &mut gaps);
    assert_eq!(whole, ["Before: cae-32, K-means 49.8 %", "After: cae-32+refined, K-means 49.8 %"]);
    assert_eq!(gaps.lines(), [] as [&str; 0]);

    // The latents were exported anew after they were clustered.
    for run in [&run, &RunDir::new(folder.path().join("cae-32"))] {
        let path = run.stage(Stage::ClusterEval, None).file(file::MANIFEST);
        let mut manifest: run_store::Manifest = run_store::read_document(&path).unwrap();
        manifest.inputs.get_mut(file::TRAIN_LATENTS).unwrap().blake3 = run_store::hash_bytes(b"earlier latents");
        run_store::write_document(&path, &manifest).unwrap();
    }
    let outdated = headings(folder.path(), "cae-32+refined", &mut gaps);
    assert_eq!(outdated, ["Before: cae-32", "After: cae-32+refined"]);
    let lines = gaps.lines();
    let is_said = |line: &String| {
        line.starts_with("cae-32+refined is left out of refinement's accuracies: ")
            && line.contains("expected clusters of the run's latents")
    };
    assert!(lines.len() == 2 && lines.iter().all(is_said), "{lines:?}");
}

#[test]
fn a_long_name_stays_in_its_panel() {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("{}+refined", "of-a-".repeat(30));
    refined(folder.path(), &name);
    let headings = headings(folder.path(), &name, &mut Gaps::default());
    for heading in &headings {
        assert!(width(heading, style::HEADING, Weight::Semibold) < 432.0, "{heading}");
    }
    assert!(headings[1].starts_with("After: …") && headings[1].ends_with("+refined, K-means 49.8 %"), "{headings:?}");
}

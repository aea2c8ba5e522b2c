//! What runs are called in figures, and which stand together.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use run_store::ModelKind;

use super::*;
use crate::collect::collect;
use crate::collect::refined::refine;
use crate::testing::Example;

fn catalogue(folder: &Path, names: &[&str]) -> Catalogue {
    let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    Catalogue::of(collect(&paths).unwrap().runs)
}

#[test]
fn runs_that_differ_only_by_seed_share_label_and_colour() {
    let folder = tempfile::tempdir().unwrap();
    let cae = |name| Example::new(folder.path(), name, ModelKind::Cae, 32);
    cae("cae-32").all();
    cae("cae-32-seed1").seed(1).train();
    cae("copy").seed(1).train();
    Example::new(folder.path(), "ae-2", ModelKind::Ae, 2).train();
    let catalogue = catalogue(folder.path(), &["cae-32", "copy", "cae-32-seed1", "ae-2"]);
    let called: Vec<(&str, &str)> =
        catalogue.entries.iter().map(|entry| (entry.name.as_str(), entry.label.as_str())).collect();
    let expected = [("ae-2", "AE 2"), ("cae-32", "CAE 32"), ("cae-32-seed1", "CAE 32"), ("copy", "copy")];
    assert_eq!(called, expected);
    assert_eq!(catalogue.entries[1].colour, catalogue.entries[2].colour);
    assert_ne!(catalogue.entries[0].colour, catalogue.entries[1].colour);

    let mut gaps = Gaps::default();
    let read = |entry: &Entry, _: &mut Gaps| Ok(Some(entry.name.clone()));
    let series = catalogue.series("losses", &[Stage::AeTrain], false, &mut gaps, read);
    let members: Vec<(String, Vec<String>)> =
        series.iter().map(|series| (series.title(), series.members.clone())).collect();
    let expected = [("AE 2", vec!["ae-2"]), ("CAE 32 (n = 2)", vec!["cae-32", "cae-32-seed1"])];
    assert_eq!(
        members,
        expected.map(|(title, names)| { (title.to_owned(), names.into_iter().map(str::to_owned).collect::<Vec<_>>()) })
    );
    // Of two runs of one seed the second is no further one.
    let [line] = &gaps.lines()[..] else { panic!("{:?}", gaps.lines()) };
    assert!(line.starts_with("copy is left out of losses: it differs from cae-32-seed1 in nothing"), "{line}");
}

#[test]
fn refined_runs_are_called_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let cae = |name: &str, seed| Example::new(folder.path(), name, ModelKind::Cae, 32).seed(seed);
    for (seed, name) in [(0, "cae-32"), (1, "cae-32-seed1")] {
        cae(name, seed).train();
        refine(cae(&format!("{name}+refined"), seed).all(), name);
    }
    let entries = catalogue(folder.path(), &["cae-32+refined", "cae-32-seed1+refined", "cae-32"]).entries;
    let labels: Vec<&str> = entries.iter().map(|entry| entry.label.as_str()).collect();
    assert_eq!(labels, ["CAE 32", "cae-32+refined", "cae-32+refined"]);
}

#[test]
fn groups_that_share_a_label_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["cae-32-a-seed0", "cae-32-a-seed1", "cae-32-a-seed2", "cae-32-a-seed3"];
    for (name, (seed, epochs)) in names.into_iter().zip([(0, 20), (1, 20), (2, 5), (3, 5)]) {
        Example::new(folder.path(), name, ModelKind::Cae, 32).seed(seed).epochs(epochs).train();
    }
    let entries = catalogue(folder.path(), &names).entries;
    let labels: Vec<&str> = entries.iter().map(|entry| entry.label.as_str()).collect();
    let [one, other] = ["cae-32-a-seed0 …", "cae-32-a-seed2 …"];
    assert_eq!(labels, [one, one, other, other]);
}

#[test]
fn series_of_one_training_are_told_apart_by_what_came_later() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["cae-32", "cae-32-seed1", "cae-32-seed2", "cae-32-seed3"];
    for (name, (seed, clusters)) in names.into_iter().zip([(0, 10), (1, 10), (2, 20), (3, 20)]) {
        let run = Example::new(folder.path(), name, ModelKind::Cae, 32).seed(seed).train().export();
        run.cluster(None, clusters, 0.5);
    }
    let catalogue = catalogue(folder.path(), &names);
    let titles = |stage: Stage| {
        let read = |_: &Entry, _: &mut Gaps| Ok(Some(()));
        let series = catalogue.series("figure", &[stage], false, &mut Gaps::default(), read);
        series.iter().map(Series::title).collect::<Vec<_>>()
    };
    assert_eq!(titles(Stage::AeTrain), ["CAE 32 (n = 4)"]);
    assert_eq!(titles(Stage::ClusterEval), ["cae-32 … (n = 2)", "cae-32-seed2 … (n = 2)"]);
}

#[test]
fn the_run_that_is_shown_is_the_one_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["cae-32", "cae-32-seed1", "cae-32-seed2"];
    for (name, seed) in names.into_iter().zip(0..) {
        Example::new(folder.path(), name, ModelKind::Cae, 32).seed(seed).train();
    }
    let catalogue = catalogue(folder.path(), &names);
    let mut gaps = Gaps::default();
    let series = catalogue.series("figure", &[], true, &mut gaps, |entry, _| match entry.name.as_str() {
        "cae-32" => Err(StoreError::invalid(entry.run.dir.path(), "found nothing", "look again")),
        name => Ok(Some(name)),
    });
    assert_eq!(series[0].members, ["cae-32-seed1"]);
    let said = said_of_first(&series[0]).unwrap();
    assert_eq!(said, "Of 3 runs that differ only by seed this is cae-32-seed1.");
}

#[test]
fn models_trained_differently_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let cae = |name| Example::new(folder.path(), name, ModelKind::Cae, 32);
    cae("cae-32-short").epochs(5).train();
    cae("other").epochs(7).train();
    let labels = |names: &[&str]| {
        let entries = catalogue(folder.path(), names).entries;
        entries.into_iter().map(|entry| entry.label).collect::<Vec<_>>()
    };
    assert_eq!(labels(&["cae-32-short"]), ["CAE 32"]);
    assert_eq!(labels(&["cae-32-short", "other"]), ["CAE 32 short", "other"]);
    cae("cae-32").train();
    assert_eq!(labels(&["other", "cae-32", "cae-32-short"]), ["CAE 32", "CAE 32 short", "other"]);
}

#[test]
fn models_of_one_kind_have_a_pair_of_colours() {
    let folder = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for (kind, latent_dim) in [(ModelKind::Ae, 2), (ModelKind::Cae, 2), (ModelKind::Cae, 3), (ModelKind::Cae, 4)] {
        names.push(format!("{kind}-{latent_dim}"));
        Example::new(folder.path(), &names[names.len() - 1], kind, latent_dim).train();
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let colours: Vec<Colour> = catalogue(folder.path(), &names).entries.iter().map(|entry| entry.colour).collect();
    assert_eq!(colours, [0, 2, 3, 4].map(style::series));
}

#[test]
fn what_a_run_lacks_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    Example::new(folder.path(), "cae-32", ModelKind::Cae, 32).train();
    let catalogue = catalogue(folder.path(), &["cae-32"]);
    let mut gaps = Gaps::default();
    for figure in ["latents", "confusion", "latents"] {
        let read = |_: &Entry, _: &mut Gaps| Ok(Some(()));
        assert!(catalogue.series(figure, &[Stage::ClusterEval], true, &mut gaps, read).is_empty());
    }
    let [line] = &gaps.lines()[..] else { panic!("{:?}", gaps.lines()) };
    assert!(
        line.starts_with(
            "cae-32 is left out of latents, confusion: cluster-eval is not there; run `cluster-eval --run"
        ),
        "{line}"
    );
}

//! What a page holds. How it behaves is tested in a browser, in `tests/pipeline`.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use run_store::{Dataset, LabelledImages, ModelKind, Stage};

use super::*;
use crate::collect::collect;
use crate::testing::Example;

fn of(folder: &Path, names: &[&str], limit: usize) -> (String, Vec<String>) {
    let paths: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
    page(collect(&paths).unwrap().runs, limit).unwrap()
}

fn count(page: &str, text: &str) -> usize {
    page.matches(text).count()
}

#[test]
fn every_part_of_a_study_is_there() {
    let folder = tempfile::tempdir().unwrap();
    Example::new(folder.path(), "cvae-2", ModelKind::Cvae, 2).all();
    Example::new(folder.path(), "cae-32", ModelKind::Cae, 32).all();
    Example::new(folder.path(), "cae-32-seed1", ModelKind::Cae, 32).seed(1).all();
    let names = ["cae-32", "cvae-2", "cae-32-seed1"];
    let (page, left_out) = of(folder.path(), &names, PAGE_LIMIT);
    for id in ["answer", "runs", "sheets", "explorer", "figures", "tables"] {
        assert_eq!(count(&page, &format!("<section id=\"{id}\">")), 1, "{id}");
    }
    assert_eq!(count(&page, "class=\"choose\""), 3);
    assert!(page.contains("cae-32 (n = 2)"), "no row of means");
    for figure in
        ["losses", "readability", "classifier", "confusion-cae-32", "confusion-cvae-2", "prior-cvae-2", "cost"]
    {
        assert_eq!(count(&page, &format!("id=\"figure-{figure}\"")), 1, "{figure}");
    }
    assert_eq!(count(&page, "<div role=\"img\" aria-label=\"Losses: losses\"><svg"), 1);
    // The prepared dataset of these runs is nowhere, so that their digits cannot be shown, and nothing else is left out.
    assert!(left_out.iter().all(|line| line.contains("the latent explorer's digits")), "{left_out:?}");
    assert!(of(folder.path(), &names, PAGE_LIMIT).0 == page, "the same runs give another page");
    // A page that nobody has to be asked for: what looks like an address is a name of SVG's.
    assert_eq!(count(&page, "://"), count(&page, "http://www.w3.org/2000/svg"));
    assert!(page.contains("default-src &#x27;none&#x27;"));
}

#[test]
fn what_is_not_there_is_named_and_the_rest_shown() {
    let folder = tempfile::tempdir().unwrap();
    Example::new(folder.path(), "cae-32", ModelKind::Cae, 32).train();
    let (page, left_out) = of(folder.path(), &["cae-32"], PAGE_LIMIT);
    assert_eq!(count(&page, "<section id=\"sheets\">"), 1);
    assert_eq!(count(&page, "<section id=\"explorer\">"), 0);
    assert!(page.contains("Not everything is there.") && page.contains("latent-export --run"));
    assert!(left_out.iter().any(|line| line.contains("the latent explorer") && line.contains("latent-export")));
    // Without clusters the explorer is there.
    Example::new(folder.path(), "ae-2", ModelKind::Ae, 2).train().export();
    let (page, left_out) = of(folder.path(), &["ae-2"], PAGE_LIMIT);
    assert_eq!(count(&page, "<section id=\"explorer\">"), 1);
    assert!(left_out.iter().any(|line| line.contains("the latent explorer's clusters")), "{left_out:?}");
    // A model that cannot be read is left out of it.
    let weights = folder.path().join("ae-2").join(Stage::AeTrain.name()).join(run_store::file::WEIGHTS);
    std::fs::write(weights, "nothing").unwrap();
    let (page, left_out) = of(folder.path(), &["ae-2"], PAGE_LIMIT);
    assert_eq!(count(&page, "<section id=\"explorer\">"), 0);
    assert!(left_out.iter().any(|line| line.contains(run_store::file::WEIGHTS)), "{left_out:?}");
}

#[test]
fn a_page_does_not_grow_beyond_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (2..12).map(|latent_dim| format!("cae-{latent_dim}")).collect();
    for (name, latent_dim) in names.iter().zip(2..) {
        Example::new(folder.path(), name, ModelKind::Cae, latent_dim).train().export();
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let explorers = |page: &str| count(page, "\"is_latent_plane\":");
    let (all, _) = of(folder.path(), &names, PAGE_LIMIT);
    assert_eq!(explorers(&all), names.len());
    let runs = collect(&names.iter().map(|name| folder.path().join(name)).collect::<Vec<_>>()).unwrap().runs;
    let bare = Shown::of(runs).render(Extras::default()).len();
    let mut found = Vec::new();
    for limit in (bare + RESERVE..).step_by(10_000) {
        let (page, left_out) = of(folder.path(), &names, limit);
        assert!(page.len() <= limit, "{} bytes, at most {limit}", page.len());
        let without_room = left_out.iter().filter(|line| line.contains("would be too large")).count();
        found.push(explorers(&page));
        if without_room == 0 {
            break;
        }
    }
    assert_eq!(found.last(), Some(&names.len()));
    // None of them at first, and one after the other as there is more room.
    assert!(found.first() == Some(&0) && found.iter().any(|shown| (1..names.len()).contains(shown)), "{found:?}");
}

#[test]
fn more_runs_than_a_page_can_hold_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    Example::new(folder.path(), "cae-2", ModelKind::Cae, 2).all();
    let runs = collect(&[folder.path().join("cae-2")]).unwrap().runs;
    assert!(page(runs, 10_000).is_err_and(|size| size > 10_000));
}

/// A strange run costs the others no room.
#[test]
fn parameters_without_end_take_little_room() {
    let folder = tempfile::tempdir().unwrap();
    let size = || of(folder.path(), &["cae-2"], PAGE_LIMIT).0.len();
    let long = |example: Example, name: usize| {
        example.parameter(Stage::AeTrain, &format!("long {name}"), serde_json::json!("x".repeat(8_000)))
    };
    let example = Example::new(folder.path(), "cae-2", ModelKind::Cae, 2).train();
    let before = size();
    drop((0..100).fold(example, long));
    assert!(size() < before + 100 * 400, "{} bytes, {before} before", size());
}

/// Digits are those that the latents are of, or none at all.
#[test]
fn digits_of_another_dataset_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let labels: Vec<u8> = (0..40_u8).map(|image| image % 10).collect();
    let (pixels, others) = (vec![7; 40 * 16], vec![9; 40 * 16]);
    let [split, other] = [&pixels, &others].map(|pixels| LabelledImages { pixels, labels: &labels });
    let dataset = Dataset { name: "grey", height: 4, width: 4, class_count: 10, train: split, test: split };
    Example::new(folder.path(), "cae-3", ModelKind::Cae, 3).all().of_dataset(&dataset);
    let (page, left_out) = of(folder.path(), &["cae-3"], PAGE_LIMIT);
    assert!(left_out.is_empty() && page.contains("\"pixels\":{\"parcel\":"), "{left_out:?}");
    // Prepared anew from something else, after the latents were made.
    let changed = Dataset { test: other, ..dataset };
    Example::new(folder.path(), "later", ModelKind::Cae, 3).train().export().of_dataset(&changed);
    let (page, left_out) = of(folder.path(), &["cae-3"], PAGE_LIMIT);
    assert!(page.contains("\"pixels\":null"));
    let [line] = &left_out[..] else { panic!("{left_out:?}") };
    assert!(
        line.contains("the latent explorer's digits") && line.contains("the dataset that latent-export read"),
        "{line}"
    );
}

#[test]
fn names_cannot_break_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a</script><script>alert(1)<!-- \"'&";
    Example::new(folder.path(), &name.replace('/', "\u{2215}"), ModelKind::Cae, 2).all();
    let (page, _) = of(folder.path(), &[&name.replace('/', "\u{2215}")], PAGE_LIMIT);
    assert!(!page.contains("<script>alert") && !page.contains("<!--"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;!-- &quot;"));
    // One of style and script each, the data, and its parcels.
    assert_eq!(count(&page, "<script>"), 1);
}

/// A mark of direction in a name turns whatever stands behind it.
#[test]
fn names_cannot_turn_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a\u{202e}b";
    Example::new(folder.path(), name, ModelKind::Cae, 2).all();
    let (page, _) = of(folder.path(), &[name], PAGE_LIMIT);
    assert!(!page.contains('\u{202e}') && page.contains(r#""run":"a\\u202eb""#));
}

#[test]
fn the_page_is_written_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    Example::new(folder.path(), "cae-2", ModelKind::Cae, 2).all();
    let runs = || collect(&[folder.path().join("cae-2")]).unwrap().runs;
    let path = folder.path().join("new").join("report.html");
    let written = write_page(runs(), &path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), written.size as u64);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    let error = write_page(runs(), &path.join("report.html")).unwrap_err().to_string();
    assert!(error.contains("report.html"), "{error}");
}

//! Figures of runs on disk: what they hold, and what is said of those that cannot be drawn.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use run_store::{Assignments, Dataset, LabelledImages, ModelKind, RunDir, file};

use super::*;
use crate::collect::collect;
use crate::drawing::{Bitmap, Colour, Outline, Point, read_png};
use crate::testing::Example;

pub(super) fn example(folder: &Path, name: &str, model: ModelKind, latent_dim: u32) -> Example {
    Example::new(folder, name, model, latent_dim)
}

pub(super) fn catalogue(folder: &Path, names: &[&str]) -> Catalogue {
    let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    Catalogue::of(collect(&paths).unwrap().runs)
}

/// The one drawing that `draw` makes of the runs.
pub(super) fn drawn(draw: Draw, folder: &Path, names: &[&str]) -> Scene {
    let mut drawings = draw(&catalogue(folder, names), &mut Gaps::default());
    assert_eq!(drawings.len(), 1);
    drawings.remove(0).scene
}

fn write(folder: &Path, names: &[&str], out: &str) -> Figures {
    let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    let runs = collect(&paths).unwrap().runs;
    write_figures(runs, None, &FiguresDir::new(folder.join(out)), |_| {}).unwrap()
}

fn names(figures: &Figures) -> Vec<String> {
    figures.files.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// Checks that every element ends, in order, and that text holds no sign that begins one.
fn assert_well_formed(svg: &str) {
    let mut open = Vec::new();
    let mut rest = svg;
    while let Some(begin) = rest.find('<') {
        let text = &rest[..begin];
        let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
        let is_entity = |at: usize| entities.iter().any(|entity| text[at..].starts_with(entity));
        assert!(text.match_indices('&').all(|(at, _)| is_entity(at)) && !text.contains('>'), "{text}");
        let end = begin + rest[begin..].find('>').unwrap();
        let tag = &rest[begin + 1..end];
        assert!(tag.matches('"').count().is_multiple_of(2) && !tag.contains('<'), "{tag}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?}");
}

#[test]
fn every_figure_is_a_page_in_both_forms_and_the_same_twice() {
    let folder = tempfile::tempdir().unwrap();
    // Two models that share kind and latent size are called by their names.
    example(folder.path(), "a<b&c", ModelKind::Cae, 32).epochs(3).all();
    example(folder.path(), "other", ModelKind::Cae, 32).epochs(2).all();
    example(folder.path(), "cvae-2", ModelKind::Cvae, 2).all();
    let runs = ["a<b&c", "other", "cvae-2"];
    let figures = write(folder.path(), &runs, "figures");
    assert_eq!(figures.left_out, [] as [&str; 0]);
    let of_runs = |kind: &str| ["a-b-c", "other", "cvae-2"].map(|name| format!("{kind}-{name}"));
    let expected = ["task1", "losses", "readability", "classifier", "cost", "prior-cvae-2"].map(str::to_owned);
    let expected = expected.into_iter().chain(of_runs("confusion")).chain(of_runs("latents"));
    let expected: Vec<String> = expected.flat_map(|name| [format!("{name}.png"), format!("{name}.svg")]).collect();
    assert_eq!(names(&figures), expected);

    let mut called = 0;
    for path in &figures.files {
        if path.extension().is_some_and(|ending| ending == "svg") {
            let svg = fs::read_to_string(path).unwrap();
            assert_well_formed(&svg);
            assert!(svg.starts_with("<svg xmlns=") && !svg.contains("a<b"), "{}", path.display());
            called += usize::from(svg.contains("a&lt;b&amp;c"));
        } else {
            let bitmap = read_png(&fs::read(path).unwrap());
            let (right, bottom) = (bitmap.width() - 1, bitmap.height() - 1);
            assert!(right > 900 && bottom > 300, "{} {right} {bottom}", path.display());
            let corners = [(0, 0), (right, 0), (0, bottom), (right, bottom)];
            assert!(corners.iter().all(|(x, y)| bitmap.pixel(*x, *y) == Colour::WHITE), "{}", path.display());
            let is_ink = |x: u32, y: u32| bitmap.pixel(x, y) == style::INK;
            assert!((0..120).any(|y| (0..900).any(|x| is_ink(x, y))), "{} has no title", path.display());
        }
    }
    // All but the prior of the other model.
    assert_eq!(called, 7);

    let again = write(folder.path(), &runs, "again");
    for (one, other) in figures.files.iter().zip(&again.files) {
        assert!(fs::read(one).unwrap() == fs::read(other).unwrap(), "{} differs", one.display());
    }
}

#[test]
fn redrawn_digits_stand_in_the_row_of_their_epoch() {
    let folder = tempfile::tempdir().unwrap();
    example(folder.path(), "ae-2", ModelKind::Ae, 2).all();
    example(folder.path(), "cae-32", ModelKind::Cae, 32).train();
    let runs = ["ae-2", "cae-32"];
    let scene = drawn(task1::draw, folder.path(), &runs);
    // Original, epochs 1, 5, 10, 15, 20 and the last.
    let sheets = scene.images();
    assert_eq!(sheets.len(), 2 * 7);
    let greys: Vec<Colour> = sheets.iter().take(7).map(|(_, sheet)| sheet.pixel(0, 0)).collect();
    let expected = [0.0, 0.04, 0.2, 0.4, 0.6, 0.8, 1.0].map(Colour::grey);
    assert_eq!(greys, expected);
    // The sixth original is the second of the second row.
    assert_eq!(sheets[0].1.pixel(6, 6), Colour::grey(5.0 / 16.0));
    let texts = scene.texts();
    let wanted = ["AE 2", "CAE 32", "original", "epoch 1", "epoch 20", "epoch 25", "16/16", "14/16"];
    assert!(wanted.iter().all(|text| texts.contains(text)), "{texts:?}");

    // Of the judged run, the first digit of each sheet but the originals' is framed.
    let shapes = scene.shapes();
    let frames = shapes.iter().filter(|(.., line)| line.is_some_and(|line| line.paint.colour == style::ALARM));
    let frames: Vec<Point> = frames
        .map(
            |(outline, ..)| {
                if let Outline::Rectangle { corner, .. } = outline { *corner } else { panic!("{outline:?}") }
            },
        )
        .collect();
    let expected: Vec<Point> =
        sheets[1..7].iter().map(|(corner, _)| Point::new(corner.x - 0.5, corner.y - 0.5)).collect();
    assert_eq!(frames, expected);

    let mut gaps = Gaps::default();
    task1::draw(&catalogue(folder.path(), &runs), &mut gaps);
    let [line] = &gaps.lines()[..] else { panic!("{:?}", gaps.lines()) };
    assert!(line.starts_with("cae-32 is left out of task1's counts: recon-eval is not there"), "{line}");
}

#[test]
fn many_models_are_shown_in_bands() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (2..11).map(|latent_dim| format!("ae-{latent_dim}")).collect();
    for (name, latent_dim) in names.iter().zip(2..) {
        // The last epochs differ, and stand with the counts then.
        example(folder.path(), name, ModelKind::Ae, latent_dim).epochs(latent_dim + 3).train();
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let scene = drawn(task1::draw, folder.path(), &names);
    let texts = scene.texts();
    let count = |wanted: &str| texts.iter().filter(|text| **text == wanted).count();
    assert_eq!(
        [count("original"), count("last epoch"), count("AE 2"), count("AE 10"), count("epoch 13")],
        [2, 2, 1, 1, 1]
    );
    let images = scene.images();
    let [(first, _), .., (last, sheet)] = images[..] else { panic!("no sheets") };
    assert_eq!(last.x, first.x);
    assert!(last.y > first.y && last.y + f64::from(sheet.height()) < scene.height && last.x > 0.0);
}

#[test]
fn bounds_have_panels_of_their_own_and_seeds_one_curve() {
    let folder = tempfile::tempdir().unwrap();
    example(folder.path(), "cae-32", ModelKind::Cae, 32).train();
    example(folder.path(), "cae-32-seed1", ModelKind::Cae, 32).seed(1).train();
    example(folder.path(), "cvae-2", ModelKind::Cvae, 2).train();
    let scene = drawn(losses::draw, folder.path(), &["cae-32", "cae-32-seed1", "cvae-2"]);
    let texts = scene.texts();
    let count = |wanted: &str| texts.iter().filter(|text| **text == wanted).count();
    assert_eq!([count("Binary cross-entropy"), count("nats a pixel"), count("CAE 32 (n = 2)")], [1, 1, 1]);
    assert_eq!([count("Negative evidence lower bound"), count("nats an image"), count("CVAE 2")], [1, 3, 3]);
    // Train and test of the two seeds have a band, of the single run none.
    let bands = scene.shapes().iter().filter(|(outline, ..)| matches!(outline, Outline::Polygon { .. })).count();
    assert_eq!(bands, 2);
    let scene = drawn(losses::draw, folder.path(), &["cae-32"]);
    assert!(!scene.texts().contains(&"Negative evidence lower bound"));
}

/// Whether any pixel of `bitmap` has `colour`.
fn has(bitmap: &Bitmap, colour: Colour) -> bool {
    (0..bitmap.height()).any(|y| (0..bitmap.width()).any(|x| bitmap.pixel(x, y) == colour))
}

#[test]
fn latents_are_shown_by_assigned_and_by_true_digit() {
    let folder = tempfile::tempdir().unwrap();
    let two = example(folder.path(), "ae-2", ModelKind::Ae, 2).train().export().cluster(None, 10, 0.4);
    example(folder.path(), "ae-32", ModelKind::Ae, 32).train().export().cluster(None, 10, 0.4);
    let scene = drawn(latents::draw, folder.path(), &["ae-2"]);
    let [(_, assigned), (_, true_digits)] = scene.images()[..] else { panic!("two scatters") };
    let ink = |colour: Colour| Colour::WHITE.toward(colour, 0.6);
    assert!((0..9).all(|digit| has(assigned, ink(style::digit(digit))) && has(true_digits, ink(style::digit(digit)))));
    // The last cluster has no name.
    assert!(has(assigned, ink(style::UNNAMED)) && !has(assigned, ink(style::digit(9))));
    assert!(has(true_digits, ink(style::digit(9))) && !has(true_digits, ink(style::UNNAMED)));
    assert!(scene.texts().contains(&"latent z01") && scene.texts().contains(&"no name"));

    let scene = drawn(latents::draw, folder.path(), &["ae-32"]);
    assert_eq!(scene.images().len(), 4);
    let texts = scene.texts();
    assert!(texts.contains(&"t-SNE of 40 of them, by true digit"), "{texts:?}");
    assert!(texts.iter().any(|text| text.starts_with("component 1 (") && text.ends_with(" % of the variance)")));

    // Clusters of other images are refused, though the file is as it was written.
    shorten_assignments(&two.dir);
    let mut gaps = Gaps::default();
    assert!(latents::draw(&catalogue(folder.path(), &["ae-2"]), &mut gaps).is_empty());
    let [line] = &gaps.lines()[..] else { panic!("{:?}", gaps.lines()) };
    assert!(line.contains("assignments.parquet") && line.contains("each of the 40 images"), "{line}");
    assert!(line.contains("rerun cluster-eval with --force"), "{line}");
}

#[test]
fn the_least_sure_stand_first() {
    let folder = tempfile::tempdir().unwrap();
    let labels: Vec<u8> = (0..40).map(|image| image % 10).collect();
    // As bright as their index.
    let pixels: Vec<u8> = (0..40).flat_map(|image| [4 * image; 16]).collect();
    let images = LabelledImages { pixels: &pixels, labels: &labels };
    let dataset = Dataset { name: "digits", height: 4, width: 4, class_count: 10, train: images, test: images };
    example(folder.path(), "ae-2", ModelKind::Ae, 2).all().of_dataset(&dataset);
    let scene = drawn(uncertain::draw, folder.path(), &["ae-2"]);
    let shown = scene.images();
    assert_eq!(shown.len(), 40);
    assert_eq!(shown[0].1.pixel(0, 0), Colour::grey(156.0 / 255.0));
    assert_eq!(shown[39].1.pixel(0, 0), Colour::grey(0.0));
    // The tenth cluster has no name, so its four nines are in none of theirs.
    let texts = scene.texts();
    assert_eq!(texts.iter().filter(|text| **text == "no name, is 9").count(), 4);
    assert_eq!(texts.iter().filter(|text| **text == "8").count(), 4);
    assert!(texts.join(" ").contains("4 in a cluster of another digit than theirs, 10.0 %"), "{texts:?}");
    // Latents that are of no known images have no such figure, and nothing is missed.
    example(folder.path(), "cae-2", ModelKind::Cae, 2).all();
    let mut gaps = Gaps::default();
    assert!(uncertain::draw(&catalogue(folder.path(), &["cae-2"]), &mut gaps).is_empty() && gaps.lines().is_empty());
}

fn shorten_assignments(run: &RunDir) {
    let dir = run.stage(run_store::Stage::ClusterEval, None);
    let mut assignments = Assignments::read(&dir.file(file::ASSIGNMENTS)).unwrap();
    assignments.splits[0] = "test".to_owned();
    assignments.write(&dir.file(file::ASSIGNMENTS)).unwrap();
    let path = dir.file(file::MANIFEST);
    let mut manifest: run_store::Manifest = run_store::read_document(&path).unwrap();
    let record = manifest.outputs.get_mut(file::ASSIGNMENTS).unwrap();
    (record.blake3, record.bytes) = run_store::hash_file(&dir.file(file::ASSIGNMENTS)).unwrap();
    run_store::write_document(&path, &manifest).unwrap();
}

#[test]
fn counts_stand_in_their_cells() {
    let folder = tempfile::tempdir().unwrap();
    example(folder.path(), "cae-32", ModelKind::Cae, 32).all();
    let scene = drawn(confusion::draw, folder.path(), &["cae-32"]);
    let texts = scene.texts();
    assert!(
        texts.contains(&"3 (3)") && texts.contains(&"K-means, training latents: 52.8 % right by majority names"),
        "{texts:?}"
    );
    let cells = |count: &str| texts.iter().filter(|text| **text == count).count();
    // Of 20,000 images cluster 9 holds 600 nines. Of its 944 other images each cluster holds 104 of one digit, and 105 of the rest.
    assert_eq!((cells("600"), cells("104"), cells("105")), (1, 10, 80));
    // Of 4,000 images the classifier knows 3,696.
    assert_eq!((cells("370"), cells("369")), (6, 4));
}

#[test]
fn readable_shares_stand_below_the_originals() {
    let folder = tempfile::tempdir().unwrap();
    example(folder.path(), "cae-32", ModelKind::Cae, 32).all();
    let scene = drawn(readability::draw, folder.path(), &["cae-32"]);
    assert!(scene.texts().contains(&"originals 99.3 %") && scene.texts().contains(&"% of test images"));
    let markers = scene.shapes().into_iter().filter(|(outline, ..)| matches!(outline, Outline::Circle { .. })).count();
    assert_eq!(markers, 2);
}

#[test]
fn every_stage_has_a_bar_for_time_and_one_for_memory() {
    let folder = tempfile::tempdir().unwrap();
    example(folder.path(), "cae-32", ModelKind::Cae, 32).all();
    example(folder.path(), "ae-2", ModelKind::Ae, 2).train();
    let scene = drawn(cost::draw, folder.path(), &["cae-32", "ae-2"]);
    let bars = scene.shapes().into_iter().filter(|(outline, ..)| matches!(outline, Outline::Rectangle { .. })).count();
    // Five stages and one, twice; and the legend.
    assert_eq!(bars, 2 * (5 + 1) + 5);
    let texts = scene.texts();
    assert_eq!(texts.iter().filter(|text| **text == "512").count(), 6);
    assert!(
        ["12.0", "16.0", "seconds", "MiB", "Every stage had 2 threads (cpu)."].iter().all(|text| texts.contains(text)),
        "{texts:?}"
    );
}

#[test]
fn priors_are_drawn_of_variational_models_alone() {
    let folder = tempfile::tempdir().unwrap();
    example(folder.path(), "cae-2", ModelKind::Cae, 2).train();
    example(folder.path(), "cvae-2", ModelKind::Cvae, 2).train();
    let mut gaps = Gaps::default();
    let drawings = prior::draw(&catalogue(folder.path(), &["cae-2", "cvae-2"]), &mut gaps);
    assert!(gaps.lines().is_empty());
    let [drawing] = &drawings[..] else { panic!("{drawings:?}") };
    let sizes: Vec<(u32, u32)> =
        drawing.scene.images().iter().map(|(_, sheet)| (sheet.width(), sheet.height())).collect();
    // Images of 4 pixels, 5 and 3 in a row, with 2 pixels between.
    assert_eq!(sizes, [(28, 28), (16, 16)]);
    assert!(drawing.scene.texts().contains(&"9 draws"));
}

/// Its plane would have too many dimensions.
#[test]
fn the_prior_of_many_dimensions_is_drawn_without_a_plane() {
    let folder = tempfile::tempdir().unwrap();
    example(folder.path(), "cvae-32", ModelKind::Cvae, 32).train();
    let mut gaps = Gaps::default();
    let drawings = prior::draw(&catalogue(folder.path(), &["cvae-32"]), &mut gaps);
    assert_eq!(gaps.lines(), [] as [&str; 0]);
    let [drawing] = &drawings[..] else { panic!("{drawings:?}") };
    assert_eq!(drawing.scene.images().len(), 1);
    assert!(drawing.scene.texts().contains(&"9 draws"));
}

#[test]
fn a_run_without_a_stage_is_left_out_and_named() {
    let folder = tempfile::tempdir().unwrap();
    example(folder.path(), "cae-32", ModelKind::Cae, 32).train().export();
    let figures = write(folder.path(), &["cae-32"], "figures");
    let expected = ["task1", "losses", "cost"].iter().flat_map(|name| [format!("{name}.png"), format!("{name}.svg")]);
    assert_eq!(names(&figures), expected.collect::<Vec<_>>());
    let lacks =
        |stage: &str, kinds: &str| format!("cae-32 is left out of {kinds}: {stage} is not there; run `{stage} --run");
    let expected = [
        lacks("cluster-eval", "confusion, latents, uncertain"),
        lacks("latent-classify", "classifier"),
        lacks("recon-eval", "task1's counts, readability"),
    ];
    assert_eq!(figures.left_out.len(), 3);
    for (line, begin) in figures.left_out.iter().zip(expected) {
        assert!(line.starts_with(&begin), "{line}");
    }
}

#[test]
fn long_names_leave_room_for_what_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let long = "of-a-".repeat(40);
    let (one, other) = (long.clone() + "first-kind", long + "second-kind");
    example(folder.path(), &one, ModelKind::Cvae, 2).epochs(3).train();
    example(folder.path(), &other, ModelKind::Cvae, 2).epochs(2).train();
    for draw in [task1::draw as Draw, losses::draw, cost::draw] {
        let scene = drawn(draw, folder.path(), &[&one, &other]);
        assert!(scene.texts().iter().any(|text| text.starts_with('…') && text.ends_with("first-kind")));
        let shapes = scene.shapes();
        let is_inside =
            |point: &Point| (0.0..=scene.width).contains(&point.x) && (0.0..=scene.height).contains(&point.y);
        let is_right = |outline: &Outline| match outline {
            Outline::Rectangle { corner, width, height } => is_inside(corner) && *width >= 0.0 && *height >= 0.0,
            Outline::Circle { centre, .. } => is_inside(centre),
            Outline::Polyline { points } | Outline::Polygon { points } => points.iter().all(is_inside),
        };
        assert!(shapes.iter().all(|(outline, ..)| is_right(outline)));
    }
}

#[test]
fn files_have_plain_names_of_their_own() {
    let mut taken = BTreeSet::new();
    let mut free = |wanted: &str| free_name(wanted, PUNCTUATION, &mut taken);
    assert_eq!(free("latents-one/cae-32"), "latents-one-cae-32");
    assert_eq!(free("latents-one-cae-32"), "latents-one-cae-32-2");
    assert_eq!(free("latents-été\u{1b}"), "latents-été-");
}

#[test]
fn a_figure_that_is_too_large_is_not_drawn_but_named() {
    fn draw(_: &Catalogue, _: &mut Gaps) -> Vec<Drawing> {
        let sides = [("small", 7000.0), ("large", 7200.0)];
        sides.map(|(name, side)| Drawing { name: name.to_owned(), scene: Scene::new(side, side) }).to_vec()
    }
    let mut gaps = Gaps::default();
    let drawn = draw_within_bounds(draw, &Catalogue::of(Vec::new()), &mut gaps);
    assert_eq!(drawn.iter().map(|drawing| drawing.name.as_str()).collect::<Vec<_>>(), ["small"]);
    assert_eq!(gaps.lines(), ["large is not drawn: it would be 7200 × 7200 units large"]);
}

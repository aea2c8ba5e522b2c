//! Exports of runs on disk: what they hold, and what is said of what they cannot.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use run_store::{Dataset, LabelledImages, ModelKind, RunDir, Stage};

use super::*;
use crate::collect::collect_chosen;
use crate::drawing::read_grey_png;
use crate::given::choices;
use crate::testing::Example;

/// Images of the runs made for tests, of each split.
const IMAGES: usize = 40;

fn example(folder: &Path, name: &str) -> Example {
    Example::new(folder, name, ModelKind::Cae, 3)
}

/// Calls `test` with a dataset whose images are of one grey each: 3 times their position, and one more if of the test split.
fn with_dataset<T>(height: u32, width: u32, test: impl FnOnce(&Dataset<'_>) -> T) -> T {
    let labels: Vec<u8> = (0..IMAGES).map(|image| (image % 10) as u8).collect();
    let pixels = |more: u8| -> Vec<u8> {
        (0..IMAGES).flat_map(|image| vec![3 * image as u8 + more; (height * width) as usize]).collect()
    };
    let splits = [pixels(0), pixels(1)];
    let [train, test_images] = splits.each_ref().map(|pixels| LabelledImages { pixels, labels: &labels });
    test(&Dataset { name: "grey", height, width, class_count: 10, train, test: test_images })
}

fn export(folder: &Path, runs: &[&str], count: Option<usize>) -> ProjectorExport {
    let words: Vec<PathBuf> = runs.iter().map(|run| folder.join(run)).collect();
    let runs = collect_chosen(choices(&words).unwrap().choices).unwrap().runs;
    export_projector(&runs, &ProjectorDir::new(folder.join("out")), count.and_then(NonZeroUsize::new)).unwrap()
}

fn lines(folder: &Path, file: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.join("out").join(file)).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The files of the export, in order.
fn files(folder: &Path) -> Vec<String> {
    let pattern = folder.join("out/**/*.*").display().to_string();
    let paths = glob::glob(&pattern).unwrap().map(Result::unwrap);
    paths.map(|path| path.strip_prefix(folder.join("out")).unwrap().display().to_string()).collect()
}

#[test]
fn a_whole_run_has_points_what_is_known_of_them_and_images() {
    let folder = tempfile::tempdir().unwrap();
    with_dataset(2, 3, |dataset| example(folder.path(), "cae-3").all().of_dataset(dataset));
    let exported = export(folder.path(), &["cae-3"], None);
    assert_eq!(exported, ProjectorExport { runs: vec![("cae-3".to_owned(), 2 * IMAGES)], notes: Vec::new() });
    let tensors = lines(folder.path(), "cae-3/tensors.tsv");
    assert_eq!((tensors.len(), tensors[11].as_str()), (2 * IMAGES, "10.1\t0.2\t0.3"));
    let metadata = lines(folder.path(), "cae-3/metadata.tsv");
    assert_eq!(metadata.len(), 1 + 2 * IMAGES);
    let said = [0, 1, IMAGES + 10].map(|line| metadata[line].as_str());
    assert_eq!(said, ["split\tindex\tlabel\tcluster\tname", "train\t0\t0\t0\t0", "test\t9\t9\t9\tnone"]);
    // 80 images in a grid of 9 × 9.
    let (width, pixels) = read_grey_png(&fs::read(folder.path().join("out/sprite.png")).unwrap());
    assert_eq!((width as usize, pixels.len()), (9 * 3, 9 * 3 * 9 * 2));
    for row in 0..9 * 2 {
        for column in 0..9 * 3 {
            let image = row / 2 * 9 + column / 3;
            let grey = if image < IMAGES { 3 * image } else { 3 * (image - IMAGES) + 1 };
            let expected = if image < 2 * IMAGES { grey as u8 } else { 0 };
            assert_eq!(pixels[row * 9 * 3 + column], expected, "{row} {column}");
        }
    }
}

#[test]
fn runs_of_the_same_images_share_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    with_dataset(2, 2, |dataset| {
        example(folder.path(), "one").all().of_dataset(dataset);
        example(folder.path(), "two").seed(1).all().of_dataset(dataset);
        example(folder.path(), "other").all().of_dataset(&Dataset { name: "other-grey", ..*dataset });
    });
    assert!(export(folder.path(), &["one", "two", "other"], None).notes.is_empty());
    let of_run = |run: &str| ["metadata.tsv", "tensors.tsv"].map(|file| format!("{run}/{file}"));
    let mut expected = [of_run("one"), of_run("two"), of_run("other")].concat();
    expected.extend(["projector_config.pbtxt", "sprite-2.png", "sprite.png"].map(str::to_owned));
    expected.sort();
    assert_eq!(files(folder.path()), expected);
}

#[test]
fn the_first_points_of_each_split_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    with_dataset(1, 1, |dataset| example(folder.path(), "cae-3").all().of_dataset(dataset));
    assert_eq!(export(folder.path(), &["cae-3"], Some(3)).runs, [("cae-3".to_owned(), 6)]);
    let metadata = lines(folder.path(), "cae-3/metadata.tsv");
    assert_eq!(metadata[3..5], ["train\t2\t2\t2\t2", "test\t0\t0\t0\t0"]);
    assert_eq!(lines(folder.path(), "cae-3/tensors.tsv")[2..4], ["20\t0\t0", "0\t0\t0"]);
    let (width, pixels) = read_grey_png(&fs::read(folder.path().join("out/sprite.png")).unwrap());
    assert_eq!((width, pixels), (3, vec![0, 3, 6, 1, 4, 7, 0, 0, 0]));
    assert_eq!(export(folder.path(), &["cae-3"], Some(1000)).runs, [("cae-3".to_owned(), 80)]);
}

#[test]
fn a_variant_stands_in_the_place_of_the_clusters() {
    let folder = tempfile::tempdir().unwrap();
    example(folder.path(), "cae-3").all().cluster(Some("k20"), 20, 0.6);
    fs::remove_dir_all(folder.path().join("cae-3/cluster-eval")).unwrap();
    let exported = export(folder.path(), &["cae-3", "cae-3@k20"], None);
    let names: Vec<&str> = exported.runs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["cae-3", "cae-3@k20"]);
    assert_eq!(lines(folder.path(), "cae-3/metadata.tsv")[0], "split\tindex\tlabel");
    assert_eq!(lines(folder.path(), "cae-3@k20/metadata.tsv")[0], "split\tindex\tlabel\tcluster\tname");
}

#[test]
fn what_is_not_there_is_said_with_the_command_that_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    example(folder.path(), "without-latents").train();
    with_dataset(2, 2, |dataset| example(folder.path(), "without-data").train().export().of_dataset(dataset));
    let data = RunDir::new(folder.path().join("grey"));
    fs::remove_dir_all(data.path()).unwrap();
    let runs = ["without-latents", "without-data"];
    let notes = export(folder.path(), &runs, None).notes;
    let command = |stage: Stage, run: &str| format!("{stage} --run {}", folder.path().join(run).display());
    let expected = [
        format!(
            "without-latents is left out: latent-export is not there; run `{}`",
            command(Stage::LatentExport, "without-latents")
        ),
        format!(
            "without-data is exported without clusters: cluster-eval is not there; run `{}`",
            command(Stage::ClusterEval, "without-data")
        ),
    ];
    assert_eq!(notes[..2], expected);
    assert!(notes[2].starts_with("without-data is exported without images: "), "{}", notes[2]);
    assert!(notes[2].contains("run `mnist-data --run") && notes.len() == 3, "{notes:?}");
    // Where no run has latents, nothing is written over an earlier export.
    let before = files(folder.path());
    assert!(export(folder.path(), &["without-latents"], None).runs.is_empty());
    assert_eq!(files(folder.path()), before);
}

#[test]
fn images_of_another_dataset_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let note = |expected: &str| {
        let exported = export(folder.path(), &["cae-3"], None);
        assert_eq!(exported.runs.len(), 1);
        let [note] = &exported.notes[..] else { panic!("{:?}", exported.notes) };
        assert!(note.starts_with("cae-3 is exported without images: ") && note.contains(expected), "{note}");
        assert!(!folder.path().join("out/sprite.png").exists());
    };
    with_dataset(2, 2, |dataset| {
        let run = example(folder.path(), "cae-3").all().of_dataset(dataset);
        let run = run.input(Stage::LatentExport, "other", "");
        // Prepared anew from something else, after the latents were made.
        example(folder.path(), "later").train().export().of_dataset(&Dataset { test: dataset.train, ..*dataset });
        note("expected the dataset that latent-export read");
        let labels = [7; IMAGES];
        run.of_dataset(&Dataset { test: LabelledImages { labels: &labels, ..dataset.test }, ..*dataset });
        note("expected a 0 as test image 0, as the latents say, found none");
    });
}

#[test]
fn images_that_do_not_fit_are_left_out_with_a_number_that_does() {
    let folder = tempfile::tempdir().unwrap();
    with_dataset(1, 1639, |dataset| example(folder.path(), "cae-3").all().of_dataset(dataset));
    let notes = export(folder.path(), &["cae-3"], None).notes;
    let expected = "80 of 1 × 1639 pixels do not fit into the 8192 × 8192 that the projector takes; --count 8 takes as many \
                    of each split as do";
    assert_eq!(notes, [format!("cae-3 is exported without images: {expected}")]);
    assert!(export(folder.path(), &["cae-3"], Some(9)).notes.len() == 1);
    assert!(export(folder.path(), &["cae-3"], Some(8)).notes.is_empty());
}

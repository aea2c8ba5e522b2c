//! IDX files that are not what they should be.

use std::fs;
use std::path::PathBuf;

use pipeline_tests::{Study, refused, slice};
use run_store::{ModelKind, Stage, file};

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";
const QUARTET: [&str; 4] = [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS];

/// A study with a prepared dataset, and raw files of its own: three images a split, of 2 × 2 pixels.
struct RawFiles {
    study: Study,
    folder: PathBuf,
}

impl RawFiles {
    fn new() -> Self {
        let study = Study::prepared(ModelKind::Ae);
        let folder = study.path().join("raw");
        fs::create_dir(&folder).unwrap();
        let raw = Self { study, folder };
        for name in QUARTET {
            raw.put(name, if name.contains("images") { images(3, 2) } else { labels(&[0, 1, 2]) });
        }
        raw
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.join(name), content).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.folder.join(name)).unwrap();
    }

    #[track_caller]
    fn refused(&self, expected: &[&str]) {
        refused(&self.study, self.study.command_with(Stage::MnistData, &[("--source", "raw")]), expected);
    }
}

fn images(count: u32, side: u32) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 3];
    [count, side, side].iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.resize(file.len() + (count * side * side) as usize, 100);
    file
}

fn labels(labels: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 1];
    file.extend((labels.len() as u32).to_be_bytes());
    file.extend(labels);
    file
}

#[test]
fn the_files_of_these_tests_are_good_by_themselves() {
    let raw = RawFiles::new();
    let mut command = raw.study.command_with(Stage::MnistData, &[("--source", "raw")]);
    assert!(command.output().unwrap().status.success());
}

#[test]
fn a_missing_file() {
    let raw = RawFiles::new();
    for name in QUARTET {
        let path = raw.folder.join(name);
        let content = fs::read(&path).unwrap();
        raw.remove(name);
        raw.refused(&[&format!("raw/{name} is missing"), "scripts/pipeline setup"]);
        raw.put(name, content);
    }
    fs::remove_dir_all(&raw.folder).unwrap();
    raw.refused(&["raw/train-images-idx3-ubyte is missing"]);
}

#[test]
fn a_missing_file_of_one_s_own() {
    let study = Study::prepared(ModelKind::Ae);
    let existing = slice().join("train-images-idx3-ubyte.gz");
    let existing = existing.to_str().unwrap();
    let files = ["--train-images", existing, "--train-labels", "nowhere", "--test-images", "no", "--test-labels", "no"];
    let command = study.bare_command(Stage::MnistData, &[&["--run", "data/prepared/mnist"][..], &files].concat());
    refused(&study, command, &["nowhere", "No such file"]);
}

#[test]
fn an_empty_file() {
    let raw = RawFiles::new();
    raw.put(TRAIN_IMAGES, "");
    raw.refused(&["raw/train-images-idx3-ubyte: expected an IDX file, found no data"]);
}

#[test]
fn a_truncated_file() {
    let raw = RawFiles::new();
    let whole = images(3, 2);
    raw.put(TRAIN_IMAGES, &whole[..10]);
    raw.refused(&["raw/train-images-idx3-ubyte: expected a header of 16 bytes, found only 10"]);
    raw.put(TRAIN_IMAGES, &whole[..20]);
    raw.refused(&["raw/train-images-idx3-ubyte: expected 12 bytes of data after the header, found only 4"]);
}

#[test]
fn a_truncated_gzip_file() {
    let raw = RawFiles::new();
    let whole = fs::read(slice().join(format!("{TEST_LABELS}.gz"))).unwrap();
    raw.remove(TEST_LABELS);
    raw.put(&format!("{TEST_LABELS}.gz"), &whole[..whole.len() / 2]);
    raw.refused(&["raw/t10k-labels-idx1-ubyte.gz: expected an unbroken gzip stream"]);
}

#[test]
fn a_wrong_magic_number() {
    let raw = RawFiles::new();
    raw.put(TRAIN_IMAGES, "<html>not found</html>");
    raw.refused(&["raw/train-images-idx3-ubyte: expected", "[00, 00, 08, 03]", "[3c, 68, 74, 6d]"]);
}

#[test]
fn labels_in_the_place_of_images() {
    let raw = RawFiles::new();
    raw.put(TEST_IMAGES, labels(&[1, 2, 3]));
    raw.refused(&["raw/t10k-images-idx3-ubyte: expected", "images", "labels"]);
}

#[test]
fn a_wrong_count() {
    let raw = RawFiles::new();
    let mut more = images(3, 2);
    more[7] = 200;
    raw.put(TRAIN_IMAGES, &more);
    raw.refused(&["raw/train-images-idx3-ubyte: expected 800 bytes of data after the header, found only 12"]);
    more[7] = 2;
    raw.put(TRAIN_IMAGES, &more);
    raw.refused(&["raw/train-images-idx3-ubyte: expected 8 bytes of data after the header, found at least 12"]);
    more[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
    more[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
    raw.put(TRAIN_IMAGES, &more);
    raw.refused(&["raw/train-images-idx3-ubyte: expected at most"]);
    raw.put(TRAIN_IMAGES, images(0, 2));
    raw.refused(&["raw/train-images-idx3-ubyte: expected the number of images to be at least 1, found 0"]);
}

#[test]
fn labels_and_images_that_disagree() {
    let raw = RawFiles::new();
    raw.put(TEST_LABELS, labels(&[1, 2]));
    raw.refused(&["raw/t10k-images-idx3-ubyte has 3 images and raw/t10k-labels-idx1-ubyte has 2 labels"]);
}

#[test]
fn a_label_that_says_there_is_none() {
    let raw = RawFiles::new();
    raw.put(TEST_LABELS, labels(&[1, 255, 2]));
    raw.refused(&["raw/t10k-labels-idx1-ubyte: expected labels below 255, found 255 of image 1", "label it"]);
}

#[test]
fn splits_of_different_sizes() {
    let raw = RawFiles::new();
    raw.put(TEST_IMAGES, images(3, 4));
    raw.refused(&["raw/train-images-idx3-ubyte has images of 2 × 2 pixels", "raw/t10k-images-idx3-ubyte of 4 × 4"]);
}

#[test]
fn a_folder_in_the_place_of_a_file() {
    let raw = RawFiles::new();
    raw.remove(TRAIN_IMAGES);
    fs::create_dir(raw.folder.join(TRAIN_IMAGES)).unwrap();
    raw.refused(&["raw/train-images-idx3-ubyte"]);
}

/// Not only the reader of raw files meets them: what was prepared can be damaged later.
#[test]
fn a_prepared_dataset_that_was_damaged() {
    let study = Study::finished(ModelKind::Ae);
    let dir = study.dir(Stage::MnistData);
    let whole = fs::read(dir.file(file::DATASET)).unwrap();
    let expected = "data/prepared/mnist/mnist-data/dataset.bin";

    fs::write(dir.file(file::DATASET), &whole[..100]).unwrap();
    for stage in [Stage::AeTrain, Stage::LatentExport] {
        refused(&study, study.command(stage), &[expected, "as its manifest says", "mnist-data --run", "--force"]);
    }
    let damaged: [(&[u8], &str); 5] = [
        (&[], "expected a prepared dataset, found a file of only 0 bytes"),
        (&whole[..100], "bytes after the header"),
        (b"something else altogether", "expected a prepared dataset, found another kind of file"),
        (&[&whole[..8], &[9, 0, 0, 0], &whole[12..]].concat(), "schema version 9"),
        // The length of the name, which comes first.
        (&[&whole[..20], &[255; 8], &whole[28..]].concat(), "cannot be decoded"),
    ];
    for (content, problem) in damaged {
        pipeline_tests::replace_output(&dir, file::DATASET, content);
        refused(&study, study.command(Stage::AeTrain), &[expected, problem]);
        // It is not what the model was trained on, whatever it is.
        refused(&study, study.command(Stage::LatentExport), &[expected, "expected the dataset that ae-train read"]);
    }
    fs::remove_file(dir.file(file::DATASET)).unwrap();
    refused(&study, study.command(Stage::AeTrain), &[expected, "is missing", "mnist-data --run", "--force"]);
}

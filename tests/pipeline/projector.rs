//! Exports for TensorBoard's embedding projector, of runs that the stages left.

use std::fs;
use std::path::Path;

use pipeline_tests::{FileStates, Study, Tree, error_text};
use run_store::{Assignments, DatasetFile, Latents, ModelKind, Split, Stage, file};

const SIDE: usize = 28;
/// Images of the study's run.
const COUNTS: [usize; 2] = [256, 64];

fn export(study: &Study, arguments: &[&str]) -> String {
    let output =
        study.report(&[&["export", "--tensorboard-projector", "projector"], arguments].concat()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{said}");
    said
}

/// The cells of a table of the export.
fn cells(study: &Study, name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(study.path().join("projector").join(name)).unwrap();
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// Width, height and pixels of a grey PNG file whose rows stand there as they are.
fn read_grey(path: &Path) -> (usize, usize, Vec<u8>) {
    let bytes = fs::read(path).unwrap();
    let number = |from: usize| u32::from_be_bytes(bytes[from..from + 4].try_into().unwrap()) as usize;
    let (width, height) = (number(16), number(20));
    // After the signature and the header comes all of the content in one chunk.
    assert_eq!((&bytes[24..29], &bytes[37..41]), (&[8, 0, 0, 0, 0][..], &b"IDAT"[..]));
    let rows = miniz_oxide::inflate::decompress_to_vec_zlib(&bytes[41..41 + number(33)]).unwrap();
    assert_eq!(rows.len(), height * (width + 1));
    let pixels = rows.chunks(width + 1).flat_map(|row| &row[1..]).copied();
    (width, height, pixels.collect())
}

#[test]
fn a_finished_run_has_points_columns_and_images() {
    let study = Study::finished(ModelKind::Cae);
    let before = FileStates::of(study.run().path());
    let said = export(&study, &["artifacts/cae-*"]);
    assert_eq!(said, "wrote projector: 1 run with 320 points; `tensorboard --logdir projector` shows them\n");
    before.assert_untouched();

    let tensors = cells(&study, "cae-2/tensors.tsv");
    let read: Vec<f32> = tensors.concat().iter().map(|number| number.parse().unwrap()).collect();
    let latents =
        Split::ALL.map(|split| Latents::read(&study.dir(Stage::LatentExport).file(split.latents_file())).unwrap());
    assert_eq!(latents.each_ref().map(|latents| latents.labels.len()), COUNTS);
    assert_eq!(read, latents.each_ref().map(|latents| latents.values.as_slice()).concat());
    assert!(tensors.iter().all(|point| point.len() == 2));

    let metadata = cells(&study, "cae-2/metadata.tsv");
    assert_eq!(metadata[0], ["split", "index", "label", "cluster", "name"]);
    let clusters = Assignments::read(&study.dir(Stage::ClusterEval).file(file::ASSIGNMENTS)).unwrap();
    assert_eq!(metadata.len() - 1, clusters.splits.len());
    for (row, said) in metadata[1..].iter().enumerate() {
        let name = match clusters.names[row] {
            Assignments::UNNAMED => "none".to_owned(),
            name => name.to_string(),
        };
        let numbers = [clusters.indices[row], clusters.labels[row].into(), clusters.clusters[row]];
        let [index, label, cluster] = numbers.map(|number| number.to_string());
        assert_eq!(*said, [clusters.splits[row].clone(), index, label, cluster, name]);
    }

    // 320 images in a grid of 18 × 18.
    let (width, height, pixels) = read_grey(&study.path().join("projector/sprite.png"));
    assert_eq!((width, height), (18 * SIDE, 18 * SIDE));
    let shown = |position: usize| -> Vec<u8> {
        let (top, left) = (position / 18 * SIDE, position % 18 * SIDE);
        (0..SIDE).flat_map(|row| &pixels[(top + row) * width + left..][..SIDE]).copied().collect()
    };
    // The first test digit of MNIST is a 7, with this much ink.
    assert_eq!(metadata[1 + COUNTS[0]][..3], ["test", "0", "7"]);
    assert_eq!(shown(COUNTS[0]).iter().map(|pixel| u32::from(*pixel)).sum::<u32>(), 18_454);
    let prepared = DatasetFile::read(&study.dir(Stage::MnistData).file(file::DATASET)).unwrap();
    let dataset = prepared.dataset().unwrap();
    let images = [dataset.train.first(COUNTS[0]).pixels, dataset.test.first(COUNTS[1]).pixels].concat();
    for (position, image) in images.chunks(SIDE * SIDE).enumerate() {
        assert!(shown(position) == image, "image {position}");
    }
    assert!(shown(320).iter().all(|pixel| *pixel == 0));

    // Again, in the place of the first; an export among runs is passed over.
    let first = Tree::read(&study.path().join("projector"));
    let said = export(&study, &["artifacts/cae-2", "projector"]);
    assert!(!said.contains("note:"), "{said}");
    assert_eq!(first.differences(&Tree::read(&study.path().join("projector"))), Vec::<std::path::PathBuf>::new());
}

#[test]
fn what_is_missing_is_said_and_what_is_foreign_is_kept() {
    let study = Study::finished(ModelKind::Ae);
    fs::remove_dir_all(study.dir(Stage::MnistData).path()).unwrap();
    let said = export(&study, &["artifacts/ae-2", "--count", "5"]);
    assert!(
        said.contains("note: ae-2 is exported without images: ") && said.contains("run `mnist-data --run"),
        "{said}"
    );
    assert!(said.contains("1 run with 10 points"), "{said}");
    assert!(!study.path().join("projector/sprite.png").exists());

    fs::write(study.path().join("projector/notes.txt"), "mine").unwrap();
    fs::remove_dir_all(study.dir(Stage::LatentExport).path()).unwrap();
    let before = FileStates::of(study.path());
    let export =
        |folder: &str| error_text(study.report(&["export", "--tensorboard-projector", folder, "artifacts/ae-2"]), 1);
    let error = export("projector");
    assert!(
        error.contains("error: projector: expected a new or empty folder") && error.contains("notes.txt"),
        "{error}"
    );
    let error = export("artifacts");
    assert!(
        error.contains("error: artifacts: expected a new or empty folder") && error.contains("found ae-2"),
        "{error}"
    );
    let error = export("other");
    assert!(
        error.contains("note: ae-2 is left out: latent-export is not there; run `latent-export --run artifacts/ae-2`")
    );
    assert!(error.contains("error: none of the runs has latents"), "{error}");
    before.assert_untouched();
}

#[test]
fn what_shows_an_export_can_be_run_as_it_is_said() {
    let study = Study::finished(ModelKind::Ae);
    let output = study.report(&["export", "artifacts/ae-2", "--tensorboard-projector", "my points"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("; `tensorboard --logdir 'my points'` shows them"), "{said}");
}

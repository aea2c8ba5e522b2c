//! Latents that are not what they should be, for the stages that read them.

use std::fs;

use pipeline_tests::{Study, edit_latents, refused, replace_output, truncate};
use polars::prelude::{Column, DataType, NamedFrom, Series};
use run_store::{ModelKind, Split, Stage, file};

const READERS: [Stage; 2] = [Stage::ClusterEval, Stage::LatentClassify];
const TRAIN: &str = "artifacts/ae-2/latent-export/train.parquet";
const TEST: &str = "artifacts/ae-2/latent-export/test.parquet";

#[track_caller]
fn refused_by_readers(study: &Study, expected: &[&str]) {
    for stage in READERS {
        refused(study, study.command(stage), expected);
    }
}

/// Both readers have to refuse the split's latents after `edit`, with the manifest's consent.
#[track_caller]
fn edited(split: Split, edit: impl FnOnce(&mut Vec<Column>, &mut Vec<(String, String)>), expected: &[&str]) {
    let study = Study::finished(ModelKind::Ae);
    edit_latents(&study, split, edit);
    let path = if split == Split::Train { TRAIN } else { TEST };
    refused_by_readers(&study, &[&[path], expected].concat());
}

/// Puts other values in the place of a column's.
fn replace(columns: &mut [Column], name: &str, change: impl FnOnce(&Column) -> Series) {
    let column = columns.iter_mut().find(|column| column.name() == name).unwrap();
    *column = change(column).with_name(name.into()).into();
}

fn set(metadata: &mut [(String, String)], key: &str, value: &str) {
    let pair = metadata.iter_mut().find(|(name, _)| name == key).unwrap();
    pair.1 = value.to_owned();
}

#[test]
fn a_missing_column() {
    edited(Split::Train, |columns, _| columns.retain(|column| column.name() != "label"), &["index, label, z00"]);
    edited(
        Split::Test,
        |columns, _| columns.retain(|column| column.name() != "z00"),
        &["z00", "found index, label, z01"],
    );
}

#[test]
fn a_value_that_is_not_finite() {
    for value in [f32::NAN, f32::INFINITY] {
        let edit = |columns: &mut Vec<Column>, _: &mut Vec<_>| {
            replace(columns, "z01", |column| {
                let mut values: Vec<f32> = column.f32().unwrap().into_no_null_iter().collect();
                values[5] = value;
                Series::new("".into(), values)
            });
        };
        edited(Split::Test, edit, &["expected finite values in column `z01`", "row 5"]);
    }
}

#[test]
fn a_value_that_is_missing() {
    let edit = |columns: &mut Vec<Column>, _: &mut Vec<_>| {
        replace(columns, "z00", |column| {
            let mut values: Vec<Option<f32>> = column.f32().unwrap().iter().collect();
            values[0] = None;
            Series::new("".into(), values)
        });
    };
    edited(Split::Train, edit, &["expected a value in every row of column `z00`, found 1 without"]);
}

#[test]
fn a_wrong_type() {
    for (name, kind, expected) in [
        ("z00", DataType::Float64, "expected column `z00` of type f32, found f64"),
        ("label", DataType::Int64, "expected column `label` of type u8, found i64"),
        ("index", DataType::String, "expected column `index` of type u32, found str"),
    ] {
        let edit = |columns: &mut Vec<Column>, _: &mut Vec<_>| {
            replace(columns, name, |column| column.cast(&kind).unwrap().as_materialized_series().clone());
        };
        edited(Split::Train, edit, &[expected]);
    }
}

#[test]
fn no_rows() {
    let edit = |columns: &mut Vec<Column>, _: &mut Vec<_>| {
        columns.iter_mut().for_each(|column| *column = column.slice(0, 0));
    };
    edited(Split::Test, edit, &["expected at least one row"]);
}

#[test]
fn a_label_that_is_no_class() {
    let edit = |columns: &mut Vec<Column>, _: &mut Vec<_>| {
        replace(columns, "label", |column| Series::new("".into(), vec![77_u8; column.len()]));
    };
    edited(Split::Train, edit, &["expected labels below 10, found 77"]);
}

#[test]
fn metadata_that_is_missing_or_wrong() {
    edited(Split::Train, |_, metadata| metadata.clear(), &["expected the key `class_count` in the metadata"]);
    edited(
        Split::Train,
        |_, metadata| set(metadata, "class_count", "ten"),
        &["expected a class_count in 1..=255", "ten"],
    );
    edited(
        Split::Test,
        |_, metadata| set(metadata, "split", "train"),
        &["expected latents of the test split, found train"],
    );
}

/// Labels are bytes: more classes than bytes cannot be, and each would cost memory.
#[test]
fn more_classes_than_labels_can_tell_apart() {
    edited(Split::Train, |_, metadata| set(metadata, "class_count", "4000000000"), &["class_count", "4000000000"]);
}

#[test]
fn splits_of_different_dimensions() {
    edited(
        Split::Test,
        |columns, _| columns.truncate(3),
        &["expected 2 latent columns as in the training split, found 1"],
    );
}

#[test]
fn a_file_that_is_not_as_its_manifest_says() {
    let study = Study::finished(ModelKind::Ae);
    let path = study.dir(Stage::LatentExport).file(file::TRAIN_LATENTS);
    fs::copy(study.dir(Stage::LatentExport).file(file::TEST_LATENTS), path).unwrap();
    refused_by_readers(&study, &[TRAIN, "as its manifest says", "run `latent-export --run artifacts/ae-2 --force`"]);
}

#[test]
fn a_truncated_file() {
    let study = Study::finished(ModelKind::Ae);
    let dir = study.dir(Stage::LatentExport);
    truncate(&dir.file(file::TRAIN_LATENTS));
    refused_by_readers(&study, &[TRAIN, "as its manifest says"]);
    pipeline_tests::correct_manifest(&dir, file::TRAIN_LATENTS);
    refused_by_readers(&study, &[TRAIN, "expected latents in Parquet"]);
    replace_output(&dir, file::TRAIN_LATENTS, "");
    refused_by_readers(&study, &[TRAIN, "expected latents in Parquet"]);
}

#[test]
fn damage_in_the_middle_of_a_file() {
    let study = Study::finished(ModelKind::Ae);
    let dir = study.dir(Stage::LatentExport);
    let whole = fs::read(dir.file(file::TRAIN_LATENTS)).unwrap();
    // The footer with the schema is at the end; each place damages something else. Values may stay readable: then there
    // is nothing to refuse. No place may make a reader panic.
    for position in (whole.len() / 2..whole.len()).step_by(whole.len() / 24) {
        let mut damaged = whole.clone();
        damaged[position] ^= 0xff;
        replace_output(&dir, file::TRAIN_LATENTS, damaged);
        let output = study.command_with(Stage::ClusterEval, &[("--tag", "damaged")]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)), "byte {position}: {:?}\n{error}", output.status);
    }
}

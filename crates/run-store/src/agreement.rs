//! Figures held against the counts that stand beside them, on writing and on reading: what does not follow from its counts is no
//! figure of theirs. What a document says of images that are not in it, such as an inertia, cannot be held here.

use std::collections::BTreeSet;

use crate::bounds::ROUNDING;
use crate::metrics::{
    ClassifyMetrics, ClassifySplitMetrics, ClusterMetrics, ClusterSplitMetrics, DatasetMetrics, ReadableCounts,
    ReconstructionMetrics,
};

/// The most epochs of a training after which something is kept.
pub const KEPT_EPOCH_LIMIT: usize = 1024;

/// What disagrees, in words.
type Agreement = Result<(), String>;

pub(crate) fn of_dataset(metrics: &DatasetMetrics) -> Agreement {
    let counts = [("training", &metrics.train_images_per_class), ("test", &metrics.test_images_per_class)];
    counts.into_iter().try_for_each(|(split, counts)| {
        agrees(counts.len() == metrics.class_count as usize, || {
            format!("{split} images of {} classes where there are {}", counts.len(), metrics.class_count)
        })
    })
}

pub(crate) fn of_reconstructions(metrics: &ReconstructionMetrics) -> Agreement {
    let (images, sheet) = (metrics.image_count, metrics.sheet_count);
    agrees(sheet <= images, || format!("a sheet of {sheet} images where there are {images}"))?;
    let epochs = metrics.epochs.len();
    agrees(epochs <= KEPT_EPOCH_LIMIT, || format!("{epochs} epochs, where {KEPT_EPOCH_LIMIT} are the most"))?;
    agrees(metrics.epochs.is_sorted_by(|one, next| one.epoch < next.epoch), || {
        "epochs in another order than they were trained in".to_owned()
    })?;
    let of_epochs = metrics.epochs.iter().map(|row| (format!("epoch {}", row.epoch), &row.readable));
    let mut readable = std::iter::once(("originals".to_owned(), &metrics.originals)).chain(of_epochs);
    readable.try_for_each(|(which, counts)| {
        of_readable(counts, images, sheet).map_err(|problem| format!("{problem} ({which})"))
    })
}

fn of_readable(counts: &ReadableCounts, images: u32, sheet: u32) -> Agreement {
    let of_sheet = counts.sheet_readable;
    agrees(of_sheet <= sheet, || format!("{of_sheet} readable images on a sheet of {sheet}"))?;
    let readable = (counts.readable_share * f64::from(images)).round().max(0.0) as u64;
    is_share("readable_share", counts.readable_share, readable.into(), images.into())?;
    // The sheet shows some of the images.
    agrees(u64::from(of_sheet) <= readable, || format!("{of_sheet} readable images on the sheet and {readable} in all"))
}

pub(crate) fn of_clusters(metrics: &ClusterMetrics) -> Agreement {
    let clusters = metrics.cluster_count as usize;
    for (kind, names) in [("majority", &metrics.majority_names), ("one-to-one", &metrics.one_to_one_names)] {
        agrees(names.len() == clusters, || format!("{} {kind} names of {clusters} clusters", names.len()))?;
    }
    let mut seen = BTreeSet::new();
    let twice = metrics.one_to_one_names.iter().flatten().find(|name| !seen.insert(**name));
    agrees(twice.is_none(), || format!("the one-to-one name {} twice", twice.copied().unwrap_or_default()))?;
    in_splits(&metrics.splits, |split| of_cluster_split(split, metrics))
}

fn of_cluster_split(split: &ClusterSplitMetrics, metrics: &ClusterMetrics) -> Agreement {
    let table = &split.cluster_by_class;
    of_table("cluster_by_class", table, metrics.cluster_count as usize, split.count)?;
    for (figure, accuracy, names) in [
        ("majority_accuracy", split.majority_accuracy, &metrics.majority_names),
        ("one_to_one_accuracy", split.one_to_one_accuracy, &metrics.one_to_one_names),
    ] {
        // A class that the table does not have matches none of its images.
        let named = names.iter().zip(table).filter_map(|(name, row)| row.get(usize::from((*name)?)));
        is_share(figure, accuracy, sum(named), split.count.into())?;
    }
    let sampled = split.silhouette.as_ref().map_or(0, |silhouette| silhouette.sample_size);
    agrees(sampled <= split.count, || format!("a silhouette of {sampled} images where there are {}", split.count))
}

pub(crate) fn of_classes(metrics: &ClassifyMetrics) -> Agreement {
    in_splits(&metrics.splits, of_classes_split)
}

fn of_classes_split(split: &ClassifySplitMetrics) -> Agreement {
    let table = &split.confusion;
    let classes = table.len();
    of_table("confusion", table, classes, split.count)?;
    let columns = table.first().map_or(0, Vec::len);
    agrees(columns == classes, || format!("confusion with {classes} rows and {columns} columns"))?;
    let right = |class: usize| table[class].get(class);
    is_share("accuracy", split.accuracy, sum((0..classes).filter_map(right)), split.count.into())?;
    split.classes.iter().try_for_each(|figures| {
        let class = usize::from(figures.class);
        agrees(class < classes, || format!("a class {class} where there are {classes}"))?;
        let predicted = sum(table.iter().filter_map(|row| row.get(class)));
        // What is not known is left out.
        for (figure, share, whole) in
            [("precision", figures.precision, predicted), ("recall", figures.recall, sum(&table[class]))]
        {
            let Some(share) = share else { continue };
            is_share(figure, share, sum(right(class)), whole)
                .map_err(|problem| format!("{problem} (class {class})"))?;
        }
        Ok(())
    })
}

fn in_splits<'a, T: 'a>(
    splits: impl IntoIterator<Item = (&'a String, &'a T)>,
    check: impl Fn(&T) -> Agreement,
) -> Agreement {
    splits.into_iter().try_for_each(|(name, split)| {
        check(split).map_err(|problem| format!("{problem} (split {})", crate::names::one_line(name)))
    })
}

/// Checks that `table` has `height` rows, all of one length, and counts `images`.
fn of_table(name: &str, table: &[Vec<u64>], height: usize, images: u64) -> Agreement {
    agrees(table.len() == height, || format!("{name} with {} rows where there are {height} clusters", table.len()))?;
    let width = table.first().map_or(0, Vec::len);
    agrees(width > 0 && table.iter().all(|row| row.len() == width), || {
        format!("{name} without columns, or with rows of different lengths")
    })?;
    let counted = sum(table.iter().flatten());
    agrees(counted == u128::from(images), || format!("{name} with {counted} images where there are {images}"))
}

/// The sum of `counts`. It has room for as many as a document holds.
fn sum<'a>(counts: impl IntoIterator<Item = &'a u64>) -> u128 {
    counts.into_iter().map(|count| u128::from(*count)).sum()
}

/// Checks that `share`, the figure called `name`, is that of `part` in `whole`. Of nothing any figure may be said.
fn is_share(name: &str, share: f64, part: u128, whole: u128) -> Agreement {
    let counted = part as f64 / whole as f64;
    agrees(whole == 0 || (share - counted).abs() <= ROUNDING, || {
        format!("{name} {share} where the counts say {part} of {whole}, {counted}")
    })
}

fn agrees(is_so: bool, otherwise: impl FnOnce() -> String) -> Agreement {
    if is_so { Ok(()) } else { Err(otherwise()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::document::{Document, read_document};

    /// Changes, in a document that is `sound`, what stands at each pointer to the value beside it: reading must find what is expected.
    fn disagree<T: Document>(sound: &Value, cases: &[(&str, Value, &str)]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.json");
        let read = |document: &Value| {
            std::fs::write(&path, document.to_string()).unwrap();
            read_document::<T>(&path).map(|_| ())
        };
        read(sound).unwrap();
        for (pointer, value, expected) in cases {
            let mut changed = sound.clone();
            *changed.pointer_mut(pointer).unwrap() = value.clone();
            let error = read(&changed).unwrap_err().to_string();
            let (_, found) =
                error.split_once("that agree with each other, found ").unwrap_or_else(|| panic!("{error}"));
            assert!(found.starts_with(expected), "{pointer}: {found}");
        }
    }

    #[test]
    fn figures_of_a_dataset_are_of_its_classes() {
        let sound = json!({
            "schema_version": 1, "dataset": "mnist", "image_height": 28, "image_width": 28, "class_count": 2,
            "train_images_per_class": [3, 4], "test_images_per_class": [1, 0],
        });
        let expected = "test images of 1 classes where there are 2";
        disagree::<DatasetMetrics>(&sound, &[("/test_images_per_class", json!([1]), expected)]);
    }

    #[test]
    fn figures_of_reconstructions_are_of_their_images() {
        let epoch = |epoch: u32, sheet_readable: u32, readable_share: f64| {
            json!({
                "epoch": epoch, "sheet_readable": sheet_readable, "readable_share": readable_share,
                "mean_squared_error": 0.1, "binary_cross_entropy": 0.2, "peak_signal_to_noise_ratio_db": 10.0,
            })
        };
        let sound = json!({
            "schema_version": 1, "image_count": 40, "sheet_count": 16, "readable_probability": 0.5,
            "reader_test_accuracy": 0.99, "originals": { "sheet_readable": 16, "readable_share": 1.0 },
            "epochs": [epoch(0, 0, 0.025), epoch(5, 15, 0.9)],
        });
        let cases = [
            ("/sheet_count", json!(41), "a sheet of 41 images where there are 40"),
            ("/epochs/1/epoch", json!(0), "epochs in another order"),
            ("/epochs/1/sheet_readable", json!(17), "17 readable images on a sheet of 16 (epoch 5)"),
            (
                "/epochs/1/readable_share",
                json!(0.91),
                "readable_share 0.91 where the counts say 36 of 40, 0.9 (epoch 5)",
            ),
            ("/originals/readable_share", json!(0.25), "16 readable images on the sheet and 10 in all (originals)"),
        ];
        disagree::<ReconstructionMetrics>(&sound, &cases);
    }

    #[test]
    fn figures_of_clusters_are_those_of_their_tables() {
        let sound = json!({
            "schema_version": 1, "cluster_count": 3, "majority_names": [1, 0, 1], "one_to_one_names": [1, 0, null],
            "splits": { "train": {
                "count": 10, "majority_accuracy": 0.9, "one_to_one_accuracy": 0.8, "normalized_mutual_information": 0.7,
                "adjusted_rand_index": 0.6, "inertia": 5.0, "silhouette": { "mean": 0.5, "sample_size": 10 },
                "cluster_by_class": [[0, 4], [4, 1], [0, 1]],
            } },
        });
        let cases = [
            ("/majority_names", json!([1, 0]), "2 majority names of 3 clusters"),
            ("/one_to_one_names/2", json!(1), "the one-to-one name 1 twice"),
            (
                "/splits/train/majority_accuracy",
                json!(0.95),
                "majority_accuracy 0.95 where the counts say 9 of 10, 0.9",
            ),
            (
                "/one_to_one_names/0",
                json!(null),
                "one_to_one_accuracy 0.8 where the counts say 4 of 10, 0.4 (split train)",
            ),
            ("/splits/train/cluster_by_class/2/1", json!(2), "cluster_by_class with 11 images where there are 10"),
            (
                "/splits/train/cluster_by_class/2",
                json!([1]),
                "cluster_by_class without columns, or with rows of different",
            ),
            ("/splits/train/cluster_by_class", json!([[4, 6]]), "cluster_by_class with 1 rows where there are 3"),
            ("/splits/train/silhouette/sample_size", json!(11), "a silhouette of 11 images where there are 10"),
        ];
        disagree::<ClusterMetrics>(&sound, &cases);
    }

    #[test]
    fn figures_of_classes_are_those_of_their_table() {
        let sound = json!({
            "schema_version": 1, "epochs": 5, "splits": { "test": {
                "count": 8, "loss": 0.5, "accuracy": 0.75, "confusion": [[3, 1], [1, 3]],
                "classes": [
                    { "class": 0, "precision": 0.75, "recall": 0.75 }, { "class": 1, "precision": null, "recall": 0.75 },
                ],
            } },
        });
        let cases = [
            ("/splits/test/accuracy", json!(0.99), "accuracy 0.99 where the counts say 6 of 8, 0.75 (split test)"),
            (
                "/splits/test/confusion/0/0",
                json!(u64::MAX),
                "confusion with 18446744073709551620 images where there are 8",
            ),
            ("/splits/test/confusion", json!([[6, 2]]), "confusion with 1 rows and 2 columns"),
            ("/splits/test/classes/1/class", json!(2), "a class 2 where there are 2"),
            ("/splits/test/classes/0/precision", json!(1.0), "precision 1 where the counts say 3 of 4, 0.75 (class 0)"),
        ];
        disagree::<ClassifyMetrics>(&sound, &cases);
    }
}

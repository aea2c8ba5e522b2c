//! Which digits a run takes for which: by K-means on the training latents, and by the classifier on the test latents.

use run_store::{ClassifyMetrics, ClusterMetrics, Split, Stage, StoreError, file, read_document};
use stage_cli::per_cent;

use super::catalogue::{Catalogue, Entry, Series, said_of_first};
use super::gaps::Gaps;
use super::heat_map::{HeatMap, draw_scale};
use super::page::Page;
use super::{Drawing, is_within_bounds};

const NAME: &str = "confusion";

const STAGES: [Stage; 3] = [Stage::LatentExport, Stage::ClusterEval, Stage::LatentClassify];

const BETWEEN: f64 = 44.0;
/// Below the maps, for what their shades mean.
const BELOW: f64 = 56.0;

pub(crate) fn draw(catalogue: &Catalogue, gaps: &mut Gaps) -> Vec<Drawing> {
    let read = |entry: &Entry, _: &mut Gaps| read(entry).map(Some);
    let series = catalogue.series(NAME, &STAGES, true, gaps, read);
    let drawing = |series: &Series<'_, [HeatMap; 2]>| {
        let (maps, name) = (series.members.first()?, format!("{NAME}-{}", series.first.name));
        // Before they are drawn: counts may be as many as a file holds.
        let size = room(maps);
        if is_within_bounds(size) {
            return Some(Drawing { name, scene: page(maps, series).scene });
        }
        gaps.is_too_large(&name, size);
        None
    };
    series.iter().filter_map(drawing).collect()
}

fn read(entry: &Entry) -> Result<[HeatMap; 2], StoreError> {
    let path = entry.file(Stage::ClusterEval, file::METRICS)?;
    let clusters: ClusterMetrics = read_document(&path)?;
    let lacks = |path: &std::path::Path, split: Split, stage: Stage| {
        let problem = format!("expected figures of the {split} split, found none");
        StoreError::invalid(path, problem, format!("rerun {stage} with --force"))
    };
    let split =
        clusters.splits.get(Split::Train.name()).ok_or_else(|| lacks(&path, Split::Train, Stage::ClusterEval))?;
    let right = per_cent(split.majority_accuracy, 1);
    let heading = format!("K-means, training latents: {right} % right by majority names");
    let clustering = HeatMap { heading, ..clustering(&split.cluster_by_class, &clusters.majority_names) };

    let path = entry.file(Stage::LatentClassify, file::METRICS)?;
    let classes: ClassifyMetrics = read_document(&path)?;
    let split =
        classes.splits.get(Split::Test.name()).ok_or_else(|| lacks(&path, Split::Test, Stage::LatentClassify))?;
    let digits = digits(&split.confusion);
    let classifier = HeatMap {
        heading: format!("Classifier, test latents: {} % right", per_cent(split.accuracy, 1)),
        row_title: "true digit".to_owned(),
        rows: (0..split.confusion.len()).map(|digit| digit.to_string()).collect(),
        column_title: "predicted digit".to_owned(),
        columns: digits,
        counts: split.confusion.clone(),
    };
    Ok([clustering, classifier])
}

fn digits(counts: &[Vec<u64>]) -> Vec<String> {
    (0..counts.first().map_or(0, Vec::len)).map(|digit| digit.to_string()).collect()
}

/// Clusters by digit, those of one majority name together, in the order of the digits.
fn clustering(counts: &[Vec<u64>], names: &[Option<u8>]) -> HeatMap {
    let name = |cluster: usize| names.get(cluster).copied().flatten();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|cluster| (name(*cluster).is_none(), name(*cluster), *cluster));
    let label = |cluster: &usize| match name(*cluster) {
        Some(digit) => format!("{cluster} ({digit})"),
        None => format!("{cluster} (–)"),
    };
    HeatMap {
        heading: String::new(),
        row_title: "cluster (its most common digit)".to_owned(),
        rows: order.iter().map(label).collect(),
        column_title: "true digit".to_owned(),
        columns: digits(counts),
        counts: order.iter().filter_map(|cluster| counts.get(*cluster).cloned()).collect(),
    }
}

/// Units that both maps, and what is said of their shades, take.
fn room(maps: &[HeatMap; 2]) -> (f64, f64) {
    let [one, other] = maps.each_ref().map(HeatMap::size);
    (one.0 + BETWEEN + other.0, one.1.max(other.1) + BELOW)
}

fn page(maps: &[HeatMap; 2], series: &Series<'_, [HeatMap; 2]>) -> Page {
    let (width, height) = room(maps);
    let title = format!("{}: digits and what they are taken for", series.label);
    let mut said = vec!["Numbers are images; shades are shares of the row.".to_owned()];
    said.extend(said_of_first(series));
    let mut page = Page::new(&title, &said, width, height);
    let corners = [page.at(0.0, 0.0), page.at(maps[0].size().0 + BETWEEN, 0.0)];
    for (map, corner) in maps.iter().zip(corners) {
        map.draw(&mut page.scene, corner);
    }
    let corner = page.at(maps[0].left(), height - BELOW + 24.0);
    draw_scale(&mut page.scene, corner);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_clusters_are_shown_as_a_figure_has_room_for() {
        let drawable = |clusters: usize, classes: usize| {
            let map = || clustering(&vec![vec![0; classes]; clusters], &[]);
            is_within_bounds(room(&[map(), map()]))
        };
        assert!(drawable(1_000, 10) && drawable(256, 256));
        assert!(!drawable(2_000, 10) && !drawable(1, 1_000_000));
    }
}

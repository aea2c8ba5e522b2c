//! Which digits a run takes for which: by K-means on the training latents, and by the classifier on the test latents.

use run_store::{ClassifyMetrics, ClusterMetrics, Split, Stage, StoreError, file, read_document};

use super::Drawing;
use super::catalogue::{Catalogue, Entry, Series, said_of_first};
use super::gaps::Gaps;
use super::heat_map::{HeatMap, draw_scale};
use super::page::Page;

const NAME: &str = "confusion";

const STAGES: [Stage; 3] = [Stage::LatentExport, Stage::ClusterEval, Stage::LatentClassify];

const BETWEEN: f64 = 44.0;
/// Below the maps, for what their shades mean.
const BELOW: f64 = 56.0;

pub(crate) fn draw(catalogue: &Catalogue, gaps: &mut Gaps) -> Vec<Drawing> {
    let read = |entry: &Entry, _: &mut Gaps| read(entry).map(Some);
    let series = catalogue.series(NAME, &STAGES, true, gaps, read);
    let drawing = |series: &Series<'_, [HeatMap; 2]>| {
        let page = page(series.members.first()?, series);
        Some(Drawing { name: format!("{NAME}-{}", series.first.name), scene: page.scene })
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
    check_cells(&path, &split.cluster_by_class)?;
    let heading =
        format!("K-means, training latents: {:.1} % right by majority names", 100.0 * split.majority_accuracy);
    let clustering = HeatMap { heading, ..clustering(&split.cluster_by_class, &clusters.majority_names) };

    let path = entry.file(Stage::LatentClassify, file::METRICS)?;
    let classes: ClassifyMetrics = read_document(&path)?;
    let split =
        classes.splits.get(Split::Test.name()).ok_or_else(|| lacks(&path, Split::Test, Stage::LatentClassify))?;
    check_cells(&path, &split.confusion)?;
    let digits = digits(&split.confusion);
    let classifier = HeatMap {
        heading: format!("Classifier, test latents: {:.1} % right", 100.0 * split.accuracy),
        row_title: "true digit".to_owned(),
        rows: (0..split.confusion.len()).map(|digit| digit.to_string()).collect(),
        column_title: "predicted digit".to_owned(),
        columns: digits,
        counts: split.confusion.clone(),
    };
    Ok([clustering, classifier])
}

/// The most cells of a map: 256 classes by as many.
const CELL_LIMIT: usize = 1 << 16;

fn check_cells(path: &std::path::Path, counts: &[Vec<u64>]) -> Result<(), StoreError> {
    let cells = counts.iter().map(Vec::len).sum::<usize>();
    if cells <= CELL_LIMIT {
        return Ok(());
    }
    let problem = format!("expected at most {CELL_LIMIT} counts, as a figure can show, found {cells}");
    Err(StoreError::invalid(path, problem, "the figures of fewer clusters can be drawn"))
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

fn page(maps: &[HeatMap; 2], series: &Series<'_, [HeatMap; 2]>) -> Page {
    let sizes = maps.each_ref().map(HeatMap::size);
    let height = sizes[0].1.max(sizes[1].1);
    let title = format!("{}: digits and what they are taken for", series.first.label);
    let mut said = vec!["Numbers are images; shades are shares of the row.".to_owned()];
    said.extend(said_of_first(series));
    let mut page = Page::new(&title, &said, sizes[0].0 + BETWEEN + sizes[1].0, height + BELOW);
    let corners = [page.at(0.0, 0.0), page.at(sizes[0].0 + BETWEEN, 0.0)];
    for (map, corner) in maps.iter().zip(corners) {
        map.draw(&mut page.scene, corner);
    }
    let corner = page.at(maps[0].left(), height + 24.0);
    draw_scale(&mut page.scene, corner);
    page
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_map_has_as_many_cells_as_can_be_shown() {
        let check = |rows: usize| check_cells(Path::new("metrics.json"), &vec![vec![0; 10]; rows]);
        assert!(check(6553).is_ok());
        assert!(check(6554).is_err_and(|error| error.to_string().contains("at most 65536 counts")));
    }
}

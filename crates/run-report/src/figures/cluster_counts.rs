//! How well latents fall into each number of clusters: how far these lie apart, and whether halves of the latents agree on them.

use run_store::{ClusterCount, ClusterCounts, Stage, StoreError, file, read_document};

use super::Drawing;
use super::axes::Axis;
use super::catalogue::{Catalogue, Entry, Series, said_of_first};
use super::curves::{Curve, CurvePanel, values};
use super::gaps::Gaps;
use super::page::Page;
use super::style;
use crate::blocks::thousands;
use crate::spread::Spread;

const NAME: &str = "clusters";

const PANEL: (f64, f64) = (500.0, 340.0);
const BETWEEN: f64 = 28.0;

/// Of the runs for which numbers of clusters were tried.
pub(crate) fn draw(catalogue: &Catalogue, gaps: &mut Gaps) -> Vec<Drawing> {
    let series = catalogue.series(NAME, &[], true, gaps, |entry, _| read(entry));
    let drawing = |series: &Series<'_, ClusterCounts>| {
        let counts = series.members.first()?;
        let page = page(counts, &series.label, said_of_first(series))?;
        Some(Drawing { name: format!("{NAME}-{}", series.first.name), scene: page.scene })
    };
    series.iter().filter_map(drawing).collect()
}

fn read(entry: &Entry) -> Result<Option<ClusterCounts>, StoreError> {
    let path = entry.run.dir.cluster_counts();
    if !path.exists() {
        return Ok(None);
    }
    let counts: ClusterCounts = read_document(&path)?;
    let exported = entry.finished(Stage::LatentExport)?;
    if *exported.file(file::TRAIN_LATENTS)?.hash() != counts.latents {
        let problem = "expected scores of the run's latents, found others'";
        return Err(StoreError::invalid(&path, problem, "run `cluster-eval choose` again"));
    }
    Ok(Some(counts))
}

/// The page; none where nothing was tried.
fn page(counts: &ClusterCounts, label: &str, of_first: Option<String>) -> Option<Page> {
    let (first, last) = (counts.rows.first()?.cluster_count, counts.rows.last()?.cluster_count);
    let of_splits = match counts.split_count {
        1 => "of two random halves".to_owned(),
        splits => format!("of {splits} pairs of random halves, with a band of ± one standard deviation"),
    };
    let mut said = vec![format!(
        "K-means on {} training latents, without a label. Silhouette: how much nearer latents are to their own cluster than to \
         the next, mean over {}. Stability: how far two halves of the latents lead to the same clusters, adjusted Rand index, mean \
         {of_splits}.",
        thousands(counts.image_count),
        thousands(counts.silhouette_sample)
    )];
    said.extend(of_first);
    let title = format!("{label}: how many clusters");
    let mut page = Page::new(&title, &said, 2.0 * PANEL.0 + BETWEEN, PANEL.1);
    let silhouette = |row: &ClusterCount| Some(Spread { mean: row.silhouette?, sd: None, run_count: 1 });
    let stability = |row: &ClusterCount| {
        Some(Spread { mean: row.stability, sd: row.stability_deviation, run_count: counts.split_count })
    };
    let points = |score: &dyn Fn(&ClusterCount) -> Option<Spread>| -> Vec<(f64, Spread)> {
        counts.rows.iter().filter_map(|row| Some((f64::from(row.cluster_count), score(row)?))).collect()
    };
    let panels = [
        ("Silhouette", counts.best_silhouette(), points(&silhouette)),
        ("Stability", counts.most_stable(), points(&stability)),
    ];
    for (column, (heading, best, points)) in panels.into_iter().enumerate() {
        let curves = [Curve { name: None, colour: style::series(column), is_dashed: false, points, has_markers: true }];
        let heading = best.map_or_else(|| heading.to_owned(), |best| format!("{heading}, greatest at {best}"));
        let panel = CurvePanel {
            heading,
            across: Axis::counts(f64::from(first), f64::from(last).max(f64::from(first) + 1.0), 8.0, "clusters"),
            upwards: Axis::fitting(values(&curves), f64::INFINITY, 5.0, ""),
            level: None,
        };
        let corner = page.at(column as f64 * (PANEL.0 + BETWEEN), 0.0);
        panel.draw(&mut page.scene, corner, PANEL, &curves);
    }
    Some(page)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use run_store::{FinishedStage, ModelKind, write_document};

    use super::*;
    use crate::collect::collect;
    use crate::drawing::Outline;
    use crate::testing::Example;

    fn row(cluster_count: u32, silhouette: Option<f64>, stability: f64) -> ClusterCount {
        let stability_deviation = Some(0.01);
        ClusterCount { cluster_count, inertia_per_image: 1.0, silhouette, stability, stability_deviation }
    }

    #[test]
    fn each_number_that_was_tried_is_marked_and_the_best_is_named() {
        let folder = tempfile::tempdir().unwrap();
        Example::new(folder.path(), "cae-32", ModelKind::Cae, 32).all();
        Example::new(folder.path(), "ae-2", ModelKind::Ae, 2).all();
        let collected = || collect(&["cae-32", "ae-2"].map(|name| folder.path().join(name))).unwrap().runs;
        let run = collected().iter().find(|run| run.dir.name() == "cae-32").unwrap().dir.clone();
        let latents = FinishedStage::open(run.stage(Stage::LatentExport, None)).unwrap();
        let latents = latents.file(file::TRAIN_LATENTS).unwrap().hash().clone();
        let rows = vec![row(5, Some(0.2), 0.8), row(6, Some(0.3), 0.9), row(7, None, 0.7)];
        let counts = ClusterCounts { latents, image_count: 9, silhouette_sample: 9, split_count: 5, seed: 0, rows };
        write_document(&run.cluster_counts(), &counts).unwrap();
        let mut gaps = Gaps::default();
        let drawings = draw(&Catalogue::of(collected()), &mut gaps);
        assert_eq!(drawings.iter().map(|drawing| drawing.name.as_str()).collect::<Vec<_>>(), ["clusters-cae-32"]);
        let shapes = drawings[0].scene.shapes();
        let marks = shapes.iter().filter(|(outline, ..)| matches!(outline, Outline::Circle { .. })).count();
        assert_eq!(marks, 2 + 3);
        // There are no clusters between two numbers of them.
        let texts = drawings[0].scene.texts();
        assert!(["5", "6", "7"].iter().all(|tick| texts.contains(tick)) && !texts.contains(&"5.25"), "{texts:?}");
        assert!(gaps.lines().is_empty(), "{:?}", gaps.lines());

        let others = ClusterCounts { latents: run_store::hash_bytes(b"others"), ..counts };
        write_document(&run.cluster_counts(), &others).unwrap();
        assert!(draw(&Catalogue::of(collected()), &mut gaps).is_empty());
        assert!(gaps.lines()[0].contains("expected scores of the run's latents"), "{:?}", gaps.lines());
    }
}

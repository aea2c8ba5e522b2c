//! How many redrawn test images can still be read, against epoch.

use std::collections::BTreeSet;

use run_store::{ReconstructionMetrics, Stage};
use stage_cli::per_cent;

use super::Drawing;
use super::axes::Axis;
use super::catalogue::{Catalogue, Entry, said_of_epochs, said_of_means};
use super::curves::{Curve, CurvePanel, epochs, means};
use super::gaps::Gaps;
use super::page::Page;
use crate::blocks::thousands;
use crate::notes::readable_from;

const NAME: &str = "readability";

const SIZE: (f64, f64) = (820.0, 460.0);

pub(crate) fn draw(catalogue: &Catalogue, gaps: &mut Gaps) -> Vec<Drawing> {
    let read = |entry: &Entry, _: &mut Gaps| Ok(entry.run.reconstructions.clone());
    let series = catalogue.series(NAME, &[Stage::ReconEval], false, gaps, read);
    let Some(judged) = series.iter().find_map(|series| series.members.first()) else { return Vec::new() };
    let curves = series.iter().map(|series| {
        let shares = |judged: &ReconstructionMetrics| {
            judged.epochs.iter().map(|row| (row.epoch, 100.0 * row.readable.readable_share)).collect()
        };
        let runs: Vec<Vec<(u32, f64)>> = series.members.iter().map(shares).collect();
        let (name, colour) = (Some(series.title()), series.first.colour);
        Curve { name, colour, is_dashed: false, points: means(&runs), has_markers: true }
    });
    let curves: Vec<Curve> = curves.collect();
    let all = || series.iter().flat_map(|series| &series.members);
    let last_epoch = all().flat_map(|judged| &judged.epochs).map(|row| row.epoch).max().unwrap_or(1);
    let ceiling = judged.originals.readable_share;
    // Runs on other images, with another reader or another limit have another ceiling, and then there is not one line.
    let is_shared = all().all(|other| {
        other.originals == judged.originals
            && other.image_count == judged.image_count
            && other.readable_probability == judged.readable_probability
    });
    let level = is_shared.then(|| (100.0 * ceiling, format!("originals {} %", per_cent(ceiling, 1))));
    let counts: BTreeSet<u32> = all().map(|judged| judged.image_count).collect();
    let images = match counts.first() {
        Some(count) if counts.len() == 1 => format!("the {} test images", thousands((*count).into())),
        _ => "the test images".to_owned(),
    };
    let mut said = vec![
        format!(
            "Share of {images} that a reader, a network that learnt from other images, gives their true digit with a probability of \
             {}, after each epoch that was kept.",
            readable_from(all())
        ),
        said_of_epochs(&series),
    ];
    said.extend(said_of_means(&series));
    let mut page = Page::new("Readable reconstructions by epoch", &said, SIZE.0, SIZE.1);
    let upwards = Axis::exact(0.0, 100.0, 5.0, "% of test images");
    let panel = CurvePanel { heading: String::new(), across: epochs(f64::from(last_epoch), SIZE.0), upwards, level };
    let corner = page.corner;
    panel.draw(&mut page.scene, corner, SIZE, &curves);
    vec![Drawing { name: NAME.to_owned(), scene: page.scene }]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use run_store::ModelKind;

    use super::*;
    use crate::collect::collect;
    use crate::testing::Example;

    #[test]
    fn what_is_not_true_of_all_runs_is_not_said_of_all() {
        let folder = tempfile::tempdir().unwrap();
        for (name, latent_dim) in [("cae-2", 2), ("cae-3", 3)] {
            Example::new(folder.path(), name, ModelKind::Cae, latent_dim).all();
        }
        let said = |change: fn(&mut ReconstructionMetrics)| {
            let mut runs = collect(&["cae-2", "cae-3"].map(|name| folder.path().join(name))).unwrap().runs;
            change(runs[1].reconstructions.as_mut().unwrap());
            let drawings = draw(&Catalogue::of(runs), &mut Gaps::default());
            drawings[0].scene.texts().join(" ")
        };
        let alike = said(|_| {});
        let expected = ["Share of the 4,000 test images", "of at least 0.5, after", "originals 99.3 %"];
        assert!(expected.iter().all(|text| alike.contains(text)), "{alike}");
        let counts = said(|judged| judged.image_count = 1_000);
        assert!(counts.contains("Share of the test images") && !counts.contains("originals"), "{counts}");
        let limits = said(|judged| judged.readable_probability = 0.9);
        assert!(limits.contains("of at least 0.5 to 0.9, by run, after") && !limits.contains("originals"), "{limits}");
    }
}

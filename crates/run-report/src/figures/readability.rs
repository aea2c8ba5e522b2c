//! How many redrawn test images can still be read, against epoch.

use run_store::{ReconstructionMetrics, Stage};

use super::Drawing;
use super::axes::Axis;
use super::catalogue::{Catalogue, Entry, said_of_means};
use super::curves::{Curve, CurvePanel, epochs, means};
use super::gaps::Gaps;
use super::page::Page;
use crate::blocks::thousands;

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
    let ceiling = 100.0 * judged.originals.readable_share;
    // Runs on other images or with another reader have another ceiling, and then there is not one line.
    let is_shared = all().all(|other| other.originals == judged.originals && other.image_count == judged.image_count);
    let level = is_shared.then(|| (ceiling, format!("originals {ceiling:.1} %")));
    let mut said = vec![format!(
        "Share of the {} test images that a reader, a network that learnt from other images, gives their true digit with \
         a probability of at least {}, after each epoch that was kept; epoch 0 is the untrained model.",
        thousands(judged.image_count.into()),
        judged.readable_probability
    )];
    said.extend(said_of_means(&series));
    let mut page = Page::new("Readable reconstructions by epoch", &said, SIZE.0, SIZE.1);
    let upwards = Axis::exact(0.0, 100.0, 5.0, "% of test images");
    let panel = CurvePanel { heading: String::new(), across: epochs(f64::from(last_epoch), SIZE.0), upwards, level };
    let corner = page.corner;
    panel.draw(&mut page.scene, corner, SIZE, &curves);
    vec![Drawing { name: NAME.to_owned(), scene: page.scene }]
}

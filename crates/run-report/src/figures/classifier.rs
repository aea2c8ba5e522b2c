//! The classifier's loss and accuracy against epoch.

use run_store::{ClassifierEpoch, History, Stage, file};

use super::Drawing;
use super::axes::Axis;
use super::catalogue::{Catalogue, Series, said_of_means};
use super::curves::{Curve, CurvePanel, LINE_STYLES, draw_line_styles, epochs, means, values};
use super::gaps::Gaps;
use super::page::Page;

const NAME: &str = "classifier";

const STAGES: [Stage; 2] = [Stage::LatentExport, Stage::LatentClassify];

const PANEL: (f64, f64) = (530.0, 420.0);
const BETWEEN: f64 = 30.0;

const SAID: &str = "A classifier learns digits from the latents of training images. Train: over the epoch's latents while it \
                    trained. Test: over the test latents after the epoch.";

/// Between a largest and a smallest loss of this ratio, equal lengths are equal ratios.
const LOGARITHMIC_FROM: f64 = 12.0;

type Histories<'a> = Series<'a, Vec<ClassifierEpoch>>;

pub(crate) fn draw(catalogue: &Catalogue, gaps: &mut Gaps) -> Vec<Drawing> {
    let series = catalogue.series(NAME, &STAGES, false, gaps, |entry, _| {
        let history = ClassifierEpoch::read(&entry.file(Stage::LatentClassify, file::HISTORY)?)?;
        Ok((!history.is_empty()).then_some(history))
    });
    if series.is_empty() {
        return Vec::new();
    }
    let mut said = vec![SAID.to_owned()];
    said.extend(said_of_means(&series));
    let title = "The classifier on the latents, by epoch";
    let mut page = Page::new(title, &said, 2.0 * PANEL.0 + BETWEEN, LINE_STYLES + PANEL.1);
    let corner = page.corner;
    draw_line_styles(&mut page.scene, corner);
    let histories = series.iter().flat_map(|series| &series.members).flatten();
    let last_epoch = f64::from(histories.map(|epoch| epoch.epoch).max().unwrap_or(1));
    let losses = curves(&series, |epoch| epoch.train_loss, |epoch| epoch.test_loss);
    let accuracies = curves(&series, |epoch| 100.0 * epoch.train_accuracy, |epoch| 100.0 * epoch.test_accuracy);
    let loss = Axis::fitting(values(&losses), LOGARITHMIC_FROM, 6.0, "nats a latent");
    let lowest = values(&accuracies).fold(100.0, f64::min);
    let highest = values(&accuracies).fold(lowest, f64::max);
    let accuracy = Axis::round(lowest, highest.min(100.0), 6.0, "% of latents");
    for (left, heading, upwards, curves) in
        [(0.0, "Cross-entropy", loss, &losses), (PANEL.0 + BETWEEN, "Accuracy", accuracy, &accuracies)]
    {
        let panel =
            CurvePanel { heading: heading.to_owned(), across: epochs(last_epoch, PANEL.0), upwards, level: None };
        let corner = page.at(left, LINE_STYLES);
        panel.draw(&mut page.scene, corner, PANEL, curves);
    }
    vec![Drawing { name: NAME.to_owned(), scene: page.scene }]
}

/// Two curves of each series: dashed of training, whole of test latents.
fn curves(
    series: &[Histories<'_>],
    train: fn(&ClassifierEpoch) -> f64,
    test: fn(&ClassifierEpoch) -> f64,
) -> Vec<Curve> {
    let both = series.iter().flat_map(|series| {
        [(train, true), (test, false)].map(|(value, is_dashed)| {
            let history = |history: &Vec<ClassifierEpoch>| history.iter().map(|row| (row.epoch, value(row))).collect();
            let runs: Vec<Vec<(u32, f64)>> = series.members.iter().map(history).collect();
            let name = (!is_dashed).then(|| series.title());
            Curve { name, colour: series.first.colour, is_dashed, points: means(&runs), has_markers: false }
        })
    });
    both.collect()
}

//! Loss against epoch, of training and test images.

use std::collections::BTreeMap;

use run_store::{ElboEpoch, History, Stage, TrainingEpoch, file};

use super::Drawing;
use super::axes::Axis;
use super::catalogue::{Catalogue, Series, said_of_means};
use super::curves::{Curve, CurvePanel, LINE_STYLES, draw_line_styles, epochs, means, values};
use super::gaps::Gaps;
use super::page::Page;

const NAME: &str = "losses";

/// Above this ratio of largest to smallest loss, equal lengths are equal ratios.
const LOGARITHMIC_FROM: f64 = 8.0;

const WIDTH: f64 = 1060.0;
const WHOLE_HEIGHT: f64 = 400.0;
const PART_HEIGHT: f64 = 320.0;
const BETWEEN: f64 = 26.0;

/// What a refinement leaves is no loss that it lowers alone, and may grow.
const REFINED: &str = "refined";

/// A training: the loss it lowered, and how.
struct Training {
    /// Its name in manifests.
    loss: String,
    history: Vec<TrainingEpoch>,
}

type Losses<'a> = Series<'a, Training>;

pub(crate) fn draw(catalogue: &Catalogue, gaps: &mut Gaps) -> Vec<Drawing> {
    let series = catalogue.series(NAME, &[Stage::AeTrain], false, gaps, |entry, _| {
        let path = entry.file(Stage::AeTrain, file::HISTORY)?;
        let (loss, history) = match entry.run.refinement() {
            Some(_) => (REFINED, TrainingEpoch::of_refinement(&path)?),
            None => (entry.run.loss().unwrap_or("unknown"), TrainingEpoch::read(&path)?),
        };
        Ok((!history.is_empty()).then_some(Training { loss: loss.to_owned(), history }))
    });
    if series.is_empty() {
        return Vec::new();
    }
    let mut kinds: BTreeMap<&str, Vec<&Losses<'_>>> = BTreeMap::new();
    for series in &series {
        if let Some(training) = series.members.first() {
            let is_bound = training.history.iter().all(|epoch| epoch.elbo.is_some());
            kinds.entry(if is_bound { BOUND } else { training.loss.as_str() }).or_default().push(series);
        }
    }
    // Losses of one kind in a panel, bounds last, as their parts come below.
    let bounds = kinds.remove(BOUND);
    let whole_height = kinds.len() as f64 * (WHOLE_HEIGHT + BETWEEN);
    let height = LINE_STYLES + if bounds.is_some() { whole_height + PART_HEIGHT } else { whole_height - BETWEEN };
    let has = |is_refined: bool| series.iter().any(|series| series.is_refined() == is_refined);
    let mut said = Vec::new();
    said.extend(has(false).then(|| SAID.to_owned()));
    said.extend(has(true).then(|| SAID_OF_REFINED.to_owned()));
    said.extend(bounds.is_some().then(|| SAID_OF_BOUNDS.to_owned()));
    said.extend(said_of_means(&series));
    let mut page = Page::new("Loss of the autoencoders by epoch", &said, WIDTH, height);
    let histories = series.iter().flat_map(|series| &series.members).flat_map(|training| &training.history);
    let last_epoch = f64::from(histories.map(|epoch| epoch.epoch).max().unwrap_or(1));
    let corner = page.corner;
    draw_line_styles(&mut page.scene, corner);
    let mut top = LINE_STYLES;
    for (kind, series) in &kinds {
        let (heading, unit) = match *kind {
            "bce" => ("Binary cross-entropy", "nats a pixel"),
            "mse" => ("Mean squared error", "of pixels in [0, 1]"),
            REFINED => ("Reconstructions while a model is refined: binary cross-entropy", "nats a pixel"),
            _ => ("Loss", "its own unit"),
        };
        let part = Part { heading, unit, train: |epoch| epoch.train_loss, test: |epoch| epoch.test_loss };
        part.draw(&mut page, (0.0, top), (WIDTH, WHOLE_HEIGHT), series, last_epoch);
        top += WHOLE_HEIGHT + BETWEEN;
    }
    let width = (WIDTH - 2.0 * BETWEEN) / PARTS.len() as f64;
    for (position, part) in PARTS.iter().enumerate().filter(|_| bounds.is_some()) {
        let left = position as f64 * (width + BETWEEN);
        part.draw(&mut page, (left, top), (width, PART_HEIGHT), bounds.as_deref().unwrap_or_default(), last_epoch);
    }
    vec![Drawing { name: NAME.to_owned(), scene: page.scene }]
}

/// The name in manifests of losses that are lower bounds.
const BOUND: &str = "elbo";

const SAID: &str = "Train: mean over the epoch's images while it trained, with the model's dropout. Test: mean over the \
                    test images after the epoch, without.";
const SAID_OF_REFINED: &str = "Of refined models both are means after an epoch of refining, without dropout; train over as many of the \
                               first training images as there are test images. Of several starts nothing is shown until one goes on.";
const SAID_OF_BOUNDS: &str = "The negative evidence lower bound is the cross-entropy of an image summed over its pixels and \
                              the divergence of its latent's Gaussian from the prior.";

/// One panel: what it shows of an epoch.
struct Part {
    heading: &'static str,
    unit: &'static str,
    train: fn(&TrainingEpoch) -> f64,
    test: fn(&TrainingEpoch) -> f64,
}

fn bound(epoch: &TrainingEpoch) -> ElboEpoch {
    let none = run_store::ElboParts { reconstruction_nats: 0.0, kl_nats: 0.0 };
    epoch.elbo.unwrap_or(ElboEpoch { train: none, test: none })
}

const PARTS: [Part; 3] = [
    Part {
        heading: "Negative evidence lower bound",
        unit: "nats an image",
        train: |epoch| epoch.train_loss,
        test: |epoch| epoch.test_loss,
    },
    Part {
        heading: "Part 1: cross-entropy of pixels",
        unit: "nats an image",
        train: |epoch| bound(epoch).train.reconstruction_nats,
        test: |epoch| bound(epoch).test.reconstruction_nats,
    },
    Part {
        heading: "Part 2: divergence from the prior",
        unit: "nats an image",
        train: |epoch| bound(epoch).train.kl_nats,
        test: |epoch| bound(epoch).test.kl_nats,
    },
];

impl Part {
    fn draw(&self, page: &mut Page, corner: (f64, f64), size: (f64, f64), series: &[&Losses<'_>], last_epoch: f64) {
        let curves = |series: &&Losses<'_>| {
            let curve = |value: fn(&TrainingEpoch) -> f64, is_dashed: bool| {
                let history =
                    |training: &Training| training.history.iter().map(|row| (row.epoch, value(row))).collect();
                let runs: Vec<Vec<(u32, f64)>> = series.members.iter().map(history).collect();
                let name = (!is_dashed).then(|| series.title());
                let points = means(&runs);
                Curve { name, colour: series.first.colour, is_dashed, points, has_markers: false }
            };
            [curve(self.train, true), curve(self.test, false)]
        };
        let curves: Vec<Curve> = series.iter().flat_map(curves).collect();
        let upwards = Axis::fitting(values(&curves), LOGARITHMIC_FROM, 5.0, self.unit);
        let panel =
            CurvePanel { heading: self.heading.to_owned(), across: epochs(last_epoch, size.0), upwards, level: None };
        let corner = page.at(corner.0, corner.1);
        panel.draw(&mut page.scene, corner, size, &curves);
    }
}

//! What stages take against the number of images, and K-means against clusters and dimensions.

use run_store::{Growth, GrowthLine, GrowthPoint, Measure, Quantity};

use super::Drawing;
use super::axes::Axis;
use super::curves::{Curve, CurvePanel, values};
use super::page::Page;
use super::style;
use crate::blocks::thousands;
use crate::drawing::Colour;
use crate::spread::Spread;

const NAME: &str = "growth";

/// Above this ratio of largest to smallest value, equal lengths are equal ratios.
const LOGARITHMIC_FROM: f64 = 4.0;

const WIDTH: f64 = 1060.0;
const BETWEEN: f64 = 26.0;
const PANEL_WIDTH: f64 = (WIDTH - BETWEEN) / 2.0;
/// Of the panels of stages, and of those of K-means alone.
const HEIGHTS: [f64; 2] = [420.0, 270.0];

/// Points at which a straight line is drawn, as it bends where a scale is logarithmic.
const SAMPLES: u32 = 64;

/// A panel: the lines that it shows.
struct Panel {
    /// What is above several lines; one line has its own name there.
    heading: &'static str,
    against: Quantity,
    measure: Measure,
}

/// By row: stages, then K-means.
const PANELS: [[Panel; 2]; 2] = [
    [
        Panel { heading: "Time", against: Quantity::Images, measure: Measure::Seconds },
        Panel { heading: "Peak memory", against: Quantity::Images, measure: Measure::PeakMib },
    ],
    [
        Panel { heading: "Time", against: Quantity::Clusters, measure: Measure::Seconds },
        Panel { heading: "Time", against: Quantity::Dimensions, measure: Measure::Seconds },
    ],
];

/// The figure; none where nothing was measured.
pub(crate) fn draw(growth: &Growth) -> Option<Drawing> {
    let is_shown = |row: &[Panel; 2]| row.iter().any(|panel| panel.lines(growth).next().is_some());
    let rows = PANELS.iter().zip(HEIGHTS).filter(|(row, _)| is_shown(row));
    let rows: Vec<(&[Panel; 2], f64)> = rows.collect();
    let gaps = rows.len().checked_sub(1)? as f64 * BETWEEN;
    let height = rows.iter().map(|(_, height)| height).sum::<f64>() + gaps;
    let mut page = Page::new("How time and memory grow", &[said(growth)], WIDTH, height);
    let mut top = 0.0;
    for (row, height) in rows {
        for (column, panel) in row.iter().enumerate() {
            panel.draw(&mut page, (column as f64 * (PANEL_WIDTH + BETWEEN), top), height, growth);
        }
        top += height + BETWEEN;
    }
    Some(Drawing { name: NAME.to_owned(), scene: page.scene })
}

fn said(growth: &Growth) -> String {
    let threads = if growth.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", growth.threads) };
    let rounds = match growth.rounds {
        1 => "Points were measured once".to_owned(),
        rounds => format!("Points are medians of {rounds} rounds, with a stroke from the least to the greatest"),
    };
    format!(
        "{rounds}, on {threads}. Lines are the straight lines nearest to them (least squares); on logarithmic scales a line \
         bends where what does not grow outweighs what does. Stages are whole processes, K-means is its fit alone."
    )
}

impl Panel {
    fn lines<'a>(&self, growth: &'a Growth) -> impl Iterator<Item = &'a GrowthLine> {
        let (against, measure) = (self.against, self.measure);
        let is_here = move |line: &&GrowthLine| line.against == against && line.measure == measure;
        growth.lines.iter().filter(is_here).filter(|line| !line.points.is_empty())
    }

    fn draw(&self, page: &mut Page, corner: (f64, f64), height: f64, growth: &Growth) {
        let lines: Vec<&GrowthLine> = self.lines(growth).collect();
        if lines.is_empty() {
            return;
        }
        let is_alone = lines.len() == 1;
        let colour = |line| if is_alone { style::SOFT } else { colour(growth, line) };
        let mut curves: Vec<Curve> = lines.iter().flat_map(|line| measured(line, colour(line))).collect();
        let (across, upwards) = (self.across(&lines), self.upwards(&curves));
        curves.extend(lines.iter().map(|line| {
            let name = (!is_alone).then(|| line.subject.clone());
            Curve { name, ..fit(line, colour(line), &across, &upwards) }
        }));
        let heading = lines.first().filter(|_| is_alone).map_or(self.heading, |line| line.subject.as_str());
        let panel = CurvePanel { heading: heading.to_owned(), across, upwards, level: None };
        let corner = page.at(corner.0, corner.1);
        panel.draw(&mut page.scene, corner, (PANEL_WIDTH, height), &curves);
    }

    fn across(&self, lines: &[&GrowthLine]) -> Axis {
        let mut places: Vec<u64> = lines.iter().flat_map(|line| &line.points).map(|point| point.at).collect();
        places.sort_unstable();
        places.dedup();
        let title = match self.against {
            Quantity::Images => "images",
            Quantity::Clusters => "clusters",
            Quantity::Dimensions => "dimensions",
        };
        let axis = Axis::fitting(places.iter().map(|place| *place as f64), LOGARITHMIC_FROM, 5.0, title);
        axis.with_ticks(places.iter().map(|place| (*place as f64, thousands(*place))))
    }

    fn upwards(&self, curves: &[Curve]) -> Axis {
        let unit = match self.measure {
            Measure::Seconds => "seconds",
            Measure::PeakMib => "MiB",
        };
        Axis::fitting(values(curves), LOGARITHMIC_FROM, 5.0, unit)
    }
}

/// The same for all lines of a subject.
fn colour(growth: &Growth, line: &GrowthLine) -> Colour {
    let mut subjects: Vec<&str> = Vec::new();
    for other in &growth.lines {
        if !subjects.contains(&other.subject.as_str()) {
            subjects.push(&other.subject);
        }
    }
    style::series(subjects.iter().position(|subject| *subject == line.subject).unwrap_or_default())
}

fn exactly(place: f64, value: f64) -> (f64, Spread) {
    (place, Spread { mean: value, sd: None, run_count: 1 })
}

/// For each point a mark, and a stroke over all rounds.
fn measured(line: &GrowthLine, colour: Colour) -> impl Iterator<Item = Curve> {
    let curve = move |points: Vec<(f64, Spread)>, has_markers: bool| Curve {
        name: None,
        colour,
        is_dashed: false,
        points,
        has_markers,
    };
    line.points.iter().flat_map(move |point: &GrowthPoint| {
        let at = |value: f64| exactly(point.at as f64, value);
        [curve(vec![at(point.least), at(point.greatest)], false), curve(vec![at(point.median)], true)]
    })
}

/// The straight line between the outer points, as far as it stays in the panel.
fn fit(line: &GrowthLine, colour: Colour, across: &Axis, upwards: &Axis) -> Curve {
    let places = || line.points.iter().map(|point| point.at as f64);
    let (first, last) = (places().fold(f64::INFINITY, f64::min), places().fold(0.0, f64::max));
    let (from, to) = (across.place(first), across.place(last));
    let (low, high) = upwards.ends();
    let samples = (0..=SAMPLES).map(|sample| from + (to - from) * f64::from(sample) / f64::from(SAMPLES));
    let points = samples.map(|share| across.value(share)).map(|place| exactly(place, line.fit.at(place)));
    let points = points.filter(|(_, spread)| (low..=high).contains(&spread.mean)).collect();
    Curve { name: None, colour, is_dashed: false, points, has_markers: false }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use run_store::read_document;

    use super::*;
    use crate::drawing::{Line, Outline, Point};

    /// Made-up numbers in the form that `scripts/bench/growth.py` writes.
    fn measured() -> Growth {
        read_document(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/growth.json")).unwrap()
    }

    #[test]
    fn growth_is_points_around_straight_lines() {
        let growth = measured();
        let scene = draw(&growth).unwrap().scene;
        let texts = scene.texts();
        let count = |wanted: &str| texts.iter().filter(|text| **text == wanted).count();
        // Each stage by its name in both panels, an epoch in that of time; K-means above its panel.
        assert_eq!([count("latent-export"), count("each further epoch"), count("K-means, 20,000 × 32")], [2, 1, 1]);
        assert_eq!([count("70,000"), count("80"), count("128"), count("images, log scale")], [2, 1, 1, 2]);
        let shown = |line: &&GrowthLine| line.against == Quantity::Images || line.measure == Measure::Seconds;
        let points: usize = growth.lines.iter().filter(shown).map(|line| line.points.len()).sum();
        let shapes = scene.shapes();
        let marks: Vec<Point> = shapes
            .iter()
            .filter_map(|(outline, ..)| if let Outline::Circle { centre, .. } = outline { Some(*centre) } else { None })
            .collect();
        assert_eq!(marks.len(), points);
        let is_inside = |point: &Point| (0.0..scene.width).contains(&point.x) && (0.0..scene.height).contains(&point.y);
        assert!(marks.iter().all(is_inside));
        // A stroke each, told from ticks by its width.
        let is_stroke = |outline: &Outline, line: Option<Line>| {
            line.is_some_and(|line| line.width == style::CURVE_LINE)
                && matches!(outline, Outline::Polyline { points } if points.len() == 2 && points[0].x == points[1].x)
        };
        assert_eq!(shapes.iter().filter(|(outline, _, line)| is_stroke(outline, *line)).count(), points);
    }

    #[test]
    fn growth_of_a_line_that_is_straight_lies_on_it() {
        let mut growth = measured();
        growth.lines.retain(|line| line.against == Quantity::Clusters);
        growth.lines.truncate(1);
        let line = &mut growth.lines[0];
        for point in &mut line.points {
            point.median = line.fit.at(point.at as f64);
            (point.least, point.greatest) = (point.median, point.median);
        }
        let scene = draw(&growth).unwrap().scene;
        let shapes = scene.shapes();
        let fit = shapes.iter().find_map(|(outline, ..)| match outline {
            Outline::Polyline { points } if points.len() > 10 => Some(points),
            _ => None,
        });
        let fit = fit.unwrap();
        for (outline, ..) in &shapes {
            let &&Outline::Circle { centre, .. } = outline else { continue };
            let near =
                fit.windows(2).find(|pair| pair[0].x - 1e-6 <= centre.x && centre.x <= pair[1].x + 1e-6).unwrap();
            let share = (centre.x - near[0].x) / (near[1].x - near[0].x);
            let height = near[0].y + share * (near[1].y - near[0].y);
            assert!((height - centre.y).abs() < 0.5, "{centre:?} {near:?}");
        }
        growth.lines.clear();
        assert!(draw(&growth).is_none());
    }
}

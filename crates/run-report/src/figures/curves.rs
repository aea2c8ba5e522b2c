//! A panel of curves, each with its name at its end.

use std::collections::BTreeMap;

use super::axes::{Axis, Plane};
use super::style::{CURVE_LINE, HEADING, INK, LABEL, SOFT};
use crate::drawing::{Colour, Line, Outline, PIXELS_PER_UNIT, Point, Scene, Text, Weight, shorten, width};
use crate::spread::Spread;

/// One curve.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    /// What is written at its end; nothing where another curve of the same colour bears the name.
    pub name: Option<String>,
    pub colour: Colour,
    pub is_dashed: bool,
    /// Epochs, or what else lies across, and what was measured there.
    pub points: Vec<(f64, Spread)>,
    /// Whether each point is marked.
    pub has_markers: bool,
}

/// The mean over `runs` at each epoch that all of them have, in order.
pub(crate) fn means(runs: &[Vec<(u32, f64)>]) -> Vec<(f64, Spread)> {
    let runs: Vec<BTreeMap<u32, f64>> = runs.iter().map(|run| run.iter().copied().collect()).collect();
    let Some(first) = runs.first() else { return Vec::new() };
    let mean = |epoch: &u32| {
        let values: Option<Vec<f64>> = runs.iter().map(|run| run.get(epoch).copied()).collect();
        Some((f64::from(*epoch), Spread::of(&values?)?))
    };
    first.keys().filter_map(mean).collect()
}

/// A panel and how its values are to be read.
#[derive(Clone, Debug)]
pub(crate) struct CurvePanel {
    /// Empty where the page's title says it.
    pub heading: String,
    pub across: Axis,
    pub upwards: Axis,
    /// A level that curves are held against: its value and what it is.
    pub level: Option<(f64, String)>,
}

/// The axis of a panel of `width` whose curves, and those of the figure's other panels, end at `last_epoch`.
pub(crate) fn epochs(last_epoch: f64, width: f64) -> Axis {
    Axis::counts(0.0, last_epoch.max(1.0), (width / 90.0).clamp(3.0, 6.0), "epoch")
}

/// Every value that the curves show, with their bands.
pub(crate) fn values(curves: &[Curve]) -> impl Iterator<Item = f64> {
    curves.iter().flat_map(|curve| &curve.points).flat_map(|(_, spread)| {
        let sd = spread.sd.unwrap_or_default();
        [spread.mean - sd, spread.mean + sd]
    })
}

/// The share of a panel's width that names have at most.
const NAMES_SHARE: f64 = 0.35;
/// Between a curve's end and its name, in units.
const LEADER: f64 = 14.0;
/// Above the plane, for the heading.
const ABOVE: f64 = 30.0;
/// The same where there is none.
const LITTLE_ABOVE: f64 = 8.0;

/// Above all panels, for what whole and dashed lines are.
pub(crate) const LINE_STYLES: f64 = 34.0;

impl CurvePanel {
    /// Draws the panel and `curves` in the rectangle of `size` at `corner`, everything of it included.
    pub fn draw(&self, scene: &mut Scene, corner: Point, size: (f64, f64), curves: &[Curve]) {
        let level = self.level.as_ref().map(|(_, name)| name.as_str());
        let names = curves.iter().filter_map(|curve| curve.name.as_deref()).chain(level);
        let limit = size.0 * NAMES_SHARE;
        let names_width = names.map(|name| width(name, LABEL, Weight::Regular)).fold(0.0, f64::max).min(limit);
        let above = if self.heading.is_empty() { LITTLE_ABOVE } else { ABOVE };
        let plane = Plane {
            corner: Point::new(corner.x + Plane::LEFT, corner.y + above),
            width: size.0 - Plane::LEFT - names_width - LEADER - 4.0,
            height: size.1 - above - Plane::BELOW,
            across: self.across.clone(),
            upwards: self.upwards.clone(),
        };
        if !self.heading.is_empty() {
            let place = Point::new(plane.corner.x, corner.y + HEADING);
            scene.text(Text::new(&self.heading, place, HEADING, INK).semibold());
        }
        plane.draw_grid(scene);
        let (first, last) = self.across.ends();
        if let Some((value, _)) = &self.level {
            let place = |x: f64| plane.place(x, *value);
            scene.line(place(first), place(last), Line::new(INK, 1.5).dashed(2.0, 3.0));
        }
        for curve in curves {
            draw_band(scene, &plane, curve);
        }
        for curve in curves {
            draw_curve(scene, &plane, curve);
        }
        plane.draw_axes(scene, false);
        let mut labels: Vec<Label> = curves.iter().filter_map(|curve| Label::of(&plane, curve, limit)).collect();
        labels.extend(self.level.as_ref().map(|(value, name)| {
            let end = plane.place(last, *value);
            Label { name: shorten(name, LABEL, Weight::Regular, limit), colour: INK, end, y: end.y }
        }));
        spread_out(&mut labels, plane.corner.y, plane.corner.y + plane.height);
        for label in &labels {
            label.draw(scene);
        }
    }
}

/// Says at `corner` that whole lines are of test, and dashed ones of training images.
pub(crate) fn draw_line_styles(scene: &mut Scene, corner: Point) {
    const SAMPLE: f64 = 30.0;
    let mut left = corner.x;
    for (name, is_dashed) in [("test", false), ("train", true)] {
        let y = corner.y + LABEL * 0.66;
        scene.line(Point::new(left, y), Point::new(left + SAMPLE, y), line(SOFT, is_dashed));
        left += SAMPLE + 8.0;
        scene.text(Text::new(name, Point::new(left, corner.y + LABEL), LABEL, INK));
        left += width(name, LABEL, Weight::Regular) + 26.0;
    }
}

fn line(colour: Colour, is_dashed: bool) -> Line {
    let line = Line::new(colour, CURVE_LINE);
    if is_dashed { line.dashed(5.0, 3.5) } else { line }
}

/// Fills what lies within a standard deviation of the mean.
fn draw_band(scene: &mut Scene, plane: &Plane, curve: &Curve) {
    let side = |sign: f64| {
        let points = curve.points.iter();
        let points =
            points.filter_map(move |(epoch, spread)| Some(plane.place(*epoch, spread.mean + sign * spread.sd?)));
        thinned(&points.collect::<Vec<Point>>())
    };
    let mut points = side(1.0);
    points.extend(side(-1.0).into_iter().rev());
    if points.len() > 2 {
        scene.fill(Outline::Polygon { points }, curve.colour.translucent(0.16));
    }
}

/// Of points from left to right those that a line through all would show: in each column of pixels the first, the highest, the
/// lowest and the last (M4: Jugel, Jerzak, Hackenbroich & Markl 2014). So a page does not grow with the epochs of a training.
fn thinned(points: &[Point]) -> Vec<Point> {
    let column = |point: &Point| (point.x * f64::from(PIXELS_PER_UNIT)).floor();
    let shown = |points: &[Point]| {
        let heights = || points.iter().map(|point| point.y).enumerate();
        let highest = heights().min_by(|(_, one), (_, other)| one.total_cmp(other));
        let lowest = heights().max_by(|(_, one), (_, other)| one.total_cmp(other));
        let ends = [0, points.len().saturating_sub(1)];
        let mut positions: Vec<usize> =
            ends.into_iter().chain(highest.into_iter().chain(lowest).map(|(at, _)| at)).collect();
        positions.sort_unstable();
        positions.dedup();
        positions.into_iter().filter_map(|position| points.get(position).copied()).collect::<Vec<Point>>()
    };
    points.chunk_by(|one, other| column(one) == column(other)).flat_map(shown).collect()
}

fn draw_curve(scene: &mut Scene, plane: &Plane, curve: &Curve) {
    let points: Vec<Point> = curve.points.iter().map(|(epoch, spread)| plane.place(*epoch, spread.mean)).collect();
    let points = thinned(&points);
    // A single point is no line, and has to be marked to be seen.
    if curve.has_markers || points.len() == 1 {
        for centre in &points {
            scene.fill(Outline::Circle { centre: *centre, radius: 3.5 }, curve.colour);
        }
    }
    scene.stroke(Outline::Polyline { points }, line(curve.colour, curve.is_dashed));
}

/// A name at the end of a curve.
struct Label {
    name: String,
    colour: Colour,
    /// Where the curve ends.
    end: Point,
    /// Where the name stands.
    y: f64,
}

impl Label {
    /// The label of a curve that has a name, which is at most `limit` units wide.
    fn of(plane: &Plane, curve: &Curve, limit: f64) -> Option<Self> {
        let (epoch, spread) = curve.points.last()?;
        let end = plane.place(*epoch, spread.mean);
        let name = shorten(curve.name.as_ref()?, LABEL, Weight::Regular, limit);
        Some(Self { name, colour: curve.colour, end, y: end.y })
    }

    fn draw(&self, scene: &mut Scene) {
        let from = Point::new(self.end.x + 3.0, self.end.y);
        let to = Point::new(self.end.x + LEADER - 3.0, self.y);
        scene.line(from, to, Line::new(self.colour.translucent(0.7), 1.0));
        let place = Point::new(self.end.x + LEADER, self.y + LABEL * 0.35);
        // The lightest colours are too light for letters.
        scene.text(Text::new(&self.name, place, LABEL, self.colour.toward(INK, 0.35)));
    }
}

/// Moves names up and down until none covers another, between `top` and `bottom` if there is room.
fn spread_out(labels: &mut [Label], top: f64, bottom: f64) {
    const APART: f64 = LABEL * 1.2;
    labels.sort_by(|one, other| one.end.y.total_cmp(&other.end.y));
    let mut free = top;
    for label in labels.iter_mut() {
        label.y = label.y.max(free);
        free = label.y + APART;
    }
    let mut free = bottom;
    for label in labels.iter_mut().rev() {
        label.y = label.y.min(free);
        free = label.y - APART;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_of_epochs_that_all_have() {
        let runs = [vec![(1, 1.0), (2, 3.0)], vec![(2, 5.0), (3, 9.0)]];
        let means = means(&runs);
        assert_eq!(means.len(), 1);
        assert_eq!((means[0].0, means[0].1.mean, means[0].1.run_count), (2.0, 4.0, 2));
        assert_eq!(super::means(&runs[..1])[0].1.sd, None);
    }

    #[test]
    fn epochs_are_in_order_however_many_runs_have_them() {
        let run: Vec<(u32, f64)> = (1..=200_000).rev().map(|epoch| (epoch, f64::from(epoch))).collect();
        let means = means(&[run.clone(), run]);
        assert_eq!(means.len(), 200_000);
        assert!(
            means
                .iter()
                .zip(1..)
                .all(|((epoch, spread), expected)| *epoch == f64::from(expected) && spread.mean == *epoch)
        );
    }

    #[test]
    fn a_long_curve_keeps_what_is_seen_of_it() {
        let few: Vec<Point> = (0..500).map(|step| Point::new(f64::from(step), f64::from(step % 7))).collect();
        assert_eq!(thinned(&few), few);
        // A million points on 500 units, of which one stands out upwards and one downwards.
        let mut many: Vec<Point> =
            (0..1_000_000).map(|step| Point::new(f64::from(step) / 2000.0, 100.0 + f64::from(step % 11))).collect();
        (many[123_456].y, many[765_432].y) = (3.0, 300.0);
        let shown = thinned(&many);
        assert!(shown.len() <= 4 * 500 * PIXELS_PER_UNIT as usize, "{}", shown.len());
        assert!(shown.contains(&many[123_456]) && shown.contains(&many[765_432]));
        assert_eq!((shown.first(), shown.last()), (many.first(), many.last()));
        assert!(shown.windows(2).all(|pair| pair[0].x < pair[1].x));
        assert!(thinned(&[]).is_empty());
    }

    #[test]
    fn names_do_not_cover_each_other() {
        let mut labels: Vec<Label> = [95.0, 96.0, 20.0, 97.0]
            .map(|y| Label { name: String::new(), colour: INK, end: Point::new(0.0, y), y })
            .into_iter()
            .collect();
        spread_out(&mut labels, 0.0, 100.0);
        let places: Vec<f64> = labels.iter().map(|label| label.y).collect();
        assert_eq!(places[0], 20.0);
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= LABEL), "{places:?}");
        assert!(places[3] <= 100.0);
    }

    fn panel() -> CurvePanel {
        let upwards = Axis::exact(0.0, 1.0, 4.0, "loss");
        CurvePanel { heading: "heading".to_owned(), across: epochs(2.0, 400.0), upwards, level: None }
    }

    fn curve(sd: Option<f64>) -> Curve {
        let point = |epoch: f64, mean: f64| (epoch, Spread { mean, sd, run_count: 2 });
        let points = vec![point(0.0, 0.0), point(2.0, 1.0)];
        Curve {
            name: Some("CAE 32".to_owned()),
            colour: Colour::hex(0xff),
            is_dashed: false,
            points,
            has_markers: false,
        }
    }

    #[test]
    fn a_curve_ends_where_its_values_do_and_a_band_needs_a_spread() {
        for (sd, bands) in [(None, 0), (Some(0.1), 1)] {
            let mut scene = Scene::new(400.0, 300.0);
            panel().draw(&mut scene, Point::new(0.0, 0.0), (400.0, 300.0), &[curve(sd)]);
            let drawn = scene.shapes();
            let blue = |outline: &&Outline| matches!(outline, Outline::Polyline { points } if points.len() == 2);
            let lines = drawn.iter().filter(|(_, _, line)| line.is_some_and(|line| line.width == CURVE_LINE));
            let lines: Vec<&Outline> = lines.map(|(outline, ..)| *outline).filter(blue).collect();
            let [Outline::Polyline { points }] = lines[..] else { panic!("{lines:?}") };
            assert_eq!((points[0].x, points[0].y), (Plane::LEFT, 300.0 - Plane::BELOW));
            assert_eq!(points[1].y, ABOVE);
            let polygons = drawn.iter().filter(|(outline, ..)| matches!(outline, Outline::Polygon { .. }));
            assert_eq!(polygons.count(), bands);
            assert!(scene.texts().contains(&"CAE 32"));
        }
    }
}

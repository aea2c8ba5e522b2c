//! Axes: values → places, with round numbers to read them by.

use super::style::{FRAME, INK, LABEL, SOFT, TICK, frame, grid, snap};
use crate::drawing::{Align, Line, Point, Scene, Text};

/// Values along one side of a panel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    is_logarithmic: bool,
    /// Values to be read, with their text.
    pub ticks: Vec<(f64, String)>,
    /// What the values are, with their unit.
    pub title: String,
}

/// A step of 1, 2, 2.5 or 5 times a power of ten, so that about `count` of them make `span`.
fn round_step(span: f64, count: f64) -> f64 {
    let rough = span / count;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0].into_iter().find(|factor| factor * power >= rough * 0.999).unwrap_or(10.0);
    factor * power
}

/// Digits after the point that a number has at most, and where numbers begin that have too many in front of it: others are written
/// with a power of ten.
const DECIMALS: usize = 8;
const LONG: f64 = 1e9;

/// `value` with as many decimals as multiples of `step` need, of which `largest` is the largest to be read beside it.
fn tick_text(value: f64, step: f64, largest: f64) -> String {
    let is_whole = |decimals: &usize| {
        let scaled = step * 10_f64.powi(*decimals as i32);
        (scaled - scaled.round()).abs() < 1e-6 * scaled
    };
    // Zero has no sign.
    let value = if value.abs() < step / 2.0 { 0.0 } else { value };
    let text = match (0..=DECIMALS).find(is_whole) {
        Some(decimals) if largest < LONG => format!("{value:.decimals$}"),
        _ => with_power(value, step),
    };
    text.replace('-', "−")
}

/// `value` as `2.5e9`, with the digits that tell multiples of `step` apart.
fn with_power(value: f64, step: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let power = |value: f64| value.abs().log10().floor();
    // One digit more, as steps may have two. A number has no more than sixteen.
    let decimals = (power(value) - power(step)).clamp(0.0, 12.0) as usize + 1;
    let text = format!("{value:.decimals$e}");
    let (digits, power) = text.split_once('e').unwrap_or((text.as_str(), "0"));
    format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// The two ends, or two around them where they are one.
fn spanning(low: f64, high: f64) -> (f64, f64) {
    // Of numbers beyond a billion, halves are too little to be told apart.
    let half = 0.5_f64.max(low.abs() * 1e-9);
    if high > low { (low, high) } else { (low - half, low + half) }
}

/// The most ticks of an axis: more are nowhere asked for, but where numbers end.
const TICK_LIMIT: f64 = 1000.0;

impl Axis {
    /// From `low` to `high`, with about `count` ticks.
    pub fn exact(low: f64, high: f64, count: f64, title: impl Into<String>) -> Self {
        let (low, high) = spanning(low, high);
        Self::with_step(low, high, round_step(high - low, count), title.into())
    }

    /// The same of what is counted: its ticks are whole numbers.
    pub fn counts(low: f64, high: f64, count: f64, title: impl Into<String>) -> Self {
        let (low, high) = spanning(low, high);
        // From 1 up the one step that is not whole is 2.5.
        let step = (round_step(high - low, count) + 1e-6).floor().max(1.0);
        Self::with_step(low, high, step, title.into())
    }

    /// From the tick below `low` to the one above `high`, as far as there are such numbers.
    pub fn round(low: f64, high: f64, count: f64, title: impl Into<String>) -> Self {
        let (low, high) = spanning(low, high);
        let step = round_step(high - low, count);
        let (below, above) = ((low / step + 1e-6).floor() * step, (high / step - 1e-6).ceil() * step);
        let (low, high) = if below.is_finite() && above.is_finite() { (below, above) } else { (low, high) };
        Self::with_step(low, high, step, title.into())
    }

    /// With ticks at the multiples of `step`; none where these are no numbers, or no end of them.
    fn with_step(low: f64, high: f64, step: f64, title: String) -> Self {
        let is_drawable = low.is_finite() && high.is_finite() && step.is_finite() && (high - low) / step < TICK_LIMIT;
        let (first, last) = ((low / step - 1e-6).ceil() as i64, (high / step + 1e-6).floor() as i64);
        let multiples = is_drawable.then_some(first..=last).into_iter().flatten();
        let largest = low.abs().max(high.abs());
        let ticks = multiples.map(|multiple| multiple as f64 * step);
        let ticks = ticks.map(|value| (value, tick_text(value, step, largest))).collect();
        Self { low, high, is_logarithmic: false, ticks, title }
    }

    /// The same with equal lengths for equal ratios where the values, which are positive then, span more than `ratio`.
    pub fn fitting(values: impl Iterator<Item = f64>, ratio: f64, count: f64, title: impl Into<String>) -> Self {
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if !(low.is_finite() && high.is_finite()) {
            return Self::exact(0.0, 1.0, count, title);
        }
        if low <= 0.0 || high / low <= ratio {
            return Self::round(low, high, count, title);
        }
        // The wider the range, the fewer ticks to a power of ten.
        let factors: &[f64] = if high / low < 20.0 { &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0] } else { &[1.0, 2.0, 5.0] };
        let powers = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
        let (factors, step) = match (powers.end() - powers.start()) / 8 {
            0 => (factors, 1),
            step => (&factors[..1], step as usize),
        };
        let ticks =
            powers.step_by(step).flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
        let (low, high) = (low / 1.08, (high * 1.08).min(f64::MAX));
        let ticks = ticks.filter(|value| (low..=high).contains(value));
        let ticks = ticks.map(|value| (value, tick_text(value, value, value))).collect();
        Self { low, high, is_logarithmic: true, ticks, title: format!("{}, log scale", title.into()) }
    }

    /// With ticks at `values` and no others: where it is those that were measured.
    pub fn with_ticks(self, values: impl Iterator<Item = (f64, String)>) -> Self {
        Self { ticks: values.collect(), ..self }
    }

    /// The least and the greatest value that have a place.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Without ticks, for values that mean nothing by themselves.
    pub fn bare(self) -> Self {
        Self { ticks: Vec::new(), ..self }
    }

    /// The value that lies at `place`.
    pub fn value(&self, place: f64) -> f64 {
        if self.is_logarithmic {
            self.low * (self.high / self.low).powf(place)
        } else {
            self.low + (self.high - self.low) * place
        }
    }

    /// Where `value` lies: 0 at the low end, 1 at the high one.
    pub fn place(&self, value: f64) -> f64 {
        if self.is_logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }
}

/// The rectangle that two axes span, on the page.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    pub corner: Point,
    pub width: f64,
    pub height: f64,
    pub across: Axis,
    pub upwards: Axis,
}

impl Plane {
    /// Room that ticks and the title need to the left of it, in units.
    pub const LEFT: f64 = 62.0;
    /// The same below it.
    pub const BELOW: f64 = 44.0;

    /// Where a pair of values lies on the page.
    pub fn place(&self, x: f64, y: f64) -> Point {
        Point::new(
            self.corner.x + self.across.place(x) * self.width,
            self.corner.y + (1.0 - self.upwards.place(y)) * self.height,
        )
    }

    /// Draws a line behind each tick of the upward axis.
    pub fn draw_grid(&self, scene: &mut Scene) {
        for (value, _) in &self.upwards.ticks {
            let y = snap(self.place(0.0, *value).y);
            scene.line(Point::new(self.corner.x, y), Point::new(self.corner.x + self.width, y), grid());
        }
    }

    /// Draws both axes with their ticks and titles; `is_closed` draws the other two sides too.
    pub fn draw_axes(&self, scene: &mut Scene, is_closed: bool) {
        let (left, top) = (snap(self.corner.x), snap(self.corner.y));
        let (right, bottom) = (snap(self.corner.x + self.width), snap(self.corner.y + self.height));
        let mut side = |from: (f64, f64), to: (f64, f64)| {
            scene.line(Point::new(from.0, from.1), Point::new(to.0, to.1), frame());
        };
        side((left, top), (left, bottom + 0.5));
        side((left - 0.5, bottom), (right + 0.5, bottom));
        if is_closed {
            side((left - 0.5, top), (right + 0.5, top));
            side((right, top), (right, bottom));
        }
        for (value, text) in &self.across.ticks {
            let x = snap(self.corner.x + self.across.place(*value) * self.width);
            scene.line(Point::new(x, bottom), Point::new(x, bottom + 5.0), Line::new(FRAME, 1.0));
            let place = Point::new(x, bottom + 6.0 + TICK);
            scene.text(Text::new(text, place, TICK, SOFT).align(Align::Middle));
        }
        for (value, text) in &self.upwards.ticks {
            let y = snap(self.place(0.0, *value).y);
            scene.line(Point::new(left - 5.0, y), Point::new(left, y), Line::new(FRAME, 1.0));
            let place = Point::new(left - 8.0, y + TICK * 0.36);
            scene.text(Text::new(text, place, TICK, SOFT).align(Align::End));
        }
        let below = bottom + if self.across.ticks.is_empty() { LABEL + 6.0 } else { TICK + LABEL + 12.0 };
        let middle = self.corner.x + self.width / 2.0;
        scene.text(Text::new(&self.across.title, Point::new(middle, below), LABEL, INK).align(Align::Middle));
        let before = left - if self.upwards.ticks.is_empty() { 8.0 } else { Self::LEFT - LABEL };
        let middle = self.corner.y + self.height / 2.0;
        let title = Text::new(&self.upwards.title, Point::new(before, middle), LABEL, INK);
        scene.text(title.align(Align::Middle).upright());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn ticks_are_few_over_any_range() {
        let ticks = |low: f64, high: f64| Axis::fitting([low, high].into_iter(), 3.0, 5.0, "").ticks.len();
        for (low, high) in [(1e-300, 1e300), (0.2, 1e308), (1.0, 1e9), (1e8, 1e9)] {
            assert!((2..30).contains(&ticks(low, high)), "{low} to {high}: {}", ticks(low, high));
        }
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(texts(&Axis::exact(0.0, 25.0, 5.0, "")), ["0", "5", "10", "15", "20", "25"]);
        assert_eq!(texts(&Axis::round(0.163, 0.287, 4.0, "")), ["0.15", "0.20", "0.25", "0.30"]);
        // The step is that of the values, not of the longer way between the ticks around them.
        let wide = Axis::round(0.15, 0.63, 5.0, "");
        assert_eq!(texts(&wide), ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7"]);
        assert_eq!([wide.place(0.1), wide.place(0.7)].map(|place| place.round()), [0.0, 1.0]);
        assert_eq!(texts(&Axis::exact(-1.2, 1.2, 4.0, "")), ["−1", "0", "1"]);
        assert_eq!(texts(&Axis::round(155.0, 240.0, 4.0, "")), ["150", "175", "200", "225", "250"]);
        assert_eq!(texts(&Axis::exact(-0.25, 0.5, 3.0, "")), ["−0.25", "0.00", "0.25", "0.50"]);
    }

    #[test]
    fn counts_have_whole_ticks() {
        assert_eq!(texts(&Axis::counts(0.0, 1.0, 5.0, "")), ["0", "1"]);
        assert_eq!(texts(&Axis::counts(2.0, 4.0, 8.0, "")), ["2", "3", "4"]);
        assert_eq!(texts(&Axis::counts(0.0, 10.0, 4.0, "")), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(texts(&Axis::counts(0.0, 100.0, 4.0, "")), ["0", "25", "50", "75", "100"]);
    }

    #[test]
    fn numbers_too_small_or_large_to_be_spelled_have_a_power_of_ten() {
        assert_eq!(texts(&Axis::exact(0.0, 8e-9, 4.0, "")), ["0", "2e−9", "4e−9", "6e−9", "8e−9"]);
        assert_eq!(texts(&Axis::exact(-5e-10, 5e-10, 4.0, "")), ["−5e−10", "−2.5e−10", "0", "2.5e−10", "5e−10"]);
        assert_eq!(texts(&Axis::exact(0.0, 2e9, 4.0, "")), ["0", "5e8", "1e9", "1.5e9", "2e9"]);
        assert_eq!(texts(&Axis::exact(0.0, 4e8, 4.0, "")), ["0", "100000000", "200000000", "300000000", "400000000"]);
        assert_eq!(texts(&Axis::exact(0.0, 4e-8, 4.0, "")).last(), Some(&"0.00000004"));
        // Where ratios count, each by itself.
        let wide = Axis::fitting([1e-12, 1e12].into_iter(), 3.0, 5.0, "");
        let spelled = |text: &&str| !text.contains('e');
        assert!(texts(&wide).iter().any(spelled) && !texts(&wide).iter().all(spelled), "{:?}", texts(&wide));
    }

    /// A step beyond the largest number would have as many ticks as there are integers.
    #[test]
    fn there_is_an_axis_wherever_numbers_end() {
        let most = 1.7e308;
        for axis in [
            Axis::round(0.0, most, 5.0, ""),
            Axis::round(-most, most, 5.0, ""),
            Axis::exact(-most, most, 5.0, ""),
            Axis::round(most, most, 5.0, ""),
            Axis::round(0.0, f64::INFINITY, 5.0, ""),
            Axis::exact(f64::NAN, f64::NAN, 5.0, ""),
            Axis::counts(0.0, most, 5.0, ""),
            Axis::fitting([1.0, most].into_iter(), 3.0, 5.0, ""),
        ] {
            assert!(axis.ticks.len() < 30 && axis.ticks.iter().all(|(value, _)| value.is_finite()), "{axis:?}");
        }
        assert_eq!(texts(&Axis::round(0.0, most, 5.0, "")), ["0", "5e307", "1e308", "1.5e308"]);
    }

    #[test]
    fn one_value_is_in_the_middle() {
        let axis = Axis::round(2.0, 2.0, 4.0, "");
        assert!((axis.place(2.0) - 0.5).abs() < 1e-9);
        assert!((Axis::exact(1e20, 1e20, 4.0, "").place(1e20) - 0.5).abs() < 1e-3);
        assert_eq!(Axis::fitting([].into_iter(), 10.0, 4.0, "").place(1.0), 1.0);
    }

    #[test]
    fn wide_ranges_of_positive_values_are_logarithmic() {
        let axis = |values: [f64; 2]| Axis::fitting(values.into_iter(), 10.0, 5.0, "");
        assert!(!axis([0.1, 0.9]).is_logarithmic && !axis([0.0, 9.0]).is_logarithmic);
        let wide = axis([0.1, 10.0]);
        assert!((wide.place(1.0) - 0.5).abs() < 1e-9);
        assert_eq!(texts(&wide), ["0.1", "0.2", "0.5", "1", "2", "5", "10"]);
        assert_eq!(texts(&axis([0.1, 1.2])), ["0.1", "0.15", "0.2", "0.3", "0.5", "0.7", "1"]);
        assert_eq!(wide.title, ", log scale");
        for axis in [axis([0.1, 0.9]), wide] {
            assert!((axis.value(axis.place(0.7)) - 0.7).abs() < 1e-9);
        }
    }

    #[test]
    fn values_grow_upwards_on_the_page() {
        let axis = || Axis::exact(0.0, 10.0, 5.0, "");
        let plane =
            Plane { corner: Point::new(100.0, 50.0), width: 200.0, height: 80.0, across: axis(), upwards: axis() };
        assert_eq!(plane.place(0.0, 0.0), Point::new(100.0, 130.0));
        assert_eq!(plane.place(10.0, 5.0), Point::new(300.0, 90.0));
    }
}

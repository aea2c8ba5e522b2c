//! What a drawing shows, in the order in which it is laid on the page.

use run_store::one_line;

use super::bitmap::Bitmap;
use super::colour::{Colour, Paint};
use super::font::Weight;

/// A place on the page, in units from its top left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub x: f64,
    pub y: f64,
}

impl Point {
    pub fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    pub paint: Paint,
    /// Units.
    pub width: f64,
    /// Units of line, then of gap; none for a whole line.
    pub dash: Option<(f64, f64)>,
}

impl Line {
    pub fn new(paint: impl Into<Paint>, width: f64) -> Self {
        Self { paint: paint.into(), width, dash: None }
    }

    pub fn dashed(self, line: f64, gap: f64) -> Self {
        Self { dash: Some((line, gap)), ..self }
    }
}

/// Where the ink of a shape is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outline {
    Rectangle { corner: Point, width: f64, height: f64 },
    Circle { centre: Point, radius: f64 },
    Polyline { points: Vec<Point> },
    Polygon { points: Vec<Point> },
}

/// Which end of a text lies at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Start,
    Middle,
    End,
}

/// One line of text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub text: String,
    /// The place of the baseline's beginning, middle or end.
    pub place: Point,
    /// Units of the font's height.
    pub size: f64,
    pub weight: Weight,
    pub colour: Colour,
    pub align: Align,
    /// Whether it runs upwards.
    pub is_upright: bool,
    /// Whether it has a white rim, to be read on anything.
    pub has_halo: bool,
}

impl Text {
    /// Regular text that begins at `place`.
    pub fn new(text: impl Into<String>, place: Point, size: f64, colour: Colour) -> Self {
        // Names come from folders, which may hold what no text should.
        let text = one_line(&text.into());
        let (weight, align) = (Weight::Regular, Align::Start);
        Self { text, place, size, weight, colour, align, is_upright: false, has_halo: false }
    }

    pub fn align(self, align: Align) -> Self {
        Self { align, ..self }
    }

    pub fn semibold(self) -> Self {
        Self { weight: Weight::Semibold, ..self }
    }

    pub fn upright(self) -> Self {
        Self { is_upright: true, ..self }
    }

    pub fn halo(self) -> Self {
        Self { has_halo: true, ..self }
    }
}

/// One thing on the page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mark {
    Shape {
        outline: Outline,
        fill: Option<Paint>,
        line: Option<Line>,
    },
    Text(Text),
    /// A bitmap over the rectangle; crisp ones keep their pixels' edges however large they are shown.
    Image {
        corner: Point,
        width: f64,
        height: f64,
        bitmap: Bitmap,
        is_crisp: bool,
    },
}

/// A white page and what is on it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scene {
    /// Units.
    pub width: f64,
    /// Units.
    pub height: f64,
    pub(super) marks: Vec<Mark>,
}

impl Scene {
    pub fn new(width: f64, height: f64) -> Self {
        Self { width: width.ceil(), height: height.ceil(), marks: Vec::new() }
    }

    pub fn fill(&mut self, outline: Outline, paint: impl Into<Paint>) {
        self.marks.push(Mark::Shape { outline, fill: Some(paint.into()), line: None });
    }

    pub fn stroke(&mut self, outline: Outline, line: Line) {
        self.marks.push(Mark::Shape { outline, fill: None, line: Some(line) });
    }

    pub fn line(&mut self, from: Point, to: Point, line: Line) {
        self.stroke(Outline::Polyline { points: vec![from, to] }, line);
    }

    pub fn text(&mut self, text: Text) {
        self.marks.push(Mark::Text(text));
    }

    pub fn image(&mut self, corner: Point, (width, height): (f64, f64), bitmap: Bitmap, is_crisp: bool) {
        self.marks.push(Mark::Image { corner, width, height, bitmap, is_crisp });
    }

    /// Every text, for tests.
    #[cfg(test)]
    pub fn texts(&self) -> Vec<&str> {
        self.marks
            .iter()
            .filter_map(|mark| if let Mark::Text(text) = mark { Some(text.text.as_str()) } else { None })
            .collect()
    }

    /// Where the image at `position` among the images lies: its corner and its bitmap, for tests.
    #[cfg(test)]
    pub fn images(&self) -> Vec<(Point, &Bitmap)> {
        let image = |mark| match mark {
            &Mark::Image { corner, ref bitmap, .. } => Some((corner, bitmap)),
            _ => None,
        };
        self.marks.iter().filter_map(image).collect()
    }

    /// Every shape, for tests.
    #[cfg(test)]
    pub fn shapes(&self) -> Vec<(&Outline, Option<Paint>, Option<Line>)> {
        let shape = |mark| match mark {
            &Mark::Shape { ref outline, fill, line } => Some((outline, fill, line)),
            _ => None,
        };
        self.marks.iter().filter_map(shape).collect()
    }
}

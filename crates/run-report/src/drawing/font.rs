//! The font of all drawings, Open Sans (Apache License 2.0), which is part of the program: no font of the system is needed.

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId, OutlineBuilder};
use zeno::{Command, Vector};

/// How heavy letters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Semibold,
}

static REGULAR: LazyLock<Face<'static>> = LazyLock::new(|| face(include_bytes!("../../fonts/OpenSans-Regular.ttf")));
static SEMIBOLD: LazyLock<Face<'static>> = LazyLock::new(|| face(include_bytes!("../../fonts/OpenSans-Semibold.ttf")));

fn face(bytes: &'static [u8]) -> Face<'static> {
    Face::parse(bytes, 0).expect("a font that is part of the program")
}

impl Weight {
    fn face(self) -> &'static Face<'static> {
        match self {
            Self::Regular => &REGULAR,
            Self::Semibold => &SEMIBOLD,
        }
    }
}

/// The glyphs of `text` with the place of each on the baseline, and where the text ends; in units.
fn layout(text: &str, size: f64, weight: Weight) -> (Vec<(GlyphId, f64)>, f64) {
    let face = weight.face();
    let scale = size / f64::from(face.units_per_em());
    let mut glyphs: Vec<(GlyphId, f64)> = Vec::new();
    let mut end = 0.0;
    for character in text.chars() {
        // What the font lacks is shown as its empty box.
        let glyph = face.glyph_index(character).unwrap_or_default();
        let kerning = glyphs.last().map_or(0, |(previous, _)| kerning(face, *previous, glyph));
        end += f64::from(kerning) * scale;
        glyphs.push((glyph, end));
        end += f64::from(face.glyph_hor_advance(glyph).unwrap_or_default()) * scale;
    }
    (glyphs, end)
}

/// How much closer the font wants two glyphs, in its own units.
fn kerning(face: &Face<'_>, left: GlyphId, right: GlyphId) -> i16 {
    let tables = face.tables().kern.iter().flat_map(|kern| kern.subtables);
    let mut plain = tables.filter(|table| table.horizontal && !table.variable && !table.has_state_machine);
    plain.find_map(|table| table.glyphs_kerning(left, right)).unwrap_or_default()
}

/// How wide `text` is, in units.
pub(crate) fn width(text: &str, size: f64, weight: Weight) -> f64 {
    layout(text, size, weight).1
}

/// Breaks `text` between words, so that regular lines of `size` are at most `limit` wide.
pub(crate) fn wrap(text: &str, size: f64, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size, Weight::Regular) <= limit => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(shorten(word, size, Weight::Regular, limit)),
        }
    }
    lines
}

/// `text` if it is at most `limit` wide, else as much of its end as is: that is where paths and names differ.
pub(crate) fn shorten(text: &str, size: f64, weight: Weight, limit: f64) -> String {
    if width(text, size, weight) <= limit {
        return text.to_owned();
    }
    // Some texts are whole files, of which no figure shows more than this.
    let last = text.char_indices().rev().take(LONGEST_SHOWN).last().map_or(0, |(start, _)| start);
    let ends = text[last..].char_indices().map(|(start, _)| last + start).filter(|start| *start > 0);
    let ends = ends.map(|start| format!("…{}", &text[start..]));
    ends.into_iter().find(|end| width(end, size, weight) <= limit).unwrap_or_else(|| "…".to_owned())
}

/// The most characters of a text that is cut.
const LONGEST_SHOWN: usize = 512;

/// The outlines of `text`, whose baseline begins at (0, 0); y grows downwards.
pub(crate) fn outlines(text: &str, size: f64, weight: Weight) -> Vec<Command> {
    let face = weight.face();
    let scale = (size / f64::from(face.units_per_em())) as f32;
    let mut path = GlyphPath { commands: Vec::new(), scale, left: 0.0 };
    for (glyph, left) in layout(text, size, weight).0 {
        path.left = left as f32;
        face.outline_glyph(glyph, &mut path);
    }
    path.commands
}

struct GlyphPath {
    commands: Vec<Command>,
    scale: f32,
    left: f32,
}

impl GlyphPath {
    fn point(&self, x: f32, y: f32) -> Vector {
        Vector::new(self.left + x * self.scale, -y * self.scale)
    }
}

impl OutlineBuilder for GlyphPath {
    fn move_to(&mut self, x: f32, y: f32) {
        self.commands.push(Command::MoveTo(self.point(x, y)));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.commands.push(Command::LineTo(self.point(x, y)));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.commands.push(Command::QuadTo(self.point(x1, y1), self.point(x, y)));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.commands.push(Command::CurveTo(self.point(x1, y1), self.point(x2, y2), self.point(x, y)));
    }

    fn close(&mut self) {
        self.commands.push(Command::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_weights_have_every_sign_that_figures_use() {
        for weight in [Weight::Regular, Weight::Semibold] {
            for sign in "AZaz09×±–—−≥≤…·éüñ“”’µ%\u{fffd}".chars() {
                assert!(weight.face().glyph_index(sign).is_some(), "{weight:?} lacks {sign}");
            }
        }
    }

    #[test]
    fn widths_grow_with_size_and_weight_and_pairs_are_kerned() {
        let regular = width("reconstruction", 10.0, Weight::Regular);
        assert!((width("reconstruction", 20.0, Weight::Regular) - 2.0 * regular).abs() < 1e-9);
        assert!(width("reconstruction", 10.0, Weight::Semibold) > regular);
        let apart = width("A", 10.0, Weight::Regular) + width("V", 10.0, Weight::Regular);
        assert!(width("AV", 10.0, Weight::Regular) < apart);
        assert_eq!(width("", 10.0, Weight::Regular), 0.0);
    }

    #[test]
    fn lines_are_broken_between_words_only() {
        let limit = width("one two", 10.0, Weight::Regular);
        assert_eq!(wrap("one two three", 10.0, limit), ["one two", "three"]);
        assert!(wrap("", 10.0, 100.0).is_empty());
    }

    #[test]
    fn what_is_too_long_keeps_its_end() {
        let limit = width("…seed1", 10.0, Weight::Regular);
        assert_eq!(shorten("cae-32-é-seed1", 10.0, Weight::Regular, limit), "…seed1");
        assert_eq!(shorten("seed1", 10.0, Weight::Regular, limit), "seed1");
        assert_eq!(wrap("a cae-32-seed1", 10.0, limit), ["a", "…seed1"]);
        assert_eq!(shorten("seed1", 10.0, Weight::Regular, 0.0), "…");
        // It takes as long as the text, not as its square.
        let endless = "x".repeat(3_000_000) + "-seed1";
        assert_eq!(wrap(&endless, 10.0, limit), ["…seed1"]);
    }
}

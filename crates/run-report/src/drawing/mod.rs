//! Drawings: marks on a white page, written as SVG and as PNG. Nothing here knows what a run is.
//!
//! A [`Scene`] is drawn once; [`mod@svg`] spells it, and [`mod@raster`] paints the same marks, with a font that is part of the
//! program. Lengths are in units of a CSS pixel; a PNG has two pixels for each.

mod bitmap;
mod colour;
mod font;
mod png;
mod raster;
mod scene;
mod svg;

pub(crate) use bitmap::Bitmap;
pub(crate) use colour::Colour;
pub(crate) use font::{Weight, shorten, width, wrap};
#[cfg(test)]
pub(crate) use png::tests::{read as read_png, read_grey as read_grey_png};
pub(crate) use png::{grey_png, png};
pub(crate) use raster::{PIXELS_PER_UNIT, raster};
pub(crate) use scene::{Align, Line, Outline, Point, Scene, Text};
pub(crate) use svg::svg;

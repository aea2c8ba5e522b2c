//! What all figures share: colours, sizes of text, lines, margins.

use crate::drawing::{Colour, Line};

/// Text, and what it is about.
pub(crate) const INK: Colour = Colour::hex(0x1a_1a1a);
/// Text that is read second.
pub(crate) const SOFT: Colour = Colour::hex(0x59_5959);
/// The frame of a panel.
pub(crate) const FRAME: Colour = Colour::hex(0x8c_8c8c);
/// The lines behind curves.
pub(crate) const GRID: Colour = Colour::hex(0xe3_e3e3);
/// What has no name.
pub(crate) const UNNAMED: Colour = Colour::hex(0xb3_b3b3);
/// What asks to be looked at.
pub(crate) const ALARM: Colour = Colour::hex(0xff_8c00);

/// Around everything, in units.
pub(crate) const MARGIN: f64 = 24.0;

/// Sizes of text, in units.
pub(crate) const TITLE: f64 = 18.0;
pub(crate) const SUBTITLE: f64 = 12.5;
pub(crate) const HEADING: f64 = 14.0;
pub(crate) const LABEL: f64 = 12.5;
pub(crate) const TICK: f64 = 11.5;

/// How far below its top the baseline of a line of text lies, and how far apart two lines are; in its size.
pub(crate) const BASELINE: f64 = 0.8;
pub(crate) const LEADING: f64 = 1.4;

pub(crate) const FRAME_LINE: f64 = 1.0;
pub(crate) const CURVE_LINE: f64 = 2.0;

/// Ten colours that people with any colour vision can tell apart (Petroff, "Accessible Color Sequences for Data
/// Visualization", 2021), for digits.
const DIGITS: [Colour; 10] = [
    Colour::hex(0x3f_90da),
    Colour::hex(0xff_a90e),
    Colour::hex(0xbd_1f01),
    Colour::hex(0x94_a4a2),
    Colour::hex(0x83_2db6),
    Colour::hex(0xa9_6b59),
    Colour::hex(0xe7_6300),
    Colour::hex(0xb9_ac70),
    Colour::hex(0x71_7581),
    Colour::hex(0x92_dadd),
];

/// How many series have a colour of their own.
pub(crate) const SERIES_COUNT: usize = 8;

/// Colours of Okabe and Ito (2008), in pairs of a dark and a light one: so models of two latent sizes look related.
const SERIES: [Colour; SERIES_COUNT] = [
    Colour::hex(0x00_72b2),
    Colour::hex(0x56_b4e9),
    Colour::hex(0xd5_5e00),
    Colour::hex(0xe6_9f00),
    Colour::hex(0x00_9e73),
    Colour::hex(0xcc_79a7),
    Colour::hex(0x00_0000),
    Colour::hex(0x99_9999),
];

/// The colour of a digit; of more than ten classes some share one.
pub(crate) fn digit(class: u8) -> Colour {
    DIGITS.get(usize::from(class) % DIGITS.len()).copied().unwrap_or(UNNAMED)
}

/// The colour of the series at `position`; of more than eight some share one.
pub(crate) fn series(position: usize) -> Colour {
    SERIES.get(position % SERIES_COUNT).copied().unwrap_or(INK)
}

/// The colour of a share in [0, 1], from white to dark blue.
pub(crate) fn heat(share: f64) -> Colour {
    const STEPS: [Colour; 5] =
        [Colour::WHITE, Colour::hex(0xc6_dbef), Colour::hex(0x6b_aed6), Colour::hex(0x21_71b5), Colour::hex(0x08_306b)];
    let place = share.clamp(0.0, 1.0) * (STEPS.len() - 1) as f64;
    let below = (place.floor() as usize).min(STEPS.len() - 2);
    match STEPS.get(below..below + 2) {
        Some(&[from, to]) => from.toward(to, place - below as f64),
        _ => Colour::WHITE,
    }
}

/// The colour of text on `ground`.
pub(crate) fn ink_on(ground: Colour) -> Colour {
    if ground.luminance() < 0.3 { Colour::WHITE } else { INK }
}

pub(crate) fn frame() -> Line {
    Line::new(FRAME, FRAME_LINE)
}

pub(crate) fn grid() -> Line {
    Line::new(GRID, FRAME_LINE)
}

/// The place nearest to `value` where a line of one unit covers whole pixels.
pub(crate) fn snap(value: f64) -> f64 {
    value.floor() + 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_differ() {
        let mut digits: Vec<Colour> = (0..10).map(digit).chain([UNNAMED]).collect();
        digits.sort();
        digits.dedup();
        assert_eq!(digits.len(), 11);
        let mut series: Vec<Colour> = (0..8).map(series).collect();
        series.sort();
        series.dedup();
        assert_eq!(series.len(), 8);
    }

    #[test]
    fn heat_darkens_and_its_text_can_be_read() {
        let levels: Vec<f64> = (0..=10_u8).map(|tenths| heat(f64::from(tenths) / 10.0).luminance()).collect();
        assert!(levels.is_sorted_by(|lighter, darker| lighter > darker), "{levels:?}");
        for tenths in 0..=10_u8 {
            let ground = heat(f64::from(tenths) / 10.0);
            let (ink, ground) = (ink_on(ground).luminance() + 0.05, ground.luminance() + 0.05);
            // The contrast that WCAG 2 asks of large text, at least.
            assert!((ink / ground).max(ground / ink) > 3.0, "{tenths}");
        }
    }
}

//! Colours.

use std::fmt;

/// A colour of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Colour {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
}

impl Colour {
    pub const WHITE: Self = Self::hex(0xff_ffff);

    /// The colour that is written `#rrggbb`.
    pub const fn hex(code: u32) -> Self {
        let [_, red, green, blue] = code.to_be_bytes();
        Self { red, green, blue }
    }

    /// A grey; `value` is in [0, 1], from black to white.
    pub fn grey(value: f32) -> Self {
        let level = (value.clamp(0.0, 1.0) * 255.0).round() as u8;
        Self { red: level, green: level, blue: level }
    }

    /// The colour that is `share`, in [0, 1], of the way to `other`.
    pub fn toward(self, other: Self, share: f64) -> Self {
        let mix = |from: u8, to: u8| (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8;
        Self { red: mix(self.red, other.red), green: mix(self.green, other.green), blue: mix(self.blue, other.blue) }
    }

    /// How bright it looks, in [0, 1] (relative luminance of WCAG 2).
    pub fn luminance(self) -> f64 {
        let linear = |level: u8| {
            let share = f64::from(level) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// The same, covering what lies below by `opacity`, in [0, 1].
    pub fn translucent(self, opacity: f64) -> Paint {
        Paint { colour: self, opacity }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

/// A colour, and how far it covers what lies below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Paint {
    pub colour: Colour,
    /// In [0, 1].
    pub opacity: f64,
}

impl From<Colour> for Paint {
    fn from(colour: Colour) -> Self {
        Self { colour, opacity: 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_written_as_it_is_read() {
        let colour = Colour::hex(0x01_a2ff);
        assert_eq!((colour.red, colour.green, colour.blue), (1, 0xa2, 0xff));
        assert_eq!(colour.to_string(), "#01a2ff");
        assert_eq!(Colour::grey(0.5).to_string(), "#808080");
    }

    #[test]
    fn between_two_colours() {
        let black = Colour::hex(0);
        assert_eq!(black.toward(Colour::WHITE, 0.5), Colour::hex(0x80_8080));
        assert_eq!(black.toward(Colour::WHITE, 1.0), Colour::WHITE);
        assert!((Colour::WHITE.luminance() - 1.0).abs() < 1e-9);
    }
}

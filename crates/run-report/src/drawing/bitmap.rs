//! Pictures of pixels.

use super::colour::{Colour, Paint};

/// Pixels without transparency.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bitmap {
    width: u32,
    height: u32,
    /// Red, green, blue of each pixel, row by row.
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Bitmap {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Bitmap {} × {}", self.width, self.height)
    }
}

impl Bitmap {
    /// `width` × `height` pixels of one colour.
    pub fn new(width: u32, height: u32, colour: Colour) -> Self {
        let pixel = [colour.red, colour.green, colour.blue];
        Self { width, height, bytes: pixel.repeat(width as usize * height as usize) }
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    /// Red, green, blue of each pixel, row by row.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn offset(&self, x: u32, y: u32) -> Option<usize> {
        (x < self.width && y < self.height).then(|| 3 * (y as usize * self.width as usize + x as usize))
    }

    /// The colour of a pixel; white beyond the edge.
    pub fn pixel(&self, x: u32, y: u32) -> Colour {
        match self.offset(x, y).and_then(|offset| self.bytes.get(offset..offset + 3)) {
            Some(&[red, green, blue]) => Colour { red, green, blue },
            _ => Colour::WHITE,
        }
    }

    /// Gives a pixel a colour; beyond the edge nothing happens.
    pub fn set(&mut self, x: u32, y: u32, colour: Colour) {
        if let Some(pixel) = self.offset(x, y).and_then(|offset| self.bytes.get_mut(offset..offset + 3)) {
            pixel.copy_from_slice(&[colour.red, colour.green, colour.blue]);
        }
    }

    /// Lays `paint` on a pixel of which it covers `coverage`, of 255.
    pub fn blend(&mut self, x: u32, y: u32, paint: Paint, coverage: u8) {
        if coverage > 0 {
            let share = paint.opacity * f64::from(coverage) / 255.0;
            self.set(x, y, self.pixel(x, y).toward(paint.colour, share));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_blended_where_they_are() {
        let mut bitmap = Bitmap::new(2, 3, Colour::WHITE);
        let black = Colour::hex(0);
        bitmap.blend(1, 2, black.translucent(0.5), 255);
        bitmap.blend(0, 0, black.into(), 0);
        bitmap.blend(2, 0, black.into(), 255);
        assert_eq!(bitmap.pixel(1, 2), Colour::hex(0x80_8080));
        assert_eq!(bitmap.bytes().iter().filter(|byte| **byte != 255).count(), 3);
        assert_eq!(bitmap.pixel(2, 0), Colour::WHITE);
    }
}

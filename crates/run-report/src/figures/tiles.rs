//! Sheets of small images, pixel for pixel.

use crate::drawing::{Bitmap, Colour, Point, Scene};

/// Images of one size in rows, and how large they are shown.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    bitmap: Bitmap,
    /// Units on a side of an image's pixel.
    pixel: f64,
    columns: usize,
    /// Pixels of an image: width and height.
    image: (u32, u32),
}

/// Pixels between two images.
const GAP: u32 = 2;

impl Sheet {
    /// The sheet of `images`, each `height` × `width` values in [0, 1], row by row with `columns` in a row. An image's pixel is
    /// a square of about `side` / width units, or / height of those that are higher than wide, in steps of half a unit, which is a pixel of the PNG.
    pub fn new(images: &[&[f32]], (height, width): (u32, u32), columns: usize, side: f64) -> Self {
        let columns = columns.clamp(1, images.len().max(1));
        let rows = images.len().div_ceil(columns);
        let extent = |count: usize, length: u32| (count as u32 * (length + GAP)).saturating_sub(GAP);
        let mut bitmap = match images {
            [] => Bitmap::new(0, 0, Colour::WHITE),
            _ => Bitmap::new(extent(columns, width), extent(rows, height), Colour::WHITE),
        };
        for (position, image) in images.iter().enumerate() {
            let left = (position % columns) as u32 * (width + GAP);
            let top = (position / columns) as u32 * (height + GAP);
            for (value, place) in image.iter().zip(0_u32..) {
                bitmap.set(left + place % width.max(1), top + place / width.max(1), Colour::grey(*value));
            }
        }
        let pixel = ((2.0 * side / f64::from(width.max(height).max(1))).round() / 2.0).max(0.5);
        Self { bitmap, pixel, columns, image: (width, height) }
    }

    /// Units that it covers: width and height.
    pub fn size(&self) -> (f64, f64) {
        (f64::from(self.bitmap.width()) * self.pixel, f64::from(self.bitmap.height()) * self.pixel)
    }

    /// Units that an image covers: width and height.
    pub fn image_size(&self) -> (f64, f64) {
        (f64::from(self.image.0) * self.pixel, f64::from(self.image.1) * self.pixel)
    }

    /// Where the image at `position` begins, in units from the sheet's corner.
    pub fn image_corner(&self, position: usize) -> Point {
        let place = |count: usize, length: u32| count as f64 * f64::from(length + GAP) * self.pixel;
        Point::new(place(position % self.columns, self.image.0), place(position / self.columns, self.image.1))
    }

    /// Lays the sheet on the page.
    pub fn draw(self, scene: &mut Scene, corner: Point) {
        let size = self.size();
        scene.image(corner, size, self.bitmap, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_lie_in_rows_with_white_between() {
        let (black, grey) = ([0.0_f32; 6], [0.5_f32; 6]);
        let sheet = Sheet::new(&[&black, &grey, &grey], (2, 3), 2, 6.0);
        assert_eq!(sheet.size(), (2.0 * 8.0, 2.0 * 6.0));
        assert_eq!(sheet.image_size(), (6.0, 4.0));
        assert_eq!(sheet.image_corner(1), Point::new(10.0, 0.0));
        assert_eq!(sheet.image_corner(2), Point::new(0.0, 8.0));
        let pixel = |x, y| sheet.bitmap.pixel(x, y);
        assert_eq!([pixel(0, 0), pixel(2, 1), pixel(3, 0)], [Colour::hex(0), Colour::hex(0), Colour::WHITE]);
        assert_eq!([pixel(5, 0), pixel(0, 4), pixel(5, 5)], [Colour::grey(0.5), Colour::grey(0.5), Colour::WHITE]);
    }

    #[test]
    fn small_and_large_images_have_equal_pixels() {
        let image = [0.0_f32; 64 * 64];
        assert_eq!(Sheet::new(&[&image], (64, 64), 4, 28.0).image_size(), (32.0, 32.0));
        assert_eq!(Sheet::new(&[&image[..25]], (5, 5), 4, 28.0).image_size(), (27.5, 27.5));
        // Those that are high are not wider than that.
        assert_eq!(Sheet::new(&[&image[..784]], (784, 1), 4, 28.0).image_size(), (0.5, 392.0));
        assert_eq!(Sheet::new(&[], (5, u32::MAX), 4, 28.0).size(), (0.0, 0.0));
        // No wider than its images, whatever the file says.
        assert_eq!(Sheet::new(&[&image[..25]], (5, 5), usize::MAX, 5.0).size(), (5.0, 5.0));
    }
}

//! The page of a figure: its title, what is said below it, and room for the rest.

use super::style::{BASELINE, HEADING, INK, LEADING, MARGIN, SOFT, SUBTITLE, TITLE};
use crate::drawing::{Point, Scene, Text, wrap};

/// Between the title's lines and what they are about, in units.
const AFTER_TITLE: f64 = 14.0;

/// A page that is being filled.
#[derive(Debug)]
pub(crate) struct Page {
    pub scene: Scene,
    /// The top left corner of the room that was asked for.
    pub corner: Point,
}

impl Page {
    /// A page with room for `width` × `height` units below its title and what is said of it.
    pub fn new(title: &str, said: &[String], width: f64, height: f64) -> Self {
        let titles = wrap(title, TITLE, width * 0.95);
        let said: Vec<String> = said.iter().flat_map(|paragraph| wrap(paragraph, SUBTITLE, width)).collect();
        let above = (titles.len() as f64 * TITLE + said.len() as f64 * SUBTITLE) * LEADING + AFTER_TITLE;
        let mut scene = Scene::new(width + 2.0 * MARGIN, MARGIN + above + height + MARGIN);
        let mut top = MARGIN;
        for line in titles {
            scene.text(Text::new(line, Point::new(MARGIN, top + TITLE * BASELINE), TITLE, INK).semibold());
            top += TITLE * LEADING;
        }
        for line in said {
            scene.text(Text::new(line, Point::new(MARGIN, top + SUBTITLE * BASELINE), SUBTITLE, SOFT));
            top += SUBTITLE * LEADING;
        }
        Self { scene, corner: Point::new(MARGIN, (MARGIN + above).round()) }
    }

    /// A place, in units from the corner of the room.
    pub fn at(&self, x: f64, y: f64) -> Point {
        Point::new(self.corner.x + x, self.corner.y + y)
    }

    /// A heading whose baseline begins at `place`.
    pub fn heading(&mut self, text: impl Into<String>, place: Point) {
        self.scene.text(Text::new(text, place, HEADING, INK).semibold());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_lies_below_what_is_said() {
        let page = |said: &[String]| Page::new("Title", said, 300.0, 100.0);
        let (short, long) = (page(&[]), page(&["word ".repeat(100)]));
        assert_eq!(short.scene.width, 300.0 + 2.0 * MARGIN);
        assert!(long.corner.y > short.corner.y + 100.0);
        assert!(long.scene.height >= long.corner.y + 100.0 + MARGIN - 1.0);
        assert!(long.scene.texts().len() > 5);
    }
}

//! Counts of pairs as a table whose cells are the darker the larger their share of the row.

use super::style::{HEADING, INK, LABEL, SOFT, TICK, frame, heat, ink_on, snap};
use crate::drawing::{Align, Outline, Point, Scene, Text, Weight, width};

/// Counts by row and column.
#[derive(Clone, Debug)]
pub(crate) struct HeatMap {
    pub heading: String,
    /// What the rows are.
    pub row_title: String,
    pub rows: Vec<String>,
    /// What the columns are.
    pub column_title: String,
    pub columns: Vec<String>,
    /// Row by row.
    pub counts: Vec<Vec<u64>>,
}

/// Units that a map's cells are at most wide together.
const CELLS_WIDTH: f64 = 400.0;
const CELL_LIMIT: f64 = 40.0;
const CELL_HEIGHT: f64 = 30.0;
/// Above the cells, for heading, the columns' title and their names.
const ABOVE: f64 = 66.0;

impl HeatMap {
    fn cell_width(&self) -> f64 {
        (CELLS_WIDTH / self.columns.len().max(1) as f64).floor().clamp(4.0, CELL_LIMIT)
    }

    /// Units left of the cells, for the rows' title and their names.
    pub fn left(&self) -> f64 {
        let names = self.rows.iter().map(|name| width(name, TICK, Weight::Regular));
        (names.fold(0.0, f64::max) + LABEL + 20.0).ceil()
    }

    /// Units that everything of it covers.
    pub fn size(&self) -> (f64, f64) {
        let cells = self.cell_width() * self.columns.len() as f64;
        (self.left() + cells, ABOVE + CELL_HEIGHT * self.rows.len() as f64)
    }

    pub fn draw(&self, scene: &mut Scene, corner: Point) {
        let (cell, left) = (self.cell_width(), corner.x + self.left());
        let top = corner.y + ABOVE;
        let (right, bottom) = (corner.x + self.size().0, corner.y + self.size().1);
        scene.text(Text::new(&self.heading, Point::new(corner.x, corner.y + HEADING), HEADING, INK).semibold());
        let middle = Point::new((left + right) / 2.0, top - TICK - 14.0);
        scene.text(Text::new(&self.column_title, middle, LABEL, INK).align(Align::Middle));
        for (position, name) in self.columns.iter().enumerate() {
            let place = Point::new(left + (position as f64 + 0.5) * cell, top - 7.0);
            scene.text(Text::new(name, place, TICK, SOFT).align(Align::Middle));
        }
        let title = Text::new(&self.row_title, Point::new(corner.x + LABEL, (top + bottom) / 2.0), LABEL, INK);
        scene.text(title.align(Align::Middle).upright());
        for (position, (name, counts)) in self.rows.iter().zip(&self.counts).enumerate() {
            let y = top + position as f64 * CELL_HEIGHT;
            let baseline = y + CELL_HEIGHT / 2.0 + TICK * 0.36;
            scene.text(Text::new(name, Point::new(left - 8.0, baseline), TICK, SOFT).align(Align::End));
            let total: u64 = counts.iter().sum();
            for (column, count) in counts.iter().take(self.columns.len()).enumerate() {
                let x = left + column as f64 * cell;
                let ground = heat(*count as f64 / total.max(1) as f64);
                let outline = Outline::Rectangle { corner: Point::new(x, y), width: cell, height: CELL_HEIGHT };
                scene.fill(outline, ground);
                let text = count.to_string();
                if width(&text, TICK, Weight::Regular) < cell - 2.0 {
                    let ink = if *count == 0 { ground.toward(SOFT, 0.6) } else { ink_on(ground) };
                    let place = Point::new(x + cell / 2.0, baseline);
                    scene.text(Text::new(text, place, TICK, ink).align(Align::Middle));
                }
            }
        }
        let (corner, end) = (Point::new(snap(left), snap(top)), Point::new(snap(right), snap(bottom)));
        scene.stroke(Outline::Rectangle { corner, width: end.x - corner.x, height: end.y - corner.y }, frame());
    }
}

/// Says which shade is which share; begins at `corner`.
pub(crate) fn draw_scale(scene: &mut Scene, corner: Point) {
    const STEPS: u32 = 50;
    const STEP: f64 = 3.0;
    for step in 0..STEPS {
        let place = Point::new(corner.x + f64::from(step) * STEP, corner.y);
        let outline = Outline::Rectangle { corner: place, width: STEP, height: 10.0 };
        scene.fill(outline, heat((f64::from(step) + 0.5) / f64::from(STEPS)));
    }
    let length = f64::from(STEPS) * STEP;
    let outline =
        Outline::Rectangle { corner: Point::new(snap(corner.x), snap(corner.y)), width: length, height: 10.0 };
    scene.stroke(outline, frame());
    let baseline = corner.y + 10.0 + TICK + 3.0;
    for (share, text) in [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")] {
        let place = Point::new(corner.x + share * length, baseline);
        scene.text(Text::new(text, place, TICK, SOFT).align(Align::Middle));
    }
    let place = Point::new(corner.x + length + 24.0, corner.y + 9.0);
    scene.text(Text::new("share of the row", place, TICK, SOFT));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::raster;

    fn map() -> HeatMap {
        HeatMap {
            heading: "heading".to_owned(),
            row_title: "true".to_owned(),
            rows: vec!["0".to_owned(), "1".to_owned()],
            column_title: "predicted".to_owned(),
            columns: vec!["0".to_owned(), "1".to_owned()],
            counts: vec![vec![5, 0], vec![300, 100]],
        }
    }

    #[test]
    fn cells_are_as_dark_as_their_share_of_the_row_and_say_their_count() {
        let map = map();
        let mut scene = Scene::new(200.0, 200.0);
        map.draw(&mut scene, Point::new(10.0, 10.0));
        let bitmap = raster(&scene);
        let cell = |row: f64, column: f64| {
            let x = 10.0 + map.left() + (column + 0.1) * CELL_LIMIT;
            let y = 10.0 + ABOVE + (row + 0.2) * CELL_HEIGHT;
            bitmap.pixel((2.0 * x) as u32, (2.0 * y) as u32)
        };
        assert_eq!([cell(0.0, 0.0), cell(0.0, 1.0)], [heat(1.0), heat(0.0)]);
        assert_eq!([cell(1.0, 0.0), cell(1.0, 1.0)], [heat(0.75), heat(0.25)]);
        let texts = scene.texts();
        assert!(["5", "0", "300", "100"].iter().all(|count| texts.contains(count)), "{texts:?}");
    }

    #[test]
    fn counts_that_do_not_fit_are_left_out() {
        let columns: Vec<String> = (0..100).map(|column| column.to_string()).collect();
        let map = HeatMap { columns, counts: vec![vec![1234; 100]; 2], ..map() };
        let mut scene = Scene::new(800.0, 200.0);
        map.draw(&mut scene, Point::new(0.0, 0.0));
        assert!(!scene.texts().contains(&"1234"));
        assert!(map.size().0 < 500.0);
    }
}

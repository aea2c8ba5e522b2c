//! A plane of points, coloured and named by their classes.

use run_store::Assignments;

use super::axes::{Axis, Plane};
use super::style::{HEADING, INK};
use crate::drawing::{Align, Colour, Line, Outline, Point, Scene, Text, raster};

/// Points in a plane, and how the plane is to be read.
#[derive(Clone, Debug)]
pub(crate) struct Cloud {
    /// What the plane's two axes are.
    pub axes: [String; 2],
    /// Whether the axes' values mean something.
    pub has_ticks: bool,
    pub points: Vec<[f64; 2]>,
}

/// Units that the plane is wide, and shares of it that it is high.
const WIDTH: f64 = 430.0;
const HEIGHTS: [f64; 2] = [0.6, 1.0];
/// Above the plane, for its heading.
const ABOVE: f64 = 28.0;

/// From so many points on, they are smaller and fainter.
const MANY: usize = 8_000;

impl Cloud {
    /// The middle of the points along an axis, and how far they spread.
    fn extent(&self, axis: usize) -> (f64, f64) {
        let bounds = (f64::INFINITY, f64::NEG_INFINITY);
        let (low, high) =
            self.points.iter().fold(bounds, |(low, high), point| (low.min(point[axis]), high.max(point[axis])));
        if low <= high { ((low + high) / 2.0, high - low) } else { (0.0, 0.0) }
    }

    /// Units that the plane is high: as much as its points need where equal lengths are equal distances.
    fn height(&self) -> f64 {
        let [across, upwards] = [0, 1].map(|axis| self.extent(axis).1.max(1e-9));
        (WIDTH * (upwards / across).clamp(HEIGHTS[0], HEIGHTS[1])).round()
    }

    /// Units that everything of it covers.
    pub fn size(&self) -> (f64, f64) {
        (Plane::LEFT + WIDTH, ABOVE + self.height() + Plane::BELOW)
    }

    fn plane(&self, corner: Point) -> Plane {
        let extents = [self.extent(0), self.extent(1)];
        let sides = [WIDTH, self.height()];
        // Of values in a unit, the same along both axes; with a little room around the points.
        let density = extents.iter().zip(sides).map(|((_, span), side)| span / side).fold(1e-9, f64::max) * 1.04;
        let axis = |axis: usize| {
            let (middle, half) = (extents[axis].0, density * sides[axis] / 2.0);
            let exact = Axis::exact(middle - half, middle + half, sides[axis] / 70.0, &self.axes[axis]);
            if self.has_ticks { exact } else { exact.bare() }
        };
        Plane { corner, width: WIDTH, height: sides[1], across: axis(0), upwards: axis(1) }
    }

    /// Draws the points, which are of `classes`, everything of it below and right of `corner`.
    pub fn draw(&self, scene: &mut Scene, corner: Point, heading: &str, classes: &[u8], colour: fn(u8) -> Colour) {
        let corner = Point::new(corner.x + Plane::LEFT, corner.y + ABOVE);
        let plane = self.plane(corner);
        let place = Point::new(corner.x, corner.y - ABOVE + HEADING);
        scene.text(Text::new(heading, place, HEADING, INK).semibold());
        // Tens of thousands of shapes would choke whatever shows the SVG: there, too, points are pixels.
        let local = Plane { corner: Point::new(0.0, 0.0), ..plane.clone() };
        let mut dots = Scene::new(plane.width, plane.height);
        let (radius, opacity) = if self.points.len() > MANY { (1.25, 0.45) } else { (1.9, 0.6) };
        for (point, class) in self.points.iter().zip(classes) {
            let centre = local.place(point[0], point[1]);
            dots.fill(Outline::Circle { centre, radius }, colour(*class).translucent(opacity));
        }
        scene.image(corner, (plane.width, plane.height), raster(&dots), false);
        plane.draw_axes(scene, true);
        for name in names(&plane, &self.points, classes) {
            name.draw(scene, colour(name.class));
        }
    }
}

/// A class's name among its points.
struct Name {
    class: u8,
    /// Where most of its points are, on the page.
    densest: Point,
    /// Where it stands.
    place: Point,
}

/// Names closer than this could not be read, in units.
const APART: f64 = 18.0;
/// Names further than this from their points are tied to them.
const TIED_FROM: f64 = 9.0;

impl Name {
    fn draw(&self, scene: &mut Scene, colour: Colour) {
        let ink = colour.toward(INK, 0.55);
        let distance = (self.place.x - self.densest.x).hypot(self.place.y - self.densest.y);
        if distance > TIED_FROM {
            scene.line(self.densest, self.place, Line::new(ink, 1.0));
            scene.fill(Outline::Circle { centre: self.densest, radius: 2.0 }, ink);
        }
        let place = Point::new(self.place.x, self.place.y + HEADING * 0.36);
        scene.text(Text::new(self.class.to_string(), place, HEADING, ink).align(Align::Middle).semibold().halo());
    }
}

/// The names of all classes that have one, moved apart.
fn names(plane: &Plane, points: &[[f64; 2]], classes: &[u8]) -> Vec<Name> {
    let mut named: Vec<u8> = classes.iter().copied().filter(|class| *class != Assignments::UNNAMED).collect();
    named.sort_unstable();
    named.dedup();
    let mut names: Vec<Name> = Vec::new();
    for class in named {
        let of_class = points.iter().zip(classes).filter(|(_, other)| **other == class);
        let places: Vec<Point> = of_class.map(|(point, _)| plane.place(point[0], point[1])).collect();
        let densest = densest(plane, &places);
        names.push(Name { class, densest, place: densest });
    }
    move_apart(plane, &mut names);
    names
}

/// The middle of those of `places` that lie where most of them are.
fn densest(plane: &Plane, places: &[Point]) -> Point {
    /// Units on a side of the squares that are compared, and how many make a neighbourhood.
    const SQUARE: f64 = 28.0;
    const AROUND: i64 = 1;
    let square = |place: &Point| {
        let of = |value: f64, corner: f64| ((value - corner) / SQUARE).floor() as i64;
        (of(place.x, plane.corner.x), of(place.y, plane.corner.y))
    };
    let is_around = |place: &Point, (x, y): (i64, i64)| {
        let (other_x, other_y) = square(place);
        (other_x - x).abs() <= AROUND && (other_y - y).abs() <= AROUND
    };
    let mut squares: std::collections::BTreeMap<(i64, i64), usize> = std::collections::BTreeMap::new();
    for place in places {
        let (x, y) = square(place);
        for (x, y) in (x - AROUND..=x + AROUND).flat_map(|x| (y - AROUND..=y + AROUND).map(move |y| (x, y))) {
            *squares.entry((x, y)).or_default() += 1;
        }
    }
    let fullest = squares.iter().max_by_key(|(_, count)| **count).map(|(square, _)| *square).unwrap_or_default();
    let around: Vec<&Point> = places.iter().filter(|place| is_around(place, fullest)).collect();
    let mean =
        |value: fn(&Point) -> f64| around.iter().map(|place| value(place)).sum::<f64>() / around.len().max(1) as f64;
    Point::new(mean(|place| place.x), mean(|place| place.y))
}

/// Pushes names that are too close away from each other, until none is or it does not help.
fn move_apart(plane: &Plane, names: &mut [Name]) {
    const ROUNDS: usize = 200;
    for _ in 0..ROUNDS {
        let mut is_settled = true;
        for one in 0..names.len() {
            for other in one + 1..names.len() {
                let (from, to) = (names[one].place, names[other].place);
                let (mut right, mut down) = (to.x - from.x, to.y - from.y);
                let distance = right.hypot(down);
                if distance >= APART {
                    continue;
                }
                is_settled = false;
                if distance < 1e-6 {
                    // Of two in one place, each pair goes its own way.
                    (right, down) = ((one + 1) as f64, (other + 1) as f64);
                }
                let push = (APART - distance + 0.5) / 2.0 / right.hypot(down);
                names[one].place = inside(plane, Point::new(from.x - push * right, from.y - push * down));
                names[other].place = inside(plane, Point::new(to.x + push * right, to.y + push * down));
            }
        }
        if is_settled {
            return;
        }
    }
}

fn inside(plane: &Plane, place: Point) -> Point {
    const EDGE: f64 = 10.0;
    Point::new(
        place.x.clamp(plane.corner.x + EDGE, plane.corner.x + plane.width - EDGE),
        place.y.clamp(plane.corner.y + EDGE, plane.corner.y + plane.height - EDGE),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::style;

    fn cloud(points: &[[f64; 2]]) -> Cloud {
        Cloud { axes: ["x".to_owned(), "y".to_owned()], has_ticks: true, points: points.to_vec() }
    }

    #[test]
    fn equal_lengths_are_equal_distances() {
        for points in [[[0.0, 0.0], [10.0, 2.0]], [[0.0, 0.0], [1.0, 10.0]], [[-5.0, 3.0], [4.0, 10.0]]] {
            let cloud = cloud(&points);
            let plane = cloud.plane(Point::new(0.0, 0.0));
            let from = plane.place(0.0, 0.0);
            let (right, up) = (plane.place(1.0, 0.0).x - from.x, from.y - plane.place(0.0, 1.0).y);
            assert!((right - up).abs() < 1e-9 * right, "{right} {up}");
            for point in points {
                let place = plane.place(point[0], point[1]);
                assert!((0.0..=plane.width).contains(&place.x) && (0.0..=plane.height).contains(&place.y));
            }
        }
        assert!(cloud(&[]).size().1 > 0.0 && cloud(&[[1.0, 1.0]; 3]).size().1 > 0.0);
    }

    #[test]
    fn points_have_their_classes_colour_where_they_are() {
        let cloud = cloud(&[[0.0, 0.0], [10.0, 10.0]]);
        let mut scene = Scene::new(600.0, 600.0);
        cloud.draw(&mut scene, Point::new(0.0, 0.0), "heading", &[3, Assignments::UNNAMED], style::digit);
        let [(corner, bitmap)] = scene.images()[..] else { panic!("one image") };
        let plane = cloud.plane(corner);
        let pixel = |point: [f64; 2]| {
            let place = plane.place(point[0], point[1]);
            bitmap.pixel((2.0 * (place.x - corner.x)) as u32, (2.0 * (place.y - corner.y)) as u32)
        };
        assert_eq!(pixel([0.0, 0.0]), Colour::WHITE.toward(style::digit(3), 0.6));
        assert_eq!(pixel([5.0, 5.0]), Colour::WHITE);
        let texts = scene.texts();
        assert!(texts.contains(&"3") && !texts.contains(&"255"), "{texts:?}");
    }

    #[test]
    fn names_stand_where_most_points_are_and_apart() {
        // Of class 0 four lie together and one far away; of class 1 all lie where those four do.
        let mut points = vec![[0.0, 0.0]; 4];
        points.push([100.0, 100.0]);
        points.extend([[0.0, 0.0]; 3]);
        let cloud = cloud(&points);
        let plane = cloud.plane(Point::new(0.0, 0.0));
        let names = names(&plane, &points, &[0, 0, 0, 0, 0, 1, 1, 1]);
        let origin = plane.place(0.0, 0.0);
        assert!(names.iter().all(|name| (name.densest.x - origin.x).hypot(name.densest.y - origin.y) < 1e-6));
        let (one, other) = (names[0].place, names[1].place);
        assert!((one.x - other.x).hypot(one.y - other.y) >= APART);
    }
}

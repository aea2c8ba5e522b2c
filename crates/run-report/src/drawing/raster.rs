//! A scene painted on pixels.

use zeno::{Cap, Command, Fill, Join, Mask, PathBuilder, Stroke, Style, Transform, Vector};

use super::bitmap::Bitmap;
use super::colour::{Colour, Paint};
use super::font;
use super::scene::{Align, Line, Mark, Outline, Point, Scene, Text};
use super::svg::HALO_WIDTH;

/// Pixels on a side of a unit: so a PNG at half its size still has a pixel for each unit.
pub(crate) const PIXELS_PER_UNIT: u32 = 2;

const SCALE: f32 = PIXELS_PER_UNIT as f32;

/// The pixels of `scene`.
pub(crate) fn raster(scene: &Scene) -> Bitmap {
    let pixels = |units: f64| units as u32 * PIXELS_PER_UNIT;
    let mut bitmap = Bitmap::new(pixels(scene.width), pixels(scene.height), Colour::WHITE);
    for mark in &scene.marks {
        match mark {
            Mark::Shape { outline, fill, line } => {
                let path = path(&bitmap, outline);
                if let Some(paint) = fill {
                    cover(&mut bitmap, &path, Fill::NonZero.into(), *paint);
                }
                if let Some(line) = line {
                    stroke(&mut bitmap, &path, line);
                }
            }
            Mark::Text(text) => paint_text(&mut bitmap, text),
            Mark::Image { corner, width, height, bitmap: image, .. } => {
                paint_image(&mut bitmap, *corner, (*width, *height), image);
            }
        }
    }
    bitmap
}

/// Pixels around the page beyond which nothing is drawn true: a mask is as large as what it covers, and numbers of zeno's have ends.
const MARGIN: f32 = 1024.0;

/// `point` in pixels of `bitmap`; what is farther than the margin lies at its edge.
fn vector(bitmap: &Bitmap, point: Point) -> Vector {
    let near = |units: f64, size: u32| match units as f32 * SCALE {
        pixels if pixels.is_nan() => size as f32 + MARGIN,
        pixels => pixels.clamp(-MARGIN, size as f32 + MARGIN),
    };
    Vector::new(near(point.x, bitmap.width()), near(point.y, bitmap.height()))
}

fn path(bitmap: &Bitmap, outline: &Outline) -> Vec<Command> {
    let mut path = Vec::new();
    match outline {
        Outline::Rectangle { corner, width, height } => {
            let from = vector(bitmap, *corner);
            let to = vector(bitmap, Point::new(corner.x + width, corner.y + height));
            path.add_rect(from, to.x - from.x, to.y - from.y);
        }
        Outline::Circle { centre, radius } => {
            path.add_circle(vector(bitmap, *centre), *radius as f32 * SCALE);
        }
        Outline::Polyline { points } | Outline::Polygon { points } => {
            path.extend(points.iter().enumerate().map(|(position, point)| match position {
                0 => Command::MoveTo(vector(bitmap, *point)),
                _ => Command::LineTo(vector(bitmap, *point)),
            }));
            path.extend(matches!(outline, Outline::Polygon { .. }).then_some(Command::Close));
        }
    }
    path
}

fn stroke(bitmap: &mut Bitmap, path: &[Command], line: &Line) {
    let dashes = line.dash.map(|(line, gap)| [line as f32 * SCALE, gap as f32 * SCALE]);
    let mut style = Stroke::new(line.width as f32 * SCALE);
    style.join(Join::Round).cap(Cap::Butt);
    if let Some(dashes) = &dashes {
        style.dash(dashes, 0.0);
    }
    cover(bitmap, path, style.into(), line.paint);
}

/// Lays `paint` on what `path` covers.
fn cover(bitmap: &mut Bitmap, path: &[Command], style: Style<'_>, paint: Paint) {
    let (mask, place) = Mask::new(path).style(style).render();
    let rows = mask.chunks_exact(place.width.max(1) as usize).zip(i64::from(place.top)..);
    for (row, y) in rows {
        let Ok(y) = u32::try_from(y) else { continue };
        for (coverage, x) in row.iter().zip(i64::from(place.left)..) {
            if let Ok(x) = u32::try_from(x) {
                bitmap.blend(x, y, paint, *coverage);
            }
        }
    }
}

fn paint_text(bitmap: &mut Bitmap, text: &Text) {
    let width = font::width(&text.text, text.size, text.weight);
    let before = match text.align {
        Align::Start => 0.0,
        Align::Middle => width / 2.0,
        Align::End => width,
    };
    // Upright text is turned by a quarter to the left: what ran to the right runs upwards, and what hung below, to the right.
    let place = vector(bitmap, text.place);
    let before = before as f32 * SCALE;
    let turned = if text.is_upright {
        Transform::new(0.0, -SCALE, SCALE, 0.0, place.x, place.y + before)
    } else {
        Transform::new(SCALE, 0.0, 0.0, SCALE, place.x - before, place.y)
    };
    let outlines = font::outlines(&text.text, text.size, text.weight);
    let path: Vec<Command> = outlines.iter().map(|command| command.transform(&turned)).collect();
    if text.has_halo {
        let mut rim = Stroke::new(HALO_WIDTH as f32 * SCALE);
        rim.join(Join::Round);
        cover(bitmap, &path, rim.into(), Colour::WHITE.into());
    }
    cover(bitmap, &path, Fill::NonZero.into(), text.colour.into());
}

/// Shows `image` in the rectangle, each pixel of the page in the colour of the image's nearest.
fn paint_image(bitmap: &mut Bitmap, corner: Point, (width, height): (f64, f64), image: &Bitmap) {
    let scale = f64::from(PIXELS_PER_UNIT);
    let pixels = |units: f64| (units * scale).round().max(0.0) as u32;
    let (left, top, columns, rows) = (pixels(corner.x), pixels(corner.y), pixels(width), pixels(height));
    let nearest = |position: u32, count: u32, of: u32| {
        (u64::from(2 * position + 1) * u64::from(of) / (2 * u64::from(count.max(1)))) as u32
    };
    for row in 0..rows {
        for column in 0..columns {
            let colour = image.pixel(nearest(column, columns, image.width()), nearest(row, rows, image.height()));
            bitmap.set(left + column, top + row, colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::Weight;

    const RED: Colour = Colour::hex(0xd5_5e00);

    fn rectangle(x: f64, y: f64, width: f64, height: f64) -> Outline {
        Outline::Rectangle { corner: Point::new(x, y), width, height }
    }

    #[test]
    fn shapes_are_where_they_were_put() {
        let mut scene = Scene::new(10.0, 8.0);
        scene.fill(rectangle(2.0, 3.0, 4.0, 2.0), RED);
        let bitmap = raster(&scene);
        assert_eq!((bitmap.width(), bitmap.height()), (20, 16));
        let is_red = |x, y| bitmap.pixel(x, y) == RED;
        assert!(is_red(4, 6) && is_red(11, 9));
        assert!(!is_red(3, 6) && !is_red(12, 9) && !is_red(4, 5) && !is_red(11, 10));
        assert_eq!(bitmap.pixel(0, 0), Colour::WHITE);
    }

    #[test]
    fn lines_are_dashed_and_translucent() {
        let mut scene = Scene::new(20.0, 4.0);
        let line = Line::new(Colour::hex(0).translucent(0.5), 2.0).dashed(4.0, 4.0);
        scene.line(Point::new(0.0, 2.0), Point::new(20.0, 2.0), line);
        let bitmap = raster(&scene);
        assert_eq!(bitmap.pixel(4, 4), Colour::hex(0x80_8080));
        assert_eq!(bitmap.pixel(12, 4), Colour::WHITE);
    }

    /// Values that no figure foresaw are drawn as far as the page goes, in no more memory than it and its margin.
    #[test]
    fn what_lies_far_outside_takes_no_room() {
        let clear = Colour::WHITE.translucent(0.0);
        for far in [2e3, 1e5, 1e30, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let mut scene = Scene::new(10.0, 8.0);
            scene.fill(rectangle(2.0, 3.0, 4.0, 2.0), RED);
            let points =
                vec![Point::new(-far, far), Point::new(far, -far), Point::new(far, 2.0 * far), Point::new(5.0, far)];
            scene.fill(Outline::Polygon { points: points.clone() }, clear);
            scene.stroke(Outline::Polyline { points }, Line::new(clear, 2.0).dashed(4.0, 4.0));
            scene.fill(Outline::Circle { centre: Point::new(far, far), radius: 3.0 }, Colour::hex(0));
            scene.fill(rectangle(20.0, 20.0, far.abs(), far.abs()), Colour::hex(0));
            scene.text(Text::new("far", Point::new(far, far), 9.0, Colour::hex(0)));
            let bitmap = raster(&scene);
            assert_eq!((bitmap.width(), bitmap.height(), bitmap.pixel(4, 6)), (20, 16, RED), "{far}");
        }
        let mut scene = Scene::new(10.0, 8.0);
        scene.line(Point::new(-1e4, 4.0), Point::new(1e4, 4.0), Line::new(RED, 2.0));
        scene.line(Point::new(-490.0, -492.0), Point::new(510.0, 508.0), Line::new(RED, 2.0));
        let bitmap = raster(&scene);
        assert_eq!([0, 10, 19].map(|x| bitmap.pixel(x, 8)), [RED; 3]);
        assert_eq!([bitmap.pixel(6, 2), bitmap.pixel(18, 14), bitmap.pixel(14, 2)], [RED, RED, Colour::WHITE]);
        scene.fill(rectangle(-1e9, -1e9, 2e9, 2e9), RED);
        let bitmap = raster(&scene);
        assert_eq!([bitmap.pixel(0, 0), bitmap.pixel(19, 15)], [RED; 2]);
    }

    #[test]
    fn images_keep_their_edges() {
        let mut image = Bitmap::new(2, 1, Colour::WHITE);
        image.set(1, 0, RED);
        let mut scene = Scene::new(6.0, 3.0);
        scene.image(Point::new(0.0, 0.0), (6.0, 3.0), image, true);
        let bitmap = raster(&scene);
        assert_eq!([bitmap.pixel(5, 5), bitmap.pixel(6, 0)], [Colour::WHITE, RED]);
    }

    /// The bounds of what is not white: left, top, right, bottom in pixels.
    fn ink(text: Text) -> [u32; 4] {
        let mut scene = Scene::new(100.0, 100.0);
        scene.text(text);
        let bitmap = raster(&scene);
        let inked = (0..200).flat_map(|y| (0..200).map(move |x| (x, y)));
        let inked = inked.filter(|(x, y)| bitmap.pixel(*x, *y) != Colour::WHITE);
        inked.fold([200, 200, 0, 0], |[left, top, right, bottom], (x, y)| {
            [left.min(x), top.min(y), right.max(x), bottom.max(y)]
        })
    }

    #[test]
    fn text_lies_at_its_place() {
        let text = |align| Text::new("HH", Point::new(50.0, 50.0), 20.0, Colour::hex(0)).align(align);
        let width = (2.0 * font::width("HH", 20.0, Weight::Regular)) as u32;
        let [left, top, right, bottom] = ink(text(Align::Start));
        assert!((100..106).contains(&left) && right <= 100 + width && (98..=100).contains(&bottom));
        // Capitals of Open Sans are 0.714 of its size high.
        assert!((70..=73).contains(&top), "{top}");
        assert!(ink(text(Align::End))[2] <= 100);
        let [left, top, right, bottom] = ink(text(Align::Start).upright());
        assert!((70..=73).contains(&left) && right <= 100, "{left} {right}");
        assert!(top >= 100 - width && (94..=100).contains(&bottom), "{top} {bottom}");
        let [_, top, _, bottom] = ink(text(Align::Middle).upright());
        assert!((top + bottom).abs_diff(200) <= 2, "{top} {bottom}");
    }
}

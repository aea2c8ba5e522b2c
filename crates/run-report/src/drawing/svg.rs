//! A scene in SVG.

use std::fmt::Write;

use super::bitmap::Bitmap;
use super::colour::Paint;
use super::font::{Weight, width};
use super::png::png;
use super::scene::{Align, Line, Mark, Outline, Scene, Text};
use crate::base64::base64;

/// The width of a text's white rim, half of it outside the letters, in units.
pub(super) const HALO_WIDTH: f64 = 3.0;

/// Where the drawings' font is not at hand, the reader's own.
const FONT_FAMILY: &str = "'Open Sans', 'Noto Sans', 'DejaVu Sans', Arial, sans-serif";

/// The text of an SVG file that shows `scene`.
pub(crate) fn svg(scene: &Scene) -> String {
    let (width, height) = (number(scene.width), number(scene.height));
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"{FONT_FAMILY}\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    for mark in &scene.marks {
        // Writing to a string cannot fail.
        let _ = match mark {
            Mark::Shape { outline, fill, line } => {
                writeln!(text, "<{}{}{}/>", outlined(outline), filled(fill.as_ref()), stroked(line.as_ref()))
            }
            Mark::Text(written) => writeln!(text, "{}", written_text(written)),
            Mark::Image { corner, width, height, bitmap, is_crisp } => writeln!(
                text,
                "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\"{} href=\"{}\"/>",
                number(corner.x),
                number(corner.y),
                number(*width),
                number(*height),
                if *is_crisp { " image-rendering=\"pixelated\"" } else { "" },
                data(bitmap)
            ),
        };
    }
    text + "</svg>\n"
}

fn outlined(outline: &Outline) -> String {
    match outline {
        Outline::Rectangle { corner, width, height } => format!(
            "rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
            number(corner.x),
            number(corner.y),
            number(*width),
            number(*height)
        ),
        Outline::Circle { centre, radius } => {
            format!("circle cx=\"{}\" cy=\"{}\" r=\"{}\"", number(centre.x), number(centre.y), number(*radius))
        }
        Outline::Polyline { points } | Outline::Polygon { points } => {
            let name = if matches!(outline, Outline::Polygon { .. }) { "polygon" } else { "polyline" };
            let places: Vec<String> =
                points.iter().map(|point| format!("{},{}", number(point.x), number(point.y))).collect();
            format!("{name} points=\"{}\"", places.join(" "))
        }
    }
}

fn filled(fill: Option<&Paint>) -> String {
    match fill {
        Some(paint) => format!(" fill=\"{}\"{}", paint.colour, opacity("fill-opacity", paint)),
        None => " fill=\"none\"".to_owned(),
    }
}

fn stroked(line: Option<&Line>) -> String {
    let Some(line) = line else { return String::new() };
    let dash = line.dash.map(|(line, gap)| format!(" stroke-dasharray=\"{} {}\"", number(line), number(gap)));
    format!(
        " stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"{}{}",
        line.paint.colour,
        number(line.width),
        opacity("stroke-opacity", &line.paint),
        dash.unwrap_or_default()
    )
}

fn opacity(attribute: &str, paint: &Paint) -> String {
    if paint.opacity < 1.0 { format!(" {attribute}=\"{}\"", number(paint.opacity)) } else { String::new() }
}

fn written_text(text: &Text) -> String {
    let (x, y) = (number(text.place.x), number(text.place.y));
    let anchor = match text.align {
        Align::Start => "",
        Align::Middle => " text-anchor=\"middle\"",
        Align::End => " text-anchor=\"end\"",
    };
    let weight = if text.weight == Weight::Semibold { " font-weight=\"600\"" } else { "" };
    let turn = if text.is_upright { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
    let halo = if text.has_halo {
        format!(
            " paint-order=\"stroke\" stroke=\"#ffffff\" stroke-width=\"{}\" stroke-linejoin=\"round\"",
            number(HALO_WIDTH)
        )
    } else {
        String::new()
    };
    format!(
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\" \
         fill=\"{}\"{weight}{anchor}{turn}{halo}>{}</text>",
        number(text.size),
        // Letters of another font are drawn as wide as ours, so that everything stays in its place.
        number(width(&text.text, text.size, text.weight)),
        text.colour,
        escape(&text.text)
    )
}

/// Keeps what is written from being read as SVG.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// A number with at most two decimals.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn data(bitmap: &Bitmap) -> String {
    format!("data:image/png;base64,{}", base64(&png(bitmap)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::{Colour, Point};

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.0, 0.126, -0.001, 12.5, 100.0].map(number), ["1", "0.13", "0", "12.5", "100"]);
    }

    #[test]
    fn text_cannot_break_the_file() {
        let mut scene = Scene::new(10.0, 10.0);
        scene.text(Text::new("a<b&c\"d'\u{1b}", Point::new(1.0, 2.0), 10.0, Colour::hex(0)).halo().upright());
        let text = svg(&scene);
        assert!(text.contains(r">a&lt;b&amp;c&quot;d&#39;\u001b</text>"), "{text}");
        let length = number(width(r#"a<b&c"d'\u001b"#, 10.0, Weight::Regular));
        assert!(text.contains(&format!("textLength=\"{length}\"")), "{text}");
        assert!(text.contains("rotate(-90 1 2)") && text.ends_with("</svg>\n"), "{text}");
    }

    #[test]
    fn shapes_say_what_they_are() {
        let mut scene = Scene::new(10.0, 10.0);
        let points = vec![Point::new(0.0, 0.5), Point::new(3.0, 4.0)];
        scene.stroke(Outline::Polyline { points }, Line::new(Colour::hex(0xff), 1.5).dashed(4.0, 2.0));
        scene.fill(Outline::Circle { centre: Point::new(1.0, 1.0), radius: 2.0 }, Colour::WHITE.translucent(0.25));
        let text = svg(&scene);
        assert!(text.contains("<polyline points=\"0,0.5 3,4\" fill=\"none\" stroke=\"#0000ff\""), "{text}");
        assert!(text.contains("stroke-dasharray=\"4 2\"") && text.contains("fill-opacity=\"0.25\""), "{text}");
    }
}

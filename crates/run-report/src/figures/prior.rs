//! What a variational model makes of its prior.

use run_store::{DecodedSheet, Stage, StoreError, file};

use super::Drawing;
use super::catalogue::{Catalogue, Entry, Series, said_of_first};
use super::gaps::Gaps;
use super::page::Page;
use super::style::{HEADING, INK, LABEL, SOFT, TICK};
use super::tiles::Sheet;
use crate::drawing::{Align, Text};

const NAME: &str = "prior";

/// Units that an image of the plane, and one that was drawn, are wide.
const GRID_SIDE: f64 = 28.0;
const SAMPLE_SIDE: f64 = 70.0;
const BETWEEN: f64 = 44.0;
/// Above a sheet, for its heading.
const ABOVE: f64 = 30.0;
/// Left of the plane and below it, for its axes.
const LEFT: f64 = 56.0;
const BELOW: f64 = 48.0;

/// What a variational training leaves of its prior.
struct Prior {
    /// The decoded plane, of a model of two latent dimensions.
    grid: Option<DecodedSheet>,
    samples: DecodedSheet,
}

pub(crate) fn draw(catalogue: &Catalogue, gaps: &mut Gaps) -> Vec<Drawing> {
    let series = catalogue.series(NAME, &[Stage::AeTrain], true, gaps, |entry, _| match entry.is_variational() {
        Some(true) => read(entry).map(Some),
        _ => Ok(None),
    });
    let drawing = |series: &Series<'_, Prior>| {
        let prior = series.members.first()?;
        let title = format!("{}: digits drawn from the prior", series.label);
        let mut said = vec![SAID.to_owned()];
        said.extend(prior.grid.is_some().then(|| SAID_OF_GRID.to_owned()));
        said.extend(said_of_first(series));
        let name = format!("{NAME}-{}", series.first.name);
        Some(Drawing { name, scene: page(&title, &said, prior).scene })
    };
    series.iter().filter_map(drawing).collect()
}

const SAID: &str = "The prior is the Gaussian with independent coordinates of mean 0 and variance 1.";
const SAID_OF_GRID: &str = "The plane is decoded where the prior's quantiles cross, so that each image stands for an equal \
                            share of the prior.";

fn read(entry: &Entry) -> Result<Prior, StoreError> {
    let samples = DecodedSheet::read(&entry.file(Stage::AeTrain, file::PRIOR_SAMPLES)?)?;
    // Only a model of two latent dimensions has a plane.
    let grid = entry.finished(Stage::AeTrain)?.file_if_any(file::PRIOR_GRID)?;
    let grid = grid.map(|file| DecodedSheet::read(file.path())).transpose()?;
    Ok(Prior { grid, samples })
}

fn sheet(decoded: &DecodedSheet, side: f64) -> Sheet {
    let images: Vec<&[f32]> = decoded.rows.iter().map(|row| row.image.as_slice()).collect();
    Sheet::new(&images, (decoded.height, decoded.width), decoded.columns as usize, side)
}

fn page(title: &str, said: &[String], prior: &Prior) -> Page {
    let samples = sheet(&prior.samples, SAMPLE_SIDE);
    let grid = prior.grid.as_ref().map(|decoded| (decoded, sheet(decoded, GRID_SIDE)));
    let (left, height) =
        grid.as_ref().map_or((0.0, 0.0), |(_, grid)| (LEFT + grid.size().0 + BETWEEN, ABOVE + grid.size().1 + BELOW));
    let room = (left + samples.size().0, height.max(ABOVE + samples.size().1));
    let mut page = Page::new(title, said, room.0.max(480.0), room.1);
    if let Some((decoded, grid)) = grid {
        let place = page.at(0.0, HEADING);
        page.heading("The decoded plane", place);
        draw_axes(&mut page, decoded, &grid);
        let corner = page.at(LEFT, ABOVE);
        grid.draw(&mut page.scene, corner);
    }
    let place = page.at(left, HEADING);
    page.heading(format!("{} draws", prior.samples.rows.len()), place);
    let corner = page.at(left, ABOVE);
    samples.draw(&mut page.scene, corner);
    page
}

/// Writes the latents of some columns below the plane, and of some rows beside it.
fn draw_axes(page: &mut Page, decoded: &DecodedSheet, sheet: &Sheet) {
    let columns = (decoded.columns as usize).clamp(1, decoded.rows.len().max(1));
    let rows = decoded.rows.len().div_ceil(columns);
    let (image, size) = (sheet.image_size(), sheet.size());
    let value = |position: usize, dimension: usize| {
        let value = decoded.rows.get(position).and_then(|row| row.latent.get(dimension)).copied();
        value.map_or_else(String::new, |value| format!("{value:.2}").replace('-', "−"))
    };
    for column in ticks(columns) {
        let x = LEFT + sheet.image_corner(column).x + image.0 / 2.0;
        let place = page.at(x, ABOVE + size.1 + 6.0 + TICK);
        page.scene.text(Text::new(value(column, 0), place, TICK, SOFT).align(Align::Middle));
    }
    for row in ticks(rows) {
        let y = ABOVE + sheet.image_corner(row * columns).y + image.1 / 2.0 + TICK * 0.36;
        let place = page.at(LEFT - 6.0, y);
        page.scene.text(Text::new(value(row * columns, 1), place, TICK, SOFT).align(Align::End));
    }
    let below = page.at(LEFT + size.0 / 2.0, ABOVE + size.1 + TICK + LABEL + 14.0);
    page.scene.text(Text::new("latent z00", below, LABEL, INK).align(Align::Middle));
    let beside = page.at(LABEL, ABOVE + size.1 / 2.0);
    page.scene.text(Text::new("latent z01", beside, LABEL, INK).align(Align::Middle).upright());
}

/// Five positions from the first to the last of `count`, or fewer.
fn ticks(count: usize) -> Vec<usize> {
    let mut ticks: Vec<usize> = (0..5).map(|tick| tick * count.saturating_sub(1) / 4).collect();
    ticks.dedup();
    ticks
}

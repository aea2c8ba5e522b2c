//! The first test digits as each model redraws them, epoch by epoch, laid out as in the study's table.

use std::collections::{BTreeMap, BTreeSet};

use run_store::{ReadableCounts, ReconstructionReading, Reconstructions, Stage, StoreError, file};

use super::Drawing;
use super::catalogue::{Catalogue, Entry, Series};
use super::gaps::Gaps;
use super::page::Page;
use super::style::{ALARM, HEADING, INK, LABEL, SOFT, TICK};
use super::tiles::Sheet;
use crate::drawing::{Align, Line, Outline, Point, Text, Weight, shorten};

const NAME: &str = "task1";

/// Epochs that have a row, where they were kept; the last has one always.
const EPOCHS: [u32; 5] = [1, 5, 10, 15, 20];

/// Digits in a row of a sheet.
const SHEET_COLUMNS: usize = 4;
/// Units that a digit is wide, about.
const DIGIT_SIDE: f64 = 28.0;
/// Models side by side; more begin a new band below.
const COLUMNS: usize = 8;
/// Left of the sheets, for the rows' names.
const LEFT: f64 = 92.0;
/// Above the sheets of a band, for the models' names.
const ABOVE: f64 = 26.0;
/// Below a sheet, for its count.
const BELOW: f64 = 32.0;
const BETWEEN: f64 = 24.0;

/// What a run redrew, and what could be read of it.
pub(crate) struct Redrawn {
    pub reconstructions: Reconstructions,
    pub readings: Option<Readings>,
}

/// What a reader said of a run's sheets.
pub(crate) struct Readings {
    pub sheet_count: u32,
    pub originals: ReadableCounts,
    pub epochs: BTreeMap<u32, ReadableCounts>,
    /// Epoch, none for the original, and index of the digits that cannot be read.
    pub unreadable: BTreeSet<(Option<u32>, u32)>,
}

/// A row of the table.
#[derive(Clone, Copy, PartialEq)]
enum Row {
    Original,
    Epoch(u32),
    Last,
}

impl Redrawn {
    pub fn read(entry: &Entry, gaps: &mut Gaps) -> Result<Self, StoreError> {
        let reconstructions = Reconstructions::read(&entry.file(Stage::AeTrain, file::RECONSTRUCTIONS)?)?;
        let readings = if entry.has(Stage::ReconEval) {
            match Readings::read(entry) {
                Ok(readings) => readings,
                Err(error) => {
                    gaps.cannot_use(entry, &error, COUNTS);
                    None
                }
            }
        } else {
            gaps.lacks(entry, Stage::ReconEval, COUNTS);
            None
        };
        Ok(Self { reconstructions, readings })
    }

    pub fn epochs(&self) -> BTreeSet<u32> {
        self.reconstructions.rows.iter().map(|row| row.epoch).collect()
    }

    pub fn last_epoch(&self) -> u32 {
        self.epochs().last().copied().unwrap_or_default()
    }

    /// The epoch whose digits stand in `row`; none where it was not kept.
    fn epoch(&self, row: Row) -> Option<u32> {
        let epochs = self.epochs();
        match row {
            Row::Original | Row::Last => epochs.last().copied(),
            Row::Epoch(epoch) => epochs.get(&epoch).copied(),
        }
    }
}

/// What runs without readings are left out of.
const COUNTS: &str = "task1's counts";

impl Readings {
    fn read(entry: &Entry) -> Result<Option<Self>, StoreError> {
        let Some(metrics) = &entry.run.reconstructions else { return Ok(None) };
        let rows = ReconstructionReading::read(&entry.file(Stage::ReconEval, file::READINGS)?)?;
        let is_unreadable = |probability: f32| f64::from(probability) < metrics.readable_probability;
        let unreadable = rows.iter().flat_map(|row| {
            let original = is_unreadable(row.original.probability).then_some((None, row.index));
            let redrawn = is_unreadable(row.reconstruction.probability).then_some((Some(row.epoch), row.index));
            original.into_iter().chain(redrawn)
        });
        Ok(Some(Self {
            sheet_count: metrics.sheet_count,
            originals: metrics.originals,
            epochs: metrics.epochs.iter().map(|row| (row.epoch, row.readable)).collect(),
            unreadable: unreadable.collect(),
        }))
    }
}

pub(crate) fn draw(catalogue: &Catalogue, gaps: &mut Gaps) -> Vec<Drawing> {
    let series = catalogue.series(NAME, &[Stage::AeTrain], true, gaps, |entry, gaps| {
        let redrawn = Redrawn::read(entry, gaps)?;
        Ok((!redrawn.reconstructions.rows.is_empty()).then_some(redrawn))
    });
    if series.is_empty() { Vec::new() } else { vec![Drawing { name: NAME.to_owned(), scene: page(&series).scene }] }
}

/// The rows that at least one model has.
fn rows(series: &[Series<'_, Redrawn>]) -> Vec<Row> {
    let is_between = |redrawn: &Redrawn, epoch: u32| redrawn.epochs().contains(&epoch) && epoch < redrawn.last_epoch();
    let kept = EPOCHS
        .into_iter()
        .filter(|epoch| series.iter().flat_map(|series| &series.members).any(|redrawn| is_between(redrawn, *epoch)));
    [Row::Original].into_iter().chain(kept.map(Row::Epoch)).chain([Row::Last]).collect()
}

fn page(series: &[Series<'_, Redrawn>]) -> Page {
    let rows = rows(series);
    let all = || series.iter().flat_map(|series| &series.members);
    let sheets = all().map(|redrawn| sheet(redrawn, Row::Original).size());
    let sheet_size =
        sheets.fold((0.0, 0.0), |(width, height): (f64, f64), size| (width.max(size.0), height.max(size.1)));
    let last_epochs: BTreeSet<u32> = all().map(Redrawn::last_epoch).collect();
    let columns = series.len().min(COLUMNS);
    let bands = series.len().div_ceil(COLUMNS);
    let (column_step, row_step) = (sheet_size.0 + BETWEEN, sheet_size.1 + BELOW);
    let band_height = ABOVE + rows.len() as f64 * row_step;
    let room = (LEFT + columns as f64 * column_step - BETWEEN, bands as f64 * (band_height + BETWEEN) - BETWEEN);

    let count =
        all().map(|redrawn| redrawn.reconstructions.rows.iter().map(|row| row.index).collect::<BTreeSet<_>>().len());
    let count = count.max().unwrap_or_default();
    let title = format!("The first {count} test digits, as each model redraws them");
    let mut page = Page::new(&title, &said(series), room.0.max(480.0), room.1);
    for (position, series) in series.iter().enumerate() {
        let Some(redrawn) = series.members.first() else { continue };
        let (left, top) =
            ((position % COLUMNS) as f64 * column_step, (position / COLUMNS) as f64 * (band_height + BETWEEN));
        let heading = page.at(LEFT + left + sheet_size.0 / 2.0, top + HEADING);
        let name = shorten(&series.label, HEADING, Weight::Semibold, column_step - 6.0);
        let name = Text::new(name, heading, HEADING, INK).semibold();
        page.scene.text(name.align(Align::Middle));
        for (line, row) in rows.iter().enumerate() {
            let top = top + ABOVE + line as f64 * row_step;
            if position % COLUMNS == 0 {
                let name = match row {
                    Row::Original => "original".to_owned(),
                    Row::Epoch(epoch) => format!("epoch {epoch}"),
                    Row::Last if last_epochs.len() == 1 => format!("epoch {}", redrawn.last_epoch()),
                    Row::Last => "last epoch".to_owned(),
                };
                let place = page.at(LEFT - 16.0, top + sheet_size.1 / 2.0 + LABEL * 0.36);
                page.scene.text(Text::new(name, place, LABEL, INK).align(Align::End));
            }
            draw_sheet(&mut page, (LEFT + left, top), redrawn, *row, last_epochs.len() > 1);
        }
    }
    page
}

fn said(series: &[Series<'_, Redrawn>]) -> Vec<String> {
    let mut said = Vec::new();
    if series.iter().flat_map(|series| &series.members).any(|redrawn| redrawn.readings.is_some()) {
        said.push(
            "Below each sheet: how many of its digits a reader, a network that learnt from other images, can still read. \
             Framed: digits that it cannot."
                .to_owned(),
        );
    }
    if series.iter().any(|series| series.run_count > 1) {
        said.push("Of runs that differ only by seed, the first that can be read is shown.".to_owned());
    }
    if series.iter().any(Series::is_refined) {
        said.push("Epochs of refined models are those of refining.".to_owned());
    }
    said
}

fn sheet(redrawn: &Redrawn, row: Row) -> Sheet {
    let epoch = redrawn.epoch(row);
    let rows = redrawn.reconstructions.rows.iter().filter(|image| Some(image.epoch) == epoch);
    let images: Vec<&[f32]> = rows
        .map(|image| if row == Row::Original { image.original.as_slice() } else { image.reconstruction.as_slice() })
        .collect();
    let size = (redrawn.reconstructions.height, redrawn.reconstructions.width);
    Sheet::new(&images, size, SHEET_COLUMNS, DIGIT_SIDE)
}

/// Draws the digits of one row of one model, with what can be read of them.
fn draw_sheet(page: &mut Page, (left, top): (f64, f64), redrawn: &Redrawn, row: Row, with_epoch: bool) {
    let Some(epoch) = redrawn.epoch(row) else { return };
    let sheet = sheet(redrawn, row);
    let (size, image) = (sheet.size(), sheet.image_size());
    let indices = redrawn.reconstructions.rows.iter().filter(|image| image.epoch == epoch).map(|image| image.index);
    let key = (row != Row::Original).then_some(epoch);
    let is_unreadable =
        |index: u32| redrawn.readings.as_ref().is_some_and(|readings| readings.unreadable.contains(&(key, index)));
    let framed: Vec<usize> =
        indices.enumerate().filter(|(_, index)| is_unreadable(*index)).map(|(position, _)| position).collect();
    let corners: Vec<Point> = framed.into_iter().map(|position| sheet.image_corner(position)).collect();
    let place = page.at(left, top);
    sheet.draw(&mut page.scene, place);
    for corner in corners {
        let corner = Point::new(place.x + corner.x - 0.5, place.y + corner.y - 0.5);
        let outline = Outline::Rectangle { corner, width: image.0 + 1.0, height: image.1 + 1.0 };
        page.scene.stroke(outline, Line::new(ALARM, 1.0));
    }
    let counts = redrawn.readings.as_ref().and_then(|readings| {
        let counts = if row == Row::Original { Some(&readings.originals) } else { readings.epochs.get(&epoch) };
        Some(format!("{}/{}", counts?.sheet_readable, readings.sheet_count))
    });
    let epoch = (with_epoch && row == Row::Last).then(|| format!("epoch {epoch}"));
    let below: Vec<String> = epoch.into_iter().chain(counts).collect();
    let place = page.at(left + size.0 / 2.0, top + size.1 + TICK + 5.0);
    page.scene.text(Text::new(below.join(" · "), place, TICK, SOFT).align(Align::Middle));
}

//! The training images that clustering is least sure of.

use run_store::{Assignments, DatasetFile, Latents, Split, Stage, StoreError, file, input};
use stage_cli::per_cent;

use super::Drawing;
use super::catalogue::{Catalogue, Entry, Series, said_of_first};
use super::gaps::Gaps;
use super::page::Page;
use super::style::{ALARM, INK, TICK};
use super::tiles::Sheet;
use crate::blocks::thousands;
use crate::drawing::{Align, Line, Outline, Point, Text};
use crate::source_images::{dataset_of, image};

const NAME: &str = "uncertain";

const STAGES: [Stage; 2] = [Stage::LatentExport, Stage::ClusterEval];

/// Images shown, and in a row.
const SHOWN: usize = 100;
const COLUMNS: usize = 10;
/// Units that an image is wide.
const SIDE: f64 = 56.0;
/// Between two images, and below each for what it is taken for.
const BETWEEN: f64 = 16.0;
const BELOW: f64 = TICK + 14.0;

/// An image, and where it was put.
struct Doubtful {
    pixels: Vec<f32>,
    label: u8,
    name: u8,
    confidence: f32,
}

/// The images of a run that belong to their clusters least clearly, those first that do least.
struct Sheets {
    shown: Vec<Doubtful>,
    height: u32,
    width: u32,
    count: usize,
    /// Of all images: share in a cluster of another name.
    error: f64,
}

impl Sheets {
    /// What the run `entry` leaves; none where its latents do not say what images they are of.
    fn read(entry: &Entry) -> Result<Option<Self>, StoreError> {
        let exported = entry.finished(Stage::LatentExport)?;
        if !exported.manifest().inputs.contains_key(input::DATASET) {
            return Ok(None);
        }
        let latents = Latents::read_export(&exported, Split::Train)?;
        let path = entry.file(Stage::ClusterEval, file::ASSIGNMENTS)?;
        let assignments = Assignments::read(&path)?;
        let mut rows = assignments.rows_of(Split::Train, &latents, &path)?;
        let count = rows.len();
        let wrong = rows.iter().filter(|row| assignments.names[**row] != assignments.labels[**row]).count();
        // Of equally clear ones those that come first.
        rows.sort_by(|one, other| assignments.confidences[*one].total_cmp(&assignments.confidences[*other]));
        let verified = dataset_of(&exported)?;
        let dataset_file = DatasetFile::read(verified.path())?;
        let dataset = dataset_file.dataset()?;
        let doubtful = |row: &usize| {
            let (index, label) = (assignments.indices[*row], assignments.labels[*row]);
            let pixels = image(&dataset, verified.path(), (Split::Train, index, label))?;
            let pixels = pixels.iter().map(|value| f32::from(*value) / f32::from(u8::MAX)).collect();
            let (name, confidence) = (assignments.names[*row], assignments.confidences[*row]);
            Ok(Doubtful { pixels, label, name, confidence })
        };
        let shown = rows.iter().take(SHOWN).map(doubtful).collect::<Result<Vec<_>, StoreError>>()?;
        let error = wrong as f64 / count.max(1) as f64;
        Ok(Some(Self { shown, height: dataset.height, width: dataset.width, count, error }))
    }
}

pub(crate) fn draw(catalogue: &Catalogue, gaps: &mut Gaps) -> Vec<Drawing> {
    let series = catalogue.series(NAME, &STAGES, true, gaps, |entry, _| Sheets::read(entry));
    let drawing = |series: &Series<'_, Sheets>| {
        let page = page(series.members.first()?, series);
        Some(Drawing { name: format!("{NAME}-{}", series.first.name), scene: page.scene })
    };
    series.iter().filter_map(drawing).collect()
}

fn page(sheets: &Sheets, series: &Series<'_, Sheets>) -> Page {
    let shown = &sheets.shown;
    let wrong = shown.iter().filter(|doubtful| doubtful.name != doubtful.label).count();
    let last = shown.last().map_or(0.0, |doubtful| doubtful.confidence);
    let mut said = vec![
        format!(
            "Those that lie most nearly half way between two centroids, the least sure first. Confidence is 1 − a / b, where a is \
             the distance from the own centroid and b from the next; here it is at most {last:.3}."
        ),
        format!(
            "Below each: the digit that its cluster is named after. Framed: {wrong} in a cluster of another digit than theirs, \
             {} %; of all {} images it is {} %.",
            per_cent(wrong as f64 / shown.len().max(1) as f64, 1),
            thousands(sheets.count as u64),
            per_cent(sheets.error, 1),
        ),
    ];
    said.extend(said_of_first(series));
    let tile = Sheet::new(&[&[]], (sheets.height, sheets.width), 1, SIDE).image_size();
    let step = (tile.0 + BETWEEN, tile.1 + BELOW);
    let rows = shown.len().div_ceil(COLUMNS);
    let room = (COLUMNS as f64 * step.0 - BETWEEN, rows as f64 * step.1);
    let title = format!("{}: the {} training images that clusters are least sure of", series.label, shown.len());
    let mut page = Page::new(&title, &said, room.0, room.1);
    for (position, doubtful) in shown.iter().enumerate() {
        let (left, top) = ((position % COLUMNS) as f64 * step.0, (position / COLUMNS) as f64 * step.1);
        let corner = page.at(left, top);
        Sheet::new(&[&doubtful.pixels], (sheets.height, sheets.width), 1, SIDE).draw(&mut page.scene, corner);
        let is_wrong = doubtful.name != doubtful.label;
        if is_wrong {
            let corner = Point::new(corner.x - 0.5, corner.y - 0.5);
            let outline = Outline::Rectangle { corner, width: tile.0 + 1.0, height: tile.1 + 1.0 };
            page.scene.stroke(outline, Line::new(ALARM, 1.0));
        }
        let name = match doubtful.name {
            Assignments::UNNAMED => "no name".to_owned(),
            name => name.to_string(),
        };
        let name = if is_wrong { format!("{name}, is {}", doubtful.label) } else { name };
        let place = page.at(left + tile.0 / 2.0, top + tile.1 + TICK + 3.0);
        page.scene.text(Text::new(name, place, TICK, INK).align(Align::Middle));
    }
    page
}

//! One page that shows everything, in one file that asks the network for nothing.
//!
//! What a page shows is put together in Rust, from the same tables, comparisons and figures as elsewhere: [`answer`] and
//! [`tables`] as HTML, [`chosen`], [`sheets`] and [`explorer`] as data for the script in `assets/`, which is drawn and filtered
//! there. Large data travel in [`parcels`]. [`template`] puts it all into one file.

mod answer;
mod chosen;
mod decoder;
mod explorer;
mod images;
mod parcels;
mod quantised;
mod sheets;
mod tables;
mod template;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use run_store::{StoreError, one_line, replace_file};
use serde::Serialize;

use self::parcels::{FRAME, Parcels};
use crate::collect::Run;
use crate::drawing::svg;
use crate::figures::catalogue::Catalogue;
use crate::figures::gaps::Gaps;
use crate::figures::{self, Drawing};
use crate::summary::{Summary, order};

/// A page is no larger than this, in bytes: what does not fit is left out, and named.
const PAGE_LIMIT: usize = 20_000_000;

/// Kept free for the lines that name what is left out, which nobody knows before.
const RESERVE: usize = 100_000;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenPage {
    /// Bytes of the page.
    pub size: usize,
    /// What runs were left out of, and why: a line each.
    pub left_out: Vec<String>,
}

/// Everything that the template is filled with.
#[derive(Debug, Serialize)]
struct Content {
    /// The best of each kind, in words.
    headlines: Vec<String>,
    answer: tables::Table,
    runs: chosen::RunTable,
    has_sheets: bool,
    has_explorers: bool,
    figures: Vec<FigureGroup>,
    tables: Vec<tables::Table>,
    legend: Vec<String>,
    problems: Vec<tables::Problem>,
    left_out: Vec<String>,
    /// What the script draws from, as JSON.
    data: String,
    parcels: Vec<String>,
    version: &'static str,
}

/// Figures that are shown together.
#[derive(Debug, Serialize)]
struct FigureGroup {
    title: &'static str,
    /// Whether it is shown before anybody asks for it.
    is_open: bool,
    figures: Vec<PageFigure>,
}

/// A figure in place.
#[derive(Debug, Serialize)]
struct PageFigure {
    name: String,
    svg: String,
}

/// What the script draws from.
#[derive(Debug, Serialize)]
struct Data {
    figures: Vec<chosen::FigureKind>,
    runs: Vec<chosen::ChosenRun>,
    sheets: Vec<sheets::ModelSheets>,
    images: Vec<images::ImageSet>,
    explorers: Vec<explorer::Explorer>,
    digit_colours: Vec<String>,
    unnamed_colour: String,
}

/// Writes the page of `runs` to `path`, in one step.
///
/// # Errors
/// The file cannot be written, or the runs are so many that their tables alone are larger than a page may be; what was there
/// before then remains. What is wrong inside a run is no error: the run is left out of what it lacks something for.
pub fn write_page(runs: Vec<Run>, path: &Path) -> Result<WrittenPage, StoreError> {
    let count = runs.len();
    let (page, left_out) = page(runs, PAGE_LIMIT).map_err(|size| {
        let [limit, size] = [PAGE_LIMIT, size].map(|bytes| bytes as f64 / 1e6);
        let problem =
            format!("expected runs whose tables a page of {limit} MB can hold, found {count} that take {size:.1} MB");
        StoreError::invalid(path, problem, "give fewer runs")
    })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
    }
    replace_file(path, |partial| fs::write(partial, &page).map_err(StoreError::io("write", path)))?;
    Ok(WrittenPage { size: page.len(), left_out })
}

/// The text of the page of `runs`, of at most `limit` bytes; and what was left out.
///
/// # Errors
/// Without all that can be left out it is larger: the bytes that it then takes.
fn page(runs: Vec<Run>, limit: usize) -> Result<(String, Vec<String>), usize> {
    let shown = Shown::of(runs);
    let mut room = limit.saturating_sub(shown.render(Extras::default()).len() + RESERVE);
    loop {
        let extras = shown.extras(room);
        let left_out = extras.left_out.clone();
        let page = shown.render(extras);
        match page.len().checked_sub(limit) {
            None | Some(0) => return Ok((page, left_out)),
            Some(_) if room == 0 => return Err(page.len()),
            // More had to be named than is kept free for it.
            Some(excess) => room = room.saturating_sub(excess),
        }
    }
}

/// Runs, in the order of the tables, and what is said of them.
struct Shown {
    runs: Vec<Run>,
    catalogue: Catalogue,
    summary: Summary,
}

/// What a page can do without.
#[derive(Default)]
struct Extras {
    figures: Vec<FigureGroup>,
    sheets: Vec<sheets::ModelSheets>,
    images: Vec<images::ImageSet>,
    explorers: Vec<explorer::Explorer>,
    parcels: Vec<String>,
    /// What is not among them, and why: a line each.
    left_out: Vec<String>,
}

impl Shown {
    fn of(mut runs: Vec<Run>) -> Self {
        order(&mut runs);
        Self { catalogue: Catalogue::of(runs.clone()), summary: Summary::of(runs.clone()), runs }
    }

    /// As many extras, one after the other, as take at most `room` bytes of the page.
    fn extras(&self, mut room: usize) -> Extras {
        let mut gaps = Gaps::default();
        let figures = figure_groups(&self.catalogue, &mut room, &mut gaps);
        let mut parcels = Parcels::new(room);
        let sheets = sheets::sheets(&self.catalogue, &mut gaps, &mut parcels);
        let (images, explorers) = explorer::explorers(&self.catalogue, &mut gaps, &mut parcels);
        Extras { figures, sheets, images, explorers, parcels: parcels.into_texts(), left_out: gaps.lines() }
    }

    /// The text of the page with `extras`.
    fn render(&self, extras: Extras) -> String {
        let Self { runs, summary, .. } = self;
        let (has_sheets, has_explorers) = (!extras.sheets.is_empty(), !extras.explorers.is_empty());
        let data = Data {
            figures: chosen::figure_kinds(summary),
            runs: chosen::runs(runs),
            sheets: extras.sheets,
            images: extras.images,
            explorers: extras.explorers,
            digit_colours: (0..10).map(|digit| figures::style::digit(digit).to_string()).collect(),
            unnamed_colour: figures::style::UNNAMED.to_string(),
        };
        template::render(&Content {
            headlines: answer::headlines(summary, runs),
            answer: answer::table(summary, runs),
            runs: chosen::table(summary),
            has_sheets,
            has_explorers,
            figures: extras.figures,
            tables: tables::tables(summary),
            legend: tables::legend(summary),
            problems: tables::problems(summary),
            left_out: extras.left_out,
            data: template::json(&data),
            parcels: extras.parcels,
            version: env!("CARGO_PKG_VERSION"),
        })
    }
}

/// The figures that the page does not draw itself, as many as have `room` for their bytes, one after the other, which they take.
fn figure_groups(catalogue: &Catalogue, room: &mut usize, gaps: &mut Gaps) -> Vec<FigureGroup> {
    let mut group = |title, is_open, draw: figures::Draw| {
        let mut figures = Vec::new();
        for Drawing { name, scene } in figures::draw_within_bounds(draw, catalogue, gaps) {
            let (name, svg) = (one_line(&name), svg(&scene));
            match room.checked_sub(svg.len() + FRAME) {
                Some(left) => {
                    *room = left;
                    figures.push(PageFigure { name, svg });
                }
                None => gaps.is_not_on_the_page(&name),
            }
        }
        FigureGroup { title, is_open, figures }
    };
    let groups = [
        group("Losses", true, figures::losses::draw),
        group("Readable reconstructions", true, figures::readability::draw),
        group("Classifier", true, figures::classifier::draw),
        group("Latents before and after refining", true, figures::refinement::draw),
        group("Which digits are taken for which", false, figures::confusion::draw),
        group("The images that clusters are least sure of", false, figures::uncertain::draw),
        group("How many clusters there are", false, figures::cluster_counts::draw),
        group("What variational models make of their prior", false, figures::prior::draw),
        group("Time and memory", false, figures::cost::draw),
    ];
    groups.into_iter().filter(|group| !group.figures.is_empty()).collect()
}

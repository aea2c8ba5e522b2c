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

use run_store::{StoreError, replace_file};
use serde::Serialize;

use self::parcels::Parcels;
use crate::collect::Run;
use crate::drawing::svg;
use crate::figures::catalogue::Catalogue;
use crate::figures::gaps::Gaps;
use crate::figures::{self, Drawing};
use crate::summary::{Summary, order};

/// A page is no larger than this, in bytes: what does not fit is left out, and named.
const PAGE_LIMIT: usize = 20_000_000;

/// Kept free for what is not data: tables, figures, script and style are far smaller.
const RESERVE: usize = 500_000;

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
struct Data<'a> {
    figures: Vec<chosen::FigureKind>,
    runs: &'a [chosen::ChosenRun],
    sheets: Vec<sheets::ModelSheets>,
    images: Vec<images::ImageSet>,
    explorers: Vec<explorer::Explorer>,
    digit_colours: Vec<String>,
    unnamed_colour: String,
}

/// Writes the page of `runs` to `path`, in one step.
///
/// # Errors
/// The file cannot be written; what was there before then remains. What is wrong inside a run is no error: the run is left
/// out of what it lacks something for.
pub fn write_page(runs: Vec<Run>, path: &Path) -> Result<WrittenPage, StoreError> {
    let (page, left_out) = page(runs, PAGE_LIMIT);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
    }
    replace_file(path, |partial| fs::write(partial, &page).map_err(StoreError::io("write", path)))?;
    Ok(WrittenPage { size: page.len(), left_out })
}

/// The text of the page of `runs`, of at most `limit` bytes as far as leaving out data can make it so; and what was left out.
fn page(mut runs: Vec<Run>, limit: usize) -> (String, Vec<String>) {
    order(&mut runs);
    let chosen = chosen::runs(&runs);
    let catalogue = Catalogue::of(runs.clone());
    let summary = Summary::of(runs);
    let mut gaps = Gaps::default();

    let mut room = limit.saturating_sub(RESERVE);
    let figures = figure_groups(&catalogue, &mut room, &mut gaps);
    let mut parcels = Parcels::new(room);
    let sheets = sheets::sheets(&catalogue, &mut gaps, &mut parcels);
    let (images, explorers) = explorer::explorers(&catalogue, &mut gaps, &mut parcels);

    let (has_sheets, has_explorers) = (!sheets.is_empty(), !explorers.is_empty());
    let run_table = chosen::table(&summary);
    let data = Data {
        figures: chosen::figure_kinds(&summary),
        runs: &chosen,
        sheets,
        images,
        explorers,
        digit_colours: (0..10).map(|digit| figures::style::digit(digit).to_string()).collect(),
        unnamed_colour: figures::style::UNNAMED.to_string(),
    };
    let left_out = gaps.lines();
    let content = Content {
        headlines: answer::headlines(&summary),
        answer: answer::table(&summary),
        runs: run_table,
        has_sheets,
        has_explorers,
        figures,
        tables: tables::tables(&summary),
        legend: tables::legend(&summary),
        problems: tables::problems(&summary),
        left_out: left_out.clone(),
        data: template::json(&data),
        parcels: parcels.into_texts(),
        version: env!("CARGO_PKG_VERSION"),
    };
    (template::render(&content), left_out)
}

/// The figures that the page does not draw itself, as many as have `room` for their bytes, one after the other, which they take.
fn figure_groups(catalogue: &Catalogue, room: &mut usize, gaps: &mut Gaps) -> Vec<FigureGroup> {
    let mut group = |title, is_open, draw: figures::Draw| {
        let mut figures = Vec::new();
        for Drawing { name, scene } in figures::draw_within_bounds(draw, catalogue, gaps) {
            let svg = svg(&scene);
            match room.checked_sub(svg.len()) {
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

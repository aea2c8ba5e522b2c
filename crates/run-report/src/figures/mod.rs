//! Figures of runs: each is drawn once, and written as PNG and as SVG.
//!
//! A module draws one kind of figure from what stages left on disk. What several of them need is beside them:
//! [`catalogue`] says which runs a figure shows and how it calls them, [`gaps`] which it cannot show, and [`style`] how all
//! of them look.

mod axes;
pub(crate) mod catalogue;
pub(crate) mod classifier;
pub(crate) mod cluster_counts;
pub(crate) mod confusion;
pub(crate) mod cost;
mod curves;
pub(crate) mod gaps;
mod growth;
mod heat_map;
mod latents;
pub(crate) mod losses;
mod page;
pub(crate) mod prior;
pub(crate) mod readability;
pub(crate) mod refinement;
#[cfg(test)]
mod refinement_tests;
mod scatter;
pub(crate) mod style;
pub(crate) mod task1;
#[cfg(test)]
mod tests;
mod tiles;
pub(crate) mod uncertain;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use run_store::{FiguresDir, Growth, StoreError, free_name, replace_file};

use self::catalogue::Catalogue;
use self::gaps::Gaps;
use crate::collect::Run;
use crate::drawing::{Scene, png, raster, svg};

/// A figure and the name of its files.
#[derive(Clone, Debug)]
pub(crate) struct Drawing {
    pub name: String,
    pub scene: Scene,
}

/// The most square units of a figure: two hundred million pixels. Nearly three hundred different models have room in `task1`, and
/// one and a half thousand clusters in `confusion`; painting takes a gigabyte or so then.
const AREA_LIMIT: f64 = 5e7;

/// Whether a figure of `width` × `height` units is drawn.
fn is_within_bounds((width, height): (f64, f64)) -> bool {
    width * height <= AREA_LIMIT
}

/// What `draw` makes of the runs, but for what would be too large: that is said in `gaps`.
pub(crate) fn draw_within_bounds(draw: Draw, catalogue: &Catalogue, gaps: &mut Gaps) -> Vec<Drawing> {
    let is_drawn = |drawing: &Drawing| is_within_bounds((drawing.scene.width, drawing.scene.height));
    let (drawings, too_large): (Vec<_>, Vec<_>) = draw(catalogue, gaps).into_iter().partition(is_drawn);
    for Drawing { name, scene } in too_large {
        gaps.is_too_large(&name, (scene.width, scene.height));
    }
    drawings
}

/// Draws what one kind of figure shows of the runs: none where no run has what it takes.
pub(crate) type Draw = fn(&Catalogue, &mut Gaps) -> Vec<Drawing>;

const FIGURES: [Draw; 11] = [
    task1::draw,
    losses::draw,
    readability::draw,
    classifier::draw,
    cost::draw,
    prior::draw,
    confusion::draw,
    latents::draw,
    uncertain::draw,
    refinement::draw,
    cluster_counts::draw,
];

/// What may stand in the name of a figure's files besides letters and digits.
const PUNCTUATION: &str = "-_.@+=";

/// What was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// The files, two for each figure.
    pub files: Vec<PathBuf>,
    /// What runs were left out of, and why: a line each.
    pub left_out: Vec<String>,
}

/// Draws the figures of `runs`, and of `growth` if it was measured, into `folder`, which is created if need be; `written` is told
/// each file once it is there.
///
/// # Errors
/// The folder or a file cannot be written; what was there before then remains. What is wrong inside a run is no error: the
/// run is left out of the figures that it lacks something for.
pub fn write_figures(
    runs: Vec<Run>,
    growth: Option<&Growth>,
    folder: &FiguresDir,
    mut written: impl FnMut(&Path),
) -> Result<Figures, StoreError> {
    let catalogue = Catalogue::of(runs);
    let mut gaps = Gaps::default();
    let mut names = BTreeSet::new();
    let mut files = Vec::new();
    let of_runs = FIGURES.into_iter().flat_map(|draw| draw_within_bounds(draw, &catalogue, &mut gaps));
    for drawing in of_runs.chain(growth.and_then(growth::draw)) {
        let name = free_name(&drawing.name, PUNCTUATION, &mut names);
        fs::create_dir_all(folder.path()).map_err(StoreError::io("create", folder.path()))?;
        let contents =
            [(folder.png(&name), png(&raster(&drawing.scene))), (folder.svg(&name), svg(&drawing.scene).into_bytes())];
        for (path, content) in contents {
            replace_file(&path, |partial| fs::write(partial, &content).map_err(StoreError::io("write", &path)))?;
            written(&path);
            files.push(path);
        }
    }
    Ok(Figures { files, left_out: gaps.lines() })
}

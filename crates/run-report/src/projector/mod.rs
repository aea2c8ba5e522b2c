//! Runs for TensorBoard's embedding projector: their latents as points, what is known of each, and the images.
//!
//! Nothing is computed: [`points`] takes what stages left, and [`sprite`] puts the images of the dataset side by side.

mod points;
mod sprite;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;

use run_store::{PointImages, ProjectorDir, ProjectorWork, StoreError, one_line};

use self::points::Points;
use self::sprite::Album;
use crate::collect::{Run, names};

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectorExport {
    /// The runs and how many points each has, in the order given.
    pub runs: Vec<(String, usize)>,
    /// What is not there, and why: a line each.
    pub notes: Vec<String>,
}

/// Exports `runs` to `folder` in the place of an earlier export: of each split the first `count` latents, or all. If no run has
/// latents, nothing is written.
///
/// # Errors
/// The folder holds something else than an earlier export, or cannot be written; what was there before then remains. What is
/// wrong inside a run is no error: the run, its clusters or its images are left out, and a note says so.
pub fn export_projector(
    runs: &[Run],
    folder: &ProjectorDir,
    count: Option<NonZeroUsize>,
) -> Result<ProjectorExport, StoreError> {
    let mut work = folder.begin()?;
    let mut export = ProjectorExport { runs: Vec::new(), notes: Vec::new() };
    let mut drawn = Vec::new();
    for (run, name) in runs.iter().zip(names(runs)) {
        let mut note = |what: &str, why: &str| {
            export.notes.push(one_line(&format!("{name} is {what}: {why}")));
        };
        let points = match Points::read(run, count.map_or(usize::MAX, NonZeroUsize::get)) {
            Ok(points) => points,
            Err(why) => {
                note("left out", &why);
                continue;
            }
        };
        if let Some(why) = &points.without_clusters {
            note("exported without clusters", why);
        }
        let images = images(&points, &mut drawn, &mut work)?;
        if let Err(why) = &images {
            note("exported without images", why);
        }
        work.add_points(&name, points.latents(), points.dimensions(), &points.known, images.as_ref().ok())?;
        export.runs.push((name, points.known.len()));
    }
    if !export.runs.is_empty() {
        work.commit()?;
    }
    Ok(export)
}

/// The images of `points`: those that were drawn for another run, if they are the same. Otherwise why there are none.
fn images(
    points: &Points,
    drawn: &mut Vec<(Album, PointImages)>,
    work: &mut ProjectorWork,
) -> Result<Result<PointImages, String>, StoreError> {
    let album = match Album::of(points) {
        Ok(album) => album,
        Err(why) => return Ok(Err(why)),
    };
    if let Some((_, images)) = drawn.iter().find(|(other, _)| other.shows_the_same(&album)) {
        return Ok(Ok(images.clone()));
    }
    let sprite = match album.draw() {
        Ok(sprite) => sprite,
        Err(why) => return Ok(Err(why)),
    };
    let images = work.add_images(&sprite.png, sprite.height, sprite.width)?;
    drawn.push((album, images.clone()));
    Ok(Ok(images))
}

//! Where the training images lie among a refined model's latents, beside those of the model that it was made of.

use std::collections::BTreeSet;

use run_store::{
    ClusterMetrics, ContentHash, FinishedStage, Latents, RunDir, Split, Stage, StoreError, file, input, read_document,
};
use stage_cli::per_cent;

use super::Drawing;
use super::axes::Plane;
use super::catalogue::{Catalogue, Entry, Series, said_of_first};
use super::gaps::Gaps;
use super::latents::{LEGEND, draw_legend, nonlinear};
use super::page::Page;
use super::style::{self, HEADING};
use crate::drawing::{Weight, shorten, width};
use crate::projection::PERPLEXITY;
use crate::stage::{Upstream, open};

const NAME: &str = "refinement";

/// What runs are left out of whose clusters are not of their latents.
const ACCURACIES: &str = "refinement's accuracies";

const BETWEEN: f64 = 26.0;

/// A run's latents, and how well K-means finds their digits.
struct Side {
    name: String,
    latents: Latents,
    /// Share of training images whose cluster's one-to-one name is their digit.
    accuracy: Option<f64>,
}

impl Side {
    /// Of `run`, whose latents must be of the encoder with the weights `of`; `entry` is the refined run.
    fn read(run: &RunDir, of: &ContentHash, entry: &Entry, gaps: &mut Gaps) -> Result<Self, StoreError> {
        let exported = FinishedStage::open(run.stage(Stage::LatentExport, None))?;
        let latents = Latents::read_export(&exported, Split::Train)?;
        if latents.header.model_fingerprint != of.to_string() {
            let problem = "expected latents of the model that was refined, or of what became of it, found another's";
            let advice = "export them again, and refine again what was trained anew";
            return Err(StoreError::invalid(&run.stage(Stage::LatentExport, None).path(), problem, advice));
        }
        let clustered = FinishedStage::open(run.stage(Stage::ClusterEval, None))?;
        let accuracy = if is_of(&clustered, &exported) {
            let metrics: ClusterMetrics = read_document(clustered.file(file::METRICS)?.path())?;
            metrics.splits.get(Split::Train.name()).map(|split| split.one_to_one_accuracy)
        } else {
            let problem = "expected clusters of the run's latents, found those of earlier ones";
            let path = run.stage(Stage::ClusterEval, None).file(file::MANIFEST);
            gaps.cannot_use(entry, &StoreError::invalid(&path, problem, "run cluster-eval again"), ACCURACIES);
            None
        };
        Ok(Self { name: run.name(), latents, accuracy })
    }

    /// What stands above its panel, in at most `limit` units: of a name that is too long, its end.
    fn heading(&self, when: &str, limit: f64) -> String {
        let accuracy = self.accuracy.map_or_else(String::new, |share| format!(", K-means {} %", per_cent(share, 1)));
        let heading = |name: &str| format!("{when}: {name}{accuracy}");
        let taken = width(&heading(""), HEADING, Weight::Semibold);
        heading(&shorten(&self.name, HEADING, Weight::Semibold, limit - taken))
    }
}

/// Whether the clusters `clustered` are of the latents `exported`, by what tables go by too.
fn is_of(clustered: &FinishedStage, exported: &FinishedStage) -> bool {
    let mut upstream = Upstream::default();
    upstream.finished.insert(Stage::LatentExport.name(), exported.manifest().clone());
    open(&clustered.run_dir().stage(Stage::ClusterEval, None), &upstream).is_ok()
}

/// The model before and after: none where the run is not a refined one, or was begun anew.
fn sides(entry: &Entry, gaps: &mut Gaps) -> Result<Option<[Side; 2]>, StoreError> {
    let dir = entry.run.dir.model_stage();
    if dir.stage() != Stage::AeRefine {
        return Ok(None);
    }
    let refined = FinishedStage::open(dir)?;
    let before = refined.manifest().inputs.get(input::WEIGHTS).map(|weights| weights.blake3.clone());
    let (Some(parent), Some(before)) = (refined.source_run(input::WEIGHTS), before) else { return Ok(None) };
    let after = refined.file(file::WEIGHTS)?;
    let mut side = |run: &RunDir, of: &ContentHash| Side::read(run, of, entry, gaps);
    Ok(Some([side(&parent, &before)?, side(&entry.run.dir, after.hash())?]))
}

pub(crate) fn draw(catalogue: &Catalogue, gaps: &mut Gaps) -> Vec<Drawing> {
    let series = catalogue.series(NAME, &[Stage::AeTrain], true, gaps, sides);
    let drawing = |series: &Series<'_, [Side; 2]>| {
        let page = page(series.members.first()?, series);
        Some(Drawing { name: format!("{NAME}-{}", series.first.name), scene: page.scene })
    };
    series.iter().filter_map(drawing).collect()
}

fn page(sides: &[Side; 2], series: &Series<'_, [Side; 2]>) -> Page {
    let views = sides.each_ref().map(|side| nonlinear(&side.latents));
    let mut said = vec![format!(
        "t-SNE (perplexity {PERPLEXITY}) of as many training images on either side, by their true digits, which neither model has seen. \
         K-means on the latents themselves, its clusters named one to one."
    )];
    said.extend(said_of_first(series));
    let (room, height) = views
        .iter()
        .map(|view| view.plane.size())
        .fold((0.0, 0.0), |most: (f64, f64), size| (most.0.max(size.0), most.1.max(size.1)));
    let title = format!("{}: latents before and after refining", series.label);
    let mut page = Page::new(&title, &said, 2.0 * room + BETWEEN, LEGEND + height);
    let classes: BTreeSet<u8> = sides.iter().flat_map(|side| &side.latents.labels).copied().collect();
    draw_legend(&mut page, &classes);
    for (column, ((view, side), when)) in views.iter().zip(sides).zip(["Before", "After"]).enumerate() {
        let corner = page.at(column as f64 * (room + BETWEEN), LEGEND);
        let labels: Vec<u8> = view.images.iter().filter_map(|image| side.latents.labels.get(*image).copied()).collect();
        let heading = side.heading(when, room - Plane::LEFT);
        view.plane.draw(&mut page.scene, corner, &heading, &labels, style::digit);
    }
    page
}

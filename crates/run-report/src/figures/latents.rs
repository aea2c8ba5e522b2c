//! Where the training images lie in a model's latent space, by the digit they are taken for and by the one they are.

use std::collections::BTreeSet;

use run_store::{Assignments, Latents, Split, Stage, StoreError, file};

use super::Drawing;
use super::catalogue::{Catalogue, Entry, Series, said_of_first};
use super::gaps::Gaps;
use super::page::Page;
use super::scatter::Cloud;
use super::style::{self, INK, LABEL};
use crate::blocks::thousands;
use crate::drawing::{Colour, Outline, Text, Weight, width};
use crate::projection::{PERPLEXITY, principal_components, tsne};

const NAME: &str = "latents";

const STAGES: [Stage; 2] = [Stage::LatentExport, Stage::ClusterEval];

/// Points that t-SNE places at most: its work grows with their square.
const TSNE_LIMIT: usize = 4_000;

const BETWEEN: f64 = 26.0;
/// Above everything, for the digits' colours.
pub(super) const LEGEND: f64 = 34.0;

/// The training images' latents, and what is known of each.
struct Clustered {
    latents: Latents,
    /// The digit that each image's cluster is named after; [`Assignments::UNNAMED`] where it has none.
    assigned: Vec<u8>,
}

impl Clustered {
    fn read(entry: &Entry) -> Result<Self, StoreError> {
        let latents = Latents::read_export(&entry.finished(Stage::LatentExport)?, Split::Train)?;
        let path = entry.file(Stage::ClusterEval, file::ASSIGNMENTS)?;
        let clusters = Assignments::read(&path)?;
        let rows = clusters.rows_of(Split::Train, &latents, &path)?;
        let assigned = rows.into_iter().map(|row| clusters.names[row]).collect();
        Ok(Self { latents, assigned })
    }
}

pub(crate) fn draw(catalogue: &Catalogue, gaps: &mut Gaps) -> Vec<Drawing> {
    let read = |entry: &Entry, _: &mut Gaps| Clustered::read(entry).map(Some);
    let series = catalogue.series(NAME, &STAGES, true, gaps, read);
    let drawing = |series: &Series<'_, Clustered>| {
        let page = page(series.members.first()?, series);
        Some(Drawing { name: format!("{NAME}-{}", series.first.name), scene: page.scene })
    };
    series.iter().filter_map(drawing).collect()
}

/// Latents in a plane.
pub(super) struct View {
    heading: String,
    pub plane: Cloud,
    /// Positions of the points' images among the latents.
    pub images: Vec<usize>,
}

/// The views of latents: their own plane where they have two dimensions, projections where they have more.
fn views(latents: &Latents) -> Vec<View> {
    let count = latents.labels.len();
    let all: Vec<usize> = (0..count).collect();
    let pairs = |first: usize, second: usize| {
        let points = latents.values.chunks_exact(latents.dimensions);
        points.map(|point| [f64::from(point[first]), f64::from(point[second])]).collect()
    };
    if latents.dimensions <= 2 {
        let heading = "Latent plane".to_owned();
        let second = latents.dimensions - 1;
        let axes = [0, second].map(|dimension| format!("latent z{dimension:02}"));
        return vec![View { heading, plane: Cloud { axes, has_ticks: true, points: pairs(0, second) }, images: all }];
    }
    let components = principal_components(&latents.values, latents.dimensions);
    let axes = [components.axis(0), components.axis(1)];
    let linear = View {
        heading: "Principal components".to_owned(),
        plane: Cloud { axes, has_ticks: true, points: components.points },
        images: all,
    };
    vec![linear, nonlinear(latents)]
}

/// Some of the latents by t-SNE, evenly spread over the images, so that no part of the dataset is left out.
pub(super) fn nonlinear(latents: &Latents) -> View {
    let count = latents.labels.len();
    let kept = count.min(TSNE_LIMIT);
    let images: Vec<usize> = (0..kept).map(|position| position * count / kept.max(1)).collect();
    let values = images.iter().flat_map(|image| &latents.values[image * latents.dimensions..][..latents.dimensions]);
    let values: Vec<f32> = values.copied().collect();
    let points = tsne(&values, latents.dimensions).into_iter().map(|place| place.map(f64::from)).collect();
    let axes = ["t-SNE 1".to_owned(), "t-SNE 2".to_owned()];
    View {
        heading: format!("t-SNE of {} of them", thousands(kept as u64)),
        plane: Cloud { axes, has_ticks: false, points },
        images,
    }
}

fn page(clustered: &Clustered, series: &Series<'_, Clustered>) -> Page {
    let latents = &clustered.latents;
    let views = views(latents);
    let mut said = vec![
        "Left: the digit that an image is taken for, which is the most common one of its K-means cluster. Right: the digit \
         that it is. Each name stands where most of its images are. Across and upwards, equal lengths are equal distances."
            .to_owned(),
    ];
    if views.len() > 1 {
        said.push(format!(
            "t-SNE (perplexity {PERPLEXITY}, begun at the principal components) keeps neighbours together; its distances and \
             directions mean nothing else."
        ));
    }
    said.extend(said_of_first(series));
    let heights = views.iter().map(|view| view.plane.size().1 + BETWEEN);
    let width = views.iter().map(|view| view.plane.size().0).fold(0.0, f64::max);
    let room = (2.0 * width + BETWEEN, LEGEND + heights.sum::<f64>() - BETWEEN);
    let count = thousands(latents.labels.len() as u64);
    let title = format!("{}: latents of the {count} training images", series.label);
    let mut page = Page::new(&title, &said, room.0, room.1);
    draw_legend(&mut page, &latents.labels.iter().chain(&clustered.assigned).copied().collect());
    let mut top = LEGEND;
    for view in &views {
        let sides = [("by assigned digit", &clustered.assigned), ("by true digit", &latents.labels)];
        for (column, (name, classes)) in sides.into_iter().enumerate() {
            let corner = page.at(column as f64 * (width + BETWEEN), top);
            let classes: Vec<u8> = view.images.iter().filter_map(|image| classes.get(*image).copied()).collect();
            view.plane.draw(&mut page.scene, corner, &format!("{}, {name}", view.heading), &classes, colour);
        }
        top += view.plane.size().1 + BETWEEN;
    }
    page
}

fn colour(class: u8) -> Colour {
    if class == Assignments::UNNAMED { style::UNNAMED } else { style::digit(class) }
}

/// Says which colour is which digit.
pub(super) fn draw_legend(page: &mut Page, classes: &BTreeSet<u8>) {
    let place = page.at(0.0, LABEL);
    page.scene.text(Text::new("digit", place, LABEL, INK));
    let mut left = width("digit", LABEL, Weight::Regular) + 16.0;
    for class in classes.iter().copied() {
        let name = if class == Assignments::UNNAMED { "no name".to_owned() } else { class.to_string() };
        let centre = page.at(left + 5.0, LABEL * 0.64);
        page.scene.fill(Outline::Circle { centre, radius: 5.5 }, colour(class));
        let place = page.at(left + 15.0, LABEL);
        left += 15.0 + width(&name, LABEL, Weight::Regular) + 18.0;
        page.scene.text(Text::new(name, place, LABEL, INK));
    }
}

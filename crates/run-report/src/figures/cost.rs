//! What each stage took: seconds and memory.

use std::collections::BTreeSet;

use run_store::Stage;

use super::Drawing;
use super::axes::Axis;
use super::catalogue::{Catalogue, Entry, Series};
use super::gaps::Gaps;
use super::page::Page;
use super::style::{FRAME, HEADING, INK, LABEL, SOFT, TICK, frame, grid, snap};
use crate::collect::{stages, stages_of};
use crate::drawing::{Align, Colour, Line, Outline, Point, Text, Weight, shorten, width};
use crate::spread::Spread;
use crate::stage::StageRecord;

const NAME: &str = "cost";

/// Units that a run's name has at most.
const NAMES_WIDTH: f64 = 220.0;
/// Units of a bar and of a panel's bars.
const BAR: f64 = 10.0;
const BAR_STEP: f64 = 15.0;
const BARS_WIDTH: f64 = 380.0;
/// Right of the bars, for the numbers at their ends.
const NUMBERS: f64 = 84.0;
const BETWEEN: f64 = 16.0;
/// Between two runs.
const GAP: f64 = 13.0;
/// Above everything, for the stages' colours.
const LEGEND: f64 = 36.0;
/// Above the bars, for the legend and their headings.
const ABOVE: f64 = LEGEND + 28.0;
const BELOW: f64 = 42.0;

/// The stages of a run, as they are told apart here.
const COLOURS: [Colour; 5] = [
    Colour::hex(0x00_72b2),
    Colour::hex(0xe6_9f00),
    Colour::hex(0x00_9e73),
    Colour::hex(0xcc_79a7),
    Colour::hex(0x99_9999),
];
/// What refines has the light form of what trains.
const REFINING: Colour = Colour::hex(0x56_b4e9);

type Costs<'a> = Series<'a, &'a Entry>;

/// What a stage of a run took of something, where that is known.
type Cost = fn(&Entry, Stage) -> Option<f64>;

pub(crate) fn draw(catalogue: &Catalogue, gaps: &mut Gaps) -> Vec<Drawing> {
    // What has run is shown, whatever else has not: a run lacks nothing here.
    let ran = |entry, _: &mut Gaps| Ok(stages().any(|stage| seconds(entry, stage).is_some()).then_some(entry));
    let series = catalogue.series(NAME, &[], false, gaps, ran);
    if series.is_empty() { Vec::new() } else { vec![Drawing { name: NAME.to_owned(), scene: page(&series).scene }] }
}

fn seconds(entry: &Entry, stage: Stage) -> Option<f64> {
    entry.run.stages.get(&stage)?.seconds
}

fn mebibytes(entry: &Entry, stage: Stage) -> Option<f64> {
    entry.run.stages.get(&stage)?.peak_memory_mib
}

/// The mean over the runs of which the cost is known.
fn mean(series: &Costs<'_>, stage: Stage, cost: Cost) -> Option<Spread> {
    let values: Vec<f64> = series.members.iter().filter_map(|entry| cost(entry, stage)).collect();
    Spread::of(&values)
}

fn page(series: &[Costs<'_>]) -> Page {
    let names = series.iter().map(|series| shorten(&series.title(), LABEL, Weight::Semibold, NAMES_WIDTH));
    let names: Vec<String> = names.collect();
    let left = names.iter().map(|name| width(name, LABEL, Weight::Semibold)).fold(0.0, f64::max) + 16.0;
    let panel = BARS_WIDTH + NUMBERS;
    let shown: Vec<Vec<Stage>> = series
        .iter()
        .map(|series| stages().filter(|stage| mean(series, *stage, seconds).is_some()).collect())
        .collect();
    let bars: usize = shown.iter().map(Vec::len).sum();
    let height = bars as f64 * BAR_STEP + series.len() as f64 * GAP;
    let room = (left + 2.0 * panel + BETWEEN, ABOVE + height + BELOW);
    let mut page = Page::new("Time and memory of each stage", &said(series), room.0, room.1);
    draw_legend(&mut page, &stages_of(series.iter().map(Series::is_refined)));
    for (position, name) in names.into_iter().enumerate() {
        let above: usize = shown.iter().take(position).map(Vec::len).sum();
        let of_series = shown.get(position).map_or(0, Vec::len);
        let middle = ABOVE + position as f64 * GAP + (above as f64 + of_series as f64 / 2.0) * BAR_STEP + GAP / 2.0;
        let place = page.at(left - 12.0, middle + LABEL * 0.36);
        page.scene.text(Text::new(name, place, LABEL, INK).semibold().align(Align::End));
    }
    let panels: [(&str, &str, Cost); 2] = [("Wall-clock time", "seconds", seconds), ("Peak memory", "MiB", mebibytes)];
    for (column, (heading, unit, cost)) in panels.into_iter().enumerate() {
        let left = left + column as f64 * (panel + BETWEEN);
        let place = page.at(left, LEGEND + HEADING);
        page.heading(heading, place);
        let all = series.iter().flat_map(|series| stages().filter_map(|stage| mean(series, stage, cost)));
        let largest = all.map(|spread| spread.mean + spread.sd.unwrap_or_default()).fold(0.0, f64::max);
        let axis = Axis::round(0.0, if largest > 0.0 { largest } else { 1.0 }, 5.0, unit);
        draw_axis(&mut page, left, height, &axis);
        let mut top = ABOVE + GAP / 2.0;
        for (series, stages) in series.iter().zip(&shown) {
            for stage in stages {
                if let Some(spread) = mean(series, *stage, cost) {
                    let is_refined = *stage == Stage::AeTrain && series.is_refined();
                    let colour = colour(if is_refined { Stage::AeRefine } else { *stage });
                    draw_bar(&mut page, (left, top), &axis, colour, spread);
                }
                top += BAR_STEP;
            }
            top += GAP;
        }
    }
    page
}

/// What the bars are, and where they were measured if that was one place.
fn said(series: &[Costs<'_>]) -> Vec<String> {
    let records = series.iter().flat_map(|series| &series.members);
    let records: Vec<&StageRecord> =
        records.flat_map(|entry| entry.run.stages.values()).filter(|record| record.seconds.is_some()).collect();
    let places: BTreeSet<(Option<u32>, Option<&str>)> =
        records.iter().map(|record| (record.threads, record.device.as_deref())).collect();
    let mut said = Vec::new();
    match places.first() {
        Some((Some(threads), Some(device))) if places.len() == 1 => {
            let threads = if *threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
            said.push(format!("Every stage had {threads} ({device})."));
        }
        _ => said.push("Stages had different numbers of threads or devices: `run-report table` says which.".to_owned()),
    }
    if series.iter().any(|series| series.members.len() > 1) {
        said.push(
            "n runs that differ only by seed: the mean of those that ran the stage, with ± one sample standard deviation as a line."
                .to_owned(),
        );
    }
    said
}

fn colour(stage: Stage) -> Colour {
    if stage == Stage::AeRefine {
        return REFINING;
    }
    stages().zip(COLOURS).find(|(other, _)| *other == stage).map_or(FRAME, |(_, colour)| colour)
}

fn draw_legend(page: &mut Page, stages: &[Stage]) {
    let mut left = 0.0;
    for stage in stages {
        let corner = page.at(left, LABEL - BAR);
        page.scene.fill(Outline::Rectangle { corner, width: 14.0, height: BAR }, colour(*stage));
        let place = page.at(left + 21.0, LABEL);
        page.scene.text(Text::new(stage.name(), place, LABEL, INK));
        left += 21.0 + width(stage.name(), LABEL, Weight::Regular) + 26.0;
    }
}

fn draw_axis(page: &mut Page, left: f64, height: f64, axis: &Axis) {
    let (top, bottom) = (page.corner.y + ABOVE, snap(page.corner.y + ABOVE + height));
    for (value, text) in &axis.ticks {
        let x = snap(page.corner.x + left + axis.place(*value) * BARS_WIDTH);
        let line = if *value == 0.0 { frame() } else { grid() };
        page.scene.line(Point::new(x, top), Point::new(x, bottom), line);
        let place = Point::new(x, bottom + TICK + 4.0);
        page.scene.text(Text::new(text, place, TICK, SOFT).align(Align::Middle));
    }
    let middle = Point::new(page.corner.x + left + BARS_WIDTH / 2.0, bottom + TICK + LABEL + 10.0);
    page.scene.text(Text::new(&axis.title, middle, LABEL, INK).align(Align::Middle));
}

fn draw_bar(page: &mut Page, (left, top): (f64, f64), axis: &Axis, colour: Colour, spread: Spread) {
    let length = |value: f64| axis.place(value.max(0.0)) * BARS_WIDTH;
    let corner = page.at(left + 1.0, top);
    // What took next to nothing is seen as a line.
    let outline = Outline::Rectangle { corner, width: length(spread.mean).max(1.5), height: BAR };
    page.scene.fill(outline, colour);
    let mut end = length(spread.mean);
    if let Some(sd) = spread.sd {
        let y = top + BAR / 2.0;
        let (from, to) = (page.at(left + length(spread.mean - sd), y), page.at(left + length(spread.mean + sd), y));
        page.scene.line(from, to, Line::new(INK, 1.2));
        end = length(spread.mean + sd);
    }
    let place = page.at(left + end + 6.0, top + BAR / 2.0 + TICK * 0.36);
    page.scene.text(Text::new(number(spread.mean), place, TICK, SOFT));
}

/// Three digits, or more where whole numbers have more.
fn number(value: f64) -> String {
    let decimals = if value < 1.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.decimals$}")
}

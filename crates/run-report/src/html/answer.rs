//! What a page opens with: each model beside the report and Keras.

use std::collections::{BTreeMap, BTreeSet};

use super::tables::{Heading, Table, spans};
use crate::blocks::{MISSING, ours, published, spread};
use crate::figure::Figure;
use crate::summary::{Compared, RunSummary, Summary};
use crate::text::one_line;

/// The figures of the answer, and what they are called there.
const FIGURES: [(Figure, &str); 6] = [
    (Figure::MajorityAccuracyTrain, "K-means, majority names %"),
    (Figure::OneToOneAccuracyTrain, "K-means, one-to-one names %"),
    (Figure::ClassifierAccuracyTest, "classifier, test %"),
    (Figure::SheetReadable, "readable of the 16"),
    (Figure::ReadableShare, "readable, test %"),
    (Figure::MeanSquaredErrorTest, "squared error"),
];

/// Of these the best is named in words: the figure, and how a sentence about it begins.
const HEADLINES: [(Figure, &str); 3] = [
    (Figure::OneToOneAccuracyTrain, "Clusters come closest to digits in"),
    (Figure::ClassifierAccuracyTest, "Digits are told apart best from the latents of"),
    (Figure::ReadableShare, "Most redrawn test images can still be read of"),
];

/// A model: runs that differ only by seed, or one that stands alone.
struct Line<'a> {
    name: String,
    figures: &'a BTreeMap<Figure, Compared>,
}

/// The models, in the order of their first runs.
fn lines(summary: &Summary) -> Vec<Line<'_>> {
    let group_of = |run: &RunSummary| summary.groups.iter().find(|group| group.runs.contains(&run.name));
    let mut named = BTreeSet::new();
    let mut lines = Vec::new();
    for run in &summary.runs {
        let line = match group_of(run) {
            Some(group) => Line { name: group.title(), figures: &group.figures },
            None => Line { name: run.name.clone(), figures: &run.figures },
        };
        if named.insert(line.name.clone()) {
            lines.push(line);
        }
    }
    lines
}

pub(super) fn table(summary: &Summary) -> Table {
    let lines = lines(summary);
    let has = |figure: Figure, has: fn(&Compared) -> bool| {
        lines.iter().any(|line| line.figures.get(&figure).is_some_and(has))
    };
    let mut headings = vec![("", Heading { name: "model".to_owned(), is_number: false })];
    let mut cells: Vec<Vec<String>> = lines.iter().map(|line| vec![one_line(&line.name)]).collect();
    for (figure, title) in FIGURES {
        if !has(figure, |compared| compared.ours.is_some()) {
            continue;
        }
        let mut heading = title;
        let mut add = |name: &str, text: &dyn Fn(&Compared) -> Option<String>| {
            headings.push((heading, Heading { name: name.to_owned(), is_number: true }));
            heading = "";
            for (row, line) in cells.iter_mut().zip(&lines) {
                let text = line.figures.get(&figure).and_then(text);
                row.push(text.unwrap_or_else(|| if name == "ours" { MISSING.to_owned() } else { String::new() }));
            }
        };
        add("ours", &|compared| ours(figure, compared));
        if has(figure, |compared| compared.keras.is_some()) {
            add("Keras", &|compared| Some(spread(figure, &compared.keras?)));
        }
        if has(figure, |compared| compared.report.is_some()) {
            add("report", &|compared| Some(published(figure, compared)));
        }
    }
    Table {
        title: "Every model beside the study".to_owned(),
        headings: spans(headings.iter().map(|(heading, _)| *heading)),
        columns: headings.into_iter().map(|(_, column)| column).collect(),
        rows: cells,
        group_rows: Vec::new(),
    }
}

/// The best model by each of some figures, in words.
pub(super) fn headlines(summary: &Summary) -> Vec<String> {
    let lines = lines(summary);
    let headline = |(figure, beginning): (Figure, &str)| {
        let value = |line: &Line<'_>| Some(line.figures.get(&figure)?.ours?.mean);
        let measured = || lines.iter().filter_map(|line| Some((line, value(line)?)));
        // With one model there is no best.
        let (best, _) = measured().max_by(|one, other| one.1.total_cmp(&other.1)).filter(|_| measured().count() > 1)?;
        let spread = spread(figure, best.figures.get(&figure)?.ours.as_ref()?);
        let unit = figure.unit().trim_start_matches('%');
        Some(one_line(&format!("{beginning} {}: {spread} %{unit}.", best.name)))
    };
    HEADLINES.into_iter().filter_map(headline).collect()
}

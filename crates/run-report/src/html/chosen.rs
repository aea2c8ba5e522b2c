//! Runs to choose from: the table of all of them, and what the script compares of those that are chosen.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::blocks::{MISSING, absent_in};
use crate::collect::{Run, names, stages};
use crate::compare::{Aspect, aspects, parameters};
use crate::figure::Figure;
use crate::figure_name::Direction;
use crate::summary::{RunSummary, Summary};
use crate::text::one_line;

/// A run as the script compares it.
#[derive(Debug, Serialize)]
pub(super) struct ChosenRun {
    name: String,
    /// The parameters of its finished stages, in the stages' order, nested ones by their paths.
    stages: Vec<(&'static str, BTreeMap<String, Value>)>,
    /// Its figures by name.
    figures: BTreeMap<&'static str, f64>,
    /// What its training was told to lower.
    loss: Option<String>,
    /// In what runs should be alike to be compared.
    aspects: Vec<Aspect>,
}

/// What the script has to know of a figure.
#[derive(Debug, Serialize)]
pub(super) struct FigureKind {
    name: &'static str,
    unit: &'static str,
    better: Option<Direction>,
    decimals: u8,
    /// What a value is multiplied by to be read.
    factor: f64,
    /// Whether it is a loss of whatever kind the training was told to lower.
    is_of_loss: bool,
}

/// The table of all runs.
#[derive(Debug, Serialize)]
pub(super) struct RunTable {
    columns: Vec<RunColumn>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Serialize)]
struct RunColumn {
    name: String,
    unit: &'static str,
    is_number: bool,
}

#[derive(Debug, Serialize)]
struct Cell {
    text: String,
    /// What the table is sorted by.
    value: Option<f64>,
}

impl Cell {
    fn text(text: &str) -> Self {
        Self { text: one_line(text), value: None }
    }

    fn number(value: Option<f64>, text: impl FnOnce(f64) -> String, absent: &str) -> Self {
        Self { text: value.map_or_else(|| absent.to_owned(), text), value }
    }
}

/// `runs`, which are in the order of the tables.
pub(super) fn runs(runs: &[Run]) -> Vec<ChosenRun> {
    let chosen = |(run, name): (&Run, String)| ChosenRun {
        name: one_line(&name),
        stages: stages().filter_map(|stage| Some((stage.name(), parameters(run, stage)?))).collect(),
        figures: run.figures.iter().map(|(figure, value)| (figure.name(), *value)).collect(),
        loss: run.loss().map(str::to_owned),
        aspects: aspects(run),
    };
    runs.iter().zip(names(runs)).map(chosen).collect()
}

/// The figures that at least one run has.
fn measured(summary: &Summary) -> impl Iterator<Item = Figure> {
    let is_measured = |figure: &Figure| {
        summary.runs.iter().any(|run| run.figures.get(figure).is_some_and(|compared| compared.ours.is_some()))
    };
    Figure::ALL.into_iter().filter(is_measured)
}

pub(super) fn figure_kinds(summary: &Summary) -> Vec<FigureKind> {
    let kind = |figure: Figure| FigureKind {
        name: figure.name(),
        unit: figure.unit(),
        better: figure.direction(),
        decimals: figure.decimals(),
        factor: figure.as_read(1.0),
        is_of_loss: figure.is_of_loss(),
    };
    measured(summary).map(kind).collect()
}

pub(super) fn table(summary: &Summary) -> RunTable {
    let column = |name: &str, unit, is_number| RunColumn { name: name.to_owned(), unit, is_number };
    let mut columns = vec![column("run", "", false), column("model", "", false)];
    columns.extend(["latent", "seed", "epochs"].map(|name| column(name, "", true)));
    columns.extend(measured(summary).map(|figure| column(figure.name(), figure.unit(), true)));
    let row = |run: &RunSummary| {
        let training = run.training.as_ref();
        let whole =
            |value: Option<u64>| Cell::number(value.map(|value| value as f64), |value| value.to_string(), MISSING);
        let mut row = vec![
            Cell::text(&run.name),
            Cell::text(training.map_or(MISSING, |training| training.model.as_str())),
            whole(training.map(|training| training.latent_dim)),
            whole(training.map(|training| training.seed)),
            whole(training.map(|training| u64::from(training.epochs))),
        ];
        row.extend(measured(summary).map(|figure| {
            let value = run.figures.get(&figure).and_then(|compared| compared.ours).map(|ours| ours.mean);
            let model = training.map(|training| training.model.as_str());
            let absent = if figure.is_of(model) { absent_in(run.stages.get(&figure.stage())) } else { "" };
            Cell::number(value, |value| figure.text(value), absent)
        }));
        row
    };
    RunTable { columns, rows: summary.runs.iter().map(row).collect() }
}

//! Runs to choose from: the table of all of them, and what the script compares of those that are chosen.

use std::collections::BTreeMap;

use run_store::{hash_bytes, one_line};
use serde::Serialize;
use serde_json::{Number, Value};

use crate::blocks::{MISSING, absent_in};
use crate::collect::{Run, names, stages};
use crate::compare::{Aspect, aspects, parameters};
use crate::figure::Figure;
use crate::figure_name::Direction;
use crate::summary::{RunSummary, Summary};
use crate::text::beginning;

/// Characters of a parameter that a page keeps.
const PARAMETER_LENGTH: usize = 200;

/// From here on a script does not tell every whole number from the next.
const INEXACT_FROM: u64 = 1 << 53;

/// A run as the script compares it.
#[derive(Debug, Serialize)]
pub(super) struct ChosenRun {
    name: String,
    /// The parameters of its finished stages, in the stages' order, nested ones by their paths, long ones cut.
    stages: Vec<(&'static str, BTreeMap<String, Value>)>,
    /// Its figures by name.
    figures: BTreeMap<&'static str, f64>,
    /// What those of them measure that are not the same measure in every run.
    measures: BTreeMap<&'static str, String>,
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
    let kept = |(name, value): (String, Value)| (one_line(&name), cut_value(plain(value)));
    let seen = |aspect: Aspect| Aspect { value: aspect.value.as_deref().map(|value| cut(&one_line(value))), ..aspect };
    let chosen = |(run, name): (&Run, String)| ChosenRun {
        name: one_line(&name),
        stages: stages()
            .filter_map(|stage| Some((stage.name(), parameters(run, stage)?.into_iter().map(kept).collect())))
            .collect(),
        figures: run.figures.iter().map(|(figure, value)| (figure.name(), *value)).collect(),
        measures: Figure::ALL
            .into_iter()
            .filter_map(|figure| Some((figure.name(), cut(&one_line(&run.measure(figure)?)))))
            .collect(),
        aspects: aspects(run).into_iter().map(seen).collect(),
    };
    runs.iter().zip(names(runs)).map(chosen).collect()
}

/// `value` as a script reads and shows it without loss: large whole numbers as text, and no text that does more than stand there.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(one_line(&text)),
        Value::Number(number) if is_inexact(&number) => Value::String(number.to_string()),
        Value::Array(values) => values.into_iter().map(plain).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (one_line(&name), plain(value))).collect(),
        value => value,
    }
}

fn is_inexact(number: &Number) -> bool {
    let size = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
    size.is_some_and(|size| size >= INEXACT_FROM)
}

/// A value whose text is no longer than a page keeps.
fn cut_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut(&text)),
        Value::Array(_) | Value::Object(_) => {
            let text = value.to_string();
            let short = cut(&text);
            if short == text { value } else { Value::String(short) }
        }
        value => value,
    }
}

/// `text`, or its beginning with a hash of the whole, so that what differs does so still.
fn cut(text: &str) -> String {
    match beginning(text, PARAMETER_LENGTH) {
        short if short == text => short,
        short => format!("{short} ({})", hash_bytes(text.as_bytes()).short()),
    }
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
        // The text of a whole number is its own: not every one is a floating-point number.
        let whole = |value: Option<u64>| Cell {
            text: value.map_or_else(|| MISSING.to_owned(), |value| value.to_string()),
            value: value.map(|value| value as f64),
        };
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
            Cell::number(value, |value| figure.value_text(value, figure.decimals()), absent)
        }));
        row
    };
    RunTable { columns, rows: summary.runs.iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use run_store::{ModelKind, Stage};
    use serde_json::json;

    use super::*;
    use crate::collect::collect;
    use crate::testing::Example;

    /// The run `cae-32` in `folder`, alone.
    fn read(folder: &Path) -> Vec<Run> {
        collect(&[folder.join("cae-32")]).unwrap().runs
    }

    /// The parameter `name` of its training, as the page keeps it.
    fn parameter(folder: &Path, name: &str) -> Value {
        let (stage, parameters) = runs(&read(folder)).remove(0).stages.remove(0);
        assert_eq!(stage, Stage::AeTrain.name());
        parameters[name].clone()
    }

    #[test]
    fn large_seeds_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let seed = INEXACT_FROM + 1;
        Example::new(folder.path(), "cae-32", ModelKind::Cae, 32).seed(seed).train();
        let table = table(&Summary::of(read(folder.path())));
        let column = table.columns.iter().position(|column| column.name == "seed").unwrap();
        assert_eq!(table.rows[0][column].text, "9007199254740993");
        assert_eq!(parameter(folder.path(), "seed"), json!("9007199254740993"));
        assert_eq!(parameter(folder.path(), "epochs"), json!(25));
        assert_eq!(
            plain(json!([u64::MAX, i64::MIN, -1, 1e300])),
            json!([u64::MAX.to_string(), i64::MIN.to_string(), -1, 1e300])
        );
    }

    #[test]
    fn no_text_does_more_than_stand_there() {
        let folder = tempfile::tempdir().unwrap();
        let turned = json!([{ "a\u{202e}b": "c\u{202e}d" }]);
        Example::new(folder.path(), "cae-32", ModelKind::Cae, 32)
            .train()
            .parameter(Stage::AeTrain, "turned", turned)
            .parameter(Stage::AeTrain, "loss", json!("b\u{202e}ce"));
        assert_eq!(parameter(folder.path(), "turned"), json!([{ r"a\u202eb": r"c\u202ed" }]));
        let run = runs(&read(folder.path())).remove(0);
        assert_eq!(run.measures[Figure::LossTest.name()], r"b\u202ece");
        let values = run.aspects.iter().filter_map(|aspect| aspect.value.as_deref());
        assert!(!values.collect::<String>().contains('\u{202e}'));
    }

    #[test]
    fn long_parameters_are_cut_and_still_differ() {
        let folder = tempfile::tempdir().unwrap();
        let long = |end: &str| "x".repeat(8_000) + end;
        let cut = |value: Value| {
            Example::new(folder.path(), "cae-32", ModelKind::Cae, 32).train().parameter(Stage::AeTrain, "long", value);
            parameter(folder.path(), "long").as_str().unwrap().to_owned()
        };
        let texts = [json!(long("a")), json!(long("b")), json!([long("a")]), json!(vec![7; 5_000])].map(cut);
        assert!(texts.iter().all(|text| text.chars().count() < 220), "{texts:?}");
        assert!(texts[0].starts_with("xxx") && texts[0] != texts[1] && texts[2].starts_with("[\"xxx"), "{texts:?}");
    }
}

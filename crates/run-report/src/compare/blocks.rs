//! What the tables of a comparison show. How they look is decided in [`table`](crate::table).

use std::collections::BTreeSet;

use run_store::Stage;
use serde_json::Value;

use crate::blocks::{Block, Column, MISSING, UNREADABLE, absent_in, spread_with};
use crate::collect::stages;
use crate::compare::{ComparedFigure, ComparedRun, Comparison, Lineage, Side};
use crate::figure::Figure;
use crate::notes::has_problems;
use crate::spread::Verdict;
use crate::text::counted;

/// Marks the best figure of a row.
const BEST: char = '✓';
/// Marks a difference that seeds explain.
const WITHIN: char = '≈';
/// Stands where a parameter is not set.
const NOT_SET: &str = "none";
/// Digits that a figure gets at most beyond its usual ones, so that a difference can be seen.
const MORE_DECIMALS: u8 = 4;

/// The tables of a comparison; one that would be empty is left out.
pub(crate) fn blocks(comparison: &Comparison) -> Vec<Block> {
    let blocks = [parameters(comparison), figures(comparison), lineage(comparison)];
    blocks.into_iter().filter(|block| !block.rows.is_empty()).collect()
}

/// What stands above the tables: how much is the same, which runs stand together, and what to know before comparing.
pub(crate) fn lead(comparison: &Comparison) -> Vec<String> {
    let mut lead = vec![same(comparison)];
    let groups = comparison.sides.iter().filter(|side| side.runs.len() > 1);
    lead.extend(groups.map(|side| format!("{} is {}.", side.title(), side.runs.join(", "))));
    lead.extend(comparison.remarks.iter().map(|remark| format!("Note: {remark}.")));
    lead
}

/// How much is the same on all sides.
fn same(comparison: &Comparison) -> String {
    let counts = [(comparison.same_parameter_count, "parameter"), (comparison.same_figure_count, "figure")];
    let total: usize = counts.iter().map(|(count, _)| count).sum();
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| counted(*count, word));
    let counts = counts.collect::<Vec<_>>().join(" and ");
    let verb = if total == 1 { "is" } else { "are" };
    match (total, comparison.parameters.is_empty() && comparison.figures.is_empty()) {
        (0, true) => "There is nothing to compare: no two of the runs have finished the same stage.".to_owned(),
        (0, false) => "Nothing is the same.".to_owned(),
        (_, true) => format!("Nothing differs: {counts} {verb} the same."),
        (_, false) => format!("{counts} {verb} the same."),
    }
}

/// The words and signs of the tables, each only if it occurs.
pub(crate) fn legend(comparison: &Comparison) -> Vec<String> {
    let mut legend = Vec::new();
    let figures = &comparison.figures;
    if comparison.runs.iter().any(|run| has_problems(&run.stages)) {
        legend.push(format!("{MISSING} not there; {UNREADABLE} cannot be read; see \"Not complete\" below."));
    }
    let is_null = |values: &Vec<Value>| values.iter().any(Value::is_null);
    if comparison.parameters.iter().any(|parameter| parameter.values.iter().flatten().any(is_null)) {
        legend.push(format!("{NOT_SET}: the parameter is not set, or goes unsaid as it is the study's."));
    }
    if figures.iter().any(|figure| !figure.best.is_empty()) {
        legend.push(format!("{BEST} the best of its row."));
    }
    if is_of_two(comparison) && figures.iter().any(|figure| figure.differences.iter().any(Option::is_some)) {
        legend.push("difference: the second minus the first; of percentages in percentage points.".to_owned());
    }
    if is_of_two(comparison) && figures.iter().any(|figure| figure.verdicts.contains(&Some(Verdict::Within))) {
        legend.push(format!(
            "{WITHIN} no larger than seeds explain: a two-sample t test at the 5 % level, with the other side's spread for a \
             single run."
        ));
    }
    if comparison.sides.iter().any(|side| side.runs.len() > 1) {
        legend.push("(n = …) mean ± sample standard deviation over n runs that differ only by seed.".to_owned());
    }
    legend
}

fn is_of_two(comparison: &Comparison) -> bool {
    comparison.sides.len() == 2
}

fn parameters(comparison: &Comparison) -> Block {
    let mut columns = vec![Column::text("stage"), Column::text("parameter")];
    columns.extend(comparison.sides.iter().map(|side| Column::text(&side.title())));
    let mut shown = None;
    let rows = comparison.parameters.iter().map(|parameter| {
        let stage = once(&mut shown, parameter.stage);
        let values = comparison.sides.iter().zip(&parameter.values).map(|(side, values)| match values {
            Some(values) => values_text(values),
            None => absent(comparison, side, parameter.stage).to_owned(),
        });
        [stage, parameter.name.clone()].into_iter().chain(values).collect()
    });
    let rows = rows.collect();
    Block { title: "Parameters that differ", columns, rows, group_rows: Vec::new(), label_count: 2 }
}

fn figures(comparison: &Comparison) -> Block {
    let mut columns = vec![Column::text("figure"), Column::text("")];
    columns.extend(comparison.sides.iter().map(|side| Column::number("", &side.title())));
    columns.extend(is_of_two(comparison).then(|| Column::number("", "difference")));
    let rows = comparison.figures.iter().map(|row| {
        let decimals = decimals(row);
        let mut cells = vec![row.name.clone(), row.figure.unit().to_owned()];
        for (position, (side, value)) in comparison.sides.iter().zip(&row.values).enumerate() {
            cells.push(match value {
                Some(value) => {
                    let mark = if row.best.contains(&position) { format!("{BEST} ") } else { String::new() };
                    mark + &spread_with(row.figure, value, decimals)
                }
                None => absent_figure(comparison, side, row.figure).to_owned(),
            });
        }
        cells.extend(is_of_two(comparison).then(|| difference(row, decimals)));
        cells
    });
    let rows = rows.collect();
    Block { title: "Figures that differ", columns, rows, group_rows: Vec::new(), label_count: 2 }
}

/// One column for each run, of groups too: every run has a history of its own.
fn lineage(comparison: &Comparison) -> Block {
    let mut columns = vec![Column::text("stage"), Column::text("")];
    columns.extend(comparison.runs.iter().map(|run| Column::text(&run.name)));
    let mut rows = Vec::new();
    for stage in stages() {
        let of = |run: &ComparedRun, text: &dyn Fn(&Lineage) -> String| match run.lineage.get(&stage) {
            Some(lineage) => text(lineage),
            None => absent_in(run.stages.get(&stage)).to_owned(),
        };
        let mut shown = None;
        let mut row = |label: &str, text: &dyn Fn(&Lineage) -> String| {
            let cells = comparison.runs.iter().map(|run| of(run, text));
            rows.push([once(&mut shown, stage), label.to_owned()].into_iter().chain(cells).collect());
        };
        let lineages = || comparison.runs.iter().filter_map(|run| run.lineage.get(&stage));
        if lineages().next().is_none() {
            continue;
        }
        row("started, UTC", &|lineage| lineage.started.replace('T', " ").trim_end_matches('Z').to_owned());
        row("because", &|lineage| lineage.reason.clone());
        let inputs: BTreeSet<&String> = lineages().flat_map(|lineage| lineage.inputs.keys()).collect();
        for input in inputs {
            let content = |lineage: &Lineage| lineage.inputs.get(input).map(|content| content.short().to_owned());
            row(&format!("read {input}"), &|lineage| content(lineage).unwrap_or_default());
        }
    }
    let title = "Lineage: when and why each stage ran last, and the content of what it read";
    Block { title, columns, rows, group_rows: Vec::new(), label_count: 2 }
}

/// The name of `stage`, if it was not the last that was shown.
fn once(shown: &mut Option<Stage>, stage: Stage) -> String {
    if shown.replace(stage) == Some(stage) { String::new() } else { stage.to_string() }
}

fn absent(comparison: &Comparison, side: &Side, stage: Stage) -> &'static str {
    absent_in(comparison.first_run(side).and_then(|run| run.stages.get(&stage)))
}

/// What stands where there is no figure; nothing where its model has no such figure.
fn absent_figure(comparison: &Comparison, side: &Side, figure: Figure) -> &'static str {
    let training = comparison.first_run(side).and_then(|run| run.training.as_ref());
    match training.map(|training| training.model.as_str()) {
        Some(model) if !figure.is_of(Some(model)) => "",
        _ => absent(comparison, side, figure.stage()),
    }
}

/// The second minus the first, with its sign.
fn difference(row: &ComparedFigure, decimals: u8) -> String {
    let Some(difference) = row.differences.first().copied().flatten() else { return String::new() };
    let within = row.verdicts.first() == Some(&Some(Verdict::Within));
    let mark = if within { format!("{WITHIN} ") } else { String::new() };
    let sign = if difference > 0.0 { "+" } else { "" };
    format!("{mark}{sign}{}", row.figure.text_with(difference, decimals))
}

/// Digits after the point that tell all different values of the row apart, as far as that is worth it: beside a standard
/// deviation it is not.
fn decimals(row: &ComparedFigure) -> u8 {
    if row.values.iter().flatten().any(|value| value.sd.is_some()) {
        return row.figure.decimals();
    }
    let means: Vec<f64> = row.values.iter().flatten().map(|value| value.mean).collect();
    let shown = |decimals| {
        let texts: BTreeSet<String> = means.iter().map(|mean| row.figure.value_text(*mean, decimals)).collect();
        texts.len()
    };
    let usual = row.figure.decimals();
    let most = shown(usual + MORE_DECIMALS);
    (usual..usual + MORE_DECIMALS).find(|decimals| shown(*decimals) == most).unwrap_or(usual + MORE_DECIMALS)
}

/// The values of a parameter: `0, 1`, or `0–6` for whole numbers without a gap.
fn values_text(values: &[Value]) -> String {
    let whole: Option<Vec<i64>> = values.iter().map(Value::as_i64).collect();
    if let Some([first, .., last]) = whole.as_deref().filter(|whole| whole.len() > 2)
        && whole.iter().flatten().copied().eq(*first..=*last)
    {
        return format!("{first}–{last}");
    }
    values.iter().map(value_text).collect::<Vec<_>>().join(", ")
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Null => NOT_SET.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(value_text).collect::<Vec<_>>().join(" "),
        value => value.to_string(),
    }
}

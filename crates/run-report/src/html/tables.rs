//! The tables of the summary, as the page shows them.

use run_store::one_line;
use serde::Serialize;

use crate::blocks::{Block, blocks};
use crate::notes;
use crate::summary::Summary;

/// A table with its headings in two rows: what some columns are about, and their names.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    pub title: String,
    /// Headings over the columns, each with the number of columns below it; none if no column has one.
    pub headings: Vec<(String, usize)>,
    pub columns: Vec<Heading>,
    pub rows: Vec<Vec<String>>,
    /// Rows of runs that differ only by seed, together.
    pub group_rows: Vec<Vec<String>>,
}

/// The heading of one column.
#[derive(Debug, Serialize)]
pub(super) struct Heading {
    pub name: String,
    pub is_number: bool,
}

/// Something that keeps a run from being whole, and what to run.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    text: String,
    commands: Vec<String>,
}

impl Table {
    fn of(block: Block) -> Self {
        let cells = |rows: Vec<Vec<String>>| -> Vec<Vec<String>> {
            rows.into_iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect()
        };
        Self {
            title: block.title.to_owned(),
            headings: spans(block.columns.iter().map(|column| column.heading)),
            columns: block
                .columns
                .into_iter()
                .map(|column| Heading { name: column.name, is_number: column.is_number })
                .collect(),
            rows: cells(block.rows),
            group_rows: cells(block.group_rows),
        }
    }
}

/// A heading goes on over the columns after it that have none; before the first there is an empty one.
pub(super) fn spans<'a>(headings: impl Iterator<Item = &'a str>) -> Vec<(String, usize)> {
    let mut spans: Vec<(String, usize)> = Vec::new();
    for heading in headings {
        match spans.last_mut() {
            Some((_, count)) if heading.is_empty() => *count += 1,
            _ => spans.push((heading.to_owned(), 1)),
        }
    }
    if spans.iter().all(|(heading, _)| heading.is_empty()) { Vec::new() } else { spans }
}

pub(super) fn tables(summary: &Summary) -> Vec<Table> {
    blocks(summary).into_iter().map(Table::of).collect()
}

pub(super) fn legend(summary: &Summary) -> Vec<String> {
    notes::legend(summary).iter().map(|entry| one_line(entry)).collect()
}

pub(super) fn problems(summary: &Summary) -> Vec<Problem> {
    let problem = |problem: notes::Problem| Problem {
        text: one_line(&problem.text),
        commands: problem.commands.iter().map(|command| one_line(command)).collect(),
    };
    notes::problems(summary).into_iter().map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_span_what_follows() {
        let spans = |headings: &[&str]| spans(headings.iter().copied());
        let span = |heading: &str, count: usize| (heading.to_owned(), count);
        assert_eq!(spans(&["", "a", "", "b"]), [span("", 1), span("a", 2), span("b", 1)]);
        assert!(spans(&["", ""]).is_empty());
    }
}

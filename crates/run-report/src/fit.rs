//! Tables that are too wide for a terminal: long cells are cut, and columns go on in a table below.

use crate::blocks::{Block, Column};
use crate::text::{beginning, end};

/// Tables are at most this wide, where they can be broken; the rule below their header is one character longer.
const WIDTH: usize = 119;
/// Between columns.
const GAP: usize = 2;
/// Cells are not cut to less than this.
const LEAST: usize = 12;

/// `block` as tables that fit, the first with its title: the columns that name its rows stand in each of them. Beside them,
/// whether a cell was cut.
pub(crate) fn fit(block: &Block) -> (Vec<Block>, bool) {
    let labels = block.label_count;
    if labels == 0 || width(block, 0..block.columns.len()) <= WIDTH {
        return (vec![block.clone()], false);
    }
    // Cells are cut until so many columns stand side by side; the third of two runs is their difference.
    let together = block.columns.len().min(labels + 3);
    let longest = (labels..block.columns.len()).map(|column| column_width(block, column)).max().unwrap_or(LEAST);
    let least = LEAST.min(longest);
    let fits = |limit: &usize| *limit == least || width(&cut(block, *limit), 0..together) <= WIDTH;
    // No cell as wide as a table fits beside another.
    let limit = (least..=longest.min(WIDTH)).rev().find(fits).unwrap_or(longest);
    let cut = cut(block, limit);
    let mut parts = Vec::new();
    let mut start = labels;
    while start < cut.columns.len() {
        let fits = |end: &usize| width(&cut, 0..labels) + GAP + width(&cut, start..*end) <= WIDTH;
        let end = (start + 1..=cut.columns.len()).take_while(fits).last().unwrap_or(start + 1);
        parts.push(part(&cut, start, end));
        start = end;
    }
    (parts, limit < longest)
}

/// The block's labels and the columns from `start` to `end`.
fn part(block: &Block, start: usize, end: usize) -> Block {
    let is_in = |position: usize| position < block.label_count || (start..end).contains(&position);
    fn only<T: Clone>(cells: &[T], is_in: impl Fn(usize) -> bool) -> Vec<T> {
        cells.iter().enumerate().filter(|(position, _)| is_in(*position)).map(|(_, cell)| cell.clone()).collect()
    }
    Block {
        title: if start == block.label_count { block.title } else { "" },
        columns: only(&block.columns, is_in),
        rows: block.rows.iter().map(|row| only(row, is_in)).collect(),
        group_rows: Vec::new(),
        label_count: block.label_count,
    }
}

/// The block with cells of at most `limit` characters beside its labels.
fn cut(block: &Block, limit: usize) -> Block {
    let cut_row = |row: &Vec<String>| {
        let (labels, values) = row.split_at(block.label_count.min(row.len()));
        labels.iter().cloned().chain(values.iter().map(|cell| beginning(cell, limit))).collect()
    };
    let columns = block.columns.iter().enumerate().map(|(position, column)| {
        let name = if position < block.label_count { column.name.clone() } else { end(&column.name, limit) };
        Column { name, ..column.clone() }
    });
    Block { columns: columns.collect(), rows: block.rows.iter().map(cut_row).collect(), ..block.clone() }
}

fn width(block: &Block, columns: std::ops::Range<usize>) -> usize {
    let gaps = GAP * columns.len().saturating_sub(1);
    columns.map(|column| column_width(block, column)).sum::<usize>() + gaps
}

fn column_width(block: &Block, column: usize) -> usize {
    let cells = block.rows.iter().filter_map(|row| row.get(column));
    let name = block.columns.get(column).map(|column| &column.name);
    cells.chain(name).map(|text| text.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(names: &[&str], cell: &str) -> Block {
        let row = std::iter::once("label").chain(names.iter().map(|_| cell)).map(str::to_owned).collect();
        let columns = std::iter::once("row").chain(names.iter().copied()).map(Column::text).collect();
        Block { title: "title", columns, rows: vec![row], group_rows: Vec::new(), label_count: 1 }
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let (fitted, is_cut) = fit(&block(&["one", "two"], "value"));
        assert_eq!((fitted.len(), is_cut), (1, false));
        assert_eq!(fitted[0].rows, [["label", "value", "value"]]);
    }

    #[test]
    fn two_columns_are_cut_to_stand_side_by_side() {
        let long = "x".repeat(90);
        let (fitted, is_cut) = fit(&block(&["one", &format!("{long}/two")], &long));
        assert_eq!((fitted.len(), is_cut), (1, true));
        assert!(width(&fitted[0], 0..3) <= WIDTH, "{fitted:?}");
        assert!(fitted[0].rows[0][1].starts_with("xxx") && fitted[0].rows[0][1].ends_with('…'));
        assert!(fitted[0].columns[2].name.starts_with('…') && fitted[0].columns[2].name.ends_with("/two"));
    }

    /// Whatever a file says: no step is as long as the cell, a step for each of its characters would take minutes.
    #[test]
    fn a_cell_without_end_is_cut() {
        let (fitted, is_cut) = fit(&block(&["one", "two"], &"n".repeat(300_000)));
        assert!(is_cut);
        assert!(width(&fitted[0], 0..3) <= WIDTH);
    }

    #[test]
    fn many_columns_go_on_below() {
        let names: Vec<String> = (0..20).map(|number| format!("run-{number:02}")).collect();
        let (fitted, is_cut) = fit(&block(&names.iter().map(String::as_str).collect::<Vec<_>>(), &"y".repeat(20)));
        assert!(!is_cut && fitted.len() > 3);
        assert!(fitted.iter().all(|part| width(part, 0..part.columns.len()) <= WIDTH));
        assert_eq!((fitted[0].title, fitted[1].title), ("title", ""));
        assert!(fitted.iter().all(|part| part.rows[0][0] == "label" && part.rows[0][1] == "y".repeat(20)));
        let shown: Vec<&String> =
            fitted.iter().flat_map(|part| &part.columns[1..]).map(|column| &column.name).collect();
        assert!(shown.into_iter().eq(&names));
    }
}

//! The tables of a summary or of a comparison, for terminals and as Markdown.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use run_store::one_line;

use crate::blocks::{Block, Column, blocks};
use crate::compare::{self, Comparison};
use crate::fit::fit;
use crate::notes::{Problem, legend, problems, problems_compared};
use crate::summary::Summary;
use crate::text::{CUT, code, escape, wrap};

/// A summary or a comparison, laid out.
#[derive(Debug)]
pub struct Tables {
    /// The title of the document.
    title: &'static str,
    /// What stands above the tables.
    lead: Vec<String>,
    blocks: Vec<Block>,
    legend: Vec<String>,
    problems: Vec<Problem>,
}

impl Tables {
    /// The tables of `summary`.
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        Self {
            title: "Runs beside the study",
            lead: Vec::new(),
            blocks: blocks(summary),
            legend: legend(summary),
            problems: problems(summary),
        }
    }

    /// The tables of `comparison`.
    #[must_use]
    pub fn compared(comparison: &Comparison) -> Self {
        Self {
            title: "Runs side by side",
            lead: compare::lead(comparison),
            blocks: compare::blocks(comparison),
            legend: compare::legend(comparison),
            problems: problems_compared(comparison),
        }
    }

    /// Text for a terminal, with a line break at its end.
    #[must_use]
    pub fn terminal(&self) -> String {
        let mut sections = Vec::new();
        if !self.lead.is_empty() {
            sections.push(self.lead.iter().map(|entry| wrap(entry, "  ")).collect());
        }
        let fitted: Vec<(Vec<Block>, bool)> = self.blocks.iter().map(fit).collect();
        sections.extend(fitted.iter().flat_map(|(parts, _)| parts).map(|block| match block.title {
            "" => terminal_table(block) + "\n",
            title => format!("{title}\n\n{}\n", terminal_table(block)),
        }));
        let mut legend: String = self.legend.iter().map(|entry| wrap(entry, "  ")).collect();
        if fitted.iter().any(|(_, is_cut)| *is_cut) {
            legend += &format!("{CUT} cut to fit; the whole is in --markdown and --json.\n");
        }
        if !legend.is_empty() {
            sections.push(legend);
        }
        if !self.problems.is_empty() {
            let problems = self.problems.iter().map(|problem| {
                let commands = problem.commands.iter().map(|command| format!("    {}\n", one_line(command)));
                wrap(&problem.text, "  ") + &commands.collect::<String>()
            });
            sections.push(format!("Not complete\n\n{}", problems.collect::<String>()));
        }
        sections.join("\n")
    }

    /// A Markdown document.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut sections = vec![format!("# {}\n", self.title)];
        sections.extend(self.lead.iter().map(|entry| escape(entry) + "\n"));
        sections.extend(self.blocks.iter().map(|block| format!("## {}\n\n{}", block.title, markdown_table(block))));
        if !self.legend.is_empty() {
            let entries = self.legend.iter().map(|entry| format!("- {}\n", escape(entry)));
            sections.push(format!("## Signs and words\n\n{}", entries.collect::<String>()));
        }
        if !self.problems.is_empty() {
            let problems = self.problems.iter().map(|problem| {
                let commands = problem.commands.iter().map(|command| format!("  - {}\n", code(command)));
                format!("- {}\n", escape(&problem.text)) + &commands.collect::<String>()
            });
            sections.push(format!("## Not complete\n\n{}", problems.collect::<String>()));
        }
        sections.join("\n")
    }
}

fn terminal_table(block: &Block) -> String {
    let rule = LineStyle::none().fill('─').junction('─');
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(rule)).set_content_arrangement(ContentArrangement::Disabled);
    let has_headings = block.columns.iter().any(|column| !column.heading.is_empty());
    table.set_header(block.columns.iter().map(|column| {
        let name = one_line(&column.name);
        if has_headings { format!("{}\n{name}", column.heading) } else { name }
    }));
    for row in block.rows.iter().chain(&block.group_rows) {
        table.add_row(row.iter().map(|cell| Cell::new(one_line(cell))));
    }
    for (column, layout) in block.columns.iter().zip(table.column_iter_mut()) {
        layout.set_padding((0, 1));
        layout.set_cell_alignment(alignment(column));
    }
    let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    let header_length = if has_headings { 3 } else { 2 };
    // Each row is one line, as nothing wraps: groups begin below the header and the runs.
    if let (false, Some(rule)) = (block.group_rows.is_empty(), lines.get(header_length - 1).cloned()) {
        lines.insert((header_length + block.rows.len()).min(lines.len()), rule);
    }
    lines.join("\n")
}

fn alignment(column: &Column) -> CellAlignment {
    if column.is_number { CellAlignment::Right } else { CellAlignment::Left }
}

fn markdown_table(block: &Block) -> String {
    let headers = block.columns.iter().map(|column| match column.heading {
        "" => escape(&column.name),
        heading => format!("{heading}: {}", escape(&column.name)),
    });
    let rules = block.columns.iter().map(|column| if column.is_number { "---:" } else { "---" }.to_owned());
    let rows = block.rows.iter().map(|row| row.iter().map(|cell| escape(cell)).collect());
    let groups = block.group_rows.iter().map(|row| row.iter().map(|cell| strong(&escape(cell))).collect());
    let lines = [headers.collect(), rules.collect()].into_iter().chain(rows).chain(groups);
    lines.map(|cells: Vec<String>| format!("| {} |\n", cells.join(" | "))).collect()
}

fn strong(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("**{text}**") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use run_store::{ModelKind, Stage};

    use super::*;
    use crate::collect::collect;
    use crate::compare::Grouping;
    use crate::testing::Example;

    /// The tables of `names` in `folder`, with the folder's own path taken out.
    fn render(folder: &Path, names: &[&str], layout: fn(&Tables) -> String) -> String {
        let paths: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
        let summary = Summary::of(collect(&paths).unwrap().runs);
        layout(&Tables::of(&summary)).replace(&folder.display().to_string(), "artifacts")
    }

    fn study(folder: &Path) -> [&'static str; 5] {
        Example::new(folder, "ae-2", ModelKind::Ae, 2)
            .train()
            .export()
            .cluster(None, 10, 0.412)
            .classify(None, 25, 0.484);
        Example::new(folder, "ae-32", ModelKind::Ae, 32)
            .train()
            .export()
            .cluster(None, 10, 0.49)
            .classify(None, 25, 0.734);
        Example::new(folder, "cae-2", ModelKind::Cae, 2)
            .train()
            .export()
            .cluster(None, 10, 0.45)
            .classify(None, 25, 0.53);
        Example::new(folder, "cae-32", ModelKind::Cae, 32).all().cluster(Some("k20"), 20, 0.6).classify(
            Some("short"),
            5,
            0.8,
        );
        Example::new(folder, "cvae-2", ModelKind::Cvae, 2).all();
        ["ae-2", "ae-32", "cae-2", "cae-32", "cvae-2"]
    }

    #[test]
    fn the_study_on_a_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let names = study(folder.path());
        let text = render(folder.path(), &names, Tables::terminal);
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn the_study_in_markdown() {
        let folder = tempfile::tempdir().unwrap();
        let names = study(folder.path());
        insta::assert_snapshot!(render(folder.path(), &names, Tables::markdown));
    }

    #[test]
    fn seeds_departures_and_gaps_on_a_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let cae = |name| Example::new(folder.path(), name, ModelKind::Cae, 32);
        cae("cae-32").all();
        cae("cae-32-seed1").seed(1).all();
        cae("cae-32-short").epochs(5).all();
        cae("cae-32-new").train().export();
        cae("cae-32-mixed").all().epochs(7).train();
        cae("cae-32-future").all().newer_manifest(Stage::ClusterEval);
        let names = ["cae-32", "cae-32-seed1", "cae-32-short", "cae-32-new", "cae-32-mixed", "cae-32-future"];
        let text = render(folder.path(), &names, Tables::terminal);
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn names_cannot_break_the_layout() {
        let folder = tempfile::tempdir().unwrap();
        Example::new(folder.path(), "a\n\u{1b}[2Jb", ModelKind::Cae, 32).train();
        for layout in [Tables::terminal, Tables::markdown] {
            let text = render(folder.path(), &["a\n\u{1b}[2Jb"], layout);
            assert!(!text.contains('\u{1b}') && text.contains(r"\u001b"), "{text}");
        }
    }

    #[test]
    fn names_are_not_read_as_markdown() {
        let folder = tempfile::tempdir().unwrap();
        Example::new(folder.path(), "a|b_c", ModelKind::Cae, 32).train();
        let text = render(folder.path(), &["a|b_c"], Tables::markdown);
        assert!(text.contains(r"| a\|b\_c | CAE |"), "{text}");
    }

    /// A run's name heads a column where runs stand side by side.
    #[test]
    fn names_of_columns_are_escaped_as_those_of_rows() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a|b", "<img src=x>", "c\nd"];
        for (name, latent_dim) in names.into_iter().zip(2..) {
            Example::new(folder.path(), name, ModelKind::Cae, latent_dim).train();
        }
        let runs = collect(&names.map(|name| folder.path().join(name))).unwrap().runs;
        let tables = Tables::compared(&Comparison::of(&runs, Grouping::Each, &[]));
        let (markdown, terminal) = (tables.markdown(), tables.terminal());
        assert!(markdown.contains("| stage | parameter | a\\|b | \\<img src=x> | c\\\\u000ad |\n"), "{markdown}");
        assert!(terminal.contains(r"c\u000ad") && !terminal.lines().any(|line| line.trim() == "d"), "{terminal}");
    }

    #[test]
    fn commands_stay_code_whatever_they_hold() {
        let folder = tempfile::tempdir().unwrap();
        Example::new(folder.path(), "a`b", ModelKind::Cae, 32).train();
        let text = render(folder.path(), &["a`b"], Tables::markdown);
        assert!(text.contains("\n  - `` latent-export --run 'artifacts/a`b' ``\n"), "{text}");
    }
}

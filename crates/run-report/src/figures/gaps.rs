//! What keeps runs out of figures: one line for each reason that a run has.

use std::collections::BTreeMap;

use run_store::{Stage, StoreError, one_line};

use super::catalogue::Entry;

/// What was missed so far.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// By run and reason: what the run is left out of.
    left_out: BTreeMap<(String, String), Vec<&'static str>>,
    /// Figures that are not shown at all, as they or the page would be too large: a line each.
    not_shown: Vec<String>,
}

impl Gaps {
    /// Notes that the run `entry` cannot be in `figure`, as `stage` is not finished.
    pub fn lacks(&mut self, entry: &Entry, stage: Stage, figure: &'static str) {
        let record = entry.run.stages.get(&stage);
        let why = record.map_or_else(|| format!("{stage} is not there"), |record| record.lack(stage));
        self.add(entry, why, figure);
    }

    /// Notes that a file of the run `entry` cannot be used for `figure`.
    pub fn cannot_use(&mut self, entry: &Entry, error: &StoreError, figure: &'static str) {
        self.add(entry, error.to_string(), figure);
    }

    /// Notes that the run `entry` is not in `figure`, where `member` stands for the seed of both.
    pub fn is_twin(&mut self, entry: &Entry, member: &Entry, figure: &'static str) {
        let why = format!("it differs from {} in nothing but its name, and a seed counts once", member.name);
        self.add(entry, why, figure);
    }

    /// Notes that the page has no room left for `figure` of the run `entry`.
    pub fn has_no_room(&mut self, entry: &Entry, figure: &'static str) {
        self.add(entry, "the page would be too large".to_owned(), figure);
    }

    /// Notes that the figure `name` would be `width` × `height` units.
    pub fn is_too_large(&mut self, name: &str, (width, height): (f64, f64)) {
        self.not_shown.push(one_line(&format!("{name} is not drawn: it would be {width} × {height} units large")));
    }

    /// Notes that the page has no room left for the figure `name`.
    pub fn is_not_on_the_page(&mut self, name: &str) {
        self.not_shown.push(one_line(&format!("{name} is not on the page, which would be too large")));
    }

    fn add(&mut self, entry: &Entry, why: String, figure: &'static str) {
        let figures = self.left_out.entry((entry.name.clone(), why)).or_default();
        if !figures.contains(&figure) {
            figures.push(figure);
        }
    }

    /// The lines, run by run.
    pub fn lines(&self) -> Vec<String> {
        let line = |((run, why), figures): (&(String, String), &Vec<&str>)| {
            one_line(&format!("{run} is left out of {}: {why}", figures.join(", ")))
        };
        self.left_out.iter().map(line).chain(self.not_shown.iter().cloned()).collect()
    }
}

//! Runs → the sides of a comparison.

use std::collections::BTreeMap;

use crate::collect::Run;
use crate::compare::{Grouping, Side};
use crate::figure::Figure;
use crate::seeds::{seed_groups, shared_name, tell_apart, title};
use crate::spread::Spread;

/// The runs of one side, by seed.
pub(crate) struct Members<'a> {
    pub name: String,
    pub runs: Vec<&'a Run>,
    run_names: Vec<String>,
}

/// The sides that `runs` make, each where its first run was given, and what is to be said of them.
pub(crate) fn sides<'a>(runs: &'a [Run], names: &[String], grouping: Grouping) -> (Vec<Members<'a>>, Vec<String>) {
    let mut remarks = Vec::new();
    let mut groups = if grouping == Grouping::BySeed { seed_groups(runs) } else { Vec::new() };
    if groups.first().is_some_and(|group| group.len() == runs.len()) {
        remarks.push("these runs differ only by seed, so each is shown".to_owned());
        groups.clear();
    }
    let grouped: Vec<usize> = groups.iter().flatten().copied().collect();
    groups.extend((0..runs.len()).filter(|position| !grouped.contains(position)).map(|position| vec![position]));
    groups.sort_by_key(|group| group.iter().min().copied());
    let mut sides: Vec<Members<'a>> = groups.iter().map(|group| Members::of(group, runs, names)).collect();
    let named = sides.iter_mut().map(|Members { name, runs, run_names }| {
        let first = run_names.first().map_or("", String::as_str);
        (name, runs.len(), first)
    });
    tell_apart(named, title);
    (sides, remarks)
}

impl<'a> Members<'a> {
    fn of(group: &[usize], runs: &'a [Run], names: &[String]) -> Self {
        let runs: Vec<&Run> = group.iter().filter_map(|position| runs.get(*position)).collect();
        let run_names: Vec<String> = group.iter().filter_map(|position| names.get(*position)).cloned().collect();
        Self { name: name(&runs, &run_names), runs, run_names }
    }

    /// What the side is called where it stands beside others.
    pub fn title(&self) -> String {
        self.side().title()
    }

    /// The side as it is shown.
    pub fn side(&self) -> Side {
        let figures: BTreeMap<Figure, Spread> =
            Figure::ALL.into_iter().filter_map(|figure| Some((figure, self.figure(figure)?))).collect();
        Side { name: self.name.clone(), runs: self.run_names.clone(), figures }
    }

    /// `figure` over the runs, if all have it.
    fn figure(&self, figure: Figure) -> Option<Spread> {
        let values: Option<Vec<f64>> = self.runs.iter().map(|run| run.figures.get(&figure).copied()).collect();
        Spread::of(&values?)
    }
}

/// What the runs' names share. A tag stands at the end of each, and is none of a group's unless it is all its runs'.
fn name(runs: &[&Run], names: &[String]) -> String {
    let first = names.first().cloned().unwrap_or_default();
    if names.len() < 2 {
        return first;
    }
    let suffix = |run: &Run| run.tag.as_ref().map_or_else(String::new, |tag| format!("@{tag}"));
    let suffixes: Vec<String> = runs.iter().map(|run| suffix(run)).collect();
    let stems = names.iter().zip(&suffixes).map(|(name, suffix)| name.strip_suffix(suffix.as_str()).unwrap_or(name));
    let shared = shared_name(&stems.collect::<Vec<_>>());
    let tag = suffixes.first().filter(|first| suffixes.iter().all(|suffix| suffix == *first));
    shared.map_or(first, |shared| shared + tag.map_or("", String::as_str))
}

//! Which runs a figure shows, and how it calls them.

use std::path::PathBuf;

use run_store::{FinishedStage, ModelKind, Stage, StoreError};

use super::gaps::Gaps;
use super::style;
use crate::collect::{Run, names};
use crate::drawing::Colour;
use crate::seeds::{by_seed, shared_name, tell_apart, title};
use crate::stage::StageState;
use crate::summary::{follows_protocol, order};

/// All runs, in the order of the tables.
#[derive(Debug)]
pub(crate) struct Catalogue {
    entries: Vec<Entry>,
}

/// A run and how figures call it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub run: Run,
    /// Its folder's name, or the path where two are named alike.
    pub name: String,
    /// Such as `CAE 32`, which runs that differ only by seed share, and no others.
    pub label: String,
    /// Likewise shared.
    pub colour: Colour,
}

/// What figures show of runs that differ only by seed.
#[derive(Clone, Debug)]
pub(crate) struct Series<'a, D> {
    /// The first run that could be read.
    pub first: &'a Entry,
    /// What it is called beside the figure's others: the runs' label, if no other series has it.
    pub label: String,
    /// What was read of each that could be, by seed; at least one.
    pub members: Vec<D>,
    /// How many there are, read or not.
    pub run_count: usize,
}

impl<D> Series<'_, D> {
    /// Its label, and over how many runs its curves are means.
    pub fn title(&self) -> String {
        title(&self.label, self.members.len())
    }

    /// Whether its models were refined, from others or from the start.
    pub fn is_refined(&self) -> bool {
        self.first.run.refinement().is_some()
    }
}

impl Entry {
    /// The file `name` of a finished stage.
    ///
    /// # Errors
    /// It is not there, or not as it was written.
    pub fn file(&self, stage: Stage, name: &str) -> Result<PathBuf, StoreError> {
        Ok(self.finished(stage)?.file(name)?.path().to_owned())
    }

    /// What `stage` left.
    ///
    /// # Errors
    /// It is not there.
    pub fn finished(&self, stage: Stage) -> Result<FinishedStage, StoreError> {
        let dir = if stage == Stage::AeTrain { self.run.dir.model_stage() } else { self.run.dir.stage(stage, None) };
        FinishedStage::open(dir)
    }

    /// Whether `stage` has run to its end.
    pub fn has(&self, stage: Stage) -> bool {
        self.run.stages.get(&stage).is_some_and(|record| record.state == StageState::Finished)
    }

    /// Whether the model is known to be, or known not to be, variational; none where it is not known.
    pub fn is_variational(&self) -> Option<bool> {
        let model = self.run.training.as_ref()?.model.parse().ok();
        Some(model.is_some_and(ModelKind::is_variational))
    }
}

impl Catalogue {
    /// The catalogue of `runs`.
    pub fn of(mut runs: Vec<Run>) -> Self {
        order(&mut runs);
        let names = names(&runs);
        let groups = by_seed(&runs.iter().collect::<Vec<_>>(), &[Stage::AeTrain]);
        let mut labels: Vec<Option<(String, Colour)>> = vec![None; runs.len()];
        let firsts: Vec<Option<&Run>> = groups.iter().map(|group| runs.get(*group.members.first()?)).collect();
        let members = groups.iter().map(|group| {
            let members = group.members.iter().filter_map(|member| names.get(*member));
            members.map(String::as_str).collect::<Vec<&str>>()
        });
        let members: Vec<Vec<&str>> = members.collect();
        let mut called: Vec<String> =
            firsts.iter().zip(&members).map(|(first, members)| label(*first, &firsts, members)).collect();
        let labelled = called.iter_mut().zip(&members);
        let labelled =
            labelled.map(|(label, members)| (label, members.len(), members.first().copied().unwrap_or_default()));
        tell_apart(labelled, |label, _| label.to_owned());
        for ((group, label), colour) in groups.iter().zip(&called).zip(colours(&firsts)) {
            for member in &group.members {
                labels[*member] = Some((label.clone(), colour));
            }
        }
        let entries = runs.into_iter().zip(names).zip(labels).map(|((run, name), label)| {
            // A second run of the same seed is no member of a group: it is called by its own name.
            let (label, colour) = label.unwrap_or_else(|| (name.clone(), style::SOFT));
            Entry { run, name, label, colour }
        });
        Self { entries: entries.collect() }
    }

    /// What `read` finds in the runs that `figure` is about and that have finished all of `stages`, those together that
    /// differ only by seed in what these stages did; of each group only the first run that can be read, if `only_first`.
    pub fn series<'a, D>(
        &'a self,
        figure: &'static str,
        stages: &[Stage],
        only_first: bool,
        gaps: &mut Gaps,
        read: impl Fn(&'a Entry, &mut Gaps) -> Result<Option<D>, StoreError>,
    ) -> Vec<Series<'a, D>> {
        let mut whole: Vec<&Entry> = Vec::new();
        for entry in &self.entries {
            match stages.iter().find(|stage| !entry.has(**stage)) {
                Some(stage) => gaps.lacks(entry, *stage, figure),
                None => whole.push(entry),
            }
        }
        let keys: Vec<Stage> = [&[Stage::AeTrain], stages].concat();
        let runs: Vec<&Run> = whole.iter().map(|entry| &entry.run).collect();
        let mut series = Vec::new();
        for group in by_seed(&runs, &keys) {
            let mut members = Vec::new();
            let mut first = None;
            for entry in group.members.iter().filter_map(|member| whole.get(*member).copied()) {
                match read(entry, gaps) {
                    Ok(None) => {}
                    Ok(Some(data)) => {
                        members.push(data);
                        first = first.or(Some(entry));
                        if only_first {
                            break;
                        }
                    }
                    Err(error) => gaps.cannot_use(entry, &error, figure),
                }
            }
            let Some(first) = first else { continue };
            for (twin, member) in &group.twins {
                if let (Some(twin), Some(member)) = (whole.get(*twin), whole.get(*member)) {
                    gaps.is_twin(twin, member, figure);
                }
            }
            series.push(Series { first, label: first.label.clone(), members, run_count: group.members.len() });
        }
        // Runs of one label may differ in what later stages did.
        let called =
            series.iter_mut().map(|Series { first, label, members, .. }| (label, members.len(), first.name.as_str()));
        tell_apart(called, title);
        series
    }
}

/// Model and latent size, as `CAE 32`.
fn model(run: &Run) -> Option<String> {
    let training = run.training.as_ref()?;
    Some(format!("{} {}", training.model.to_uppercase(), training.latent_dim))
}

/// What runs that differ only by seed, `first` and others with `names`, are called beside others that begin with `firsts`:
/// `CAE 32` where they alone are that or alone follow the study's protocol, else `CAE 32 tuned` or what their names share.
fn label(first: Option<&Run>, firsts: &[Option<&Run>], names: &[&str]) -> String {
    let shared = shared_name(names).or_else(|| Some((*names.first()?).to_owned())).unwrap_or_default();
    let Some((first, model)) = first.and_then(|run| Some((run, model(run)?))) else { return shared };
    let alike = || firsts.iter().flatten().filter(|other| self::model(other).as_ref() == Some(&model));
    let of_protocol = || alike().filter(|other| follows_protocol(other));
    if alike().count() == 1 || (follows_protocol(first) && of_protocol().count() == 1) {
        return model;
    }
    let usual = model.to_lowercase().replace(' ', "-");
    match shared.strip_prefix(&usual).and_then(|rest| rest.strip_prefix('-')) {
        Some(rest) => format!("{model} {rest}"),
        None => shared,
    }
}

/// A colour for each group of runs: models of one kind have a pair of colours, as long as there are some.
fn colours(firsts: &[Option<&Run>]) -> Vec<Colour> {
    let kind = |run: &Option<&Run>| run.and_then(|run| run.training.as_ref()?.model.parse::<ModelKind>().ok());
    let mut kinds: Vec<ModelKind> = firsts.iter().filter_map(kind).collect();
    kinds.sort();
    kinds.dedup();
    let pair = |run: &Option<&Run>| kinds.iter().position(|other| Some(*other) == kind(run));
    let mut taken: Vec<Option<usize>> = vec![None; firsts.len()];
    for (position, run) in firsts.iter().enumerate() {
        let wanted = pair(run).into_iter().flat_map(|pair| [2 * pair, 2 * pair + 1]);
        taken[position] = wanted.into_iter().find(|colour| !taken.contains(&Some(*colour)));
    }
    // What found its pair taken has what is left, and then begins anew.
    let mut left: Vec<usize> = (0..style::SERIES_COUNT).filter(|colour| !taken.contains(&Some(*colour))).collect();
    left.sort_by_key(|colour| (*colour < 2 * kinds.len(), *colour));
    let mut others = left.into_iter().chain((0..).map(|position| position % style::SERIES_COUNT));
    taken.into_iter().map(|colour| style::series(colour.or_else(|| others.next()).unwrap_or_default())).collect()
}

/// What a figure of curves says of runs that differ only by seed.
pub(crate) fn said_of_means<D>(series: &[Series<'_, D>]) -> Option<String> {
    let is_mean = series.iter().any(|series| series.members.len() > 1);
    is_mean.then(|| {
        "n runs that differ only by seed are shown as their mean, with a band of ± one sample standard deviation."
            .to_owned()
    })
}

/// What a figure of single runs says of those that differ from them only by seed.
pub(crate) fn said_of_first<D>(series: &Series<'_, D>) -> Option<String> {
    let (count, shown) = (series.run_count, &series.first.name);
    (count > 1).then(|| format!("Of {count} runs that differ only by seed this is {shown}."))
}

/// What a figure says of its epochs: a refinement counts its own, and begins with another model than a training does.
pub(crate) fn said_of_epochs<D>(series: &[Series<'_, D>]) -> String {
    const OF_TRAINED: &str = "Epoch 0 is the untrained model.";
    const OF_REFINED: &str =
        "Of refined models, epoch 0 is the model that refining began with, and epochs are those of refining.";
    let is_there = |wanted: bool| series.iter().any(|series| series.is_refined() == wanted);
    let said = [(OF_TRAINED, false), (OF_REFINED, true)].into_iter().filter(|(_, wanted)| is_there(*wanted));
    said.map(|(said, _)| said).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;

//! Which runs a figure shows, and how it calls them.

use std::path::PathBuf;

use run_store::{FinishedStage, ModelKind, Stage, StoreError};

use super::gaps::Gaps;
use super::style;
use crate::collect::{Run, names};
use crate::drawing::Colour;
use crate::seeds::{by_seed, shared_name};
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
    /// Such as `CAE 32`, which runs that differ only by seed share.
    pub label: String,
    /// Likewise shared.
    pub colour: Colour,
}

/// What figures show of runs that differ only by seed.
#[derive(Clone, Debug)]
pub(crate) struct Series<'a, D> {
    /// The first run.
    pub first: &'a Entry,
    /// What was read of each that could be, by seed; at least one.
    pub members: Vec<D>,
    /// How many there are, read or not.
    pub run_count: usize,
}

impl<D> Series<'_, D> {
    /// Its label, and over how many runs its curves are means.
    pub fn title(&self) -> String {
        match self.members.len() {
            0 | 1 => self.first.label.clone(),
            count => format!("{} (n = {count})", self.first.label),
        }
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
        let firsts: Vec<Option<&Run>> = groups.iter().map(|group| runs.get(*group.first()?)).collect();
        let colours = colours(&firsts);
        for ((group, first), colour) in groups.iter().zip(&firsts).zip(colours) {
            let members: Vec<&str> = group.iter().filter_map(|member| names.get(*member)).map(String::as_str).collect();
            let label = label(*first, &firsts, &members);
            for member in group {
                labels[*member] = Some((label.clone(), colour));
            }
        }
        let entries = runs.into_iter().zip(names).zip(labels).map(|((run, name), label)| {
            // A second run of the same seed is in no group: it is called by its own name.
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
            for entry in group.iter().filter_map(|member| whole.get(*member).copied()) {
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
            series.extend(first.map(|first| Series { first, members, run_count: group.len() }));
        }
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
    (series.run_count > 1)
        .then(|| format!("The first of {} runs that differ only by seed: {}.", series.run_count, series.first.name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use run_store::ModelKind;

    use super::*;
    use crate::collect::collect;
    use crate::testing::Example;

    fn catalogue(folder: &Path, names: &[&str]) -> Catalogue {
        let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        Catalogue::of(collect(&paths).unwrap().runs)
    }

    #[test]
    fn runs_that_differ_only_by_seed_share_label_and_colour() {
        let folder = tempfile::tempdir().unwrap();
        let cae = |name| Example::new(folder.path(), name, ModelKind::Cae, 32);
        cae("cae-32").all();
        cae("cae-32-seed1").seed(1).train();
        cae("copy").seed(1).train();
        Example::new(folder.path(), "ae-2", ModelKind::Ae, 2).train();
        let catalogue = catalogue(folder.path(), &["cae-32", "copy", "cae-32-seed1", "ae-2"]);
        let called: Vec<(&str, &str)> =
            catalogue.entries.iter().map(|entry| (entry.name.as_str(), entry.label.as_str())).collect();
        let expected = [("ae-2", "AE 2"), ("cae-32", "CAE 32"), ("cae-32-seed1", "CAE 32"), ("copy", "copy")];
        assert_eq!(called, expected);
        assert_eq!(catalogue.entries[1].colour, catalogue.entries[2].colour);
        assert_ne!(catalogue.entries[0].colour, catalogue.entries[1].colour);

        let mut gaps = Gaps::default();
        let read = |entry: &Entry, _: &mut Gaps| Ok(Some(entry.name.clone()));
        let series = catalogue.series("losses", &[Stage::AeTrain], false, &mut gaps, read);
        let members: Vec<(String, Vec<String>)> =
            series.iter().map(|series| (series.title(), series.members.clone())).collect();
        let expected = [("AE 2", vec!["ae-2"]), ("CAE 32 (n = 2)", vec!["cae-32", "cae-32-seed1"])];
        assert_eq!(
            members,
            expected
                .map(|(title, names)| { (title.to_owned(), names.into_iter().map(str::to_owned).collect::<Vec<_>>()) })
        );
        assert!(gaps.lines().is_empty());
    }

    #[test]
    fn models_trained_differently_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let cae = |name| Example::new(folder.path(), name, ModelKind::Cae, 32);
        cae("cae-32-short").epochs(5).train();
        cae("other").epochs(7).train();
        let labels = |names: &[&str]| {
            let entries = catalogue(folder.path(), names).entries;
            entries.into_iter().map(|entry| entry.label).collect::<Vec<_>>()
        };
        assert_eq!(labels(&["cae-32-short"]), ["CAE 32"]);
        assert_eq!(labels(&["cae-32-short", "other"]), ["CAE 32 short", "other"]);
        cae("cae-32").train();
        assert_eq!(labels(&["other", "cae-32", "cae-32-short"]), ["CAE 32", "CAE 32 short", "other"]);
    }

    #[test]
    fn models_of_one_kind_have_a_pair_of_colours() {
        let folder = tempfile::tempdir().unwrap();
        let mut names = Vec::new();
        for (kind, latent_dim) in [(ModelKind::Ae, 2), (ModelKind::Cae, 2), (ModelKind::Cae, 3), (ModelKind::Cae, 4)] {
            names.push(format!("{kind}-{latent_dim}"));
            Example::new(folder.path(), &names[names.len() - 1], kind, latent_dim).train();
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let colours: Vec<Colour> = catalogue(folder.path(), &names).entries.iter().map(|entry| entry.colour).collect();
        assert_eq!(colours, [0, 2, 3, 4].map(style::series));
    }

    #[test]
    fn what_a_run_lacks_is_said_once() {
        let folder = tempfile::tempdir().unwrap();
        Example::new(folder.path(), "cae-32", ModelKind::Cae, 32).train();
        let catalogue = catalogue(folder.path(), &["cae-32"]);
        let mut gaps = Gaps::default();
        for figure in ["latents", "confusion", "latents"] {
            let read = |_: &Entry, _: &mut Gaps| Ok(Some(()));
            assert!(catalogue.series(figure, &[Stage::ClusterEval], true, &mut gaps, read).is_empty());
        }
        let [line] = &gaps.lines()[..] else { panic!("{:?}", gaps.lines()) };
        assert!(
            line.starts_with(
                "cae-32 is left out of latents, confusion: cluster-eval is not there; run `cluster-eval --run"
            ),
            "{line}"
        );
    }
}

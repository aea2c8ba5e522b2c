//! Runs that differ only by seed, and what they are called together.

use std::collections::BTreeMap;

use run_store::{ContentHash, FinishedStage, Manifest, Stage, file, input};
use serde_json::{Map, Value};

use crate::collect::Run;

/// The parameter that is only the run's name.
pub(crate) const RUN_NAME: &str = "run";

/// Parameters that make no other figure of the same kind: the seed, the run's name, and what is only kept along the way.
const INDIFFERENT: [&str; 3] = ["seed", RUN_NAME, "keep_epochs"];

/// What stages read from outside a run and no seed decides: figures of another content are others.
const OF_NO_SEED: [&str; 3] = [input::DATASET, input::READER_MODEL, input::READER_WEIGHTS];

/// Runs that differ only by seed, as positions among those that were given.
#[derive(Debug)]
pub(crate) struct SeedGroup {
    /// A run of each seed, by seed.
    pub members: Vec<usize>,
    /// Runs of a seed that a member has too: each with that member.
    pub twins: Vec<(usize, usize)>,
}

/// Positions of runs, by their seeds.
type BySeed = BTreeMap<u64, Vec<usize>>;

impl SeedGroup {
    fn of(seeds: BySeed) -> Self {
        let mut group = Self { members: Vec::new(), twins: Vec::new() };
        for runs in seeds.values() {
            if let Some((first, others)) = runs.split_first() {
                group.members.push(*first);
                group.twins.extend(others.iter().map(|other| (*other, *first)));
            }
        }
        group
    }
}

/// Groups of at least two runs that differ only by seed, as positions in `runs`, in the order of their first runs.
///
/// Runs belong together when the same stages are finished in them, on the same dataset, with the same parameters but for
/// the seed: so every figure of a group is a mean over all its runs. Of runs with the same seed only the first counts.
pub(crate) fn seed_groups(runs: &[Run]) -> Vec<Vec<usize>> {
    let runs: Vec<&Run> = runs.iter().collect();
    let groups = by_seed(&runs, &Stage::ALL).into_iter().map(|group| group.members);
    groups.filter(|members| members.len() > 1).collect()
}

/// The same of what `stages` did alone, with a group of its own for each run that stands alone.
pub(crate) fn by_seed(runs: &[&Run], stages: &[Stage]) -> Vec<SeedGroup> {
    let mut groups: Vec<(Option<Key<'_>>, BySeed)> = Vec::new();
    for (position, run) in runs.iter().copied().enumerate() {
        let key = run.training.as_ref().map(|training| Key::of(run, &training.dataset, stages));
        let seed = run.training.as_ref().map_or(0, |training| training.seed);
        let known = groups.iter().position(|(other, _)| key.is_some() && *other == key);
        match known.and_then(|group| groups.get_mut(group)) {
            Some((_, seeds)) => seeds.entry(seed).or_default().push(position),
            None => groups.push((key, BTreeMap::from([(seed, vec![position])]))),
        }
    }
    groups.into_iter().map(|(_, seeds)| SeedGroup::of(seeds)).collect()
}

#[derive(PartialEq)]
struct Key<'a> {
    dataset: &'a str,
    parameters: BTreeMap<Stage, Map<String, Value>>,
    inputs: BTreeMap<(Stage, &'static str), &'a ContentHash>,
    ancestors: &'a [Ancestor],
}

impl<'a> Key<'a> {
    fn of(run: &'a Run, dataset: &'a str, stages: &[Stage]) -> Self {
        let manifests = run.manifests.iter().map(|(stage, manifest)| (*stage, manifest));
        let manifests: Vec<(Stage, &Manifest)> = manifests.filter(|(stage, _)| stages.contains(stage)).collect();
        let inputs = manifests.iter().copied().flat_map(|(stage, manifest)| {
            let content = move |name: &'static str| Some(((stage, name), &manifest.inputs.get(name)?.blake3));
            OF_NO_SEED.into_iter().filter_map(content)
        });
        let parameters = manifests.iter().map(|(stage, manifest)| (*stage, decisive(&manifest.parameters)));
        Self { dataset, parameters: parameters.collect(), inputs: inputs.collect(), ancestors: &run.ancestors }
    }
}

/// The parameters that make another figure. A switch that is off is left out: it was not recorded before there was one.
fn decisive(parameters: &Map<String, Value>) -> Map<String, Value> {
    let is_decisive = |name: &str, value: &Value| !INDIFFERENT.contains(&name) && *value != Value::Bool(false);
    let decisive = parameters.iter().filter(|(name, value)| is_decisive(name, value));
    decisive.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A model that another was refined from, as far as no seed decides it: the parameters of a refinement say nothing of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ancestor {
    /// What it was made with.
    Made(Map<String, Value>),
    /// The name of its run without a seed, where it is no longer there as it was.
    Named(String),
}

/// The most models that are looked up, one refined from the other: manifests may be anybody's, and lead in a circle.
const GENERATIONS: usize = 16;

/// What `model` was refined from, what that was refined from, and so on; nothing of a model that was not.
pub(crate) fn ancestors(model: &FinishedStage) -> Vec<Ancestor> {
    let mut ancestors = Vec::new();
    let mut model = model.clone();
    for _ in 0..GENERATIONS {
        let Some(read) = model.manifest().inputs.get(input::WEIGHTS).cloned() else { break };
        let run = model.source_run(input::WEIGHTS);
        let found = run.as_ref().and_then(|run| FinishedStage::open(run.model_stage()).ok());
        let is_what_was_read = |found: &FinishedStage| {
            found.manifest().outputs.get(file::WEIGHTS).is_some_and(|weights| weights.blake3 == read.blake3)
        };
        let Some(parent) = found.filter(is_what_was_read) else {
            let name = run.map_or_else(|| read.path.display().to_string(), |run| run.name());
            ancestors.push(Ancestor::Named(without_seeds(&name)));
            break;
        };
        ancestors.push(Ancestor::Made(decisive(&parent.manifest().parameters)));
        model = parent;
    }
    ancestors
}

/// What stands before a seed in a run's name, with a joint in front.
const SEED: &str = "seed";

/// What parts of a name are joined by.
const JOINTS: [char; 6] = ['-', '_', '.', '+', '@', '/'];

/// A run's `name` without its seed: `cae-32+refined` for `cae-32-seed1+refined`.
fn without_seeds(name: &str) -> String {
    let before = format!("-{SEED}");
    let mut parts = name.split(&before);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(char::is_numeric);
        if rest.len() == part.len() {
            kept += &before;
        }
        kept += rest;
    }
    kept
}

/// What the names of a group's runs share: `cae-32` for `cae-32` and `cae-32-seed1`, and `cae-32+refined` for those of two refined
/// runs. None if they do not begin alike.
pub(crate) fn shared_name(names: &[&str]) -> Option<String> {
    let first = *names.first()?;
    if names.len() == 1 {
        return Some(first.to_owned());
    }
    let length = first
        .char_indices()
        .map(|(start, character)| start + character.len_utf8())
        .take_while(|end| names.iter().all(|name| name.get(..*end) == first.get(..*end)))
        .last()?;
    let beginning = first.get(..length)?.trim_end_matches(JOINTS);
    let rests: Vec<&str> = names.iter().filter_map(|name| name.get(beginning.len()..)).collect();
    // Of 10 and 11 a 1 is shared, which is neither.
    let is_cut = !names.contains(&beginning) && rests.iter().any(|rest| rest.starts_with(char::is_numeric));
    let whole = if is_cut { beginning.trim_end_matches(char::is_numeric) } else { beginning };
    let stem = without_last_seed(whole);
    (!stem.is_empty()).then(|| format!("{stem}{}", shared_end(&rests)))
}

/// What names begin with, without the seed, or the beginning of one, that it ends with: `cae-32` for `cae-32-seed1`.
fn without_last_seed(beginning: &str) -> &str {
    let before_number = beginning.trim_end_matches(char::is_numeric).trim_end_matches(JOINTS);
    let before_seed = before_number.strip_suffix(SEED).filter(|before| before.ends_with(JOINTS));
    before_seed.unwrap_or(beginning).trim_end_matches(JOINTS)
}

/// The longest end that all of `rests` have and that begins with a joint.
fn shared_end<'a>(rests: &[&'a str]) -> &'a str {
    let Some(first) = rests.first().copied() else { return "" };
    let mut ends = first.match_indices(JOINTS).map(|(start, _)| &first[start..]);
    ends.find(|end| rests.iter().all(|rest| rest.ends_with(*end))).unwrap_or_default()
}

/// What a group of `count` runs with a shared `name` is called where it stands beside others.
pub(crate) fn title(name: &str, count: usize) -> String {
    if count > 1 { format!("{name} (n = {count})") } else { name.to_owned() }
}

/// Calls groups whose titles are the same after their first runs. Of each group: its name, how many runs it has, and the first one's
/// name; `title` says what is shown of the first two.
pub(crate) fn tell_apart<'a>(
    groups: impl Iterator<Item = (&'a mut String, usize, &'a str)>,
    title: impl Fn(&str, usize) -> String,
) {
    let groups: Vec<(&mut String, usize, &str)> = groups.collect();
    let titles: Vec<String> = groups.iter().map(|(name, count, _)| title(name, *count)).collect();
    for ((name, count, first), own) in groups.into_iter().zip(&titles) {
        if titles.iter().filter(|other| *other == own).count() > 1 {
            *name = if count > 1 { format!("{first} …") } else { first.to_owned() };
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use run_store::ModelKind;
    use serde_json::json;

    use super::*;
    use crate::collect::collect;
    use crate::collect::refined::refine;
    use crate::testing::Example;

    #[test]
    fn seeds_names_and_switches_that_are_off_make_no_other_figure() {
        let decisive = |value: Value| decisive(value.as_object().unwrap());
        let earlier = decisive(json!({ "seed": 0, "run": "a", "epochs": 25 }));
        assert_eq!(earlier, decisive(json!({ "seed": 1, "run": "b", "epochs": 25, "with_logvar": false })));
        assert_ne!(earlier, decisive(json!({ "epochs": 25, "with_logvar": true })));
        assert_ne!(earlier, decisive(json!({ "epochs": 24 })));
    }

    #[test]
    fn a_group_bears_what_its_names_share() {
        let name = |names: &[&str]| shared_name(names);
        assert_eq!(name(&["cae-32", "cae-32-seed1"]).as_deref(), Some("cae-32"));
        assert_eq!(name(&["cae-32-seed1", "cae-32-seed2"]).as_deref(), Some("cae-32"));
        assert_eq!(name(&["cae-32-seed10", "cae-32-seed11"]).as_deref(), Some("cae-32"));
        assert_eq!(name(&["cae-32-seed1", "cae-32-seed11"]).as_deref(), Some("cae-32"));
        assert_eq!(name(&["cae-32-seed-1", "cae-32-seed-2"]).as_deref(), Some("cae-32"));
        assert_eq!(name(&["one", "two"]), None);
        assert_eq!(name(&["é1", "è1"]), None);
    }

    /// A number in a name is no seed, and what stands behind a seed is shared too.
    #[test]
    fn a_group_keeps_its_latent_size_and_what_became_of_it() {
        let name = |names: &[&str]| shared_name(names);
        let refined = Some("cae-32+refined");
        assert_eq!(name(&["cae-32+refined", "cae-32-seed1+refined"]).as_deref(), refined);
        assert_eq!(name(&["cae-32-seed1+refined", "cae-32-seed2+refined"]).as_deref(), refined);
        assert_eq!(name(&["cae-32-seed10+refined", "cae-32-seed20+refined"]).as_deref(), refined);
        assert_eq!(name(&["cae-32-long", "cae-32-seed1-long"]).as_deref(), Some("cae-32-long"));
        assert_eq!(name(&["cae-32-a", "cae-32-b"]).as_deref(), Some("cae-32"));
        // Digits that are shared only in part are none of a name's.
        assert_eq!(name(&["try10", "try11"]).as_deref(), Some("try"));
        assert_eq!(name(&["reseed1", "reseed2"]).as_deref(), Some("reseed"));
        assert_eq!(name(&["one/cae-32", "ones/cae-32"]).as_deref(), Some("one/cae-32"));
        assert_eq!(name(&["cae-32-seed1"]).as_deref(), Some("cae-32-seed1"));
    }

    #[test]
    fn a_family_has_no_seed_in_its_name() {
        let names = ["cae-32", "cae-32-seed1", "cae-32-seed12+refined", "cae-32-seeds", "seed1"];
        let expected = ["cae-32", "cae-32", "cae-32+refined", "cae-32-seeds", "seed1"];
        assert_eq!(names.map(without_seeds), expected);
    }

    #[test]
    fn groups_of_one_title_are_called_after_their_first_runs() {
        let told = |title: fn(&str, usize) -> String| {
            let mut names = ["a", "a", "a", "b"].map(str::to_owned);
            let groups = names.iter_mut().zip([2, 2, 1, 2]).zip(["a-1", "a-2", "a-3", "b-1"]);
            tell_apart(groups.map(|((name, count), first)| (name, count, first)), title);
            names
        };
        assert_eq!(told(title), ["a-1 …", "a-2 …", "a", "b"]);
        assert_eq!(told(|name, _| name.to_owned()), ["a-1 …", "a-2 …", "a-3", "b"]);
    }

    fn cae(folder: &Path, name: &str, seed: u64) -> Example {
        Example::new(folder, name, ModelKind::Cae, 32).seed(seed)
    }

    /// The groups of the runs `names`, each by its members' names.
    fn groups(folder: &Path, names: &[&str]) -> Vec<Vec<String>> {
        let paths: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
        let runs = collect(&paths).unwrap().runs;
        let groups = seed_groups(&runs);
        groups.iter().map(|group| group.iter().map(|member| runs[*member].dir.name()).collect()).collect()
    }

    #[test]
    fn refined_runs_belong_together_where_their_parents_do() {
        let folder = tempfile::tempdir().unwrap();
        for (seed, suffix) in [(0, ""), (1, "-seed1")] {
            for (family, epochs) in [("cae-32", 25), ("cae-32-tuned", 40)] {
                let name = format!("{family}{suffix}");
                cae(folder.path(), &name, seed).epochs(epochs).train();
                refine(cae(folder.path(), &format!("{name}+refined"), seed).all(), &name);
            }
        }
        let names = ["cae-32+refined", "cae-32-tuned+refined", "cae-32-seed1+refined", "cae-32-tuned-seed1+refined"];
        let expected = [[names[0], names[2]], [names[1], names[3]]];
        assert_eq!(groups(folder.path(), &names), expected);
        // Where the parents are gone, by their names.
        for parent in ["cae-32", "cae-32-seed1", "cae-32-tuned", "cae-32-tuned-seed1"] {
            std::fs::remove_dir_all(folder.path().join(parent)).unwrap();
        }
        assert_eq!(groups(folder.path(), &names), expected);
    }

    #[test]
    fn a_parent_that_is_itself_refined_counts_with_its_own() {
        let folder = tempfile::tempdir().unwrap();
        for (seed, family, epochs) in [(0, "one", 25), (1, "two", 40)] {
            cae(folder.path(), family, seed).epochs(epochs).train();
            let again = format!("{family}+refined");
            refine(cae(folder.path(), &again, seed).all(), family);
            refine(cae(folder.path(), &format!("{again}+refined"), seed).all(), &again);
        }
        assert!(groups(folder.path(), &["one+refined+refined", "two+refined+refined"]).is_empty());
        let run = |name: &str| collect(&[folder.path().join(name)]).unwrap().runs.remove(0);
        assert_eq!(run("one+refined+refined").ancestors.len(), 2);
        assert!(run("one").ancestors.is_empty());
    }

    #[test]
    fn runs_of_other_content_or_judged_by_another_reader_do_not_belong_together() {
        let folder = tempfile::tempdir().unwrap();
        for (stage, name) in [(Stage::AeTrain, "dataset"), (Stage::ReconEval, "reader_weights")] {
            let runs = [(0, "a", "same"), (1, "b", "same"), (2, "c", "other")];
            for (seed, run, content) in runs {
                cae(folder.path(), run, seed).all().input(stage, name, content);
            }
            assert_eq!(groups(folder.path(), &["a", "b", "c"]), [["a", "b"]], "{name}");
        }
    }
}

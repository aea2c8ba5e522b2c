//! Runs that differ only by seed.

use std::collections::BTreeMap;

use run_store::Stage;
use serde_json::{Map, Value};

use crate::collect::Run;

/// The parameter that is only the run's name.
pub(crate) const RUN_NAME: &str = "run";

/// Parameters that make no other figure of the same kind: the seed, the run's name, and what is only kept along the way.
const INDIFFERENT: [&str; 3] = ["seed", RUN_NAME, "keep_epochs"];

/// Groups of at least two runs that differ only by seed, as positions in `runs`, in the order of their first runs.
///
/// Runs belong together when the same stages are finished in them, on the same dataset, with the same parameters but for
/// the seed: so every figure of a group is a mean over all its runs. Of runs with the same seed only the first counts.
pub(crate) fn seed_groups(runs: &[Run]) -> Vec<Vec<usize>> {
    let runs: Vec<&Run> = runs.iter().collect();
    by_seed(&runs, &Stage::ALL).into_iter().filter(|group| group.len() > 1).collect()
}

/// The same of what `stages` did alone, with a group of its own for each run that stands alone.
pub(crate) fn by_seed(runs: &[&Run], stages: &[Stage]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(Option<Key<'_>>, BTreeMap<u64, usize>)> = Vec::new();
    for (position, run) in runs.iter().enumerate() {
        let key = run.training.as_ref().map(|training| Key::of(run, &training.dataset, stages));
        let seed = run.training.as_ref().map_or(0, |training| training.seed);
        let known = groups.iter().position(|(other, _)| key.is_some() && *other == key);
        match known.and_then(|group| groups.get_mut(group)) {
            Some((_, members)) => {
                members.entry(seed).or_insert(position);
            }
            None => groups.push((key, BTreeMap::from([(seed, position)]))),
        }
    }
    groups.into_iter().map(|(_, members)| members.into_values().collect()).collect()
}

#[derive(PartialEq)]
struct Key<'a> {
    dataset: &'a str,
    parameters: BTreeMap<Stage, Map<String, Value>>,
}

impl<'a> Key<'a> {
    fn of(run: &Run, dataset: &'a str, stages: &[Stage]) -> Self {
        let parameters = run.parameters().filter(|(stage, _)| stages.contains(stage));
        Self { dataset, parameters: parameters.map(|(stage, parameters)| (stage, decisive(parameters))).collect() }
    }
}

/// The parameters that make another figure. A switch that is off is left out: it was not recorded before there was one.
fn decisive(parameters: &Map<String, Value>) -> Map<String, Value> {
    let is_decisive = |name: &str, value: &Value| !INDIFFERENT.contains(&name) && *value != Value::Bool(false);
    let decisive = parameters.iter().filter(|(name, value)| is_decisive(name, value));
    decisive.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// What the names of a group's runs share: `cae-32` for `cae-32` and `cae-32-seed1`. None if they share nothing.
pub(crate) fn shared_name(names: &[&str]) -> Option<String> {
    let first = names.first()?;
    let shared = first
        .char_indices()
        .map(|(start, character)| start + character.len_utf8())
        .take_while(|end| names.iter().all(|name| name.get(..*end) == first.get(..*end)))
        .last()?;
    let shared = first.get(..shared)?;
    // Where every name carries its seed, what they share ends in the middle of it.
    let shared = if names.contains(&shared) { shared } else { shared.trim_end_matches(char::is_numeric) };
    let shared = shared.trim_end_matches(['-', '_', '.']).trim_end_matches("seed").trim_end_matches(['-', '_', '.']);
    (!shared.is_empty()).then(|| shared.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

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
        assert_eq!(name(&["one", "two"]), None);
        assert_eq!(name(&["é1", "è1"]), None);
    }
}

//! Which parameters differ: those of the manifests, stage by stage.

use std::collections::{BTreeMap, BTreeSet};

use run_store::Stage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::collect::{Run, stages};
use crate::compare::sides::Members;
use crate::seeds::RUN_NAME;
use crate::summary::is_same;

/// A parameter that is not the same on all sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedParameter {
    /// The stage it belongs to.
    pub stage: Stage,
    /// Its name; dots lead into nested ones.
    pub name: String,
    /// For each side the values that it has in its runs, each once; `null` in their place where the stage is not finished,
    /// and among them where the parameter is not set.
    pub values: Vec<Option<Vec<Value>>>,
}

/// The parameters that differ between `sides`, and how many do not. A stage counts where two sides or more have finished it.
pub(crate) fn compare(sides: &[Members<'_>]) -> (Vec<ComparedParameter>, usize) {
    let (mut different, mut same_count) = (Vec::new(), 0);
    for stage in stages() {
        let parameters: Vec<Vec<BTreeMap<String, Value>>> = sides
            .iter()
            .map(|side| side.runs.iter().filter_map(|run| parameters(run, stage)).collect::<Vec<_>>())
            .collect();
        if parameters.iter().filter(|runs| !runs.is_empty()).count() < 2 {
            continue;
        }
        for name in names(&parameters) {
            let values: Vec<Option<Vec<Value>>> =
                parameters.iter().map(|runs| (!runs.is_empty()).then(|| distinct(runs, &name))).collect();
            let mut present = values.iter().flatten();
            let first = present.next();
            if first.is_some_and(|first| present.all(|other| are_same(first, other))) {
                same_count += 1;
            } else {
                different.push(ComparedParameter { stage, name, values });
            }
        }
    }
    (different, same_count)
}

/// The parameters of `stage` in `run`, nested ones by their paths. The dataset is one, the run's own name is none.
pub(crate) fn parameters(run: &Run, stage: Stage) -> Option<BTreeMap<String, Value>> {
    let manifest = run.manifests.get(&stage)?;
    let mut flat = BTreeMap::new();
    flatten("", &manifest.parameters, &mut flat);
    flat.remove(RUN_NAME);
    if let (Stage::AeTrain, Some(training)) = (stage, &run.training) {
        flat.insert("dataset".to_owned(), json!(training.dataset));
    }
    Some(flat)
}

fn flatten(path: &str, object: &Map<String, Value>, flat: &mut BTreeMap<String, Value>) {
    for (name, value) in object {
        let path = format!("{path}{name}");
        match value {
            Value::Object(nested) => flatten(&format!("{path}."), nested, flat),
            value => drop(flat.insert(path, value.clone())),
        }
    }
}

/// All names, in order. One that holds others in another run is none itself: there it is only not set.
fn names(parameters: &[Vec<BTreeMap<String, Value>>]) -> BTreeSet<String> {
    let names: BTreeSet<String> = parameters.iter().flatten().flat_map(BTreeMap::keys).cloned().collect();
    let holds = |name: &str| {
        let prefix = format!("{name}.");
        names.range(prefix.clone()..).next().is_some_and(|other| other.starts_with(&prefix))
    };
    names.iter().filter(|name| !holds(name)).cloned().collect()
}

/// The values of `name`, each once.
fn distinct(runs: &[BTreeMap<String, Value>], name: &str) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    for run in runs {
        let value = run.get(name).cloned().unwrap_or_default();
        if !values.iter().any(|known| is_same(&value, known)) {
            values.push(value);
        }
    }
    values
}

fn are_same(one: &[Value], other: &[Value]) -> bool {
    let holds = |values: &[Value], value: &Value| values.iter().any(|known| is_same(value, known));
    one.len() == other.len() && one.iter().all(|value| holds(other, value))
}

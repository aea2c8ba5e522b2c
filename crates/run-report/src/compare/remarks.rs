//! What a reader should know before comparing: where sides are not alike in more than what was chosen for them.

use run_store::Stage;

use crate::collect::{Run, WITH_VARIANTS, stages};
use crate::compare::sides::Members;
use crate::figure::Figure;

/// The name of the prepared dataset among a stage's inputs.
const DATASET: &str = "dataset";
/// The name of the reader's weights among recon-eval's inputs.
const READER: &str = "reader_weights";

/// The remarks on `sides`.
pub(crate) fn remarks(sides: &[Members<'_>]) -> Vec<String> {
    let mut remarks: Vec<String> = Vec::new();
    let mut variants: Vec<String> = sides.iter().flat_map(|side| &side.runs).filter_map(|run| variant(run)).collect();
    variants.dedup();
    remarks.append(&mut variants);

    let dataset = |run: &Run| run.training.as_ref().map(|training| training.dataset.clone());
    let read = |run: &Run, stage: Stage, input: &str| {
        Some(run.manifests.get(&stage)?.inputs.get(input)?.blake3.short().to_owned())
    };
    if let Some(datasets) = differing(sides, dataset) {
        remarks.push(format!("the runs are of different datasets: {datasets}"));
    } else if let Some(contents) = differing(sides, |run| read(run, Stage::AeTrain, DATASET)) {
        remarks.push(format!("the dataset has one name and different contents: {contents}"));
    }
    // A lower bound is a figure of its own, and so in no danger of being held against another loss.
    let loss = |run: &Run| run.loss().filter(|_| run.figures.contains_key(&Figure::LossTest)).map(str::to_owned);
    if let Some(losses) = differing(sides, loss) {
        remarks.push(format!("the losses are of different kinds, and none is called better: {losses}"));
    }
    if let Some(counts) = differing(sides, |run| run.cluster_count.map(|count| format!("k = {count}"))) {
        remarks.push(format!("more clusters alone raise cluster.accuracy: {counts}"));
    }
    if let Some(readers) = differing(sides, |run| read(run, Stage::ReconEval, READER)) {
        remarks.push(format!("what is readable was judged by different readers: {readers}"));
    }
    for stage in stages() {
        let format =
            |run: &Run| run.manifests.get(&stage).map(|manifest| format!("format {}", manifest.format_version));
        let schema = |run: &Run| run.schema_versions.get(&stage).map(|version| format!("schema version {version}"));
        let found = [differing(sides, format), differing(sides, schema)];
        remarks.extend(
            found
                .into_iter()
                .flatten()
                .map(|versions| format!("{stage} was written in different versions: {versions}")),
        );
    }
    remarks
}

/// What stands in for what in a run with a variant.
fn variant(run: &Run) -> Option<String> {
    let tag = run.tag.as_ref()?;
    let variants = run.chosen_variants();
    let own: Vec<Stage> = WITH_VARIANTS.into_iter().filter(|stage| !variants.contains(stage)).collect();
    let list = |stages: &[Stage]| stages.iter().map(|stage| stage.name()).collect::<Vec<_>>().join(" and ");
    let own = if own.is_empty() { String::new() } else { format!("; its {} is the run's own", list(&own)) };
    Some(format!("…@{tag} stands for a run with its variant {tag} of {}{own}", list(&variants)))
}

/// Which side has which value, if they do not all have the same: `mnist (ae-2), fashion-mnist (cae-2)`.
fn differing(sides: &[Members<'_>], value: impl Fn(&Run) -> Option<String>) -> Option<String> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for side in sides {
        let mut values: Vec<String> = side.runs.iter().filter_map(|run| value(run)).collect();
        values.dedup();
        if values.is_empty() {
            continue;
        }
        let text = values.join(" and ");
        match found.iter_mut().find(|(known, _)| *known == text) {
            Some((_, names)) => names.push(side.title()),
            None => found.push((text, vec![side.title()])),
        }
    }
    let texts = found.iter().map(|(text, names)| format!("{text} ({})", names.join(", ")));
    (found.len() > 1).then(|| texts.collect::<Vec<_>>().join(", "))
}

//! What a reader should know before comparing: where sides are not alike in more than what was chosen for them.

use run_store::{Stage, input};
use serde::Serialize;

use crate::collect::{Run, WITH_VARIANTS, stages};
use crate::compare::sides::Members;
use crate::figure::Figure;

/// The remarks on `sides`.
pub(crate) fn remarks(sides: &[Members<'_>]) -> Vec<String> {
    let mut remarks: Vec<String> = Vec::new();
    let mut variants: Vec<String> = sides.iter().flat_map(|side| &side.runs).filter_map(|run| variant(run)).collect();
    variants.dedup();
    remarks.append(&mut variants);

    let all: Vec<Vec<Vec<Aspect>>> =
        sides.iter().map(|side| side.runs.iter().map(|run| aspects(run)).collect()).collect();
    let titles: Vec<String> = sides.iter().map(Members::title).collect();
    // Every run has the same aspects.
    let Some(first) = all.iter().flatten().next() else { return remarks };
    let mut previous_differs = false;
    for (position, aspect) in first.iter().enumerate() {
        let values = |side: &Vec<Vec<Aspect>>| side.iter().filter_map(|run| run.get(position)?.value.clone()).collect();
        let found = differing(&titles, &all.iter().map(values).collect::<Vec<Vec<String>>>());
        let differs = found.is_some();
        remarks.extend(
            found
                .filter(|_| !(aspect.refines_previous && previous_differs))
                .map(|values| format!("{}: {values}", aspect.sentence)),
        );
        previous_differs = differs;
    }
    remarks
}

/// Something in which runs should be alike to be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Aspect {
    /// What is said where they are not.
    pub sentence: String,
    /// What it is in a run, where that has it.
    pub value: Option<String>,
    /// Whether it goes without saying where the aspect before it differs.
    pub refines_previous: bool,
}

/// The aspects of `run`: of every run the same, in the same order.
pub(crate) fn aspects(run: &Run) -> Vec<Aspect> {
    let aspect = |sentence: &str, value: Option<String>| Aspect {
        sentence: sentence.to_owned(),
        value,
        refines_previous: false,
    };
    let read =
        |stage: Stage, input: &str| Some(run.manifests.get(&stage)?.inputs.get(input)?.blake3.short().to_owned());
    // A lower bound is a figure of its own, and so in no danger of being held against another loss.
    let loss = run.loss().filter(|_| run.figures.contains_key(&Figure::LossTest));
    let mut aspects = vec![
        aspect("the runs are of different datasets", run.training.as_ref().map(|training| training.dataset.clone())),
        Aspect {
            refines_previous: true,
            ..aspect("the dataset has one name and different contents", read(Stage::AeTrain, input::DATASET))
        },
        aspect("the losses are of different kinds, and none is called better", loss.map(str::to_owned)),
        Aspect {
            refines_previous: true,
            ..aspect(
                "train.loss was not taken alike, and none is called better",
                loss.map(|_| run.train_loss_taken().to_owned()),
            )
        },
        aspect("more clusters alone raise cluster.accuracy", run.cluster_count.map(|count| format!("k = {count}"))),
        aspect("what is readable was judged by different readers", read(Stage::ReconEval, input::READER_WEIGHTS)),
    ];
    for stage in stages() {
        let sentence = format!("{stage} was written in different versions");
        // What refined a model has formats of its own.
        let own = run.manifests.get(&stage).filter(|manifest| manifest.stage == stage);
        let format = own.map(|manifest| format!("format {}", manifest.format_version));
        let schema = run.schema_versions.get(&stage).map(|version| format!("schema version {version}"));
        aspects.extend([format, schema].map(|version| aspect(&sentence, version)));
    }
    aspects
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
fn differing(titles: &[String], sides: &[Vec<String>]) -> Option<String> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for (title, values) in titles.iter().zip(sides) {
        let mut values = values.clone();
        values.dedup();
        if values.is_empty() {
            continue;
        }
        let text = values.join(" and ");
        match found.iter_mut().find(|(known, _)| *known == text) {
            Some((_, names)) => names.push(title.clone()),
            None => found.push((text, vec![title.clone()])),
        }
    }
    let texts = found.iter().map(|(text, names)| format!("{text} ({})", names.join(", ")));
    (found.len() > 1).then(|| texts.collect::<Vec<_>>().join(", "))
}

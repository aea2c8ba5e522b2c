//! The preset `reference` is one set of numbers, wherever it is spelled: in the stages, in their help, and beside the published
//! figures.

use pipeline_tests::{Study, succeeded};
use run_report::reference;
use run_store::{ModelKind, Stage};
use serde_json::{Map, Value};

/// The stages with a preset.
const STAGES: [Stage; 2] = [Stage::AeTrain, Stage::LatentClassify];

/// What `stage` would use if nothing but `options` is said.
fn parameters(study: &Study, stage: Stage, options: &[&str]) -> Map<String, Value> {
    let run = study.run();
    let arguments = [&["--run", run.path().to_str().unwrap(), "--force", "--dry-run", "--json"], options].concat();
    let summary: Value = serde_json::from_str(&succeeded(study.bare_command(stage, &arguments))).unwrap();
    summary["parameters"].as_object().unwrap().clone()
}

/// A parameter as a help text spells it.
fn spelled(value: &Value) -> String {
    match value {
        Value::Array(members) => members.iter().map(spelled).collect::<Vec<_>>().join(","),
        Value::String(text) => text.clone(),
        other => other.to_string().trim_end_matches(".0").to_owned(),
    }
}

#[test]
fn help_texts_spell_the_preset() {
    let study = Study::finished(ModelKind::Cae);
    for stage in STAGES {
        let help = succeeded(study.bare_command(stage, &["--help"]));
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for (name, value) in parameters(&study, stage, &[]) {
            let flag = format!("--{} ", name.replace('_', "-"));
            let (_, said) = help.split_once(&flag).unwrap_or_else(|| panic!("{stage} has no {flag}"));
            let (_, said) = said.split_once("[reference: ").unwrap();
            let (said, _) = said.split_once([']', ';']).unwrap();
            assert_eq!(said, spelled(&value), "{stage} {flag}");
        }
    }
}

#[test]
fn a_run_of_the_preset_stands_beside_the_published_figures() {
    for model in ModelKind::ALL {
        let study = Study::finished(*model);
        for stage in STAGES {
            let options: &[&str] = if stage == Stage::AeTrain { &["--model", model.name()] } else { &[] };
            let found = parameters(&study, stage, options);
            for (name, expected) in reference::parameters(stage, model.name()) {
                let same = match (found[&name].as_f64(), expected.as_f64()) {
                    (Some(found), Some(expected)) => (found - expected).abs() < 1e-12,
                    _ => found[&name] == expected,
                };
                assert!(same, "{stage} {name}: expected {expected}, found {}", found[&name]);
            }
        }
    }
}

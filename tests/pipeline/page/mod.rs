//! The page, in a browser: what a person would do with it, held against what the stages left.

mod latents;
mod script;
mod tables;
mod whole;

use std::path::PathBuf;

use pipeline_tests::{Browser, MODELS, Study, Tree, succeeded};
use run_store::{ModelKind, Stage};

/// More dimensions than a page can show as they are.
const LATENT_DIM: &str = "8";

/// The runs of the page, in the order of its tables.
const RUNS: [&str; 4] = ["ae-2", "ae-8", "cae-2", "cvae-2"];

/// A run of every model with two latent dimensions, and one with more, which has no classifier and no readings.
fn study() -> Study {
    let study = Study::finished(ModelKind::Ae);
    for model in MODELS.iter().filter(|model| **model != ModelKind::Ae) {
        let other = Study::finished(*model);
        Tree::read(&other.path().join("artifacts")).write(&study.path().join("artifacts"));
    }
    let run = ["--run", "artifacts/ae-8", "--threads", "1"];
    let train = ["--model", "ae", "--latent-dim", LATENT_DIM, "--epochs", "1", "--batch-size", "64"];
    let counts = ["--train-count", "256", "--test-count", "64"];
    succeeded(study.bare_command(Stage::AeTrain, &[&run[..], &train, &counts].concat()));
    succeeded(study.bare_command(Stage::LatentExport, &run));
    succeeded(study.bare_command(Stage::ClusterEval, &[&run[..], &["--restarts", "3"]].concat()));
    study
}

/// Writes the page of all runs of `study`.
fn page(study: &Study) -> PathBuf {
    let mut arguments = vec!["html".to_owned()];
    arguments.extend(RUNS.map(|run| format!("artifacts/{run}")));
    succeeded(study.report(&arguments.iter().map(String::as_str).collect::<Vec<_>>()));
    study.path().join("artifacts/report.html")
}

/// The page in a window of a desktop, once it has drawn its first model.
fn open(study: &Study) -> Browser {
    let browser = Browser::open(&page(study), 1400, 1000);
    wait_for_model(&browser, RUNS[0]);
    browser
}

fn wait_for_model(browser: &Browser, run: &str) {
    let condition = format!("document.querySelector('#explorer').dataset.model === '{run}'");
    browser.wait_for(&condition, &format!("the latents of {run}"));
}

/// Chooses a model in the explorer.
fn show_model(browser: &Browser, run: &str) {
    let position = RUNS.iter().position(|known| *known == run).unwrap();
    choose(browser, "#model", &position.to_string());
    wait_for_model(browser, run);
}

/// Chooses an entry of a list as a person does: the list says that it has changed.
fn choose(browser: &Browser, selector: &str, value: &str) {
    let script = "const list = document.querySelector(arguments[0]);
        list.value = arguments[1];
        list.dispatchEvent(new Event('change'));";
    browser.evaluate(script, &[selector.into(), value.into()]);
}

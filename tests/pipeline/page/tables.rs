//! Tables, comparison and sheets of the page.

use std::collections::BTreeSet;

use pipeline_tests::{Browser, Study, succeeded};
use run_store::{ModelKind, Reconstructions, RunDir, Stage, file};
use serde_json::{Value, json};

use super::{RUNS, open, study};

/// The cells of a column of the table of runs, from 0, as numbers.
fn column(browser: &Browser, column: usize) -> Vec<f64> {
    let cells = browser.texts(&format!("#run-table tbody tr > :nth-child({})", column + 1));
    cells.iter().filter_map(|cell| cell.parse().ok()).collect()
}

#[test]
fn a_heading_sorts_the_table() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    let heading = |name: &str| {
        let headings = browser.texts("#run-table thead th");
        headings.iter().position(|text| text.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {headings:?}"))
    };
    let mean_squared_error = heading("test.mse");
    let button = format!("#run-table thead th:nth-child({}) button", mean_squared_error + 1);
    browser.click(&button);
    let values = column(&browser, mean_squared_error);
    assert_eq!(values.len(), RUNS.len());
    assert!(values.is_sorted_by(|one, other| one >= other), "{values:?}");
    let state =
        || browser.attribute(&format!("#run-table thead th:nth-child({})", mean_squared_error + 1), "aria-sort");
    assert_eq!(state().as_deref(), Some("descending"));
    // By keyboard as well.
    browser.press(&button, "Enter");
    assert!(column(&browser, mean_squared_error).is_sorted());
    assert_eq!(state().as_deref(), Some("ascending"));
    // What is not there stands last, whichever way it goes.
    let classifier = heading("classifier.test_accuracy");
    for _ in 0..2 {
        browser.click(&format!("#run-table thead th:nth-child({}) button", classifier + 1));
        let cells = browser.texts(&format!("#run-table tbody tr > :nth-child({})", classifier + 1));
        assert_eq!(cells.last().map(String::as_str), Some("–"), "{cells:?}");
    }
}

/// What the comparison of the page shows: the rows' names, each with its cells.
fn shown_rows(browser: &Browser) -> Vec<(String, Vec<String>)> {
    let script = "return Array.from(document.querySelectorAll('#comparison tbody tr'),
        (row) => Array.from(row.cells, (cell) => cell.textContent));";
    let rows: Vec<Vec<String>> = serde_json::from_value(browser.evaluate(script, &[])).unwrap();
    rows.into_iter().map(|row| (row[0].clone(), row[1..].to_vec())).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The rows that `run-report compare` shows of the same runs.
fn compared_rows(study: &Study, runs: &[&str]) -> (BTreeSet<String>, Value) {
    let paths: Vec<String> = runs.iter().map(|run| format!("artifacts/{run}")).collect();
    let arguments: Vec<&str> =
        ["compare", "--each", "--json"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let output = study.report(&arguments).output().unwrap();
    let comparison: Value = serde_json::from_slice(&output.stdout).unwrap();
    let parameters = comparison["parameters"].as_array().unwrap().iter();
    let parameters = parameters.map(|row| format!("{}: {}", text(&row["stage"]), text(&row["name"])));
    let figures = comparison["figures"].as_array().unwrap().iter().map(|row| text(&row["name"]));
    (parameters.chain(figures).collect(), comparison)
}

#[test]
fn two_runs_show_exactly_what_differs() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    let choose = |run: &str| {
        browser.click(&format!(".choose[value='{}']", RUNS.iter().position(|known| *known == run).unwrap()))
    };
    choose("ae-2");
    assert!(browser.text("#comparison").contains("another run"));
    choose("cae-2");
    for (runs, toggled) in [(["ae-2", "cae-2"], "cae-2"), (["ae-2", "ae-8"], "ae-8"), (["ae-2", "cvae-2"], "cvae-2")] {
        if toggled != "cae-2" {
            choose(toggled);
        }
        let (expected, comparison) = compared_rows(&study, &runs);
        let rows = shown_rows(&browser);
        let names = rows.iter().map(|(name, _)| name.split(", ").next().unwrap().to_owned());
        let names: Vec<String> = names.collect();
        assert_eq!(names.iter().cloned().collect::<BTreeSet<_>>(), expected, "{runs:?}");
        assert_eq!(names.len(), expected.len(), "{names:?}");
        // So are its remarks.
        let remarks = comparison["remarks"].as_array().unwrap().iter().map(|remark| format!("Note: {}.", text(remark)));
        assert_eq!(browser.texts("#comparison .remark"), remarks.collect::<Vec<_>>(), "{runs:?}");
        // The better one is the one that the comparison calls so.
        let best: Vec<String> = browser.texts("#comparison td.better");
        let figures = comparison["figures"].as_array().unwrap();
        let expected: usize = figures.iter().map(|figure| figure["best"].as_array().unwrap().len()).sum();
        assert_eq!(best.len(), expected, "{runs:?}: {best:?}");
        choose(toggled);
    }
    // The first again beside two others: a value for each.
    choose("cae-2");
    choose("cvae-2");
    assert!(shown_rows(&browser).iter().all(|(_, cells)| cells.len() == 3));
    let model = shown_rows(&browser).into_iter().find(|(name, _)| name == "ae-train: model").unwrap();
    assert_eq!(model.1, ["ae", "cae", "cvae"]);
}

/// The grey level in the middle of a pixel of a digit on a sheet.
fn sheet_levels(browser: &Browser, sheet: usize, digit: usize) -> Vec<u8> {
    let script = "const canvas = document.querySelectorAll('.sheet canvas')[arguments[0]];
        const left = SHEET_SCALE * (SHEET_GAP + (arguments[1] % SHEET_COLUMNS) * (28 + SHEET_GAP));
        const top = SHEET_SCALE * (SHEET_GAP + Math.floor(arguments[1] / SHEET_COLUMNS) * (28 + SHEET_GAP));
        const bytes = canvas.getContext('2d').getImageData(left, top, 28 * SHEET_SCALE, 28 * SHEET_SCALE).data;
        const levels = [];
        for (let y = 0; y < 28; y++)
            for (let x = 0; x < 28; x++) levels.push(bytes[4 * (y * SHEET_SCALE * 28 * SHEET_SCALE + x * SHEET_SCALE)]);
        return levels;";
    serde_json::from_value(browser.evaluate(script, &[json!(sheet), json!(digit)])).unwrap()
}

#[test]
fn one_slider_moves_all_sheets() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    browser.wait_for(
        &format!("document.querySelectorAll('.sheet canvas[data-epoch]').length === {}", RUNS.len()),
        "all sheets",
    );
    let epochs = || {
        browser.evaluate(
            "return Array.from(document.querySelectorAll('.sheet canvas'), (sheet) => sheet.dataset.epoch)",
            &[],
        )
    };
    // Three runs of two epochs and one of a single epoch.
    assert_eq!(epochs(), json!(["2", "1", "2", "2"]));
    assert_eq!(browser.text("#epoch-shown"), "epoch 2");
    let run = RunDir::new(study.path().join("artifacts/cae-2"));
    let written = Reconstructions::read(&run.stage(Stage::AeTrain, None).file(file::RECONSTRUCTIONS)).unwrap();
    let levels = |values: &[f32]| values.iter().map(|value| (value * 255.0).round() as u8).collect::<Vec<u8>>();
    let row = |epoch: u32| written.rows.iter().find(|row| row.epoch == epoch && row.index == 5).unwrap();
    assert_eq!(sheet_levels(&browser, 2, 5), levels(&row(2).reconstruction));
    browser.press("#epoch", "ArrowLeft");
    assert_eq!(epochs(), json!(["1", "1", "1", "1"]));
    assert_eq!(sheet_levels(&browser, 2, 5), levels(&row(1).reconstruction));
    browser.press("#epoch", "Home");
    assert_eq!(epochs(), json!(vec!["original"; 4]));
    assert_eq!(sheet_levels(&browser, 2, 5), levels(&row(1).original));
    // The counts are those of the readings.
    let said = browser.texts(".sheet p");
    assert!(said[0].ends_with(" of 16 readable") && said[1].is_empty(), "{said:?}");
}

/// The page of two runs of `study`, once it shows the sheets of both.
fn open_two(study: &Study, runs: [&str; 2]) -> Browser {
    let [first, second] = runs.map(|run| format!("artifacts/{run}"));
    succeeded(study.report(&["html", &first, &second]));
    let browser = Browser::open(&study.path().join("artifacts/report.html"), 1000, 800);
    browser.wait_for("document.querySelectorAll('.sheet canvas[data-epoch]').length === 2", "both sheets");
    browser
}

#[test]
fn a_sheet_is_empty_before_its_first_kept_epoch() {
    if !Browser::available() {
        return;
    }
    let study = Study::finished(ModelKind::Ae);
    let run = ["--run", "artifacts/late", "--threads", "1", "--model", "ae", "--latent-dim", "3"];
    let counts = ["--train-count", "256", "--test-count", "64", "--batch-size", "64"];
    let epochs = ["--epochs", "3", "--keep-epochs", "3"];
    succeeded(study.bare_command(Stage::AeTrain, &[&run[..], &counts, &epochs].concat()));
    let browser = open_two(&study, ["ae-2", "late"]);
    let late = |selector: &str| format!(".sheet:nth-child(2) {selector}");
    // The stops are the originals, then the epochs 0, 1, 2 and 3.
    browser.press("#epoch", "Home ArrowRight ArrowRight");
    assert_eq!(browser.text("#epoch-shown"), "epoch 1");
    assert_eq!(browser.text(&late("p")), "first kept: epoch 3");
    let label = browser.attribute(&late("canvas"), "aria-label").unwrap();
    assert!(label.ends_with(", epoch 1: first kept: epoch 3"), "{label}");
    let ink = "const canvas = document.querySelectorAll('.sheet canvas')[arguments[0]];
        return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte > 0);";
    let has_ink = || [0, 1].map(|sheet| browser.evaluate(ink, &[json!(sheet)]));
    assert_eq!(has_ink(), [json!(true), json!(false)]);
    for (key, epoch) in [("End", "3"), ("Home", "original")] {
        browser.press("#epoch", key);
        assert_eq!(browser.attribute(&late("canvas"), "data-epoch").as_deref(), Some(epoch));
        assert_eq!(has_ink(), [json!(true), json!(true)]);
    }
}

#[test]
fn epochs_of_a_refined_model_are_those_of_refining() {
    if !Browser::available() {
        return;
    }
    let study = Study::finished(ModelKind::Cae);
    succeeded(study.command(Stage::AeRefine));
    let browser = open_two(&study, ["cae-2", "cae-2+refined"]);
    browser.press("#epoch", "Home ArrowRight");
    assert_eq!(browser.text("#epoch-shown"), "untrained or before refining");
    let said = browser.texts(".sheet p");
    assert!(said[0].starts_with("untrained: ") && said[1] == "before refining", "{said:?}");
    browser.press("#epoch", "End");
    assert_eq!(browser.text("#epoch-shown"), "epoch 5");
    let said = browser.texts(".sheet p");
    assert!(said[0].starts_with("epoch 2: ") && said[1] == "epoch 5 of refining", "{said:?}");
}

//! The page as a whole: it works alone, for everybody, and whatever runs are called.

use std::fs;

use pipeline_tests::{Browser, Study, Tree, error_text, succeeded};
use run_store::{ModelKind, Stage};
use serde_json::json;

use super::{open, show_model, study};

#[test]
fn nothing_is_asked_for_and_nothing_goes_wrong() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    for run in super::RUNS {
        show_model(&browser, run);
        browser.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))", &[]);
    }
    browser.click("#decoded");
    browser.evaluate("document.querySelector('#epoch').value = 0", &[]);
    let shown = browser.evaluate("return document.body.innerText.includes('the template is wrong')", &[]);
    assert_eq!(shown, json!(false));
    // A script that came from elsewhere would not run, and no request would leave.
    let blocked = browser.evaluate_async(
        "const script = document.createElement('script');
         script.textContent = 'window.smuggled = true';
         document.body.append(script);
         const request = await fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'held back');
         return [window.smuggled === undefined, request];",
        &[],
    );
    assert_eq!(blocked, json!([true, "held back"]));
    assert_eq!(browser.requests(), Vec::<String>::new());
    let errors = browser.console_errors();
    let expected = |error: &&String| error.contains("Content Security Policy") || error.contains("127.0.0.1:9");
    assert!(errors.iter().filter(|error| !expected(error)).count() == 0, "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("Content Security Policy")), "{errors:?}");
}

#[test]
fn an_undisturbed_page_has_no_complaint() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    for (width, is_dark) in [(1400, true), (400, false), (400, true)] {
        browser.resize(width, 900);
        browser.prefers_dark(is_dark);
        let shade = if is_dark { "dark" } else { "light" };
        browser.wait_for(&format!("document.documentElement.dataset.shade === '{shade}'"), "the preferred colours");
        // Tables scroll in their own frames; the page itself does not go sideways.
        let sideways = browser.evaluate("return document.documentElement.scrollWidth - innerWidth", &[]);
        assert!(sideways.as_i64().unwrap() <= 0, "{sideways} pixels too wide at {width}");
    }
    let ground = || browser.evaluate("return getComputedStyle(document.body).backgroundColor", &[]);
    let dark = ground();
    browser.click("#shade");
    assert_ne!(ground(), dark);
    assert_eq!((browser.console_errors(), browser.requests()), (Vec::new(), Vec::new()));
}

/// Names come from folders, which anybody may have named.
#[test]
fn names_are_shown_and_never_run() {
    if !Browser::available() {
        return;
    }
    let study = Study::finished(ModelKind::Ae);
    let name = "<img src=x onerror=document.title='taken'>\"'&";
    fs::rename(study.path().join("artifacts/ae-2"), study.path().join("artifacts").join(name)).unwrap();
    succeeded(study.report(&["html", &format!("artifacts/{name}")]));
    let browser = Browser::open(&study.path().join("artifacts/report.html"), 1000, 800);
    browser.wait_for("explorer.model !== null", "the latents");
    assert_eq!(browser.text("#run-table tbody th"), name);
    assert_eq!(browser.evaluate("return document.querySelectorAll('img').length", &[]), json!(0));
    assert_eq!(browser.evaluate("return document.title", &[]), json!("Autoencoders beside the study"));
    assert_eq!(browser.console_errors(), Vec::<String>::new());
}

#[test]
fn what_a_run_lacks_is_named_and_the_rest_works() {
    if !Browser::available() {
        return;
    }
    let study = Study::finished(ModelKind::Cae);
    fs::remove_dir_all(study.dir(Stage::ClusterEval).path()).unwrap();
    fs::remove_dir_all(study.dir(Stage::ReconEval).path()).unwrap();
    fs::remove_dir_all(study.dir(Stage::MnistData).path()).unwrap();
    let output = study.report(&["html", "artifacts/cae-2"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("the latent explorer's digits") && said.contains("the latent explorer's clusters"), "{said}");
    let browser = Browser::open(&study.path().join("artifacts/report.html"), 1000, 800);
    browser.wait_for("explorer.model !== null", "the latents");
    assert!(browser.text("#tables").contains("cluster-eval --run artifacts/cae-2"));
    assert!(!browser.text("#facts").contains("cluster"));
    assert_eq!(browser.evaluate("return document.querySelector('#redrawn').width", &[]), json!(28));
    // Where there are no digits to list, a click finds none.
    browser.evaluate("element('wall').click()", &[]);
    assert_eq!(browser.console_errors(), Vec::<String>::new());
}

#[test]
fn what_cannot_be_unpacked_is_said_where_it_would_be() {
    if !Browser::available() {
        return;
    }
    let study = Study::finished(ModelKind::Ae);
    succeeded(study.report(&["html", "artifacts/ae-2"]));
    let path = study.path().join("artifacts/report.html");
    let page = fs::read_to_string(&path).unwrap();
    // What is no base64 no browser can unpack.
    let mut parts = page.split("id=\"parcel-");
    let beginning = parts.next().unwrap().to_owned();
    let spoilt = parts.map(|part| format!("id=\"parcel-{}", part.replacen("\">", "\">!", 1)));
    fs::write(&path, beginning + &spoilt.collect::<String>()).unwrap();
    let browser = Browser::open(&path, 1000, 800);
    for section in ["sheets", "explorer"] {
        browser.wait_for(&format!("document.querySelector('#{section} .failure')"), "a note");
        assert!(browser.text(&format!("#{section} .failure")).starts_with("This cannot be shown: "));
    }
    // The rest works.
    browser.click("#run-table thead th:nth-child(2) button");
    assert_eq!(browser.attribute("#run-table thead th:nth-child(2)", "aria-sort").as_deref(), Some("ascending"));
}

/// Whoever is faster than the first model is unpacked.
#[test]
fn nothing_goes_wrong_before_there_is_a_model() {
    if !Browser::available() {
        return;
    }
    let study = Study::finished(ModelKind::Ae);
    succeeded(study.report(&["html", "artifacts/ae-2"]));
    let browser = Browser::open(&study.path().join("artifacts/report.html"), 1000, 800);
    browser.wait_for("explorer.model !== null", "the latents");
    browser.evaluate_async(
        "const { model, view } = explorer;
         Object.assign(explorer, { model: null, view: null });
         const plane = element('plane');
         for (const kind of ['pointermove', 'pointerup']) plane.dispatchEvent(new PointerEvent(kind, { clientX: 300, clientY: 300 }));
         plane.dispatchEvent(new WheelEvent('wheel', { deltaY: 100, cancelable: true }));
         for (const key of ['ArrowLeft', '+', '0', ']', 'Enter']) plane.dispatchEvent(new KeyboardEvent('keydown', { key }));
         for (const id of ['colouring', 'split', 'decoded']) element(id).dispatchEvent(new Event('change'));
         element('search-index').value = '17';
         element('search').dispatchEvent(new Event('submit', { cancelable: true }));
         for (const id of ['more', 'wall']) element(id).click();
         for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
         Object.assign(explorer, { model, view });",
        &[],
    );
    assert_eq!(browser.console_errors(), Vec::<String>::new());
}

#[test]
fn paper_is_white_and_shows_what_is_folded_away() {
    if !Browser::available() {
        return;
    }
    let study = Study::finished(ModelKind::Ae);
    succeeded(study.report(&["html", "artifacts/ae-2"]));
    let browser = Browser::open(&study.path().join("artifacts/report.html"), 1000, 800);
    let folded = || browser.evaluate("return document.querySelectorAll('details:not([open])').length", &[]);
    let before = folded();
    assert_ne!(before, json!(0));
    for (event, expected) in [("beforeprint", json!(0)), ("afterprint", before)] {
        browser.evaluate("dispatchEvent(new Event(arguments[0]))", &[event.into()]);
        assert_eq!(folded(), expected, "{event}");
    }
    // Whatever shade is chosen, it is one of screens.
    let script = "const dark = (rules, where) => Array.from(rules).flatMap((rule) =>
            rule.selectorText?.includes('dark') ? [where] : rule.cssRules ? dark(rule.cssRules, rule.conditionText) : []);
        return [...new Set(dark(document.styleSheets[0].cssRules, 'everywhere'))];";
    assert_eq!(browser.evaluate(script, &[]), json!(["screen"]));
}

/// What is drawn has a name for those who do not see it.
#[test]
fn drawings_have_names() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    let drawn = format!("document.querySelectorAll('.sheet canvas[data-epoch]').length === {}", super::RUNS.len());
    browser.wait_for(&drawn, "all sheets");
    browser.click(".choose[value='0']");
    browser.click(".choose[value='1']");
    let script = "const drawn = Array.from(document.querySelectorAll('canvas:not([aria-hidden]), #figures svg'));
        const named = drawn.filter((drawing) => drawing.closest('[role][aria-label]:not(section)'));
        const frames = Array.from(document.querySelectorAll('.scroll'));
        const reached = frames.filter((frame) => frame.tabIndex === 0 && frame.matches('[role][aria-label]'));
        return [drawn.length - named.length, frames.length - reached.length, drawn.length > 5, frames.length > 5];";
    assert_eq!(browser.evaluate(script, &[]), json!([0, 0, true, true]));
}

#[test]
fn a_page_of_nothing_is_an_error_and_leaves_the_old_one() {
    let study = Study::finished(ModelKind::Ae);
    succeeded(study.report(&["html", "artifacts/ae-2"]));
    let before = Tree::read(&study.path().join("artifacts"));
    fs::create_dir(study.path().join("empty")).unwrap();
    let error = error_text(study.report(&["html", "empty"]), 1);
    assert!(error.contains("no run among the folders given"), "{error}");
    assert!(error_text(study.report(&["html", "artifacts/none"]), 1).contains("artifacts/none is missing"));
    assert_eq!(before.differences(&Tree::read(&study.path().join("artifacts"))), Vec::<std::path::PathBuf>::new());
    succeeded(study.report(&["html", "artifacts/ae-2", "--out", "elsewhere/page.html"]));
    let [here, there] = ["artifacts/report.html", "elsewhere/page.html"].map(|path| study.path().join(path));
    assert!(fs::read(here).unwrap() == fs::read(there).unwrap(), "the same run gives another page");
}

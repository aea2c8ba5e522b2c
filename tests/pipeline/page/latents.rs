//! The latent explorer of the page.

use pipeline_tests::{Browser, Study};
use run_store::{
    Assignments, DatasetFile, FinishedStage, Latents, Reconstructions, RunDir, Split, Stage, file, prepared_dataset,
};
use serde_json::{Value, json};

use super::{RUNS, choose, open, show_model, study};

/// The latents of a run.
fn latents(study: &Study, run: &str, split: Split) -> Latents {
    let run = RunDir::new(study.path().join("artifacts").join(run));
    Latents::read_export(&FinishedStage::open(run.stage(Stage::LatentExport, None)).unwrap(), split).unwrap()
}

fn assignments(study: &Study, run: &str) -> Assignments {
    let run = RunDir::new(study.path().join("artifacts").join(run));
    Assignments::read(&run.stage(Stage::ClusterEval, None).file(file::ASSIGNMENTS)).unwrap()
}

/// The facts that are shown of an image, by name.
fn fact(browser: &Browser, name: &str) -> String {
    let (names, texts) = (browser.texts("#facts dt"), browser.texts("#facts dd"));
    let position = names.iter().position(|known| known == name).unwrap_or_else(|| panic!("no {name} in {names:?}"));
    texts[position].clone()
}

/// The page's own decoder makes of the page's own latents what the model redrew when its training ended.
#[test]
fn what_is_redrawn_is_what_training_left() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    let dataset = prepared_dataset("mnist").stage(Stage::MnistData, None).file(file::DATASET);
    let dataset = DatasetFile::read(&study.path().join(dataset)).unwrap();
    let pixels = dataset.dataset().unwrap().test.pixels;
    for run in RUNS {
        show_model(&browser, run);
        let stage = RunDir::new(study.path().join("artifacts").join(run)).stage(Stage::AeTrain, None);
        let written = Reconstructions::read(&stage.file(file::RECONSTRUCTIONS)).unwrap();
        let last = written.rows.iter().map(|row| row.epoch).max().unwrap();
        // Latents of more than two dimensions are kept in 8 bits a coordinate.
        let limit = if run == "ae-8" { 8.0 } else { 1.0 };
        for row in written.rows.iter().filter(|row| row.epoch == last) {
            let script = "const image = imageAt(explorer.model, 'test', arguments[0]);
                return [Array.from(redrawnLevels(explorer.model, image)), Array.from(originalLevels(explorer.model, image))];";
            let levels: [Vec<u8>; 2] = serde_json::from_value(browser.evaluate(script, &[json!(row.index)])).unwrap();
            let [redrawn, original] = levels;
            let difference = |shown: &[u8], expected: &mut dyn Iterator<Item = f32>| {
                let differences =
                    shown.iter().zip(expected).map(|(shown, expected)| (f32::from(*shown) - expected).abs());
                differences.fold(0.0, f32::max)
            };
            let found = difference(&redrawn, &mut row.reconstruction.iter().map(|value| 255.0 * value));
            assert!(found <= limit, "{run}, test image {}: {found} levels of 255 off", row.index);
            let image = &pixels[row.index as usize * 784..][..784];
            // Sixteen levels of grey are kept.
            let found = difference(&original, &mut image.iter().copied().map(f32::from));
            assert!(found <= 8.5 && redrawn.len() == 784, "test image {}: {found} levels of 255 off", row.index);
        }
    }
}

/// The test image that lies furthest from all others, so that a pointer can only mean it.
fn loneliest(study: &Study, run: &str) -> (usize, [f64; 2]) {
    let [train, test] = Split::ALL.map(|split| latents(study, run, split));
    let places = |latents: &Latents| {
        latents.values.chunks(2).map(|pair| [f64::from(pair[0]), f64::from(pair[1])]).collect::<Vec<_>>()
    };
    let (train, test) = (places(&train), places(&test));
    let distance = |one: &[f64; 2], other: &[f64; 2]| (one[0] - other[0]).hypot(one[1] - other[1]);
    let solitude = |position: usize| {
        let others =
            train.iter().chain(test.iter().enumerate().filter(|(other, _)| *other != position).map(|(_, place)| place));
        others.map(|other| distance(&test[position], other)).fold(f64::MAX, f64::min)
    };
    let position = (0..test.len()).max_by(|one, other| solitude(*one).total_cmp(&solitude(*other))).unwrap();
    (position, test[position])
}

/// Where a place of the plane is on the screen, in CSS pixels of the canvas.
fn on_screen(browser: &Browser, place: [f64; 2]) -> (f64, f64) {
    let view = browser.evaluate("return [explorer.view, planeSize()]", &[]);
    let number = |value: &Value| value.as_f64().unwrap();
    let (view, size) = (&view[0], &view[1]);
    let x = number(&size["width"]) / 2.0 + (place[0] - number(&view["x"])) * number(&view["scale"]);
    let y = number(&size["height"]) / 2.0 - (place[1] - number(&view["y"])) * number(&view["scale"]);
    (x, y)
}

#[test]
fn pointing_at_an_image_shows_it_and_a_click_its_cluster() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    for run in ["cae-2", "ae-2"] {
        show_model(&browser, run);
        let (position, place) = loneliest(&study, run);
        let latents = latents(&study, run, Split::Test);
        let (x, y) = on_screen(&browser, place);
        browser.move_to("#plane", x, y);
        assert_eq!(fact(&browser, "image"), format!("test {}", latents.indices[position]));
        assert_eq!(fact(&browser, "digit"), latents.labels[position].to_string());
        let clusters = assignments(&study, run);
        let row = clusters.splits.iter().position(|split| split == "test").unwrap() + position;
        assert_eq!(fact(&browser, "cluster"), clusters.clusters[row].to_string());
        assert_eq!(fact(&browser, "taken for"), clusters.names[row].to_string());
        let shown = fact(&browser, "latent").replace('−', "-");
        assert_eq!(shown, format!("({:.2}, {:.2})", place[0], place[1]));
        // There is ink where the image lies, and a ring around it.
        browser.click_at("#plane", x, y);
        let members = clusters.clusters.iter().filter(|cluster| **cluster == clusters.clusters[row]).count();
        let title = browser.text("#cluster-title");
        let beginning = format!("Cluster {}, taken for {}", clusters.clusters[row], clusters.names[row]);
        assert_eq!(title, format!("{beginning}: {members} images"));
        let wall =
            browser.evaluate("const wall = document.querySelector('#wall'); return [wall.width, wall.height]", &[]);
        let rows = members.min(120).div_ceil(12);
        assert_eq!(wall, json!([12 * 28, rows * 28]));
    }
    assert_eq!(browser.console_errors(), Vec::<String>::new());
}

/// Who hears the page is told what was chosen, and not what a pointer passes on its way.
#[test]
fn what_is_chosen_is_said_with_a_pointer_and_without() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    show_model(&browser, "cae-2");
    let (position, place) = loneliest(&study, "cae-2");
    let index = latents(&study, "cae-2", Split::Test).indices[position];
    let (x, y) = on_screen(&browser, place);
    browser.move_to("#plane", x, y);
    assert_eq!(fact(&browser, "image"), format!("test {index}"));
    assert_eq!(browser.text("#said"), "");
    browser.click_at("#plane", x, y);
    assert!(browser.text("#said").starts_with(&format!("image test {index}, digit ")), "{}", browser.text("#said"));
    // Through the largest cluster by keyboard: its first image, the one beside that, and the one below.
    let largest = "const { clusters } = explorer.model;
        const size = (cluster) => clusters.filter((other) => other === cluster).length;
        showCluster([...new Set(clusters)].sort((one, other) => size(other) - size(one))[0]);
        explorer.selected = -1;";
    browser.evaluate(largest, &[]);
    for (key, member) in [("ArrowRight", 0), ("ArrowRight", 1), ("ArrowDown", 13), ("ArrowLeft", 12), ("ArrowUp", 0)] {
        browser.press("#wall", key);
        assert_eq!(browser.evaluate("return explorer.members.indexOf(explorer.selected)", &[]), json!(member), "{key}");
    }
    assert!(browser.text("#said").starts_with(&format!("image {}, digit ", fact(&browser, "image"))));
    assert_eq!(browser.console_errors(), Vec::<String>::new());
}

#[test]
fn an_image_is_found_by_its_index() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    let labels = latents(&study, "ae-2", Split::Test).labels;
    browser.type_into("#search-index", "17");
    browser.press("#search-index", "Enter");
    assert_eq!((fact(&browser, "image"), fact(&browser, "digit")), ("test 17".to_owned(), labels[17].to_string()));
    // It stays chosen in another model.
    show_model(&browser, "cae-2");
    assert_eq!(fact(&browser, "image"), "test 17");
    browser.evaluate("document.querySelector('#search-index').value = 99999", &[]);
    browser.click("#search button");
    assert_eq!(fact(&browser, "not found"), "test 99999");
    // The next one by keyboard.
    browser.press("#plane", "]");
    assert_eq!(fact(&browser, "image"), "test 18");
}

#[test]
fn the_plane_moves_and_grows() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    let view = || {
        let view = browser.evaluate("return [explorer.view.x, explorer.view.y, explorer.view.scale]", &[]);
        serde_json::from_value::<[f64; 3]>(view).unwrap()
    };
    let all = view();
    browser.drag("#plane", (300.0, 300.0), (360.0, 280.0));
    let [x, y, scale] = view();
    assert!((all[0] - x - 60.0 / scale).abs() < 1e-9 && (all[1] - y - 20.0 / scale).abs() < 1e-9, "{all:?} {x} {y}");
    browser.wheel("#plane", 300.0, 300.0, -400);
    browser.wait_for(&format!("explorer.view.scale > {scale}"), "a larger plane");
    browser.press("#plane", "0");
    assert_eq!(view(), all);
    browser.press("#plane", "+ ArrowRight");
    let [x, _, scale] = view();
    assert!(scale > all[2] && x > all[0]);
    // The same arrow in a field moves nothing.
    browser.press("#search-index", "ArrowUp");
    assert_eq!(view()[1], all[1]);
}

/// Pixels of the plane by their colours, but for those that are empty.
fn colours(browser: &Browser) -> Vec<String> {
    let script = "paint();
        const { width, height } = planeSize();
        const pixels = new Uint32Array(document.querySelector('#plane').getContext('2d').getImageData(0, 0, width, height).data.buffer);
        const found = new Map();
        for (const pixel of pixels) if (pixel >>> 24 === 255) found.set(pixel, (found.get(pixel) ?? 0) + 1);
        return [...found].filter(([, count]) => count >= 5).map(([pixel]) => String(pixel));";
    let mut colours: Vec<String> = serde_json::from_value(browser.evaluate(script, &[])).unwrap();
    colours.sort();
    colours
}

#[test]
fn colours_say_what_is_asked_for() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    browser.evaluate("explorer.selected = -1", &[]);
    let expected = |script: &str| {
        let mut colours: Vec<String> = serde_json::from_value(browser.evaluate(script, &[])).unwrap();
        colours.sort();
        colours
    };
    let by_digit = expected("return data.digit_colours.map((colour) => String(pixelColour(colour)))");
    assert_eq!(colours(&browser), by_digit);
    // A digit can be hidden.
    browser.click("#legend button:nth-child(4)");
    browser.evaluate("explorer.selected = -1", &[]);
    assert_eq!(colours(&browser).len(), 9);
    choose(&browser, "#colouring", "mistake");
    assert_eq!(browser.texts("#legend button"), ["right", "wrong"]);
    let kinds = "return ['--soft', '--alarm'].map((name) => String(pixelColour(themeColour(name))))";
    assert_eq!(colours(&browser), expected(kinds));
    browser.click("#legend button:nth-child(1)");
    let count = browser.evaluate("return explorer.order.length", &[]);
    let clusters = assignments(&study, "ae-2");
    let wrong = clusters.names.iter().zip(&clusters.labels).filter(|(name, label)| name != label).count();
    assert_eq!(count, json!(wrong));
    choose(&browser, "#split", "test");
    let of_test = clusters.splits.iter().zip(clusters.names.iter().zip(&clusters.labels));
    let wrong = of_test.filter(|(split, (name, label))| *split == "test" && name != label).count();
    assert_eq!(browser.evaluate("return explorer.order.length", &[]), json!(wrong));
}

#[test]
fn the_decoded_plane_lies_under_the_points() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    let is_hidden = |run: &str| {
        show_model(&browser, run);
        browser.evaluate("return document.querySelector('#decoded-label').hidden", &[])
    };
    assert_eq!((is_hidden("ae-8"), is_hidden("cae-2")), (json!(true), json!(false)));
    let drawn = "const canvas = document.querySelector('#decoded-plane');
        return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.filter((_, at) => at % 4 === 3).every((opacity) => opacity === 255);";
    browser.click("#decoded");
    browser.wait_for("document.querySelector('#decoded-plane').dataset.drawn", "the decoded plane");
    assert_eq!(browser.evaluate(drawn, &[]), json!(true));
    // The cell around the middle of the view shows what the decoder makes of that place.
    let script = "const canvas = document.querySelector('#decoded-plane');
        const side = CELL * devicePixelRatio;
        const [left, top] = [canvas.width / 2, canvas.height / 2];
        const levels = explorer.model.decode(toPlace(decodedPlane.view, planeSize(), left + side / 2, top + side / 2));
        const mean = levels.reduce((sum, level) => sum + 255 * level, 0) / levels.length;
        const shown = canvas.getContext('2d').getImageData(left, top, side, side).data.filter((_, at) => at % 4 === 0);
        return Math.abs(mean - shown.reduce((sum, level) => sum + level, 0) / shown.length);";
    let difference = browser.evaluate(script, &[]).as_f64().unwrap();
    assert!(difference < 3.0, "{difference} levels of 255 off");
    browser.click("#decoded");
    browser.wait_for("decodedPlane.view === null", "the plane without images");
    assert_eq!(browser.evaluate(drawn, &[]), json!(false));
}

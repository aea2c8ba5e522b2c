//! The client that tests of pages stand on, held against pages whose answers are known.

use std::fs;
use std::path::PathBuf;

use pipeline_tests::Browser;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Pages in a folder that vanishes with it. The name takes some care in an address.
struct Pages {
    folder: TempDir,
}

impl Pages {
    fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("ein paar # Seiten %20 ü").tempdir().unwrap() }
    }

    /// A page with `body`, and `name` as its title.
    fn page(&self, name: &str, body: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{name}.html"));
        fs::write(&path, format!("<!doctype html><meta charset=utf-8><title>{name}</title>{body}")).unwrap();
        path
    }
}

/// What a page has collected in its variable `events`, and nothing after that.
fn events(browser: &Browser) -> Value {
    browser.evaluate("return events.splice(0)", &[])
}

#[test]
fn a_page_is_read_resized_and_pictured_in_a_browser() {
    if !Browser::available() {
        return;
    }
    let pages = Pages::new();
    let body = "<style>@media (prefers-color-scheme: dark) { p { color: white } }</style>
        <p id=first class=line data-kind='plain'>one <b>and</b> a half</p><p class=line hidden>two</p>
        <svg width=50 height=20><text class=line y=15>drawn ü</text></svg><div style='height: 3000px'></div>
        <script>
            let resized = 0;
            addEventListener('resize', () => resized++);
            setTimeout(() => document.title = 'later', 100);
        </script>";
    let browser = Browser::open(&pages.page("reading", body), 1000, 700);
    assert_eq!(browser.evaluate("return [innerWidth, innerHeight, devicePixelRatio]", &[]), json!([1000, 700, 1]));
    assert_eq!(browser.text("p"), "one and a half");
    assert_eq!(browser.texts(".line"), ["one and a half", "two", "drawn ü"]);
    assert_eq!(browser.texts(".none"), Vec::<String>::new());
    assert_eq!(browser.attribute("#first", "data-kind").as_deref(), Some("plain"));
    assert_eq!(browser.attribute("#first", "title"), None);
    assert_eq!(browser.evaluate("return arguments[0] + arguments[1].a", &[json!(1), json!({ "a": 2 })]), json!(3));
    assert_eq!(browser.evaluate_async("return await Promise.resolve(arguments[0])", &[json!("late")]), json!("late"));
    browser.wait_for("document.title === 'later'", "a title that comes later");

    browser.resize(400, 300);
    assert_eq!(browser.evaluate("return [innerWidth, innerHeight]", &[]), json!([400, 300]));
    assert!(browser.evaluate("return resized", &[]).as_u64() > Some(0));
    for (is_dark, colour) in [(true, "rgb(255, 255, 255)"), (false, "rgb(0, 0, 0)")] {
        browser.prefers_dark(is_dark);
        assert_eq!(browser.evaluate("return matchMedia('(prefers-color-scheme: dark)').matches", &[]), json!(is_dark));
        assert_eq!(browser.evaluate("return getComputedStyle(first).color", &[]), json!(colour));
    }

    let picture = pages.folder.path().join("page.png");
    browser.screenshot(&picture);
    let picture = fs::read(picture).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    let number = |place: usize| u32::from_be_bytes(picture[place..place + 4].try_into().unwrap());
    assert!(number(16) == 400 && number(20) > 3000, "{} × {}", number(16), number(20));

    assert_eq!(browser.console_errors(), Vec::<String>::new());
    assert_eq!(browser.requests(), Vec::<String>::new());
}

#[test]
fn mouse_wheel_and_keys_reach_a_page_in_a_browser() {
    if !Browser::available() {
        return;
    }
    let pages = Pages::new();
    let body = "<style>body { margin: 0 } #plot { position: absolute; left: 30.5px; top: 2000px }</style>
        <button onclick='events.push(\"button\")'>push</button><input id=field value=a>
        <svg id=plot tabindex=0 width=300 height=200><rect width=300 height=200 fill=teal /></svg>
        <div style='height: 4000px'></div>
        <script>
            const events = [];
            const box = () => plot.getBoundingClientRect();
            for (const kind of ['mousemove', 'mousedown', 'mouseup', 'click']) {
                plot.addEventListener(kind, event => {
                    events.push([kind, event.clientX - Math.floor(box().left), event.clientY - box().top]);
                });
            }
            plot.addEventListener('wheel', event => {
                events.push(['wheel', event.clientX - Math.floor(box().left), event.clientY - box().top, event.deltaY]);
                event.preventDefault();
            }, { passive: false });
            plot.addEventListener('keydown', event => events.push((event.shiftKey ? 'shifted ' : '') + event.key));
        </script>";
    let browser = Browser::open(&pages.page("hands", body), 800, 600);

    browser.click("button");
    assert_eq!(events(&browser), json!(["button"]));
    browser.type_into("#field", "bc");
    assert_eq!(browser.evaluate("return field.value", &[]), json!("abc"));

    // Far below the window: the page is scrolled to it.
    browser.move_to("#plot", 120.0, 45.0);
    assert_eq!(events(&browser), json!([["mousemove", 120, 45]]));
    browser.click_at("#plot", 7.0, 190.0);
    let expected = ["mousemove", "mousedown", "mouseup", "click"].map(|kind| json!([kind, 7, 190]));
    assert_eq!(events(&browser), json!(expected));

    browser.drag("#plot", (20.0, 30.0), (100.0, 150.0));
    let dragged = events(&browser);
    let dragged = dragged.as_array().unwrap();
    assert_eq!(dragged[..2], [json!(["mousemove", 20, 30]), json!(["mousedown", 20, 30])]);
    assert_eq!(dragged[2], json!(["mousemove", 30, 45]));
    assert_eq!(
        dragged[dragged.len() - 3..dragged.len() - 1],
        [json!(["mousemove", 100, 150]), json!(["mouseup", 100, 150])]
    );

    browser.wheel("#plot", 50.0, 60.0, -120);
    browser.wait_for("events.length > 0", "the wheel to reach the page");
    assert_eq!(events(&browser), json!([["wheel", 50, 60, -120]]));

    browser.press("#plot", "ArrowRight Shift+ArrowLeft Escape a + Space");
    let expected = ["ArrowRight", "shifted Shift", "shifted ArrowLeft", "Escape", "a", "shifted +", " "];
    assert_eq!(events(&browser), json!(expected));
    browser.press("#field", "Shift+Tab");
    assert_eq!(browser.evaluate("return document.activeElement.textContent", &[]), json!("push"));
    browser.press_keys("Enter");
    assert_eq!(events(&browser), json!(["button"]));
}

#[test]
fn complaints_and_requests_of_a_page_are_seen_by_a_browser() {
    if !Browser::available() {
        return;
    }
    let pages = Pages::new();
    let noisy = "<img src='http://127.0.0.1:9/x.png'><img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>
        <script src='beside.js'></script>
        <script>
            console.log('only said');
            console.warn('a warning');
            console.error('an error');
            setTimeout(() => { throw new Error('thrown') });
            Promise.reject(new Error('rejected'));
        </script>";
    let browser = Browser::open(&pages.page("noisy", noisy), 800, 600);
    let requests = browser.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert_eq!(requests[0], "http://127.0.0.1:9/x.png");
    assert!(requests[1].starts_with("file:") && requests[1].ends_with("/beside.js"), "{requests:?}");
    browser.evaluate("fetch('https://127.0.0.1:9/later').catch(() => {})", &[]);
    browser.evaluate_async("await new Promise(done => setTimeout(done, 50))", &[]);
    assert_eq!(browser.requests()[2..], ["https://127.0.0.1:9/later"]);

    let errors = browser.console_errors().join("\n");
    for expected in ["a warning", "an error", "thrown", "rejected", "x.png", "beside.js"] {
        assert!(errors.contains(expected), "no `{expected}` in\n{errors}");
    }
    assert!(!errors.contains("only said"), "{errors}");

    // What the policy holds back is a complaint, and no request.
    let strict = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">
        <img src='http://127.0.0.1:9/y.png'>";
    browser.go_to(&pages.page("strict", strict));
    assert_eq!(browser.requests(), Vec::<String>::new());
    let errors = browser.console_errors();
    assert!(errors.iter().any(|error| error.contains("Content Security Policy")), "{errors:?}");

    let quiet = "<script>new Worker(URL.createObjectURL(new Blob(['postMessage(1)'])))</script>";
    browser.go_to(&pages.page("quiet", quiet));
    browser.evaluate("location.hash = 'elsewhere'", &[]);
    browser.reload();
    assert_eq!(browser.text("title"), "quiet");
    assert_eq!(browser.requests(), Vec::<String>::new());
    assert_eq!(browser.console_errors(), Vec::<String>::new());
}

#[test]
fn what_is_not_there_is_named_by_a_browser() {
    if !Browser::available() {
        return;
    }
    let pages = Pages::new();
    let browser = Browser::open(&pages.page("bare", "<p>text</p>"), 800, 600);
    let message = |action: &dyn Fn()| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(action)).unwrap_err();
        panic.downcast_ref::<String>().unwrap().clone()
    };
    let actions: [&dyn Fn(); 5] = [
        &|| browser.click("#missing"),
        &|| drop(browser.text("#missing")),
        &|| drop(browser.attribute("#missing", "id")),
        &|| browser.press("#missing", "Enter"),
        &|| browser.move_to("#missing", 0.0, 0.0),
    ];
    for action in actions {
        assert_eq!(message(action), "no element `#missing` on the page `bare`");
    }
    assert_eq!(message(&|| browser.press("p", "Enter")), "`p` takes no focus, so no key can be pressed on it");
    let error = message(&|| drop(browser.evaluate("return nothing.at.all", &[])));
    assert!(error.contains("on the page `bare`: javascript error: nothing is not defined"), "{error}");
}

//! A headless Chromium, for tests of what a page does: a small client of W3C WebDriver.

mod driver;
mod input;
mod logs;
mod session;

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::binaries::workspace_root;
use driver::Driver;
use logs::Logs;
use session::Session;

/// Says by its value `none` that there is to be no browser.
const VARIABLE: &str = "LATENT_STUDY_BROWSER";

/// How long a page may take to become what a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often the test looks meanwhile.
const INTERVAL: Duration = Duration::from_millis(25);

/// How long a page may take to load, and a script to end, in milliseconds.
const TIME_LIMIT: u32 = 30_000;

/// For a container, offline, and the same pixels everywhere.
const OPTIONS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--disable-quic",
    "--disable-breakpad",
    "--force-device-scale-factor=1",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
];

/// A headless browser that shows one page. It ends with the value.
///
/// A script is the body of a function: it takes `arguments` and says `return`. What a test asks for and is not there fails
/// the test, which then names it and the page's title.
#[derive(Debug)]
pub struct Browser {
    logs: RefCell<Logs>,
    page: RefCell<String>,
    // In this order: the browser leaves by itself before what is left of it is killed.
    session: Session,
    _driver: Driver,
}

impl Browser {
    /// Whether tests are to use a browser; they end early where not, after this has said so.
    ///
    /// # Panics
    ///
    /// Where a browser is wanted and none is set up.
    #[must_use]
    #[track_caller]
    pub fn available() -> bool {
        match std::env::var_os(VARIABLE) {
            None => {}
            Some(none) if none == "none" => {
                eprintln!("passed over: {VARIABLE}=none, and this test needs a browser");
                return false;
            }
            Some(other) => panic!("{VARIABLE} is {other:?}; expected none, or no such variable"),
        }
        for program in ["chromium", "chromedriver"] {
            let path = installed(program);
            assert!(
                path.exists(),
                "no browser: expected {}; run scripts/set-up/browser, or set {VARIABLE}=none to have tests that need a \
                 browser passed over",
                path.display()
            );
        }
        true
    }

    /// Opens the page in a window whose inside is of that many pixels.
    #[must_use]
    #[track_caller]
    pub fn open(page: &Path, width: u32, height: u32) -> Self {
        assert!(Self::available(), "a test asks Browser::available() before it opens a page");
        let driver = Driver::start(&installed("chromedriver"));
        let profile = driver.folder().join("profile");
        let options = OPTIONS.iter().map(|option| (*option).to_owned());
        let options: Vec<_> = options.chain([format!("--user-data-dir={}", profile.display())]).collect();
        let session = Session::open(
            driver.port(),
            &json!({
                "goog:chromeOptions": {
                    "binary": installed("chromium"),
                    "args": options,
                    "perfLoggingPrefs": { "enableNetwork": true, "enablePage": false },
                },
                "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
                "timeouts": { "script": TIME_LIMIT, "pageLoad": TIME_LIMIT },
            }),
        );
        let session = session.unwrap_or_else(|error| panic!("the browser does not start: {error}"));
        let browser = Self { logs: RefCell::default(), page: RefCell::default(), session, _driver: driver };
        browser.measure(width, height);
        browser.go_to(page);
        browser.settle(width, height);
        browser
    }

    /// Opens another page in the same window, and forgets what the earlier one asked for and complained of.
    #[track_caller]
    pub fn go_to(&self, page: &Path) {
        let path = page.canonicalize().unwrap_or_else(|error| panic!("no page {}: {error}", page.display()));
        let load = |url: &str| self.done(self.session.post("/url", &json!({ "url": url })));
        load("about:blank");
        self.read_logs();
        *self.logs.borrow_mut() = Logs::default();
        load(&file_url(path.as_os_str()));
        let url = self.done(self.session.get("/url"));
        *self.page.borrow_mut() = url.as_str().unwrap_or_default().to_owned();
    }

    /// Loads the page again, as it now is.
    #[track_caller]
    pub fn reload(&self) {
        self.done(self.session.post("/refresh", &json!({})));
    }

    /// Makes the inside of the window that many pixels, and waits until the page has been laid out anew.
    #[track_caller]
    pub fn resize(&self, width: u32, height: u32) {
        self.measure(width, height);
        self.settle(width, height);
    }

    /// Has the page believe that its reader prefers dark colours, or light ones.
    #[track_caller]
    pub fn prefers_dark(&self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.done(self.session.devtools("Emulation.setEmulatedMedia", &features));
    }

    /// Runs a script and returns what it returns.
    #[track_caller]
    pub fn evaluate(&self, script: &str, arguments: &[Value]) -> Value {
        self.done(self.try_to_evaluate(script, arguments))
    }

    /// The same for a script that says `await`.
    #[track_caller]
    pub fn evaluate_async(&self, script: &str, arguments: &[Value]) -> Value {
        self.evaluate(&format!("return (async function () {{ {script}\n}}).apply(null, arguments)"), arguments)
    }

    /// What can be read of an element.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        let texts = self.texts(selector);
        texts.into_iter().next().unwrap_or_else(|| self.no_element(selector))
    }

    /// What can be read of each element, which may be none.
    #[track_caller]
    pub fn texts(&self, selector: &str) -> Vec<String> {
        // What is drawn has no innerText.
        let script = "return Array.from(document.querySelectorAll(arguments[0]),
            element => (element.innerText ?? element.textContent).trim())";
        let texts = self.evaluate(script, &[json!(selector)]);
        serde_json::from_value(texts).unwrap()
    }

    /// An attribute of an element, where it has it.
    #[track_caller]
    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let script = "const element = document.querySelector(arguments[0]);
            return element ? [element.getAttribute(arguments[1])] : null";
        let found = self.evaluate(script, &[json!(selector), json!(name)]);
        if found.is_null() {
            self.no_element(selector);
        }
        found[0].as_str().map(str::to_owned)
    }

    /// Waits until the condition, an expression, is true; `what` says what a test that waited in vain has waited for.
    #[track_caller]
    pub fn wait_for(&self, condition: &str, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.try_to_evaluate(&format!("return Boolean({condition})"), &[]);
            if found == Ok(Value::Bool(true)) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "waited {} s for {what} on the page `{}`: `{condition}` is {found:?}; the console says {:?}",
                PATIENCE.as_secs(),
                self.title(),
                self.console_errors()
            );
            sleep(INTERVAL);
        }
    }

    /// Writes a picture of the whole page, as PNG.
    #[track_caller]
    pub fn screenshot(&self, path: &Path) {
        let size = self.done(self.session.devtools("Page.getLayoutMetrics", &json!({})));
        let size = &size["cssContentSize"];
        let all = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let parameters = json!({ "format": "png", "captureBeyondViewport": true, "clip": all });
        let picture = self.done(self.session.devtools("Page.captureScreenshot", &parameters));
        let picture = BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        fs::write(path, picture).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// All warnings and errors since the page was opened: what it wrote to the console itself, exceptions that nobody
    /// caught, and what the browser complained of, such as violations of a Content-Security-Policy.
    #[must_use]
    #[track_caller]
    pub fn console_errors(&self) -> Vec<String> {
        self.read_logs();
        self.logs.borrow().errors()
    }

    /// The addresses of all that was asked for since the page was opened, but for the page itself and what stands in it
    /// (`data:` and the like). What a Content-Security-Policy held back is no request, but an error of the console.
    #[must_use]
    #[track_caller]
    pub fn requests(&self) -> Vec<String> {
        self.read_logs();
        self.logs.borrow().requests(&self.page.borrow())
    }

    fn try_to_evaluate(&self, script: &str, arguments: &[Value]) -> Result<Value, String> {
        self.session.post("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    #[track_caller]
    fn read_logs(&self) {
        self.done(self.logs.borrow_mut().read(&self.session).map(|()| Value::Null));
    }

    /// Sets the size that the page sees. A window of that size would not do: it has a smallest width of some 500 pixels.
    #[track_caller]
    fn measure(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.done(self.session.devtools("Emulation.setDeviceMetricsOverride", &size));
    }

    #[track_caller]
    fn settle(&self, width: u32, height: u32) {
        let what = format!("a window of {width} × {height}");
        self.wait_for(&format!("innerWidth === {width} && innerHeight === {height}"), &what);
        // The page hears of it with the next frame.
        self.evaluate_async("for (const _ of [1, 2]) await new Promise(done => requestAnimationFrame(done))", &[]);
    }

    fn title(&self) -> String {
        let title = self.try_to_evaluate("return document.title", &[]);
        title.ok().and_then(|title| Some(title.as_str()?.to_owned())).unwrap_or_default()
    }

    /// The value of a command that had to succeed.
    #[track_caller]
    fn done(&self, answer: Result<Value, String>) -> Value {
        answer.unwrap_or_else(|error| panic!("on the page `{}`: {error}", self.title()))
    }

    /// The same for a command to an element.
    #[track_caller]
    fn expect(&self, answer: Result<Value, String>, selector: &str) {
        match answer {
            Err(error) if error.starts_with("no such element") => self.no_element(selector),
            Err(error) => panic!("`{selector}` on the page `{}`: {error}", self.title()),
            Ok(_) => {}
        }
    }

    #[track_caller]
    fn no_element(&self, selector: &str) -> ! {
        panic!("no element `{selector}` on the page `{}`", self.title())
    }
}

/// Where scripts/set-up/browser links a program.
fn installed(program: &str) -> PathBuf {
    workspace_root().join(".browser").join(program)
}

/// The address of a file.
fn file_url(path: &OsStr) -> String {
    let mut url = "file://".to_owned();
    for byte in path.as_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => url.push(char::from(*byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

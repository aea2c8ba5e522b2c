//! W3C WebDriver over HTTP.

use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

/// How long a command may take. Loading a page and running a script have shorter limits, with errors of their own.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The same for leaving, after which the browser is killed anyway.
const TIME_LIMIT_OF_LEAVING: Duration = Duration::from_secs(5);

/// A log of many requests, or a picture of a long page.
const LARGEST_ANSWER: u64 = 1 << 28;

/// What the answer names an element by.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A session of a browser. The browser leaves with it.
#[derive(Debug)]
pub(super) struct Session {
    agent: Agent,
    url: String,
}

impl Session {
    /// Has the driver at `port` start a browser.
    pub(super) fn open(port: u16, capabilities: &Value) -> Result<Self, String> {
        let agent = Agent::config_builder()
            // A proxy in the environment is not for this machine.
            .proxy(None)
            .http_status_as_error(false)
            .timeout_global(Some(TIME_LIMIT))
            .build()
            .new_agent();
        let mut session = Self { agent, url: format!("http://127.0.0.1:{port}/session") };
        let answer = session.post("", &json!({ "capabilities": { "alwaysMatch": capabilities } }))?;
        let id = answer["sessionId"].as_str().ok_or_else(|| format!("no session in {answer}"))?;
        session.url = format!("{}/{id}", session.url);
        Ok(session)
    }

    /// Sends a command and returns its value.
    pub(super) fn post(&self, command: &str, body: &Value) -> Result<Value, String> {
        let request = self.agent.post(format!("{}{command}", self.url)).header("Content-Type", "application/json");
        value(request.send(body.to_string()))
    }

    /// Asks for a value.
    pub(super) fn get(&self, command: &str) -> Result<Value, String> {
        value(self.agent.get(format!("{}{command}", self.url)).call())
    }

    /// Sends a command of the Chrome DevTools Protocol.
    pub(super) fn devtools(&self, command: &str, parameters: &Value) -> Result<Value, String> {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// Sends a command to the first element that `selector` means.
    pub(super) fn post_to(&self, selector: &str, command: &str, body: &Value) -> Result<Value, String> {
        let element = self.post("/element", &json!({ "using": "css selector", "value": selector }))?;
        let element = element[ELEMENT].as_str().ok_or_else(|| format!("no element in {element}"))?;
        self.post(&format!("/element/{element}/{command}"), body)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let request = self.agent.delete(&self.url).config().timeout_global(Some(TIME_LIMIT_OF_LEAVING)).build();
        let _ = request.call();
    }
}

/// The value of an answer; else the error it names.
fn value(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, String> {
    let mut answer = answer.map_err(|error| format!("ChromeDriver does not answer: {error}"))?;
    let is_good = answer.status().is_success();
    let text = answer.body_mut().with_config().limit(LARGEST_ANSWER).read_to_string();
    let text = text.map_err(|error| format!("ChromeDriver's answer breaks off: {error}"))?;
    let mut answer: Value = serde_json::from_str(&text)
        .map_err(|error| format!("expected JSON of ChromeDriver ({error}), found: {text}"))?;
    let value = answer["value"].take();
    if is_good {
        return Ok(value);
    }
    // The message begins with the kind of error, and ends with versions.
    let message = value["message"].as_str().map_or(text.as_str(), |message| message.trim());
    Err(message.split("\n  (Session info").next().unwrap_or(message).to_owned())
}

//! What a page asked for and what it complained of.

use serde_json::{Value, json};

use super::session::Session;

/// What is left of the browser's logs. Asking for a log empties it, so what came is kept here.
#[derive(Debug, Default)]
pub(super) struct Logs {
    console: Vec<Value>,
    network: Vec<Value>,
}

impl Logs {
    /// Takes over what came since the last time.
    pub(super) fn read(&mut self, session: &Session) -> Result<(), String> {
        self.console.extend(entries(session, "browser")?);
        let events = entries(session, "performance")?;
        self.network.extend(events.iter().filter_map(|event| {
            let mut event: Value = serde_json::from_str(event["message"].as_str()?).ok()?;
            Some(event["message"].take())
        }));
        Ok(())
    }

    /// Warnings and errors: the page's own, exceptions that nobody caught, and the browser's, such as what it blocked.
    pub(super) fn errors(&self) -> Vec<String> {
        let bad =
            self.console.iter().filter(|entry| ["SEVERE", "WARNING"].iter().any(|level| entry["level"] == *level));
        bad.filter_map(|entry| Some(entry["message"].as_str()?.to_owned())).collect()
    }

    /// The addresses that were asked for, but for `page` itself, what is no request (data that stands in the page), and
    /// what the page's own policy held back.
    pub(super) fn requests(&self, page: &str) -> Vec<String> {
        let held_back = self
            .network
            .iter()
            .filter(|event| event["method"] == "Network.loadingFailed" && event["params"]["blockedReason"] == "csp");
        let held_back: Vec<_> = held_back.map(|event| &event["params"]["requestId"]).collect();
        let urls = self.network.iter().filter_map(|event| {
            let parameters = &event["params"];
            let url = match event["method"].as_str()? {
                "Network.requestWillBeSent" => &parameters["request"]["url"],
                "Network.webSocketCreated" | "Network.webTransportCreated" => &parameters["url"],
                _ => return None,
            };
            if held_back.contains(&&parameters["requestId"]) {
                return None;
            }
            Some(url.as_str()?.to_owned())
        });
        let is_inside = |url: &str| ["data:", "blob:", "about:"].iter().any(|scheme| url.starts_with(scheme));
        urls.filter(|url| !is_inside(url) && without_fragment(url) != without_fragment(page)).collect()
    }
}

fn entries(session: &Session, log: &str) -> Result<Vec<Value>, String> {
    match session.post("/se/log", &json!({ "type": log }))? {
        Value::Array(entries) => Ok(entries),
        other => Err(format!("expected a list as the log `{log}`, found {other}")),
    }
}

fn without_fragment(url: &str) -> &str {
    url.split('#').next().unwrap_or(url)
}

//! One file from a template, a style, and a script.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Content;
use crate::base64::base64;

const TEMPLATE: &str = include_str!("assets/page.html");
const STYLE: &str = include_str!("assets/style.css");

/// The parts of the script, those that others need first.
const SCRIPT: [&str; 11] = [
    include_str!("assets/parcels.js"),
    include_str!("assets/decoder.js"),
    include_str!("assets/table.js"),
    include_str!("assets/comparison.js"),
    include_str!("assets/print.js"),
    include_str!("assets/sheets.js"),
    include_str!("assets/plane.js"),
    include_str!("assets/model.js"),
    include_str!("assets/decoded.js"),
    include_str!("assets/controls.js"),
    include_str!("assets/explorer.js"),
];

/// The page that shows `content`.
pub(super) fn render(content: &Content) -> String {
    let script = format!("\"use strict\";\n{}", SCRIPT.concat());
    // Nothing but this style and this script counts, whatever a name may hold, and no request leaves the page.
    let policy = format!(
        "default-src 'none'; img-src data:; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        source(STYLE),
        source(&script)
    );
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let context = context! { policy, style => STYLE, script, page => Value::from(Serde(content)) };
    let rendered = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().and_then(|syntax| {
        environment.set_syntax(syntax);
        environment.render_str(TEMPLATE, context)
    });
    rendered.expect("the template is this program's own, and fits what it is filled with")
}

/// What names an inline style or script in a Content-Security-Policy.
fn source(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text)))
}

/// `data` as JSON that can stand in a page.
pub(super) fn json(data: &impl Serialize) -> String {
    // Only numbers, strings, lists and objects with names: they all have a JSON form.
    let text = serde_json::to_string(data).unwrap_or_default();
    // Within JSON these stand in strings only, where they mean the same so spelled.
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

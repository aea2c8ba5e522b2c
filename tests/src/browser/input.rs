//! Mouse, wheel and keyboard.

use serde_json::{Value, json};

use super::Browser;

/// In how many steps a drag goes from its one end to the other, as a hand would.
const STEPS_OF_A_DRAG: u32 = 8;

/// Where a point of an element is in the window, after the page has been scrolled so that it is there at all.
const POINT_IN_WINDOW: &str = "
    const [selector, x, y] = arguments;
    const element = document.querySelector(selector);
    if (!element) return null;
    const point = () => {
        const box = element.getBoundingClientRect();
        return [box.left + x, box.top + y];
    };
    const is_inside = ([x, y]) => x >= 0 && y >= 0 && x < innerWidth && y < innerHeight;
    if (!is_inside(point())) element.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' });
    if (!is_inside(point())) {
        const [left, top] = point();
        scrollBy({ left: left - innerWidth / 2, top: top - innerHeight / 2, behavior: 'instant' });
    }
    return point();";

const FOCUS: &str = "
    const element = document.querySelector(arguments[0]);
    if (!element) return null;
    element.focus();
    return document.activeElement === element;";

impl Browser {
    /// Clicks in the middle of an element, which nothing may cover.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        self.expect(self.session.post_to(selector, "click", &json!({})), selector);
    }

    /// Types into a field, after what stands there.
    #[track_caller]
    pub fn type_into(&self, selector: &str, text: &str) {
        self.expect(self.session.post_to(selector, "value", &json!({ "text": text })), selector);
    }

    /// Gives the focus to an element and presses keys, as in `press("#plot", "ArrowRight ArrowRight Shift+Tab")`: names
    /// as `KeyboardEvent.key` has them, or characters; `Space` is one. It fails where the element takes no focus.
    #[track_caller]
    pub fn press(&self, selector: &str, keys: &str) {
        match self.evaluate(FOCUS, &[json!(selector)]) {
            Value::Bool(true) => self.press_keys(keys),
            Value::Null => self.no_element(selector),
            _ => panic!("`{selector}` takes no focus, so no key can be pressed on it"),
        }
    }

    /// The same, with the focus where it is.
    #[track_caller]
    pub fn press_keys(&self, keys: &str) {
        let mut actions = Vec::new();
        for chord in keys.split_whitespace() {
            let names: Vec<_> = if chord == "+" { vec![chord] } else { chord.split('+').collect() };
            let codes: Vec<_> = names.into_iter().map(code_of_key).collect();
            actions.extend(codes.iter().map(|code| json!({ "type": "keyDown", "value": code })));
            actions.extend(codes.iter().rev().map(|code| json!({ "type": "keyUp", "value": code })));
        }
        self.act(&json!({ "type": "key", "id": "keyboard", "actions": actions }));
    }

    /// Moves the mouse to a point of an element, counted from its top left corner.
    #[track_caller]
    pub fn move_to(&self, selector: &str, x: f64, y: f64) {
        let point = self.point(selector, x, y);
        self.move_mouse(&[pointer_move(point)]);
    }

    /// Clicks at a point of an element, counted from its top left corner.
    #[track_caller]
    pub fn click_at(&self, selector: &str, x: f64, y: f64) {
        let point = self.point(selector, x, y);
        self.move_mouse(&[pointer_move(point), pointer_button("pointerDown"), pointer_button("pointerUp")]);
    }

    /// Presses the mouse at a point of an element, moves it to another, and lets go.
    #[track_caller]
    pub fn drag(&self, selector: &str, from: (f64, f64), to: (f64, f64)) {
        let start = self.point(selector, from.0, from.1);
        let mut actions = vec![pointer_move(start), pointer_button("pointerDown")];
        for step in 1..=STEPS_OF_A_DRAG {
            let part = f64::from(step) / f64::from(STEPS_OF_A_DRAG);
            actions.push(pointer_move((start.0 + part * (to.0 - from.0), start.1 + part * (to.1 - from.1))));
        }
        actions.push(pointer_button("pointerUp"));
        self.move_mouse(&actions);
    }

    /// Turns the wheel over a point of an element, counted from its top left corner; a positive `delta` scrolls down.
    #[track_caller]
    pub fn wheel(&self, selector: &str, x: f64, y: f64, delta: i32) {
        let (x, y) = self.point(selector, x, y);
        // Unlike the mouse, the wheel is only taken at whole pixels.
        let (x, y) = (x.floor() as i64, y.floor() as i64);
        let scroll = json!({ "type": "scroll", "x": x, "y": y, "deltaX": 0, "deltaY": delta });
        self.act(&json!({ "type": "wheel", "id": "wheel", "actions": [scroll] }));
    }

    #[track_caller]
    fn move_mouse(&self, actions: &[Value]) {
        self.act(&json!({
            "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions,
        }));
    }

    #[track_caller]
    fn act(&self, source: &Value) {
        self.done(self.session.post("/actions", &json!({ "actions": [source] })));
    }

    #[track_caller]
    fn point(&self, selector: &str, x: f64, y: f64) -> (f64, f64) {
        let point = self.evaluate(POINT_IN_WINDOW, &[json!(selector), json!(x), json!(y)]);
        match (point[0].as_f64(), point[1].as_f64()) {
            (Some(x), Some(y)) => (x, y),
            _ => self.no_element(selector),
        }
    }
}

fn pointer_move((x, y): (f64, f64)) -> Value {
    json!({ "type": "pointerMove", "duration": 0, "x": x, "y": y, "origin": "viewport" })
}

fn pointer_button(kind: &str) -> Value {
    json!({ "type": kind, "button": 0 })
}

/// The character that stands for a key in WebDriver.
#[track_caller]
fn code_of_key(name: &str) -> String {
    let mut characters = name.chars();
    let code = match name {
        "Backspace" => '\u{E003}',
        "Tab" => '\u{E004}',
        "Enter" => '\u{E007}',
        "Shift" => '\u{E008}',
        "Control" => '\u{E009}',
        "Alt" => '\u{E00A}',
        "Escape" => '\u{E00C}',
        "Space" => ' ',
        "PageUp" => '\u{E00E}',
        "PageDown" => '\u{E00F}',
        "End" => '\u{E010}',
        "Home" => '\u{E011}',
        "ArrowLeft" => '\u{E012}',
        "ArrowUp" => '\u{E013}',
        "ArrowRight" => '\u{E014}',
        "ArrowDown" => '\u{E015}',
        "Delete" => '\u{E017}',
        _ => match (characters.next(), characters.next()) {
            (Some(character), None) => character,
            _ => panic!("no key `{name}`: expected a character or a name such as Enter or ArrowLeft"),
        },
    };
    code.to_string()
}

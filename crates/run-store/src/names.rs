//! Names of runs, variants, datasets and files: what one may be, whoever chose it.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Deserializer, de};

/// The longest name, in bytes: with what is put around it, it is still a file's name.
pub(crate) const LONGEST: usize = 128;

/// Reads the tag of a variant: letters, digits, dots, underscores and hyphens, so that it can stand in a folder's name.
///
/// # Errors
/// It is empty or too long, begins with something else than a letter or digit, or holds something else.
pub fn parse_tag(text: &str) -> Result<String, String> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    let begins_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    if begins_well && text.len() <= LONGEST && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "expected a letter or digit, then letters, digits, dots, underscores and hyphens, at most {LONGEST} in all"
        ))
    }
}

/// Reads the name of a dataset, which is the name of its folder.
///
/// # Errors
/// It is empty or too long, leads to another folder, or has characters that cannot be seen.
pub fn parse_name(text: &str) -> Result<String, String> {
    let leads_away = text.contains(['/', '\\']) || text.starts_with(['.', '-']);
    if !text.trim().is_empty() && text.len() <= LONGEST && !leads_away && text.chars().all(is_visible) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "expected a name of 1 to {LONGEST} bytes that can be seen, without slashes, and no dot or hyphen in front"
        ))
    }
}

/// Reads the path of a run's folder, wherever that is. Its last part is the run's name.
///
/// # Errors
/// The name is too long, or has characters that cannot be seen.
pub fn parse_run(path: PathBuf) -> Result<PathBuf, String> {
    let absolute = std::path::absolute(&path).map_err(|error| error.to_string())?;
    match absolute.file_name().and_then(|name| name.to_str()) {
        Some(name) if name.len() <= LONGEST && name.chars().all(is_visible) => Ok(path),
        _ => Err(format!("expected a folder with a name of at most {LONGEST} bytes that can be seen")),
    }
}

/// Whether a character shows where it stands: controls do something to a terminal instead, marks of direction to what stands
/// beside them, and the last two of sixteen bits are none.
#[must_use]
fn is_visible(character: char) -> bool {
    let is_format = matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}'
            | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}'
    );
    !character.is_control() && !is_format
}

/// `text` with what a terminal would obey, and not show, written out as JSON would: parts of it may come from anybody's files.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_visible(character) || character == '\n' {
            shown.push(character);
        } else {
            let units =
                character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
            shown.push_str(&units);
        }
    }
    shown
}

/// `text` as [`printable`] in one line: names of folders may hold line breaks too.
#[must_use]
pub fn one_line(text: &str) -> String {
    printable(text).replace('\n', r"\u000a")
}

/// The beginning of `text`, which may be of any length and hold anything, for a message.
pub(crate) fn cut(text: &str) -> String {
    const SHOWN: usize = 40;
    let shown = one_line(&text.chars().take(SHOWN).collect::<String>());
    if text.chars().nth(SHOWN).is_some() { format!("`{shown}…`") } else { format!("`{shown}`") }
}

/// `word` as a shell takes it for one.
#[must_use]
pub fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "/._-+@%:=,".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Reads a map from paths below a folder, none of which leads out of it.
pub(crate) fn names_below<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    let map = BTreeMap::<String, T>::deserialize(deserializer)?;
    match map.keys().find(|name| !is_below(name)) {
        None => Ok(map),
        Some(name) => Err(de::Error::custom(format!("expected a path below the folder, found {name:?}"))),
    }
}

fn is_below(name: &str) -> bool {
    let mut parts = Path::new(name).components().peekable();
    let is_below = parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)));
    // One file has one name: `a//b` and `a/./b` are others of `a/b`.
    is_below && name.split('/').all(|part| !matches!(part, "" | ".")) && !name.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_can_stand_in_a_folders_name() {
        let longest = "k".repeat(LONGEST);
        for tag in ["k20", "a.b_c-d", "0", longest.as_str()] {
            assert_eq!(parse_tag(tag).as_deref(), Ok(tag));
        }
        for tag in
            ["", ".", "..", "-x", "_x", "a/b", "a\\b", "a b", "a\nb", "a\0b", "é", "k20\u{430}", &longest.repeat(2)]
        {
            assert!(parse_tag(tag).is_err(), "{tag:?}");
        }
    }

    #[test]
    fn names_stay_in_their_folder_and_can_be_seen() {
        for name in ["mnist", "fashion-mnist", "Größe 2", "数字", "cae-32+refined@k20"] {
            assert_eq!(parse_name(name).as_deref(), Ok(name));
            let path = PathBuf::from(format!("/somewhere/{name}"));
            assert_eq!(parse_run(path.clone()), Ok(path));
        }
        let long = "x".repeat(LONGEST + 1);
        for name in ["", " ", ".", "..", "../x", "/etc", "a/b", "a\\b", ".hidden", "-x", long.as_str()] {
            assert!(parse_name(name).is_err(), "{name:?}");
        }
        for name in ["a\u{ffff}", "a\nb", "a\0b", "a\u{1b}[2J", "a\u{202e}b", "a\u{200b}b", "\u{feff}a", "a\u{7f}"] {
            assert!(parse_name(name).is_err() && parse_run(name.into()).is_err(), "{name:?}");
        }
        assert!([long.as_str(), "/", ".."].into_iter().all(|path| parse_run(path.into()).is_err()));
    }

    #[test]
    fn a_terminal_is_told_nothing_but_what_to_show() {
        assert_eq!(printable("Größe: 2\n  k  3"), "Größe: 2\n  k  3");
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c\r"), r"a\u001b[2Jb\u202ec\u000d");
        assert_eq!(one_line("a\nb\u{85}"), r"a\u000ab\u0085");
    }

    #[test]
    fn a_shell_takes_any_word_for_one() {
        assert_eq!(quoted("artifacts/cae-32+refined"), "artifacts/cae-32+refined");
        assert_eq!(quoted("a b;$(c)"), "'a b;$(c)'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn paths_below_a_folder_do_not_lead_out_of_it() {
        assert!(["a", "checkpoint/epoch-00001/a", "a..b"].into_iter().all(is_below));
        for name in ["", "..", "../a", "a/../../b", "/a", "/", "./../a", "a\0", "a//b", "a/./b", "a/."] {
            assert!(!is_below(name), "{name:?}");
        }
    }
}

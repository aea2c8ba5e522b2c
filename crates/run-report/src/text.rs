//! Text for terminals, Markdown and JSON: names and messages that cannot break the layout.

use std::path::{Path, PathBuf};

use run_store::{StoreError, one_line};
use serde::Serializer;

/// Lines of prose are at most this long on a terminal.
const PROSE_WIDTH: usize = 100;

/// Stands where a text was cut.
pub(crate) const CUT: char = '…';

/// Keeps names and messages from being read as Markdown, at the beginning of a line too.
pub(crate) fn escape(text: &str) -> String {
    let text = one_line(text);
    let block = block_sign(&text);
    let mut escaped = String::with_capacity(text.len());
    for (place, character) in text.char_indices() {
        let (before, after) = text.split_at(place);
        let is_sign = match character {
            // Spaces in front make code of a line; one that is spelled out does not.
            ' ' if before.is_empty() => {
                escaped.push_str("&#32;");
                continue;
            }
            '|' | '*' | '_' | '`' | '<' | '[' | '\\' | '&' | '~' => true,
            // What looks like an address becomes a link.
            ':' => after.starts_with("://"),
            '.' => before.to_ascii_lowercase().ends_with("www"),
            _ => false,
        };
        if is_sign || block == Some(place) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// The place of the sign that would make a heading, a quotation, an entry of a list or a rule of a line that begins with `text`.
fn block_sign(text: &str) -> Option<usize> {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let place = text.len() - rest.len();
    let mut characters = rest.chars();
    let sign = characters.next()?;
    let ends = matches!(characters.next(), None | Some(' '));
    let is_sign = match sign {
        '#' | '>' => place == 0,
        '-' => place == 0 && (ends || rest.starts_with("--")),
        '+' => place == 0 && ends,
        '.' | ')' => place > 0 && ends,
        _ => false,
    };
    is_sign.then_some(place)
}

/// `text` as code in Markdown, whatever backticks it holds.
pub(crate) fn code(text: &str) -> String {
    let text = one_line(text);
    let longest = text.split(|character: char| character != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // A backtick of the text's own must not lie beside the fence, which it would lengthen.
    let gap = if longest == 0 { "" } else { " " };
    format!("{fence}{gap}{text}{gap}{fence}")
}

/// Names of folders may be any bytes, and JSON is Unicode.
pub(crate) fn lossy_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// Likewise of several.
pub(crate) fn lossy_paths<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
}

/// Breaks `text` between words; further lines begin with `indent`.
pub(crate) fn wrap(text: &str, indent: &str) -> String {
    let text = one_line(text);
    let mut wrapped = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > PROSE_WIDTH {
            wrapped += "\n";
            wrapped += indent;
            length = indent.len();
        } else if length > 0 {
            wrapped += " ";
            length += 1;
        }
        wrapped += word;
        length += word_length;
    }
    wrapped + "\n"
}

/// The beginning of `text`, in at most `limit` characters.
pub(crate) fn beginning(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain([CUT]).collect()
}

/// The end of `text`, in at most `limit` characters: of paths it is the end that tells them apart.
pub(crate) fn end(text: &str, limit: usize) -> String {
    let length = text.chars().count();
    if length <= limit {
        return text.to_owned();
    }
    [CUT].into_iter().chain(text.chars().skip(length + 1 - limit.min(length))).collect()
}

/// A count with its word, in the plural if need be: `1 file`, `2 files`.
pub(crate) fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// An error with what the system said.
pub(crate) fn full(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_to_a_length() {
        assert_eq!((beginning("abcdef", 6), beginning("abcdef", 4)), ("abcdef".to_owned(), "abc…".to_owned()));
        assert_eq!((end("abcdef", 6), end("abcdéf", 4)), ("abcdef".to_owned(), "…déf".to_owned()));
    }

    #[test]
    fn no_name_is_read_as_markdown() {
        for (name, expected) in [
            ("a|b*c_d`e<f[g\\h", r"a\|b\*c\_d\`e\<f\[g\\h"),
            ("a&lt;b~~c~~", r"a\&lt;b\~\~c\~\~"),
            ("# a", r"\# a"),
            ("> a", r"\> a"),
            ("- a", r"\- a"),
            ("---", r"\---"),
            ("+ a", r"\+ a"),
            ("12. a", r"12\. a"),
            ("1)", r"1\)"),
            ("    a", "&#32;   a"),
            ("www.a.b", r"www\.a.b"),
            ("http://a", r"http\://a"),
            // What means nothing where it stands is left alone.
            ("a # b > c - d 1. e", "a # b > c - d 1. e"),
            ("-0.5", "-0.5"),
            ("+0.5", "+0.5"),
            ("12.5 %", "12.5 %"),
            ("cae-32+refined: k = 10", "cae-32+refined: k = 10"),
        ] {
            assert_eq!(escape(name), expected, "{name}");
        }
    }

    #[test]
    fn code_ends_where_it_should() {
        assert_eq!(code("table --run a"), "`table --run a`");
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(code("``a`"), "``` ``a` ```");
        assert_eq!(code("a\nb"), r"`a\u000ab`");
    }
}

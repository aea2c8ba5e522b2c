//! Text for terminals, Markdown and JSON: names and messages that cannot break the layout.

use std::path::{Path, PathBuf};

use run_store::{StoreError, is_visible};
use serde::Serializer;

/// Lines of prose are at most this long on a terminal.
const PROSE_WIDTH: usize = 100;

/// Stands where a text was cut.
pub(crate) const CUT: char = '…';

/// Keeps names and messages from being read as Markdown.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in one_line(text).chars() {
        if matches!(character, '|' | '*' | '_' | '`' | '<' | '[' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Names come from folders, which may hold line breaks, terminal commands and marks of direction.
pub(crate) fn one_line(text: &str) -> String {
    text.replace(|character| !is_visible(character), "\u{fffd}")
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
}

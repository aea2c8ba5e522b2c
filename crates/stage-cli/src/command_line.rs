//! Reading a program's words.

use std::ffi::OsString;

use clap::Parser;
use clap::error::{ContextKind, ContextValue};
use run_store::one_line;

/// What the program was asked for. Where its words make no sense, or ask for help, it says so and ends the program.
#[must_use]
pub fn parse<P: Parser>() -> P {
    parse_from(std::env::args_os())
}

/// What `words` ask for, the program's name first; ends the program as [`parse`] does.
#[must_use]
pub fn parse_from<P: Parser>(words: impl IntoIterator<Item = OsString>) -> P {
    P::try_parse_from(words).unwrap_or_else(|error| visible(error).exit())
}

/// `error` without what a terminal would obey: words may come from a script that took them from anybody.
fn visible(mut error: clap::Error) -> clap::Error {
    let is_plain = |text: &String| *text == one_line(text);
    let context: Vec<(ContextKind, ContextValue)> =
        error.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in context {
        match value {
            ContextValue::String(text) if !is_plain(&text) => {
                error.insert(kind, ContextValue::String(one_line(&text)));
            }
            ContextValue::Strings(texts) if !texts.iter().all(is_plain) => {
                let texts = texts.iter().map(|text| one_line(text)).collect();
                error.insert(kind, ContextValue::Strings(texts));
            }
            // Advice that repeats such words would be bad advice.
            ContextValue::StyledStrs(texts) if !texts.iter().map(ToString::to_string).all(|text| is_plain(&text)) => {
                error.remove(kind);
            }
            _ => {}
        }
    }
    error
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[derive(Debug, Parser)]
    struct Words {
        #[arg(long)]
        count: Option<u32>,
        #[arg(long, value_parser = ["one", "two"])]
        choice: Option<String>,
    }

    #[test]
    fn wrong_words_are_shown_but_not_obeyed() {
        for bad in ["1\n2", "\u{1b}[2J", "a\u{202e}b"] {
            let cases = [
                vec![format!("--count={bad}")],
                vec!["--choice".to_owned(), bad.to_owned()],
                vec![format!("--coun{bad}")],
                vec![bad.to_owned()],
            ];
            for words in cases {
                let words = std::iter::once("program".to_owned()).chain(words);
                let error = visible(Words::try_parse_from(words).unwrap_err());
                let text = error.render().to_string();
                assert!(!text.contains(bad) && text.contains(&one_line(bad)), "{text:?}");
                assert_eq!(text.replace('\n', ""), one_line(&text.replace('\n', "")));
            }
        }
        let error = visible(Words::try_parse_from(["program", "--counts", "3"]).unwrap_err());
        assert!(error.render().to_string().contains("similar argument exists: '--count'"));
    }
}

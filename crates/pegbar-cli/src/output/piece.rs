//! Pieces of lines: what two things have alike, and what only one of them has.

use super::printable;
use crate::color::{self, painted};

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// As it is.
    Plain(String),
    /// A title.
    Title(String),
    /// The name of a field.
    Name(String),
    /// What only the first of two things has.
    Removed(String),
    /// What only the second of two things has.
    Added(String),
}

impl Piece {
    /// Writes it in its colour, or else with signs as `git diff --word-diff` has them.
    pub(super) fn to_text(&self, is_coloured: bool) -> String {
        let (text, style, signs) = match self {
            Self::Plain(text) => return printable(text),
            Self::Title(text) => (text, color::TITLE, ("", "")),
            Self::Name(text) => (text, color::NAME, ("", "")),
            Self::Removed(text) => (text, color::REMOVED, ("[-", "-]")),
            Self::Added(text) => (text, color::ADDED, ("{+", "+}")),
        };
        let text = printable(text);
        if is_coloured {
            return painted(&text, style, true);
        }
        format!("{}{text}{}", signs.0, signs.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_signs_say_what_was_removed_and_added() {
        let pieces = [
            Piece::Plain("a ".to_owned()),
            Piece::Removed("red".to_owned()),
            Piece::Added("blue\u{1b}[2J".to_owned()),
        ];
        let text = |is_coloured| -> String {
            pieces
                .iter()
                .map(|piece| piece.to_text(is_coloured))
                .collect()
        };
        assert_eq!(text(false), "a [-red-]{+blue␛[2J+}");
        assert_eq!(
            text(true),
            "a \u{1b}[31mred\u{1b}[0m\u{1b}[32mblue␛[2J\u{1b}[0m"
        );
    }
}

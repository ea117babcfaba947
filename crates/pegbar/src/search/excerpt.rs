//! Where a text that was searched for stands.

use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation as _;

use super::text::{fold_case, folded};

/// How many characters an excerpt has on each side of what was found.
const AROUND: usize = 32;

/// A place where some of the text stands that was searched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TextMatch {
    /// What it stands in.
    pub field: MatchedField,
    /// Of a claim: the program that says so; `None` for prompts.
    pub tool: Option<String>,
    /// Of a claim: its place among the asset's claims, from 0; `None` for prompts.
    pub position: Option<u32>,
    /// What stands before it: a few words, with … where there is more.
    pub before: String,
    /// What was found, as it is spelled there.
    pub found: String,
    /// What stands behind it: a few words, with … where there is more.
    pub after: String,
}

/// What a text stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MatchedField {
    /// The prompt.
    Prompt,
    /// The system prompt.
    SystemPrompt,
    /// What a file or another program says, which may be wrong.
    Claim,
}

impl std::fmt::Display for MatchedField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Prompt => "prompt",
            Self::SystemPrompt => "system prompt",
            Self::Claim => "claim",
        })
    }
}

impl TextMatch {
    /// Finds the first of the folded words in a text.
    pub(super) fn of(field: MatchedField, text: &str, words: &[String]) -> Option<Self> {
        let whole = folded(text);
        let word = words.iter().find(|word| whole.contains(word.as_str()))?;
        let (start, end) = place_of(text, word).unwrap_or((0, 0));
        Some(Self {
            field,
            tool: None,
            position: None,
            before: end_of(&text[..start]),
            found: text[start..end].to_owned(),
            after: beginning_of(&text[end..]),
        })
    }
}

/// Returns where a folded word stands in a text as it is spelled: whole graphemes.
fn place_of(text: &str, word: &str) -> Option<(usize, usize)> {
    let mut folded = String::with_capacity(text.len());
    // For each grapheme, where it begins folded and where it begins as it is spelled.
    let mut places: Vec<(usize, usize)> = Vec::with_capacity(text.len());
    for (start, grapheme) in text.grapheme_indices(true) {
        places.push((folded.len(), start));
        if grapheme.chars().all(char::is_whitespace) {
            if !folded.ends_with(' ') {
                folded.push(' ');
            }
        } else {
            folded.push_str(&fold_case(grapheme));
        }
    }
    let found = folded.find(word)?;
    let first = places
        .partition_point(|(at, _)| *at <= found)
        .checked_sub(1)?;
    let behind = places.partition_point(|(at, _)| *at < found + word.len());
    let end = places.get(behind).map_or(text.len(), |(_, start)| *start);
    Some((places.get(first)?.1, end))
}

fn end_of(text: &str) -> String {
    let mut graphemes = text.grapheme_indices(true).rev();
    match graphemes.nth(AROUND) {
        Some((cut, grapheme)) => format!("…{}", &text[cut + grapheme.len()..]),
        None => text.to_owned(),
    }
}

fn beginning_of(text: &str) -> String {
    match text.grapheme_indices(true).nth(AROUND) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, words: &[&str]) -> Option<String> {
        let words: Vec<String> = words.iter().map(|word| folded(word)).collect();
        let found = TextMatch::of(MatchedField::Prompt, text, &words)?;
        Some(format!("{}[{}]{}", found.before, found.found, found.after))
    }

    #[test]
    fn an_excerpt_shows_what_was_found_as_it_is_spelled() {
        let shown = |text: &str, words: &[&str]| found(text, words).unwrap();
        assert_eq!(shown("a Small Cat", &["small"]), "a [Small] Cat");
        assert_eq!(
            shown("die STRASSE, nass", &["straße"]),
            "die [STRASSE], nass"
        );
        assert_eq!(shown("eine Straße", &["strasse"]), "eine [Straße]");
        assert_eq!(shown("in İstanbul", &["istan"]), "in [İstan]bul");
        assert_eq!(shown("a\n  big cat", &["a big"]), "[a\n  big] cat");
        assert_eq!(shown("夜に走る猫", &["走る"]), "夜に[走る]猫");
        assert_eq!(found("a cat", &["dog"]), None);
    }

    #[test]
    fn an_excerpt_is_short() {
        let text = "あ".repeat(100) + "cat" + &"é".repeat(100);
        let shown = found(&text, &["cat"]).unwrap();
        let expected = format!("…{}[cat]{}…", "あ".repeat(32), "é".repeat(32));
        assert_eq!(shown, expected);
    }
}

//! Path segments: display names as names of files and folders, on every system.

use unicode_general_category::{GeneralCategory as Category, get_general_category};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// The longest segment, in bytes. Three of them and an index fit a file name of 255 bytes.
const MAX_BYTES: usize = 64;

/// What a name without a single letter or digit is called on disk.
const EMPTY: &str = "untitled";

/// A segment, and the key by which two of them are the same on some file systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) text: String,
    pub(crate) key: String,
}

impl Segment {
    /// Makes a segment of a display name: letters, marks and digits of every script stay
    /// (NFC), everything else becomes one `-`; at most 64 bytes, cut between graphemes.
    pub(crate) fn of(name: &str) -> Self {
        let mut text = String::with_capacity(name.len());
        let mut has_base = false;
        for c in name.nfc() {
            match class(c) {
                Class::Base => {
                    text.push(c);
                    has_base = true;
                }
                // A mark belongs to a letter; one that follows an emoji or nothing does not.
                Class::Mark if has_base => text.push(c),
                Class::Mark => {}
                Class::Other => {
                    if has_base {
                        text.push('-');
                    }
                    has_base = false;
                }
            }
        }
        let text = cut(text.trim_matches('-'), MAX_BYTES).trim_end_matches('-');
        let text = if text.is_empty() { EMPTY } else { text };
        let segment = Self::from_text(text.to_owned());
        if is_device_name(&segment.key) {
            return Self::from_text(segment.text + "-file");
        }
        segment
    }

    fn from_text(text: String) -> Self {
        let key = fold(&text);
        Self { text, key }
    }

    /// Makes a segment whose key is not taken: itself, or with `-2`, `-3` … behind it.
    pub(crate) fn unique(self, is_taken: impl Fn(&str) -> bool) -> Self {
        if !is_taken(&self.key) {
            return self;
        }
        let mut number = 2_u64;
        loop {
            let suffix = format!("-{number}");
            let stem = cut(&self.text, MAX_BYTES - suffix.len()).trim_end_matches('-');
            let candidate = Self::from_text(format!("{stem}{suffix}"));
            if !is_taken(&candidate.key) {
                return candidate;
            }
            number += 1;
        }
    }
}

/// Says whether a text stays within its folder as part of a path, whoever wrote it.
pub(crate) fn is_safe(text: &str) -> bool {
    let leads_on = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':');
    !text.is_empty()
        && text.len() <= MAX_BYTES
        && !text.starts_with('.')
        && !text.contains(leads_on)
}

/// Takes over a segment that another program wrote, if it stays within its folder and every
/// disk can hold it.
pub(crate) fn taken_over(text: &str) -> Option<Segment> {
    let segment = Segment::from_text(text.to_owned());
    let stem = segment.key.split('.').next().unwrap_or_default();
    let is_kept = is_safe(text)
        && !text.ends_with(['.', ' '])
        && !is_device_name(stem)
        && text.nfc().eq(text.chars());
    is_kept.then_some(segment)
}

enum Class {
    Base,
    Mark,
    Other,
}

fn class(c: char) -> Class {
    match get_general_category(c) {
        Category::UppercaseLetter
        | Category::LowercaseLetter
        | Category::TitlecaseLetter
        | Category::ModifierLetter
        | Category::OtherLetter
        | Category::DecimalNumber => Class::Base,
        Category::NonspacingMark | Category::SpacingMark | Category::EnclosingMark => Class::Mark,
        _ => Class::Other,
    }
}

/// Folds what a file system may hold for the same name: compatibility forms and case. Upper
/// case first, so that `ß` meets `SS` and a final sigma the other one.
pub(crate) fn fold(text: &str) -> String {
    let upper: String = text.nfkc().flat_map(char::to_uppercase).collect();
    upper.chars().flat_map(char::to_lowercase).nfkc().collect()
}

/// Cuts between graphemes; a single grapheme that is too long is cut between characters.
fn cut(text: &str, max_bytes: usize) -> &str {
    if text.len() <= max_bytes {
        return text;
    }
    let ends = text
        .grapheme_indices(true)
        .map(|(start, grapheme)| start + grapheme.len());
    let end = ends.take_while(|end| *end <= max_bytes).last();
    let end = end.unwrap_or_else(|| text.floor_char_boundary(max_bytes));
    &text[..end]
}

/// Names that Windows keeps for devices, with any extension.
fn is_device_name(key: &str) -> bool {
    let numbered = |prefix: &str| {
        let number = key.strip_prefix(prefix);
        number.is_some_and(|n| n.len() == 1 && n.as_bytes()[0].is_ascii_digit())
    };
    matches!(key, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str) -> String {
        Segment::of(name).text
    }

    #[test]
    fn letters_marks_and_digits_of_every_script_stay() {
        assert_eq!(text("走る"), "走る");
        assert_eq!(text("नमस्ते"), "नमस्ते");
        assert_eq!(text("Walk  cycle (v2)"), "Walk-cycle-v2");
        assert_eq!(text("cafe\u{301}"), "café");
        assert_eq!(text("٣ walk"), "٣-walk");
    }

    #[test]
    fn nothing_that_means_something_to_a_file_system_stays() {
        assert_eq!(text("../../etc"), "etc");
        assert_eq!(text("a_b/c\\d:e"), "a-b-c-d-e");
        assert_eq!(text(".hidden. "), "hidden");
        assert_eq!(text("🏃\u{fe0f}"), "untitled");
        assert_eq!(text("🏃\u{fe0f} run"), "run");
        assert_eq!(text("\u{202e}gnp.exe"), "gnp-exe");
        assert_eq!(text(""), "untitled");
        assert_eq!(text("CON"), "CON-file");
        assert_eq!(text("lpt9"), "lpt9-file");
        assert_eq!(text("console"), "console");
    }

    #[test]
    fn long_names_are_cut_between_graphemes() {
        assert_eq!(text(&"a".repeat(300)).len(), 64);
        let family = "ก\u{e33}".repeat(60);
        assert!(text(&family).len() <= 64 && family.starts_with(&text(&family)));
        let marks = format!("a{}", "\u{301}".repeat(300));
        assert!(text(&marks).len() <= 64);
    }

    #[test]
    fn names_that_some_disk_takes_for_the_same_get_a_number() {
        let taken = ["walk".to_owned(), fold("straße")];
        let is_taken = |key: &str| taken.iter().any(|t| t == key);
        assert_eq!(Segment::of("Walk").unique(is_taken).text, "Walk-2");
        assert_eq!(Segment::of("ＷＡＬＫ").unique(is_taken).text, "ＷＡＬＫ-2");
        assert_eq!(Segment::of("STRASSE").unique(is_taken).text, "STRASSE-2");
        let long = Segment::of(&"b".repeat(64));
        let key = long.key.clone();
        let second = long.unique(|k| k == key);
        assert_eq!(second.text.len(), 64);
        assert!(second.text.ends_with("b-2"));
    }

    #[test]
    fn a_segment_of_another_program_stays_where_every_disk_can_hold_it() {
        for text in ["Miro", "my_fox.v2", "走る", "Walk cycle"] {
            assert_eq!(taken_over(text).unwrap().text, text);
        }
        let long = "a".repeat(65);
        let unsafe_ones = [
            "", ".", "..", "a/b", "a\\b", "C:", ".x", "a\0", "a.", "a ", "con",
        ];
        for text in unsafe_ones
            .into_iter()
            .chain(["NUL.png", "e\u{301}", &long])
        {
            assert_eq!(taken_over(text), None, "{text:?}");
        }
    }
}

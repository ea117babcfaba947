//! Text as it is compared: any script, upper and lower case alike, on every engine the same.

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfkc_quick};

use crate::segment;

/// Returns a text as it is compared. Compatibility forms and case are folded as in names of
/// files; a dotted İ is an i, as most people type it; white space is one space.
pub(super) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(&mut folded, text);
    folded
}

/// Folds a text into a buffer that is used again and again.
pub(super) fn fold_into(folded: &mut String, text: &str) {
    folded.clear();
    let mut rest = text;
    while !rest.is_empty() {
        let ascii = rest.bytes().take_while(u8::is_ascii).count();
        // A mark of another script may belong to the letter before it.
        let alone = if ascii == rest.len() {
            ascii
        } else {
            ascii.saturating_sub(1)
        };
        push_spaced(
            folded,
            rest[..alone].chars().map(|c| c.to_ascii_lowercase()),
        );
        rest = &rest[alone..];
        let mut others = rest.char_indices().skip(1);
        let end = others.find(|(_, c)| c.is_ascii());
        let end = end.map_or(rest.len(), |(end, _)| end);
        if end > 0 {
            push_spaced(folded, fold_case(&rest[..end]).chars());
        }
        rest = &rest[end..];
    }
}

/// Folds all but white space.
pub(super) fn fold_case(text: &str) -> String {
    // Scripts without case and letters that are composed already need no tables of forms.
    let folded: String = if is_nfkc_quick(text.chars()) == IsNormalized::Yes {
        let upper = text.chars().flat_map(char::to_uppercase);
        let lower: String = upper.flat_map(char::to_lowercase).collect();
        match is_nfkc_quick(lower.chars()) {
            IsNormalized::Yes => lower,
            _ => lower.nfkc().collect(),
        }
    } else {
        segment::fold(text)
    };
    if folded.contains('\u{307}') {
        return folded.replace("i\u{307}", "i");
    }
    folded
}

fn push_spaced(folded: &mut String, characters: impl Iterator<Item = char>) {
    for c in characters {
        if !c.is_whitespace() {
            folded.push(c);
        } else if !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Folds all of a text at once, without what makes that quick.
    fn folded_whole(text: &str) -> String {
        let whole = segment::fold(text).replace("i\u{307}", "i");
        let mut folded = String::new();
        push_spaced(&mut folded, whole.chars());
        folded
    }

    #[test]
    fn a_text_is_folded_alike_in_parts_and_as_a_whole() {
        for text in [
            "",
            "a",
            "é",
            "e\u{301}",
            "cafe\u{301} noir",
            "\u{301}a",
            "a\u{301}\u{327}b",
            "Straße, STRASSE! ẞ",
            "İİ i\u{307} I\u{307}",
            "ΟΔΟΣ οδός",
            "夜に走る猫\u{3000}ﾊﾝｶｸ",
            "한국어 가\u{11a8}",
            "ﬁne ①Ⅷ ½ ǅ ŉ",
            "a \u{a0} b\u{2003}\n c",
            "K\u{212a}ſ",
            "\u{390} \u{1f80} \u{345}",
        ] {
            assert_eq!(folded(text), folded_whole(text), "{text:?}");
        }
    }

    #[test]
    fn case_is_no_difference_in_any_script() {
        for (a, b) in [
            ("WALKING Cat", "walking cat"),
            ("ÄRGER", "ärger"),
            ("Straße", "STRASSE"),
            ("İstanbul", "istanbul"),
            ("ΟΔΟΣ", "οδός".replace('ό', "ο").as_str()),
            ("КОТ", "кот"),
            ("Cafe\u{301}", "CAFÉ"),
            ("ＣＡＴ", "cat"),
            ("ﬁne", "FINE"),
            ("a \n\t b", "A b"),
        ] {
            assert_eq!(folded(a), folded(b));
        }
        assert_ne!(
            folded("schön"),
            folded("schon"),
            "an umlaut is another letter"
        );
        assert_eq!(folded("走る猫"), "走る猫");
    }
}

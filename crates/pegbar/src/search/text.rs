//! Text as it is compared: any script, upper and lower case alike, on every engine the same.

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
    if text.is_ascii() {
        push_spaced(folded, text.chars().map(|c| c.to_ascii_lowercase()));
        return;
    }
    push_spaced(folded, fold_case(text).chars());
}

/// Folds all but white space.
pub(super) fn fold_case(text: &str) -> String {
    let folded = segment::fold(text);
    if folded.contains('\u{307}') {
        return folded.replace("i\u{307}", "i");
    }
    folded
}

fn push_spaced(folded: &mut String, characters: impl Iterator<Item = char>) {
    let mut is_after_space = false;
    for c in characters {
        let is_space = c.is_whitespace();
        if !is_space {
            folded.push(c);
        } else if !is_after_space {
            folded.push(' ');
        }
        is_after_space = is_space;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

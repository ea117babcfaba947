//! What the name of a file says: a word and a number.

/// The name of an image without its ending, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FrameName<'a> {
    /// What stands before the number, without what separates the two: `tabby_walk`.
    pub(super) prefix: &'a str,
    /// The number at the end; `None` where there is none.
    pub(super) index: Option<u64>,
}

/// How many digits make a number a time in milliseconds, and no frame's.
const DIGITS_OF_A_TIME: usize = 12;

/// What separates words in names.
const SEPARATORS: [char; 5] = ['_', '-', '.', ' ', '#'];

/// Words that say of a number that it is a frame's, and nothing else.
const GENERIC: [&str; 14] = [
    "", "f", "fr", "frame", "frames", "img", "image", "pic", "sprite", "tile", "cel", "cell",
    "layer", "export",
];

impl<'a> FrameName<'a> {
    /// Takes the name of a file apart.
    pub(super) fn of(file_name: &'a str) -> Self {
        let stem = file_name
            .rsplit_once('.')
            .map_or(file_name, |(stem, _)| stem);
        let (prefix, digits) = number_at_the_end(stem);
        // `walk_3_1767251343859`: an app's time behind the frame's number.
        if digits.len() >= DIGITS_OF_A_TIME {
            let (before, inner) = number_at_the_end(prefix);
            let index = inner.parse().ok();
            let prefix = if index.is_some() { before } else { prefix };
            return Self { prefix, index };
        }
        Self {
            prefix,
            index: digits.parse().ok(),
        }
    }

    /// Says whether the prefix says nothing but that this is a frame.
    pub(super) fn is_generic(&self) -> bool {
        let word = self.prefix.to_lowercase();
        GENERIC.contains(&word.trim_matches(SEPARATORS))
    }

    /// Splits `tabby_walk` into the character and the animation, at the last separator.
    pub(super) fn character_and_animation(&self) -> Option<(&'a str, &'a str)> {
        let split = ['_', '-', ' ', '.']
            .into_iter()
            .find_map(|separator| self.prefix.rsplit_once(separator));
        let (character, animation) = split?;
        let (character, animation) = (
            character.trim_matches(SEPARATORS),
            animation.trim_matches(SEPARATORS),
        );
        (!character.is_empty() && !animation.is_empty()).then_some((character, animation))
    }
}

/// Splits the digits off the end, also where they stand in brackets: `walk (3)`.
fn number_at_the_end(stem: &str) -> (&str, &str) {
    let inner = stem.strip_suffix([')', ']']).unwrap_or(stem);
    let digits = inner.len() - inner.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 {
        return (stem.trim_end_matches(SEPARATORS), "");
    }
    let (prefix, number) = inner.split_at(inner.len() - digits);
    let prefix = prefix.trim_end_matches(['(', '[']);
    (prefix.trim_end_matches(SEPARATORS), number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_and_a_number() {
        for (name, prefix, index) in [
            ("walk_3.png", "walk", Some(3)),
            ("walk_003.png", "walk", Some(3)),
            ("tabby-walk-12.png", "tabby-walk", Some(12)),
            ("walk (7).png", "walk", Some(7)),
            ("walk.0007.png", "walk", Some(7)),
            ("0.png", "", Some(0)),
            ("frame_000.png", "frame", Some(0)),
            ("front.png", "front", None),
            ("hero_walk_2_1767251343859.png", "hero_walk", Some(2)),
            ("char_1767250950182.png", "char", None),
            ("走る_3.webp", "走る", Some(3)),
            ("noextension", "noextension", None),
        ] {
            assert_eq!(FrameName::of(name), FrameName { prefix, index }, "{name}");
        }
    }

    #[test]
    fn the_last_word_is_the_animation() {
        let parts = |name| FrameName::of(name).character_and_animation();
        assert_eq!(parts("tabby_walk_0.png"), Some(("tabby", "walk")));
        assert_eq!(parts("orange_cat_walk_0.png"), Some(("orange_cat", "walk")));
        assert_eq!(parts("tabby-walk-0.png"), Some(("tabby", "walk")));
        assert_eq!(parts("tabby_walk-left_0.png"), Some(("tabby", "walk-left")));
        assert_eq!(parts("walk_0.png"), None);
        assert!(FrameName::of("frame_001.png").is_generic());
        assert!(FrameName::of("001.png").is_generic());
        assert!(!FrameName::of("walk_001.png").is_generic());
    }
}

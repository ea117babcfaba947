//! How counts, sizes, times and long texts are written for people.

use std::fmt::{Display, Write as _};
use std::path::Path;

use pegbar::{Asset, MillisSinceEpoch};
use serde::Serializer;

/// Writes a count with its word: `1 frame`, `8 frames`.
pub(crate) fn count(count: u64, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}

/// Writes those counts that are not 0, or `nothing`.
pub(crate) fn counts(parts: &[(u64, &str)]) -> String {
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts.map(|(number, word)| count(*number, word)).collect();
    match parts.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Adds the first 20 of `all` lines to a message, and how many more there are.
pub(crate) fn add_lines(message: &mut String, lines: impl Iterator<Item = impl Display>, all: u64) {
    let mut named = 0;
    for line in lines.take(20) {
        // Writing to a String cannot fail.
        let _ = write!(message, "\n  {line}");
        named += 1;
    }
    if all > named {
        let _ = write!(message, "\n  and {} more", all - named);
    }
}

/// Writes a size in bytes.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if tenths < 10 * 1024 {
            break;
        }
        tenths /= 1024;
        unit = larger;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// Writes a time to the minute, in UTC.
pub(crate) fn minute(time: MillisSinceEpoch) -> String {
    let text = time.to_string();
    match text.get(..16) {
        Some(minute) => minute.replace('T', " "),
        None => text,
    }
}

/// Writes text on one line of at most `max` characters.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max {
        return line;
    }
    let mut cut: String = line.chars().take(max - 1).collect();
    cut.push('…');
    cut
}

/// Writes a name in quotes.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// Writes width and height of an image, and how many there are in an animated one.
pub(crate) fn pixels(asset: &Asset) -> String {
    let (Some(width), Some(height)) = (asset.width, asset.height) else {
        return "?".to_owned();
    };
    match asset.image_count {
        Some(images @ 2..) => format!("{width}×{height}, animated, {images} images"),
        _ => format!("{width}×{height}"),
    }
}

/// Writes the sum of the files' sizes. Assets whose bytes were dropped have none.
pub(crate) fn size_of<'a>(assets: impl IntoIterator<Item = &'a Asset>) -> String {
    let assets = assets.into_iter();
    let stored = assets.filter(|asset| asset.bytes_dropped_at.is_none());
    size(stored.filter_map(|asset| asset.file_size).sum())
}

/// Writes the size of an asset's file, or when its bytes were dropped.
pub(crate) fn stored_size(asset: &Asset) -> String {
    match asset.bytes_dropped_at {
        Some(time) => dropped(time),
        None => size_of([asset]),
    }
}

/// Says on which day the bytes of an asset were dropped, in UTC.
pub(crate) fn dropped(time: MillisSinceEpoch) -> String {
    let minute = minute(time);
    let day = minute.split(' ').next().unwrap_or_default();
    format!("bytes dropped {day}")
}

/// Writes a path as text in JSON; what is not Unicode in it can't be.
pub(crate) fn serialize_path<S: Serializer>(
    path: &impl AsRef<Path>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.as_ref().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_one_decimal() {
        let sizes = [0, 1023, 1024, 1536, 1_048_575, 1_048_576, u64::MAX];
        let texts: Vec<String> = sizes.into_iter().map(size).collect();
        let expected = [
            "0 B",
            "1023 B",
            "1.0 KiB",
            "1.5 KiB",
            "1023.9 KiB",
            "1.0 MiB",
        ];
        assert_eq!(texts[..6], expected);
        assert!(texts[6].ends_with(" TiB"));
    }

    #[test]
    fn counts_are_a_sentence() {
        assert_eq!(
            counts(&[(1, "frame"), (0, "take"), (2, "asset")]),
            "1 frame and 2 assets"
        );
        assert_eq!(counts(&[(0, "frame")]), "nothing");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(one_line("  走る\n猫  walks ", 20), "走る 猫 walks");
        assert_eq!(one_line("走る猫", 2), "走…");
    }
}

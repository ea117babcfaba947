//! The order of names with numbers in them, as people count.

use std::cmp::Ordering;
use std::path::Path;

/// Compares the names of two files so that `walk_2.png` comes before `walk_10.png`.
pub(crate) fn by_file_name(a: &Path, b: &Path) -> Ordering {
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    compare(&name(a), &name(b)).then_with(|| a.cmp(b))
}

fn compare(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let (part_a, rest_a) = first_part(a);
        let (part_b, rest_b) = first_part(b);
        let is_number = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
        let order = if is_number(part_a) && is_number(part_b) {
            let (a, b) = (
                part_a.trim_start_matches('0'),
                part_b.trim_start_matches('0'),
            );
            a.len().cmp(&b.len()).then_with(|| a.cmp(b))
        } else {
            part_a.cmp(part_b)
        };
        if order.is_ne() || (part_a.is_empty() && part_b.is_empty()) {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// Splits off the digits, or what is not digits, at the beginning.
fn first_part(text: &str) -> (&str, &str) {
    let begins_with_digit = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != begins_with_digit);
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_as_numbers() {
        let mut names = [
            "b",
            "walk_10",
            "walk_2",
            "walk_002b",
            "walk",
            "2",
            "10",
            "a",
        ];
        names.sort_by(|a, b| by_file_name(Path::new(a), Path::new(b)));
        assert_eq!(
            names,
            [
                "2",
                "10",
                "a",
                "b",
                "walk",
                "walk_2",
                "walk_002b",
                "walk_10"
            ]
        );
    }
}

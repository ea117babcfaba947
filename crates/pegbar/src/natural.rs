//! The order of names with numbers in them, as people count.

use std::cmp::Ordering;

/// Compares two names or paths so that `walk_2.png` comes before `walk_10.png`, whether the
/// numbers are padded with zeros or not.
///
/// Digits are compared by the number that they are, everything else bytewise; names that differ
/// in nothing but zeros are ordered by their text.
#[must_use]
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (part_a, rest_a) = first_part(left);
        let (part_b, rest_b) = first_part(right);
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
        if order.is_ne() {
            return order;
        }
        if part_a.is_empty() && part_b.is_empty() {
            return a.cmp(b);
        }
        (left, right) = (rest_a, rest_b);
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
            "walk_02",
        ];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(
            names,
            [
                "2",
                "10",
                "a",
                "b",
                "walk",
                "walk_02",
                "walk_2",
                "walk_002b",
                "walk_10"
            ]
        );
    }
}

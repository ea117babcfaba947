//! Two long texts, cut to where they begin to differ.

/// How many characters of a text stand in a [`Damage`](super::Damage): those around the first difference.
const MAX_EXCERPT: usize = 120;

/// Cuts two texts to what stands around their first difference.
pub(super) fn excerpts(
    recorded: Option<&str>,
    found: Option<&str>,
) -> (Option<String>, Option<String>) {
    let same = match (recorded, found) {
        (Some(recorded), Some(found)) => recorded
            .chars()
            .zip(found.chars())
            .take_while(|(recorded, found)| recorded == found)
            .count(),
        _ => 0,
    };
    let excerpt = |text: &str| excerpt(text, same);
    (recorded.map(excerpt), found.map(excerpt))
}

fn excerpt(text: &str, around: usize) -> String {
    if text.chars().nth(MAX_EXCERPT).is_none() {
        return text.to_owned();
    }
    let skipped = around.saturating_sub(MAX_EXCERPT / 2);
    let mut rest = text.chars().skip(skipped);
    let mut kept = String::new();
    if skipped > 0 {
        kept.push('…');
    }
    kept.extend(rest.by_ref().take(MAX_EXCERPT));
    if rest.next().is_some() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_around_the_first_difference() {
        let recorded = format!("{}走るcat{}", "é".repeat(500), "x".repeat(500));
        let found = recorded.replace("cat", "bat");
        let (one, two) = excerpts(Some(&recorded), Some(&found));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!(one.contains("走るcat") && two.contains("走るbat"), "{one}");
        assert!(one.starts_with('…') && one.ends_with('…'));
        assert_eq!(one.chars().count(), MAX_EXCERPT + 2);
        let short = excerpts(Some("a cat"), None);
        assert_eq!(short, (Some("a cat".to_owned()), None));
    }
}

//! Texts, word by word.

use std::mem::take;
use std::time::Instant;

use serde::Serialize;
use similar::DiffTag;

/// How one text became another, word by word.
///
/// The spans that are not added, one behind the other, are the first text; those that are not
/// removed are the second. Of long texts that have little in common, whole passages may stand as
/// removed and added although some words are the same: the comparison takes a second at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TextDiff {
    /// Whether the first has a text, if only an empty one.
    pub is_before: bool,
    /// Whether the second has a text, if only an empty one.
    pub is_after: bool,
    /// The passages of both, in order; what is removed stands before what is added for it.
    pub spans: Vec<TextSpan>,
}

/// A passage of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TextSpan {
    /// Which of the texts has it.
    pub kind: SpanKind,
    /// The passage.
    pub text: String,
}

/// Which of two texts a passage stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// Both.
    Equal,
    /// The first only.
    Removed,
    /// The second only.
    Added,
}

/// The passages so far, and what was removed and added since the last that both have.
#[derive(Default)]
struct Spans {
    done: Vec<TextSpan>,
    removed: String,
    added: String,
}

impl Spans {
    fn push(&mut self, kind: SpanKind, text: String) {
        if !text.is_empty() {
            self.done.push(TextSpan { kind, text });
        }
    }

    fn flush(&mut self) {
        let (removed, added) = (take(&mut self.removed), take(&mut self.added));
        self.push(SpanKind::Removed, removed);
        self.push(SpanKind::Added, added);
    }

    /// Returns whether one thing stands in another's place since the last passage of both.
    fn is_replacing(&self) -> bool {
        !self.removed.is_empty() && !self.added.is_empty()
    }
}

impl TextDiff {
    /// Compares two texts; `None` where they are the same.
    pub(super) fn of(before: Option<&str>, after: Option<&str>, deadline: Instant) -> Option<Self> {
        if before == after {
            return None;
        }
        let (old, new) = (before.unwrap_or_default(), after.unwrap_or_default());
        let diff = similar::TextDiff::configure()
            .deadline(deadline)
            .diff_unicode_words(old, new);
        let mut spans = Spans::default();
        let mut operations = diff.ops().iter().peekable();
        while let Some(operation) = operations.next() {
            let (tag, old, new) = operation.as_tag_tuple();
            let old = diff.old_slices()[old].concat();
            if tag == DiffTag::Equal {
                // A space between two replaced words is none to hold on to while reading.
                let is_gap = old.chars().all(char::is_whitespace);
                if is_gap && spans.is_replacing() && operations.peek().is_some() {
                    spans.removed.push_str(&old);
                    spans.added.push_str(&old);
                    continue;
                }
                spans.flush();
                spans.push(SpanKind::Equal, old);
                continue;
            }
            spans.removed.push_str(&old);
            spans.added.push_str(&diff.new_slices()[new].concat());
        }
        spans.flush();
        Some(Self {
            is_before: before.is_some(),
            is_after: after.is_some(),
            spans: spans.done,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::deadline;

    /// The spans as `git diff --word-diff` writes them.
    fn written(before: &str, after: &str) -> String {
        let diff = TextDiff::of(Some(before), Some(after), deadline()).unwrap();
        let side = |without: SpanKind| -> String {
            let spans = diff.spans.iter().filter(|span| span.kind != without);
            spans.map(|span| span.text.as_str()).collect()
        };
        assert_eq!(side(SpanKind::Added), before);
        assert_eq!(side(SpanKind::Removed), after);
        let spans = diff.spans.iter().map(|span| match span.kind {
            SpanKind::Equal => span.text.clone(),
            SpanKind::Removed => format!("[-{}-]", span.text),
            SpanKind::Added => format!("{{+{}+}}", span.text),
        });
        spans.collect()
    }

    #[test]
    fn prompts_are_compared_word_by_word() {
        assert_eq!(
            written(
                "a small orange cat, side view",
                "a small blue cat, side view"
            ),
            "a small [-orange-]{+blue+} cat, side view"
        );
        assert_eq!(
            written("a cat walks", "a cat walks slowly"),
            "a cat walks{+ slowly+}"
        );
        assert_eq!(
            written("one two three", "four five three"),
            "[-one two-]{+four five+} three"
        );
        assert_eq!(
            written("die Straße, naß", "die Straße, nass"),
            "die Straße, [-naß-]{+nass+}"
        );
        assert_eq!(written("", "new"), "{+new+}");
    }

    #[test]
    fn no_text_is_not_an_empty_text() {
        let diff = TextDiff::of(None, Some(""), deadline()).unwrap();
        assert_eq!((diff.is_before, diff.is_after), (false, true));
        assert_eq!(diff.spans, []);
        assert_eq!(TextDiff::of(None, None, deadline()), None);
        assert_eq!(TextDiff::of(Some("a"), Some("a"), deadline()), None);
    }

    #[test]
    fn prompts_of_a_mebibyte_without_a_common_word_take_bounded_time() {
        let words = |from: u32| -> String {
            let words = (from..).map(|n| format!("w{n} "));
            let mut text = String::new();
            for word in words {
                if text.len() + word.len() > crate::MAX_TEXT_BYTES {
                    break;
                }
                text += &word;
            }
            text
        };
        let (before, after) = (words(1_000_000), words(5_000_000));
        let began = Instant::now();
        let diff = TextDiff::of(Some(&before), Some(&after), deadline()).unwrap();
        // Three times what is promised: tests run beside others, and not optimized.
        assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
        let removed = diff
            .spans
            .iter()
            .filter(|span| span.kind != SpanKind::Added);
        let removed: String = removed.map(|span| span.text.as_str()).collect();
        assert!(removed == before, "nothing of it is lost");
    }
}

//! Texts as HTML.

use std::fmt::Write as _;

/// Writes a text so that it means nothing to HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// Writes what our comments use of Markdown: paragraphs, and code between backticks.
pub(super) fn marked(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for paragraph in text.split("\n\n").map(str::trim) {
        if paragraph.is_empty() {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = write!(html, "<p>{}</p>", inline(paragraph));
    }
    html
}

/// Writes a text with its code between backticks.
pub(super) fn inline(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let parts: Vec<_> = text.split('`').collect();
    // An odd backtick is one.
    let has_pairs = parts.len() % 2 == 1;
    for (number, part) in parts.iter().enumerate() {
        let part = escaped(part);
        // Writing to a String cannot fail.
        let _ = match (number % 2 == 1, has_pairs) {
            (true, true) => write!(html, "<code>{part}</code>"),
            (_, false) if number > 0 => write!(html, "`{part}"),
            _ => write!(html, "{part}"),
        };
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_paragraphs_are_marked_and_nothing_else_means_anything() {
        for (text, html) in [
            ("a `b<c>` d", "<p>a <code>b&lt;c&gt;</code> d</p>"),
            ("a\n\n\nb", "<p>a</p><p>b</p>"),
            ("<script>&\"'", "<p>&lt;script&gt;&amp;&quot;&#39;</p>"),
            ("an odd `one", "<p>an odd `one</p>"),
            ("", ""),
        ] {
            assert_eq!(marked(text), html);
        }
    }
}

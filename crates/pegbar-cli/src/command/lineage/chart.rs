//! A lineage as a graph that other programs draw: Graphviz's DOT, and Mermaid.

use std::collections::HashMap;
use std::fmt::Write as _;

use pegbar::{AssetId, LineageNode, LineageSide};

use super::Named;

/// Returns the end of an id, which tells assets of one name apart.
fn ending(id: AssetId) -> String {
    let text = id.to_string();
    let (_, end) = text.rsplit_once('-').unwrap_or(("", &text));
    end.to_owned()
}

/// Writes a graph in DOT (the grammar is at graphviz.org/doc/info/lang.html), with an arrow
/// from each input to what was made from it.
pub(super) fn dot(named: &Named) -> String {
    let mut text = "digraph lineage {\n  rankdir=LR;\n  \
                    node [shape=box, fontname=\"sans-serif\"];\n  \
                    edge [fontname=\"sans-serif\", fontsize=10];\n"
        .to_owned();
    for node in &named.lineage.nodes {
        let style = match (node.side, node.bytes_dropped_at) {
            (LineageSide::Root, None) => ", style=bold",
            (LineageSide::Root, Some(_)) => ", style=\"bold,dashed\"",
            (_, Some(_)) => ", style=dashed",
            (_, None) => "",
        };
        let (name, end) = (dot_escaped(&named.name(node.id)), ending(node.id));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  \"{}\" [label=\"{name}\\n{end}\"{style}];", node.id);
    }
    for edge in &named.lineage.edges {
        let (input, made, role) = (edge.input_id, edge.asset_id, edge.role);
        let _ = writeln!(text, "  \"{input}\" -> \"{made}\" [label=\"{role}\"];");
    }
    text.push_str("}\n");
    text
}

/// Writes text for a quoted label of DOT: in it a backslash begins an escape (escString), and
/// `&` an entity of HTML.
fn dot_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '&' => escaped.push_str("&amp;"),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Writes a flowchart of Mermaid (mermaid.js.org/syntax/flowchart.html), with an arrow from each
/// input to what was made from it.
pub(super) fn mermaid(named: &Named) -> String {
    let mut text = "flowchart LR\n".to_owned();
    let nodes: Vec<&LineageNode> = named.lineage.nodes.iter().collect();
    let numbers = nodes
        .iter()
        .zip(0..)
        .map(|(node, number)| (node.id, number));
    let numbers: HashMap<AssetId, usize> = numbers.collect();
    let mut dropped = Vec::new();
    for (number, node) in nodes.iter().enumerate() {
        let (name, end) = (mermaid_escaped(&named.name(node.id)), ending(node.id));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  n{number}[\"{name}<br/>{end}\"]");
        if node.bytes_dropped_at.is_some() {
            dropped.push(format!("n{number}"));
        }
    }
    for edge in &named.lineage.edges {
        let numbers = numbers.get(&edge.input_id).zip(numbers.get(&edge.asset_id));
        // Both ends of an edge are among the nodes.
        let Some((input, made)) = numbers else {
            continue;
        };
        let _ = writeln!(text, "  n{input} -->|{}| n{made}", edge.role);
    }
    text.push_str("  style n0 stroke-width:3px\n");
    if !dropped.is_empty() {
        text.push_str("  classDef dropped stroke-dasharray:5 5\n");
        let _ = writeln!(text, "  class {} dropped", dropped.join(","));
    }
    text
}

/// Writes text for a quoted label of Mermaid, which is HTML and may be Markdown: everything in
/// it that means something is written as the number of the character (`#34;`).
fn mermaid_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | '\\' | '`' | '*' | '_' | '~' | '[' | ']' => {
                let _ = write!(escaped, "#{};", u32::from(c));
            }
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_end_its_label() {
        let name = "a \"b\" \\N &lt; <i>#1\u{1b}`";
        assert_eq!(
            dot_escaped(name),
            "a \\\"b\\\" \\\\N &amp;lt; <i>#1\u{fffd}`"
        );
        assert_eq!(
            mermaid_escaped(name),
            "a #34;b#34; #92;N #38;lt; #60;i#62;#35;1\u{fffd}#96;"
        );
        assert_eq!(dot_escaped("走る"), "走る");
    }
}

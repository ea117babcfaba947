//! What strangers may write costs little, and is said.

use std::time::{Duration, Instant};

use super::*;

fn problem_of(claim: &NewClaim) -> &str {
    claim
        .fields
        .get("problem")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[test]
fn what_unpacks_to_too_much_is_left_out_and_said() {
    for (name, what) in [
        (
            "bomb-ztxt.png",
            "the text \"parameters\": too long to be read",
        ),
        (
            "bomb-itxt.png",
            "the text \"parameters\": too long to be read",
        ),
        (
            "bomb-hidden.png",
            "the text in its alpha channel: too long to be read",
        ),
    ] {
        let claim = claim_of(name);
        assert_eq!(
            (claim.tool.as_str(), problem_of(&claim)),
            ("unread", what),
            "{name}"
        );
    }
    let many = claims_of("many.png");
    assert_eq!(
        many[0].fields.as_value()["other"]
            .as_object()
            .unwrap()
            .len(),
        256
    );
    assert!(problem_of(&many[1]).starts_with("the text \"k256\": one of more than 256; "));
}

#[test]
fn json_that_is_not_quite_json_is_read_as_far_as_it_is_clear() {
    let odd = claim_of("odd-json.png");
    assert_eq!(problem_of(&odd), loose::REPAIRED);
    let expected = json!({
        "prompt": "half \u{fffd}", "seed": "9007199254740993", "problem": loose::REPAIRED,
    });
    assert_fields("odd-json.png", &odd, "pngText", &expected);
    assert!(odd.raw.contains("\\ud83d"), "as found");
    let nul = claim_of("nul.png");
    assert_eq!(nul.fields.get("prompt"), Some(&"a\u{fffd}b".into()));
    assert!(problem_of(&nul).contains("NUL"));
    let deep = claim_of("deep.png");
    assert_eq!(deep.tool, "comfyui");
    assert_eq!(problem_of(&deep), "its prompt is not JSON");
    assert!(deep.raw.starts_with("{\"1\":{\"1\":"));
}

#[test]
fn a_cycle_in_a_graph_ends() {
    let expected = json!({
        "prompt": "two\none", "negativePrompt": "one\ntwo", "seed": 5, "steps": 2, "cfgScale": 1,
        "sampler": "lcm", "other": { "scheduler": "sgm_uniform" },
    });
    assert_claim("comfyui-cycle.png", "comfyui", "pngText", &expected);
}

#[test]
fn a_graph_of_many_nodes_all_linked_to_all_is_read_soon() {
    let links = (0..1000).map(|to| (format!("in{to}"), json!([to.to_string(), 0])));
    let links: serde_json::Map<String, Value> = links.collect();
    let node = json!({ "class_type": "SaveImage", "inputs": links });
    let mut nodes: serde_json::Map<String, Value> =
        (0..1000).map(|id| (id.to_string(), node.clone())).collect();
    let sampler = json!({ "steps": 1, "seed": 7, "positive": ["0", 0], "negative": ["1", 0] });
    nodes.insert(
        "s".into(),
        json!({ "class_type": "KSampler", "inputs": sampler }),
    );
    let begin = Instant::now();
    let mut fields = Fields::new();
    comfyui::Graph::new(&nodes).read(&mut fields);
    let claim = fields.into_claim("comfyui", Place::PngText, &[]);
    assert_eq!(claim.fields.get("seed"), Some(&7.into()));
    // A million links to follow, for each of several questions.
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn xml_is_bounded_and_entities_are_not_expanded() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;\">]>\
                <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' \
                xmlns:q='http://purl.org/dc/elements/1.1/'><rdf:Description q:title='&amp;1'>\
                <q:creator>&b; &#65;&lt;</q:creator></rdf:Description></rdf:RDF>";
    let found = xmp::read(bomb);
    let found: Vec<_> = found
        .properties
        .iter()
        .map(|p| (&*p.name, &*p.text))
        .collect();
    assert_eq!(found, [("dc:title", "&1"), ("dc:creator", "&b; A<")]);
    let deep = "<a>".repeat(100_000);
    assert_eq!(xmp::read(&deep).problem, Some("nests too deep"));
    let many = format!("<a>{}</a>", "<b>1</b>".repeat(5000));
    let many = xmp::read(&many);
    assert_eq!(
        (many.properties.len(), many.problem.is_some()),
        (1000, true)
    );
    assert!(xmp::read("<a><b").problem.is_some());
}

#[test]
fn a_text_that_is_too_long_to_be_kept_is_cut_and_says_so() {
    let text = "ä".repeat(1 << 20);
    let mut claims = Vec::new();
    let pieces = vec![Piece {
        name: "Story".into(),
        text,
    }];
    read_place(Place::PngText, "png-text", pieces, &mut claims);
    let claim = &claims[0];
    assert_eq!(claim.raw.len(), crate::text::MAX_TEXT_BYTES);
    assert_eq!(claim.fields.get("truncated"), Some(&true.into()));
    assert!(claim.fields.to_string().len() < 1000, "not twice");
    assert!(problem_of(claim).contains("2097152 bytes long, of which the first 1048576 are kept"));
    claim.check().unwrap();
}

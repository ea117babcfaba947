//! `tag`.

use crate::support::{Bench, each};

both_engines! {
    fn tags_are_added_removed_counted_and_cleared(bench) {
        bench.with_walk(1);
        assert_eq!(bench.json(&["tag", "add", "Tabby", "hero", "orange"]).to_string(), r#"["hero","orange"]"#);
        bench.ok(&["tag", "add", "Cats", "game"]);
        bench.ok(&["tag", "add", "front.png", "orange", "draft"]);
        let text = bench.ok(&["tag", "add", "Walk/0", "contact", "orange"]);
        assert_eq!(text, "\"Walk/0\" has the tags contact, orange now\n");
        let counts = bench.json(&["tag", "list"]);
        assert_eq!(each(&counts, "tag"), ["contact", "draft", "game", "hero", "orange"]);
        assert_eq!(each(&counts, "assets"), [1, 1, 0, 0, 2]);
        assert_eq!(each(&counts, "characters"), [0, 0, 0, 1, 1]);
        assert_eq!(counts[2]["onProject"], true);
        assert_eq!(bench.json(&["tag", "remove", "Tabby", "hero"]).to_string(), r#"["orange"]"#);
        assert_eq!(bench.ok(&["tag", "clear", "Tabby"]), "\"Tabby\" has no tags now\n");
        assert_eq!(bench.json(&["character", "show", "Tabby"])["character"]["tags"].to_string(), "[]");
    }
}

#[test]
fn the_tags_of_one_thing_are_listed_in_their_order() {
    let bench = Bench::new();
    bench.with_walk(1);
    bench.ok(&["tag", "add", "Tabby", "orange", "hero"]);
    bench.ok(&["tag", "add", "front.png", "draft"]);
    assert_eq!(bench.ok(&["tag", "list", "Tabby"]), "orange\nhero\n");
    let tags = bench.json(&["tag", "list", "front.png"]);
    assert_eq!(tags, serde_json::json!(["draft"]));
    let ran = bench.run(&["tag", "list", "Walk/0"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""));
    assert!(ran.stderr.contains("\"Walk/0\" has no tags yet"), "{ran:?}");
    let refused = bench.refused(1, &["tag", "list", "Walk"]);
    assert!(refused.contains("an animation has no tags"), "{refused}");
}

#[test]
fn a_tag_that_is_not_there_and_a_thing_without_tags_are_answered() {
    let bench = Bench::new();
    bench.with_walk(1);
    bench.ok(&["tag", "add", "Tabby", "hero"]);
    let refused = bench.refused(1, &["tag", "remove", "Tabby", "hreo"]);
    assert_eq!(
        refused,
        "error: \"Tabby\" does not have the tag \"hreo\"\nhint: it has hero\n"
    );
    let refused = bench.refused(1, &["tag", "add", "Walk", "hero"]);
    assert!(refused.contains("an animation has no tags"), "{refused}");
    let refused = bench.refused(1, &["tag", "add", "Taby", "hero"]);
    assert!(refused.contains("did you mean \"Tabby\""), "{refused}");
    let dashed = bench.ok(&["tag", "add", "Tabby", "--", "-x"]);
    assert_eq!(dashed, "\"Tabby\" has the tags hero, -x now\n");
}

#[test]
fn a_character_is_meant_before_an_image_that_is_called_like_it() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    let image = bench.png("tabby.png", 1);
    bench.ok(&["character", "create", "Tabby", &image]);
    bench.ok(&["tag", "add", "tabby", "hero"]);
    assert_eq!(bench.json(&["character", "list"])[0]["tags"][0], "hero");
    bench.ok(&["tag", "add", "tabby.png", "side"]);
    assert_eq!(bench.json(&["asset", "show", "tabby"])["tags"][0], "side");
}

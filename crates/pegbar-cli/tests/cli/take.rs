//! `take`, and takes on contact sheets.

use crate::support::{Bench, each, ending, shown};

fn places(takes: &serde_json::Value, take: usize) -> Vec<(String, u64)> {
    let places = takes[take]["shownIn"].as_array().unwrap().iter();
    places
        .map(|place| {
            let name = place["animation"].as_str().unwrap().to_owned();
            (name, place["frameIndex"].as_u64().unwrap())
        })
        .collect()
}

both_engines! {
    fn takes_are_listed_with_where_each_is_shown(bench) {
        bench.with_walk(2);
        let [better, other] = ["better.png", "other.png"].map(|name| {
            bench.png(name, u32::try_from(name.len()).unwrap())
        });
        bench.ok(&["frame", "replace", "Walk", "0", "--with", &better, "--prompt", "higher"]);
        bench.ok(&["take", "add", "Walk", &other, "--model", "sprite-2"]);
        bench.ok(&["animation", "create", "Tabby", "Run"]);
        let takes = bench.json(&["take", "list", "Tabby/Walk"]);
        let names = ["walk_0.png", "walk_1.png", "better.png", "other.png"];
        assert_eq!(each(&takes, "originalName"), names);
        let first = ending(&takes[1]["id"], 12);
        bench.ok(&["frame", "add", "Run", "--showing", &first, "--showing", &first]);

        let takes = bench.json(&["take", "list", "Tabby/Walk"]);
        assert_eq!(places(&takes, 0), []);
        let expected = [("Walk", 1), ("Tabby/Run", 0), ("Tabby/Run", 1)];
        assert_eq!(places(&takes, 1), expected.map(|(name, index)| (name.to_owned(), index)));
        assert_eq!(places(&takes, 2), [("Walk".to_owned(), 0)]);
        let unshown = bench.json(&["take", "list", "Walk", "--unshown"]);
        assert_eq!(each(&unshown, "originalName"), ["walk_0.png", "other.png"]);
        let text = bench.ok(&["take", "list", "Walk"]);
        assert!(text.contains("  1, Tabby/Run/0, Tabby/Run/1  "), "{text}");
        assert_eq!(bench.json(&["take", "list", "Run"]).to_string(), "[]");
    }

    fn a_take_comes_back_into_a_frame_or_as_a_new_one(bench) {
        bench.with_walk(3);
        let better = bench.png("better.png", 70);
        bench.ok(&["frame", "replace", "Walk", "1", "--with", &better]);
        let back = bench.json(&["take", "use", "Tabby/Walk", "walk_1.png", "--frame", "1"]);
        assert_eq!(shown(&back), ["walk_0.png", "walk_1.png", "walk_2.png"]);
        assert_eq!(each(&back["takes"], "originalName"), ["better.png"]);
        let id = ending(&back["takes"][0]["id"], 10);
        let added = bench.json(&["take", "use", "Walk", &id, "--at", "0"]);
        assert_eq!(shown(&added), ["better.png", "walk_0.png", "walk_1.png", "walk_2.png"]);
        let version = added["animation"]["version"].to_string();
        let text = bench.ok(&["take", "use", "Walk", "better", "--frame", "3", "--expect-version", &version]);
        assert!(text.starts_with("\"Walk\" has 4 frames now, version "), "{text}");
        for place in [["--frame", "0"], ["--at", "0"]] {
            let stale = [&["take", "use", "Walk", "walk_2"], &place[..], &["--expect-version", &version]].concat();
            assert_eq!(bench.refused_json(1, &stale)["code"], "stale");
        }
    }
}

#[test]
fn a_take_that_is_not_there_or_not_the_only_one_is_refused() {
    let bench = Bench::new();
    bench.with_walk(2);
    let again = bench.png("walk_0.png", 99);
    bench.ok(&["take", "add", "Walk", &again]);
    let refused = bench.refused_json(1, &["take", "use", "Walk", "walk_0.png", "--frame", "0"]);
    assert_eq!(refused["code"], "ambiguous");
    assert_eq!(refused["candidates"].as_array().unwrap().len(), 2);
    let refused = bench.refused(1, &["take", "use", "Walk", "walc_1.png", "--frame", "0"]);
    assert_eq!(
        refused,
        "error: \"Walk\" has no take \"walc_1.png\"\nhint: did you mean \"walk_1.png\" or \
         \"walk_0.png\"?\n"
    );
    let refused = bench.refused(1, &["take", "use", "Walk", "zebra", "--frame", "0"]);
    assert!(refused.contains("`pegbar take list \"Walk\"`"), "{refused}");
    let refused = bench.refused(1, &["take", "use", "Walk", "walk_1", "--frame", "9"]);
    assert!(refused.contains("its frames are 0 to 1"), "{refused}");
    let nowhere = bench.refused(2, &["take", "use", "Walk", "walk_1"]);
    assert!(
        nowhere.contains("--frame <INDEX>|--at <INDEX>"),
        "{nowhere}"
    );
    bench.refused(
        2,
        &["take", "use", "Walk", "walk_1", "--frame", "0", "--at", "1"],
    );
    let refused = bench.refused(1, &["take", "add", &again, &again]);
    assert!(refused.contains("the animation comes first"), "{refused}");
}

/// The colour that marks what is shown.
const MARK: [u8; 4] = [122, 196, 112, 255];

/// The corners of marked cells, from left to right and top to bottom.
fn marked(picture: &image::RgbaImage) -> Vec<(u32, u32)> {
    let is_mark = |x: u32, y: u32| {
        picture
            .get_pixel_checked(x, y)
            .is_some_and(|pixel| pixel.0 == MARK)
    };
    let begins = |x: u32, y: u32| {
        is_mark(x, y)
            && is_mark(x + 4, y)
            && is_mark(x, y + 4)
            && !is_mark(x.wrapping_sub(1), y)
            && !is_mark(x, y.wrapping_sub(1))
    };
    let pixels = (0..picture.height()).flat_map(|y| (0..picture.width()).map(move |x| (x, y)));
    pixels.filter(|(x, y)| begins(*x, *y)).collect()
}

#[test]
fn all_takes_are_drawn_below_the_frame_they_were_made_for() {
    let bench = Bench::new();
    bench.with_walk(3);
    let tree = bench.json(&["animation", "show", "Walk"]);
    let first = ending(&tree["frames"][0]["asset"]["id"], 12);
    let [same, following, other] = ["walk_2.png", "b.png", "c.png"].map(|name| {
        bench.png(
            name,
            60 + u32::try_from(name.len()).unwrap() + u32::from(name.as_bytes()[0]),
        )
    });
    bench.ok(&["take", "add", "Walk", &same]);
    bench.ok(&[
        "take",
        "add",
        "Walk",
        &following,
        "--made-from",
        &format!("{first}:previous_frame"),
    ]);
    let frames = bench.json(&["contact-sheet", "Walk"]);
    let takes = bench.json(&["contact-sheet", "Walk", "--takes"]);
    assert_eq!(takes["path"], "Tabby_Walk_takes.png");
    let open = |name: &str| image::open(bench.root().join(name)).unwrap().into_rgba8();
    let picture = open("Tabby_Walk_takes.png");
    let corners = marked(&picture);
    assert_eq!(corners.len(), 3, "what is shown is marked: {corners:?}");
    let [left, middle, right] = corners[..].try_into().unwrap();
    assert!(
        left.1 == middle.1 && middle.1 == right.1,
        "in one row: {corners:?}"
    );
    let pitch = middle.0 - left.0;

    // Below the first there is nothing, below the others a take.
    let colour_below = |corner: (u32, u32)| {
        let below =
            (corner.1 + pitch..picture.height()).map(|y| picture.get_pixel(corner.0 + 98, y).0);
        below.collect::<std::collections::HashSet<_>>().len()
    };
    assert_eq!(colour_below(left), 1);
    assert!(colour_below(middle) > 2 && colour_below(right) > 2);
    assert!(takes["height"].as_u64() > frames["height"].as_u64());

    // What nothing tells of comes last, in a row of its own.
    bench.ok(&["take", "add", "Walk", &other]);
    let more = bench.json(&["contact-sheet", "Walk", "--takes"]);
    assert!(more["height"].as_u64() > takes["height"].as_u64());
    let text = bench.ok(&["contact-sheet", "--takes", "Tabby/Walk"]);
    assert!(text.contains("Tabby / Walk: 6 takes"), "{text}");
}

#[test]
fn a_take_with_the_input_or_the_prompt_of_a_frame_was_made_for_it() {
    let bench = Bench::new();
    bench.with_walk(3);
    let [shown, same_input, same_prompt] =
        [801, 802, 803].map(|n| bench.png(&format!("{n}.png"), n));
    let follows_front = ["--made-from", "front:previous_frame"];
    let replace = ["frame", "replace", "Walk", "2", "--with", &shown];
    bench.ok(&[&replace[..], &follows_front].concat());
    bench.ok(&["frame", "remove", "Walk", "0"]);
    bench.ok(&["frame", "prompt", "Walk", "0", "--set", "passing"]);
    let unshown = bench.json(&["take", "list", "Walk", "--unshown"]);
    for take in each(&unshown, "id") {
        bench.ok(&["asset", "delete", take.as_str().unwrap(), "--yes"]);
    }
    let columns = || {
        bench.ok(&["contact-sheet", "Walk", "--takes"]);
        let path = bench.root().join("Tabby_Walk_takes.png");
        let picture = image::open(path).unwrap().into_rgba8();
        let corners = marked(&picture);
        let below = |corner: &(u32, u32)| {
            let ys = corner.1 + 210..picture.height();
            let colours = ys.map(|y| picture.get_pixel(corner.0 + 98, y).0);
            colours.collect::<std::collections::HashSet<_>>().len() > 2
        };
        corners.iter().map(below).collect::<Vec<_>>()
    };
    assert_eq!(columns(), [false, false]);
    bench.ok(&[&["take", "add", "Walk", &same_input][..], &follows_front].concat());
    assert_eq!(columns(), [false, true]);
    bench.ok(&["take", "add", "Walk", &same_prompt, "--prompt", "passing"]);
    assert_eq!(columns(), [true, true]);
}

#[test]
fn two_takes_are_drawn_large_side_by_side() {
    let bench = Bench::new();
    bench.with_walk(2);
    let other = bench.png("other.png", 5000);
    bench.ok(&[
        "take",
        "add",
        "Walk",
        &other,
        "--prompt",
        &"a long prompt ".repeat(40),
    ]);
    let sheet = bench.json(&["contact-sheet", "--takes", "Tabby/Walk", "1", "other.png"]);
    assert_eq!(sheet["path"], "Tabby_Walk_compared.png");
    let picture = image::open(bench.root().join("Tabby_Walk_compared.png"))
        .unwrap()
        .into_rgba8();
    assert!(
        picture.width() > 2 * 768 && picture.height() > 768,
        "{sheet}"
    );
    let corners = marked(&picture);
    assert_eq!(corners.len(), 1, "one of them is shown: {corners:?}");
    // 8 pixels become 768: each a square of 96, sharp at its edges.
    let (left, top) = (corners[0].0 + 3, corners[0].1 + 3 + 96);
    let colour = |x: u32| picture.get_pixel(left + x, top + 50).0;
    for column in 0..8 {
        assert_eq!(colour(column * 96), colour(column * 96 + 95), "{column}");
    }
    assert_ne!(colour(95), colour(96));

    bench.refused(2, &["contact-sheet", "Walk", "--takes", "1"]);
    bench.refused(2, &["contact-sheet", "Walk", "1", "other.png"]);
    let refused = bench.refused(1, &["contact-sheet", "Walk", "--takes", "1", "7"]);
    assert!(refused.contains("has no take \"7\""), "{refused}");
    let refused = bench.refused(1, &["contact-sheet", "Tabby", "--takes"]);
    assert!(
        refused.contains("takes belong to an animation"),
        "{refused}"
    );
}

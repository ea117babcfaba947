use super::{Place, places};

/// What becomes of paths, in a short form: `C:` variation, `C/A` frame, `ref`, `?`.
fn told(root: &str, character: Option<&str>, paths: &[&str]) -> Vec<String> {
    let places = places(root, paths.iter().copied(), character).unwrap();
    let told = places.into_iter().map(|place| match place {
        Place::Reference { .. } => "ref".to_owned(),
        Place::Variation { character, tags } => format!("{character}:{}", tags.join(",")),
        Place::Frame {
            character,
            animation,
            ..
        } => format!("{character}/{animation}"),
        Place::Take { .. } | Place::Skip => unreachable!("names do not say so"),
        Place::Unplaced(_) => "?".to_owned(),
    });
    told.collect()
}

#[test]
fn folders_of_characters_hold_folders_of_animations() {
    let paths = [
        "mood.png",
        "tabby/front.png",
        "tabby/run/0.png",
        "tabby/run/1.png",
        "tabby/walk/left/frame_000.png",
        "tabby/walk/left/frame_001.png",
        "whiskers/idle/whiskers_idle_1.png",
        "whiskers/idle/whiskers_idle_2.png",
    ];
    assert_eq!(
        told("cats", None, &paths),
        [
            "ref",
            "tabby:",
            "tabby/run",
            "tabby/run",
            "tabby/walk left",
            "tabby/walk left",
            "whiskers/idle",
            "whiskers/idle"
        ]
    );
}

#[test]
fn a_folder_of_animations_is_a_character() {
    let paths = [
        "front.png",
        "run/01.png",
        "run/02.png",
        "walk/walk_0.png",
        "walk/walk_1.png",
    ];
    assert_eq!(
        told("tabby", None, &paths),
        [
            "tabby:",
            "tabby/run",
            "tabby/run",
            "tabby/walk",
            "tabby/walk"
        ]
    );
    assert_eq!(
        told("export-3", Some("Tabby"), &paths)[1..],
        ["Tabby/run", "Tabby/run", "Tabby/walk", "Tabby/walk"]
    );
}

#[test]
fn folders_of_views_are_characters() {
    let paths = ["tabby/front.png", "tabby/side.png", "whiskers/front.png"];
    assert_eq!(
        told("cats", None, &paths),
        ["tabby:", "tabby:", "whiskers:"]
    );
    let paths = [
        "tabby/run_1.png",
        "tabby/run_2.png",
        "tabby/walk_1.png",
        "tabby/walk_2.png",
    ];
    assert_eq!(
        told("cats", None, &paths),
        ["tabby/run", "tabby/run", "tabby/walk", "tabby/walk"]
    );
}

#[test]
fn flat_names_say_character_animation_and_index() {
    let paths = [
        "bg.png",
        "orange_cat_walk_0.png",
        "orange_cat_walk_1.png",
        "tabby-run-01.png",
        "tabby-run-02.png",
        "walk_0.png",
        "walk_1.png",
    ];
    assert_eq!(
        told("sprites", None, &paths),
        [
            "ref",
            "orange_cat/walk",
            "orange_cat/walk",
            "tabby/run",
            "tabby/run",
            "?",
            "?"
        ]
    );
    assert_eq!(
        told(
            "sprites",
            Some("Tabby"),
            &["walk_0.png", "walk_1.png", "front.png"]
        ),
        ["Tabby/walk", "Tabby/walk", "Tabby:"]
    );
    assert_eq!(
        told("walk", Some("Tabby"), &["0.png", "1.png"]),
        ["Tabby/walk", "Tabby/walk"]
    );
}

#[test]
fn the_conventional_layout_is_understood() {
    let id = "0192a0f0-7d3c-7a51-8f10-0123456789ab";
    let paths = [
        format!("assets/{id}/characters/Tabby_{id}.png"),
        format!("assets/{id}/frames/Walk/Tabby_Walk_0.png"),
        format!("assets/{id}/frames/Walk/Old-Tom_Walk_0.jpg"),
        format!("assets/{id}/references/{id}.png"),
        format!("assets/{id}/takes/{id}.png"),
    ];
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let expected = ["Tabby:", "Tabby/Walk", "Old-Tom/Walk", "ref", "?"];
    assert_eq!(told("public", None, &paths), expected);
    // Another app's times behind the number, and its own folder of characters.
    let paths = [
        "frames/walk/hero_walk_0_1767251343859.png",
        "frames/walk/hero_walk_1_1767251343999.png",
        "characters/hero_1767250950182.png",
    ];
    assert_eq!(
        told("assets", None, &paths),
        ["hero/walk", "hero/walk", "ref"]
    );
    let other = "0192a0f0-7d3c-7a51-8f10-0123456789ac";
    let two = [format!("{id}/takes/a.png"), format!("{other}/takes/b.png")];
    let error = places("assets", two.iter().map(String::as_str), None).unwrap_err();
    assert!(error.to_string().contains("2 projects"), "{error}");
}

#[test]
fn marked_folders_say_what_is_in_them() {
    let paths = [
        "animations/angry/south/frame_000.png",
        "animations/angry/south/frame_001.png",
        "rotations/south.png",
        "references/mood.png",
    ];
    assert_eq!(
        told("tabby", None, &paths),
        ["tabby/angry south", "tabby/angry south", "tabby:", "ref"]
    );
    let paths = [
        "Tabby/animations/walk/1.png",
        "Tabby/animations/walk/2.png",
        "Tabby/rotations/side/a.png",
    ];
    assert_eq!(
        told("cats", None, &paths),
        ["Tabby/walk", "Tabby/walk", "Tabby:side"]
    );
}

#[test]
fn what_can_not_be_told_is_not_guessed() {
    let paths = [
        "tabby/front.png",
        "tabby/side.png",
        "walk/0.png",
        "walk/1.png",
    ];
    assert_eq!(told("x", None, &paths), ["tabby:", "tabby:", "?", "?"]);
    let paths = [
        "tabby/walk/0.png",
        "tabby/walk/1.png",
        "tabby/walk/preview.png",
    ];
    assert_eq!(told("x", None, &paths), ["tabby/walk", "tabby/walk", "?"]);
}

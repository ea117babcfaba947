//! `mv`.

use crate::support::{Bench, each, shown};

fn two_cats(bench: &Bench) {
    bench.with_walk(3);
    bench.ok(&["character", "create", "Whiskers"]);
    bench.ok(&["animation", "create", "Tabby", "Run"]);
}

fn names(bench: &Bench, list: &[&str]) -> Vec<String> {
    let list = bench.json(list);
    each(&list, "name")
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

both_engines! {
    fn projects_characters_and_animations_get_new_names(bench) {
        two_cats(bench);
        assert_eq!(bench.ok(&["mv", "Cats", "Alley cats"]), "renamed the project \"Cats\" to \"Alley cats\"\n");
        bench.ok(&["mv", "Tabby", "Tiger"]);
        bench.ok(&["mv", "Tiger/Walk", "Stroll"]);
        bench.ok(&["mv", "Alley cats/Whiskers", "Alley cats/Luna"]);
        assert_eq!(names(bench, &["project", "list"]), ["Alley cats"]);
        assert_eq!(names(bench, &["character", "list"]), ["Tiger", "Luna"]);
        assert_eq!(names(bench, &["animation", "list"]), ["Stroll", "Run"]);
        let tree = bench.json(&["animation", "show", "Stroll"]);
        let path = &tree["frames"][2]["asset"]["filePath"];
        assert!(path.as_str().unwrap().ends_with("/frames/Stroll/Tiger_Stroll_2.png"), "{path}");
        assert!(bench.view(path).exists());
    }

    fn an_animation_goes_to_another_character(bench) {
        two_cats(bench);
        let moved = bench.ok(&["mv", "Tabby/Walk", "Whiskers/"]);
        assert_eq!(moved, "moved the animation \"Walk\" to Whiskers/Walk\n");
        assert_eq!(names(bench, &["animation", "list", "Whiskers"]), ["Walk"]);
        let path = bench.json(&["animation", "show", "Whiskers/Walk"])["frames"][0]["asset"]["filePath"].clone();
        assert!(path.as_str().unwrap().ends_with("/frames/Walk/Whiskers_Walk_0.png"), "{path}");
        assert!(bench.view(&path).exists());
        let back = bench.json(&["mv", "Whiskers/Walk", "Tabby/Stroll"]);
        assert_eq!(back["name"], "Stroll");
        assert_eq!(names(bench, &["animation", "list", "Tabby"]), ["Stroll", "Run"]);
        let edited = bench.json(&["animation", "edit", "Stroll", "--character", "Whiskers"]);
        assert_ne!(edited["characterId"], back["characterId"]);
    }

    fn frames_move_within_their_animation_and_to_another(bench) {
        two_cats(bench);
        assert_eq!(shown(&bench.json(&["mv", "Tabby/Walk/2", "Tabby/Walk/0"])), ["walk_2.png", "walk_0.png", "walk_1.png"]);
        assert_eq!(shown(&bench.json(&["mv", "Walk/0", "1"])), ["walk_0.png", "walk_2.png", "walk_1.png"]);
        assert_eq!(shown(&bench.json(&["mv", "Walk/0", "Walk/"])), ["walk_2.png", "walk_1.png", "walk_0.png"]);
        assert_eq!(shown(&bench.json(&["mv", "Walk/1", "Tabby/Run/"])), ["walk_1.png"]);
        let run = bench.json(&["mv", "Walk/0", "Tabby/Run/0"]);
        assert_eq!(shown(&run), ["walk_2.png", "walk_1.png"]);
        let walk = bench.json(&["animation", "show", "Walk"]);
        assert_eq!(shown(&walk), ["walk_0.png"]);
        assert_eq!(walk["takes"].as_array().unwrap().len(), 2, "they stay its takes");
        for frame in run["frames"].as_array().unwrap() {
            assert!(bench.view(&frame["asset"]["filePath"]).exists());
        }
        let stale = bench.refused_json(1, &["mv", "Walk/0", "Run/0", "--expect-version", "1"]);
        assert_eq!(stale["code"], "stale");
    }
}

#[test]
fn what_may_mean_two_things_or_nothing_is_answered() {
    let bench = Bench::new();
    two_cats(&bench);
    let refused = bench.refused(1, &["mv", "Tabby/Walk", "Whiskers"]);
    assert!(
        refused.contains("is it the new owner or the new name?"),
        "{refused}"
    );
    assert!(refused.contains("say \"Whiskers/\""), "{refused}");
    let refused = bench.refused(1, &["mv", "Tabby/Walk", "Wiskers/"]);
    assert!(refused.contains("did you mean \"Whiskers\""), "{refused}");
    let refused = bench.refused(1, &["mv", "Tabby/Walk", "A/B"]);
    assert!(
        refused.contains("for a name with a slash: `pegbar animation edit"),
        "{refused}"
    );
    let refused = bench.refused(1, &["mv", "Tabby", "Other/Tabby"]);
    assert!(
        refused.contains("a character stays where it is"),
        "{refused}"
    );
    let refused = bench.refused(1, &["mv", "Walk/0", "first"]);
    assert!(refused.contains("is no place for a frame"), "{refused}");
    let refused = bench.refused(1, &["mv", "Walk/0", "Tabby/Run/1"]);
    assert!(
        refused.contains("beyond the end; 0 to 0 are possible"),
        "{refused}"
    );
    let refused = bench.refused(1, &["mv", "Walk/9", "0"]);
    assert!(
        refused.contains("there is nothing called \"Walk/9\""),
        "{refused}"
    );
    let refused = bench.refused(1, &["mv", "front.png", "side.png"]);
    assert!(refused.contains("--original-name"), "{refused}");
    bench.refused(2, &["mv", "Tabby", "Tiger", "--expect-version", "1"]);
    bench.ok(&["character", "create", "Run"]);
    let refused = bench.refused_json(1, &["mv", "Run", "Jog"]);
    assert_eq!(refused["code"], "ambiguous");
    assert_eq!(refused["candidates"].as_array().unwrap().len(), 2);
}

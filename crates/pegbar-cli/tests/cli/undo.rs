//! Undoing what was done last, whatever it was.

use crate::support::Bench;

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// What people see of a studio.
fn shown(bench: &Bench) -> String {
    bench.ok(&["tree"]) + &bench.ok(&["frame", "list", "Walk"])
}

#[test]
fn undo_takes_back_what_was_done_last_and_then_what_was_before() {
    let bench = Bench::new();
    bench.with_walk(3);
    let mut states = vec![shown(&bench)];
    let mut act = |arguments: &[&str]| {
        bench.ok(arguments);
        states.push(shown(&bench));
    };
    act(&["frame", "move", "Walk", "0", "--to", "2"]);
    act(&["character", "edit", "Tabby", "--name", "Tiger"]);
    act(&["frame", "remove", "Walk", "1"]);
    act(&["character", "create", "Owl"]);
    let expected = [
        "the creation of the character \"Owl\" in \"Cats\" of ",
        "the removal of the frames \"Tiger/Walk/1\" in \"Cats\" of ",
        "the renaming of the character \"Tabby\" to \"Tiger\" in \"Cats\" of ",
        "the move of frame 0 to 2 in the animation \"Tabby/Walk\" in \"Cats\" of ",
    ];
    for (number, what) in expected.into_iter().enumerate() {
        let said = bench.ok(&["undo", "--dry-run"]);
        assert!(said.starts_with(&format!("would undo {what}")), "{said}");
        assert_eq!(Some(&shown(&bench)), states.last());
        states.pop();
        // Whose it is need not be said of a project that was named.
        let (said, what) = if number == 2 {
            let said = bench.ok(&["undo", "--project", "Cats", "--yes"]);
            (said, what.replace(" in \"Cats\" of", " of"))
        } else {
            (bench.ok(&["undo"]), what.to_owned())
        };
        assert!(said.starts_with(&format!("undid {what}")), "{said}");
        assert_eq!(Some(&shown(&bench)), states.last(), "{what}");
    }
    bench.ok(&["verify"]);
    bench.ok(&["doctor"]);
}

#[test]
fn a_project_that_was_deleted_comes_back_also_by_its_name() {
    let bench = Bench::new();
    bench.with_walk(2);
    bench.ok(&["project", "create", "Dogs"]);
    let before = bench.ok(&["tree", "Cats"]);
    for named in [&["undo"][..], &["undo", "--project", "Cats"]] {
        bench.ok(&["project", "delete", "Cats", "--yes"]);
        let said = bench.ok(named);
        let what = "undid the deletion of the project \"Cats\" of ";
        assert!(said.starts_with(what), "{said}");
        assert_eq!(bench.ok(&["tree", "Cats"]), before);
    }
    let refused = bench.refused(1, &["undo", "--project", "Birds"]);
    assert!(refused.contains("Birds"), "{refused}");
}

#[test]
fn what_is_undone_is_told_as_json() {
    let bench = Bench::new();
    bench.with_walk(2);
    bench.ok(&["character", "create", "Owl"]);
    let action = json(&bench.ok(&["--json", "undo", "--dry-run"]));
    assert_eq!(action["kind"], "create");
    assert_eq!(action["what"], "the creation of the character \"Owl\"");
    assert_eq!(action["obstacle"], serde_json::Value::Null);
    let undone = json(&bench.ok(&["--json", "undo"]));
    assert_eq!(undone["action"], action);
    assert_eq!(undone["deletion"]["characters"], 1);
    let deletion = undone["deletion"]["id"].as_str().unwrap();
    bench.ok(&["trash", "restore", deletion]);
    let undone = json(&bench.ok(&["--json", "undo"]));
    assert_eq!(undone["action"]["kind"], "restore");
    bench.ok(&["character", "create", "Emu"]);
    bench.ok(&["character", "delete", "Emu", "--yes"]);
    let undone = json(&bench.ok(&["--json", "undo"]));
    assert_eq!(undone["restored"]["deletion"]["name"], "Emu");
}

#[test]
fn where_nothing_can_be_undone_it_is_said_and_nothing_else_is_undone() {
    let bench = Bench::new();
    let refused = bench.refused(1, &["undo"]);
    assert!(refused.contains("there is nothing to undo"), "{refused}");
    bench.with_walk(2);
    bench.ok(&["frame", "remove", "Walk", "1"]);
    bench.ok(&["trash", "purge", "--all", "--grace", "0", "--yes"]);
    let before = shown(&bench);
    for dry in [&["undo"][..], &["undo", "--dry-run"]] {
        let refused = bench.refused(1, dry);
        assert!(
            refused.contains("can't be undone: what it deleted was purged"),
            "{refused}"
        );
        assert!(
            refused.contains("hint: it is in a backup, if anywhere"),
            "{refused}"
        );
    }
    assert_eq!(shown(&bench), before);
}

//! Deleting with a plan, the trash, and back.

use std::fs;

use crate::support::Bench;

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_dry_run_says_what_would_go_and_changes_nothing() {
    let bench = Bench::new();
    bench.with_walk(3);
    let before = bench.ok(&["tree"]);
    let plan = bench.ok(&["animation", "delete", "Walk", "--dry-run"]);
    assert!(
        plan.contains("goes: 1 animation, 3 frames and 3 assets"),
        "{plan}"
    );
    let plan = json(&bench.ok(&["--json", "project", "delete", "Cats", "--dry-run"]));
    assert_eq!(
        (&plan["kind"], &plan["frames"]),
        (&"project".into(), &3.into())
    );
    let plan = bench.ok(&["frame", "remove", "Walk", "1", "--dry-run"]);
    assert!(
        plan.contains("deleting the frame \"Tabby/Walk/1\"") && plan.contains("stays: asset"),
        "{plan}"
    );
    for (group, name) in [("character", "Tabby"), ("asset", "front")] {
        bench.ok(&[group, "delete", name, "--dry-run"]);
    }
    assert_eq!(bench.ok(&["tree"]), before);
}

#[test]
fn what_was_deleted_is_listed_shown_and_restored() {
    let bench = Bench::new();
    bench.with_walk(3);
    let before = bench.ok(&["tree"]);
    bench.ok(&["animation", "delete", "Walk", "--yes"]);
    let list = json(&bench.ok(&["--json", "trash", "list"]));
    assert_eq!(list[0]["name"], "Tabby/Walk");
    let id = list[0]["id"].as_str().unwrap();
    let shown = bench.ok(&["trash", "show", &id[28..]]);
    assert!(
        shown.contains("animation \"Tabby/Walk\"") && shown.contains("3 frames"),
        "{shown}"
    );
    let table = bench.ok(&["trash", "list", "--project", "Cats"]);
    assert!(table.contains("Tabby/Walk"), "{table}");
    let restored = bench.ok(&["trash", "restore", &id[28..]]);
    assert!(
        restored.contains("restored the animation \"Tabby/Walk\""),
        "{restored}"
    );
    assert_eq!(bench.ok(&["tree"]), before);
    let refused = bench.refused(1, &["trash", "restore", id]);
    assert!(refused.contains("`pegbar trash list`"), "{refused}");
}

#[test]
fn a_purge_asks_and_what_it_took_is_still_explained() {
    let bench = Bench::new();
    bench.with_walk(2);
    let take = json(&bench.ok(&["--json", "asset", "show", "Walk/0"]));
    let take = take["id"].as_str().unwrap();
    bench.ok(&["animation", "delete", "Walk", "--yes"]);
    let plan = bench.ok(&["trash", "purge", "--all", "--dry-run"]);
    assert!(
        plan.starts_with("would purge 1 deletion with 2 assets"),
        "{plan}"
    );
    bench.refused(2, &["trash", "purge", "--all"]);
    bench.refused(2, &["trash", "purge", "--yes"]);
    bench.refused(2, &["trash", "purge", "--older-than", "thirty", "--yes"]);
    let none = json(&bench.ok(&["--json", "trash", "purge", "--older-than", "1d", "--yes"]));
    assert_eq!(none["deletions"], 0);
    let purged = bench.ok(&["trash", "purge", "--all", "--grace", "0", "--yes"]);
    assert!(
        purged.contains("purged 1 deletion") && purged.contains("removed 2 blobs"),
        "{purged}"
    );
    let shown = bench.ok(&["asset", "show", take]);
    assert!(
        shown.contains("(purged)") && shown.contains("record hash"),
        "{shown}"
    );
    assert_eq!(bench.ok(&["--json", "trash", "list"]).trim(), "[]");
    bench.ok(&["verify"]);
}

#[test]
fn blobs_that_were_never_named_are_purged_when_that_is_asked_for() {
    let bench = Bench::new();
    bench.with_walk(2);
    let name = "5a".repeat(32);
    let left = bench.root().join(".pegbar/blobs/5a").join(&name);
    fs::create_dir_all(left.parent().unwrap()).unwrap();
    fs::write(&left, "left by a crash").unwrap();
    let purge = ["trash", "purge", "--unnamed", "--grace", "0"];
    let plan = bench.refused(2, &purge);
    assert!(plan.contains("--yes"), "{plan}");
    let plan = json(&bench.ok(&["--json", "trash", "purge", "--unnamed", "--dry-run"]));
    assert_eq!(plan["waitingBlobs"], 1);
    assert!(left.exists());
    let purged = json(&bench.ok(&[
        "--json",
        "trash",
        "purge",
        "--unnamed",
        "--grace",
        "0",
        "--yes",
    ]));
    assert_eq!(
        (&purged["deletions"], &purged["removedBlobs"]),
        (&0.into(), &1.into())
    );
    assert!(!left.exists());
    bench.ok(&["verify"]);
    bench.ok(&["doctor"]);
}

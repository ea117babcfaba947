//! `changes`: what has changed, and what is changing.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::support::Bench;

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

both_engines! {
    fn changes_are_told_while_other_processes_make_them(bench) {
        bench.with_walk(1);
        let before = lines(&bench.ok(&["changes", "Cats", "--json"]));
        let numbers: Vec<u64> = before.iter().map(|line| line["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        assert_eq!(before[0]["entities"][0]["entity"], "project");
        assert_eq!(before[0]["entities"][0]["change"], "created");
        let project = before[0]["entities"][0]["id"].as_str().unwrap();

        let after = numbers.len().to_string();
        let mut follower = bench
            .command(&["changes", "Cats", "--json", "--follow", "--after", &after])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(follower.stdout.take().unwrap()).lines();
        bench.ok(&["tag", "add", "Tabby", "hero"]);
        let change: Value = serde_json::from_str(&told.next().unwrap().unwrap()).unwrap();
        assert_eq!(change["number"], numbers.len() as u64 + 1);
        assert_eq!(change["entities"].as_array().unwrap().len(), 1);
        assert_eq!(change["entities"][0]["entity"], "character");
        assert_eq!(change["entities"][0]["change"], "updated");
        // The last change of a project ends it.
        bench.ok(&["project", "delete", "Cats", "--yes"]);
        let change: Value = serde_json::from_str(&told.next().unwrap().unwrap()).unwrap();
        assert_eq!(change["entities"][0]["entity"], "project");
        assert_eq!(change["entities"][0]["change"], "deleted");
        assert!(told.next().is_none());
        assert!(follower.wait().unwrap().success());
        let all = lines(&bench.ok(&["changes", project, "--json"]));
        assert_eq!(all.last().unwrap(), &change, "told by its id still");
    }
}

#[test]
fn a_change_is_told_on_a_line() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    bench.ok(&[
        "character",
        "create",
        "Tabby",
        &bench.png("a.png", 1),
        &bench.png("b.png", 2),
    ]);
    let id = bench.json(&["character", "show", "Tabby"])["character"]["id"].clone();
    let text = bench.ok(&["changes", "--after", "1"]);
    assert!(text.starts_with("     2  2"), "{text}");
    let end = format!("  created character {}, 2 assets\n", id.as_str().unwrap());
    assert!(text.ends_with(&end), "{text}");
    assert_eq!(bench.ok(&["changes", "--after", "2"]), "");
    bench.sql("DELETE FROM change WHERE number = 1");
    let ran = bench.run(&["changes"]);
    assert!(
        ran.stderr
            .contains("the changes before 2 are not kept any more"),
        "{ran:?}"
    );
    let refused = bench.refused(1, &["changes", "Dogs"]);
    assert!(
        refused.contains("there is no project \"Dogs\""),
        "{refused}"
    );
    let refused = bench.refused(1, &["changes", "0192a0f0-7d3c-7a51-8f10-0123456789ab"]);
    assert!(
        refused.contains("there is no project 0192a0f0"),
        "{refused}"
    );
}

//! How it is printed, and with which exit code.

use std::process::Stdio;

use serde_json::Value;

use crate::support::Bench;

/// Every command, with what comes first in its arguments.
pub(crate) const COMMANDS: &[&str] = &[
    "init",
    "demo",
    "project create",
    "project list",
    "project show",
    "project edit",
    "project delete",
    "character create",
    "character list",
    "character show",
    "character edit",
    "character delete",
    "variation add",
    "variation list",
    "variation primary",
    "animation create",
    "animation list",
    "animation show",
    "animation edit",
    "animation delete",
    "frame add",
    "frame list",
    "frame show",
    "frame move",
    "frame replace",
    "frame remove",
    "frame order",
    "frame prompt",
    "take list",
    "take add",
    "take use",
    "asset add",
    "asset list",
    "asset show",
    "asset credentials",
    "asset edit",
    "asset annotate",
    "asset save",
    "asset drop-bytes",
    "asset read-claims",
    "asset delete",
    "generation record",
    "generation list",
    "generation show",
    "tag add",
    "tag remove",
    "tag clear",
    "tag list",
    "mv",
    "import folder",
    "import pixellab",
    "import megabananas",
    "import sidecars",
    "import bundle",
    "export images",
    "export bundle",
    "export prov",
    "tree",
    "lineage",
    "lineage stale",
    "lineage frames",
    "search",
    "serve",
    "diff",
    "reproduce",
    "adopt",
    "contact-sheet",
    "open",
    "trash list",
    "trash show",
    "trash restore",
    "trash purge",
    "undo",
    "kept list",
    "kept add",
    "sync",
    "verify",
    "doctor",
    "scrub",
    "backup",
    "restore",
    "head keygen",
    "head export",
    "head check",
    "changes",
    "token create",
    "token list",
    "token revoke",
    "migrate",
    "migrate-to",
    "config",
    "config get",
    "config set",
    "config unset",
    "config path",
    "completions",
    "man",
];

#[test]
fn every_command_explains_itself_with_an_example() {
    let bench = Bench::new();
    let top = bench.ok(&["--help"]);
    assert!(top.contains("\nExample:\n  pegbar init "), "{top}");
    for command in COMMANDS {
        let words: Vec<&str> = command.split(' ').collect();
        assert!(
            top.contains(&format!("\n  {} ", words[0])),
            "{command} is in the help"
        );
        let help = bench.ok(&[&words[..], &["--help"]].concat());
        let example = help
            .split_once("\nExample:\n")
            .unwrap_or_else(|| panic!("{command}: {help}"))
            .1;
        assert!(example.contains("pegbar "), "{command}: {example}");
        assert!(
            help.lines().all(|line| line.chars().count() <= 100),
            "{command}: {help}"
        );
        assert!(help.contains("--json"), "{command}");
    }
}

#[test]
fn every_command_is_on_the_list() {
    let bench = Bench::new();
    let below = |words: &[&str]| -> Vec<String> {
        let help = bench.ok(&[words, &["--help"]].concat());
        let Some((_, commands)) = help.split_once("\nCommands:\n") else {
            return Vec::new();
        };
        let lines = commands.lines().take_while(|line| !line.is_empty());
        let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        let names = names.filter(|name| !name.is_empty() && *name != "help");
        names.map(str::to_owned).collect()
    };
    for group in below(&[]) {
        let commands = below(&[&group]);
        if commands.is_empty() {
            assert!(COMMANDS.contains(&group.as_str()), "{group}");
        }
        for command in commands {
            let command = format!("{group} {command}");
            assert!(COMMANDS.contains(&command.as_str()), "{command}");
        }
    }
}

#[test]
fn groups_of_commands_have_examples_too() {
    let bench = Bench::new();
    let mut groups: Vec<&str> = COMMANDS
        .iter()
        .filter_map(|command| Some(command.split_once(' ')?.0))
        .collect();
    groups.dedup();
    for group in groups {
        let help = bench.ok(&[group, "--help"]);
        let example = format!("\nExample:\n  pegbar {group} ");
        assert!(help.contains(&example), "{group}: {help}");
    }
}

#[test]
fn an_edit_of_nothing_is_wrong_usage() {
    let bench = Bench::new();
    bench.with_walk(0);
    for (group, name) in [
        ("project", "Cats"),
        ("character", "Tabby"),
        ("animation", "Walk"),
        ("asset", "front"),
    ] {
        let refused = bench.refused(2, &[group, "edit", name]);
        assert!(
            refused.contains("--name") || refused.contains("--tag"),
            "{refused}"
        );
    }
    bench.ok(&["character", "edit", "Tabby", "--clear-tags"]);
}

#[test]
fn wrong_usage_exits_with_2_and_is_json_where_that_was_asked_for() {
    let bench = Bench::new();
    bench.refused(2, &["charakter"]);
    bench.refused(2, &["frame", "move", "Walk", "0"]);
    bench.refused(2, &["variation", "primary", "Tabby", "abcd", "--clear"]);
    let error = bench.refused_json(2, &["frame", "move", "Walk", "0"]);
    assert_eq!(error["code"], "usage");
    assert!(
        error["message"].as_str().unwrap().contains("--to <INDEX>"),
        "{error}"
    );
    assert!(bench.ok(&["--version"]).starts_with("pegbar 0."));
}

#[test]
fn a_deletion_that_nobody_can_confirm_needs_yes() {
    let bench = Bench::new();
    bench.with_walk(1);
    for what in [
        ["project", "Cats"],
        ["character", "Tabby"],
        ["animation", "Walk"],
    ] {
        let refused = bench.refused(2, &[what[0], "delete", what[1]]);
        assert!(refused.contains("hint: say --yes"), "{refused}");
    }
    let error = bench.refused_json(2, &["project", "delete", "Cats"]);
    assert_eq!(error["code"], "usage");
    assert_eq!(bench.json(&["project", "show"])["counts"]["frames"], 1);
}

#[test]
fn a_closed_pipe_is_quiet() {
    let bench = Bench::new();
    bench.with_walk(3);
    for arguments in [&["tree", "--json"][..], &["asset", "list"], &["--help"]] {
        let mut command = bench.command(arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn tables_fit_80_columns() {
    let bench = Bench::new();
    bench.with_walk(3);
    let long = "a name that goes on and on, much longer than the screen is wide, 走る猫 and more";
    bench.ok(&[
        "character",
        "create",
        long,
        "--tag",
        "one-tag",
        "--tag",
        "another-tag",
    ]);
    bench.ok(&["animation", "create", long, long]);
    let lists = [
        "project list",
        "character list",
        "animation list",
        "asset list",
        "variation list Tabby",
        "take list Walk",
        "frame move Walk 0 --to 1",
    ];
    for list in lists {
        let words: Vec<&str> = list.split(' ').collect();
        let output = bench.command(&words).env("COLUMNS", "80").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        for line in text.lines() {
            // A character of East Asia is two columns wide.
            let columns: usize = line
                .chars()
                .map(|c| if c > '\u{2e80}' { 2 } else { 1 })
                .sum();
            assert!(columns <= 80, "{list}: {columns} columns: {line}");
        }
        assert!(text.lines().count() > 1, "{list}: {text}");
    }
}

#[test]
fn tables_fit_however_narrow_and_say_what_there_was_no_room_for() {
    let bench = Bench::new();
    bench.with_walk(3);
    for columns in [20, 40, 60, 80] {
        for list in [
            "asset list",
            "take list Walk",
            "frame list Walk",
            "search --kind frame",
        ] {
            let words: Vec<&str> = list.split(' ').collect();
            let mut command = bench.command(&words);
            let command = command.env("COLUMNS", columns.to_string());
            let ran = crate::support::ran(&command.output().unwrap());
            let mut lines = ran.stdout.lines();
            let wide = lines.find(|line| line.chars().count() > columns);
            assert_eq!(wide, None, "{list} at {columns}");
            let header = ran.stdout.lines().next().unwrap();
            // What is short stands on one line: days, sizes, kinds, file names.
            let day = bench.json(&["project", "show"])["createdAt"].to_string();
            for (name, cell) in [
                ("CREATED", &day[1..11]),
                ("SIZE", "140 B"),
                ("KIND", "frame"),
                ("CAME AS", "walk_0.png"),
            ] {
                let is_broken = header.contains(name) && !ran.stdout.contains(cell);
                assert!(!is_broken || columns == 20, "{cell}: {ran:?}");
            }
            if columns == 20 {
                assert!(ran.stderr.starts_with("no room for "), "{list}: {ran:?}");
                assert!(
                    ran.stderr.contains(": a wider terminal or --json shows "),
                    "{ran:?}"
                );
            }
        }
    }
    let ran = bench.run(&["asset", "list"]);
    assert_eq!(ran.stderr, "", "where nobody looks, all columns are there");
}

#[test]
fn ids_stay_whole_however_narrow_the_screen_is() {
    let bench = Bench::new();
    bench.with_walk(3);
    let lists = [
        "project list",
        "character list",
        "animation list",
        "animation show Walk",
        "asset list",
        "variation list Tabby",
        "frame list Walk",
        "take list Walk",
        "search --unused",
        "search --kind frame",
    ];
    for list in lists {
        let words: Vec<&str> = list.split(' ').collect();
        let ids: Vec<String> = match bench.json(&words) {
            Value::Array(rows) => rows,
            tree => tree["frames"].as_array().unwrap().clone(),
        }
        .iter()
        .filter_map(|row| {
            let row = row.get("take").or(row.get("asset")).unwrap_or(row);
            Some(crate::support::ending(row.get("id")?, 12))
        })
        .collect();
        let output = bench.command(&words).env("COLUMNS", "40").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let shown = ids.iter().filter(|id| text.contains(*id)).count();
        let is_with_ids = text
            .lines()
            .next()
            .is_some_and(|header| header.starts_with("ID") || header.starts_with("TAKE"));
        assert!(
            !is_with_ids || shown == ids.len(),
            "{list}: {ids:?} in {text}"
        );
    }
}

#[test]
fn everything_is_json_where_that_was_asked_for() {
    let bench = Bench::new();
    bench.with_walk(2);
    let commands = [
        "project list",
        "project show",
        "project edit Cats --tag game",
        "character list",
        "character show Tabby",
        "character edit Tabby --tag hero",
        "variation list Tabby",
        "take list Walk",
        "frame list Walk",
        "frame show Walk 0",
        "search --kind frame",
        "diff Walk/0 Walk/1",
        "reproduce Walk/0",
        "tag list",
        "kept list",
        "config",
        "config get project",
        "mv Walk/0 1",
        "open Walk/0 --print",
        "animation list",
        "animation show Walk",
        "animation edit Walk --frame-duration 80",
        "frame move Walk 0 --to 1",
        "asset list",
        "tree",
        "tree Cats",
        "adopt",
        "sync",
        "verify",
        "doctor",
        "doctor --deep",
        "doctor --repair",
        "scrub",
        "scrub --rate 100MB/s --for 5s",
        "migrate",
        "animation delete Walk --yes",
        "character delete Tabby --yes",
        "project delete Cats --yes",
    ];
    for command in commands {
        let words: Vec<&str> = command.split(' ').collect();
        let value = bench.json(&words);
        let is_list = command.contains(" list")
            || command.starts_with("search")
            || command == "tree"
            || command == "config";
        assert_eq!(value.is_array(), is_list, "{command}");
    }
}

#[test]
fn warnings_are_json_lines_beside_the_result() {
    let bench = Bench::new();
    bench.with_walk(1);
    let tree = bench.json(&["animation", "show", "Walk"]);
    std::fs::write(
        bench.view(&tree["frames"][0]["asset"]["filePath"]),
        "edited",
    )
    .unwrap();
    let ran = bench.run(&["sync", "--json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["kept"].as_array().unwrap().len(), 1);
    let warning: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert!(
        warning["warning"]["message"]
            .as_str()
            .unwrap()
            .contains("is kept as")
    );
}

#[test]
fn a_name_cannot_steer_the_terminal() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "a\u{1b}[2Jb"]);
    let everything = [
        bench.ok(&["project", "list"]),
        bench.ok(&["tree"]),
        bench.ok(&["project", "show"]),
    ];
    assert!(
        everything
            .iter()
            .all(|text| !text.contains('\u{1b}') && text.contains("a␛[2Jb"))
    );
    assert_eq!(bench.json(&["project", "list"])[0]["name"], "a\u{1b}[2Jb");
}

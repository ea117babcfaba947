//! `lineage` and `asset drop-bytes`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::snapshot::Transcript;
use crate::support::{Bench, each, skipped};

/// A character in two designs and a walk of three frames: each is made from the design, the
/// palette and the frame before.
fn walk(bench: &Bench) {
    bench.with_walk(0);
    let palette = bench.png("palette.png", 50);
    let side = bench.png("side.png", 51);
    bench.ok(&["asset", "add", &palette]);
    bench.ok(&["variation", "add", "Tabby", &side]);
    for n in 0..3 {
        let image = bench.png(&format!("walk_{n}.png"), n);
        let mut arguments = vec!["frame", "add", "Walk", &image, "--made-from"];
        arguments.extend(["front.png:character", "--made-from", "palette.png:style"]);
        let before = take(bench, n.saturating_sub(1));
        let before = format!("{before}:previous_frame");
        if n > 0 {
            arguments.extend(["--made-from", &before]);
        }
        bench.ok(&arguments);
    }
}

/// The id of what a frame of the walk shows; empty where there is none.
fn take(bench: &Bench, index: u32) -> String {
    let tree = bench.json(&["animation", "show", "Walk"]);
    let id = &tree["frames"][index as usize]["asset"]["id"];
    id.as_str().unwrap_or_default().to_owned()
}

fn id_of(bench: &Bench, name: &str) -> String {
    let asset = bench.json(&["asset", "show", name]);
    asset["id"].as_str().unwrap().to_owned()
}

fn names(lineage: &Value) -> Vec<&str> {
    let nodes = each(&lineage["nodes"], "name").into_iter();
    nodes.map(|name| name.as_str().unwrap()).collect()
}

both_engines! {
    fn a_lineage_is_a_tree_for_people_and_a_graph_for_programs(bench) {
        walk(bench);
        let graph = bench.json(&["lineage", "Tabby/Walk/2"]);
        let mut found = names(&graph);
        found.sort_unstable();
        assert_eq!(found, ["Tabby/Walk/0", "Tabby/Walk/1", "Tabby/Walk/2", "Tabby/front.png", "palette.png"]);
        assert_eq!(graph["edges"].as_array().unwrap().len(), 8);
        assert_eq!(graph["nodes"][0]["side"], "root");
        assert_eq!(graph["nodes"][0]["shownIn"][0]["frameIndex"], 2);
        assert_eq!(graph["edges"][0], serde_json::json!({
            "assetId": take(bench, 2), "inputId": id_of(bench, "front.png"), "role": "character",
            "position": 0, "sha256": bench.json(&["asset", "show", "front.png"])["sha256"],
        }));
        let tree = bench.ok(&["lineage", "Tabby/Walk/2"]);
        let lines: Vec<&str> = tree.lines().collect();
        assert_eq!(lines.len(), 10, "{tree}");
        assert!(lines[0].starts_with("Tabby/Walk/2  "), "{tree}");
        assert_eq!(lines[1], "made from");
        assert!(lines[2].starts_with("├─ character: Tabby/front.png, primary  "), "{tree}");
        assert!(lines[4].starts_with("└─ previous_frame: Tabby/Walk/1  "), "{tree}");
        assert!(lines[7].starts_with("   └─ previous_frame: Tabby/Walk/0  "), "{tree}");
        // By role, by depth, both ways, and by the end of an id.
        let frames = bench.json(&["lineage", &take(bench, 2), "--role", "previous_frame"]);
        assert_eq!(names(&frames), ["Tabby/Walk/2", "Tabby/Walk/1", "Tabby/Walk/0"]);
        let near = bench.json(&["lineage", "Walk/2", "--depth", "0"]);
        assert_eq!(names(&near), ["Tabby/Walk/2"]);
        let made = bench.json(&["lineage", "front", "--descendants", "--depth", "1"]);
        assert_eq!(made["nodes"].as_array().unwrap().len(), 4);
        let both = bench.json(&["lineage", "Walk/1", "--both"]);
        assert_eq!(each(&both["nodes"], "side"), ["root", "ancestor", "ancestor", "ancestor", "descendant"]);
        let text = bench.ok(&["lineage", "Walk/1", "--both"]);
        assert!(text.contains("\nmade from\n") && text.contains("\nwhat was made from it\n"), "{text}");
        let alone = bench.ok(&["lineage", "side", "--both"]);
        let nothing = "made from: nothing recorded\nwhat was made from it: nothing recorded\n";
        assert!(alone.contains(nothing), "{alone}");
        let without_a_step = bench.ok(&["lineage", "Walk/2", "--both", "--depth", "0"]);
        assert_eq!(without_a_step.lines().count(), 1, "{without_a_step}");
    }

    fn every_name_that_is_printed_can_be_pasted_into_a_command(bench) {
        walk(bench);
        let better = bench.png("better.png", 60);
        bench.ok(&["frame", "replace", "Walk", "0", "--with", &better, "--made-from", "front:character"]);
        bench.ok(&["variation", "primary", "Tabby", "side.png"]);
        bench.ok(&["frame", "add", "Walk", "--showing", "Tabby/Walk/2"]);
        let id = |name: &str| bench.json(&["asset", "show", name])["id"].clone();
        let graph = bench.json(&["lineage", "Tabby/Walk/2", "--both"]);
        let mut pasted: Vec<&str> = names(&graph);
        for (node, name) in each(&graph["nodes"], "id").into_iter().zip(&pasted) {
            assert_eq!(id(name), *node, "{name}");
        }
        pasted.sort_unstable();
        let all = ["Tabby/Walk/1", "Tabby/Walk/2", "Tabby/Walk/walk_0.png", "Tabby/front.png", "palette.png"];
        assert_eq!(pasted, all);
        let tree = bench.ok(&["lineage", "Tabby/Walk/2"]);
        assert!(tree.starts_with("Tabby/Walk/2, and in 1 more frame  "), "{tree}");
        assert!(tree.contains(" Tabby/Walk/walk_0.png, not shown  "), "{tree}");
        // Tables: names in the first columns, ids in the last.
        for (list, columns) in [("lineage stale", vec![0, 1]), ("lineage frames front", vec![0])] {
            let text = bench.ok(&list.split(' ').collect::<Vec<_>>());
            for line in text.lines().skip(1) {
                let cells: Vec<&str> = line.split_whitespace().collect();
                let found: Vec<Value> = columns.iter().map(|column| id(cells[*column])).collect();
                assert_eq!(found.last().unwrap(), *cells.last().unwrap(), "{line}");
            }
            assert!(text.lines().count() > 2, "{text}");
        }
        let users = &bench.refused_json(1, &["asset", "delete", "palette.png", "--yes"])["users"];
        for (user, name) in each(users, "id").into_iter().zip(each(users, "name")) {
            assert_eq!(id(name.as_str().unwrap()), *user, "{name}");
        }
        let frame = bench.ok(&["frame", "show", "Walk", "1"]);
        assert_eq!(id(frame.lines().next().unwrap()), *take(bench, 1));
    }

    fn a_number_is_the_index_of_a_frame_whatever_takes_are_called(bench) {
        bench.with_walk(2);
        let one = bench.png("1.png", 80);
        let added = bench.json(&["take", "add", "Walk", &one]);
        let take_of = |name: &str| bench.json(&["asset", "show", name])["id"].clone();
        assert_eq!(take_of("Tabby/Walk/1"), *take(bench, 1));
        assert_eq!(take_of("Tabby/Walk/1.png"), added[0]["id"]);
        bench.refused(1, &["asset", "show", "Tabby/Walk/7"]);
    }

    fn a_limit_says_that_there_is_more(bench) {
        walk(bench);
        let ran = bench.run(&["lineage", "Walk/2", "--limit", "2"]);
        assert_eq!(ran.code, Some(0));
        assert!(ran.stderr.contains("warning: there is more: these are the nearest 2 each way"), "{ran:?}");
        assert_eq!(bench.json(&["lineage", "Walk/2", "--limit", "2"])["hasMore"], true);
        bench.refused(2, &["lineage", "Walk/2", "--limit", "0"]);
        bench.refused(2, &["lineage", "Walk/2", "--role", "colour"]);
        bench.refused(2, &["lineage", "Walk/2", "--both", "--ancestors"]);
        bench.refused(2, &["lineage"]);
    }

    fn what_has_no_lineage_is_told_apart(bench) {
        walk(bench);
        let refused = bench.refused(1, &["lineage", "Tabby"]);
        assert!(refused.contains("\"Tabby\" is no asset but a character"), "{refused}");
        let refused = bench.refused(1, &["lineage", "Tabby/Walk"]);
        assert!(refused.contains("\"Tabby/Walk\" is no asset but an animation"), "{refused}");
        let refused = bench.refused(1, &["lineage", "nobody.png"]);
        assert!(refused.contains("there is no asset \"nobody.png\""), "{refused}");
        let refused = bench.refused(1, &["lineage", "stale", "Walk/1"]);
        assert!(refused.contains("is a single frame"), "{refused}");
    }

    fn stale_frames_are_listed_with_the_reason(bench) {
        walk(bench);
        assert_eq!(bench.json(&["lineage", "stale"]), serde_json::json!([]));
        let better = bench.png("better.png", 60);
        bench.ok(&["frame", "replace", "Walk", "0", "--with", &better, "--made-from", "front:character"]);
        for scope in [&[][..], &["Cats"], &["Tabby"], &["Tabby/Walk"]] {
            let stale = bench.json(&[&["lineage", "stale"], scope].concat());
            assert_eq!(stale[0]["animation"], "Walk");
            assert_eq!(each(&stale[0]["frames"], "frameIndex"), [1]);
            assert_eq!(stale[0]["frames"][0]["causes"][0]["reason"], "takeNotShown");
        }
        let wide = bench.json(&["lineage", "stale", "--transitive"]);
        assert_eq!(each(&wide[0]["frames"], "frameIndex"), [1, 2]);
        assert_eq!(wide[0]["frames"][1]["causes"][0]["depth"], 2);
        bench.ok(&["variation", "primary", "Tabby", "side.png"]);
        let both = bench.json(&["lineage", "stale"]);
        assert_eq!(each(&both[0]["frames"], "frameIndex"), [0, 1, 2]);
        let design = bench.json(&["lineage", "stale", "--reason", "design"]);
        assert_eq!(design[0]["frames"][1]["causes"].as_array().unwrap().len(), 1);
        let frames = bench.json(&["lineage", "frames", "Tabby/front"]);
        assert_eq!(each(&frames[0]["frames"], "depth"), [1, 1, 1]);
        let none = bench.run(&["lineage", "frames", "side"]);
        assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "no frame comes from it\n"));
    }

    fn dropped_bytes_show_everywhere(bench) {
        walk(bench);
        let refused = bench.refused(1, &["asset", "delete", "palette.png", "--yes"]);
        assert!(refused.contains("asset Tabby/Walk/0 ("), "{refused}");
        assert!(refused.contains("`pegbar asset drop-bytes` drops its bytes"), "{refused}");
        let error = bench.refused_json(1, &["asset", "delete", "palette.png", "--yes"]);
        assert_eq!(each(&error["users"], "name"), ["Tabby/Walk/0", "Tabby/Walk/1", "Tabby/Walk/2"]);
        assert_eq!(error["moreUsers"], 0);
        bench.refused(2, &["asset", "drop-bytes", "palette.png"]);
        let dropped = bench.json(&["asset", "drop-bytes", "palette.png", "--yes"]);
        let day = &dropped["asset"]["bytesDroppedAt"].as_str().unwrap()[..10];
        let mark = format!("bytes dropped {day}");
        for command in [
            "asset list", "tree", "lineage Walk/2", "lineage Walk/2 --format dot",
            "lineage Walk/2 --format mermaid",
        ] {
            let words: Vec<&str> = command.split(' ').collect();
            let text = bench.ok(&words);
            assert!(text.contains(&mark), "{command}: {text}");
        }
        let shown = bench.ok(&["asset", "show", "palette.png"]);
        assert!(shown.contains("bytes dropped  ") && shown.contains(day), "{shown}");
        let sha256 = dropped["asset"]["sha256"].as_str().unwrap();
        for command in ["asset save palette.png", "open palette.png --print", "asset credentials palette.png"] {
            let words: Vec<&str> = command.split(' ').collect();
            let refused = bench.refused(1, &words);
            for said in [
                &format!("its bytes were dropped on {day}"), "(palette.png, image/png, ", sha256,
                "hint: its record, prompts, claims and lineage are still there: `pegbar asset show ",
            ] {
                assert!(refused.contains(said), "{said}: {refused}");
            }
            assert_eq!(bench.refused_json(1, &words)["code"], "bytes_dropped");
        }
        let again = bench.refused(1, &["asset", "drop-bytes", "palette.png", "--yes"]);
        assert!(again.contains(&format!("were dropped on {day}")), "{again}");
        let primary = bench.refused(1, &["asset", "drop-bytes", "front.png", "--yes"]);
        assert!(primary.contains("character Tabby ("), "{primary}");
        // Lists of takes and variations, and contact sheets.
        let other = bench.png("other.png", 70);
        bench.ok(&["take", "add", "Walk", &other]);
        let takes = bench.json(&["take", "list", "Walk", "--unshown"]);
        for asset in [takes[0]["id"].as_str().unwrap(), "side.png"] {
            bench.ok(&["asset", "drop-bytes", asset, "--yes"]);
        }
        for command in ["take list Walk", "variation list Tabby", "animation show Walk", "character show Tabby"] {
            let words: Vec<&str> = command.split(' ').collect();
            let text = bench.ok(&words);
            assert!(text.contains(&mark), "{command}: {text}");
        }
        bench.ok(&["contact-sheet", "Tabby"]);
        bench.ok(&["contact-sheet", "Walk", "--takes"]);
        let report = bench.json(&["sync"]);
        assert_eq!((&report["written"], &report["removed"]), (&0.into(), &0.into()));
    }
}

/// Runs Graphviz on a graph; `None` where it is not installed.
fn graphviz(dot: &str, format: &str) -> Option<String> {
    let dot_program = Command::new("dot")
        .arg(format!("-T{format}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = dot_program.ok()?;
    let mut input = child.stdin.take().unwrap();
    input.write_all(dot.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !errors.contains("syntax"),
        "{errors}: {dot}"
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn graphviz_reads_what_is_drawn_for_it_whatever_the_names_are() {
    let bench = Bench::new();
    let name = "a \"b\" \\N\\ &lt; <b>走る</b> {x|y} [z]; -> #1";
    bench.ok(&["project", "create", "P"]);
    let front = bench.png("front.png", 1);
    bench.ok(&["character", "create", name, &front]);
    bench.ok(&["animation", "create", name, "Walk"]);
    let image = bench.png("walk.png", 2);
    bench.ok(&[
        "frame",
        "add",
        "Walk",
        &image,
        "--made-from",
        "front.png:character",
    ]);
    let dot = bench.ok(&["lineage", "Walk/0", "--format", "dot"]);
    let Some(plain) = graphviz(&dot, "plain") else {
        skipped("Graphviz is not installed, so its graphs were only written.");
        return;
    };
    let kinds = |kind: &str| plain.lines().filter(|line| line.starts_with(kind)).count();
    assert_eq!((kinds("node "), kinds("edge ")), (2, 1), "{plain}");
    let svg = graphviz(&dot, "svg").unwrap();
    let shown = name
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    let shown = shown.replace("-&gt;", "&#45;&gt;");
    let svg = svg.replace("&#160;", " ");
    assert!(
        svg.contains(&shown) || svg.contains(&shown.replace("&quot;", "\"")),
        "{svg}"
    );
}

#[test]
fn a_flowchart_has_each_asset_and_each_edge_once() {
    let bench = Bench::new();
    walk(&bench);
    let chart = bench.ok(&["lineage", "Walk/2", "--format", "mermaid"]);
    let mut lines = chart.lines();
    assert_eq!(lines.next(), Some("flowchart LR"));
    let nodes = chart.lines().filter(|line| line.contains("[\"")).count();
    let edges = chart.lines().filter(|line| line.contains("-->|")).count();
    assert_eq!((nodes, edges), (5, 8), "{chart}");
    assert!(chart.contains("  n0[\"Tabby/Walk/2<br/>"), "{chart}");
}

#[test]
fn lineages_look_as_they_should() {
    let bench = Bench::new();
    walk(&bench);
    let better = bench.png("better.png", 60);
    let replace = ["frame", "replace", "Walk", "0", "--with", &better];
    bench.ok(&[&replace[..], &["--made-from", "front:character"]].concat());
    bench.ok(&["asset", "drop-bytes", "palette.png", "--yes"]);
    let mut transcript = Transcript::new(&bench);
    transcript.run(&["lineage", "Tabby/Walk/2"]);
    transcript.run(&["lineage", "front.png", "--descendants"]);
    transcript.run(&["lineage", "Tabby/Walk/1", "--both", "--depth", "1"]);
    transcript.run(&["lineage", "stale", "--transitive"]);
    transcript.run(&["lineage", "frames", "front.png"]);
    transcript.run(&["asset", "delete", "palette.png", "--yes"]);
    transcript.compare("lineage");
}

#[test]
fn a_tree_deeper_than_a_screen_is_cut_with_a_word() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "P"]);
    let image = bench.png("a.png", 1);
    let mut last = bench.json(&["asset", "add", &image])[0]["id"].clone();
    for _ in 0..45 {
        let from = last.as_str().unwrap().to_owned();
        last = bench.json(&["asset", "add", &image, "--made-from", &from])[0]["id"].clone();
    }
    let text = bench.ok(&["lineage", last.as_str().unwrap()]);
    assert_eq!(text.lines().count(), 2 + 40 + 1, "{text}");
    assert!(
        text.lines()
            .last()
            .unwrap()
            .ends_with("… 1 asset more below: ask for the lineage of this one, or say --json"),
        "{text}"
    );
}

#[test]
fn inputs_that_only_the_file_claims_are_told_from_none() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let sent = folder.join("../pegbar/tests/fixtures/c2pa/sent.webp");
    bench.ok(&["asset", "add", sent.to_str().unwrap()]);
    let lineage = bench.ok(&["lineage", "sent.webp"]);
    assert!(
        lineage.contains("made from: nothing recorded (the file claims 2 inputs: `pegbar asset"),
        "{lineage}"
    );
}

#[test]
fn inputs_are_shown_with_the_names_that_people_know() {
    let bench = Bench::new();
    bench.with_walk(1);
    let image = bench.png("next.png", 70);
    let inputs = ["character=front", "previous_frame=Tabby/Walk/0"];
    let recorded = bench.json(&[
        "generation",
        "record",
        &image,
        "--take-of",
        "Walk",
        "--input",
        inputs[0],
        "--input",
        inputs[1],
    ]);
    let [asset, generation] = [&recorded["outputs"][0], &recorded["generation"]];
    for words in [["asset", "show"], ["generation", "show"]] {
        let one = if words[0] == "asset" {
            asset
        } else {
            generation
        };
        let shown = bench.ok(&[words[0], words[1], one["id"].as_str().unwrap()]);
        for line in [
            "  character: Tabby/front.png, primary\n",
            "  previous_frame: Tabby/Walk/0\n",
        ] {
            assert!(shown.contains(line), "{line}: {shown}");
        }
    }
}

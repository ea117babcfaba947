//! A stranger's first project, with every wrong turn on the way: each gets an answer that says
//! what was wrong and what to do.

use std::fs;

use crate::snapshot::Transcript;
use crate::support::{Bench, each, ran};

/// Copies what a stranger has: folders with images.
fn images(bench: &Bench) {
    for cat in ["tabby", "luna"] {
        for (folder, count) in [("walk", 12), ("jump", 3)] {
            let folder = bench.root().join(cat).join(folder);
            fs::create_dir_all(&folder).unwrap();
            for n in 0..count {
                let image = bench.png("image.png", 100 * count + n + u32::from(cat.as_bytes()[0]));
                fs::copy(image, folder.join(format!("{n}.png"))).unwrap();
            }
        }
        for name in ["front", "side"] {
            let image = bench.png("image.png", u32::from(name.as_bytes()[0]));
            fs::copy(image, bench.root().join(cat).join(format!("{name}.png"))).unwrap();
        }
    }
}

#[test]
fn every_wrong_turn_of_a_first_project_is_answered() {
    let bench = Bench::new();
    images(&bench);
    let numbered: Vec<String> = (0..12).map(|n| format!("tabby/walk/{n}.png")).collect();
    let walk = |sorted: &'static [&'static str]| -> Vec<&str> {
        let files = numbered.iter().map(String::as_str);
        ["frame", "add", "Walk"]
            .into_iter()
            .chain(files)
            .chain(sorted.iter().copied())
            .collect()
    };
    let mut turns = Transcript::new(&bench);
    let mut turn = |line: &[&str]| turns.run(line);

    // Nothing is there yet.
    turn(&["tree"]);
    turn(&["character", "create", "Tabby"]);
    turn(&["new", "project"]);
    turn(&["project", "new", "Alley cats"]);
    turn(&["project", "create", "Alley cats"]);
    turn(&["project", "create", "Alley cats"]);
    turn(&["project", "delete", "Alley cats", "--yes"]);

    // Characters.
    bench.ok(&["project", "list"]);
    let twin = bench.json(&["project", "list"])[1]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    turn(&["project", "delete", &twin[24..], "--yes"]);
    turn(&["character", "create", "tabby/front.png"]);
    turn(&["character", "create", "Tabby", "tabby"]);
    turn(&["character", "create", "Tabby", "tabby/fromt.png"]);
    turn(&["character", "create", "Tabby", "tabby/*.jpg"]);
    turn(&["character", "create", "Tabby", "tabbi/front.png"]);
    turn(&[
        "character",
        "create",
        "Tabby",
        "tabby/front.png",
        "tabby/side.png",
    ]);
    turn(&["variation", "add", "tabby/side.png", "Tabby"]);
    turn(&[
        "variation",
        "add",
        "Tabby",
        "tabby/side.png",
        "--made-from",
        "luna/front.png",
    ]);

    // Animations.
    turn(&["frame", "add", "Walk", "tabby/walk/0.png"]);
    turn(&["animation", "create", "Walk", "Tabby"]);
    turn(&["animation", "create", "Taby", "Walk"]);
    turn(&["frame", "add", "Tabby", "tabby/walk/0.png"]);
    turn(&["animation", "create", "Tabby", "Walk"]);
    turn(&["frame", "add", "Tabby", "tabby/walk/0.png"]);
    turn(&["frame", "add", "tabby/walk/0.png", "tabby/walk/1.png"]);
    turn(&["frame", "add", "Walk", "tabby/walk/"]);
    turn(&["frame", "add", "Walk"]);
    turn(&walk(&["--sorted"]));
    turn(&walk(&["--sort"]));
    turn(&["frame", "move", "7", "Tabby/Walk", "--to", "0"]);
    turn(&["frame", "move", "Walk", "7", "0"]);
    turn(&["frame", "rm", "Walk", "7"]);
    turn(&["frame", "remove", "Walk", "12"]);
    turn(&["ls"]);
    turn(&["show", "Walk"]);
    turn(&["contact-sheet", "Wolk"]);

    // A second project.
    turn(&["project", "create", "Roof cats"]);
    turn(&["character", "create", "Luna", "luna/front.png"]);
    turn(&["config", "set", "projekt", "Alley cats"]);
    turn(&["config", "set", "project", "Aley cats"]);
    turn(&["character", "create", "Luna", "luna/front.png"]);
    turn(&["config", "set", "project", "Alley cats"]);
    turn(&["character", "create", "Luna", "luna/front.png"]);
    turns.compare("wrong_turns");
}

#[test]
fn a_studio_in_a_folder_below_is_named() {
    let bench = Bench::new();
    let mut command = bench.command(&["tree"]);
    let refused = ran(&command.current_dir(bench.folder()).output().unwrap());
    assert_eq!(refused.code, Some(1));
    assert!(
        refused
            .stderr
            .contains("hint: there is one in studio: `cd studio` first"),
        "{refused:?}"
    );
}

#[test]
fn two_characters_and_three_animations_take_eight_commands() {
    let bench = Bench::new();
    images(&bench);
    let files = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(bench.root().join(folder)).unwrap();
        entries
            .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
            .collect()
    };
    bench.ok(&["project", "create", "Alley cats"]);
    let mut sizes = Vec::new();
    for (name, folder) in [("Tabby", "tabby"), ("Luna", "luna")] {
        bench.ok(&[
            "character",
            "create",
            name,
            &format!("{folder}/front.png"),
            &format!("{folder}/side.png"),
        ]);
        for animation in ["walk", "jump"]
            .iter()
            .take(if name == "Tabby" { 2 } else { 1 })
        {
            bench.ok(&["animation", "create", name, animation]);
            let files = files(&format!("{folder}/{animation}"));
            let files = files.iter().map(String::as_str);
            let path = format!("{name}/{animation}");
            let add = ["frame", "add", &path, "--sort"].into_iter().chain(files);
            let tree = bench.json(&add.collect::<Vec<_>>());
            sizes.push(tree["frames"].as_array().unwrap().len());
        }
    }
    assert_eq!(sizes, [12, 3, 12]);
    let counts = bench.json(&["project", "show"])["counts"].clone();
    assert_eq!(
        (&counts["characters"], &counts["animations"]),
        (&2.into(), &3.into())
    );
    assert_eq!(
        each(&bench.json(&["animation", "list"]), "frameCount"),
        [12, 3, 12]
    );
}

#[test]
fn a_second_animation_of_one_name_is_pointed_out() {
    let bench = Bench::new();
    bench.with_walk(1);
    let again = bench.run(&["animation", "create", "Tabby", "Walk"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    let expected = "another animation of the character is called so (";
    assert!(again.stderr.contains(expected), "{}", again.stderr);
}

#[test]
fn init_makes_the_studio_that_was_named() {
    let bench = Bench::new();
    let folder = bench.folder().join("named");
    bench.ok(&["--studio", folder.to_str().unwrap(), "init"]);
    assert!(folder.join(".pegbar/store-id").exists());
}

//! `completions` and `man`: made from the help, so that they never lag behind it.

use std::fs;
use std::process::Command;

use crate::output::COMMANDS;
use crate::support::Bench;

#[test]
fn every_shell_gets_every_command() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = bench.ok(&["completions", shell]);
        for command in COMMANDS {
            let word = command.rsplit(' ').next().unwrap();
            assert!(script.contains(word), "{shell}: {command}");
        }
        assert!(script.contains("expect-version"), "{shell}");
    }
    bench.refused(2, &["completions", "tcsh"]);
}

#[test]
fn a_shell_that_is_here_accepts_its_completions() {
    let bench = Bench::new();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = bench.text_file(shell, &bench.ok(&["completions", shell]));
        if let Ok(output) = Command::new(shell).args([check, &script]).output() {
            assert!(output.status.success(), "{shell}: {output:?}");
        }
    }
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let bench = Bench::new();
    let pages = bench.json(&["man", "man1"]);
    let folder = bench.root().join("man1");
    let count = fs::read_dir(&folder).unwrap().count();
    assert_eq!(pages.as_array().unwrap().len(), count);
    for command in COMMANDS {
        let name = format!("pegbar-{}", command.replace(' ', "-"));
        let page = fs::read_to_string(folder.join(format!("{name}.1"))).unwrap();
        assert!(page.contains("\n.SH NAME\n"), "{name}");
        assert!(page.contains("\n.SH SYNOPSIS\n"), "{name}");
        assert!(page.contains("\n.SH EXAMPLES\n.nf\n"), "{name}");
        assert!(
            page.contains("\\-\\-json"),
            "{name}: the options of every command are there"
        );
    }
    let page = fs::read_to_string(folder.join("pegbar-frame-move.1")).unwrap();
    let synopsis = page.split_once("\n.SH SYNOPSIS\n").unwrap().1;
    let synopsis = synopsis.split_once("\n.SH ").unwrap().0.replace('\\', "");
    assert!(
        synopsis.contains("[OPTIONS] --to <INDEX> <ANIMATION> [INDEX]"),
        "{synopsis}"
    );
    let top = fs::read_to_string(folder.join("pegbar.1")).unwrap();
    assert!(top.contains("\npegbar\\-contact\\-sheet(1)\n"), "{top}");
}

#[test]
fn the_manual_renders_without_complaint() {
    let bench = Bench::new();
    bench.ok(&["man", "man1"]);
    for entry in fs::read_dir(bench.root().join("man1")).unwrap() {
        let page = entry.unwrap().path();
        let page = page.to_str().unwrap();
        let man = [
            ("mandoc", &["-Tlint", "-Werror"][..]),
            ("groff", &["-man", "-Tutf8", "-ww", "-z"]),
        ];
        for (program, arguments) in man {
            if let Ok(output) = Command::new(program).args(arguments).arg(page).output() {
                assert!(
                    output.status.success() && output.stderr.is_empty(),
                    "{page}: {output:?}"
                );
            }
        }
    }
}

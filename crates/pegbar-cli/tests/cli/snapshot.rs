//! How help, tables and errors look, word for word. After a change that is meant:
//! `INSTA_UPDATE=always cargo test -p pegbar-cli`, and look at the difference.

use std::fmt::Write as _;

use crate::output::COMMANDS;
use crate::support::{Bench, ran};

/// What runs of the program print, with what differs from run to run taken out.
pub(crate) struct Transcript<'a> {
    bench: &'a Bench,
    text: String,
}

impl<'a> Transcript<'a> {
    pub(crate) fn new(bench: &'a Bench) -> Self {
        Self {
            bench,
            text: String::new(),
        }
    }

    /// Runs the program on a screen of 80 columns and writes down what it says.
    pub(crate) fn run(&mut self, arguments: &[&str]) {
        self.run_at("80", arguments);
    }

    /// Runs the program on a screen of so many columns and writes down what it says.
    fn run_at(&mut self, columns: &str, arguments: &[&str]) {
        let words = arguments.iter().map(|word| {
            let is_plain = !word.is_empty() && !word.contains([' ', '*', '\'', '"']);
            if is_plain {
                (*word).to_owned()
            } else {
                format!("'{word}'")
            }
        });
        let line = words.collect::<Vec<_>>().join(" ");
        let mut command = self.bench.command(arguments);
        let ran = ran(&command.env("COLUMNS", columns).output().unwrap());
        let (stdout, stderr) = (ran.stdout, ran.stderr);
        let code = ran.code.filter(|code| *code != 0);
        let code = code.map(|code| format!("[exit code {code}]\n"));
        let code = code.unwrap_or_default();
        write!(self.text, "$ pegbar {line}\n{stdout}{stderr}{code}\n").unwrap();
    }

    /// Compares it with the snapshot of that name.
    pub(crate) fn compare(&self, name: &str) {
        compare(name, &masked(&self.text, self.bench));
    }
}

fn compare(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Replaces ids, times and the folders of the test by signs that are as long, so that columns
/// stay where they are.
fn masked(text: &str, bench: &Bench) -> String {
    let folder = bench.folder();
    let text = without_moments(&text.replace(folder.to_str().unwrap(), "[folder]"));
    let mut masked = String::with_capacity(text.len());
    let mut word = String::new();
    // What ids and times consist of; anything else ends a word.
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_alphanumeric() || c == '-' {
            word.push(c);
            continue;
        }
        let is_hex = word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        let is_id = is_hex && (word.len() == 36 || word.len() == 12 && !word.contains('-'));
        // Of a record, which has a time in it.
        let is_hash = is_hex && word.len() == 64;
        let is_day = has_shape(&word, "dddd-dd-dd") && word != "2026-01-31";
        if is_id {
            write!(masked, "[id{}]", ".".repeat(word.len() - 4)).unwrap();
        } else if is_hash {
            write!(masked, "[hash{}]", ".".repeat(word.len() - 6)).unwrap();
        } else if is_day {
            masked += "[day.....]";
        } else {
            masked += &word;
        }
        word.clear();
        if c != '\0' {
            masked.push(c);
        }
    }
    masked
}

/// Replaces times to the millisecond.
fn without_moments(text: &str) -> String {
    let shape = "dddd-dd-ddTdd:dd:dd.dddZ";
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some(c) = rest.chars().next() {
        let end = rest
            .get(..shape.len())
            .filter(|part| has_shape(part, shape));
        let taken = if end.is_some() {
            kept += "[time..................]";
            shape.len()
        } else {
            kept.push(c);
            c.len_utf8()
        };
        rest = &rest[taken..];
    }
    kept
}

/// Says whether a text is like a shape, in which `d` is a digit.
fn has_shape(text: &str, shape: &str) -> bool {
    let is_like = |(c, like): (char, char)| c == like || like == 'd' && c.is_ascii_digit();
    text.len() == shape.len() && text.chars().zip(shape.chars()).all(is_like)
}

/// Leaves out of the help what every command has; it stands in the snapshot of the whole.
fn without_global_options(help: &str) -> String {
    let Some((before, after)) = help.split_once("\nOptions of every command:\n") else {
        return help.to_owned();
    };
    let rest = after.split_once("\nExample:").map_or("", |(_, rest)| rest);
    format!("{before}\n[options of every command]\n\nExample:{rest}")
}

#[test]
fn help_is_as_it_was() {
    let bench = Bench::new();
    let help = |words: &[&str]| {
        let mut command = bench.command(&[words, &["--help"]].concat());
        ran(&command.env("COLUMNS", "80").output().unwrap()).stdout
    };
    compare("help", &help(&[]));
    let mut groups: Vec<&str> = COMMANDS
        .iter()
        .map(|c| c.split(' ').next().unwrap())
        .collect();
    groups.dedup();
    for group in groups {
        let mut text = without_global_options(&help(&[group]));
        let below = COMMANDS
            .iter()
            .filter(|command| command.starts_with(&format!("{group} ")));
        for command in below {
            let words: Vec<&str> = command.split(' ').collect();
            let title = format!("\n==== {command}\n\n");
            text += &(title + &without_global_options(&help(&words)));
        }
        compare(&format!("help_{group}"), &text);
    }
}

#[test]
fn tables_are_as_they_were() {
    let bench = Bench::new();
    bench.with_walk(3);
    let better = bench.png("better.png", 70);
    let replace = [
        "frame", "replace", "Walk", "1", "--with", &better, "--prompt", "higher",
    ];
    bench.ok(&[
        &replace[..],
        &["--model", "sprite-1", "--made-from", "front:character"],
    ]
    .concat());
    bench.ok(&["tag", "add", "Tabby", "hero", "orange"]);
    bench.ok(&["tag", "add", "Walk/1", "orange"]);
    bench.ok(&["config", "set", "max-file-size", "64 MiB"]);
    let mut transcript = Transcript::new(&bench);
    for line in [
        "project list",
        "project show",
        "character list",
        "character show Tabby",
        "variation list Tabby",
        "animation list",
        "animation show Walk",
        "frame list Walk",
        "frame show Walk 1",
        "take list Walk",
        "asset list",
        "asset list --tag nothing",
        "tag list",
        "kept list",
        "tree --frames",
        "config",
        "mv Walk/2 0",
    ] {
        // The path of a temporary folder may be longer than a screen of 80 columns allows.
        let columns = if line == "config" { "250" } else { "80" };
        transcript.run_at(columns, &line.split(' ').collect::<Vec<_>>());
    }
    transcript.compare("tables");
}

#[test]
fn tables_are_readable_on_narrow_screens() {
    let bench = Bench::new();
    bench.with_walk(0);
    bench.ok(&[
        "character",
        "edit",
        "Tabby",
        "--tag",
        "hero",
        "--tag",
        "orange",
    ]);
    bench.ok(&[
        "asset",
        "add",
        &bench.png("palette-of-the-alley-at-night.png", 90),
        "--tag",
        "colours",
    ]);
    for (n, prompt) in [
        "lift the left paw while the tail stays where it was",
        "set the left paw down, a little ahead of the right one",
    ]
    .into_iter()
    .enumerate()
    {
        let image = bench.png(&format!("walk-cycle-{n}.png"), u32::try_from(n).unwrap());
        let made = [
            "--prompt",
            prompt,
            "--model",
            "sprite-diffusion-2",
            "--made-from",
            "front:character",
        ];
        bench.ok(&[&["frame", "add", "Walk", &image][..], &made].concat());
    }
    bench.ok(&["frame", "prompt", "Walk", "1", "--set", "the paw is lowest"]);
    bench.ok(&[
        "take",
        "add",
        "Walk",
        &bench.png("try.png", 91),
        "--made-from",
        "Tabby/Walk/0:previous_frame",
    ]);
    bench.ok(&["variation", "add", "Tabby", &bench.png("side-view.png", 92)]);
    bench.ok(&["variation", "primary", "Tabby", "side-view.png"]);
    bench.ok(&[
        "generation",
        "record",
        "--failed",
        "the service was busy",
        "--prompt",
        "a cat in the rain",
    ]);
    let mut transcript = Transcript::new(&bench);
    for columns in ["40", "60", "80"] {
        for line in [
            "project list",
            "character list",
            "variation list Tabby",
            "animation list",
            "frame list Walk",
            "take list Walk",
            "asset list",
            "generation list",
            "search paw",
            "search --kind frame",
            "lineage stale",
            "lineage frames front",
            "config",
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            writeln!(transcript.text, "# {columns} columns").unwrap();
            transcript.run_at(columns, &words);
        }
    }
    transcript.compare("narrow_tables");
}

#[test]
fn errors_are_as_they_were() {
    let bench = Bench::new();
    bench.with_walk(2);
    let text = bench.text_file("text.png", "not an image");
    let mut transcript = Transcript::new(&bench);
    transcript.run(&["asset", "add", &text]);
    transcript.run(&["asset", "show", "9ab"]);
    transcript.run(&["project", "create", " "]);
    transcript.run(&["frame", "move", "Walk", "0", "--to", "9"]);
    transcript.run(&[
        "frame",
        "move",
        "Walk",
        "0",
        "--to",
        "1",
        "--expect-version",
        "9",
    ]);
    transcript.run(&["frame", "order", "Walk", "1"]);
    transcript.run(&["animation", "edit", "Walk", "--frame-duration", "0"]);
    transcript.run(&["animation", "edit", "Walk"]);
    transcript.run(&["project", "delete", "Cats"]);
    transcript.run(&["variation", "primary", "Tabby"]);
    transcript.run(&["project", "edit", "Cats", "--settings", "{seed}"]);
    transcript.run(&["asset", "list", "--from", "yesterday"]);
    transcript.run(&["tree", "--studio", "nowhere"]);
    transcript.run(&["init"]);
    transcript.run(&["tree", "X", "--json"]);
    transcript.run(&["frames", "--json"]);
    transcript.compare("errors");
}

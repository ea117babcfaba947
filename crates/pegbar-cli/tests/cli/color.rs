//! Colours: for people on a terminal, and nowhere else unless asked for.

use crate::support::{Bench, Ran, ran};

const ESCAPE: char = '\u{1b}';

fn with(bench: &Bench, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = bench.command(arguments);
    command.envs(variables.iter().copied());
    ran(&command.output().unwrap())
}

fn is_coloured(ran: &Ran) -> bool {
    ran.stdout.contains(ESCAPE) || ran.stderr.contains(ESCAPE)
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    let bench = Bench::new();
    bench.with_walk(1);
    for arguments in [
        &["--help"][..],
        &["tree"],
        &["asset", "list"],
        &["frames"],
        &["tree", "X"],
    ] {
        let ran = bench.run(arguments);
        assert!(!is_coloured(&ran), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn help_tables_and_errors_are_coloured_on_demand() {
    let bench = Bench::new();
    bench.with_walk(1);
    let force = [("CLICOLOR_FORCE", "1")];
    for arguments in [
        &["--help"][..],
        &["asset", "list"],
        &["animation", "show", "Walk"],
    ] {
        let forced = with(&bench, arguments, &force);
        assert!(forced.stdout.contains(ESCAPE), "{arguments:?}: {forced:?}");
        let plain = bench.ok(arguments);
        let stripped = strip(&forced.stdout);
        assert_eq!(stripped, plain, "only the colours differ");
    }
    let refused = bench.run(&["tree", "X", "--color", "always"]);
    let red = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m there is no project";
    let cyan = "\n\u{1b}[1m\u{1b}[36mhint:\u{1b}[0m ";
    assert!(
        refused.stderr.starts_with(red) && refused.stderr.contains(cyan),
        "{refused:?}"
    );
    let wrong = bench.run(&["frames", "--color=always"]);
    assert!(wrong.stderr.contains(ESCAPE), "{wrong:?}");
}

#[test]
fn an_option_counts_before_the_environment_and_that_before_what_is_set() {
    let bench = Bench::new();
    bench.with_walk(1);
    let is_coloured = |arguments: &[&str], variables: &[(&str, &str)]| {
        is_coloured(&with(
            &bench,
            &[&["asset", "list"], arguments].concat(),
            variables,
        ))
    };
    bench.ok(&["config", "set", "color", "always"]);
    assert!(is_coloured(&[], &[]));
    assert!(!is_coloured(&[], &[("NO_COLOR", "1")]));
    assert!(
        is_coloured(&[], &[("NO_COLOR", "")]),
        "an empty NO_COLOR says nothing"
    );
    assert!(!is_coloured(&[], &[("PEGBAR_COLOR", "never")]));
    assert!(is_coloured(
        &[],
        &[("NO_COLOR", "1"), ("PEGBAR_COLOR", "always")]
    ));
    assert!(is_coloured(
        &["--color", "always"],
        &[("NO_COLOR", "1"), ("PEGBAR_COLOR", "never")]
    ));
    assert!(!is_coloured(
        &["--color", "never"],
        &[("CLICOLOR_FORCE", "1")]
    ));
    let wrong = bench.run(&["tree", "--color", "mauve"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}

#[test]
fn json_is_never_coloured_and_names_stay_harmless_in_colour() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "a\u{1b}[2Jb"]);
    let json = bench.run(&["project", "list", "--json", "--color", "always"]);
    assert!(!is_coloured(&json), "{json:?}");
    let error = bench.run(&["tree", "X", "--json", "--color", "always"]);
    assert!(!is_coloured(&error), "{error:?}");
    for arguments in [&["project", "list"][..], &["project", "show"]] {
        let text = bench.ok(&[arguments, &["--color", "always"]].concat());
        assert!(
            text.contains("a␛[2Jb") && !text.contains("[2J\u{1b}"),
            "{text:?}"
        );
        assert!(!text.contains("\u{1b}[2J"), "{text:?}");
    }
}

/// Takes the codes away that colour text (ECMA-48, SGR).
fn strip(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain + rest
}

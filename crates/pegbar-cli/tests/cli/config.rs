//! `config`: what is set, by whom, and what counts.

use std::fs;
use std::io::Write as _;

use serde_json::Value;

use crate::support::{Bench, Ran, ran};

fn with(bench: &Bench, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = bench.command(arguments);
    command.envs(variables.iter().copied());
    ran(&command.output().unwrap())
}

fn row(bench: &Bench, key: &str) -> Value {
    let rows = bench.json(&["config"]);
    let mut rows = rows.as_array().unwrap().iter();
    rows.find(|row| row["key"] == key).unwrap().clone()
}

both_engines! {
    fn a_studio_whose_rows_are_elsewhere_needs_no_variable_once_that_is_set(bench) {
        bench.ok(&["project", "create", "Cats"]);
        let Some(address) = bench.database() else {
            return;
        };
        let address = address.replacen("://pegbar@", "://pegbar:s3cret@", 1);
        let without = |arguments: &[&str]| {
            let mut command = bench.command(arguments);
            ran(&command.env_remove("PEGBAR_DATABASE_URL").output().unwrap())
        };
        let refused = without(&["tree"]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        let set = without(&["config", "set", "database-url", &address]);
        assert_eq!(set.code, Some(0), "{set:?}");
        let shown = without(&["config"]);
        let listed = without(&["project", "list", "--json"]);
        assert!(listed.stdout.contains("Cats"), "{listed:?}");
        // The password is in the file, which only its owner may read, and nowhere else.
        for ran in [&set, &shown, &without(&["config", "get", "database-url"]), &without(&["config", "--json"])] {
            assert!(!ran.stdout.contains("s3cret") && ran.stdout.contains("pegbar:***@"), "{ran:?}");
        }
        let file = bench.root().join(".pegbar/config.toml");
        assert!(fs::read_to_string(&file).unwrap().contains("s3cret"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[test]
fn every_setting_is_shown_with_its_value_and_who_says_so() {
    let bench = Bench::new();
    let keys = [
        "studio",
        "project",
        "database-url",
        "viewer",
        "color",
        "max-file-size",
        "max-pixels",
    ];
    let rows = bench.json(&["config"]);
    let rows = rows.as_array().unwrap();
    assert_eq!(
        rows.iter()
            .map(|row| row["key"].as_str().unwrap())
            .collect::<Vec<_>>(),
        keys
    );
    assert!(
        rows.iter()
            .all(|row| row["from"] == "default" && row["value"].is_null()),
        "{rows:?}"
    );
    let text = bench.ok(&["config"]);
    for key in keys {
        assert!(text.contains(&format!("\n{key} ")), "{key}: {text}");
    }
    assert!(text.contains("256.0 MiB"), "{text}");

    bench.ok(&["config", "set", "max-pixels", "1000", "--user"]);
    let user = row(&bench, "max-pixels");
    assert_eq!(
        (&user["from"], &user["value"]),
        (&"user".into(), &"1000".into())
    );
    bench.ok(&["config", "set", "max-pixels", "500"]);
    let studio = row(&bench, "max-pixels");
    assert_eq!(
        (&studio["from"], &studio["value"]),
        (&"studio".into(), &"500".into())
    );
    assert_eq!(studio["line"], 1);
    let ran = with(
        &bench,
        &["config", "--json"],
        &[("PEGBAR_MAX_PIXELS", "40")],
    );
    assert!(
        ran.stdout.contains(r#""value":"40","from":"environment""#),
        "{ran:?}"
    );
    let root = bench.root();
    let ran = bench.ok(&["config", "--studio", root.to_str().unwrap()]);
    assert!(ran.contains("--studio\n"), "{ran}");
    bench.ok(&["config", "unset", "max-pixels"]);
    assert_eq!(row(&bench, "max-pixels")["from"], "user");
    assert_eq!(bench.ok(&["config", "get", "max-pixels"]), "1000\n");
    assert!(
        bench
            .ok(&["config", "unset", "max-pixels"])
            .contains("was not set")
    );
}

#[test]
fn the_project_that_is_set_is_meant_where_none_is_named() {
    let bench = Bench::new();
    for name in ["Alley cats", "Roof cats"] {
        bench.ok(&["project", "create", name]);
    }
    bench.refused(1, &["character", "create", "Tabby"]);
    bench.ok(&["config", "set", "project", "Roof cats"]);
    bench.ok(&["character", "create", "Tabby"]);
    assert!(bench.ok(&["tree"]).starts_with("Roof cats  "));
    assert_eq!(
        bench
            .json(&["character", "list", "-p", "Alley cats"])
            .to_string(),
        "[]"
    );
    let ran = with(&bench, &["tree"], &[("PEGBAR_PROJECT", "Alley cats")]);
    assert!(ran.stdout.starts_with("Alley cats  "), "{ran:?}");

    bench.ok(&["project", "edit", "Roof cats", "--name", "Moon cats"]);
    let gone = bench.refused(1, &["character", "list"]);
    assert!(
        gone.contains("there is no project \"Roof cats\"\nhint: the name comes from line 1 of "),
        "{gone}"
    );
    assert!(gone.contains("`pegbar config unset project`"), "{gone}");
}

#[test]
fn a_project_that_is_not_there_cannot_be_set() {
    let bench = Bench::new();
    let refused = bench.refused(1, &["config", "set", "project", "Cats"]);
    assert!(
        refused.contains("there is no project \"Cats\"\nhint: create it"),
        "{refused}"
    );
    bench.ok(&["project", "create", "Cats"]);
    let refused = bench.refused(1, &["config", "set", "project", "Catz"]);
    assert!(refused.contains("did you mean \"Cats\"?"), "{refused}");
    assert_eq!(bench.json(&["config", "get", "project"]), Value::Null);
    bench.ok(&["config", "set", "project", "cats"]);
    // Another studio may have it.
    bench.ok(&["config", "set", "project", "Dogs", "--user"]);
}

#[test]
fn limits_that_are_set_hold() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    let image = bench.png("one.png", 1);
    bench.ok(&["config", "set", "max-pixels", "47"]);
    let refused = bench.refused(1, &["asset", "add", &image]);
    assert!(refused.contains("pixels"), "{refused}");
    bench.ok(&["config", "set", "max-pixels", "48"]);
    bench.ok(&["asset", "add", &image]);
    bench.ok(&["config", "set", "max-file-size", "64 B"]);
    bench.refused(1, &["asset", "add", &image]);
    let ran = with(
        &bench,
        &["asset", "add", &image],
        &[("PEGBAR_MAX_FILE_SIZE", "1 MiB")],
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_wrong_file_is_named_with_the_line_and_what_was_perhaps_meant() {
    let bench = Bench::new();
    let file = bench.root().join(".pegbar/config.toml");
    let wrong = |text: &str| {
        fs::write(&file, text).unwrap();
        let refused = bench.refused(1, &["tree"]);
        let (message, hint) = refused.split_once('\n').unwrap();
        let (place, reason) = message
            .split_once(": ")
            .unwrap()
            .1
            .split_once(": ")
            .unwrap();
        assert!(place.starts_with(file.to_str().unwrap()), "{refused}");
        let line = place.rsplit_once("line ").unwrap().1.to_owned();
        (line, reason.to_owned(), hint.trim_end().to_owned())
    };
    let (line, reason, hint) = wrong("# mine\n\nprojekt = \"Cats\"\n");
    assert_eq!(
        (line.as_str(), reason.as_str()),
        ("3", "there is no setting \"projekt\"")
    );
    assert_eq!(hint, "hint: did you mean \"project\"?");
    let (line, reason, _) = wrong("max-pixels = 10\nproject = 3\n");
    assert_eq!(
        (line.as_str(), reason.as_str()),
        ("2", "project: expected a text in quotes, got integer")
    );
    let (line, reason, _) = wrong("max-pixels = true\n");
    assert_eq!(
        (line.as_str(), reason.as_str()),
        ("1", "max-pixels: expected a number, got boolean")
    );
    assert!(
        wrong("max-pixels = 0\n")
            .1
            .contains("expected a number of pixels")
    );
    assert!(
        wrong("[limits]\nx = 1\n")
            .1
            .contains("no setting \"limits\"")
    );
    let (line, reason, _) = wrong("project = \"Cats\"\n\nviewer = \"rm -rf\"\n");
    assert_eq!(line, "3");
    assert!(
        reason.contains("a studio may not say which program is run"),
        "{reason}"
    );
    let (line, _, _) = wrong("project = \"Cats\"\nviewer = \n");
    assert_eq!(line, "2");

    // The way out works nevertheless.
    assert_eq!(bench.ok(&["config", "path"]).lines().next(), file.to_str());
    bench.ok(&["--help"]);
    bench.refused(1, &["config", "set", "project", "Cats"]);
}

#[test]
fn a_change_keeps_comments_and_everything_else() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Roof cats"]);
    let file = bench.root().join(".pegbar/config.toml");
    fs::write(
        &file,
        "# ours\nproject = 'Cats' # for now\n\nmax-pixels = 1_000\n",
    )
    .unwrap();
    bench.ok(&["config", "set", "project", "Roof cats"]);
    bench.ok(&["config", "unset", "max-pixels"]);
    bench.ok(&["config", "set", "max-file-size", "64 MiB"]);
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "# ours\nproject = \"Roof cats\" # for now\nmax-file-size = \"64 MiB\"\n"
    );
    let refused = bench.refused(2, &["config", "set", "max-pixels", "many"]);
    assert!(refused.contains("expected a number of pixels"), "{refused}");
    let refused = bench.refused(2, &["config", "set", "colour", "always"]);
    assert!(refused.contains("did you mean color?"), "{refused}");
}

#[test]
fn each_setting_stands_in_the_file_it_belongs_to() {
    let bench = Bench::new();
    let users = bench.folder().join("home/pegbar/config.toml");
    bench.ok(&["config", "set", "viewer", "gimp -n"]);
    assert_eq!(
        fs::read_to_string(&users).unwrap(),
        "viewer = \"gimp -n\"\n"
    );
    let refused = bench.refused(
        1,
        &["config", "set", "--user", "database-url", "postgres://h/d"],
    );
    assert!(
        refused.contains("a database belongs to one studio"),
        "{refused}"
    );
    let paths = bench.json(&["config", "path"]);
    assert_eq!(paths["user"], users.to_str().unwrap());
    assert_eq!(
        bench.ok(&["config", "path", "--user"]).trim_end(),
        users.to_str().unwrap()
    );

    // From anywhere, the user's studio is meant; a nearer one goes before it.
    let elsewhere = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = bench.command(arguments);
        ran(&command.current_dir(elsewhere.path()).output().unwrap())
    };
    let refused = run(&["config", "set", "project", "Cats"]);
    assert!(
        refused.stderr.contains("there is no studio here"),
        "{refused:?}"
    );
    let root = bench.root();
    assert_eq!(
        run(&["config", "set", "studio", root.to_str().unwrap()]).code,
        Some(0)
    );
    bench.ok(&["project", "create", "Cats"]);
    assert!(run(&["tree"]).stdout.starts_with("Cats  "));
    run(&["init"]);
    assert_eq!(run(&["tree"]).stdout, "");
}

#[test]
fn a_value_may_come_from_standard_input() {
    let bench = Bench::new();
    let mut command = bench.command(&["config", "set", "database-url", "-"]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"postgres://cat:s3cret@h/d\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(!String::from_utf8_lossy(&output.stdout).contains("s3cret"));
    let file = fs::read_to_string(bench.root().join(".pegbar/config.toml")).unwrap();
    assert_eq!(file, "database-url = \"postgres://cat:s3cret@h/d\"\n");
}

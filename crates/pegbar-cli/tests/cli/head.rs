//! `head`: keys, exporting and checking.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::snapshot::Transcript;
use crate::support::{Bench, ran};

/// A path beside the studio.
fn beside(bench: &Bench, name: &str) -> String {
    bench.folder().join(name).display().to_string()
}

#[test]
fn a_head_is_signed_given_away_and_checked_without_a_studio() {
    let bench = Bench::new();
    bench.with_walk(2);
    let (key, head) = (beside(&bench, "studio.key"), beside(&bench, "cats.head"));
    let public = beside(&bench, "studio.key.pub");
    let made = bench.json(&["head", "keygen", &key]);
    assert_eq!(
        fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let wrote = bench.json(&["head", "export", "Cats", "--sign", &key, "-o", &head]);
    assert_eq!(
        (&wrote["keyId"], &wrote["assetCount"]),
        (&made["keyId"], &3.into())
    );
    // Somewhere else, where no studio is.
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["cats.head", "studio.key.pub"] {
        fs::copy(bench.folder().join(name), elsewhere.path().join(name)).unwrap();
    }
    fs::remove_dir_all(bench.root()).unwrap();
    let mut command = bench.command(&["head", "check", "cats.head", "--key", "studio.key.pub"]);
    let checked = ran(&command
        .arg("--json")
        .current_dir(&elsewhere)
        .output()
        .unwrap());
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let checked: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(
        (&checked["head"], &checked["isTrusted"]),
        (&wrote["head"], &true.into())
    );
    assert_eq!(checked["project"]["name"], "Cats");
    // One letter.
    let text = fs::read_to_string(&head).unwrap();
    fs::write(&head, text.replacen("Cats", "Rats", 1)).unwrap();
    let refused = bench.refused(1, &["head", "check", &head, "--key", &public]);
    assert!(
        refused.contains("cats.head: line 2: the signature of line 1 is not by"),
        "{refused}"
    );
    let refused = bench.refused_json(1, &["head", "check", &head]);
    assert_eq!(refused["code"], "unproven");
}

#[test]
fn the_private_key_comes_from_a_file_or_the_environment_and_is_never_shown() {
    let bench = Bench::new();
    bench.with_walk(1);
    let (key, public) = (
        beside(&bench, "studio.key"),
        beside(&bench, "studio.key.pub"),
    );
    bench.ok(&["head", "keygen", &key]);
    let secret = fs::read_to_string(&key).unwrap();
    let mut command = bench.command(&["head", "export", "Cats"]);
    let exported = ran(&command.env("PEGBAR_SIGNING_KEY", &secret).output().unwrap());
    assert_eq!(exported.code, Some(0), "{exported:?}");
    let head = bench.text_file("cats.head", &exported.stdout);
    bench.ok(&["head", "check", &head, "--key", &public]);
    let mut command = bench.command(&["head", "export", "Cats"]);
    let broken = secret.replace("PRIVATE", "SECRET");
    let refused = ran(&command.env("PEGBAR_SIGNING_KEY", &broken).output().unwrap());
    assert_eq!(refused.code, Some(1));
    let body = secret.lines().nth(1).unwrap();
    assert!(
        !refused.stderr.contains(body) && refused.stdout.is_empty(),
        "{refused:?}"
    );
    assert!(
        refused
            .stderr
            .starts_with("error: PEGBAR_SIGNING_KEY: it is no key"),
        "{refused:?}"
    );
    // A file that others can read is pointed out.
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let told = bench.run(&["head", "export", "Cats", "--sign", &key]);
    assert!(
        told.stderr.starts_with("warning: others can read "),
        "{told:?}"
    );
    assert_eq!(told.code, Some(0));
}

#[test]
fn nothing_is_replaced_and_nothing_is_left_half_written() {
    let bench = Bench::new();
    bench.with_walk(1);
    let (key, public) = (
        beside(&bench, "studio.key"),
        beside(&bench, "studio.key.pub"),
    );
    bench.text_file("studio.key.pub", "somebody's");
    let refused = bench.refused(1, &["head", "keygen", &key]);
    assert!(
        refused.contains("studio.key.pub is there already\n"),
        "{refused}"
    );
    assert!(!fs::exists(&key).unwrap());
    assert_eq!(fs::read_to_string(&public).unwrap(), "somebody's");
    fs::remove_file(&public).unwrap();
    bench.ok(&["head", "keygen", &key]);
    let before = fs::read_to_string(&key).unwrap();
    bench.refused(1, &["head", "keygen", &key]);
    assert_eq!(fs::read_to_string(&key).unwrap(), before);
    let head = bench.text_file("cats.head", "mine");
    bench.refused(1, &["head", "export", "Cats", "-o", &head]);
    assert_eq!(fs::read_to_string(&head).unwrap(), "mine");
    bench.ok(&["head", "export", "Cats", "-o", &head, "--force"]);
    bench.ok(&["head", "check", &head]);
    bench.refused(
        1,
        &[
            "head",
            "export",
            "Cats",
            "-o",
            &beside(&bench, "no/such/cats.head"),
        ],
    );
    // What is refused leaves no file behind.
    let elsewhere = beside(&bench, "other.head");
    bench.refused(
        1,
        &[
            "head", "export", "Cats", "--sign", &public, "-o", &elsewhere,
        ],
    );
    bench.refused(1, &["head", "export", "Dogs", "-o", &elsewhere]);
    let names = fs::read_dir(bench.folder()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(
        names
            .into_iter()
            .all(|name| !name.contains("tmp") && name != "other.head")
    );
}

#[test]
fn heads_speak_as_they_did() {
    let bench = Bench::new();
    bench.with_walk(2);
    let key = beside(&bench, "studio.key");
    let other = beside(&bench, "other.key");
    let head = beside(&bench, "cats.head");
    bench.ok(&["head", "keygen", &other]);
    let mut transcript = Transcript::new(&bench);
    transcript.run(&["head", "keygen", &key]);
    transcript.run(&["head", "keygen", &key]);
    transcript.run(&["head", "export", "Cats", "-o", &head]);
    transcript.run(&["head", "check", &head]);
    transcript.run(&["head", "check", &head, "--key", &format!("{key}.pub")]);
    transcript.run(&["head", "export", "--sign", &key, "-o", &head]);
    transcript.run(&["head", "export", "--sign", &key, "-o", &head, "--force"]);
    transcript.run(&["head", "check", &head]);
    transcript.run(&["head", "check", &head, "--key", &format!("{key}.pub")]);
    transcript.run(&["head", "check", &head, "--key", &format!("{other}.pub")]);
    transcript.run(&["head", "check", &head, "--key", &key]);
    transcript.run(&["head", "export", "Cats", "--sign", &format!("{key}.pub")]);
    transcript.run(&["head", "check", "nowhere.head"]);
    transcript.run(&["head", "check", &bench.png("cat.png", 1)]);
    let text = fs::read_to_string(&head).unwrap();
    bench.text_file("cats.head", &text[..text.len() - 150]);
    transcript.run(&["head", "check", &head]);
    transcript.compare("head");
}

#[test]
fn a_path_in_the_variable_for_the_key_is_told_from_a_key() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    let mut command = bench.command(&["head", "export"]);
    let output = command.env("PEGBAR_SIGNING_KEY", "studio.key").output();
    let ran = ran(&output.unwrap());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    for part in [
        "PEGBAR_SIGNING_KEY holds no key",
        "not the path of a file",
        "--sign FILE",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }
}

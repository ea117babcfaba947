//! `open`.

use std::fs;
use std::path::PathBuf;

use crate::support::{Bench, ran};

fn path(bench: &Bench, thing: &[&str]) -> PathBuf {
    let text = bench.ok(&[&["open", "--print"], thing].concat());
    let path = PathBuf::from(text.trim_end());
    assert!(path.exists(), "{}", path.display());
    path.strip_prefix(bench.root().join("public/assets"))
        .unwrap()
        .to_owned()
}

both_engines! {
    fn everything_has_a_path_that_is_there(bench) {
        bench.with_walk(2);
        let project = bench.json(&["project", "show"])["id"].as_str().unwrap().to_owned();
        let project = PathBuf::from(project);
        assert_eq!(path(bench, &[]), PathBuf::new());
        assert_eq!(path(bench, &["Cats"]), project);
        assert_eq!(path(bench, &["Tabby"]), project.join("characters"));
        assert_eq!(path(bench, &["Tabby/Walk"]), project.join("frames/Walk"));
        assert_eq!(path(bench, &["Tabby/Walk/1"]), project.join("frames/Walk/Tabby_Walk_1.png"));
        assert!(path(bench, &["front.png"]).starts_with(project.join("characters")));
        // An image that two frames show is opened where it was asked for.
        let take = bench.json(&["animation", "show", "Walk"])["frames"][0]["asset"]["id"].clone();
        bench.ok(&["frame", "add", "Walk", "--showing", take.as_str().unwrap()]);
        assert_eq!(path(bench, &["Walk/2"]), project.join("frames/Walk/Tabby_Walk_2.png"));
    }
}

#[cfg(unix)]
#[test]
fn the_viewer_gets_the_path_behind_its_options() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    bench.with_walk(1);
    let folder = bench.folder().join("my viewer");
    fs::create_dir(&folder).unwrap();
    let script = folder.join("view");
    fs::write(
        &script,
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$(dirname \"$0\")/seen\"\n",
    )
    .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let viewer = format!("'{}' --fit", script.display());
    let expected = format!("--fit\n{}", bench.ok(&["open", "Walk/0", "--print"]));
    let opened = bench.json(&["open", "Walk/0", "--viewer", &viewer]);
    assert_eq!(opened["isOpened"], true);
    assert_eq!(fs::read_to_string(folder.join("seen")).unwrap(), expected);
    fs::remove_file(folder.join("seen")).unwrap();
    bench.ok(&["config", "set", "viewer", &viewer]);
    bench.ok(&["open", "Walk/0"]);
    assert_eq!(fs::read_to_string(folder.join("seen")).unwrap(), expected);
    // The environment counts before that.
    let mut command = bench.command(&["open", "Walk/0"]);
    let failed = ran(&command.env("PEGBAR_VIEWER", "false").output().unwrap());
    assert_eq!(failed.code, Some(1));
    assert!(
        failed.stderr.contains("the viewer \"false\" failed"),
        "{failed:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_screen_the_path_is_named() {
    let bench = Bench::new();
    bench.with_walk(1);
    let path = bench.ok(&["open", "Walk/0", "--print"]);
    let refused = bench.refused(1, &["open", "Walk/0"]);
    assert!(
        refused.contains("there is no screen to show it on"),
        "{refused}"
    );
    assert!(
        refused.contains(&format!("hint: it is {}; ", path.trim_end())),
        "{refused}"
    );
    let refused = bench.refused(1, &["open", "Walk/0", "--viewer", "no-such-viewer"]);
    assert!(
        refused.contains("\"no-such-viewer\" is not there"),
        "{refused}"
    );
}

#[test]
fn a_file_that_is_missing_is_not_opened() {
    let bench = Bench::new();
    bench.with_walk(1);
    let path = bench.ok(&["open", "Walk/0", "--print"]);
    fs::remove_file(path.trim_end()).unwrap();
    let refused = bench.refused(1, &["open", "Walk/0", "--print"]);
    assert!(
        refused.contains("is not there\nhint: `pegbar sync` puts back"),
        "{refused}"
    );
}

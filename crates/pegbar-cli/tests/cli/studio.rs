//! `init`, `migrate`, `sync`, and which studio is meant.

use std::fs;

use crate::support::Bench;

both_engines! {
    fn a_studio_is_created_once_and_its_schema_is_current(bench) {
        let root = bench.root();
        let again = bench.refused(1, &["init", root.to_str().unwrap()]);
        assert!(again.contains("is a studio already"), "{again}");
        assert!(again.contains("\nhint: "), "{again}");
        let migrated = bench.json(&["migrate"]);
        assert_eq!(migrated["from"], migrated["to"]);
        assert!(bench.ok(&["migrate"]).contains("up to date: from version "));
    }

    fn sync_rebuilds_the_files_and_keeps_what_was_edited(bench) {
        bench.with_walk(2);
        let tree = bench.json(&["animation", "show", "Walk"]);
        let [first, second] = [0, 1].map(|n| bench.view(&tree["frames"][n]["asset"]["filePath"]));
        let before = fs::read(&second).unwrap();
        fs::write(&first, "edited").unwrap();
        fs::remove_file(&second).unwrap();
        let ran = bench.run(&["sync"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(ran.stdout, "wrote 2 files, removed 0\n");
        assert!(ran.stderr.starts_with("warning: "), "{}", ran.stderr);
        assert!(ran.stderr.contains("it is kept as "), "{}", ran.stderr);
        let kept = ran.stderr.trim_end().rsplit_once("it is kept as ").unwrap().1;
        assert_eq!(fs::read_to_string(kept).unwrap(), "edited");
        assert_eq!(fs::read(&second).unwrap(), before);
        assert_eq!(bench.ok(&["sync"]), "every file is as it should be\n");
    }
}

#[test]
fn the_nearest_studio_above_is_meant_unless_one_is_named() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    let below = bench.root().join("public/src/deep");
    fs::create_dir_all(&below).unwrap();
    let mut command = bench.command(&["project", "list"]);
    let output = command.current_dir(&below).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("Cats"));
    let other = Bench::new();
    let root = other.root();
    let root = root.to_str().unwrap();
    assert_eq!(
        bench
            .json(&["project", "list", "--studio", root])
            .to_string(),
        "[]"
    );
    let mut command = bench.command(&["project", "list", "--json"]);
    let output = command.env("PEGBAR_STUDIO", root).output().unwrap();
    assert_eq!(output.stdout, b"[]\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_studio_may_lie_where_no_text_can_name_it() {
    use std::os::unix::ffi::OsStrExt as _;
    let bench = Bench::new();
    let folder = bench.folder().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    let init = bench.command(&["init"]).arg(&folder).status().unwrap();
    assert!(init.success());
    let mut create = bench.command(&["project", "create", "Cats", "--studio"]);
    assert!(create.arg(&folder).status().unwrap().success());
    let mut list = bench.command(&["project", "list"]);
    let output = list.env("PEGBAR_STUDIO", &folder).output().unwrap();
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("Cats"),
        "{output:?}"
    );
}

#[test]
fn without_a_studio_the_way_to_one_is_named() {
    let bench = Bench::new();
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = bench.command(&["tree"]);
    let output = command.current_dir(nowhere.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("there is no studio here"), "{stderr}");
    assert!(stderr.contains("`pegbar init`"), "{stderr}");
}

#[test]
fn a_database_that_does_not_answer_is_no_fault_of_ours() {
    let bench = Bench::new();
    let address = "postgres://nobody@127.0.0.1:1/none";
    let mut command = bench.command(&["tree", "--json"]);
    let output = command
        .env("PEGBAR_DATABASE_URL", address)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["error"]["code"], "unavailable");
}

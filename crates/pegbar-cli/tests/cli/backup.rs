//! `backup`, `restore`, `migrate-to`.

use std::fs;

use crate::support::Bench;

fn path(bench: &Bench, name: &str) -> String {
    bench.folder().join(name).to_str().unwrap().to_owned()
}

both_engines! {
    fn a_studio_is_backed_up_listed_verified_and_restored(bench) {
        bench.with_walk(2);
        let target = path(bench, "backup");
        let told = bench.ok(&["backup", &target]);
        assert!(told.starts_with("saved ") && told.contains("\ncopied: "), "{told}");
        let more = bench.png("more.png", 17);
        bench.ok(&["asset", "add", &more]);
        let second = bench.json(&["backup", &target]);
        assert_eq!((&second["copied"], &second["absent"]), (&1.into(), &0.into()));
        let listed = bench.json(&["backup", "--list", &target]);
        assert_eq!(listed.as_array().unwrap().len(), 2);
        let told = bench.ok(&["backup", "--list", &target]);
        assert!(told.starts_with("NAME "), "{told}");
        let told = bench.ok(&["backup", "--verify", &target]);
        assert!(told.starts_with("hashed 2 backups and "), "{told}");
        let to = path(bench, "restored");
        let first = listed[0]["name"].as_str().unwrap();
        let arguments = ["restore", &target, "--to", &to, "--snapshot", first];
        let told = bench.ok(&[&arguments[..], &["--database", "sqlite"]].concat());
        assert!(told.starts_with(&format!("restored {first} into ")), "{told}");
        let again = bench.refused(1, &["restore", &target, "--to", &to, "--database", "sqlite"]);
        assert!(again.contains("is not empty"), "{again}");
        bench.refused(1, &["restore", &path(bench, "nowhere"), "--to", &path(bench, "x")]);
        bench.refused(2, &["backup", "--list", "--verify", &target]);
    }

    fn a_damaged_backup_is_named_and_the_exit_code_says_so(bench) {
        bench.with_walk(1);
        let target = path(bench, "backup");
        let report = bench.json(&["backup", &target]);
        let manifest = std::path::Path::new(report["folder"].as_str().unwrap()).join("manifest.json");
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, text.replace("\"rows\":1", "\"rows\":2")).unwrap();
        let ran = bench.run(&["backup", "--verify", &target]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains("not as it was written: 1 file\n  snapshots/"), "{ran:?}");
        let to = path(bench, "restored");
        bench.refused(1, &["restore", &target, "--to", &to, "--database", "sqlite"]);
        assert!(!std::path::Path::new(&to).exists());
    }
}

#[test]
fn images_that_the_studio_has_lost_are_named_and_the_rest_is_saved() {
    let bench = Bench::new();
    bench.with_walk(1);
    let hash = bench.json(&["asset", "show", "front.png"])["sha256"]
        .as_str()
        .unwrap()
        .to_owned();
    let blob = bench
        .root()
        .join(".pegbar/blobs")
        .join(&hash[..2])
        .join(&hash);
    fs::remove_file(blob).unwrap();
    let ran = bench.run(&["backup", &path(&bench, "backup")]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.starts_with("saved "), "{ran:?}");
    let said = format!("\n  {hash}: the studio does not have it\nhint: ");
    assert!(ran.stderr.contains(&said), "{ran:?}");
}

#[test]
fn a_studio_moves_to_postgres_and_says_what_to_set() {
    crate::support::run_on_postgres(|server| {
        let Some(address) = server.database().map(str::to_owned) else {
            return;
        };
        // Its own studio has taken the database: it gives it up first.
        server.with_walk(1);
        let bench = Bench::new();
        bench.with_walk(2);
        let refused = bench.refused(1, &["migrate-to", &address]);
        assert!(
            refused.contains("the other database is not empty"),
            "{refused}"
        );
        let told = server.run(&["migrate-to", "sqlite"]);
        assert_eq!(told.code, Some(0), "{told:?}");
        assert!(told.stdout.starts_with("moved "), "{told:?}");
        assert!(
            told.stderr.contains("unset PEGBAR_DATABASE_URL"),
            "{told:?}"
        );
        let refused = server.refused(1, &["tree"]);
        assert!(
            refused.contains("have moved to another database"),
            "{refused}"
        );
        bench.refused(2, &["migrate-to", "mysql://x"]);
        bench.refused(1, &["migrate-to", "sqlite"]);
    });
}

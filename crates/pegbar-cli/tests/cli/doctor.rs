//! `doctor` and `scrub`: what they say, and their exit codes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::snapshot::Transcript;
use crate::support::Bench;

/// Where an asset's bytes are.
fn blob(bench: &Bench, asset: &Value) -> PathBuf {
    let sha256 = asset["sha256"].as_str().unwrap();
    let blobs = bench.root().join(".pegbar/blobs");
    blobs.join(&sha256[..2]).join(sha256)
}

fn frames(bench: &Bench) -> Vec<Value> {
    let walk = bench.json(&["animation", "show", "Walk"]);
    let frames = walk["frames"].as_array().unwrap().iter();
    frames.map(|frame| frame["asset"].clone()).collect()
}

both_engines! {
    fn a_healthy_studio_exits_with_0_and_repairing_it_does_nothing(bench) {
        bench.with_walk(2);
        let looked = "nothing is wrong: looked at 3 assets, 3 blobs and 3 files below public/assets";
        assert_eq!(bench.ok(&["doctor"]), format!("{looked}\n"));
        assert!(bench.ok(&["doctor", "--deep"]).starts_with(&format!("{looked}; ")));
        assert_eq!(bench.ok(&["doctor", "--skip-engine-check"]), format!("{looked}\n"));
        assert_eq!(bench.ok(&["doctor", "--repair"]), format!("mended: 0 findings\n{looked}\n"));
        let report = bench.json(&["doctor"]);
        assert_eq!((&report["assets"], &report["counts"]), (&3.into(), &serde_json::json!({})));
        // A note is no reason to worry.
        fs::write(bench.root().join(".pegbar/blobs/readme"), "x").unwrap();
        assert!(bench.ok(&["doctor"]).starts_with("note: stray_file (1)\n"));
    }

    fn damage_is_found_repaired_and_gone(bench) {
        bench.with_walk(2);
        let assets = frames(bench);
        let edited = bench.png("edited.png", 700);
        fs::copy(&edited, bench.view(&assets[0]["filePath"])).unwrap();
        fs::remove_file(blob(bench, &assets[1])).unwrap();
        let ran = bench.run(&["doctor"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stdout.starts_with("damage: blob_missing (1)\n"), "{ran:?}");
        assert!(ran.stdout.contains("\nattention: view_file_edited (1)\n"), "{ran:?}");
        assert!(ran.stderr.starts_with("error: found: 1 damage, 1 to attend to\n"), "{ran:?}");
        // It only looked.
        assert_eq!(bench.run(&["doctor"]).stdout, ran.stdout);
        let lines = bench.run(&["--json", "doctor", "--all"]).stdout;
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2]["counts"]["blob_missing"], 1);
        let ran = bench.run(&["doctor", "--repair"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stdout.contains("  mended: restored from "), "{ran:?}");
        let offer = ran.stdout.lines().find_map(|line| line.trim().strip_prefix("to make a take of it: "));
        let words: Vec<&str> = offer.unwrap().split(' ').skip(1).collect();
        let take = bench.json(&words);
        assert_eq!(take[0]["sha256"], bench.json(&["kept", "list"])[0]["sha256"].as_str()
            .map_or(take[0]["sha256"].clone(), Into::into));
        assert!(bench.ok(&["doctor", "--deep"]).starts_with("nothing is wrong"));
    }

    fn what_scrubbing_finds_is_told_by_the_doctor(bench) {
        bench.with_walk(2);
        let text = bench.ok(&["scrub"]);
        assert!(text.starts_with("hashed 3 images of ") && text.ends_with("; every image was hashed once\n"), "{text}");
        let place = blob(bench, &frames(bench)[0]);
        fs::set_permissions(&place, fs::Permissions::from_mode(0o644)).unwrap();
        let mut bytes = fs::read(&place).unwrap();
        bytes[40] ^= 1;
        fs::write(&place, bytes).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o444)).unwrap();
        assert!(bench.ok(&["doctor"]).starts_with("nothing is wrong"));
        let ran = bench.run(&["scrub", "--rate", "50 MB/s", "--for", "1m"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.starts_with("error: damaged or missing: 1 image\n"), "{ran:?}");
        assert!(bench.run(&["doctor"]).stdout.starts_with("damage: blob_altered (1)\n"));
        bench.ok(&["doctor", "--repair"]);
        assert!(bench.ok(&["doctor", "--deep"]).starts_with("nothing is wrong"));
        let status = bench.json(&["scrub"]);
        assert_eq!((&status["damaged"], &status["status"]["findings"]), (&0.into(), &0.into()));
    }

    fn a_studio_that_lost_its_id_is_looked_at_and_not_repaired(bench) {
        bench.with_walk(1);
        fs::remove_file(bench.root().join(".pegbar/store-id")).unwrap();
        let root = bench.root();
        let root = root.to_str().unwrap();
        let ran = bench.run(&["--studio", root, "doctor"]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.stdout.starts_with("damage: store_id_missing (1)\n"), "{ran:?}");
        assert_eq!(bench.run(&["--studio", root, "doctor", "--repair"]).code, Some(1));
    }
}

#[test]
fn what_is_found_reads_like_this() {
    let bench = Bench::new();
    bench.with_walk(2);
    let assets = frames(&bench);
    let mut transcript = Transcript::new(&bench);
    transcript.run(&["doctor"]);
    fs::write(bench.view(&assets[0]["filePath"]), "edited").unwrap();
    fs::remove_file(bench.view(&assets[1]["filePath"])).unwrap();
    let place = blob(&bench, &assets[1]);
    fs::remove_file(&place).unwrap();
    transcript.run(&["doctor"]);
    transcript.run(&["doctor", "--repair"]);
    transcript.run(&["scrub", "--rate", "fast"]);
    transcript.run(&["scrub", "--for", "ever"]);
    transcript.compare("doctor");
}

#[test]
fn where_nothing_can_be_written_it_can_still_be_looked_at() {
    let bench = Bench::new();
    bench.with_walk(1);
    // A file system that is mounted read-only, where this user may mount one.
    let copy = bench.folder().join("copy");
    let mount = |arguments: &[&str]| {
        let mut command = std::process::Command::new("mount");
        let status = command
            .args(arguments)
            .stderr(std::process::Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    fs::create_dir(&copy).unwrap();
    let (root, place) = (bench.root(), copy.to_str().unwrap().to_owned());
    let root = root.to_str().unwrap();
    if !mount(&["--bind", root, &place]) || !mount(&["-o", "remount,bind,ro", &place]) {
        eprintln!("skipped: this user may not mount a file system read-only");
        let _ = std::process::Command::new("umount").arg(&place).output();
        return;
    }
    let ran = bench.run(&["--studio", &place, "doctor", "--deep"]);
    let unmounted = std::process::Command::new("umount")
        .arg(&place)
        .status()
        .unwrap();
    assert!(unmounted.success());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stdout.starts_with("note: read_only_file_system (1)\n"),
        "{ran:?}"
    );
}

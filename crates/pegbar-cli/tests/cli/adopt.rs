//! `adopt`, and what `sync` finds in the rows of other programs.

use std::fs;

use serde_json::Value;

use crate::support::Bench;

/// Makes rows of another program of all that is there: nothing is known of the files, and they
/// lie where an app puts them.
fn forget(bench: &Bench) {
    bench.tamper(
        "UPDATE asset SET sha256 = NULL, file_size = NULL, width = NULL, height = NULL, \
         mime_type = NULL, image_count = NULL, record = NULL, record_hash = NULL; \
         UPDATE asset_reference SET sha256 = NULL; DELETE FROM view_file; \
         UPDATE animation SET segment = NULL, segment_key = NULL; \
         UPDATE character SET segment = NULL, segment_key = NULL;",
    );
    fs::remove_dir_all(bench.root().join(".pegbar/blobs")).unwrap();
    let assets = bench.root().join("public/assets");
    for asset in bench.json(&["asset", "list"]).as_array().unwrap() {
        let id = asset["id"].as_str().unwrap();
        fs::create_dir_all(assets.join("uploads")).unwrap();
        fs::rename(
            bench.view(&asset["filePath"]),
            assets.join(format!("uploads/{id}.png")),
        )
        .unwrap();
        let key = bench.sql_id(&asset["id"]);
        bench.sql(&format!(
            "UPDATE asset SET file_path = '/assets/uploads/{id}.png' WHERE id = {key}"
        ));
    }
}

both_engines! {
    fn rows_of_another_program_become_as_our_own(bench) {
        bench.with_walk(3);
        let before = bench.json(&["tree", "Cats"]);
        forget(bench);
        let dry = bench.json(&["adopt", "--dry-run"]);
        assert_eq!((&dry["isDryRun"], &dry["adopted"]), (&true.into(), &4.into()));
        let ran = bench.run(&["adopt", "--dry-run", "-p", "Cats"]);
        assert_eq!(ran.stdout, "would adopt 4 of 4 assets\n", "{ran:?}");
        let text = bench.ok(&["adopt"]);
        assert_eq!(text, "adopted 4 of 4 assets\nmoved to the conventional paths: 4 files\n");
        assert_eq!(bench.json(&["tree", "Cats"]), before);
        assert_eq!(bench.ok(&["adopt"]), "nothing is to be adopted among 4 assets\n");
        assert_eq!(bench.ok(&["sync"]), "every file is as it should be\n");
    }

    fn what_is_left_is_named_and_exits_with_1(bench) {
        bench.with_walk(2);
        forget(bench);
        let assets = bench.json(&["asset", "list"]);
        let [lost, hostile] = [&assets[0], &assets[1]];
        let path = lost["filePath"].as_str().unwrap().strip_prefix("/assets/").unwrap();
        fs::remove_file(bench.root().join("public/assets").join(path)).unwrap();
        let key = bench.sql_id(&hostile["id"]);
        bench.sql(&format!("UPDATE asset SET file_path = '../../secret' WHERE id = {key}"));
        fs::write(bench.root().join("public/assets/logo.svg"), "<svg/>").unwrap();
        let ran = bench.run(&["adopt"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        for expected in [
            "adopted 1 of 3 assets\n", "left as it is: 2 assets\n", "to decide about: 2\n",
            &format!("asset {}: /assets/{path} is not there\n    hint: ", lost["id"].as_str().unwrap()),
            "the path \"../../secret\": it leads out of its folder",
            "files that no row names: 2\n  logo.svg\n  uploads/",
        ] {
            assert!(ran.stdout.contains(expected), "{expected}: {}", ran.stdout);
        }
        assert!(ran.stderr.starts_with("error: 2 findings to decide about\nhint: "), "{}", ran.stderr);
        let ran = bench.run(&["adopt", "--json"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        let finding = &report["findings"][0];
        assert_eq!(finding["kind"], "fileMissing");
        assert_eq!((&finding["subject"], &finding["id"]), (&"asset".into(), &lost["id"]));
        assert_eq!((&finding["isOpen"], &finding["path"]), (&true.into(), &lost["filePath"]));
        assert!(finding["message"].is_string() && finding["hint"].is_string());
        assert_eq!(report["findings"][1]["kind"], "unsafePath");
        assert_eq!(report["foreign"]["count"], 2);
        let error: Value = serde_json::from_str(&ran.stderr).unwrap();
        assert_eq!(error["error"]["code"], "findings");
    }

    fn sync_closes_gaps_and_says_so(bench) {
        bench.with_walk(3);
        bench.sql("UPDATE frame SET frame_index = 9 WHERE frame_index = 1");
        let text = bench.ok(&["sync"]);
        assert!(text.ends_with("closed gaps in the order of frames: 1 animation\n"), "{text}");
        let walk = bench.json(&["animation", "show", "Walk"]);
        assert_eq!(walk["animation"]["version"], 3);
        assert_eq!(walk["frames"][2]["frame"]["frameIndex"], 2);
        assert_eq!(bench.ok(&["sync"]), "every file is as it should be\n");
    }

    fn sync_names_files_whose_bytes_are_missing_and_does_all_else(bench) {
        bench.with_walk(2);
        let front = bench.json(&["asset", "show", "front.png"]);
        let sha256 = front["sha256"].as_str().unwrap();
        let blob = bench.root().join(".pegbar/blobs").join(&sha256[..2]).join(sha256);
        let aside = bench.path().join("aside");
        fs::rename(&blob, &aside).unwrap();
        fs::remove_dir_all(bench.root().join("public/assets")).unwrap();
        let ran = bench.run(&["sync"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), "wrote 2 files, removed 0\n"));
        let path = front["filePath"].as_str().unwrap();
        assert!(ran.stderr.contains(&format!("warning: {path} is missing: ")), "{ran:?}");
        assert!(ran.stderr.contains("error: the bytes of 1 file are missing in the store"), "{ran:?}");
        let ran = bench.run(&["sync", "--json"]);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report["missing"][0]["assetId"], front["id"]);
        assert_eq!(ran.code, Some(1));
        fs::rename(&aside, &blob).unwrap();
        assert_eq!(bench.ok(&["sync"]), "wrote 1 file, removed 0\n");
    }

    fn sync_names_keys_that_do_not_hold(bench) {
        bench.with_walk(1);
        let (break_key, expected) = if bench.is_sqlite() {
            (
                "PRAGMA foreign_keys = OFF; UPDATE asset SET generation_id = randomblob(16)",
                "warning: 2 of the table asset point at no generation\n",
            )
        } else {
            (
                "ALTER TABLE asset DROP CONSTRAINT asset_generation_fkey",
                "warning: the constraint asset_generation_fkey is gone\n",
            )
        };
        bench.tamper(break_key);
        let ran = bench.run(&["sync"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.starts_with(expected), "{}", ran.stderr);
        assert!(ran.stderr.contains("error: keys between rows that do not hold: 1"), "{}", ran.stderr);
        assert_eq!(bench.run(&["sync", "--json"]).code, Some(1));
    }
}

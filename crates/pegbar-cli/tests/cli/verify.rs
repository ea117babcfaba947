//! `verify`: what it says, and its exit code.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::snapshot::Transcript;
use crate::support::Bench;

/// An asset of an animation of three frames, each made from the one before.
fn with_lineage(bench: &Bench) -> Vec<Value> {
    bench.with_walk(1);
    for n in 1..3 {
        let file = bench.png(&format!("made_{n}.png"), 100 + n);
        let walk = bench.json(&["animation", "show", "Walk"]);
        let before = walk["frames"][n as usize - 1]["asset"]["id"]
            .as_str()
            .unwrap();
        let from = format!("{before}:previous_frame");
        bench.ok(&[
            "frame",
            "add",
            "Walk",
            &file,
            "--prompt",
            "a passing pose",
            "--model",
            "sprite-1",
            "--made-from",
            &from,
        ]);
    }
    let walk = bench.json(&["animation", "show", "Walk"]);
    let frames = walk["frames"].as_array().unwrap().iter();
    frames.map(|frame| frame["asset"].clone()).collect()
}

/// Where an asset's bytes are, made writable.
fn blob(bench: &Bench, asset: &Value) -> PathBuf {
    let sha256 = asset["sha256"].as_str().unwrap();
    let path = bench
        .root()
        .join(".pegbar/blobs")
        .join(&sha256[..2])
        .join(sha256);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path
}

both_engines! {
    fn a_studio_that_nobody_touched_is_whole_and_exits_with_0(bench) {
        let frames = with_lineage(bench);
        let bytes: u64 = bench.json(&["asset", "list"]).as_array().unwrap().iter()
            .map(|asset| asset["fileSize"].as_u64().unwrap()).sum();
        let expected = format!("4 assets are as recorded; 4 images of {bytes} B read again\n");
        assert_eq!(bench.ok(&["verify"]), expected);
        assert_eq!(bench.ok(&["verify", "Cats"]), expected);
        let text = bench.ok(&["verify", "--records-only"]);
        assert_eq!(text, "4 assets are as recorded; no image was read\n");
        // The second frame was made from the first.
        let text = bench.ok(&["verify", "Walk/1"]);
        assert!(text.starts_with("2 assets are as recorded; 2 images of "), "{text}");
        let text = bench.ok(&["verify", frames[0]["id"].as_str().unwrap()]);
        assert!(text.starts_with("1 asset is as recorded; 1 image of "), "{text}");
        for what in ["Walk", "Tabby/Walk"] {
            assert!(bench.ok(&["verify", what]).starts_with("3 assets are "));
        }
        assert!(bench.ok(&["verify", "Tabby"]).starts_with("4 assets are "));
        let report = bench.json(&["verify"]);
        assert_eq!((&report["assets"], &report["damagedCount"]), (&4.into(), &0.into()));
        assert_eq!((&report["head"], &report["bytes"]), (&Value::Null, &bytes.into()));
    }

    fn damage_is_named_with_what_depends_on_it_and_exits_with_1(bench) {
        let frames = with_lineage(bench);
        let path = blob(bench, &frames[0]);
        let mut bytes = fs::read(&path).unwrap();
        bytes[40] ^= 1;
        fs::write(&path, bytes).unwrap();
        let second = bench.sql_id(&frames[1]["id"]);
        bench.tamper(&format!(
            "UPDATE asset SET generation_prompt = 'a passing nose' WHERE id = {second}"));
        let ran = bench.run(&["verify"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let lines: Vec<&str> = ran.stdout.lines().collect();
        assert!(lines[0].starts_with("2 assets are as recorded; 4 images of "), "{ran:?}");
        let name = |asset: &Value| {
            let (id, path) = (asset["id"].as_str().unwrap(), asset["filePath"].as_str().unwrap());
            format!("asset {id} ({path})")
        };
        assert!(lines[1].starts_with("the bytes are others, with the hash "), "{ran:?}");
        let sha256 = frames[0]["sha256"].as_str().unwrap();
        assert!(lines[1].ends_with(&format!(": .pegbar/blobs/{}/{sha256}", &sha256[..2])), "{ran:?}");
        let expected = name(&frames[0]);
        let expected = format!("  {expected}; 2 assets were made from it; shown by Tabby/Walk/0");
        assert_eq!(lines[2], expected);
        let expected = name(&frames[1])
            + ": prompt: the record says \"a passing pose\", the row says \"a passing nose\"; 1 asset \
               was made from it; shown by Tabby/Walk/1";
        assert_eq!(lines[3], expected);
        assert_eq!(lines.len(), 4);
        assert!(ran.stderr.starts_with("error: damaged: 2 of 4 assets\nhint: put the file back"),
                "{}", ran.stderr);
        // What does not concern it is whole.
        bench.ok(&["verify", "Tabby", "--records-only"].map(|word| match word {
            "Tabby" => frames[0]["id"].as_str().unwrap(),
            word => word,
        }));
        let ran = bench.run(&["verify", "--json"]);
        assert_eq!(ran.code, Some(1));
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report["damaged"][0]["damages"][0]["kind"], "blobAltered");
        assert_eq!(report["damaged"][1]["damages"][0]["kind"], "fieldDiffers");
        assert_eq!(report["damaged"][1]["shownBy"]["first"][0]["animation"], "Walk");
        assert_eq!(report["damaged"][1]["shownBy"]["first"][0]["character"], "Tabby");
        let error: Value = serde_json::from_str(&ran.stderr).unwrap();
        assert_eq!(error["error"]["code"], "damaged");
    }

    fn a_damaged_blob_is_told_once_with_every_asset_that_has_its_bytes(bench) {
        bench.with_walk(2);
        let walk = bench.json(&["animation", "show", "Walk"]);
        let first = &walk["frames"][0]["asset"];
        // 21 more with the same bytes: one in its place, the others in a character's name that
        // is not one word.
        let file = bench.png("again.png", 0);
        bench.ok(&["animation", "create", "Tabby", "Slow walk/back"]);
        let again = vec![file.as_str(); 21];
        bench.ok(&[&["frame", "add", "Tabby/Slow walk/back"], &again[..]].concat());
        fs::remove_file(blob(bench, first)).unwrap();
        let row = bench.sql_id(&first["id"]);
        bench.tamper(&format!("UPDATE asset SET model = 'x' WHERE id = {row}"));
        let ran = bench.run(&["verify"]);
        let lines: Vec<&str> = ran.stdout.lines().collect();
        assert!(lines[1].starts_with("the bytes are missing: .pegbar/blobs/"), "{ran:?}");
        let block: Vec<&&str> = lines[2..].iter().take_while(|line| line.starts_with("  ")).collect();
        assert_eq!(block.len(), 21, "{ran:?}");
        assert!(block[0].ends_with("; shown by Tabby/Walk/0"), "{ran:?}");
        assert!(block[1].ends_with("; shown by Tabby/Slow walk/back/0"), "{ran:?}");
        assert_eq!(*block[20], "  … and 2 more with these bytes");
        // What else is wrong with the first stands behind it.
        assert!(lines[23].ends_with("): model: the record says nothing, the row says \"x\"; \
                                     shown by Tabby/Walk/0"), "{ran:?}");
        assert_eq!(lines.len(), 24, "all are named or counted: {ran:?}");
        assert!(ran.stderr.starts_with("error: damaged: 22 of 24 assets\n"), "{}", ran.stderr);
        // What it says is what other commands take.
        let (_, shown) = block[1].split_once("; shown by ").unwrap();
        let frame = bench.json(&["frame", "show", shown]);
        assert!(block[1].contains(frame["asset"]["id"].as_str().unwrap()), "{frame}");
        assert_eq!(bench.run(&["verify", shown]).code, Some(1));
        let ran = bench.run(&["verify", "--json"]);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report["damaged"].as_array().unwrap().len(), 22, "each asset, as ever");
        assert_eq!(report["damaged"][5]["damages"][0]["kind"], "blobMissing");
    }

    fn a_generation_that_says_something_else_is_named_and_exits_with_1(bench) {
        bench.with_walk(1);
        let image = bench.png("side.png", 70);
        let recorded = bench.json(&[
            "generation", "record", &image, "--as-variation", "Tabby", "--prompt", "a cat",
            "--model", "banana-2",
        ]);
        let failed = bench.json(&["generation", "record", "--failed", "quota", "--prompt", "a cat"]);
        let text = bench.ok(&["verify"]);
        assert!(text.ends_with("compared with what came out: 2 generations\n"), "{text}");
        let (sent, attempt) = (&recorded["generation"]["id"], &failed["generation"]["id"]);
        let (output, row) = (recorded["outputs"][0]["id"].as_str().unwrap(), bench.sql_id(sent));
        bench.tamper(&format!("UPDATE generation SET model = 'banana-1' WHERE id = {row}"));
        bench.tamper(&format!(
            "UPDATE generation SET error = NULL WHERE id = {}", bench.sql_id(attempt)));
        let ran = bench.run(&["verify"]);
        assert_eq!(ran.code, Some(1));
        let lines: Vec<&str> = ran.stdout.lines().skip(2).collect();
        let (sent, attempt) = (sent.as_str().unwrap(), attempt.as_str().unwrap());
        assert!(lines[0].starts_with(&format!("asset {output} (")), "{ran:?}");
        assert!(lines[0].ends_with(&format!(
            "generation.model: the record says \"banana-2\", the generation {sent} says \
             \"banana-1\"")), "{ran:?}");
        assert_eq!(lines[1..], [format!(
            "generation {attempt}: generation.error ({attempt}) can't be so: what failed has an \
             error")]);
        assert!(ran.stderr.starts_with(
            "error: damaged: 1 of 3 assets; damaged: 1 of 2 generations\nhint: compare with a backup"),
            "{}", ran.stderr);
        let ran = bench.run(&["verify", "--json"]);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        let damage = &report["damaged"][0]["damages"][0];
        assert_eq!((&damage["kind"], &damage["generation"]), (&"generationDiffers".into(), &sent.into()));
        assert_eq!((&report["generations"], &report["damagedGenerationCount"]), (&2.into(), &1.into()));
        let alone = &report["damagedGenerations"][0];
        assert_eq!(alone["generationId"], attempt);
        assert_eq!(alone["damages"][0]["kind"], "generationContradiction");
        assert!(alone["damages"][0]["hint"].is_string());
        // A generation alone is enough.
        bench.tamper(&format!("UPDATE generation SET model = 'banana-2' WHERE id = {row}"));
        let ran = bench.run(&["verify"]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.starts_with("error: damaged: 1 of 2 generations\n"), "{}", ran.stderr);
    }

    fn rows_of_another_program_are_named_as_such(bench) {
        let frames = with_lineage(bench);
        let last = bench.sql_id(&frames[2]["id"]);
        bench.tamper(&format!(
            "UPDATE asset SET record = NULL, record_hash = NULL WHERE id = {last}"));
        let ran = bench.run(&["verify"]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.stdout.contains("): it has no record; shown by Tabby/Walk/2"), "{}", ran.stdout);
        assert!(ran.stderr.starts_with("error: without a record: 1 of 4 assets\nhint: `pegbar adopt`"));
        bench.ok(&["adopt"]);
        bench.ok(&["verify"]);
    }

    fn a_head_tells_what_was_rewritten_since(bench) {
        let frames = with_lineage(bench);
        let spare = bench.png("spare.png", 7);
        bench.ok(&["asset", "add", &spare]);
        let head = bench.folder().join("cats.head").display().to_string();
        bench.ok(&["head", "export", "Cats", "-o", &head]);
        let text = bench.ok(&["verify", "--head", &head]);
        assert!(text.contains("or since: 5 records\n"), "{text}");
        bench.ok(&["asset", "delete", "spare.png", "--yes"]);
        bench.ok(&["asset", "add", &bench.png("new.png", 8)]);
        let ran = bench.run(&["verify", "--head", &head]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.stdout.contains("or since: 4 records and 1 new asset\n"), "{}", ran.stdout);
        assert!(ran.stdout.contains(": it is in the head, and gone\n"), "{}", ran.stdout);
        assert!(ran.stderr.starts_with("error: changed or gone since the head: 1 of 5 assets\n"));
        // The last frame, so rewritten that nothing in the database contradicts it.
        let record = frames[2]["record"].as_str().unwrap().replace("sprite-1", "sprite-2");
        bench.tamper(&format!(
            "UPDATE asset SET model = 'sprite-2', record = '{record}', record_hash = '{}' \
             WHERE id = {}", sha256(&record), bench.sql_id(&frames[2]["id"])));
        bench.ok(&["verify"]);
        let ran = bench.run(&["verify", "--head", &head]);
        let hash = frames[2]["recordHash"].as_str().unwrap();
        let expected = format!(
            "asset {}: its record had the hash {hash} in the head, and has {}\n",
            frames[2]["id"].as_str().unwrap(), sha256(&record));
        assert!(ran.stdout.contains(&expected), "{}", ran.stdout);
        assert!(ran.stderr.starts_with("error: changed or gone since the head: 2 of 5 assets\n"));
        let ran = bench.run(&["verify", "--head", &head, "--json"]);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report["damagedCount"], 0);
        assert_eq!(report["head"]["changed"]["count"], 1);
        assert_eq!(report["head"]["gone"]["count"], 1);
        assert_eq!(report["head"]["new"]["count"], 1);
    }
}

/// Hashes as any other program does.
fn sha256(text: &str) -> String {
    pegbar::Sha256::of(text.as_bytes()).to_string()
}

#[test]
fn verifying_speaks_as_it_did() {
    let bench = Bench::new();
    let frames = with_lineage(&bench);
    let mut transcript = Transcript::new(&bench);
    transcript.run(&["verify"]);
    transcript.run(&["verify", "Wolk"]);
    transcript.run(&["verify", "Walk", "--head", "cats.head"]);
    transcript.run(&["verify", "--key", "studio.key.pub"]);
    transcript.run(&["verify", "--head", "cats.head"]);
    fs::remove_file(blob(&bench, &frames[2])).unwrap();
    let first = bench.sql_id(&frames[0]["id"]);
    bench.tamper(&format!("UPDATE asset SET model = 'x' WHERE id = {first}"));
    transcript.run(&["verify"]);
    transcript.compare("verify");
}

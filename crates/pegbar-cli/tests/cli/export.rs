//! `export`, and `import sidecars`.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::Bench;

fn walk(bench: &Bench) {
    bench.with_walk(2);
    let better = bench.png("better.png", 70);
    let replace = [
        "frame", "replace", "Walk", "1", "--with", &better, "--prompt", "higher",
    ];
    let more = ["--model", "sprite-1", "--made-from", "front:character"];
    bench.ok(&[&replace[..], &more].concat());
}

fn out(bench: &Bench) -> String {
    bench.folder().join("out").to_str().unwrap().to_owned()
}

fn record_hashes(bench: &Bench) -> Vec<(String, String)> {
    let assets = bench.json(&["asset", "list"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let assets = assets.as_array().unwrap().iter();
    assets
        .map(|asset| (text(&asset["id"]), text(&asset["recordHash"])))
        .collect()
}

both_engines! {
    fn what_is_exported_with_sidecars_is_imported_with_the_same_hashes(bench) {
        let source = Bench::new();
        walk(&source);
        let out = out(&source);
        let told = source.ok(&["export", "images", "--to", &out, "--xmp", "--sidecar"]);
        assert!(told.starts_with("wrote 4 files into "), "{told}");
        assert!(told.contains("\nsaying in XMP what made them: 1\nwith a sidecar: 4\n"), "{told}");
        let told = bench.ok(&["import", "sidecars", &out]);
        assert!(told.starts_with("created the project \"Cats\""), "{told}");
        let expected = "1 character, 1 variation, 1 animation, 2 frames and 3 takes";
        assert!(told.contains(expected), "{told}");
        assert_eq!(record_hashes(bench), record_hashes(&source));
        let again = bench.json(&["import", "sidecars", &out]);
        assert_eq!(again["unchanged"], 4);
        assert_eq!(again["created"]["takes"], 0);
        let copy = bench.ok(&["import", "sidecars", &out, "--project", "Copy"]);
        assert!(copy.contains("with another id") && copy.contains("4 images"), "{copy}");
        bench.ok(&["sync"]);
    }

    fn a_tampered_sidecar_is_refused_and_the_rest_is_taken_in(bench) {
        let source = Bench::new();
        walk(&source);
        let out = out(&source);
        source.ok(&["export", "images", "--to", &out, "--sidecar"]);
        let place = Path::new(&out).join("frames/Walk/Tabby_Walk_1.png.pegbar.json");
        let text = fs::read_to_string(&place).unwrap();
        fs::write(&place, text.replace("higher", "lower")).unwrap();
        let ran = bench.run(&["import", "sidecars", &out]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stdout.contains("2 takes"), "{ran:?}");
        let expected = "Tabby_Walk_1.png: asset.record: its SHA-256 is ";
        assert!(ran.stderr.contains(expected), "{ran:?}");
    }
}

#[test]
fn parts_are_exported_by_name_and_nothing_is_overwritten() {
    let bench = Bench::new();
    walk(&bench);
    let out = out(&bench);
    let exported = bench.json(&["export", "images", "Walk/1", "--to", &out]);
    assert_eq!(exported["written"], 1);
    let inputs = ["--with-inputs", "--sidecar"];
    let exported =
        bench.json(&[&["export", "images", "Walk/1", "--to", &out][..], &inputs].concat());
    assert_eq!(
        (&exported["written"], &exported["sidecars"]),
        (&1.into(), &2.into())
    );
    let file = Path::new(&out).join("frames/Walk/Tabby_Walk_1.png");
    fs::write(&file, "mine").unwrap();
    let ran = bench.run(&["export", "images", "Tabby", "--to", &out]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.starts_with("wrote 2 files into "), "{ran:?}");
    assert!(
        ran.stderr
            .contains("\n  frames/Walk/Tabby_Walk_1.png\nhint: "),
        "{ran:?}"
    );
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    let exported = bench.json(&["export", "images", "Tabby", "--to", &out, "--force"]);
    assert_eq!(
        (&exported["written"], &exported["unchanged"]),
        (&1.into(), &3.into())
    );
    bench.refused(2, &["export", "images", "Tabby", "Walk/0", "--to", &out]);
    bench.refused(
        2,
        &["export", "images", "--to", &out, "--prompt-writer", "Ada"],
    );
    let own = bench.root().join("public/assets/x");
    let refused = bench.refused(1, &["export", "images", "--to", own.to_str().unwrap()]);
    assert!(refused.contains("the studio's own"), "{refused}");
}

#[test]
fn a_signed_file_is_named_and_stays() {
    let bench = Bench::new();
    let front = bench.png("front.png", 1);
    let manifest = crate::support::images::png_chunk(*b"caBX", b"jumb c2pa");
    let signed = crate::support::images::png_with(fs::read(&front).unwrap(), &[manifest]);
    fs::write(&front, &signed).unwrap();
    bench.ok(&["project", "create", "Cats"]);
    bench.ok(&["asset", "add", &front, "--prompt", "a cat"]);
    let out = out(&bench);
    let ran = bench.run(&["export", "images", "--to", &out, "--xmp"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.stderr.contains("it is signed (C2PA)"), "{ran:?}");
    assert!(ran.stderr.contains("hint: --sidecar"), "{ran:?}");
}

#[test]
fn what_was_stripped_of_its_signature_is_said_and_what_was_not() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    for (number, name) in [(1, "made.png"), (2, "uploaded.png")] {
        let path = bench.png(name, number);
        let manifest = crate::support::images::png_chunk(*b"caBX", b"jumb c2pa");
        let signed = crate::support::images::png_with(fs::read(&path).unwrap(), &[manifest]);
        fs::write(&path, &signed).unwrap();
        let prompt = ["--prompt", "a cat"];
        let prompt = if number == 1 { &prompt[..] } else { &[] };
        bench.ok(&[&["asset", "add", &path], prompt].concat());
    }
    let out = out(&bench);
    let arguments = [
        "export",
        "images",
        "--to",
        &out,
        "--xmp",
        "--strip-credentials",
    ];
    let ran = bench.run(&arguments);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stdout
            .contains("without the signature (C2PA) of the original: 1\n"),
        "{ran:?}"
    );
    assert!(
        ran.stderr.contains("warning: copied byte for byte: 1 file"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("it is an upload"), "{ran:?}");
    assert!(!ran.stderr.contains("hint: --sidecar"), "{ran:?}");
    let report = bench.json(&arguments);
    assert_eq!(report["stripped"], 1);
    assert_eq!(report["kept"]["first"][0]["isSigned"], true);
}

#[test]
fn lineage_is_written_as_prov() {
    let bench = Bench::new();
    walk(&bench);
    let file = bench.folder().join("walk.json");
    let file = file.to_str().unwrap();
    let told = bench.ok(&["export", "prov", "Walk/1", "--output", file]);
    assert_eq!(
        told,
        format!("{file}  (2 assets, 1 generation, 1 prompt, 1 model and 1 input)\n")
    );
    let document: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(document["entity"].as_object().unwrap().len(), 1 + 2 + 1);
    let refused = bench.refused(1, &["export", "prov", "--output", file]);
    assert!(refused.contains("is there already"), "{refused}");
    let counts = bench.json(&["export", "prov", "--output", file, "--force"]);
    assert_eq!(
        (&counts["assets"], &counts["inputs"]),
        (&4.into(), &1.into())
    );
    let document: Value = serde_json::from_str(&bench.ok(&["export", "prov"])).unwrap();
    assert_eq!(document["hadMember"].as_object().unwrap().len(), 4);
    let nowhere = bench.folder().join("no/walk.json");
    bench.refused(
        1,
        &["export", "prov", "--output", nowhere.to_str().unwrap()],
    );

    let mut command = bench.command(&["export", "prov"]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(
        (ended.status.code(), ended.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}

#[test]
fn a_folder_without_sidecars_is_said() {
    let bench = Bench::new();
    let folder = bench.folder().join("empty");
    fs::create_dir(&folder).unwrap();
    let refused = bench.refused(1, &["import", "sidecars", folder.to_str().unwrap()]);
    assert!(refused.contains("no sidecars"), "{refused}");
    let refused = bench.refused(1, &["import", "sidecars", "nowhere"]);
    assert!(refused.contains("there is no folder"), "{refused}");
    assert!(
        bench
            .json(&["project", "list"])
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn an_image_whose_bytes_were_dropped_is_given_on_as_its_sidecar() {
    let source = Bench::new();
    walk(&source);
    let style = source.png("style.png", 9);
    source.ok(&["asset", "add", &style]);
    source.ok(&["asset", "drop-bytes", "style.png", "--yes"]);
    let out = out(&source);
    let told = source.run(&["export", "images", "--to", &out]);
    assert!(
        told.stderr.contains("its bytes were dropped at"),
        "{told:?}"
    );
    let told = source.ok(&["export", "images", "--to", &out, "--sidecar"]);
    let expected = "with a sidecar: 5\na sidecar alone, since the bytes were dropped: 1\n";
    assert!(told.ends_with(expected), "{told}");
    let bench = Bench::new();
    bench.ok(&["import", "sidecars", &out]);
    assert_eq!(record_hashes(&bench), record_hashes(&source));
    let shown = bench.ok(&["asset", "show", "style.png"]);
    assert!(shown.contains("bytes dropped"), "{shown}");
}

#[test]
fn what_can_not_be_taken_in_leaves_no_project() {
    let source = Bench::new();
    walk(&source);
    let out = out(&source);
    // Without what it was made from.
    source.ok(&["export", "images", "Walk/1", "--to", &out, "--sidecar"]);
    let bench = Bench::new();
    let ran = bench.run(&["import", "sidecars", &out]);
    assert_eq!(ran.code, Some(1));
    let told = "nothing could be taken in, and no project was created for it\n";
    assert_eq!(ran.stdout, told);
    assert!(
        ran.stderr.contains("1 image could not be taken in"),
        "{ran:?}"
    );
    assert_eq!(bench.json(&["project", "list"]), serde_json::json!([]));
}

/// The most memory that a program has had, in bytes (proc(5), `VmHWM`).
#[cfg(target_os = "linux")]
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = peak.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_sizes_of_sidecars() {
    const MIB: usize = 1 << 20;
    let source = Bench::new();
    source.ok(&["project", "create", "Cats"]);
    let mut add = vec!["asset", "add"];
    let images = source.pngs("cat", 16);
    add.extend(images.iter().map(String::as_str));
    source.ok(&add);
    let out = out(&source);
    source.ok(&["export", "images", "--to", &out, "--sidecar"]);
    let mut total = 0;
    for entry in fs::read_dir(Path::new(&out).join("references")).unwrap() {
        let place = entry.unwrap().path();
        if place
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let mut sidecar: Value = serde_json::from_slice(&fs::read(&place).unwrap()).unwrap();
            let said = serde_json::json!({
                "author": null, "text": "x".repeat(MIB), "createdAt": "2026-01-01T00:00:00.000Z",
            });
            sidecar["asset"]["annotations"] = vec![said; 15].into();
            let text = sidecar.to_string();
            total += text.len() as u64;
            fs::write(place, text).unwrap();
        }
    }
    assert!(total >= 16 * 15 * MIB as u64);
    let bench = Bench::new();
    let mut command = bench.command(&["import", "sidecars", &out]);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak_memory(child.id()).map_or(peak, |now| now.max(peak));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    assert!(status.success());
    assert_eq!(bench.json(&["asset", "list"]).as_array().unwrap().len(), 16);
    let [peak, total] = [peak, total].map(|bytes| bytes >> 20);
    // Those of one batch, as text, values and rows: some 150 MiB, whatever their number.
    assert!(
        peak > 0 && peak < total,
        "{peak} MiB for sidecars of {total} MiB"
    );
}

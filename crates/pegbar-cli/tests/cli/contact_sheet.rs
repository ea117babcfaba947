//! `contact-sheet`.

use std::fs;

use crate::support::Bench;

both_engines! {
    fn variations_and_frames_are_drawn(bench) {
        bench.with_walk(5);
        let sheet = bench.json(&["contact-sheet", "Tabby"]);
        assert_eq!(sheet["path"], "Tabby.png");
        let picture = image::open(bench.root().join("Tabby.png")).unwrap();
        assert_eq!(sheet["width"], picture.width());
        assert_eq!(sheet["height"], picture.height());
        let size = fs::metadata(bench.root().join("Tabby.png")).unwrap().len();
        assert_eq!(sheet["fileSize"], size);

        let walk = bench.json(&["contact-sheet", "Tabby/Walk", "--columns", "5"]);
        assert_eq!(walk["path"], "Tabby_Walk.png");
        assert!(walk["width"].as_u64() > walk["height"].as_u64());
        let column = bench.json(&["contact-sheet", "Walk", "--columns", "1", "-o", "column.png"]);
        assert!(column["width"].as_u64() < column["height"].as_u64());
        let text = bench.ok(&["contact-sheet", "Walk"]);
        assert!(text.starts_with("Tabby_Walk.png  ("), "{text}");
        assert!(text.contains("5 frames"), "{text}");
    }
}

#[test]
fn it_shows_what_was_taken_in_and_not_what_became_of_the_file() {
    let bench = Bench::new();
    bench.with_walk(2);
    bench.ok(&["contact-sheet", "Walk"]);
    let sheet = bench.root().join("Tabby_Walk.png");
    let before = fs::read(&sheet).unwrap();
    let frames = bench.json(&["animation", "show", "Walk"]);
    let file = bench.view(&frames["frames"][0]["asset"]["filePath"]);
    fs::remove_file(&file).unwrap();
    fs::write(&file, "not an image").unwrap();
    bench.ok(&["contact-sheet", "Walk"]);
    assert!(fs::read(&sheet).unwrap() == before);
    // Without its bytes, a frame is crossed out and the others are there.
    let sha256 = frames["frames"][0]["asset"]["sha256"].as_str().unwrap();
    let blobs = bench.root().join(".pegbar/blobs");
    fs::remove_file(blobs.join(&sha256[..2]).join(sha256)).unwrap();
    bench.ok(&["contact-sheet", "Walk"]);
    assert!(fs::read(&sheet).unwrap() != before);
}

#[test]
fn nobodys_file_is_replaced_unasked() {
    let bench = Bench::new();
    bench.with_walk(1);
    let theirs = bench.png("theirs.png", 5);
    let before = fs::read(&theirs).unwrap();
    let refused = bench.refused(1, &["contact-sheet", "Walk", "-o", &theirs]);
    assert!(refused.contains("did not make"), "{refused}");
    assert!(
        refused.contains("hint: name another file with -o"),
        "{refused}"
    );
    assert!(fs::read(&theirs).unwrap() == before);
    bench.ok(&["contact-sheet", "Walk", "-o", &theirs, "--force"]);
    bench.ok(&["contact-sheet", "Tabby", "-o", &theirs]);
    assert!(fs::read(&theirs).unwrap() != before);
}

#[test]
fn a_name_that_means_nothing_or_two_things_is_refused() {
    let bench = Bench::new();
    bench.with_walk(1);
    let refused = bench.refused_json(1, &["contact-sheet", "Jump"]);
    assert_eq!(refused["code"], "not_found");
    bench.ok(&["character", "create", "Walk"]);
    let refused = bench.refused_json(1, &["contact-sheet", "Walk"]);
    assert_eq!(refused["code"], "ambiguous");
    let id = bench.json(&["animation", "list"])[0]["id"].clone();
    bench.ok(&["contact-sheet", id.as_str().unwrap()]);
    bench.ok(&["contact-sheet", "Tabby/Walk"]);
    bench.refused(2, &["contact-sheet", "Tabby", "--columns", "0"]);
}

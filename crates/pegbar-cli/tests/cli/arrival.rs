//! Ids, names and times that come from elsewhere.

use crate::support::{Bench, each};

fn id(n: u8) -> String {
    format!("0192a0f0-7d3c-4a51-8f10-0000000000{n:02x}")
}

both_engines! {
    fn owners_keep_the_ids_and_times_that_they_come_with(bench) {
        let [project, character, animation] = [1, 2, 3].map(id);
        bench.ok(&["project", "create", "Cats", "--id", &project, "--source-id", "p1", "--created-at", "2024-05-06"]);
        bench.ok(&["character", "create", "Tabby", "--id", &character, "--source-id", "c1"]);
        bench.ok(&["animation", "create", "Tabby", "Walk", "--id", &animation, "--source-id", "a1"]);
        let shown = bench.json(&["project", "show"]);
        assert_eq!(shown["createdAt"], "2024-05-06T00:00:00.000Z");
        assert_eq!(shown["sourceId"], "p1");
        assert_eq!(each(&bench.json(&["project", "list", "--name", "Cats"]), "id"), [&project]);
        assert_eq!(each(&bench.json(&["character", "list", "--source-id", "c1"]), "id"), [&character]);
        assert_eq!(bench.json(&["character", "list", "--name", "Luna"]).to_string(), "[]");
        let found = bench.json(&["animation", "list", "--source-id", "a1", "--name", "Walk"]);
        assert_eq!(each(&found, "id"), [&animation]);
        let taken = bench.refused_json(1, &["project", "create", "Dogs", "--id", &project]);
        assert_eq!(taken["code"], "conflict");
    }

    fn images_keep_them_one_for_each_file(bench) {
        bench.with_walk(0);
        let [one, two] = [1, 2].map(|n| bench.png(&format!("{n}.png"), n));
        let tree = bench.json(&[
            "frame", "add", "Walk", &one, &two, "--id", &id(10), "--id", &id(11),
            "--frame-id", &id(20), "--frame-id", &id(21), "--source-id", "x", "--source-id", "y",
            "--source-path", "out/1.png", "--source-path", "out/2.png",
            "--created-at", "2024-05-06T07:08:09Z", "--original-name", "first.png",
            "--original-name", "second.png", "--frame-source-id", "f1", "--frame-source-id", "f2",
        ]);
        let second = &tree["frames"][1];
        assert_eq!(second["frame"]["id"], id(21));
        assert_eq!(second["frame"]["sourceId"], "f2");
        assert_eq!(second["asset"]["id"], id(11));
        assert_eq!(second["asset"]["sourceId"], "y");
        assert_eq!(second["asset"]["originalName"], "second.png");
        assert_eq!(second["asset"]["createdAt"], "2024-05-06T07:08:09.000Z");
        let by_path = bench.json(&["asset", "list", "--source-path", "out/2.png"]);
        assert_eq!(each(&by_path, "id"), [&id(11)]);
        assert_eq!(each(&bench.json(&["asset", "list", "--id-ending", "000A"]), "id"), [&id(10)]);
        let cleared = bench.json(&["asset", "edit", &id(10), "--clear-original-name"]);
        assert!(cleared["originalName"].is_null());
    }
}

#[test]
fn an_option_for_each_file_is_given_for_all_or_none() {
    let bench = Bench::new();
    bench.with_walk(0);
    let [one, two] = [1, 2].map(|n| bench.png(&format!("{n}.png"), n));
    let refused = bench.refused(2, &["asset", "add", &one, &two, "--source-id", "x"]);
    assert_eq!(
        refused,
        "error: --source-id is given 1 times for 2 files\n\
         hint: give it once for each file, in their order, or never\n"
    );
    bench.refused(
        2,
        &["frame", "add", "Walk", &one, &two, "--frame-id", &id(1)],
    );
    bench.refused(2, &["asset", "add", &one, "--id", "no-uuid"]);
}

#[test]
fn a_project_may_begin_with_the_image_that_stands_for_it() {
    let bench = Bench::new();
    let image = bench.png("logo.png", 1);
    let project = bench.json(&["project", "create", "Dogs", "--thumbnail", &image]);
    let reference = bench.json(&["asset", "show", "logo.png"]);
    assert_eq!(project["thumbnailId"], reference["id"]);
    assert_eq!(reference["kind"], "reference");
}

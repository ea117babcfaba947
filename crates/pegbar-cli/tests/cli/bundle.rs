//! `export bundle` and `import bundle`.

use std::fs;

use crate::support::Bench;

both_engines! {
    fn a_project_goes_into_a_file_and_comes_out_of_it(bench) {
        let source = Bench::new();
        source.with_walk(2);
        let file = source.folder().join("cats.pegbar").to_str().unwrap().to_owned();
        let told = source.ok(&["export", "bundle", &file]);
        assert!(told.starts_with("wrote \"Cats\" into "), "{told}");
        let refused = source.refused(1, &["export", "bundle", &file]);
        assert!(refused.contains("say --force"), "{refused}");
        source.ok(&["export", "bundle", &file, "--force"]);
        let told = bench.ok(&["import", "bundle", &file]);
        assert!(told.starts_with("imported the project \"Cats\""), "{told}");
        let refused = bench.refused(1, &["import", "bundle", &file]);
        assert!(refused.contains("--as-copy"), "{refused}");
        let assets = |bench: &Bench| bench.json(&["asset", "list", "--project", "Cats"]).to_string();
        assert_eq!(assets(bench), assets(&source));
        let copy = bench.json(&["import", "bundle", &file, "--as-copy"]);
        assert_ne!(copy["projectId"], copy["bundledId"]);
        bench.ok(&["verify"]);
        bench.ok(&["sync"]);
    }

    fn what_is_no_bundle_is_refused(bench) {
        let file = bench.folder().join("x.pegbar");
        for bytes in [&b""[..], b"some text", &[0; 4096]] {
            fs::write(&file, bytes).unwrap();
            bench.refused(1, &["import", "bundle", file.to_str().unwrap()]);
        }
        bench.refused(1, &["import", "bundle", bench.folder().to_str().unwrap()]);
        bench.refused(1, &["import", "bundle", "nowhere.pegbar"]);
    }
}

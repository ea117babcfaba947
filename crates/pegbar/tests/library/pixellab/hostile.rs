//! Exports that can't be believed, and files that are not what they say.

use std::fs;

use pegbar::{CharacterFilter, Error, PageRequest};
use serde_json::{Value, json};

use super::{Export, import, metadata, project};
use crate::support::png;

both_engines! {
    async fn hostile_metadata_is_refused_and_nothing_is_created(bench) {
        let studio = bench.create().await;
        let project = project(&studio, "Cats").await;
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.png"), png(5)).unwrap();
        let secret = outside.path().join("secret.png");
        let frame = |path: &str| {
            let mut hostile = metadata(&["frame_0"]);
            hostile["frames"]["animations"]["walk"]["east"][0] = json!(path);
            hostile.to_string()
        };
        let character = |name: &str, value: Value| {
            let mut hostile = metadata(&["frame_0"]);
            hostile["character"][name] = value;
            hostile.to_string()
        };
        let mut cases = vec![
            (frame("../secret.png"), "leads out of the folder"),
            (frame("animations/../../secret.png"), "leads out of the folder"),
            (frame(secret.to_str().unwrap()), "leads out of the folder"),
            (frame("animations\\..\\secret.png"), "backslash"),
            (frame(""), "names no file"),
            (frame(&"a".repeat(5000)), "bytes long"),
            (frame("animations"), "is not a file"),
            (frame("animations/walk/east/gone.png"), "is not there"),
            (frame("animations/walk/east/gone.png"), "frames.animations[\"walk\"][\"east\"][0]"),
            (character("id", Value::Null), "character.id"),
            (character("id", json!("a/b")), "slash"),
            (character("id", json!(7)), "character.id: is not a string"),
            (character("name", json!("")), "character.name"),
            (character("name", json!("x".repeat(300))), "character.name"),
            (character("created_at", json!("yesterday")), "character.created_at"),
            ("{".to_owned(), "line 1 column"),
            ("[]".to_owned(), "line 1 column"),
            (String::new(), "metadata.json"),
            (r#"{"character":{}}"#.to_owned(), "missing field `frames`"),
            (r#"{"character":{"id":"a","id":"b"},"frames":{}}"#.to_owned(), "stands twice"),
            (r#"{"character":{"id":"a\u0000"},"frames":{}}"#.to_owned(), "NUL"),
            (format!("{}1{}", "[".repeat(5000), "]".repeat(5000)), "metadata.json"),
            (" ".repeat((16 << 20) + 1), "larger than"),
        ];
        let export = Export::new();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&secret, export.path().join("link.png")).unwrap();
            std::os::unix::fs::symlink(outside.path(), export.path().join("door")).unwrap();
            cases.push((frame("link.png"), "link that leads out"));
            cases.push((frame("door/secret.png"), "link that leads out"));
        }
        for (text, expected) in cases {
            export.write("metadata.json", text.as_bytes());
            let refused = studio.import_pixellab(project, export.path(), |_, _| {}).await;
            let error = refused.expect_err(expected);
            assert!(matches!(&error, Error::Invalid { .. }), "{error:?}");
            assert!(error.to_string().contains(expected), "{error} lacks {expected:?}");
            assert!(error.to_string().starts_with("metadata.json"), "{error}");
        }
        fs::remove_file(export.path().join("metadata.json")).unwrap();
        let refused = studio.import_pixellab(project, export.path(), |_, _| {}).await;
        assert!(refused.unwrap_err().to_string().contains("metadata.json"));
        let refused = studio.import_pixellab(project, secret, |_, _| {}).await;
        assert!(refused.unwrap_err().to_string().contains("not a folder"));
        let tree = studio.get_project_tree(project).await.unwrap();
        assert!(tree.characters.is_empty());
    }

    async fn what_is_no_image_is_named_and_the_rest_can_follow(bench) {
        let export = Export::new();
        export.write("animations/walk/east/frame_1.png", b"<svg/>");
        let studio = bench.create().await;
        let project = project(&studio, "Cats").await;
        let refused = studio.import_pixellab(project, export.path(), |_, _| {}).await;
        let error = refused.unwrap_err();
        assert!(matches!(&error, Error::NotAnImage { origin, .. } if origin.ends_with("frame_1.png")));
        let filter = CharacterFilter { source_id: Some("cat-1".into()), ..Default::default() };
        let page = studio.list_characters(project, &filter, PageRequest::default()).await.unwrap();
        assert_eq!(page.rows.len(), 1);
        export.image("animations/walk/east/frame_1.png", 1);
        let report = import(&studio, project, export.path()).await;
        assert_eq!((report.created.animations, report.unchanged), (1, 2));
    }

    async fn files_that_the_export_does_not_name_are_listed_up_to_a_bound(bench) {
        let export = Export::new();
        for number in 0..120 {
            export.write(&format!("notes/{number:03}.txt"), b"note");
        }
        let studio = bench.create().await;
        let project = project(&studio, "Cats").await;
        let report = import(&studio, project, export.path()).await;
        assert_eq!((report.skipped.count, report.skipped.first.len()), (120, 100));
        assert_eq!(report.skipped.first[7], "notes/007.txt");
    }
}

//! What people say of an asset after it was made.

use pegbar::{Error, NewAnnotation, NewProject};

use crate::support::asset;

both_engines! {
    async fn annotations_are_added_beside_the_record_and_listed_in_order(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        let made = studio.create_assets(project, vec![asset(1), asset(2)]).await.unwrap();
        let first = NewAnnotation::new("the tail is wrong").author("Ada");
        let first = studio.annotate_asset(made[0].id, first).await.unwrap();
        assert_eq!(first.author.as_deref(), Some("Ada"));
        let second = NewAnnotation::new("kept anyway\nfor the poster");
        let second = studio.annotate_asset(made[0].id, second).await.unwrap();
        assert_eq!(second.author, None);
        let listed = studio.list_annotations(made[0].id).await.unwrap();
        assert_eq!(listed, [first.clone(), second.clone()]);
        assert_eq!(listed[1].text, "kept anyway\nfor the poster");
        assert_eq!(studio.list_annotations(made[1].id).await.unwrap(), []);
        assert_eq!(studio.get_asset(made[0].id).await.unwrap(), made[0], "the asset is as it was");

        let deleted = studio.delete_annotation(first.id).await.unwrap();
        assert_eq!(deleted, first);
        assert_eq!(studio.list_annotations(made[0].id).await.unwrap(), [second]);
        assert_eq!(studio.delete_annotation(first.id).await.unwrap_err().code(), "not_found");
        let mut raw = bench.raw().await;
        let kept = "SELECT count(*) FROM trash WHERE entity = 'asset_annotation'";
        assert_eq!(raw.text(kept).await, "1");
    }

    async fn an_annotation_that_says_nothing_is_refused(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        let made = studio.create_asset(project, asset(1)).await.unwrap();
        for (new, refused) in [
            (NewAnnotation::new(" \n"), "text"),
            (NewAnnotation::new("a\0b"), "text"),
            (NewAnnotation::new("x".repeat((1 << 20) + 1)), "text"),
            (NewAnnotation::new("x").author(""), "author"),
            (NewAnnotation::new("x").author("a".repeat(256)), "author"),
        ] {
            let error = studio.annotate_asset(made.id, new).await.unwrap_err();
            assert!(matches!(&error, Error::Invalid { field, .. } if field == refused), "{error}");
        }
        let unknown = studio.annotate_asset(studio.new_id(), NewAnnotation::new("x")).await;
        assert_eq!(unknown.unwrap_err().code(), "not_found");
        assert_eq!(studio.list_annotations(studio.new_id()).await.unwrap_err().code(), "not_found");
        assert_eq!(studio.list_annotations(made.id).await.unwrap(), []);
    }
}

//! Dropping bytes: the record stays, and shows that they are gone.

use pegbar::{
    AdoptOptions, Asset, AssetId, Error, FrameImage, LineageDirection, LineageOptions,
    NewAnimation, NewCharacter, NewFrame, NewProject, ProjectPatch, ProjectTree, ReferenceRole,
    Studio,
};

use crate::support::{assert_in_step, asset, files_below, png};

/// A project with a style, a second variation and a take that no frame shows; the frame is made
/// from all three.
async fn create(studio: &Studio) -> ProjectTree {
    let (style, unshown) = (studio.new_id(), studio.new_id());
    // The tree has them in the order of their ids.
    let (front, side) = (studio.new_id(), studio.new_id());
    let walk = NewAnimation::new("Walk")
        .take(asset(4).id(unshown))
        .frame(NewFrame::new(
            asset(5)
                .made_from(style, ReferenceRole::Style)
                .made_from(side, ReferenceRole::Character)
                .made_from(unshown, ReferenceRole::PreviousFrame),
        ));
    let tabby = NewCharacter::new("Tabby")
        .variation(asset(2).id(front))
        .variation(asset(3).id(side))
        .animation(walk);
    let project = NewProject::new("P")
        .reference(asset(1).id(style))
        .character(tabby);
    studio.create_project(project).await.unwrap()
}

/// What may be dropped: the reference, the variation that is not primary, the unshown take.
fn droppable(tree: &ProjectTree) -> [Asset; 3] {
    let tabby = &tree.characters[0];
    [
        &tree.references[0],
        &tabby.variations[1],
        &tabby.animations[0].takes[0],
    ]
    .map(Clone::clone)
}

both_engines! {
    async fn nothing_is_made_from_bytes_that_were_not_there(bench) {
        let studio = bench.create().await;
        let tree = create(&studio).await;
        let [gone, lost, _] = droppable(&tree);
        let at = studio.drop_bytes(gone.id).await.unwrap().asset.bytes_dropped_at.unwrap();
        let from = |input: &Asset| asset(9).made_from(input.id, ReferenceRole::Style);
        let error = studio.create_asset(gone.project_id, from(&gone)).await.unwrap_err();
        let expected = format!("the bytes of the asset {} were dropped at {at}", gone.id);
        assert!(error.to_string().contains(&expected), "{error}");
        // What was made while they were there may be written down later.
        let before = from(&gone).created_at(pegbar::MillisSinceEpoch(at.0 - 1));
        studio.create_asset(gone.project_id, before).await.unwrap();
        let sha256 = lost.sha256.unwrap().to_string();
        let blob = studio.root().join(".pegbar/blobs").join(&sha256[..2]).join(&sha256);
        std::fs::remove_file(&blob).unwrap();
        let error = studio.create_asset(lost.project_id, from(&lost)).await.unwrap_err();
        assert!(matches!(&error, Error::Damaged { place, .. } if place.ends_with(&sha256)), "{error}");
    }

    async fn dropped_bytes_leave_record_hash_and_lineage(bench) {
        let studio = bench.create().await;
        let tree = create(&studio).await;
        let take = tree.characters[0].animations[0].frames[0].asset.clone();
        for before in droppable(&tree) {
            let dropped = studio.drop_bytes(before.id).await.unwrap();
            let time = dropped.asset.bytes_dropped_at.unwrap();
            let expected = Asset {
                bytes_dropped_at: Some(time), file_path: None, ..before.clone()
            };
            assert_eq!(dropped.asset, expected, "nothing else is changed");
            assert_eq!(studio.get_asset(before.id).await.unwrap(), expected);
            let path = studio.assets_folder().join(before.file_path.unwrap());
            assert!(!path.exists(), "{}", path.display());
            // Everybody who asks for the bytes is told when they went.
            let error = studio.open_image(&expected).unwrap_err().to_string();
            assert!(error.contains(&format!("its bytes were dropped on {time}")), "{error}");
            let options = LineageOptions::new(LineageDirection::Ancestors);
            let lineage = studio.lineage(take.id, &options).await.unwrap();
            assert_eq!((lineage.nodes.len(), lineage.edges.len()), (4, 3));
            let node = lineage.nodes.iter().find(|node| node.id == before.id).unwrap();
            assert_eq!((node.bytes_dropped_at, node.sha256), (Some(time), before.sha256));
            let known = studio.whereabouts(tree.project.id, &[before.id]).await.unwrap();
            assert_eq!(known[0].bytes_dropped_at, Some(time));
        }
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
        assert_eq!(now.characters[0].animations[0].frames[0].asset, take);
    }

    async fn dropped_bytes_are_in_the_trash_and_in_the_store(bench) {
        let studio = bench.create().await;
        let tree = create(&studio).await;
        let blobs = files_below(&studio.root().join(".pegbar/blobs"));
        let style = &tree.references[0];
        let dropped = studio.drop_bytes(style.id).await.unwrap();
        assert_eq!(files_below(&studio.root().join(".pegbar/blobs")), blobs);
        let mut raw = bench.raw().await;
        let of = format!("WHERE deletion_id = {}", raw.id(dropped.id.0));
        assert_eq!(raw.text(&format!("SELECT entity FROM trash {of}")).await, "asset_bytes");
        let content = raw.text(&format!("SELECT content FROM trash {of}")).await;
        let content: serde_json::Value = serde_json::from_str(&content).unwrap();
        assert_eq!(content, serde_json::json!({
            "asset_id": style.id.0.simple().to_string(), "sha256": style.sha256,
            "file_size": style.file_size, "mime_type": "image/png",
        }));
        let blob = raw.text(&format!("SELECT sha256 FROM trash_blob {of}")).await;
        assert_eq!(blob, style.sha256.unwrap().to_string());
        assert_eq!(raw.text("SELECT count(*) FROM outbox").await, "0");
        assert_eq!(raw.text("SELECT count(*) FROM view_file").await, "4");
    }

    async fn others_with_the_same_bytes_keep_them_and_the_same_image_again_is_a_new_asset(bench) {
        let studio = bench.create().await;
        let tree = create(&studio).await;
        let twin = studio.create_asset(tree.project.id, asset(1)).await.unwrap();
        let style = &tree.references[0];
        assert_eq!(twin.sha256, style.sha256);
        studio.drop_bytes(style.id).await.unwrap();
        let file = studio.assets_folder().join(twin.file_path.as_ref().unwrap());
        assert_eq!(std::fs::read(file).unwrap(), png(1));
        studio.open_image(&studio.get_asset(twin.id).await.unwrap()).unwrap();
        let again = studio.create_asset(tree.project.id, asset(1)).await.unwrap();
        assert!(again.id != style.id && again.bytes_dropped_at.is_none());
        studio.open_image(&again).unwrap();
        assert!(studio.get_asset(style.id).await.unwrap().bytes_dropped_at.is_some());
        assert_in_step(&studio, &studio.get_project_tree(tree.project.id).await.unwrap());
    }

    async fn what_is_shown_primary_or_a_thumbnail_keeps_its_bytes(bench) {
        let studio = bench.create().await;
        let tree = create(&studio).await;
        let tabby = &tree.characters[0];
        let frame = &tabby.animations[0].frames[0];
        let style = tree.references[0].id;
        let thumbnail = ProjectPatch { thumbnail_id: Some(Some(style)), ..ProjectPatch::default() };
        let project = studio.update_project(tree.project.id, thumbnail).await.unwrap();
        let before = studio.get_project_tree(project.id).await.unwrap();
        for (id, expected) in [
            (frame.asset.id, format!("frame Tabby/Walk/0 ({}) shows it", frame.frame.id)),
            (tabby.variations[0].id, format!(
                "character Tabby ({}) has it as its primary variation", tabby.character.id)),
            (style, format!("project P ({}) has it as its thumbnail", project.id)),
        ] {
            let error = studio.drop_bytes(id).await.unwrap_err();
            assert!(error.hint().is_some());
            let Error::InUse { users, more, .. } = error else { panic!("{error}") };
            let users: Vec<String> = users.iter().map(ToString::to_string).collect();
            assert_eq!((users, more), (vec![expected], 0));
        }
        assert_eq!(studio.get_project_tree(project.id).await.unwrap(), before);
        assert_in_step(&studio, &before);
    }

    async fn dropping_twice_is_refused_with_the_time(bench) {
        let studio = bench.create().await;
        let tree = create(&studio).await;
        let style = tree.references[0].id;
        let time = studio.drop_bytes(style).await.unwrap().asset.bytes_dropped_at.unwrap();
        let error = studio.drop_bytes(style).await.unwrap_err();
        assert_eq!(error.code(), "conflict");
        assert!(error.to_string().contains(&format!("were dropped on {time}")), "{error}");
        let mut raw = bench.raw().await;
        assert_eq!(raw.text("SELECT count(*) FROM trash").await, "1");
        let error = studio.drop_bytes(studio.new_id::<AssetId>()).await.unwrap_err();
        assert_eq!(error.code(), "not_found");
    }

    async fn what_has_no_bytes_is_not_shown_again(bench) {
        let studio = bench.create().await;
        let tree = create(&studio).await;
        let [style, side, unshown] = droppable(&tree).map(|asset| asset.id);
        for id in [style, side, unshown] {
            studio.drop_bytes(id).await.unwrap();
        }
        let before = studio.get_project_tree(tree.project.id).await.unwrap();
        let tabby = &tree.characters[0];
        let walk = &tabby.animations[0];
        let showing = || vec![NewFrame::showing(unshown)];
        let jump = NewAnimation::new("Jump").frame(NewFrame::showing(unshown));
        let frame = walk.frames[0].frame.id;
        let thumbnail = ProjectPatch { thumbnail_id: Some(Some(style)), ..ProjectPatch::default() };
        for error in [
            studio.append_frames(walk.animation.id, showing(), None).await.map(drop).unwrap_err(),
            studio.replace_frame(frame, FrameImage::Asset(unshown), None).await.map(drop).unwrap_err(),
            studio.create_animation(tabby.character.id, jump).await.map(drop).unwrap_err(),
            studio.set_primary(tabby.character.id, Some(side)).await.map(drop).unwrap_err(),
            studio.update_project(tree.project.id, thumbnail).await.map(drop).unwrap_err(),
        ] {
            assert_eq!(error.code(), "invalid");
            assert!(error.to_string().contains("were dropped on "), "{error}");
        }
        assert_eq!(studio.get_project_tree(tree.project.id).await.unwrap(), before);
        // Nor does it become primary by itself.
        studio.delete_asset(tabby.variations[0].id).await.unwrap();
        let character = studio.get_character(tabby.character.id).await.unwrap();
        assert_eq!(character.primary_asset_id, None);
    }

    async fn sync_and_adopt_leave_dropped_bytes_alone(bench) {
        let studio = bench.create().await;
        let tree = create(&studio).await;
        for asset in droppable(&tree) {
            studio.drop_bytes(asset.id).await.unwrap();
        }
        // A new name moves the files of a character, and gives none to what has none.
        let patch = pegbar::CharacterPatch { name: Some("Tom".to_owned()), ..Default::default() };
        studio.update_character(tree.characters[0].character.id, patch).await.unwrap();
        let before = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &before);
        let files = files_below(&studio.assets_folder());
        for round in 0..2 {
            let report = studio.sync(|_, _| {}).await.unwrap();
            assert_eq!((report.written, report.removed), (round, 0));
            assert_eq!((report.kept.len(), report.integrity.broken_keys.len()), (0, 0));
            let report = studio.adopt(AdoptOptions::default(), |_, _| {}).await.unwrap();
            assert_eq!((report.adopted, report.left, report.findings.len()), (0, 0, 0));
            assert_eq!(files_below(&studio.assets_folder()), files);
            assert_eq!(studio.get_project_tree(tree.project.id).await.unwrap(), before);
            // The whole view is rebuilt the second time.
            let folder = studio.assets_folder().join(tree.project.id.to_string());
            let shown = before.characters[0].animations[0].frames[0].asset.file_path.as_ref();
            if round == 0 {
                std::fs::remove_file(studio.assets_folder().join(shown.unwrap())).unwrap();
                assert!(folder.exists());
            }
        }
    }

    async fn a_refusal_lists_a_hundred_users_and_counts_the_others(bench) {
        let studio = bench.create().await;
        let tree = create(&studio).await;
        let style = tree.references[0].id;
        let made = (0..120).map(|n| asset(100 + n).made_from(style, ReferenceRole::Style)
            .made_from(style, ReferenceRole::Other));
        studio.create_assets(tree.project.id, made.collect()).await.unwrap();
        let error = studio.delete_asset(style).await.unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with("; and 118 more"), "{text}");
        assert!(text.contains("asset Tabby/Walk/0 ("), "{text}");
        let Error::InUse { users, more, .. } = error else { panic!("{text}") };
        assert_eq!((users.len(), more), (100, 21));
        // Its bytes may go all the same.
        studio.drop_bytes(style).await.unwrap();
    }
}

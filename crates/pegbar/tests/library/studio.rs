//! Opening, creating, listing, changing.

use pegbar::{
    AnimationPatch, AssetFilter, AssetKind, AssetPatch, CharacterFilter, CharacterPatch, Json,
    MillisSinceEpoch, NewAnimation, NewCharacter, NewProject, PageRequest, ProjectFilter,
    ProjectPatch, Studio,
};

use crate::support::{asset, png, project_with_character};

both_engines! {
    async fn a_studio_is_created_once_and_opened_often(bench) {
        let studio = bench.create().await;
        assert_eq!(studio.engine(), bench.engine());
        let project = project_with_character(&studio).await;
        drop(studio);
        let again = Studio::create_with(bench.root(), bench.options()).await.unwrap_err();
        assert_eq!(again.code(), "conflict");
        let studio = bench.open().await;
        assert_eq!(studio.get_project_tree(project.project.id).await.unwrap(), project);
        let elsewhere = tempfile::tempdir().unwrap();
        let missing = Studio::open_with(elsewhere.path(), bench.options()).await.unwrap_err();
        assert!(missing.hint().unwrap().contains("pegbar init"), "{missing}");
    }

    async fn a_database_serves_one_folder_only(bench) {
        drop(bench.create().await);
        let other = tempfile::tempdir().unwrap();
        std::fs::create_dir(other.path().join(".pegbar")).unwrap();
        let from = bench.root().join(".pegbar/store-id");
        let id = "0192a0f0-7d3c-7a51-8f10-0123456789ab\n";
        std::fs::write(other.path().join(".pegbar/store-id"), id).unwrap();
        if bench.engine() == pegbar::Engine::Sqlite {
            let database = bench.root().join(".pegbar/pegbar.db");
            std::fs::copy(database, other.path().join(".pegbar/pegbar.db")).unwrap();
        } else {
            let refused = Studio::create_with(other.path().join("new"), bench.options()).await;
            assert_eq!(refused.unwrap_err().code(), "conflict");
        }
        let refused = Studio::open_with(other.path(), bench.options()).await.unwrap_err();
        assert_eq!(refused.code(), "conflict", "{refused}");
        assert_ne!(std::fs::read_to_string(from).unwrap(), id);
    }

    async fn pages_are_stable_while_rows_are_added(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let bytes = studio.store_image(&pegbar::ImageSource::Bytes(png(1))).unwrap();
        let stored = || pegbar::NewAsset::new(pegbar::ImageSource::Stored(bytes));
        let tagged = (0..25).map(|n| if n % 5 == 0 { stored().tag("keep") } else { stored() });
        let created = studio.create_assets(project, tagged.collect()).await.unwrap();
        let all = AssetFilter::default();
        let mut seen = Vec::new();
        let mut request = PageRequest::default().limit(10);
        loop {
            let page = studio.list_assets(project, &all, request).await.unwrap();
            request.after = page.rows.last().map(|asset| asset.id);
            seen.extend(page.rows);
            if !page.has_more {
                break;
            }
            if seen.len() == 10 {
                studio.create_asset(project, stored()).await.unwrap();
            }
        }
        assert_eq!(seen.len(), 26);
        assert_eq!(seen[..25], created);
        let keep = AssetFilter { tag: Some("keep".to_owned()), ..AssetFilter::default() };
        let page = studio.list_assets(project, &keep, PageRequest::default().limit(4)).await;
        let page = page.unwrap();
        assert!(page.has_more);
        let after = PageRequest::after(page.rows[3].id);
        let rest = studio.list_assets(project, &keep, after).await.unwrap();
        assert_eq!((rest.rows.len(), rest.has_more), (1, false));
        let too_many = PageRequest::default().limit(1001);
        let error = studio.list_assets(project, &all, too_many).await.unwrap_err();
        assert_eq!(error.code(), "invalid");
    }

    async fn assets_are_found_by_kind_owner_tag_and_time(bench) {
        let studio = bench.create().await;
        let tree = project_with_character(&studio).await;
        let project = tree.project.id;
        let day = |n: i64| MillisSinceEpoch(n * 86_400_000);
        for n in 1..=4 {
            let made = asset(u32::try_from(n).unwrap()).created_at(day(n));
            studio.create_asset(project, made).await.unwrap();
        }
        let count = async |filter: AssetFilter| {
            let page = studio.list_assets(project, &filter, PageRequest::default()).await.unwrap();
            page.rows.len()
        };
        let kind = |kind| AssetFilter { kind: Some(kind), ..AssetFilter::default() };
        assert_eq!(count(kind(AssetKind::Reference)).await, 4);
        assert_eq!(count(kind(AssetKind::Character)).await, 1);
        assert_eq!(count(kind(AssetKind::Frame)).await, 0);
        let between = AssetFilter {
            created_from: Some(day(2)),
            created_before: Some(day(4)),
            ..AssetFilter::default()
        };
        assert_eq!(count(between).await, 2);
        let sha256 = tree.characters[0].variations[0].sha256;
        assert_eq!(count(AssetFilter { sha256, ..AssetFilter::default() }).await, 1);
    }

    async fn things_are_found_by_the_end_of_their_id_and_counted(bench) {
        let studio = bench.create().await;
        let tree = project_with_character(&studio).await;
        let project = tree.project.id;
        let variation = &tree.characters[0].variations[0];
        let walk = NewAnimation::new("Walk").frame(pegbar::NewFrame::new(asset(7)));
        let walk = studio.create_animation(tree.characters[0].character.id, walk).await.unwrap();
        let ending = |id: String| id[id.len() - 9..].to_uppercase();
        let filter = AssetFilter {
            id_ending: Some(ending(variation.id.to_string())), ..AssetFilter::default() };
        let found = studio.list_assets(project, &filter, PageRequest::default()).await.unwrap();
        assert_eq!(found.rows, std::slice::from_ref(variation));
        let frame = &walk.frames[0].frame;
        let found = studio.find_frames(project, &ending(frame.id.to_string()), 10).await.unwrap();
        assert_eq!(found, std::slice::from_ref(frame));
        assert_eq!(studio.find_frames(project, "%_00000000", 10).await.unwrap(), []);
        let counts = studio.count_project(project).await.unwrap();
        assert_eq!((counts.characters, counts.variations, counts.animations), (1, 1, 1));
        assert_eq!((counts.frames, counts.takes, counts.references), (1, 1, 0));
        let sizes = variation.file_size.unwrap() + walk.frames[0].asset.file_size.unwrap();
        assert_eq!(counts.file_size, sizes);
    }

    async fn what_may_change_changes_and_nothing_else(bench) {
        let studio = bench.create().await;
        let tree = project_with_character(&studio).await;
        let id = tree.project.id;
        let variation = tree.characters[0].variations[0].clone();
        let patch = ProjectPatch {
            description: Some("d".to_owned()),
            tags: Some(vec!["b".to_owned(), "a".to_owned(), "b".to_owned()]),
            thumbnail_id: Some(Some(variation.id)),
            settings: Some(Json::parse(r#"{"seed": 9007199254740993}"#).unwrap()),
            ..ProjectPatch::default()
        };
        let changed = studio.update_project(id, patch).await.unwrap();
        assert_eq!(changed.name, "Cats");
        assert_eq!(changed.tags, ["b", "a"]);
        assert_eq!(changed.settings.to_string(), r#"{"seed":"9007199254740993"}"#);
        assert_eq!(changed.thumbnail_id, Some(variation.id));
        assert_eq!(changed.created_at, tree.project.created_at);
        let foreign = ProjectPatch {
            thumbnail_id: Some(Some(studio.new_id())),
            ..ProjectPatch::default()
        };
        let error = studio.update_project(id, foreign).await.unwrap_err();
        assert!(error.to_string().starts_with("thumbnailId"), "{error}");
        let patch = AssetPatch {
            expected: None,
            tags: Some(vec!["front".to_owned()]),
            original_name: Some(Some("cat.png".to_owned())),
        };
        let asset = studio.update_asset(variation.id, patch).await.unwrap();
        assert_eq!(asset, studio.get_asset(variation.id).await.unwrap());
        assert_eq!(asset.original_name.as_deref(), Some("cat.png"));
        assert_eq!((asset.record, asset.record_hash), (variation.record, variation.record_hash));
        for bad in ["", "  ", "a\0b", &"x".repeat(256)] {
            let patch = CharacterPatch { name: Some(bad.to_owned()), ..Default::default() };
            let character = tree.characters[0].character.id;
            let error = studio.update_character(character, patch).await.unwrap_err();
            assert!(error.to_string().starts_with("name"), "{error}");
        }
    }

    async fn an_animation_may_say_how_long_a_frame_is_shown(bench) {
        let studio = bench.create().await;
        let cat = project_with_character(&studio).await.characters[0].character.id;
        let walk = NewAnimation::new("Walk").frame_duration_ms(125);
        let walk = studio.create_animation(cat, walk).await.unwrap().animation;
        assert_eq!(walk.frame_duration_ms, Some(125));
        let change = async |duration| {
            let patch = AnimationPatch { frame_duration_ms: Some(duration), ..Default::default() };
            studio.update_animation(walk.id, patch).await
        };
        assert_eq!(change(Some(u32::MAX)).await.unwrap_err().code(), "invalid");
        assert_eq!(change(Some(0)).await.unwrap_err().code(), "invalid");
        assert_eq!(change(Some(80)).await.unwrap().frame_duration_ms, Some(80));
        assert_eq!(change(None).await.unwrap().frame_duration_ms, None);
        assert_eq!(studio.get_animation(walk.id).await.unwrap().name, "Walk");
    }

    async fn projects_and_characters_are_found_by_name_and_tag(bench) {
        let studio = bench.create().await;
        let cats = NewProject::new("Cats").tag("game").character(NewCharacter::new("Tom").tag("x"));
        let cats = studio.create_project(cats).await.unwrap();
        studio.create_project(NewProject::new("Dogs").tag("film")).await.unwrap();
        let by_tag = ProjectFilter { tag: Some("game".to_owned()), ..ProjectFilter::default() };
        let page = studio.list_projects(&by_tag, PageRequest::default()).await.unwrap();
        assert_eq!(page.rows, std::slice::from_ref(&cats.project));
        let by_name = ProjectFilter { name: Some("Dogs".to_owned()), ..ProjectFilter::default() };
        let page = studio.list_projects(&by_name, PageRequest::default()).await.unwrap();
        assert_eq!(page.rows[0].tags, ["film"]);
        let by_tag = CharacterFilter { tag: Some("x".to_owned()), ..Default::default() };
        let page = studio.list_characters(cats.project.id, &by_tag, PageRequest::default()).await;
        assert_eq!(page.unwrap().rows[0].name, "Tom");
        let gone = studio.get_project(studio.new_id()).await.unwrap_err();
        assert_eq!(gone.code(), "not_found");
    }
}

#[test]
fn a_server_that_refuses_is_told_from_one_that_does_not_answer() {
    crate::support::run_on_postgres(async |bench| {
        let pegbar::DatabaseAddress::Postgres(url) = &bench.database else {
            unreachable!()
        };
        let refused = async |url: &str| {
            let database = pegbar::DatabaseAddress::Postgres(url.to_owned());
            let options = pegbar::StudioOptions {
                database,
                ..Default::default()
            };
            let folder = tempfile::tempdir().unwrap();
            Studio::create_with(folder.path(), options)
                .await
                .unwrap_err()
                .to_string()
        };
        let (server, _) = url.rsplit_once('/').unwrap();
        let unknown = refused(&format!("{server}/nowhere")).await;
        assert!(unknown.contains("\"nowhere\" does not exist"), "{unknown}");
        let silent = refused("postgres://secret:secret@127.0.0.1:1/x").await;
        assert!(
            silent.contains("does not answer") && !silent.contains("secret"),
            "{silent}"
        );
        let malformed = refused("postgres://secret:secret@127.0.0.1:port/x").await;
        assert!(
            malformed.contains("malformed") && !malformed.contains("secret"),
            "{malformed}"
        );
    });
}

//! No lost updates: a change that was decided on something else than what is there.

use pegbar::{
    AnimationPatch, AsSeen, AssetPatch, CharacterPatch, Error, Fingerprint, FrameImage, Json,
    NewAnimation, NewAnnotation, NewAsset, NewCharacter, NewFrame, NewProject, ProjectPatch,
    ReferenceRole, Result, Studio, Tagged,
};

use crate::support::{asset, project_with_character};

fn seen<T: serde::Serialize>(thing: &T) -> Option<Fingerprint> {
    let found = Fingerprint::of(thing);
    assert!(found.is_ok(), "{found:?}");
    found.ok()
}

fn assert_stale<T: std::fmt::Debug>(result: Result<T>) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error:?}");
    assert!(
        error.to_string().contains("has changed meanwhile"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("again"), "{error}");
}

/// Of two changes at once, one goes through and the other is refused as stale.
async fn assert_one_wins<F, T>(one: F, other: F) -> T
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: std::fmt::Debug + Send + 'static,
{
    let (one, other) = tokio::join!(tokio::spawn(one), tokio::spawn(other));
    let (won, lost) = match (one.unwrap(), other.unwrap()) {
        (Ok(won), lost) | (lost, Ok(won)) => (won, lost),
        both => panic!("nobody wins: {both:?}"),
    };
    assert_stale(lost);
    won
}

both_engines! {
    async fn of_two_updates_decided_on_the_same_one_is_refused(bench) {
        let first = bench.create().await;
        let second = bench.open().await;
        let tree = project_with_character(&first).await;
        let cat = tree.characters[0].character.id;
        let walk = NewAnimation::new("Walk").frame(NewFrame::new(asset(1)));
        let walk = first.create_animation(cat, walk).await.unwrap().animation.id;
        let image = first.create_asset(tree.project.id, asset(2)).await.unwrap().id;

        let project = first.get_project(tree.project.id).await.unwrap();
        let expected = seen(&project);
        let update = |studio: &Studio, name: &str| {
            let (studio, name) = (studio.clone(), Some(name.to_owned()));
            let patch = ProjectPatch { name, expected, ..Default::default() };
            Box::pin(async move { studio.update_project(project.id, patch).await })
        };
        let won = assert_one_wins(update(&first, "A"), update(&second, "B")).await;
        assert_eq!(first.get_project(project.id).await.unwrap(), won);

        let expected = seen(&first.get_character(cat).await.unwrap());
        let update = |studio: &Studio, name: &str| {
            let (studio, name) = (studio.clone(), Some(name.to_owned()));
            let patch = CharacterPatch { name, expected, ..Default::default() };
            Box::pin(async move { studio.update_character(cat, patch).await })
        };
        let won = assert_one_wins(update(&first, "A"), update(&second, "B")).await;
        assert_eq!(first.get_character(cat).await.unwrap(), won);

        let expected = seen(&first.get_animation(walk).await.unwrap());
        let update = |studio: &Studio, name: &str| {
            let (studio, name) = (studio.clone(), Some(name.to_owned()));
            let patch = AnimationPatch { name, expected, ..Default::default() };
            Box::pin(async move { studio.update_animation(walk, patch).await })
        };
        let won = assert_one_wins(update(&first, "A"), update(&second, "B")).await;
        assert_eq!(first.get_animation(walk).await.unwrap(), won);

        let expected = seen(&first.get_asset(image).await.unwrap());
        let update = |studio: &Studio, tag: &str| {
            let (studio, tags) = (studio.clone(), Some(vec![tag.to_owned()]));
            let patch = AssetPatch { tags, expected, ..Default::default() };
            Box::pin(async move { studio.update_asset(image, patch).await })
        };
        let won = assert_one_wins(update(&first, "a"), update(&second, "b")).await;
        assert_eq!(first.get_asset(image).await.unwrap(), won);
        assert_eq!(won.tags.len(), 1);
    }

    async fn whoever_saw_what_is_there_may_change_and_delete_it(bench) {
        let studio = bench.create().await;
        let new = NewProject::new("Cats").tag("game").settings(Json::parse(r#"{"b":1.0,"a":[]}"#).unwrap());
        let settings = Json::parse(r#"{"seed":7,"model":{"z":1,"a":2}}"#).unwrap();
        let image = NewAsset { settings: Some(settings), ..asset(1) };
        let cat = NewCharacter::new("Cat").variation(image.prompt("a cat"));
        let tree = studio.create_project(new.character(cat)).await.unwrap();
        let front = &tree.characters[0].variations[0];
        let made = asset(2).made_from(front.id, ReferenceRole::Character);
        let made = studio.create_asset(tree.project.id, made).await.unwrap();

        // What creating returns has the fingerprint of what reading returns.
        assert_eq!(seen(&made), seen(&studio.get_asset(made.id).await.unwrap()));
        assert_eq!(seen(&tree.project), seen(&studio.get_project(tree.project.id).await.unwrap()));
        let patch = AssetPatch { tags: Some(vec!["a".into()]), expected: seen(&made), ..Default::default() };
        let made = studio.update_asset(made.id, patch).await.unwrap();
        let patch = ProjectPatch { name: Some("Dogs".into()), expected: seen(&tree.project), ..Default::default() };
        let project = studio.update_project(tree.project.id, patch).await.unwrap();
        assert_eq!(project.tags, ["game"]);
        let noted = studio.annotate_asset(made.id, NewAnnotation::new("nice")).await.unwrap();
        studio.delete_annotation(AsSeen::new(noted.id, seen(&noted))).await.unwrap();
        let dropped = studio.drop_bytes(AsSeen::new(made.id, seen(&made))).await.unwrap();
        assert_eq!(seen(&dropped.asset), seen(&studio.get_asset(made.id).await.unwrap()));
        studio.delete_asset(AsSeen::new(made.id, seen(&dropped.asset))).await.unwrap();
        studio.delete_project(AsSeen::new(project.id, seen(&project))).await.unwrap();
    }

    async fn what_has_changed_is_not_deleted(bench) {
        let studio = bench.create().await;
        let tree = project_with_character(&studio).await;
        let (project, cat) = (tree.project, tree.characters[0].character.clone());
        let walk = NewAnimation::new("Walk").frame(NewFrame::new(asset(1)));
        let walk = studio.create_animation(cat.id, walk).await.unwrap().animation;
        let image = studio.create_asset(project.id, asset(2)).await.unwrap();
        let noted = studio.annotate_asset(image.id, NewAnnotation::new("nice")).await.unwrap();
        let add = |thing| { let studio = studio.clone(); async move {
            studio.change_tags(thing, &[], &["new".to_owned()]).await.unwrap();
        }};
        add(Tagged::Project(project.id)).await;
        add(Tagged::Character(cat.id)).await;
        add(Tagged::Asset(image.id)).await;
        studio.append_frames(walk.id, vec![NewFrame::showing(image.id)], None).await.unwrap();
        let before = studio.get_project_tree(project.id).await.unwrap();

        assert_stale(studio.delete_project(AsSeen::new(project.id, seen(&project))).await);
        assert_stale(studio.delete_character(AsSeen::new(cat.id, seen(&cat))).await);
        assert_stale(studio.delete_animation(AsSeen::new(walk.id, seen(&walk))).await);
        assert_stale(studio.delete_asset(AsSeen::new(image.id, seen(&image))).await);
        assert_stale(studio.drop_bytes(AsSeen::new(image.id, seen(&image))).await);
        let other = seen(&image);
        assert_stale(studio.delete_annotation(AsSeen::new(noted.id, other)).await);
        assert_eq!(studio.get_project_tree(project.id).await.unwrap(), before);
        assert_eq!(studio.list_annotations(image.id).await.unwrap(), [noted]);
        let mut raw = bench.raw().await;
        assert_eq!(raw.text("SELECT count(*) FROM trash").await, "0");
    }

    async fn every_field_counts(bench) {
        let studio = bench.create().await;
        let tree = project_with_character(&studio).await;
        let (id, cat) = (tree.project.id, tree.characters[0].character.id);
        let front = tree.characters[0].variations[0].id;
        let walk = NewAnimation::new("Walk").frame(NewFrame::new(asset(1)));
        let walk = studio.create_animation(cat, walk).await.unwrap();
        let (walk, frame) = (walk.animation.id, walk.frames[0].frame.id);
        // By any other way than the patch itself, and without the time of the last change.
        let mut raw = bench.raw().await;
        let (project_id, cat_id, walk_id, front_id) = (raw.id(id), raw.id(cat), raw.id(walk), raw.id(front));
        for (table, column, value, row) in [
            ("project", "name", "'x'", &project_id),
            ("project", "description", "'x'", &project_id),
            ("project", "settings", "'{\"a\":1}'", &project_id),
            ("project", "source_id", "'x'", &project_id),
            ("character", "user_prompt", "'x'", &cat_id),
            ("character", "description", "'x'", &cat_id),
            ("character", "generation_settings", "'{\"a\":1}'", &cat_id),
            ("animation", "description", "'x'", &walk_id),
            ("animation", "frame_duration_ms", "40", &walk_id),
            ("animation", "version", "7", &walk_id),
            ("asset", "original_name", "'x'", &front_id),
            ("asset", "source_path", "'x'", &front_id),
        ] {
            let (project, character) = (studio.get_project(id).await.unwrap(), studio.get_character(cat).await.unwrap());
            let (animation, image) = (studio.get_animation(walk).await.unwrap(), studio.get_asset(front).await.unwrap());
            raw.run(&format!("UPDATE {table} SET {column} = {value} WHERE id = {row}")).await.unwrap();
            let refused = match table {
                "project" => studio.update_project(id, ProjectPatch { expected: seen(&project), ..Default::default() }).await.map(drop),
                "character" => studio.update_character(cat, CharacterPatch { expected: seen(&character), ..Default::default() }).await.map(drop),
                "animation" => studio.update_animation(walk, AnimationPatch { expected: seen(&animation), ..Default::default() }).await.map(drop),
                _ => studio.update_asset(front, AssetPatch { expected: seen(&image), ..Default::default() }).await.map(drop),
            };
            assert_stale(refused);
        }
        // What comes from other tables counts, too.
        let before = studio.get_project(id).await.unwrap();
        studio.change_tags(Tagged::Project(id), &[], &["new".to_owned()]).await.unwrap();
        let patch = ProjectPatch { expected: seen(&before), ..Default::default() };
        assert_stale(studio.update_project(id, patch).await);
        let before = studio.get_animation(walk).await.unwrap();
        studio.replace_frame(frame, FrameImage::Asset(front), None).await.unwrap();
        let patch = AnimationPatch { expected: seen(&before), ..Default::default() };
        assert_stale(studio.update_animation(walk, patch).await);
    }
}

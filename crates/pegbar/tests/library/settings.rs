//! Settings: objects with names, whoever brings them; what others recorded stays as it is.

use pegbar::{
    CharacterPatch, Error, ImageSource, Json, NewAnimation, NewAsset, NewCharacter, NewFrame,
    NewGeneration, NewProject, ProjectPatch, Result,
};

use crate::support::{asset, png, project_with_character};

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

/// Expects a refusal that names the field and what stands there instead of an object.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, field: &str, kind: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), "invalid");
    let Error::Invalid {
        field: named,
        reason,
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(named, field);
    assert!(
        reason.ends_with(&format!("a JSON object, not {kind}")),
        "{reason}"
    );
}

both_engines! {
    async fn settings_without_names_are_refused_on_every_way_in(bench) {
        let studio = bench.create().await;
        let walk = NewAnimation::new("Walk").frame(NewFrame::new(asset(1)));
        let cat = NewCharacter::new("Cat").variation(asset(2)).animation(walk);
        let there = studio.create_project(NewProject::new("P").character(cat)).await.unwrap();
        let (project, cat) = (there.project.id, there.characters[0].character.id);
        let walk = there.characters[0].animations[0].animation.id;
        let frame = there.characters[0].animations[0].frames[0].frame.id;
        let values = [
            ("[7]", "a list"), ("7", "a number"), ("\"seed\"", "a string"), ("null", "null"),
            ("true", "true or false"),
        ];
        for (text, kind) in values {
            let list = json(text);
            let odd = || asset(3).settings(list.clone());
            let field = "generationSettings";
            let character = || NewCharacter {
                generation_settings: Some(list.clone()), ..NewCharacter::new("Dog")
            };
            let with_settings = NewProject::new("Q").settings(list.clone());
            refused(studio.create_project(with_settings).await, "settings", kind);
            refused(studio.create_project(NewProject::new("Q").character(character())).await, field, kind);
            refused(studio.create_project(NewProject::new("Q").reference(odd())).await, field, kind);
            refused(studio.create_character(project, character()).await, field, kind);
            let dog = NewCharacter::new("Dog").variation(odd());
            refused(studio.create_character(project, dog).await, field, kind);
            refused(studio.create_asset(project, odd()).await, field, kind);
            refused(studio.create_variations(cat, vec![odd()]).await, field, kind);
            refused(studio.create_takes(walk, vec![odd()]).await, field, kind);
            let run = NewAnimation::new("Run").frame(NewFrame::new(odd()));
            refused(studio.create_animation(cat, run).await, field, kind);
            refused(studio.insert_frames(walk, 0, vec![NewFrame::new(odd())], None).await, field, kind);
            let image = pegbar::FrameImage::New(Box::new(odd()));
            refused(studio.replace_frame(frame, image, None).await, field, kind);
            let patch = ProjectPatch { settings: Some(list.clone()), ..ProjectPatch::default() };
            refused(studio.update_project(project, patch).await, "settings", kind);
            let patch = CharacterPatch {
                generation_settings: Some(list.clone()), ..CharacterPatch::default()
            };
            refused(studio.update_character(cat, patch).await, field, kind);
            let failed = NewGeneration::failed("no").settings(list.clone());
            refused(studio.record_generation(project, failed).await, "settings", kind);
        }
        assert_eq!(studio.get_project_tree(project).await.unwrap(), there);
        assert_eq!(studio.list_projects(&pegbar::ProjectFilter::default(), pegbar::PageRequest::default())
            .await.unwrap().rows.len(), 1);
    }

    async fn a_refusal_leaves_no_bytes_behind(bench) {
        let studio = bench.create().await;
        let project = project_with_character(&studio).await.project.id;
        let before = crate::support::files_below(&studio.root().join(".pegbar/blobs"));
        let new = NewAsset::new(ImageSource::Bytes(png(77))).settings(json("[]"));
        refused(studio.create_asset(project, new).await, "generationSettings", "a list");
        assert_eq!(crate::support::files_below(&studio.root().join(".pegbar/blobs")), before);
    }
}

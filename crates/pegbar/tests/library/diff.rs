//! What sets assets and animations apart.

use pegbar::{
    AssetDiff, Change, InputChangeKind, Json, MillisSinceEpoch, NewAnimation, NewAsset,
    NewCharacter, NewClaim, NewFrame, NewProject, ProjectId, ReferenceRole, SpanKind, Studio,
    TextDiff,
};

use crate::support::{asset, images, png};

const TIME: MillisSinceEpoch = MillisSinceEpoch(1_767_250_949_000);

async fn project(studio: &Studio) -> ProjectId {
    let tree = studio.create_project(NewProject::new("P")).await.unwrap();
    tree.project.id
}

async fn diff(studio: &Studio, before: NewAsset, after: NewAsset) -> AssetDiff {
    let project = project(studio).await;
    let both = vec![before.created_at(TIME), after.created_at(TIME)];
    let both = studio.create_assets(project, both).await.unwrap();
    studio.diff_assets(both[0].id, both[1].id).await.unwrap()
}

/// The spans as `git diff --word-diff` writes them.
fn written(diff: Option<&TextDiff>) -> String {
    let spans = diff.unwrap().spans.iter().map(|span| match span.kind {
        SpanKind::Equal => span.text.clone(),
        SpanKind::Removed => format!("[-{}-]", span.text),
        SpanKind::Added => format!("{{+{}+}}", span.text),
    });
    spans.collect()
}

both_engines! {
    async fn assets_are_compared_by_prompts_model_and_settings(bench) {
        let studio = bench.create().await;
        let settings = |text: &str| Json::parse(text).unwrap();
        let before = asset(1).prompt("a small orange cat").system_prompt("draw").model("m-1")
            .settings(settings(r#"{"steps":20,"sampler":{"name":"euler"},"cfg":7}"#));
        let after = asset(1).prompt("a small blue cat").system_prompt("draw").model("m-2")
            .settings(settings(r#"{"steps":20.0,"sampler":{"name":"ddim"},"seed":"9007199254740993"}"#));
        let found = diff(&studio, before, after).await;
        assert_eq!(written(found.prompt.as_ref()), "a small [-orange-]{+blue+} cat");
        assert_eq!(found.system_prompt, None);
        let model = Change { before: Some("m-1".to_owned()), after: Some("m-2".to_owned()) };
        assert_eq!(found.model, Some(model));
        assert_eq!(
            serde_json::to_value(&found.settings).unwrap(),
            serde_json::json!([
                {"path": "/cfg", "before": 7},
                {"path": "/sampler/name", "before": "euler", "after": "ddim"},
                {"path": "/seed", "after": "9007199254740993"},
            ])
        );
        assert_eq!((found.sha256.as_ref(), found.created_at.as_ref()), (None, None));
        assert_eq!((found.inputs.as_slice(), found.claims.as_slice()), (&[][..], &[][..]));
        assert!(!found.is_same());
    }

    async fn what_an_asset_is_differs_by_size_and_type(bench) {
        let studio = bench.create().await;
        let after = NewAsset::from_bytes(images::jpeg(9, 6));
        let found = diff(&studio, asset(1), after.clone()).await;
        let mime = Change {
            before: Some("image/png".to_owned()),
            after: Some("image/jpeg".to_owned()),
        };
        assert_eq!(found.mime_type, Some(mime));
        assert_eq!(found.width, Some(Change { before: Some(8), after: Some(9) }));
        assert_eq!(found.height, None);
        let size = |bytes: Vec<u8>| Some(bytes.len() as u64);
        let sizes = Change { before: size(png(1)), after: size(images::jpeg(9, 6)) };
        assert_eq!(found.file_size, Some(sizes));
        assert!(found.sha256.is_some() && found.prompt.is_none());
        let same = diff(&studio, after.clone(), after).await;
        assert!(same.is_same(), "{same:?}");
    }

    async fn inputs_are_compared_by_role_and_order(bench) {
        let studio = bench.create().await;
        let project = project(&studio).await;
        let inputs = studio.create_assets(project, (1..4).map(asset).collect()).await.unwrap();
        let [design, first, second] = [inputs[0].id, inputs[1].id, inputs[2].id];
        let before = asset(10).made_from(design, ReferenceRole::Character)
            .made_from(first, ReferenceRole::PreviousFrame);
        let after = asset(10).made_from(design, ReferenceRole::Character)
            .made_from(second, ReferenceRole::PreviousFrame)
            .made_from(first, ReferenceRole::Pose);
        let both = studio.create_assets(project, vec![before, after]).await.unwrap();
        let found = studio.diff_assets(both[0].id, both[1].id).await.unwrap();
        let told: Vec<_> = found.inputs.iter().map(|change| {
            let id = |place: Option<pegbar::InputPlace>| place.map(|place| place.asset_id);
            (id(change.before), id(change.after), change.kinds.as_slice())
        }).collect();
        assert_eq!(told, [
            (Some(first), Some(first), &[InputChangeKind::OtherRole][..]),
            (None, Some(second), &[InputChangeKind::Added]),
        ]);
        assert_eq!(found.inputs[1].after.unwrap().position, 1);
    }

    async fn claims_are_compared_as_claims(bench) {
        let studio = bench.create().await;
        let fields = |text: &str| Json::parse(text).unwrap();
        let claim = |seed: &str| NewClaim::new("app").fields(fields(seed)).raw("r");
        let before = asset(1).claim(claim(r#"{"prompt":"a cat","seed":1}"#));
        let after = asset(1).claim(claim(r#"{"prompt":"a cat","seed":2}"#))
            .claim(NewClaim::new("other").raw("said"));
        let found = diff(&studio, before, after).await;
        assert_eq!(found.prompt, None, "a claim is no prompt");
        assert_eq!(found.settings, []);
        assert_eq!(
            serde_json::to_value(&found.claims).unwrap(),
            serde_json::json!([
                {"tool": "app", "before": 0, "after": 0, "isRawDifferent": false,
                 "fields": [{"path": "/seed", "before": 1, "after": 2}]},
                {"tool": "other", "before": null, "after": 1, "isRawDifferent": true,
                 "fields": [{"path": "", "after": {}}]},
            ])
        );
        assert!(!found.is_same());
    }

    async fn of_two_variations_it_is_told_which_is_primary(bench) {
        let studio = bench.create().await;
        let cat = NewCharacter::new("Cat").variation(asset(1).created_at(TIME))
            .variation(asset(1).created_at(TIME)).variation(asset(1).created_at(TIME));
        let tree = studio.create_project(NewProject::new("P").character(cat)).await.unwrap();
        let [first, second, third] = [0, 1, 2].map(|n| tree.characters[0].variations[n].id);
        let found = studio.diff_assets(second, first).await.unwrap();
        assert_eq!(found.is_primary, Some(Change { before: Some(false), after: Some(true) }));
        assert!(!found.is_same());
        assert!(studio.diff_assets(second, third).await.unwrap().is_same());
        let unknown = studio.diff_assets(first, studio.new_id()).await.unwrap_err();
        assert_eq!(unknown.code(), "not_found");
    }

    async fn an_inserted_frame_shows_as_inserted(bench) {
        let studio = bench.create().await;
        let frames = |numbers: &[u32]| {
            let mut walk = NewAnimation::new("Walk").frame_duration_ms(80).user_prompt("walk slowly");
            for number in numbers {
                walk = walk.frame(NewFrame::new(asset(*number)).prompt(format!("pose {number}")));
            }
            walk
        };
        let mut after = frames(&[1, 7, 2, 3, 9]);
        "Stroll".clone_into(&mut after.name);
        "walk very slowly".clone_into(&mut after.user_prompt);
        after.frames[3].prompt = Some("pose three".to_owned());
        let cat = NewCharacter::new("Cat").animation(frames(&[1, 2, 3, 4])).animation(after);
        let tree = studio.create_project(NewProject::new("P").character(cat)).await.unwrap();
        let [before, after] = [0, 1].map(|n| tree.characters[0].animations[n].animation.id);
        let found = studio.diff_animations(before, after).await.unwrap();
        let name = Change { before: Some("Walk".to_owned()), after: Some("Stroll".to_owned()) };
        assert_eq!(found.name, Some(name));
        assert_eq!(written(found.user_prompt.as_ref()), "walk {+very +}slowly");
        assert_eq!(found.frame_duration_ms, None);
        assert_eq!(found.frame_count, Some(Change { before: Some(4), after: Some(5) }));
        assert_eq!(found.equal_frames, 2);
        let places: Vec<_> = found.frames.iter().map(|frame| {
            let index = |place: Option<pegbar::FramePlace>| place.map(|place| place.frame_index);
            (index(frame.before), index(frame.after))
        }).collect();
        assert_eq!(places, [(None, Some(1)), (Some(2), Some(3)), (Some(3), Some(4))]);
        assert_eq!(written(found.frames[1].prompt.as_ref()), "pose [-3-]{+three+}");
        assert_eq!(found.frames[1].asset, None, "the image is the same");
        let replaced = &found.frames[2];
        assert_eq!(written(replaced.prompt.as_ref()), "pose [-4-]{+9+}");
        assert!(replaced.asset.as_ref().unwrap().sha256.is_some());
        assert!(!found.is_same());
        assert!(studio.diff_animations(before, before).await.unwrap().is_same());
        let unknown = studio.diff_animations(before, studio.new_id()).await.unwrap_err();
        assert_eq!(unknown.code(), "not_found");
    }

    async fn two_versions_of_a_take_are_compared_in_their_frame(bench) {
        let studio = bench.create().await;
        let walk = |prompt: &str, number: u32| {
            NewAnimation::new("Walk").frame(NewFrame::new(asset(number).prompt(prompt)))
        };
        let cat = NewCharacter::new("Cat").animation(walk("lift the paw", 1))
            .animation(walk("lift the left paw", 2));
        let tree = studio.create_project(NewProject::new("P").character(cat)).await.unwrap();
        let [before, after] = [0, 1].map(|n| tree.characters[0].animations[n].animation.id);
        let found = studio.diff_animations(before, after).await.unwrap();
        assert_eq!((found.frames.len(), found.equal_frames), (1, 0));
        let image = found.frames[0].asset.as_ref().unwrap();
        assert_eq!(written(image.prompt.as_ref()), "lift the {+left +}paw");
        assert_eq!(image.animation_id, None, "the animations say it themselves");
    }
}

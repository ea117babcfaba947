//! What was done last is undone, and everything is as it was before.

mod again;
mod at_once;
mod last;
mod refused;

use std::fmt::Write as _;

use pegbar::{
    ActionKind, AnimationPatch, AnnotationId, AssetPatch, CharacterPatch, FrameImage, Json,
    LastAction, NewAnimation, NewAnnotation, NewCharacter, NewFrame, ProjectId, ProjectPatch,
    ProjectTree, Studio, Tagged,
};
use serde_json::Value;

use crate::support::{Bench, asset, files_below};
use crate::trash::{newest, reopened, zoo};

/// Everything of a project that people see, with its files, as text: without times of changes
/// and counts of them, which an undoing goes on with.
async fn shown(studio: &Studio, project: ProjectId) -> String {
    let tree = match studio.get_project_tree(project).await {
        Ok(tree) => tree,
        Err(error) => {
            return format!(
                "{} {:?}",
                error.code(),
                files_below(&studio.assets_folder())
            );
        }
    };
    let mut json = serde_json::to_value(&tree).unwrap();
    forget(&mut json);
    let mut text = serde_json::to_string_pretty(&json).unwrap();
    let mut assets: Vec<_> = all_assets(&tree);
    assets.sort_unstable();
    assets.dedup();
    for id in assets {
        let annotations = studio.list_annotations(id).await.unwrap();
        let claims = studio.list_claims(id).await.unwrap();
        write!(text, "\n{annotations:?} {claims:?}").unwrap();
    }
    for file in files_below(&studio.assets_folder()) {
        write!(text, "\n{file:?}").unwrap();
    }
    text
}

fn all_assets(tree: &ProjectTree) -> Vec<pegbar::AssetId> {
    let mut assets: Vec<_> = tree.references.iter().map(|it| it.id).collect();
    for character in &tree.characters {
        assets.extend(character.variations.iter().map(|it| it.id));
        for animation in &character.animations {
            assets.extend(animation.takes.iter().map(|it| it.id));
            assets.extend(animation.frames.iter().map(|it| it.asset.id));
        }
    }
    assets
}

fn forget(json: &mut Value) {
    match json {
        Value::Object(members) => {
            members.remove("updatedAt");
            members.remove("version");
            members.values_mut().for_each(forget);
        }
        Value::Array(elements) => elements.iter_mut().for_each(forget),
        _ => {}
    }
}

async fn last(studio: &Studio, project: ProjectId) -> LastAction {
    studio.last_action(Some(project)).await.unwrap().unwrap()
}

/// Undoes what was done last.
async fn undo(studio: &Studio, project: ProjectId) -> LastAction {
    let action = last(studio, project).await;
    assert_eq!(action.obstacle, None, "{}", action.what);
    let undone = studio.undo(&action).await.unwrap();
    assert_eq!(undone.action, action);
    action
}

/// A studio with a zoo, and what is known of it.
struct Place<'a> {
    bench: &'a Bench,
    studio: Studio,
    tree: ProjectTree,
}

impl<'a> Place<'a> {
    async fn new(bench: &'a Bench) -> Self {
        let studio = bench.create().await;
        let tree = zoo(&studio).await;
        Self {
            bench,
            studio,
            tree,
        }
    }

    async fn delete(&self, name: &str, note: AnnotationId) {
        let (studio, [cat, dog]) = (&self.studio, &self.tree.characters[..]) else {
            panic!("a zoo has two");
        };
        let (kind, _) = name.split_once(' ').unwrap();
        match kind {
            "project" => studio.delete_project(self.tree.project.id).await.map(drop),
            "character" => studio.delete_character(dog.character.id).await.map(drop),
            "animation" => {
                let run = dog.animations[0].animation.id;
                studio.delete_animation(run).await.map(drop)
            }
            "frames" => {
                let frame = cat.animations[0].frames[1].frame.id;
                studio.remove_frame(frame, None).await.map(drop)
            }
            "bytes" => studio.drop_bytes(cat.variations[1].id).await.map(drop),
            "annotation" => studio.delete_annotation(note).await.map(drop),
            _ => studio.delete_asset(cat.variations[1].id).await.map(drop),
        }
        .unwrap();
    }

    /// Does something and undoes it, twice, and finds everything as it was each time.
    async fn there_and_back(&self, kind: ActionKind, what: &str, act: impl AsyncFn(&Studio)) {
        let project = self.tree.project.id;
        let before = shown(&self.studio, project).await;
        for _ in 0..2 {
            act(&self.studio).await;
            assert_ne!(
                shown(&self.studio, project).await,
                before,
                "{what}: nothing was done"
            );
            let action = undo(&self.studio, project).await;
            assert_eq!((action.kind, action.what.as_str()), (kind, what));
            assert_eq!(shown(&self.studio, project).await, before, "{what}");
        }
        reopened(self.bench, &self.tree).await;
        assert!(self.studio.take_notices().is_empty());
        let doctor = self
            .studio
            .doctor(&Default::default(), |_| {})
            .await
            .unwrap();
        assert!(doctor.is_healthy(), "{what}: {:?}", doctor.findings);
    }
}

both_engines! {
    async fn what_was_created_goes_again(bench) {
        let place = Place::new(bench).await;
        let (project, cat) = (place.tree.project.id, &place.tree.characters[0]);
        let (cat, walk) = (cat.character.id, cat.animations[0].animation.id);
        let front = place.tree.characters[0].variations[0].id;
        let bird = "the creation of the character \"Bird\"";
        place.there_and_back(ActionKind::Create, bird, async |studio| {
            let fly = NewAnimation::new("Fly").frame(NewFrame::new(asset(40))).take(asset(41));
            let bird = NewCharacter::new("Bird").variation(asset(42)).animation(fly);
            studio.create_character(project, bird).await.unwrap();
        }).await;
        place.there_and_back(ActionKind::Create, "the creation of the animation \"Cat/Sit\"", async |studio| {
            let sit = NewAnimation::new("Sit").frame(NewFrame::new(asset(43))).frame(NewFrame::showing(front));
            studio.create_animation(cat, sit).await.unwrap();
        }).await;
        place.there_and_back(ActionKind::Create, "the creation of 2 assets", async |studio| {
            studio.create_variations(cat, vec![asset(44), asset(45)]).await.unwrap();
        }).await;
        place.there_and_back(ActionKind::Create, "the creation of 3 assets", async |studio| {
            studio.create_takes(walk, vec![asset(46), asset(47), asset(48)]).await.unwrap();
        }).await;
        place.there_and_back(ActionKind::Create, "the creation of the asset \"new.png\"", async |studio| {
            let new = asset(49).original_name("new.png");
            studio.create_asset(project, new).await.unwrap();
        }).await;
        place.there_and_back(ActionKind::Create, "the annotation of an asset", async |studio| {
            studio.annotate_asset(front, NewAnnotation::new("nice")).await.unwrap();
        }).await;
        // The first variation of a character that has none became primary.
        let bare = place.studio.create_character(project, NewCharacter::new("Owl")).await.unwrap();
        place.there_and_back(ActionKind::Create, "the creation of 2 assets", async |studio| {
            let owl = bare.character.id;
            studio.create_variations(owl, vec![asset(50), asset(51)]).await.unwrap();
            assert!(studio.get_character(owl).await.unwrap().primary_asset_id.is_some());
        }).await;
    }

    async fn frames_stand_where_they_stood(bench) {
        let place = Place::new(bench).await;
        let walk = &place.tree.characters[0].animations[0];
        let (run, front) = (&place.tree.characters[1].animations[0], place.tree.characters[0].variations[0].id);
        let (walk_id, run_id) = (walk.animation.id, run.animation.id);
        let more = (35..38).map(|number| NewFrame::new(asset(number))).collect();
        let walk = place.studio.append_frames(walk_id, more, None).await.unwrap();
        let ids: Vec<_> = walk.frames.iter().map(|it| it.frame.id).collect();
        let (first, second) = (ids[0], ids[1]);
        let insertion = "the insertion of 2 frames into the animation \"Cat/Walk\"";
        place.there_and_back(ActionKind::Create, insertion, async |studio| {
            let frames = vec![NewFrame::new(asset(40)).prompt("n"), NewFrame::showing(front)];
            studio.insert_frames(walk_id, 1, frames, None).await.unwrap();
        }).await;
        let move_ = "the move of frame 1 to 3 in the animation \"Cat/Walk\"";
        place.there_and_back(ActionKind::Edit, move_, async |studio| {
            studio.move_frame(second, 3, None).await.unwrap();
        }).await;
        let order = "the new order of the frames in the animation \"Cat/Walk\"";
        place.there_and_back(ActionKind::Edit, order, async |studio| {
            studio.set_frame_order(walk_id, [3, 4, 1, 0, 2].map(|n| ids[n]).to_vec(), None).await.unwrap();
        }).await;
        let replacement = "the replacement of the image of frame 1 in the animation \"Cat/Walk\"";
        place.there_and_back(ActionKind::Edit, replacement, async |studio| {
            let image = FrameImage::New(Box::new(asset(41)));
            studio.replace_frame(second, image, None).await.unwrap();
        }).await;
        place.there_and_back(ActionKind::Edit, replacement, async |studio| {
            studio.replace_frame(second, FrameImage::Asset(front), None).await.unwrap();
        }).await;
        let prompt = "the change of the prompt of frame 0 in the animation \"Cat/Walk\"";
        for text in [Some("other".to_owned()), None] {
            place.there_and_back(ActionKind::Edit, prompt, async |studio| {
                studio.set_frame_prompt(first, text.clone(), None).await.unwrap();
            }).await;
        }
        let removal = "the removal of the frames \"Cat/Walk/1\"";
        place.there_and_back(ActionKind::Delete, removal, async |studio| {
            studio.remove_frame(second, None).await.unwrap();
        }).await;
        let across = "the move of a frame to the animation \"Dog/Run\"";
        place.there_and_back(ActionKind::Edit, across, async |studio| {
            studio.move_frame_to_animation(second, run_id, Some(0), None).await.unwrap();
        }).await;
    }

    async fn fields_are_what_they_were(bench) {
        let place = Place::new(bench).await;
        let tree = &place.tree;
        let (project, cat, dog) = (tree.project.id, &tree.characters[0], &tree.characters[1]);
        let (cat_id, dog_id, walk) = (cat.character.id, dog.character.id, cat.animations[0].animation.id);
        let (other, take) = (cat.variations[1].id, cat.animations[0].frames[1].asset.id);
        // As deep as JSON may nest, and a number that is a double.
        let mut deep = "1e16".to_owned();
        (0..62).for_each(|_| deep = format!("{{\"a\":{deep}}}"));
        let settings = Json::parse(&format!("{{\"seed\":1.50,\"deep\":{deep}}}")).unwrap();
        let all = "the change of the description, name, settings, tags and thumbnail of the project \"Ark\"";
        for _ in 0..2 {
            place.there_and_back(ActionKind::Update, all, async |studio| {
                let patch = ProjectPatch {
                    name: Some("Ark".to_owned()),
                    description: Some("all of them".to_owned()),
                    tags: Some(vec!["q".to_owned()]),
                    thumbnail_id: Some(None),
                    settings: Some(settings.clone()),
                    ..Default::default()
                };
                studio.update_project(project, patch).await.unwrap();
            }).await;
            // The next round undoes settings to those.
            let patch = ProjectPatch { settings: Some(Json::parse(&deep).unwrap()), ..Default::default() };
            place.studio.update_project(project, patch).await.unwrap();
        }
        let all = "the change of the description, settings for generating, name, primary variation, tags and prompt of the character \"Lynx\"";
        place.there_and_back(ActionKind::Update, all, async |studio| {
            let patch = CharacterPatch {
                name: Some("Lynx".to_owned()),
                description: Some("d".to_owned()),
                user_prompt: Some("p".to_owned()),
                tags: Some(vec![]),
                primary_asset_id: Some(Some(other)),
                generation_settings: Some(settings.clone()),
                ..Default::default()
            };
            studio.update_character(cat_id, patch).await.unwrap();
        }).await;
        let primary = "the change of the primary variation of the character \"Cat\"";
        place.there_and_back(ActionKind::Update, primary, async |studio| {
            studio.set_primary(cat_id, None).await.unwrap();
        }).await;
        let all = "the change of the character, description, duration of frames, name and prompt of the animation \"Dog/Creep\"";
        place.there_and_back(ActionKind::Update, all, async |studio| {
            let patch = AnimationPatch {
                character_id: Some(dog_id),
                name: Some("Creep".to_owned()),
                description: Some("d".to_owned()),
                user_prompt: Some("p".to_owned()),
                frame_duration_ms: Some(Some(40)),
                ..Default::default()
            };
            studio.update_animation(walk, patch).await.unwrap();
        }).await;
        let all = "the change of the file name and tags of the asset \"Cat/Walk/1\"";
        place.there_and_back(ActionKind::Update, all, async |studio| {
            let patch = AssetPatch {
                tags: Some(vec!["z".to_owned(), "t".to_owned()]),
                original_name: Some(Some("x.png".to_owned())),
                ..Default::default()
            };
            studio.update_asset(take, patch).await.unwrap();
        }).await;
        for (thing, what) in [
            (Tagged::Project(project), "the change of the tags of the project \"Zoo\""),
            (Tagged::Character(cat_id), "the change of the tags of the character \"Cat\""),
            (Tagged::Asset(take), "the change of the tags of the asset \"Cat/Walk/1\""),
        ] {
            place.there_and_back(ActionKind::Update, what, async |studio| {
                studio.change_tags(thing, &["t".to_owned()], &["v".to_owned()]).await.unwrap();
            }).await;
        }
    }

    async fn a_name_in_paths_is_the_one_it_was_also_where_it_had_an_ending(bench) {
        let place = Place::new(bench).await;
        let project = place.tree.project.id;
        let twin = place.studio.create_character(project, NewCharacter::new("Cat").variation(asset(60))).await.unwrap();
        assert_eq!(twin.character.segment.as_deref(), Some("Cat-2"));
        let patch = CharacterPatch { name: Some("Lion".to_owned()), ..Default::default() };
        let cat = place.tree.characters[0].character.id;
        place.studio.update_character(cat, patch.clone()).await.unwrap();
        // "Cat" is free now, and was not the twin's.
        let what = "the renaming of the character \"Cat\" to \"Puma\"";
        place.there_and_back(ActionKind::Update, what, async |studio| {
            let patch = CharacterPatch { name: Some("Puma".to_owned()), ..Default::default() };
            studio.update_character(twin.character.id, patch).await.unwrap();
        }).await;
    }

    async fn what_was_moved_away_has_its_name_in_paths_again_also_where_a_better_one_is_free(bench) {
        let place = Place::new(bench).await;
        let (cat, dog) = (place.tree.characters[0].character.id, place.tree.characters[1].character.id);
        let studio = &place.studio;
        let walk = || NewAnimation::new("Walk").frame(NewFrame::new(asset(61)));
        let second = studio.create_animation(cat, walk()).await.unwrap().animation;
        assert_eq!(second.segment.as_deref(), Some("Walk-2"));
        // Theirs is taken, and ours becomes free.
        studio.create_animation(dog, walk()).await.unwrap();
        let patch = AnimationPatch { name: Some("Stroll".to_owned()), ..Default::default() };
        studio.update_animation(place.tree.characters[0].animations[0].animation.id, patch).await.unwrap();
        let what = "the change of the character of the animation \"Dog/Walk\"";
        place.there_and_back(ActionKind::Update, what, async |studio| {
            let patch = AnimationPatch { character_id: Some(dog), ..Default::default() };
            let moved = studio.update_animation(second.id, patch).await.unwrap();
            assert_eq!(moved.segment.as_deref(), Some("Walk-2"));
        }).await;
    }

    async fn what_went_comes_back_and_what_came_back_goes_again(bench) {
        let place = Place::new(bench).await;
        let (studio, project) = (&place.studio, place.tree.project.id);
        let variation = place.tree.characters[0].variations[1].id;
        let note = studio.annotate_asset(variation, NewAnnotation::new("n")).await.unwrap();
        for (deletion, name) in [
            ("deletion", "project \"Zoo\""),
            ("deletion", "character \"Dog\""),
            ("deletion", "animation \"Dog/Run\""),
            ("removal", "frames \"Cat/Walk/1\""),
            ("dropping", "bytes of \"Cat/"),
            ("deletion", "annotation of \"Cat/"),
            ("deletion", "asset \"Cat/"),
        ] {
            let before = shown(studio, project).await;
            place.delete(name, note.id).await;
            let gone = shown(studio, project).await;
            assert_ne!(gone, before, "{name}");
            let action = undo(studio, project).await;
            let what = format!("the {deletion} of the {name}");
            assert!(action.what.starts_with(&what), "{} {what}", action.what);
            assert_eq!(shown(studio, project).await, before, "{name}");
            // Deleted again, and brought back by hand: that is undone, too.
            place.delete(name, note.id).await;
            let entry = newest(studio).await;
            studio.restore(entry.id).await.unwrap();
            let action = undo(studio, project).await;
            let what = format!("the return of the {name}");
            assert!(action.what.starts_with(&what), "{} {what}", action.what);
            assert_eq!(action.kind, ActionKind::Restore);
            // When bytes were dropped is told anew.
            let again = shown(studio, project).await;
            assert!(again == gone || name.starts_with("bytes"), "{name}");
            assert_ne!(again, before);
            let entry = newest(studio).await;
            studio.restore(entry.id).await.unwrap();
            assert_eq!(shown(studio, project).await, before, "{name}");
        }
        reopened(bench, &place.tree).await;
    }
}

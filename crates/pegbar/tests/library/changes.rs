//! What those who follow a project are told.

use std::collections::BTreeMap;

use pegbar::{
    AdoptOptions, AsSeen, AssetPatch, ChangeKind, ChangedEntity, EntityKind, Fingerprint,
    FrameImage, GenerationOutput, NewAnimation, NewAnnotation, NewCharacter, NewFrame,
    NewGeneration, NewProject, OutputPlace, ProjectId, ProjectPatch, Studio, Tagged,
};
use uuid::Uuid;

use crate::support::{asset, project_with_character};

use ChangeKind::{Created, Deleted, Updated};

fn told(entity: EntityKind, change: ChangeKind, id: impl Into<Uuid>) -> ChangedEntity {
    ChangedEntity {
        entity,
        id: id.into(),
        change,
    }
}

/// Returns what the newest change of a project says, which has to be one after `before`.
async fn next(studio: &Studio, project: ProjectId, before: &mut u64) -> Vec<ChangedEntity> {
    let found = studio.list_changes(project, *before, 1000).await.unwrap();
    assert_eq!(found.changes.len(), 1, "{found:?}");
    *before += 1;
    assert_eq!((found.changes[0].number, found.last), (*before, *before));
    assert!(!found.changes[0].has_more);
    found.changes[0].entities.clone()
}

fn sorted(mut entities: Vec<ChangedEntity>) -> Vec<ChangedEntity> {
    entities.sort_by_key(|it| (it.entity, it.id));
    entities
}

both_engines! {
    async fn every_change_is_told_once_with_all_that_it_changed(bench) {
        let studio = bench.create().await;
        let other = bench.open().await;
        let cat = NewCharacter::new("Cat").variation(asset(1));
        let tree = studio.create_project(NewProject::new("Cats").character(cat)).await.unwrap();
        let (project, cat) = (tree.project.id, tree.characters[0].character.id);
        let front = tree.characters[0].variations[0].id;
        let at = &mut 0;
        assert_eq!(next(&other, project, at).await, [
            told(EntityKind::Project, Created, project),
            told(EntityKind::Character, Created, cat),
            told(EntityKind::Asset, Created, front),
        ]);

        let walk = NewAnimation::new("Walk").frame(NewFrame::new(asset(2))).frame(NewFrame::showing(front));
        let walk = studio.create_animation(cat, walk).await.unwrap();
        let (id, first, second) = (walk.animation.id, &walk.frames[0], &walk.frames[1]);
        assert_eq!(sorted(next(&other, project, at).await), sorted(vec![
            told(EntityKind::Animation, Created, id),
            told(EntityKind::Asset, Created, first.asset.id),
            told(EntityKind::Frame, Created, first.frame.id),
            told(EntityKind::Frame, Created, second.frame.id),
        ]));

        let longer = studio.append_frames(id, vec![NewFrame::new(asset(3))], None).await.unwrap();
        let third = &longer.frames[2];
        assert_eq!(sorted(next(&other, project, at).await), sorted(vec![
            told(EntityKind::Asset, Created, third.asset.id),
            told(EntityKind::Animation, Updated, id),
            told(EntityKind::Frame, Created, third.frame.id),
        ]));
        studio.move_frame(third.frame.id, 0, None).await.unwrap();
        assert_eq!(next(&other, project, at).await, [told(EntityKind::Animation, Updated, id)]);
        studio.replace_frame(first.frame.id, FrameImage::Asset(front), None).await.unwrap();
        assert_eq!(next(&other, project, at).await, [
            told(EntityKind::Animation, Updated, id),
            told(EntityKind::Frame, Updated, first.frame.id),
        ]);
        studio.remove_frame(third.frame.id, None).await.unwrap();
        assert_eq!(next(&other, project, at).await, [
            told(EntityKind::Animation, Updated, id),
            told(EntityKind::Frame, Deleted, third.frame.id),
        ]);
        let run = studio.create_animation(cat, NewAnimation::new("Run")).await.unwrap().animation.id;
        assert_eq!(next(&other, project, at).await, [told(EntityKind::Animation, Created, run)]);
        let moved = studio.move_frame_to_animation(second.frame.id, run, None, None).await.unwrap();
        assert_eq!(sorted(next(&other, project, at).await), sorted(vec![
            told(EntityKind::Animation, Updated, id),
            told(EntityKind::Frame, Deleted, second.frame.id),
            told(EntityKind::Animation, Updated, run),
            told(EntityKind::Frame, Created, moved.frames[0].frame.id),
        ]));

        let new = NewGeneration::succeeded(vec![GenerationOutput {
            asset: asset(4),
            place: OutputPlace::Take(run),
        }]);
        let recorded = studio.record_generation(project, new).await.unwrap();
        assert_eq!(next(&other, project, at).await, [
            told(EntityKind::Generation, Created, recorded.generation.id),
            told(EntityKind::Asset, Created, recorded.outputs[0].id),
        ]);

    }

    async fn every_other_change_is_told_once_too(bench) {
        let studio = bench.create().await;
        let other = bench.open().await;
        let tree = project_with_character(&studio).await;
        let (project, cat) = (tree.project.id, tree.characters[0].character.id);
        let front = tree.characters[0].variations[0].id;
        let run = studio.create_animation(cat, NewAnimation::new("Run")).await.unwrap().animation.id;
        let at = &mut 2;
        let patch = ProjectPatch { thumbnail_id: Some(Some(front)), ..Default::default() };
        studio.update_project(project, patch).await.unwrap();
        assert_eq!(next(&other, project, at).await, [told(EntityKind::Project, Updated, project)]);
        studio.set_primary(cat, None).await.unwrap();
        assert_eq!(next(&other, project, at).await, [told(EntityKind::Character, Updated, cat)]);
        studio.update_animation(run, Default::default()).await.unwrap();
        assert_eq!(next(&other, project, at).await, [told(EntityKind::Animation, Updated, run)]);
        studio.update_asset(front, AssetPatch::default()).await.unwrap();
        assert_eq!(next(&other, project, at).await, [told(EntityKind::Asset, Updated, front)]);
        studio.change_tags(Tagged::Character(cat), &[], &["a".to_owned()]).await.unwrap();
        assert_eq!(next(&other, project, at).await, [told(EntityKind::Character, Updated, cat)]);
        let noted = studio.annotate_asset(front, NewAnnotation::new("nice")).await.unwrap().id;
        assert_eq!(next(&other, project, at).await, [told(EntityKind::Annotation, Created, noted)]);
        studio.delete_annotation(noted).await.unwrap();
        assert_eq!(next(&other, project, at).await, [told(EntityKind::Annotation, Deleted, noted)]);
        let image = studio.create_asset(project, asset(5)).await.unwrap().id;
        assert_eq!(next(&other, project, at).await, [told(EntityKind::Asset, Created, image)]);
        studio.drop_bytes(image).await.unwrap();
        assert_eq!(next(&other, project, at).await, [told(EntityKind::Asset, Updated, image)]);
        studio.delete_asset(image).await.unwrap();
        assert_eq!(next(&other, project, at).await, [told(EntityKind::Asset, Deleted, image)]);

        // The first variation becomes primary; when it goes, another does.
        let dog = studio.create_character(project, NewCharacter::new("Dog")).await.unwrap().character.id;
        assert_eq!(next(&other, project, at).await, [told(EntityKind::Character, Created, dog)]);
        let side = studio.create_variation(dog, asset(6)).await.unwrap().id;
        assert_eq!(next(&other, project, at).await, [
            told(EntityKind::Character, Updated, dog),
            told(EntityKind::Asset, Created, side),
        ]);
        studio.delete_asset(side).await.unwrap();
        assert_eq!(next(&other, project, at).await, [
            told(EntityKind::Asset, Deleted, side),
            told(EntityKind::Character, Updated, dog),
        ]);

        // What reads, or changes nothing, is no change.
        studio.change_tags(Tagged::Character(cat), &[], &["a".to_owned()]).await.unwrap();
        studio.read_claims(project, |_, _| {}).await.unwrap();
        studio.adopt(AdoptOptions::default(), |_, _| {}).await.unwrap();
        studio.sync(|_, _| {}).await.unwrap();
        assert_eq!(studio.last_change(project).await.unwrap(), *at);
        // What goes with its character or its project goes, too.
        studio.delete_project(project).await.unwrap();
        let gone = next(&other, project, at).await;
        assert_eq!(gone[0], told(EntityKind::Project, Deleted, project));
        assert!(gone.contains(&told(EntityKind::Animation, Deleted, run)), "{gone:?}");
        assert!(gone.iter().all(|it| it.change == Deleted));
        assert_eq!(other.last_change(project).await.unwrap(), *at);
    }

    async fn numbers_have_no_gaps_whoever_writes(bench) {
        let studio = bench.create().await;
        let tree = project_with_character(&studio).await;
        let (project, taken) = (tree.project.id, tree.characters[0].variations[0].id);
        let handles = [studio.clone(), bench.open().await];
        let writers = (0..8_u32).map(|n| {
            let studio = handles[n as usize % 2].clone();
            tokio::spawn(async move {
                let mut own = Vec::new();
                for round in 0..5 {
                    let made = studio.create_asset(project, asset(10 * n + round + 100)).await;
                    own.push(made.unwrap().id.0);
                    studio.change_tags(Tagged::Project(project), &[], &[format!("{n}-{round}")]).await.unwrap();
                    // Refused: nothing is told.
                    studio.create_asset(project, asset(1).id(taken)).await.unwrap_err();
                }
                own
            })
        });
        let mut made = Vec::new();
        for writer in writers.collect::<Vec<_>>() {
            made.extend(writer.await.unwrap());
        }
        let found = studio.list_changes(project, 0, 1000).await.unwrap();
        let numbers: Vec<u64> = found.changes.iter().map(|change| change.number).collect();
        // Assets that are added at the same time may come in one change.
        assert_eq!(numbers, (1..=found.last).collect::<Vec<_>>());
        assert!(found.first_kept == 1 && (46..=81).contains(&found.last), "{}", found.last);
        let mut told: BTreeMap<Uuid, u32> = BTreeMap::new();
        for entity in found.changes[1..].iter().flat_map(|change| &change.entities) {
            *told.entry(entity.id).or_default() += 1;
        }
        assert_eq!(told.remove(&project.0), Some(40));
        made.sort_unstable();
        assert_eq!(told.into_iter().collect::<Vec<_>>(), made.into_iter().map(|id| (id, 1)).collect::<Vec<_>>());
        let page = studio.list_changes(project, 30, 3).await.unwrap();
        let numbers: Vec<u64> = page.changes.iter().map(|change| change.number).collect();
        assert_eq!((numbers, page.last), (vec![31, 32, 33], found.last));
    }

    async fn what_was_undone_is_not_told(bench) {
        let studio = bench.create().await;
        let tree = project_with_character(&studio).await;
        let (project, front) = (tree.project.id, tree.characters[0].variations[0].id);
        let before = studio.last_change(project).await.unwrap();
        let other = Fingerprint::of(&"something else").unwrap();
        let patch = ProjectPatch { expected: Some(other), ..Default::default() };
        assert_eq!(studio.update_project(project, patch).await.unwrap_err().code(), "stale");
        let seen = AsSeen::new(project, Some(other));
        assert_eq!(studio.delete_project(seen).await.unwrap_err().code(), "stale");
        studio.drop_bytes(front).await.unwrap_err();
        assert_eq!(studio.last_change(project).await.unwrap(), before);
    }

    async fn an_import_of_many_says_that_there_is_more(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        let new = (0..101).map(asset).collect();
        studio.create_assets(project, new).await.unwrap();
        let found = studio.list_changes(project, 1, 10).await.unwrap();
        assert_eq!(found.changes.len(), 1);
        assert_eq!((found.changes[0].entities.len(), found.changes[0].has_more), (100, true));
    }

    async fn who_was_away_too_long_sees_it(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        let mut raw = bench.raw().await;
        // As if it had changed very often.
        let long_ago = "UPDATE change SET number = 1";
        let newest = "INSERT INTO change SELECT project_id, 10499, created_at, content FROM change";
        raw.transaction(&[long_ago.to_owned(), newest.to_owned()]).await.unwrap();
        let found = studio.list_changes(project, 3, 10).await.unwrap();
        assert_eq!((found.first_kept, found.last), (10_499, 10_499), "the gap is seen");
        studio.update_project(project, ProjectPatch::default()).await.unwrap();
        let found = studio.list_changes(project, 10_499, 10).await.unwrap();
        assert_eq!((found.first_kept, found.last), (10_499, 10_500));
        assert_eq!(found.changes.len(), 1);
        assert_eq!(raw.text("SELECT min(number) FROM change").await, "10499");
        let nothing = studio.list_changes(project, u64::MAX, 10).await.unwrap();
        assert_eq!((nothing.changes.len(), nothing.last), (0, 10_500));
    }

    async fn a_project_that_never_was_is_not_followed(bench) {
        let studio = bench.create().await;
        let missing = studio.new_id::<ProjectId>();
        assert_eq!(studio.list_changes(missing, 0, 10).await.unwrap_err().code(), "not_found");
        assert_eq!(studio.last_change(missing).await.unwrap_err().code(), "not_found");
        for limit in [0, 1001] {
            assert_eq!(studio.list_changes(missing, 0, limit).await.unwrap_err().code(), "invalid");
        }
        // One that was there before changes were kept.
        let project = studio.create_project(NewProject::new("Cats")).await.unwrap().project.id;
        bench.raw().await.run("DELETE FROM change").await.unwrap();
        let found = studio.list_changes(project, 0, 10).await.unwrap();
        assert_eq!((found.changes, found.first_kept, found.last), (vec![], 1, 0));
        studio.update_project(project, ProjectPatch::default()).await.unwrap();
        assert_eq!(studio.last_change(project).await.unwrap(), 1);
    }
}

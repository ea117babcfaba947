//! What another program has written becomes as our own: completed, named, moved.

mod disagreement;
mod foreign;
mod hostile;
mod interrupted;
mod many;

use std::fs;

use pegbar::{
    AdoptOptions, Disagreement, ExportScope, ImageExport, NewAnimation, NewAsset, NewCharacter,
    NewFrame, NewProject, ReferenceRole, SidecarTarget, Studio, Subject,
};

use crate::support::{assert_in_step, asset, files_below, png};
use foreign::{Foreign, Owner};

const TIME: i64 = 1_767_250_949_000;

/// A character in two variations with an animation of two frames and a take, and a reference;
/// the files stand where an app puts them.
async fn pilot(foreign: &mut Foreign<'_>) {
    let style = foreign
        .image(Owner::Project, "uploads/ink wash.png", 1)
        .await;
    let cat = foreign.character("Cat & dog").await;
    let front = foreign
        .image(Owner::Character(cat), "generated/a.png", 2)
        .await;
    let back = foreign
        .image(Owner::Character(cat), "generated/b.png", 3)
        .await;
    let walk = foreign.animation(cat, "Walk!").await;
    let first = foreign
        .image(Owner::Animation(walk), "frames/0.png", 4)
        .await;
    let second = foreign
        .image(Owner::Animation(walk), "frames/1.png", 5)
        .await;
    let take = foreign
        .image(Owner::Animation(walk), "frames/2.png", 6)
        .await;
    // Outputs before inputs: `front` is older than what it is made from nowhere.
    foreign.reference(front, 0, style, "style").await;
    foreign.reference(back, 3, front, "character").await;
    foreign.reference(back, 7, style, "other").await;
    foreign.reference(first, 0, second, "previous_frame").await;
    foreign.reference(second, 0, front, "character").await;
    foreign.frame(walk, first, 0).await;
    foreign.frame(walk, second, 1).await;
    let id = foreign.sql(front);
    foreign
        .run(&format!("UPDATE character SET primary_asset_id = {id}"))
        .await;
    let settings = r#"{"seed": 7, "cfg": 7.50}"#;
    foreign
        .set(
            front,
            &format!(
                "generation_prompt = 'a cat', model = 'm', generation_settings = '{settings}'"
            ),
        )
        .await;
    foreign
        .set(take, "generation_system_prompt = 'Draw.'")
        .await;
    let time = match foreign.bench.engine() {
        pegbar::Engine::Sqlite => TIME.to_string(),
        pegbar::Engine::Postgres => "'2026-01-01T07:02:29Z'".to_owned(),
    };
    foreign
        .run(&format!("UPDATE asset SET created_at = {time}"))
        .await;
}

both_engines! {
    async fn what_another_program_wrote_becomes_as_our_own(bench) {
        let mut foreign = Foreign::new(bench).await;
        pilot(&mut foreign).await;
        let report = foreign.adopt().await;
        assert_eq!(report.findings, []);
        assert_eq!((report.assets, report.adopted, report.left), (6, 6, 0));
        assert_eq!((report.named, report.removed, report.foreign.count), (2, 6, 0));
        let tree = foreign.tree().await;
        assert_in_step(&foreign.studio, &tree);
        assert_eq!(files_below(&foreign.studio.assets_folder()).len(), 6);
        let cat = &tree.characters[0];
        assert_eq!(cat.character.segment.as_deref(), Some("Cat-dog"));
        assert_eq!(cat.animations[0].animation.segment.as_deref(), Some("Walk"));
        let front = &cat.variations[0];
        assert_eq!((front.width, front.height, front.image_count), (Some(8), Some(6), Some(1)));
        assert_eq!(front.mime_type.as_deref(), Some("image/png"));
        assert_eq!(front.file_size, Some(png(2).len() as u64));
        assert_eq!(tree.references[0].original_name.as_deref(), Some("ink wash.png"));

        // The same, made by Pegbar itself: every record is the same, to the last bit.
        let (style, front) = (foreign.studio.new_id(), foreign.studio.new_id());
        let second = foreign.studio.new_id();
        let at = |new: NewAsset| new.created_at(pegbar::MillisSinceEpoch(TIME));
        let settings = pegbar::Json::parse(r#"{"seed": 7, "cfg": 7.5}"#).unwrap();
        let walk = NewAnimation {
            takes: vec![at(asset(6)).system_prompt("Draw.")],
            ..NewAnimation::new("Walk!")
        };
        let walk = walk
            .frame(NewFrame::new(at(asset(4)).made_from(second, ReferenceRole::PreviousFrame)))
            .frame(NewFrame::new(
                at(asset(5)).id(second).made_from(front, ReferenceRole::Character),
            ));
        let new = NewCharacter::new("Cat & dog")
            .variation(
                at(asset(2)).id(front).prompt("a cat").model("m").settings(settings)
                    .made_from(style, ReferenceRole::Style),
            )
            .variation(
                at(asset(3)).made_from(front, ReferenceRole::Character)
                    .made_from(style, ReferenceRole::Other),
            )
            .animation(walk);
        let new = NewProject::new("Pilot").reference(at(asset(1)).id(style)).character(new);
        let ours = foreign.studio.create_project(new).await.unwrap();
        let records = |tree: &pegbar::ProjectTree| {
            let character = &tree.characters[0];
            let animation = &character.animations[0];
            let frames = animation.frames.iter().map(|frame| &frame.asset);
            let assets = tree.references.iter().chain(&character.variations);
            let assets = assets.chain(frames).chain(&animation.takes);
            let records = assets.map(|asset| {
                let inputs = asset.references.iter().map(|input| (input.role, input.sha256));
                let inputs: Vec<_> = inputs.collect();
                (asset.record.clone().unwrap(), asset.record_hash.unwrap(), inputs)
            });
            records.collect::<Vec<_>>()
        };
        assert_eq!(records(&tree), records(&ours));
    }

    async fn adopting_again_changes_nothing_more(bench) {
        let mut foreign = Foreign::new(bench).await;
        pilot(&mut foreign).await;
        foreign.asset(Owner::Project, "not there.png").await;
        foreign.adopt().await;
        let rows = foreign.rows().await;
        let files = files_below(&foreign.studio.root().join("public"));
        let blobs = files_below(&foreign.studio.root().join(".pegbar/blobs"));
        let again = foreign.adopt().await;
        assert_eq!((again.adopted, again.left, again.named, again.removed), (0, 1, 0, 0));
        assert_eq!(again.findings.len(), 1);
        assert_eq!(foreign.rows().await, rows);
        assert_eq!(files_below(&foreign.studio.root().join("public")), files);
        assert_eq!(files_below(&foreign.studio.root().join(".pegbar/blobs")), blobs);
        assert!(!foreign.studio.root().join(".pegbar/adopting").exists());
        assert_eq!(foreign.studio.sync(|_, _| {}).await.unwrap(), pegbar::ViewReport::default());
    }

    async fn a_dry_run_says_the_same_and_changes_nothing(bench) {
        let mut foreign = Foreign::new(bench).await;
        pilot(&mut foreign).await;
        let lost = foreign.asset(Owner::Project, "not there.png").await;
        let output = foreign.image(Owner::Project, "uploads/output.png", 90).await;
        foreign.reference(output, 0, lost, "style").await;
        foreign.set(output, "width = 7").await;
        let (rows, root) = (foreign.rows().await, foreign.studio.root().to_owned());
        let before: Vec<_> = [root.join("public"), root.join(".pegbar/blobs")]
            .iter().map(|folder| files_below(folder)).collect();
        let options = AdoptOptions { dry_run: true, ..AdoptOptions::default() };
        let dry = foreign.studio.adopt(options, |_, _| {}).await.unwrap();
        assert!(dry.is_dry_run);
        assert_eq!(foreign.rows().await, rows);
        let after: Vec<_> = [root.join("public"), root.join(".pegbar/blobs")]
            .iter().map(|folder| files_below(folder)).collect();
        assert_eq!(before, after);
        assert!(!root.join(".pegbar/adopting").exists());
        let done = foreign.adopt().await;
        assert_eq!(done.findings, dry.findings);
        assert_eq!((done.adopted, done.left, done.named), (dry.adopted, dry.left, dry.named));
        assert_eq!((done.adopted, done.left), (6, 2));
    }

    async fn only_the_chosen_project_is_adopted(bench) {
        let mut foreign = Foreign::new(bench).await;
        pilot(&mut foreign).await;
        let other = foreign.studio.new_id();
        foreign.project_called("Other", other).await;
        let options = AdoptOptions { project: Some(other), dry_run: false };
        let report = foreign.studio.adopt(options, |_, _| {}).await.unwrap();
        assert_eq!((report.assets, report.named), (0, 0));
        assert!(foreign.place("generated/a.png").exists());
        let nowhere = AdoptOptions { project: Some(foreign.studio.new_id()), dry_run: false };
        let refused = foreign.studio.adopt(nowhere, |_, _| {}).await;
        assert_eq!(refused.unwrap_err().code(), "not_found");
        let options = AdoptOptions { project: Some(foreign.project), dry_run: false };
        let report = foreign.studio.adopt(options, |_, _| {}).await.unwrap();
        assert_eq!((report.assets, report.adopted), (6, 6));
    }

    async fn the_habits_of_apps_are_understood(bench) {
        let mut foreign = Foreign::new(bench).await;
        let own = foreign.project;
        let mut assets = Vec::new();
        for (number, (before, path)) in (0..).zip([
            ("", format!("{own}/references/a.png")),
            ("/", "b.png".to_owned()),
            ("/assets/", "c.png".to_owned()),
            ("assets/", format!("{own}/d.png")),
            ("public/assets/", "e/e.png".to_owned()),
            ("/public/assets/", "f.png".to_owned()),
            (".//", "g/./h//i.png".to_owned()),
        ]) {
            foreign.file(&path, &png(number));
            let named = format!("{before}{path}");
            assets.push((foreign.asset(Owner::Project, named.as_str()).await, number));
        }
        let report = foreign.adopt().await;
        assert_eq!((report.findings.as_slice(), report.adopted, report.removed), (&[][..], 7, 7));
        let tree = foreign.tree().await;
        assert_in_step(&foreign.studio, &tree);
        for (id, number) in assets {
            let found = tree.references.iter().find(|asset| asset.id == id).unwrap();
            assert_eq!(found.sha256, Some(pegbar::Sha256::of(&png(number))));
        }
    }

    async fn a_file_at_its_conventional_path_stays_as_it_is(bench) {
        let mut foreign = Foreign::new(bench).await;
        let id: pegbar::AssetId = foreign.studio.new_id();
        let path = format!("{}/references/{id}.png", foreign.project);
        foreign.file(&path, &png(1));
        let before = fs::metadata(foreign.place(&path)).unwrap().modified().unwrap();
        let statement = foreign.asset_statement(id, Owner::Project, Some(&path));
        foreign.run(&statement).await;
        let report = foreign.adopt().await;
        assert_eq!((report.adopted, report.removed, report.findings.len()), (1, 0, 0));
        assert_eq!(fs::metadata(foreign.place(&path)).unwrap().modified().unwrap(), before);
        assert_eq!(foreign.tree().await.references[0].file_path, Some(path));
    }

    async fn parts_of_paths_follow_the_rules_of_our_own(bench) {
        let mut foreign = Foreign::new(bench).await;
        let ours = NewCharacter::new("Cat").variation(asset(100))
            .animation(NewAnimation::new("Walk"));
        foreign.studio.create_character(foreign.project, ours).await.unwrap();
        // By name, safe of its own, unsafe, another's, and one that trades places with a key.
        for (number, (name, set)) in (0..).zip([
            ("cat", ""),
            ("Fox", "segment = 'fox_of_mine'"),
            ("Owl", "segment = '../../owl', segment_key = 'owl'"),
            ("Bat", "segment = 'CAT'"),
            ("Bee", "segment = 'bee', segment_key = 'ant'"),
            ("Ant", "segment = 'ant', segment_key = 'bee'"),
        ]) {
            let id = foreign.character(name).await;
            if !set.is_empty() {
                let id = foreign.sql(id);
                foreign.run(&format!("UPDATE character SET {set} WHERE id = {id}")).await;
            }
            foreign.image(Owner::Character(id), &format!("x/{name}.png"), number).await;
            foreign.animation(id, "walk").await;
            foreign.animation(id, "Walk").await;
        }
        let report = foreign.adopt().await;
        let replaced: Vec<(Subject, &str, &str)> = report.findings.iter()
            .filter_map(|finding| match &finding.disagreement {
                Disagreement::SegmentReplaced { before, after } => {
                    assert!(!finding.is_open);
                    Some((finding.subject, before.as_str(), after.as_str()))
                }
                _ => None,
            }).collect();
        assert_eq!(replaced, [
            (Subject::Character, "../../owl", "Owl"),
            (Subject::Character, "CAT", "Bat"),
        ]);
        let no_primary = report.open().count();
        assert_eq!(no_primary, 6, "{report:?}");
        let tree = foreign.tree().await;
        assert_in_step(&foreign.studio, &tree);
        let segments: Vec<&str> = tree.characters.iter()
            .map(|each| each.character.segment.as_deref().unwrap()).collect();
        assert_eq!(segments, ["Cat", "cat-2", "fox_of_mine", "Owl", "Bat", "bee", "ant"]);
        for character in &tree.characters[1..] {
            let folders: Vec<&str> = character.animations.iter()
                .map(|each| each.animation.segment.as_deref().unwrap()).collect();
            // One spelling for all: some disks take them for one.
            assert_eq!(folders, ["Walk", "Walk-2"]);
        }
    }

    async fn settings_that_are_no_objects_stay_as_they_were_recorded(bench) {
        let mut foreign = Foreign::new(bench).await;
        let cat = foreign.character("Cat").await;
        let front = foreign.image(Owner::Character(cat), "generated/a.png", 2).await;
        foreign.set(front, "generation_prompt = 'a cat', generation_settings = '[\"a\", 7]'").await;
        foreign.run("UPDATE project SET settings = '[3]'").await;
        let id = foreign.sql(front);
        foreign.run(&format!("UPDATE character SET primary_asset_id = {id}")).await;
        foreign.run("UPDATE character SET generation_settings = '\"wide\"'").await;
        let report = foreign.adopt().await;
        assert_eq!(report.findings, [], "{report:?}");
        let here = foreign.tree().await;
        let asset = &here.characters[0].variations[0];
        assert!(asset.record.as_ref().unwrap().contains(r#""settings":["a",7]"#), "{asset:?}");
        assert_eq!(here.characters[0].character.generation_settings.to_string(), "\"wide\"");

        // Given on to another studio, they are the same still.
        let out = bench.folder.path().join("out");
        let scope = ExportScope::Project(foreign.project);
        let export = ImageExport { sidecars: true, ..ImageExport::new(scope, &out) };
        foreign.studio.export_images(&export, |_, _| {}).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let other = Studio::create(folder.path()).await.unwrap();
        let plan = other.plan_sidecars(&out, |_, _| {}).unwrap();
        let report = other.import_sidecars(&plan, &SidecarTarget::Same, |_, _| {}).await.unwrap();
        assert_eq!(report.refused.count, 0, "{report:?}");
        let there = other.get_project_tree(foreign.project).await.unwrap();
        assert_eq!(there.project.settings.to_string(), "[3]");
        assert_eq!(there.characters[0].character.generation_settings.to_string(), "\"wide\"");
        assert_eq!(there.characters[0].variations[0].record_hash, asset.record_hash);
    }
}

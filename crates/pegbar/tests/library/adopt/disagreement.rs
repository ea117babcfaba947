//! Each way in which rows, files and inputs can contradict each other: typed, named, and
//! nothing lost.

use std::fs;

use pegbar::{AssetId, Disagreement, Engine, NewAnimation, NewCharacter, NewFrame, Sha256};

use super::foreign::{Foreign, Owner, quoted};
use crate::support::{assert_in_step, asset, files_below, png};

fn stored(foreign: &Foreign<'_>, sha256: Sha256) -> std::path::PathBuf {
    let name = sha256.to_string();
    foreign
        .studio
        .root()
        .join(".pegbar/blobs")
        .join(&name[..2])
        .join(name)
}

async fn ours(foreign: &Foreign<'_>, number: u32) -> pegbar::Asset {
    let created = foreign
        .studio
        .create_asset(foreign.project, asset(number))
        .await;
    created.unwrap()
}

fn assert_left(report: &pegbar::AdoptReport, id: AssetId) -> Disagreement {
    let mut about = report.open().filter(|finding| finding.id == id.0);
    let finding = about
        .next()
        .unwrap_or_else(|| panic!("nothing about {id}: {report:?}"));
    assert!(finding.hint().is_some());
    finding.disagreement.clone()
}

both_engines! {
    async fn a_row_without_a_file_is_left(bench) {
        let mut foreign = Foreign::new(bench).await;
        let nameless = foreign.asset(Owner::Project, None).await;
        assert_eq!(foreign.only_finding(nameless).await, Disagreement::NoPath);
        let path = "nowhere/a.png".to_owned();
        foreign.set(nameless, "file_path = 'nowhere/a.png'").await;
        assert_eq!(foreign.only_finding(nameless).await, Disagreement::FileMissing { path });
        foreign.set(nameless, &format!("sha256 = '{}'", Sha256::of(b"x"))).await;
        let sha256 = Sha256::of(b"x");
        assert_eq!(foreign.only_finding(nameless).await, Disagreement::BytesMissing { sha256 });
        let asset = foreign.studio.get_asset(nameless).await.unwrap();
        assert_eq!(asset.file_path.as_deref(), Some("nowhere/a.png"));
    }

    async fn a_file_that_is_no_image_is_left(bench) {
        let mut foreign = Foreign::new(bench).await;
        foreign.file("a.png", b"<svg/>");
        let text = foreign.asset(Owner::Project, "a.png").await;
        foreign.file("empty.png", b"");
        let empty = foreign.asset(Owner::Project, "empty.png").await;
        fs::create_dir_all(foreign.place("folder.png")).unwrap();
        let folder = foreign.asset(Owner::Project, "folder.png").await;
        let report = foreign.adopt().await;
        assert_eq!((report.left, report.adopted), (3, 0));
        assert!(matches!(assert_left(&report, text), Disagreement::NotAnImage { .. }));
        assert!(matches!(assert_left(&report, empty), Disagreement::NotAnImage { .. }));
        let Disagreement::NotAFile { found, .. } = assert_left(&report, folder) else {
            panic!("{report:?}")
        };
        assert_eq!(found, "a folder");
        assert_eq!(fs::read(foreign.place("a.png")).unwrap(), b"<svg/>");
    }

    async fn facts_come_from_the_bytes_and_a_wrong_one_is_said(bench) {
        let mut foreign = Foreign::new(bench).await;
        let id = foreign.image(Owner::Project, "a.jpg", 1).await;
        foreign.set(id, "mime_type = 'image/jpeg', file_size = -1, width = 8, height = 7").await;
        let report = foreign.adopt().await;
        let mut fields: Vec<(&str, &str, &str)> = report.findings.iter()
            .map(|finding| match &finding.disagreement {
                Disagreement::FactDiffers { field, recorded, found } => {
                    (*field, recorded.as_str(), found.as_str())
                }
                other => panic!("{other:?}"),
            }).collect();
        fields.sort_unstable();
        let size = png(1).len().to_string();
        assert_eq!(fields, [
            ("fileSize", "-1", size.as_str()), ("height", "7", "6"),
            ("mimeType", "image/jpeg", "image/png"),
        ]);
        assert_eq!(report.open().count(), 0);
        let tree = foreign.tree().await;
        assert_in_step(&foreign.studio, &tree);
        let found = &tree.references[0];
        assert!(found.file_path.as_ref().unwrap().ends_with(&format!("/{id}.png")));
        assert_eq!((found.height, found.file_size), (Some(6), Some(png(1).len() as u64)));
    }

    async fn a_file_with_other_bytes_than_the_row_means_is_left(bench) {
        let mut foreign = Foreign::new(bench).await;
        let id = foreign.image(Owner::Project, "a.png", 1).await;
        let meant = Sha256::of(&png(2));
        foreign.set(id, &format!("sha256 = '{meant}', width = 99")).await;
        let differs = |is_stored| Disagreement::FileDiffers {
            path: "a.png".to_owned(),
            recorded: meant,
            found: Sha256::of(&png(1)),
            is_stored,
        };
        assert_eq!(foreign.only_finding(id).await, differs(false));
        assert_eq!(foreign.studio.get_asset(id).await.unwrap().width, Some(99));
        // Where the store has what the row means, that is taken, and the file stays.
        ours(&foreign, 2).await;
        let report = foreign.adopt().await;
        assert!(report.findings.iter().any(|finding| finding.disagreement == differs(true)));
        assert_eq!((report.open().count(), report.adopted), (0, 1));
        assert_eq!(foreign.studio.get_asset(id).await.unwrap().sha256, Some(meant));
        assert_eq!(fs::read(foreign.place("a.png")).unwrap(), png(1));
        assert_eq!(report.foreign.first, ["a.png"]);
    }

    async fn a_row_with_the_right_hash_is_completed(bench) {
        let mut foreign = Foreign::new(bench).await;
        let id = foreign.image(Owner::Project, "a.png", 1).await;
        let hash = Sha256::of(&png(1));
        foreign.set(id, &format!("sha256 = '{}'", hash.to_string().to_uppercase())).await;
        let report = foreign.adopt().await;
        assert_eq!((report.adopted, report.open().count(), report.removed), (1, 0, 1));
        let tree = foreign.tree().await;
        assert_in_step(&foreign.studio, &tree);
        assert_eq!(tree.references[0].sha256, Some(hash));
    }

    async fn a_blob_that_is_gone_comes_back_from_the_file(bench) {
        let foreign = Foreign::new(bench).await;
        let own = ours(&foreign, 1).await;
        let blob = stored(&foreign, own.sha256.unwrap());
        fs::remove_file(&blob).unwrap();
        let found = foreign.only_finding(own.id).await;
        assert!(matches!(found, Disagreement::BytesRestored { .. }), "{found:?}");
        assert_eq!(fs::read(&blob).unwrap(), png(1));
        // And where the file has other bytes, nothing is believed.
        fs::remove_file(&blob).unwrap();
        foreign.file(own.file_path.as_ref().unwrap(), &png(2));
        let found = foreign.only_finding(own.id).await;
        assert!(matches!(found, Disagreement::FileDiffers { is_stored: false, .. }), "{found:?}");
        assert!(!blob.exists());
        assert_eq!(fs::read(foreign.place(own.file_path.as_ref().unwrap())).unwrap(), png(2));
        fs::remove_file(foreign.place(own.file_path.as_ref().unwrap())).unwrap();
        let sha256 = own.sha256.unwrap();
        assert_eq!(foreign.only_finding(own.id).await, Disagreement::BytesMissing { sha256 });
    }

    async fn a_blob_with_other_bytes_is_not_believed(bench) {
        let mut foreign = Foreign::new(bench).await;
        let own = ours(&foreign, 1).await;
        let sha256 = own.sha256.unwrap();
        let blob = stored(&foreign, sha256);
        fs::remove_file(&blob).unwrap();
        fs::write(&blob, png(2)).unwrap();
        let id = foreign.asset(Owner::Project, None).await;
        foreign.set(id, &format!("sha256 = '{sha256}'")).await;
        assert_eq!(assert_left(&foreign.adopt().await, id), Disagreement::BlobDamaged { sha256 });
    }

    async fn two_rows_of_one_file_get_one_each(bench) {
        let mut foreign = Foreign::new(bench).await;
        let first = foreign.image(Owner::Project, "a.png", 1).await;
        let second = foreign.asset(Owner::Project, "/assets/a.png").await;
        let own = ours(&foreign, 2).await;
        let path = own.file_path.clone().unwrap();
        let third = foreign.asset(Owner::Project, path.as_str()).await;
        let report = foreign.adopt().await;
        let shared: Vec<_> = report.findings.iter().map(|finding| {
            assert!(!finding.is_open);
            (AssetId(finding.id), finding.disagreement.clone())
        }).collect();
        assert_eq!(shared, [
            (second, Disagreement::SharedPath { path: "a.png".to_owned(), with: first }),
            (third, Disagreement::SharedPath { path, with: own.id }),
        ]);
        assert_eq!((report.adopted, report.removed), (3, 1));
        let tree = foreign.tree().await;
        assert_in_step(&foreign.studio, &tree);
        assert_eq!(tree.references.len(), 4);
        assert_eq!(tree.references[1].sha256, tree.references[0].sha256);
        assert_eq!(tree.references[3].sha256, own.sha256);
    }

    async fn an_old_file_stays_while_another_row_names_it(bench) {
        let mut foreign = Foreign::new(bench).await;
        let first = foreign.image(Owner::Project, "a.png", 1).await;
        let second = foreign.asset(Owner::Project, "a.png").await;
        // The second row means other bytes: it can't be adopted.
        foreign.set(second, &format!("sha256 = '{}'", Sha256::of(&png(9)))).await;
        let report = foreign.adopt().await;
        let stays = report.findings.iter().find(|finding| finding.id == first.0).unwrap();
        assert!(matches!(stays.disagreement, Disagreement::OldFileStays { .. }), "{stays:?}");
        assert_eq!(fs::read(foreign.place("a.png")).unwrap(), png(1));
        assert_eq!((report.adopted, report.left, report.removed), (1, 1, 0));
    }

    async fn another_projects_folder_is_not_touched(bench) {
        let mut foreign = Foreign::new(bench).await;
        let other = foreign.studio.create_project(pegbar::NewProject::new("Other").reference(asset(1)));
        let other = other.await.unwrap();
        let path = other.references[0].file_path.clone().unwrap();
        let spelled = format!("/assets/{}", path.to_uppercase().replace("PNG", "png"));
        let id = foreign.asset(Owner::Project, path.as_str()).await;
        let owner = other.project.id;
        assert_eq!(foreign.only_finding(id).await, Disagreement::OtherProject { path, owner });
        foreign.set(id, &format!("file_path = {}", quoted(&spelled))).await;
        let found = foreign.only_finding(id).await;
        assert_eq!(found, Disagreement::OtherProject { path: spelled, owner });
        assert_in_step(&foreign.studio, &other);
    }

    async fn a_damaged_record_is_reported_and_never_overwritten(bench) {
        let mut foreign = Foreign::new(bench).await;
        let own = ours(&foreign, 1).await;
        let output = foreign.image(Owner::Project, "out.png", 5).await;
        foreign.reference(output, 0, own.id, "style").await;
        for (set, expected) in [
            ("record = record || ' '".to_owned(), "does not match its hash"),
            ("record_hash = 'nonsense'".to_owned(), "is not a SHA-256"),
            (format!("record = '{{}}', record_hash = '{}'", Sha256::of(b"{}")), "can't be read"),
        ] {
            foreign.set(own.id, &set).await;
            let before = foreign.raw.text("SELECT record || record_hash FROM asset WHERE record IS NOT NULL").await;
            let report = foreign.adopt().await;
            let Disagreement::RecordDamaged { reason } = assert_left(&report, own.id) else {
                panic!("{report:?}")
            };
            assert!(reason.contains(expected), "{reason}");
            // Nobody knows what the output was made from.
            let waits = Disagreement::InputNotAdopted { input: own.id };
            assert_eq!(assert_left(&report, output), waits);
            let after = foreign.raw.text("SELECT record || record_hash FROM asset WHERE record IS NOT NULL").await;
            assert_eq!(before, after);
        }
    }

    async fn half_a_record_is_completed_where_it_is_the_right_one(bench) {
        let mut foreign = Foreign::new(bench).await;
        let own = ours(&foreign, 1).await;
        for half in ["record = NULL", "record_hash = NULL", "sha256 = NULL", "width = NULL"] {
            foreign.set(own.id, half).await;
            let report = foreign.adopt().await;
            assert_eq!((report.findings.len(), report.adopted), (0, 1), "{half}: {report:?}");
            assert_eq!(foreign.studio.get_asset(own.id).await.unwrap(), own, "{half}");
        }
        foreign.set(own.id, "record_hash = NULL, generation_prompt = 'another'").await;
        let found = foreign.only_finding(own.id).await;
        assert!(matches!(found, Disagreement::RecordDamaged { .. }), "{found:?}");
        let now = foreign.studio.get_asset(own.id).await.unwrap();
        assert_eq!((now.record, now.record_hash), (own.record, None));
        foreign.set(own.id, &format!("record = NULL, record_hash = '{}'", Sha256::of(b""))).await;
        let found = foreign.only_finding(own.id).await;
        assert!(matches!(found, Disagreement::RecordDamaged { .. }), "{found:?}");
    }

    async fn what_an_input_lacks_its_outputs_wait_for(bench) {
        let mut foreign = Foreign::new(bench).await;
        let lost = foreign.asset(Owner::Project, "lost.png").await;
        let middle = foreign.image(Owner::Project, "middle.png", 1).await;
        let end = foreign.image(Owner::Project, "end.png", 2).await;
        foreign.reference(middle, 0, lost, "style").await;
        foreign.reference(end, 0, middle, "style").await;
        let report = foreign.adopt().await;
        assert_eq!((report.adopted, report.left), (0, 3));
        let waits = |input| Disagreement::InputNotAdopted { input };
        assert_eq!(assert_left(&report, middle), waits(lost));
        assert_eq!(assert_left(&report, end), waits(middle));
        // Their bytes are safe all the same, and only the record waits.
        let now = foreign.studio.get_asset(end).await.unwrap();
        assert_eq!((now.sha256, now.record), (Some(Sha256::of(&png(2))), None));
        assert_eq!(fs::read(foreign.place(now.file_path.as_ref().unwrap())).unwrap(), png(2));
        foreign.file("lost.png", &png(3));
        let report = foreign.adopt().await;
        assert_eq!((report.adopted, report.left, report.findings.len()), (3, 0, 0));
        assert_in_step(&foreign.studio, &foreign.tree().await);
    }

    async fn circles_are_named(bench) {
        let mut foreign = Foreign::new(bench).await;
        let mut circle = Vec::new();
        for number in 0..3 {
            circle.push(foreign.image(Owner::Project, &format!("{number}.png"), number).await);
        }
        for (output, input) in [(0, 1), (1, 2), (2, 0)] {
            foreign.reference(circle[output], 0, circle[input], "style").await;
        }
        let hangs_on = foreign.image(Owner::Project, "3.png", 3).await;
        foreign.reference(hangs_on, 0, circle[1], "style").await;
        let free = foreign.image(Owner::Project, "4.png", 4).await;
        let report = foreign.adopt().await;
        assert_eq!((report.adopted, report.left), (1, 4));
        for id in &circle {
            let through = circle.clone();
            assert_eq!(assert_left(&report, *id), Disagreement::Cycle { through });
        }
        let waits = Disagreement::InputNotAdopted { input: circle[1] };
        assert_eq!(assert_left(&report, hangs_on), waits);
        assert!(foreign.studio.get_asset(free).await.unwrap().record.is_some());
        let rows = foreign.rows().await;
        assert_eq!(foreign.adopt().await.adopted, 0);
        assert_eq!(foreign.rows().await, rows);
    }

    async fn a_reference_to_other_bytes_is_left(bench) {
        let mut foreign = Foreign::new(bench).await;
        let own = ours(&foreign, 1).await;
        let output = foreign.image(Owner::Project, "out.png", 2).await;
        foreign.reference(output, 0, own.id, "style").await;
        let other = Sha256::of(b"sent");
        foreign.run(&format!("UPDATE asset_reference SET sha256 = '{other}'")).await;
        let found = foreign.only_finding(output).await;
        let expected = Disagreement::ReferenceDiffers {
            input: own.id,
            recorded: other.to_string(),
            found: own.sha256.unwrap(),
        };
        assert_eq!(found, expected);
        foreign.run("UPDATE asset_reference SET sha256 = NULL").await;
        assert_eq!(foreign.adopt().await.adopted, 1);
        let adopted = foreign.studio.get_asset(output).await.unwrap();
        assert_eq!(adopted.references[0].sha256, own.sha256);
    }

    async fn settings_that_are_not_kept_are_left(bench) {
        let mut foreign = Foreign::new(bench).await;
        let id = foreign.image(Owner::Project, "a.png", 1).await;
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        let mut refused = vec![deep, "1e999".to_owned()];
        if bench.engine() == Engine::Sqlite {
            refused.extend(["{".to_owned(), r#"{"a": 1, "a": 2}"#.to_owned()]);
        } else {
            // The server keeps more digits than a double.
            refused[1] = format!("1{}", "0".repeat(400));
        }
        for settings in refused {
            foreign.set(id, &format!("generation_settings = {}", quoted(&settings))).await;
            let found = foreign.only_finding(id).await;
            let Disagreement::Unacceptable { field, .. } = found else { panic!("{found:?}") };
            assert_eq!(field, "generationSettings");
        }
        // Seeds beyond 2^53 become text, as they do in everything that is taken in.
        let seed = r#"{"seed": 18446744073709551615, "cfg": 7.5}"#;
        foreign.set(id, &format!("generation_settings = {}", quoted(seed))).await;
        let found = foreign.only_finding(id).await;
        assert_eq!(found, Disagreement::NumbersAsText { field: "generationSettings" });
        let now = foreign.studio.get_asset(id).await.unwrap();
        let settings = now.generation_settings.unwrap();
        assert_eq!(settings.get("seed").unwrap(), "18446744073709551615");
        assert!(now.record.unwrap().contains(r#""settings":{"cfg":7.5,"seed":"18446744073709551615"}"#));
    }

    async fn what_belongs_to_others_in_a_row_is_checked_too(bench) {
        let mut foreign = Foreign::new(bench).await;
        let cat = foreign.character("Cat").await;
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        foreign.run(&format!("UPDATE character SET generation_settings = '{deep}'")).await;
        let found = foreign.only_finding(cat).await;
        let Disagreement::Unacceptable { field, .. } = found else { panic!("{found:?}") };
        assert_eq!(field, "generationSettings");
        foreign.run("UPDATE character SET generation_settings = '{}'").await;
        foreign.image(Owner::Character(cat), "a.png", 1).await;
        foreign.image(Owner::Character(cat), "b.png", 2).await;
        let found = foreign.only_finding(cat).await;
        assert_eq!(found, Disagreement::NoPrimary { variations: 2 });
        assert_eq!(foreign.tree().await.characters[0].character.primary_asset_id, None);
    }

    async fn a_hash_that_is_none_holds_up_no_other(bench) {
        let mut foreign = Foreign::new(bench).await;
        let id = foreign.image(Owner::Project, "a.png", 1).await;
        let value = "z".repeat(64);
        foreign.set(id, &format!("sha256 = '{value}'")).await;
        let other = foreign.image(Owner::Project, "b.png", 2).await;
        let report = foreign.adopt().await;
        assert_eq!(assert_left(&report, id), Disagreement::MalformedHash { value });
        assert_eq!((report.adopted, report.left, report.removed), (1, 1, 1));
        assert!(foreign.studio.get_asset(other).await.unwrap().record.is_some());
    }

    async fn bytes_that_were_dropped_do_not_come_back(bench) {
        let mut foreign = Foreign::new(bench).await;
        let now = match bench.engine() {
            Engine::Sqlite => "1",
            Engine::Postgres => "now()",
        };
        let id = foreign.image(Owner::Project, "a.png", 1).await;
        foreign.set(id, &format!("bytes_dropped_at = {now}")).await;
        assert_eq!(foreign.only_finding(id).await, Disagreement::BytesDropped);
        foreign.set(id, "bytes_dropped_at = NULL").await;
        foreign.adopt().await;
        foreign.set(id, &format!("bytes_dropped_at = {now}")).await;
        fs::remove_file(stored(&foreign, Sha256::of(&png(1)))).unwrap();
        assert_eq!(foreign.adopt().await.findings, []);
    }

    async fn gaps_are_closed_with_ids_and_order_kept(bench) {
        let mut foreign = Foreign::new(bench).await;
        let cat = foreign.character("Cat").await;
        let walk = foreign.animation(cat, "Walk").await;
        let mut frames = Vec::new();
        for (number, index) in [(0, 2), (1, 3), (2, 7), (3, 2_147_483_647)] {
            let take = foreign.image(Owner::Animation(walk), &format!("{number}.png"), number).await;
            frames.push(foreign.frame(walk, take, index).await);
        }
        let found = foreign.only_finding(walk).await;
        assert_eq!(found, Disagreement::GapsClosed);
        let tree = foreign.tree().await;
        assert_in_step(&foreign.studio, &tree);
        let animation = &tree.characters[0].animations[0];
        let now: Vec<_> = animation.frames.iter().map(|frame| (frame.frame.id, frame.frame.frame_index)).collect();
        let expected: Vec<_> = frames.into_iter().zip(0..).collect();
        assert_eq!(now, expected);
        assert_eq!(animation.animation.version, 2);
        assert_eq!(foreign.adopt().await.findings, []);
        assert_eq!(foreign.tree().await.characters[0].animations[0].animation.version, 2);
    }

    async fn takes_and_frames_of_another_animation_are_no_disagreement(bench) {
        let mut foreign = Foreign::new(bench).await;
        let ours = NewCharacter::new("Cat").animation(NewAnimation::new("Run").frame(NewFrame::new(asset(50))));
        let ours = foreign.studio.create_character(foreign.project, ours).await.unwrap();
        let cat = ours.character.id;
        let run = ours.animations[0].animation.id;
        let walk = foreign.animation(cat, "Walk").await;
        let take = foreign.image(Owner::Animation(run), "take.png", 1).await;
        let elsewhere = foreign.image(Owner::Animation(run), "elsewhere.png", 2).await;
        let variation = foreign.image(Owner::Character(cat), "variation.png", 3).await;
        let id = foreign.sql(variation);
        foreign.run(&format!("UPDATE character SET primary_asset_id = {id}")).await;
        foreign.frame(walk, elsewhere, 0).await;
        foreign.frame(walk, variation, 1).await;
        let report = foreign.adopt().await;
        assert_eq!((report.findings.as_slice(), report.adopted), (&[][..], 3));
        // Each has one file at its home; the variation has a second one, where it is shown.
        assert_eq!(files_below(&foreign.studio.assets_folder()).len(), 5);
        assert_eq!(foreign.studio.sync(|_, _| {}).await.unwrap(), pegbar::ViewReport::default());
        let path = |id| foreign.studio.get_asset(id);
        assert!(path(take).await.unwrap().file_path.unwrap().contains("/takes/"));
        assert!(path(elsewhere).await.unwrap().file_path.unwrap().ends_with("/Cat_Walk_0.png"));
        assert!(path(variation).await.unwrap().file_path.unwrap().contains("/characters/"));
    }

    async fn files_that_no_row_names_are_listed_and_stay(bench) {
        let mut foreign = Foreign::new(bench).await;
        foreign.image(Owner::Project, "a.png", 1).await;
        foreign.file("logo.svg", b"<svg/>");
        foreign.file(&format!("{}/references/mine.txt", foreign.project), b"mine");
        let left = foreign.asset(Owner::Project, "/assets/named.bin").await;
        foreign.file("named.bin", b"named, and no image");
        let report = foreign.adopt().await;
        let mine = format!("{}/references/mine.txt", foreign.project);
        assert_eq!((report.foreign.count, report.foreign.first.len()), (2, 2));
        assert!(report.foreign.first.contains(&"logo.svg".to_owned()));
        assert!(report.foreign.first.contains(&mine));
        assert!(matches!(assert_left(&report, left), Disagreement::NotAnImage { .. }));
        assert_eq!(files_below(&foreign.studio.assets_folder()).len(), 4);
    }

    async fn a_file_that_stands_in_the_way_is_kept(bench) {
        let mut foreign = Foreign::new(bench).await;
        let id = foreign.image(Owner::Project, "a.png", 1).await;
        let path = format!("{}/references/{id}.png", foreign.project);
        foreign.file(&path, b"someone's own");
        assert_eq!(foreign.adopt().await.adopted, 1);
        assert_in_step(&foreign.studio, &foreign.tree().await);
        let kept = foreign.studio.root().join(".pegbar/kept").join(path);
        assert_eq!(fs::read(kept).unwrap(), b"someone's own");
    }
}

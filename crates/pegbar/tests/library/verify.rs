//! What was changed behind Pegbar's back is found, and named.

mod dropped;
mod generations;
mod rows;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use pegbar::{
    Asset, AssetId, Damage, DamagedAsset, Error, Json, NewAnimation, NewAsset, NewCharacter,
    NewFrame, NewProject, ProjectId, ReferenceRole, Sha256, Studio, VerifyOptions, VerifyReport,
    VerifyScope,
};

use crate::support::{Bench, Raw, asset};

/// A project in which one thing is made from another: style and pose, then the character's
/// front, then two frames.
pub(crate) struct Chain {
    pub(crate) project: ProjectId,
    pub(crate) style: AssetId,
    pub(crate) pose: AssetId,
    pub(crate) front: AssetId,
    pub(crate) first: AssetId,
    pub(crate) second: AssetId,
}

/// Settings that the engines keep in different words.
const SETTINGS: &str = r#"{"seed": "18446744073709551615", "sampler": {"steps": 30, "cfg": 7.5},
    "loras": ["ink", {"weight": 1e16}], "ä": 1e-7}"#;

fn made(number: u32, prompt: &str) -> NewAsset {
    let made = asset(number)
        .prompt(prompt)
        .system_prompt("draw")
        .model("sprite-1");
    made.settings(Json::parse(SETTINGS).unwrap())
}

pub(crate) async fn chain(studio: &Studio) -> Chain {
    let [style, pose, front, first, second] = [(); 5].map(|()| studio.new_id::<AssetId>());
    let walk = NewAnimation::new("Walk")
        .frame(NewFrame::new(
            made(4, "contact pose")
                .id(first)
                .made_from(front, ReferenceRole::Character)
                .made_from(pose, ReferenceRole::Pose),
        ))
        .frame(NewFrame::new(
            made(5, "passing pose")
                .id(second)
                .made_from(first, ReferenceRole::PreviousFrame),
        ));
    let cat = NewCharacter::new("Cat")
        .variation(
            made(3, "a small orange cat")
                .id(front)
                .made_from(style, ReferenceRole::Style),
        )
        .animation(walk);
    let project = NewProject::new("Cats")
        .reference(asset(1).id(style))
        .reference(asset(2).id(pose))
        .character(cat);
    let tree = studio.create_project(project).await.unwrap();
    Chain {
        project: tree.project.id,
        style,
        pose,
        front,
        first,
        second,
    }
}

/// Changes rows behind Pegbar's back, as someone who owns the database can.
pub(crate) async fn tamper(raw: &mut Raw, statements: &str) {
    raw.tamper(statements).await.unwrap();
}

async fn verify(studio: &Studio) -> VerifyReport {
    let options = VerifyOptions::default();
    let everything = VerifyScope::Everything;
    studio
        .verify(&everything, options, |_, _| {})
        .await
        .unwrap()
}

/// Returns the only damaged asset, and the only thing that is wrong with it.
async fn only(studio: &Studio) -> (DamagedAsset, Damage) {
    let mut report = verify(studio).await;
    assert_eq!(report.damaged_count, 1, "{report:#?}");
    let asset = report.damaged.pop().unwrap();
    let [damage] = asset.damages.as_slice() else {
        panic!("{asset:#?}");
    };
    let damage = damage.clone();
    (asset, damage)
}

async fn get(studio: &Studio, id: AssetId) -> Asset {
    studio.get_asset(id).await.unwrap()
}

/// Where the bytes of an asset are, made writable.
async fn blob(bench: &Bench, studio: &Studio, id: AssetId) -> PathBuf {
    let sha256 = get(studio, id).await.sha256.unwrap().to_string();
    let path = bench
        .root()
        .join(".pegbar/blobs")
        .join(&sha256[..2])
        .join(&sha256);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path
}

/// Rewrites a row's prompt, its record and the hash of that, so that they fit together.
pub(crate) async fn rewrite(raw: &mut Raw, asset: AssetId, before: &str, after: &str) {
    let id = raw.id(asset.0);
    let record = raw
        .text(&format!("SELECT record FROM asset WHERE id = {id}"))
        .await;
    assert!(record.contains(before), "{record}");
    let record = record.replace(before, after);
    let hash = Sha256::of(record.as_bytes());
    let update = format!(
        "UPDATE asset SET generation_prompt = replace(generation_prompt, '{before}', '{after}'), \
         record = '{record}', record_hash = '{hash}' WHERE id = {id}"
    );
    tamper(raw, &update).await;
}

both_engines! {
    async fn what_nobody_changed_is_whole(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        // The same bytes again: they are hashed once.
        studio.create_asset(chain.project, asset(1)).await.unwrap();
        let report = verify(&studio).await;
        let sizes = [chain.style, chain.pose, chain.front, chain.first, chain.second];
        let mut bytes = 0;
        for id in sizes {
            bytes += get(&studio, id).await.file_size.unwrap();
        }
        let expected = VerifyReport { assets: 6, blobs: 5, bytes, ..VerifyReport::default() };
        assert_eq!(report, expected);
    }

    async fn one_byte_of_a_blob_is_found_with_what_depends_on_it(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let path = blob(bench, &studio, chain.front).await;
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let (asset, damage) = only(&studio).await;
        assert_eq!((asset.project_id, asset.asset_id), (chain.project, chain.front));
        assert_eq!(damage, Damage::BlobAltered {
            path: path.strip_prefix(bench.root()).unwrap().display().to_string(),
            found: Sha256::of(&bytes),
        });
        assert_eq!(asset.dependents.count, 2);
        assert!(!asset.dependents.has_more);
        let mut made = vec![chain.first, chain.second];
        made.sort_unstable();
        assert_eq!(asset.dependents.first, made);
        assert_eq!(asset.shown_by.count, 0);
        let line = asset.to_string();
        assert!(line.ends_with("; 2 assets were made from it"), "{line}");
    }

    async fn missing_and_truncated_bytes_are_found_with_the_frames_that_show_them(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let missing = blob(bench, &studio, chain.first).await;
        fs::remove_file(&missing).unwrap();
        let truncated = blob(bench, &studio, chain.second).await;
        let size = fs::metadata(&truncated).unwrap().len();
        fs::File::options().write(true).open(&truncated).unwrap().set_len(size - 7).unwrap();
        let relative = |path: &PathBuf| {
            path.strip_prefix(bench.root()).unwrap().display().to_string()
        };
        let report = verify(&studio).await;
        assert_eq!(report.damaged_count, 2, "{report:#?}");
        let of = |id| report.damaged.iter().find(|asset| asset.asset_id == id).unwrap();
        let first = of(chain.first);
        assert_eq!(first.damages, [Damage::BlobMissing { path: relative(&missing) }]);
        let shown = &first.shown_by.first[0];
        assert_eq!((first.shown_by.count, shown.frame_index), (1, 0));
        assert_eq!((shown.character.as_str(), shown.animation.as_str()), ("Cat", "Walk"));
        let second = of(chain.second);
        let path = relative(&truncated);
        let resized = Damage::BlobResized { path, recorded: size, found: size - 7 };
        assert_eq!(second.damages, [resized]);
        assert_eq!(second.shown_by.first[0].frame_index, 1);
        let line = second.to_string();
        assert!(line.ends_with("; shown by Cat/Walk/1"), "{line}");
    }

    async fn bytes_that_cannot_be_read_are_damage_and_not_the_end(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let path = blob(bench, &studio, chain.pose).await;
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let (asset, damage) = only(&studio).await;
        assert_eq!(asset.asset_id, chain.pose);
        assert!(matches!(damage, Damage::BlobUnreadable { .. }), "{damage:?}");
    }

    async fn every_asset_with_the_same_broken_bytes_is_named(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let twin = studio.create_asset(chain.project, asset(2)).await.unwrap();
        fs::remove_file(blob(bench, &studio, chain.pose).await).unwrap();
        let report = verify(&studio).await;
        let damaged: Vec<AssetId> = report.damaged.iter().map(|it| it.asset_id).collect();
        let mut expected = vec![chain.pose, twin.id];
        expected.sort_unstable();
        assert_eq!(damaged, expected);
        assert_eq!(report.blobs, 5);
    }

    async fn an_asset_is_verified_with_all_that_it_was_made_from(bench) {
        let studio = bench.create().await;
        let (chain, other) = (chain(&studio).await, chain(&studio).await);
        let mut raw = bench.raw().await;
        for id in [chain.style, chain.second, other.style] {
            let id = raw.id(id.0);
            tamper(&mut raw, &format!("UPDATE asset SET model = 'x' WHERE id = {id}")).await;
        }
        let damaged = async |scope| {
            let options = VerifyOptions::default();
            let report = studio.verify(&scope, options, |_, _| {}).await.unwrap();
            let ids: Vec<AssetId> = report.damaged.iter().map(|it| it.asset_id).collect();
            (report.assets, ids)
        };
        let first = VerifyScope::Assets(vec![chain.first]);
        assert_eq!(damaged(first).await, (4, vec![chain.style]));
        let pose = VerifyScope::Assets(vec![chain.pose]);
        assert_eq!(damaged(pose).await, (1, vec![]));
        let both = VerifyScope::Assets(vec![other.front, chain.second]);
        let mut expected = vec![chain.style, chain.second, other.style];
        expected.sort_unstable();
        let (assets, mut found) = damaged(both).await;
        found.sort_unstable();
        assert_eq!((assets, found), (7, expected));
        let (assets, found) = damaged(VerifyScope::Project(other.project)).await;
        assert_eq!((assets, found), (5, vec![other.style]));
        let nobody = studio.new_id::<AssetId>();
        let scope = VerifyScope::Assets(vec![nobody]);
        let refused = studio.verify(&scope, VerifyOptions::default(), |_, _| {}).await;
        assert_eq!(refused.unwrap_err().code(), "not_found");
        let scope = VerifyScope::Project(studio.new_id());
        let refused = studio.verify(&scope, VerifyOptions::default(), |_, _| {}).await;
        assert_eq!(refused.unwrap_err().code(), "not_found");
    }

    async fn records_alone_are_compared_without_reading_a_byte(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        fs::remove_dir_all(bench.root().join(".pegbar/blobs")).unwrap();
        let options = VerifyOptions { records_only: true };
        let scope = VerifyScope::Project(chain.project);
        let report = studio.verify(&scope, options, |_, _| {}).await.unwrap();
        assert_eq!((report.assets, report.blobs, report.damaged_count), (5, 0, 0));
        assert!(report.is_records_only);
    }

    async fn a_file_size_that_only_the_row_has_wrong_is_told_from_broken_bytes(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let mut raw = bench.raw().await;
        let pose = raw.id(chain.pose.0);
        let size = get(&studio, chain.pose).await.file_size.unwrap();
        tamper(&mut raw, &format!("UPDATE asset SET file_size = 7 WHERE id = {pose}")).await;
        let (_, damage) = only(&studio).await;
        assert_eq!(damage, Damage::FileSizeDiffers { found: size, row: 7 });
    }

    async fn damage_on_any_page_is_found_and_progress_reaches_the_end(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let image = studio.store_image(&pegbar::ImageSource::Bytes(crate::support::png(7))).unwrap();
        let new = (0..1203).map(|_| NewAsset::new(pegbar::ImageSource::Stored(image)));
        let created = studio.create_assets(project, new.collect()).await.unwrap();
        let mut raw = bench.raw().await;
        let mut expected = Vec::new();
        for place in [0, 499, 500, 1000, 1202] {
            let id = raw.id(created[place].id.0);
            tamper(&mut raw, &format!("UPDATE asset SET model = 'x' WHERE id = {id}")).await;
            expected.push(created[place].id);
        }
        let mut calls = Vec::new();
        let options = VerifyOptions::default();
        let progress = |done, total| calls.push((done, total));
        let report = studio.verify(&VerifyScope::Everything, options, progress).await.unwrap();
        let damaged: Vec<AssetId> = report.damaged.iter().map(|it| it.asset_id).collect();
        assert_eq!(damaged, expected);
        assert_eq!((report.assets, report.blobs), (1203, 1));
        assert_eq!(calls, [(500, 1203), (1000, 1203), (1203, 1203)]);
    }

    async fn rows_of_another_program_that_go_in_circles_end(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let mut raw = bench.raw().await;
        let (p, style, second) =
            (raw.id(chain.project.0), raw.id(chain.style.0), raw.id(chain.second.0));
        tamper(&mut raw, &format!(
            "INSERT INTO asset_reference (project_id, asset_id, position, referenced_asset_id, \
             role) VALUES ({p}, {style}, 0, {second}, 'other')")).await;
        let (asset, damage) = only(&studio).await;
        assert_eq!(asset.asset_id, chain.style);
        assert_eq!(damage, Damage::InputCount { recorded: 0, found: 1 });
        assert_eq!(asset.dependents.count, 3, "it is none of its own");
        let scope = VerifyScope::Assets(vec![chain.pose, chain.front]);
        let report = studio.verify(&scope, VerifyOptions::default(), |_, _| {}).await.unwrap();
        assert_eq!(report.assets, 5);
    }

    async fn what_is_deleted_meanwhile_is_no_damage(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let created = studio.create_assets(project, vec![asset(1), asset(2)]).await.unwrap();
        let gone = blob(bench, &studio, created[1].id).await;
        let mut raw = bench.raw().await;
        let (first, second) = (raw.id(created[0].id.0), raw.id(created[1].id.0));
        // So large that it is hashed alone; then the other one goes.
        tamper(&mut raw, &format!(
            "UPDATE asset SET file_size = 1000000000 WHERE id = {first}")).await;
        let delete = format!("DELETE FROM asset WHERE id = {second}");
        let mut is_first = true;
        let progress = |_, _| {
            if std::mem::take(&mut is_first) {
                fs::remove_file(&gone).unwrap();
                let (database, root) = (bench.database.clone(), bench.root());
                let delete = delete.clone();
                let done = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .unwrap();
                    runtime.block_on(async {
                        let mut raw = match database {
                            pegbar::DatabaseAddress::Sqlite => {
                                Raw::sqlite(&root.join(".pegbar/pegbar.db"))
                            }
                            pegbar::DatabaseAddress::Postgres(url) => Raw::postgres(&url).await,
                        };
                        tamper(&mut raw, &delete).await;
                    });
                });
                done.join().unwrap();
            }
        };
        let options = VerifyOptions::default();
        let report = studio.verify(&VerifyScope::Everything, options, progress).await.unwrap();
        assert_eq!(report.damaged_count, 1, "{report:#?}");
        let damages = &report.damaged[0].damages;
        assert!(matches!(damages[..], [Damage::FileSizeDiffers { .. }]), "{damages:?}");
    }

    async fn a_store_that_is_away_is_not_taken_for_damage(bench) {
        let studio = bench.create().await;
        chain(&studio).await;
        let blobs = bench.root().join(".pegbar/blobs");
        fs::remove_dir_all(&blobs).unwrap();
        std::os::unix::fs::symlink(bench.folder.path().join("unmounted/blobs"), &blobs).unwrap();
        let scope = VerifyScope::Everything;
        let refused = studio.verify(&scope, VerifyOptions::default(), |_, _| {}).await;
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    }

    async fn a_report_is_json_with_words(bench) {
        let studio = bench.create().await;
        let chain = chain(&studio).await;
        let mut raw = bench.raw().await;
        let front = raw.id(chain.front.0);
        tamper(&mut raw, &format!(
            "UPDATE asset SET generation_prompt = 'x' WHERE id = {front}")).await;
        let report = serde_json::to_value(verify(&studio).await).unwrap();
        assert_eq!(report["damagedCount"], 1);
        let damage = &report["damaged"][0]["damages"][0];
        assert_eq!(damage["kind"], "fieldDiffers");
        assert_eq!((&damage["field"], &damage["found"]), (&"prompt".into(), &"x".into()));
        let message = damage["message"].as_str().unwrap();
        assert_eq!(
            message,
            "prompt: the record says \"a small orange cat\", the row says \"x\""
        );
        assert!(damage["hint"].is_string());
        assert_eq!(report["damaged"][0]["dependents"]["count"], 2);
    }
}

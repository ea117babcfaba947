//! What `doctor --repair` mends, and what it refuses.

use std::fs;

use pegbar::{
    DoctorFinding, PurgeOptions, PurgeScope, RepairOptions, RepairOutcome, RepairReport, Sha256,
    Studio,
};

use crate::bad_input_folder::other_disk;
use crate::doctor::{alter, blob, deep, finds, found, frame, project, set_mode, strict, view};
use crate::support::{Bench, assert_in_step, asset, png};

fn options() -> RepairOptions {
    RepairOptions {
        doctor: strict(),
        ..RepairOptions::default()
    }
}

/// Mends a studio as it lies there, and checks that nothing is left to be found.
async fn mend(bench: &Bench) -> RepairReport {
    let report = mend_part(bench, &options()).await;
    let studio = bench.open().await;
    assert_eq!(found(&studio, &deep()).await, [].into());
    report
}

async fn mend_part(bench: &Bench, options: &RepairOptions) -> RepairReport {
    let studio = Studio::open_unrecovered(bench.root(), bench.options())
        .await
        .unwrap();
    studio.repair(options, |_| {}).await.unwrap()
}

fn codes(report: &RepairReport) -> Vec<(&'static str, u64)> {
    report
        .mended
        .iter()
        .map(|(kind, count)| (kind.code(), *count))
        .collect()
}

async fn refused(bench: &Bench) -> String {
    let studio = Studio::open_unrecovered(bench.root(), bench.options())
        .await
        .unwrap();
    studio
        .repair(&options(), |_| {})
        .await
        .unwrap_err()
        .to_string()
}

both_engines! {
    async fn files_of_the_view_are_written_again_and_edited_ones_kept_and_offered(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        drop(studio);
        fs::remove_file(view(bench, frame(&tree, 0))).unwrap();
        fs::write(view(bench, frame(&tree, 1)), "edited").unwrap();
        fs::write(view(bench, frame(&tree, 1)).with_file_name("mine.psd"), "mine").unwrap();
        let left = view(bench, frame(&tree, 0)).with_file_name(".pegbar-old-1-1");
        fs::write(&left, "somebody's").unwrap();
        let report = mend_part(bench, &options()).await;
        assert_eq!(codes(&report), [("view_file_missing", 1), ("view_file_edited", 1), ("view_leftover", 1)]);
        let edited = report.repairs.iter().find(|repair| repair.finding.code() == "view_file_edited");
        let RepairOutcome::Kept { kept_as, offer } = &edited.unwrap().outcome else {
            panic!("{report:?}")
        };
        assert_eq!(fs::read(kept_as).unwrap(), b"edited");
        assert_eq!(*offer, format!("pegbar kept add {}", frame(&tree, 1).file_path.as_ref().unwrap()));
        let studio = bench.open().await;
        // What is not ours stays, and is only noted.
        assert_eq!(found(&studio, &deep()).await, [("foreign_file", 1)].into());
        let kept = studio.list_kept().unwrap();
        assert!(kept.iter().any(|kept| fs::read(&kept.kept_as).unwrap() == b"somebody's"));
        fs::remove_file(view(bench, frame(&tree, 1)).with_file_name("mine.psd")).unwrap();
        assert_in_step(&studio, &studio.get_project_tree(tree.project.id).await.unwrap());
    }

    async fn a_whole_view_is_written_again(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        drop(studio);
        fs::remove_dir_all(bench.root().join("public")).unwrap();
        let few = RepairOptions {
            doctor: pegbar::DoctorOptions { max_listed: 2, ..strict() },
            ..options()
        };
        let report = mend_part(bench, &few).await;
        assert_eq!((codes(&report), report.repairs.len()), (vec![("view_file_missing", 8)], 2));
        assert_in_step(&bench.open().await, &tree);
    }

    async fn bytes_are_restored_from_the_view_or_from_what_was_moved_aside(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        let run = &tree.characters[0].animations[1];
        studio.delete_animation(run.animation.id).await.unwrap();
        drop(studio);
        let deleted = fs::read(blob(bench, &run.frames[0].asset)).unwrap();
        fs::remove_file(blob(bench, &run.frames[0].asset)).unwrap();
        fs::create_dir_all(bench.root().join(".pegbar/kept/x")).unwrap();
        fs::write(bench.root().join(".pegbar/kept/x/run.png"), deleted).unwrap();
        fs::remove_file(blob(bench, frame(&tree, 0))).unwrap();
        let short = blob(bench, frame(&tree, 1));
        set_mode(&short, 0o644);
        fs::write(&short, "short").unwrap();
        set_mode(&short, 0o444);
        let report = mend(bench).await;
        assert_eq!(codes(&report), [("blob_missing", 1), ("blob_resized", 1), ("trash_blob_missing", 1)]);
        let damaged = bench.root().join(".pegbar/damaged").join(short.file_name().unwrap());
        assert_eq!(fs::read(damaged).unwrap(), b"short");
        for index in 0..2 {
            let asset = frame(&tree, index);
            assert_eq!(Sha256::of(&fs::read(blob(bench, asset)).unwrap()), asset.sha256.unwrap());
            assert!(fs::metadata(blob(bench, asset)).unwrap().permissions().readonly());
        }
    }

    async fn what_the_store_keeps_beside_it_on_another_disk_is_known(bench) {
        let Some(disk) = other_disk() else { return };
        let studio = bench.create().await;
        let tree = project(&studio).await;
        drop(studio);
        let (blobs, there) = (bench.root().join(".pegbar/blobs"), disk.path().join("blobs"));
        let moved = std::process::Command::new("mv").arg(&blobs).arg(&there).status();
        assert!(moved.unwrap().success());
        std::os::unix::fs::symlink(&there, &blobs).unwrap();
        let studio = bench.open().await;
        studio.create_asset(tree.project.id, asset(7000)).await.unwrap();
        studio.delete_asset(tree.references[0].id).await.unwrap();
        let at_once = PurgeOptions { grace_ms: 0, ..PurgeOptions::default() };
        let purged = studio.purge(PurgeScope::All, at_once, |_| {}).await.unwrap();
        assert_eq!(purged.removed_blobs, 1);
        let run = &tree.characters[0].animations[1];
        studio.delete_animation(run.animation.id).await.unwrap();
        drop(studio);
        // Both folders are there, and nobody's litter.
        let own = [there.join(".tmp"), there.join(".trash")];
        finds(bench, &[]).await;
        for folder in &own {
            set_mode(folder, 0o555);
        }
        finds(bench, &[("folder_not_writable", 2)]).await;
        for folder in &own {
            set_mode(folder, 0o755);
        }
        // What was moved aside there is found again.
        fs::rename(blob(bench, &run.frames[0].asset), there.join(".trash/aside")).unwrap();
        finds(bench, &[("trash_blob_missing", 1)]).await;
        assert_eq!(codes(&mend(bench).await), [("trash_blob_missing", 1)]);
    }

    async fn an_altered_blob_is_restored_once_it_was_hashed(bench) {
        let tree = project(&bench.create().await).await;
        let place = blob(bench, frame(&tree, 0));
        set_mode(&place, 0o644);
        alter(&place);
        set_mode(&place, 0o444);
        let report = mend_part(bench, &RepairOptions { doctor: deep(), ..options() }).await;
        assert_eq!(codes(&report), [("blob_altered", 1)]);
        assert_eq!(found(&bench.open().await, &deep()).await, [].into());
    }

    async fn bytes_that_nobody_has_are_left_and_said(bench) {
        let tree = project(&bench.create().await).await;
        fs::remove_file(blob(bench, frame(&tree, 0))).unwrap();
        alter(&view(bench, frame(&tree, 0)));
        let report = mend_part(bench, &options()).await;
        let [repair] = report.repairs.as_slice() else { panic!("{report:?}") };
        assert!(matches!(&repair.outcome, RepairOutcome::Left { reason } if reason.contains("backup")));
        assert_eq!(codes(&report), []);
    }

    async fn rights_leftovers_and_what_was_interrupted_are_mended(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        drop(studio);
        set_mode(&blob(bench, frame(&tree, 0)), 0o666);
        set_mode(&blob(bench, frame(&tree, 1)), 0o044);
        set_mode(&bench.root().join(".pegbar/blobs"), 0o555);
        let left = bench.root().join(".pegbar/tmp/1-0");
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("1"), "half").unwrap();
        fs::write(bench.root().join(".pegbar/tmp/loose"), "loose").unwrap();
        let path = frame(&tree, 0).file_path.as_ref().unwrap();
        fs::write(bench.root().join(".pegbar/view-busy"), format!("{path}\n")).unwrap();
        fs::remove_file(view(bench, frame(&tree, 0))).unwrap();
        let report = mend(bench).await;
        assert_eq!(codes(&report), [
            ("blob_writable", 1), ("view_interrupted", 1), ("tmp_leftover", 2),
            ("folder_not_writable", 1), ("not_readable", 1),
        ]);
        assert_eq!(fs::read(bench.root().join(".pegbar/kept/tmp/loose")).unwrap(), b"loose");
        assert!(!left.exists());
        assert_in_step(&bench.open().await, &tree);
    }

    async fn a_stale_outbox_is_followed(bench) {
        let tree = project(&bench.create().await).await;
        let deferred = pegbar::StudioOptions {
            view_updates: pegbar::ViewUpdates::Deferred,
            ..bench.options()
        };
        let studio = Studio::open_with(bench.root(), deferred).await.unwrap();
        let walk = tree.characters[0].animations[0].animation.id;
        studio.append_frames(walk, vec![pegbar::NewFrame::new(asset(900))], None).await.unwrap();
        drop(studio);
        let report = mend(bench).await;
        assert_eq!(codes(&report), [("outbox_stale", 1)]);
        let studio = bench.open().await;
        assert_in_step(&studio, &studio.get_project_tree(tree.project.id).await.unwrap());
    }

    async fn gaps_and_doubles_in_orders_are_closed(bench) {
        let tree = project(&bench.create().await).await;
        let mut raw = bench.raw().await;
        let walk = &tree.characters[0].animations[0];
        let id = raw.id(walk.animation.id);
        raw.run("DROP INDEX frame_index_key").await.unwrap();
        for (from, to) in [(3, 9), (1, 2)] {
            let moved = format!(
                "UPDATE frame SET frame_index = {to} WHERE frame_index = {from} AND animation_id = {id}"
            );
            raw.run(&moved).await.unwrap();
        }
        let report = mend(bench).await;
        assert_eq!(codes(&report).len(), 1);
        let studio = bench.open().await;
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
        let ids = |frames: &[pegbar::FrameTree]| -> Vec<_> {
            frames.iter().map(|frame| frame.frame.id).collect()
        };
        assert_eq!(ids(&now.characters[0].animations[0].frames), ids(&walk.frames));
    }

    async fn nothing_is_repaired_where_the_store_looks_unmounted(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        drop(studio);
        fs::remove_file(view(bench, frame(&tree, 0))).unwrap();
        let blobs = bench.root().join(".pegbar/blobs");
        fs::rename(&blobs, bench.root().join("away")).unwrap();
        fs::create_dir(&blobs).unwrap();
        assert!(refused(bench).await.contains("blobs"));
        assert!(!view(bench, frame(&tree, 0)).exists());
        fs::remove_dir(&blobs).unwrap();
        fs::rename(bench.root().join("away"), &blobs).unwrap();
        mend(bench).await;
    }

    async fn nothing_is_repaired_where_much_is_missing(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        let mut new = pegbar::NewProject::new("P");
        for number in 0..12 {
            new = new.reference(asset(3000 + number));
        }
        let other = studio.create_project(new).await.unwrap();
        drop(studio);
        for asset in &other.references[..11] {
            fs::remove_file(blob(bench, asset)).unwrap();
        }
        fs::remove_file(view(bench, frame(&tree, 0))).unwrap();
        assert!(refused(bench).await.contains("11 of 20 blobs are missing"));
        assert!(!view(bench, frame(&tree, 0)).exists());
        // Ten may be: they come back from the view.
        let back = blob(bench, &other.references[0]);
        fs::copy(view(bench, &other.references[0]), &back).unwrap();
        set_mode(&back, 0o444);
        mend(bench).await;
    }

    async fn repairing_beside_a_writer_loses_nothing(bench) {
        let studio = bench.create().await;
        let tree = project(&studio).await;
        fs::remove_file(view(bench, frame(&tree, 0))).unwrap();
        let other = bench.open().await;
        let walk = tree.characters[0].animations[0].animation.id;
        let writer = tokio::spawn(async move {
            for number in 0..20 {
                let new = pegbar::NewFrame::new(pegbar::NewAsset::from_bytes(png(5000 + number)));
                other.append_frames(walk, vec![new], None).await.unwrap();
            }
        });
        for _ in 0..5 {
            studio.repair(&options(), |_| {}).await.unwrap();
        }
        writer.await.unwrap();
        studio.repair(&options(), |_| {}).await.unwrap();
        assert_eq!(found(&studio, &deep()).await, [].into());
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_eq!(now.characters[0].animations[0].frames.len(), 24);
        assert_in_step(&studio, &now);
    }
}

/// A finding that is told of with its place, for programs.
#[test]
fn a_finding_is_written_with_its_code() {
    let finding = DoctorFinding::ForeignFile {
        path: "p/x".to_owned(),
    };
    let json = serde_json::to_value(finding.in_words()).unwrap();
    let expected = serde_json::json!({
        "code": "foreign_file", "severity": "note", "path": "p/x",
        "message": "public/assets/p/x is not Pegbar's",
    });
    assert_eq!(json, expected);
}

/// What users look up is what the doctor says.
#[test]
fn the_page_about_findings_has_them_all_word_for_word() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/doctor.md");
    let page = fs::read_to_string(page).unwrap();
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let expected: Vec<String> = pegbar::FindingKind::ALL
        .iter()
        .map(|kind| {
            let (severity, meaning, mend) = (kind.severity(), kind.meaning(), kind.mend());
            format!("| `{kind}` | {severity} | {meaning} | {mend} |")
        })
        .collect();
    assert_eq!(rows, expected);
}

//! Kills the program at every mutating system call of an operation and opens the studio
//! again: it is as before or as after, and every byte is right.
#![allow(missing_docs, reason = "tests say in their names what they promise")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]
#![allow(clippy::default_trait_access, reason = "the type stands in the call")]

mod adopt;
mod exchange;
#[path = "../../../pegbar/tests/library/support/layout.rs"]
mod layout;
#[allow(dead_code, reason = "these tests work on SQLite alone")]
#[path = "../../../pegbar/tests/library/support/unsealed.rs"]
mod unsealed;

use std::fmt::Write as _;
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use pegbar::{NewAnimation, NewAsset, NewCharacter, NewFrame, NewProject, ReferenceRole, Studio};
use pegbar_faults::site;
use pegbar_faults::trace::{self, Outcome, Victim};
use tempfile::TempDir;

fn png(number: u8) -> Vec<u8> {
    let image = image::RgbaImage::from_pixel(4, 4, image::Rgba([number, 1, 2, 255]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// A folder with a studio, and images beside it.
struct Base {
    folder: TempDir,
}

impl Base {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("studio");
        fs::create_dir(&root).unwrap();
        for number in 200..204 {
            fs::write(folder.path().join(format!("{number}.png")), png(number)).unwrap();
        }
        let art = folder.path().join("art");
        for (path, number) in [("Walk", 210), ("Walk", 211), ("jump", 212), ("jump", 213)] {
            fs::create_dir_all(art.join(path)).unwrap();
            fs::write(art.join(path).join(format!("{number}.png")), png(number)).unwrap();
        }
        block_on(async {
            let studio = Studio::create(&root).await.unwrap();
            let front = studio.new_id();
            let mut walk = NewAnimation::new("Walk");
            for number in 0..4 {
                let take = NewAsset::from_bytes(png(number));
                let take = take.made_from(front, ReferenceRole::Character);
                walk = walk.frame(NewFrame::new(take).prompt(format!("pose {number}")));
            }
            let cat = NewCharacter::new("Cat")
                .variation(NewAsset::from_bytes(png(10)).id(front))
                .variation(NewAsset {
                    original_name: Some("side.png".to_owned()),
                    ..NewAsset::from_bytes(png(11))
                })
                .animation(walk);
            let project = NewProject::new("Cats")
                .thumbnail(front)
                .tag("t")
                .character(cat);
            studio.create_project(project).await.unwrap();
        });
        Self { folder }
    }

    /// Copies the studio, so that each attempt begins with the same.
    fn copy(&self, to: &Path) -> PathBuf {
        let root = to.join("studio");
        site::copy_folder(&self.folder.path().join("studio"), &root).unwrap();
        root
    }
}

/// Opens a studio and says what is in it, without ids and times; on the way checks that
/// nothing is out of step and nothing was left behind.
async fn state(root: &Path) -> String {
    let studio = Studio::open(root).await.unwrap();
    let notices = studio.take_notices();
    assert!(notices.is_empty(), "{notices:?}");
    let mut text = String::new();
    let page = studio
        .list_projects(
            &pegbar::ProjectFilter::default(),
            pegbar::PageRequest::default(),
        )
        .await
        .unwrap();
    let mut files = 0;
    for project in page.rows {
        let tree = studio.get_project_tree(project.id).await.unwrap();
        layout::assert_in_step(&studio, &tree);
        let below = studio.assets_folder().join(project.id.to_string());
        files += layout::files_below(&below).len();
        writeln!(
            text,
            "project {:?} {:?}",
            project.name,
            project.thumbnail_id.is_some()
        )
        .unwrap();
        for asset in &tree.references {
            writeln!(text, " reference {}", asset.sha256.unwrap()).unwrap();
        }
        let (all, page) = (
            pegbar::GenerationFilter::default(),
            pegbar::PageRequest::default(),
        );
        let generations = studio.list_generations(project.id, &all, page).await;
        for generation in generations.unwrap().rows {
            let (outputs, sent) = (generation.output_asset_ids.len(), generation.sent());
            let inputs = sent.map(|sent| sent.inputs.len());
            writeln!(
                text,
                " generation {} {outputs} {inputs:?}",
                generation.status
            )
            .unwrap();
        }
        for character in &tree.characters {
            let row = &character.character;
            writeln!(text, " character {:?} {:?}", row.name, row.segment).unwrap();
            for asset in &character.variations {
                let primary = row.primary_asset_id == Some(asset.id);
                let (sha256, inputs) = (asset.sha256.unwrap(), asset.references.len());
                let dropped = asset.bytes_dropped_at.is_some();
                writeln!(text, "  variation {sha256} {primary} {inputs} {dropped}").unwrap();
            }
            for animation in &character.animations {
                let row = &animation.animation;
                writeln!(text, "  animation {:?} v{}", row.name, row.version).unwrap();
                for frame in &animation.frames {
                    let (prompt, asset) = (&frame.frame.frame_prompt, &frame.asset);
                    let inputs = asset.references.len();
                    let sha256 = asset.sha256.unwrap();
                    writeln!(text, "   frame {prompt:?} {sha256} {inputs}").unwrap();
                }
                for take in &animation.takes {
                    writeln!(text, "   take {}", take.sha256.unwrap()).unwrap();
                }
            }
        }
    }
    let all = layout::files_below(&studio.assets_folder());
    assert_eq!(all.len(), files, "files that no project has: {all:?}");
    for (path, hash) in layout::files_below(&root.join(".pegbar/blobs")) {
        assert!(
            path.ends_with(&hash.to_string()),
            "the blob {path} has other bytes"
        );
    }
    assert!(!root.join(".pegbar/view-busy").exists());
    assert!(
        !root.join(".pegbar/kept").exists(),
        "something was taken for a foreign file"
    );
    let left: Vec<_> = layout::files_below(&root.join(".pegbar/tmp"));
    assert!(left.iter().all(|(path, _)| path == "lock"), "{left:?}");
    text
}

/// Kills the command at each of its mutating system calls, in a studio with a walking cat.
fn survives(operation: &str, arguments: &[&str]) {
    if trace::supported() {
        survives_on(&Base::new(), operation, arguments);
    }
}

/// Kills the command at each of its mutating system calls, each time on a fresh copy of the
/// studio.
fn survives_on(base: &Base, operation: &str, arguments: &[&str]) {
    let attempt = tempfile::tempdir().unwrap();
    let before = block_on(state(&base.copy(&attempt.path().join("before"))));
    let mut after = None;
    let (mut killed, mut undone) = (0, 0);
    for n in 1.. {
        let root = base.copy(&attempt.path().join(n.to_string()));
        let mut victim = Victim::new(env!("CARGO_BIN_EXE_pegbar"), base.folder.path());
        victim.args.push("--studio".into());
        victim.args.push(root.clone().into());
        victim.args.extend(arguments.iter().map(Into::into));
        let run = trace::kill_at(&victim, n).unwrap();
        let now = block_on(state(&root));
        match run.outcome {
            Outcome::Finished { status } => {
                assert!(status.success(), "{operation}: {}", run.stderr);
                assert_ne!(now, before, "{operation} did nothing");
                let seen = after.get_or_insert_with(|| now.clone());
                assert_eq!(*seen, now, "{operation}: a killed run ended otherwise");
                break;
            }
            Outcome::Killed { call } if now == before => {
                assert!(after.is_none(), "{operation}: undone by a kill at {call}");
                undone += 1;
                killed += 1;
            }
            Outcome::Killed { call } => {
                let seen = after.get_or_insert_with(|| now.clone());
                assert_eq!(
                    *seen, now,
                    "{operation}: neither before nor after; killed at {call}"
                );
                killed += 1;
            }
        }
        fs::remove_dir_all(attempt.path().join(n.to_string())).unwrap();
    }
    assert!(
        killed >= 20 && undone > 0,
        "only {killed} kills, {undone} undone"
    );
    let done = killed - undone;
    let line = format!("{operation}: {killed} kills, {undone} as before, {done} as after\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

#[test]
fn create_survives_a_kill_at_any_step() {
    let files = ["200.png", "201.png"];
    survives(
        "create",
        &[&["character", "create", "Dog"][..], &files].concat(),
    );
}

#[test]
fn insert_survives_a_kill_at_any_step() {
    survives(
        "insert",
        &["frame", "add", "Walk", "200.png", "201.png", "--at", "1"],
    );
}

#[test]
fn reorder_survives_a_kill_at_any_step() {
    survives("reorder", &["frame", "order", "Walk", "3", "0", "2", "1"]);
}

#[test]
fn replace_survives_a_kill_at_any_step() {
    survives(
        "replace",
        &["frame", "replace", "Walk", "1", "--with", "202.png"],
    );
}

#[test]
fn rename_survives_a_kill_at_any_step() {
    survives("rename", &["character", "edit", "Cat", "--name", "走る"]);
}

#[test]
fn remove_survives_a_kill_at_any_step() {
    survives("remove", &["frame", "remove", "Walk", "2"]);
}

/// A studio in whose trash one thing is, and its name for the command line.
fn with_deleted(delete: impl AsyncFnOnce(&Studio, pegbar::ProjectTree)) -> (Base, String) {
    let base = Base::new();
    let deletion = block_on(async {
        let studio = Studio::open(base.folder.path().join("studio"))
            .await
            .unwrap();
        let (all, page) = Default::default();
        let project = studio.list_projects(&all, page).await.unwrap().rows[0].id;
        let tree = studio.get_project_tree(project).await.unwrap();
        delete(&studio, tree).await;
        let (all, page) = Default::default();
        studio.list_deletions(&all, page).await.unwrap().rows[0].id
    });
    (base, deletion.to_string())
}

#[test]
fn deleting_an_animation_survives_a_kill_at_any_step() {
    survives(
        "delete animation",
        &["animation", "delete", "Walk", "--yes"],
    );
}

#[test]
fn restoring_a_project_survives_a_kill_at_any_step() {
    if !trace::supported() {
        return;
    }
    let (base, deletion) = with_deleted(async |studio, tree| {
        studio.delete_project(tree.project.id).await.unwrap();
    });
    survives_on(&base, "restore project", &["trash", "restore", &deletion]);
}

#[test]
fn restoring_an_animation_survives_a_kill_at_any_step() {
    if !trace::supported() {
        return;
    }
    let (base, deletion) = with_deleted(async |studio, tree| {
        let walk = tree.characters[0].animations[0].animation.id;
        studio.delete_animation(walk).await.unwrap();
    });
    survives_on(&base, "restore animation", &["trash", "restore", &deletion]);
}

/// A purge is undone, done, or has left blobs that nothing names and the next one removes.
#[test]
fn purging_survives_a_kill_at_any_step() {
    if !trace::supported() {
        return;
    }
    let (base, _) = with_deleted(async |studio, tree| {
        let walk = tree.characters[0].animations[0].animation.id;
        studio.delete_animation(walk).await.unwrap();
    });
    let purge = ["trash", "purge", "--all", "--grace", "0", "--yes"];
    let attempt = tempfile::tempdir().unwrap();
    let blobs = |root: &Path| layout::files_below(&root.join(".pegbar/blobs")).len();
    let before = block_on(state(&base.copy(&attempt.path().join("before"))));
    let (mut killed, mut purged, mut swept) = (0, 0, 0);
    for n in 1.. {
        let root = base.copy(&attempt.path().join(n.to_string()));
        let mut victim = Victim::new(env!("CARGO_BIN_EXE_pegbar"), base.folder.path());
        victim.args.push("--studio".into());
        victim.args.push(root.clone().into());
        victim.args.extend(purge.iter().map(Into::into));
        let run = trace::kill_at(&victim, n).unwrap();
        // What is there stays there, byte for byte, whatever becomes of the rest.
        assert_eq!(block_on(state(&root)), before);
        block_on(async {
            let studio = Studio::open(&root).await.unwrap();
            let aside = layout::files_below(&root.join(".pegbar/trash"));
            assert!(aside.is_empty(), "{aside:?}");
            let (all, page) = Default::default();
            let left = studio.list_deletions(&all, page).await.unwrap().rows;
            purged += usize::from(left.is_empty());
            swept += usize::from(blobs(&root) == 2);
            if let Some(entry) = left.first() {
                assert_eq!(studio.restore(entry.id).await.unwrap().missing, []);
                assert_eq!(blobs(&root), 6);
                return;
            }
            let options = pegbar::PurgeOptions {
                grace_ms: 0,
                unnamed: false,
                dry_run: false,
            };
            let scope = pegbar::PurgeScope::All;
            studio.purge(scope, options, |_| {}).await.unwrap();
            assert_eq!(blobs(&root), 2, "the next purge goes on");
        });
        if let Outcome::Finished { status } = run.outcome {
            assert!(status.success(), "{}", run.stderr);
            break;
        }
        killed += 1;
        fs::remove_dir_all(attempt.path().join(n.to_string())).unwrap();
    }
    let line = format!("purge: {killed} kills, {purged} purged, {swept} swept\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    assert!(killed >= 15 && purged > 1 && purged < killed, "{line}");
}

#[test]
fn delete_survives_a_kill_at_any_step() {
    survives("delete", &["project", "delete", "Cats", "--yes"]);
}

#[test]
fn recording_a_generation_survives_a_kill_at_any_step() {
    survives(
        "generation",
        &[
            "generation",
            "record",
            "200.png",
            "201.png",
            "--as-variation",
            "Cat",
            "--prompt",
            "side view",
            "--input",
            "style=202.png",
        ],
    );
}

#[test]
fn dropping_bytes_survives_a_kill_at_any_step() {
    survives("drop bytes", &["asset", "drop-bytes", "side.png", "--yes"]);
}

#[test]
fn import_survives_a_kill_at_any_step() {
    survives("import", &["import", "folder", "art", "--character", "Cat"]);
}

#[test]
fn init_can_be_repeated_after_a_kill_at_any_step() {
    if !trace::supported() {
        return;
    }
    for n in 1.. {
        let folder = tempfile::tempdir().unwrap();
        let mut victim = Victim::new(env!("CARGO_BIN_EXE_pegbar"), folder.path());
        victim.args = vec!["init".into(), "studio".into()];
        let run = trace::kill_at(&victim, n).unwrap();
        let root = folder.path().join("studio");
        fs::create_dir_all(&root).unwrap();
        let opened = block_on(Studio::open(&root));
        if let Outcome::Finished { status } = run.outcome {
            assert!(status.success() && opened.is_ok(), "{}", run.stderr);
            assert!(n > 20, "only {n} calls");
            return;
        }
        if opened.is_err() {
            block_on(Studio::create(&root)).unwrap();
        }
    }
}

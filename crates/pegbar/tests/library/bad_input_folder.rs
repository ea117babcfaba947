//! Folders and names that are unusual: links into and out of the studio, other disks, long
//! paths, names in every script.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use pegbar::{
    Engine, NewAnimation, NewAsset, NewCharacter, NewFrame, NewProject, Notice, ProjectTree, Studio,
};
use tempfile::TempDir;

use crate::support::{assert_in_step, asset, files_below, png, skipped};

async fn cat(studio: &Studio) -> ProjectTree {
    let walk = (0..4).fold(NewAnimation::new("Walk"), |walk, n| {
        walk.frame(NewFrame::new(asset(n)))
    });
    let cat = NewCharacter::new("Cat")
        .variation(asset(90))
        .animation(walk);
    let project = NewProject::new("P").reference(asset(91)).character(cat);
    studio.create_project(project).await.unwrap()
}

/// A folder on another disk than the folder for temporary files; `None`, and said so, where
/// there is none.
pub(crate) fn other_disk() -> Option<TempDir> {
    let disk = |folder: &Path| fs::metadata(folder).map(|found| found.dev()).ok();
    let shared = Path::new("/dev/shm");
    if disk(shared).is_some() && disk(shared) != disk(&std::env::temp_dir()) {
        return Some(tempfile::tempdir_in(shared).unwrap());
    }
    skipped("folders on other disks, since /dev/shm is not one");
    None
}

/// Every link below a folder.
fn links_below(folder: &Path) -> Vec<PathBuf> {
    let mut links = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            links.push(path);
        } else if path.is_dir() {
            links.extend(links_below(&path));
        }
    }
    links
}

fn kept(studio: &Studio) -> Vec<(String, PathBuf)> {
    let notices = studio
        .take_notices()
        .into_iter()
        .map(|notice| match notice {
            Notice::Kept(kept) => (kept.path, kept.kept_as),
            other => panic!("{other:?}"),
        });
    notices.collect()
}

/// Exchanges a folder for a link and back, again and again.
struct Exchanging {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<u32>,
}

impl Exchanging {
    fn begin(folder: PathBuf, moved: PathBuf, outside: PathBuf) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = is_over.clone();
        let thread = std::thread::spawn(move || {
            let mut count = 0;
            while !seen.load(Ordering::Relaxed) {
                if fs::rename(&folder, &moved).is_ok() {
                    count += u32::from(symlink(&outside, &folder).is_ok());
                    std::thread::sleep(Duration::from_millis(1));
                    if folder.is_symlink() {
                        let _ = fs::remove_file(&folder);
                    }
                    if fs::rename(&moved, &folder).is_err() {
                        // There is one again. Someone may be writing in this one.
                        while fs::remove_dir_all(&moved).is_err() {}
                    }
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            count
        });
        Self { is_over, thread }
    }

    /// Returns how many exchanges there were.
    fn end(self) -> u32 {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

both_engines! {
    async fn a_studio_may_be_reached_by_a_link(bench) {
        let tree = cat(&bench.create().await).await;
        let link = bench.folder.path().join("link");
        symlink(bench.root(), &link).unwrap();
        let studio = Studio::open_with(&link, bench.options()).await.unwrap();
        assert_eq!(studio.root(), bench.root().canonicalize().unwrap());
        studio.create_asset(tree.project.id, asset(50)).await.unwrap();
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
        assert_in_step(&bench.open().await, &now);
    }

    async fn the_tree_of_files_may_lie_on_another_disk(bench) {
        let Some(disk) = other_disk() else { return };
        let studio = bench.create().await;
        fs::create_dir_all(bench.root().join("public")).unwrap();
        symlink(disk.path(), bench.root().join("public/assets")).unwrap();
        let tree = cat(&studio).await;
        assert_in_step(&studio, &tree);
        assert_eq!(files_below(disk.path()).len(), 6);
        // What stands in the way is kept on the studio's own disk: a file, a folder, a link.
        let walk = disk.path().join(format!("{}/frames/Walk", tree.project.id));
        fs::write(walk.join("Cat_Walk_4.png"), "mine").unwrap();
        fs::create_dir_all(walk.join("Cat_Walk_5.png/deep")).unwrap();
        fs::write(walk.join("Cat_Walk_5.png/deep/x"), "also mine").unwrap();
        symlink("x", walk.join("Cat_Walk_5.png/link")).unwrap();
        symlink("/nowhere", walk.join("Cat_Walk_6.png")).unwrap();
        let new = (0..3).map(|n| NewFrame::new(asset(60 + n))).collect();
        studio.append_frames(tree.characters[0].animations[0].animation.id, new, None).await.unwrap();
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
        let kept = kept(&studio);
        let [(_, file), (_, folder), (_, link)] = kept.as_slice() else { panic!("{kept:?}") };
        assert!(file.starts_with(studio.root().join(".pegbar/kept")));
        assert_eq!(fs::read_to_string(file).unwrap(), "mine");
        assert_eq!(fs::read_to_string(folder.join("deep/x")).unwrap(), "also mine");
        assert_eq!(fs::read_link(folder.join("link")).unwrap(), Path::new("x"));
        assert_eq!(fs::read_link(link).unwrap(), Path::new("/nowhere"));
        let names = |(path, _): &(String, _)| !path.contains(".pegbar");
        assert!(files_below(disk.path()).iter().all(names), "nothing is left aside");

        // The disk is away for a while: the rows change, and the files follow when it is back.
        let away = bench.folder.path().join("away");
        let assets = bench.root().join("public/assets");
        fs::rename(&assets, &away).unwrap();
        symlink("/nowhere/at/all", &assets).unwrap();
        let frames = &now.characters[0].animations[0].frames;
        studio.move_frame(frames[0].frame.id, 3, None).await.unwrap();
        studio.remove_frame(frames[2].frame.id, None).await.unwrap();
        for notice in studio.take_notices() {
            let Notice::ViewStale(error) = notice else { panic!("{notice:?}") };
            let text = error.to_string();
            assert!(text.ends_with("assets is a link to /nowhere/at/all, which is not there"), "{text}");
        }
        fs::remove_file(&assets).unwrap();
        fs::rename(&away, &assets).unwrap();
        studio.update_view().await.unwrap();
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
        studio.delete_project(tree.project.id).await.unwrap();
        assert_eq!(files_below(disk.path()), []);
    }

    async fn the_blobs_may_lie_on_another_disk_which_may_be_away(bench) {
        let Some(disk) = other_disk() else { return };
        let studio = bench.create().await;
        let tree = cat(&studio).await;
        drop(studio);
        let (blobs, there) = (bench.root().join(".pegbar/blobs"), disk.path().join("blobs"));
        let moved = std::process::Command::new("mv").arg(&blobs).arg(&there).status();
        assert!(moved.unwrap().success());
        symlink(&there, &blobs).unwrap();
        let studio = bench.open().await;
        studio.create_asset(tree.project.id, asset(50)).await.unwrap();
        let large = crate::support::images::png_chunk(*b"raNd", &vec![1; 9 << 20]);
        let large = crate::support::images::png_with(png(51), &[large]);
        let file = bench.folder.path().join("large.png");
        fs::write(&file, large).unwrap();
        studio.create_asset(tree.project.id, NewAsset::from_file(&file)).await.unwrap();
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
        drop(studio);
        // What a crash left half-written there is swept.
        let half = there.join(".tmp/1-0");
        fs::create_dir_all(&half).unwrap();
        fs::write(half.join("1"), "half").unwrap();
        let studio = bench.open().await;
        assert!(!half.exists());

        let (away, files) = (disk.path().join("away"), files_below(&studio.assets_folder()));
        fs::rename(&there, &away).unwrap();
        let refused = async |studio: &Studio| {
            let error = studio.create_asset(tree.project.id, asset(52)).await.unwrap_err();
            assert_eq!(error.code(), "unavailable");
            let expected = format!("/.pegbar/blobs is a link to {}, which is not there", there.display());
            assert!(error.to_string().ends_with(&expected), "{error}");
            assert!(error.hint().unwrap().contains("mount the disk"));
        };
        refused(&studio).await;
        drop(studio);
        let studio = bench.open().await;
        refused(&studio).await;
        // Nothing is taken for gone that is only away.
        assert_eq!(studio.sync(|_, _| {}).await.unwrap_err().code(), "unavailable");
        assert_eq!(files_below(&studio.assets_folder()), files);
        fs::rename(&away, &there).unwrap();
        studio.create_asset(tree.project.id, asset(52)).await.unwrap();
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
        assert_eq!(now.references.len(), 4);
    }

    async fn a_link_in_the_place_of_a_folder_is_kept_and_nothing_is_touched_behind_it(bench) {
        let studio = bench.create().await;
        let tree = cat(&studio).await;
        let project = tree.project.id.to_string();
        let outside = bench.folder.path().join("outside");
        for (round, replaced) in (100..).step_by(10).zip([
            project.clone(),
            format!("{project}/frames"),
            format!("{project}/frames/Walk"),
            format!("{project}/characters"),
        ]) {
            // Someone moves a folder away, adds to it, and leaves a link in its place.
            let place = studio.assets_folder().join(&replaced);
            fs::rename(&place, &outside).unwrap();
            fs::write(outside.join("mine.txt"), "mine").unwrap();
            symlink(&outside, &place).unwrap();
            let before = files_below(&outside);
            let now = studio.get_project_tree(tree.project.id).await.unwrap();
            let walk = &now.characters[0].animations[0];
            let last = walk.frames.last().unwrap().frame.frame_index;
            studio.move_frame(walk.frames[0].frame.id, last, None).await.unwrap();
            studio.remove_frame(walk.frames[1].frame.id, None).await.unwrap();
            let new = vec![NewFrame::new(asset(round))];
            studio.append_frames(walk.animation.id, new, None).await.unwrap();
            let character = now.characters[0].character.id;
            studio.create_variation(character, asset(round + 1)).await.unwrap();
            let now = studio.get_project_tree(tree.project.id).await.unwrap();
            assert_in_step(&studio, &now);
            assert_eq!(links_below(&studio.assets_folder()), Vec::<PathBuf>::new());
            assert_eq!(files_below(&outside), before, "{replaced}");
            let kept = kept(&studio);
            let [(path, kept_as)] = kept.as_slice() else { panic!("{kept:?}") };
            assert_eq!(*path, replaced);
            assert_eq!(fs::read_link(kept_as).unwrap(), outside);
            fs::remove_file(kept_as).unwrap();
            fs::remove_dir_all(&outside).unwrap();
        }
        // Also when everything is to be removed, or compared.
        for compares in [true, false] {
            let place = studio.assets_folder().join(&project);
            fs::rename(&place, &outside).unwrap();
            symlink(&outside, &place).unwrap();
            let before = files_below(&outside);
            if compares {
                studio.sync(|_, _| {}).await.unwrap();
                let now = studio.get_project_tree(tree.project.id).await.unwrap();
                assert_in_step(&studio, &now);
            } else {
                studio.delete_project(tree.project.id).await.unwrap();
                assert!(!place.exists());
            }
            assert_eq!(files_below(&outside), before);
            assert_eq!(kept(&studio).len(), 1);
            fs::remove_dir_all(&outside).unwrap();
        }
    }

    async fn a_folder_that_is_exchanged_for_a_link_meanwhile_leads_nowhere(bench) {
        let studio = bench.create().await;
        let tree = cat(&studio).await;
        let first = tree.characters[0].animations[0].frames[0].frame.id;
        let outside = bench.folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let exchanging = Exchanging::begin(
            studio.assets_folder().join(format!("{}/frames/Walk", tree.project.id)),
            bench.folder.path().join("moved"),
            outside.clone(),
        );
        let begun = std::time::Instant::now();
        for round in 1.. {
            studio.move_frame(first, round % 4, None).await.unwrap();
            drop(studio.take_notices());
            if begun.elapsed().as_secs() >= 3 {
                break;
            }
        }
        assert!(exchanging.end() > 0);
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        // When the links are gone, all is put right.
        studio.sync(|_, _| {}).await.unwrap();
        drop(studio.take_notices());
        let now = studio.get_project_tree(tree.project.id).await.unwrap();
        assert_in_step(&studio, &now);
    }

    async fn what_a_link_to_an_image_leads_to_is_taken_in(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let here = bench.folder.path();
        fs::write(here.join("real.png"), png(7)).unwrap();
        symlink("real.png", here.join("link.png")).unwrap();
        symlink("nothing.png", here.join("dangling.png")).unwrap();
        symlink("loop.png", here.join("loop.png")).unwrap();
        let taken = studio.create_asset(project, NewAsset::from_file(here.join("link.png"))).await;
        let taken = taken.unwrap();
        assert_eq!(taken.original_name.as_deref(), Some("link.png"));
        assert_eq!(taken.sha256, Some(pegbar::Sha256::of(&png(7))));
        let blobs = studio.root().join(".pegbar/blobs");
        assert_eq!((files_below(&blobs).len(), links_below(&blobs).len()), (1, 0));
        for name in ["dangling.png", "loop.png"] {
            let new = NewAsset::from_file(here.join(name));
            let error = studio.create_asset(project, new).await.unwrap_err();
            assert_eq!(error.code(), "io", "{name}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    async fn names_of_255_bytes_in_every_script_have_their_files(bench) {
        let studio = bench.create().await;
        let letters = [
            "a", "é", "ß", "Ж", "ω", "א", "ش", "क्षि", "ก็", "한", "走", "猫", "あ", "አ", "Ა", "𠮷",
            "🐈", "👨‍👩‍👧‍👦", "\u{1d504}", "e\u{301}\u{323}", "/", ".", "\u{200b}", "\\", "CON",
        ];
        for letter in letters {
            let mut name = letter.repeat(255 / letter.len());
            name.push_str(&"z".repeat(255 - name.len()));
            assert_eq!(name.len(), 255);
            let walk = NewAnimation::new(&name).frame(NewFrame::new(asset(1)));
            let cat = NewCharacter::new(&name).variation(asset(2)).animation(walk);
            let project = NewProject::new(&name).character(cat);
            let tree = studio.create_project(project).await.unwrap();
            assert_in_step(&studio, &tree);
            assert_eq!(tree.characters[0].character.name, name);
            let read = studio.get_project_tree(tree.project.id).await.unwrap();
            assert_eq!(read, tree, "{letter}");
            let longer = NewCharacter::new(format!("{name}z"));
            let error = studio.create_character(tree.project.id, longer).await.unwrap_err();
            assert_eq!(error.to_string(), "name: 256 bytes long; at most 255 are kept");
        }
    }

    async fn a_name_that_is_no_text_is_kept_so_that_it_can_be_read(bench) {
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        let file = bench.folder.path().join(OsStr::from_bytes(b"caf\xe9 \xe7\x8c\xab\xff.png"));
        fs::write(&file, png(1)).unwrap();
        let asset = studio.create_asset(project, NewAsset::from_file(&file)).await.unwrap();
        assert_eq!(asset.original_name.as_deref(), Some("caf\\xe9 猫\\xff.png"));
        fs::write(&file, "not an image").unwrap();
        let error = studio.create_asset(project, NewAsset::from_file(&file)).await.unwrap_err();
        assert!(error.to_string().contains("caf\u{fffd} 猫\u{fffd}.png"), "{error}");
        let longest = bench.folder.path().join(format!("{}.png", "猫".repeat(83)));
        fs::write(&longest, png(2)).unwrap();
        let asset = studio.create_asset(project, NewAsset::from_file(&longest)).await.unwrap();
        assert_eq!(asset.original_name.unwrap().len(), 253);
    }

    async fn a_studio_lies_as_deep_as_its_database_reaches(bench) {
        // SQLite opens paths of up to 504 bytes, PostgreSQL has its own place.
        let is_sqlite = bench.engine() == Engine::Sqlite;
        let depth = if is_sqlite { 504 - "/.pegbar/pegbar.db".len() } else { 2000 };
        let deep = |length: usize| {
            let mut folder = bench.folder.path().canonicalize().unwrap();
            while folder.as_os_str().len() + 101 < length {
                folder.push("d".repeat(50));
            }
            let rest = length - folder.as_os_str().len() - 1;
            folder.join("e".repeat(rest))
        };
        if is_sqlite {
            let folder = deep(depth + 1);
            let error = Studio::create_with(&folder, bench.options()).await.unwrap_err();
            assert_eq!(error.code(), "unavailable");
            assert!(error.to_string().contains("505 bytes long, and SQLite opens up to 504"), "{error}");
            assert!(error.hint().unwrap().contains("not so deep"));
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left in it");
        }
        let folder = deep(depth);
        fs::create_dir_all(&folder).unwrap();
        let studio = Studio::create_with(&folder, bench.options()).await.unwrap();
        let tree = cat(&studio).await;
        assert_in_step(&studio, &tree);
        drop(studio);
        let studio = Studio::open_with(&folder, bench.options()).await.unwrap();
        assert_in_step(&studio, &tree);
    }

    async fn a_path_that_is_too_long_is_called_that(bench) {
        let mut beyond = bench.folder.path().to_owned();
        while beyond.as_os_str().len() < 4200 {
            beyond.push("d".repeat(200));
        }
        let long_name = bench.folder.path().join("n".repeat(300));
        for folder in [&beyond, &long_name] {
            let error = Studio::create_with(folder, bench.options()).await.unwrap_err();
            assert_eq!(error.code(), "io");
            assert!(error.hint().unwrap().contains("too long for the file system"), "{error:?}");
        }
        let studio = bench.create().await;
        let project = studio.create_project(NewProject::new("P")).await.unwrap().project.id;
        for file in [&beyond, &long_name] {
            let new = NewAsset::from_file(file.join("cat.png"));
            let error = studio.create_asset(project, new).await.unwrap_err();
            assert!(error.hint().unwrap().contains("too long for the file system"), "{error:?}");
        }
        assert_eq!(files_below(&studio.assets_folder()), []);
    }
}

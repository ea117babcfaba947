//! What many add at once is durable in a log first: whatever a power cut leaves of the blobs and
//! of the view, all of it is back after the next opening.

use std::fs;
use std::path::{Path, PathBuf};

use pegbar::{
    Asset, DoctorOptions, NewAsset, NewProject, Notice, ProjectId, PurgeOptions, PurgeScope,
    RepairOptions, Studio,
};

use crate::support::{Bench, assert_in_step, files_below, png, skipped};

const MANY: u32 = 48;

/// Adds many assets at once, and takes the log along, as a power cut would leave it; returns those
/// that are in it, too. `None` where there is none.
async fn added(studio: &Studio) -> Option<(ProjectId, Vec<Asset>, Vec<u8>)> {
    let project = studio.create_project(NewProject::new("Cats")).await;
    let project = project.unwrap().project.id;
    let callers = (0..MANY).map(|number| {
        let studio = studio.clone();
        let new = NewAsset::from_bytes(png(number));
        tokio::spawn(async move { studio.create_asset(project, new).await })
    });
    let callers: Vec<_> = callers.collect();
    let mut assets = Vec::new();
    for caller in callers {
        assets.push(caller.await.unwrap().unwrap());
    }
    let tmp = studio.root().join(".pegbar/tmp");
    let own = fs::read_dir(tmp).unwrap().map(|own| own.unwrap().path());
    let logs: Vec<PathBuf> = own.map(|own| own.join("log")).collect();
    let Some(log) = logs.iter().find(|log| log.exists()) else {
        skipped("a log of what is taken in: the file system is not flushed as a whole");
        return None;
    };
    let log = fs::read(log).unwrap();
    // Who came first was added alone, and flushed.
    let is_in_log = |asset: &Asset| {
        log.windows(32)
            .any(|bytes| bytes == asset.sha256.unwrap().0)
    };
    assets.retain(is_in_log);
    assert!(assets.len() >= 10, "{} are in the log", assets.len());
    Some((project, assets, log))
}

/// Lays a log out as a process leaves it that is gone.
fn leave(bench: &Bench, log: &[u8]) -> PathBuf {
    let folder = bench.root().join(".pegbar/tmp/1-0");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("lock"), "").unwrap();
    fs::write(folder.join("log"), log).unwrap();
    folder
}

/// Leaves of a file what a power cut may leave.
fn tear(file: &Path, how: usize) {
    let mut bytes = fs::read(file).unwrap();
    // Blobs are read-only.
    let permissions = fs::metadata(file).unwrap().permissions();
    fs::remove_file(file).unwrap();
    match how % 4 {
        0 => return,
        1 => bytes.clear(),
        2 => bytes[20..].fill(0),
        _ => bytes.truncate(30),
    }
    fs::write(file, bytes).unwrap();
    fs::set_permissions(file, permissions).unwrap();
}

fn blob(bench: &Bench, asset: &Asset) -> PathBuf {
    let name = asset.sha256.unwrap().to_string();
    let below = format!(".pegbar/blobs/{}/{name}", &name[..2]);
    bench.root().join(below)
}

fn file(bench: &Bench, asset: &Asset) -> PathBuf {
    let below = asset.file_path.as_ref().unwrap();
    bench.root().join("public/assets").join(below)
}

/// Tears every blob and every file, except each fifth.
fn tear_all(bench: &Bench, assets: &[Asset]) {
    for (place, asset) in assets
        .iter()
        .enumerate()
        .filter(|(place, _)| place % 5 != 4)
    {
        tear(&blob(bench, asset), place);
        tear(&file(bench, asset), place / 4);
    }
}

/// Adds many assets at once, and cuts the power; returns those that may be torn, and where the log
/// is.
async fn cut(bench: &Bench) -> Option<(ProjectId, Vec<Asset>, PathBuf)> {
    let (project, assets, log) = added(&bench.create().await).await?;
    let left = leave(bench, &log);
    tear_all(bench, &assets);
    Some((project, assets, left))
}

async fn assert_whole(studio: &Studio, project: ProjectId, left: &Path) {
    assert!(!left.exists());
    let tree = studio.get_project_tree(project).await.unwrap();
    assert_eq!(tree.references.len(), MANY as usize);
    assert_in_step(studio, &tree);
    let report = studio.doctor(&DoctorOptions::default(), |_| {}).await;
    let report = report.unwrap();
    assert!(report.is_healthy(), "{:?}", report.findings);
    assert!(!studio.root().join(".pegbar/damaged").exists());
}

both_engines! {
    async fn what_a_power_cut_tears_is_whole_after_the_next_opening(bench) {
        let Some((project, _, left)) = cut(bench).await else { return };
        let studio = bench.open().await;
        assert!(studio.take_notices().is_empty());
        assert_whole(&studio, project, &left).await;
        assert!(!studio.root().join(".pegbar/kept").exists());
    }

    async fn repair_puts_back_what_a_power_cut_tears(bench) {
        let Some((project, _, left)) = cut(bench).await else { return };
        let studio = Studio::open_unrecovered(bench.root(), bench.options()).await.unwrap();
        studio.repair(&RepairOptions::default(), |_| {}).await.unwrap();
        assert_whole(&studio, project, &left).await;
    }

    async fn until_then_the_doctor_calls_nothing_damaged(bench) {
        let Some((project, _, left)) = cut(bench).await else { return };
        let options = DoctorOptions { deep: true, ..DoctorOptions::default() };
        let studio = Studio::open_read_only(bench.root(), bench.options()).await.unwrap();
        let report = studio.doctor(&options, |_| {}).await.unwrap();
        let kinds: Vec<_> = report.counts.keys().map(|kind| kind.code()).collect();
        assert_eq!(kinds, ["tmp_leftover"]);
        drop(studio);
        assert_whole(&bench.open().await, project, &left).await;
    }

    async fn what_others_wrote_before_a_power_cut_is_kept(bench) {
        let Some((project, assets, left)) = cut(bench).await else { return };
        fs::write(file(bench, &assets[4]), "mine").unwrap();
        let damaged = blob(bench, &assets[9]);
        fs::remove_file(&damaged).unwrap();
        fs::write(&damaged, "damaged in another way").unwrap();
        let studio = bench.open().await;
        let notices = studio.take_notices();
        let [Notice::Kept(kept)] = notices.as_slice() else { panic!("{notices:?}") };
        assert_eq!(fs::read_to_string(&kept.kept_as).unwrap(), "mine");
        let aside = files_below(&studio.root().join(".pegbar/damaged"));
        assert_eq!(aside.len(), 1, "{aside:?}");
        fs::remove_dir_all(studio.root().join(".pegbar/damaged")).unwrap();
        assert_whole(&studio, project, &left).await;
    }

    #[cfg(unix)]
    async fn what_could_not_be_flushed_is_written_anew(bench) {
        use std::os::unix::fs::MetadataExt as _;
        let studio = bench.create().await;
        let Some((project, assets, log)) = added(&studio).await else { return };
        drop(studio);
        let left = leave(bench, &log);
        // Whole, but maybe in memory only.
        fs::write(left.join("failed"), "").unwrap();
        let modified = |path: PathBuf| {
            let found = fs::metadata(path).unwrap();
            (found.ino(), found.mtime(), found.mtime_nsec())
        };
        let all = || {
            let both = assets.iter().flat_map(|asset| [blob(bench, asset), file(bench, asset)]);
            both.map(modified).collect::<Vec<_>>()
        };
        let before = all();
        let studio = bench.open().await;
        let kept = before.iter().zip(all()).filter(|(before, now)| *before == now);
        assert_eq!(kept.count(), 0);
        assert!(studio.take_notices().is_empty());
        assert_whole(&studio, project, &left).await;
    }

    async fn who_holds_a_log_keeps_it(bench) {
        let Some((project, _, left)) = cut(bench).await else { return };
        let lock = fs::File::open(left.join("lock")).unwrap();
        lock.lock().unwrap();
        drop(bench.open().await);
        assert!(left.join("log").exists());
        // Whoever only looks whether it is held does not keep others from it.
        lock.unlock().unwrap();
        lock.lock_shared().unwrap();
        let looks = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            drop(lock);
        });
        assert_whole(&bench.open().await, project, &left).await;
        looks.join().unwrap();
    }

    async fn a_log_that_is_torn_itself_does_no_harm(bench) {
        let studio = bench.create().await;
        let Some((project, _, mut log)) = added(&studio).await else { return };
        drop(studio);
        log[5000..].fill(0);
        let left = leave(bench, &log);
        assert_whole(&bench.open().await, project, &left).await;
        let left = leave(bench, &[]);
        assert_whole(&bench.open().await, project, &left).await;
    }

    async fn what_was_purged_does_not_come_back(bench) {
        let studio = bench.create().await;
        let Some((project, _, log)) = added(&studio).await else { return };
        studio.delete_project(project).await.unwrap();
        let now = PurgeOptions { grace_ms: 0, ..PurgeOptions::default() };
        studio.purge(PurgeScope::All, now, |_| {}).await.unwrap();
        let blobs = studio.root().join(".pegbar/blobs");
        assert!(files_below(&blobs).is_empty());
        drop(studio);
        let left = leave(bench, &log);
        let studio = bench.open().await;
        assert!(!left.exists());
        assert!(files_below(&blobs).is_empty());
        assert!(studio.doctor(&DoctorOptions::default(), |_| {}).await.unwrap().is_healthy());
    }

    async fn a_log_goes_with_its_process(bench) {
        let studio = bench.create().await;
        let Some((project, ..)) = added(&studio).await else { return };
        // A single one is in it, too, once there is one.
        studio.create_asset(project, NewAsset::from_bytes(png(MANY))).await.unwrap();
        let other = bench.open().await;
        let tree = other.get_project_tree(project).await.unwrap();
        assert_in_step(&other, &tree);
        drop((studio, other));
        let tmp = files_below(&bench.root().join(".pegbar/tmp"));
        assert!(tmp.iter().all(|(path, _)| path == "lock"), "{tmp:?}");
    }
}

//! The path in a row is hostile: whatever it says, nothing outside `public/assets` is read,
//! moved or removed.

use std::fs;
use std::path::{Path, PathBuf};

use pegbar::{Disagreement, Sha256};

use super::foreign::{Foreign, Owner, quoted};
use crate::support::{files_below, png};

/// Images around `public/assets` that no row may get, and links to them from within.
struct Trap {
    outside: PathBuf,
    secrets: Vec<(PathBuf, Sha256)>,
}

impl Trap {
    fn set(foreign: &Foreign<'_>) -> Self {
        let root = foreign.studio.root();
        let outside = foreign
            .bench
            .folder
            .path()
            .canonicalize()
            .unwrap()
            .join("outside");
        fs::create_dir_all(outside.join("deep")).unwrap();
        fs::create_dir_all(root.join("public/assets/real/inner")).unwrap();
        let places = [
            outside.join("secret.png"),
            outside.join("deep/secret.png"),
            root.join("secret.png"),
            root.join("public/secret.png"),
            root.join(".pegbar/secret.png"),
            root.join(".pegbar/blobs/secret.png"),
        ];
        fs::create_dir_all(root.join(".pegbar/blobs")).unwrap();
        let secrets = (0..).zip(places).map(|(number, place)| {
            let bytes = png(9000 + number);
            fs::write(&place, &bytes).unwrap();
            (place, Sha256::of(&bytes))
        });
        Self {
            outside: outside.clone(),
            secrets: secrets.collect(),
        }
    }

    /// Nothing of it was taken in, changed or removed.
    #[track_caller]
    fn assert_untouched(&self, foreign: &Foreign<'_>) {
        let blobs = files_below(&foreign.studio.root().join(".pegbar/blobs"));
        for (place, sha256) in &self.secrets {
            assert_eq!(Sha256::of(&fs::read(place).unwrap()), *sha256);
            let name = format!("{}/{sha256}", &sha256.to_string()[..2]);
            assert!(
                !blobs.iter().any(|(path, _)| *path == name),
                "{} was taken in",
                place.display()
            );
        }
    }
}

#[cfg(unix)]
fn links(foreign: &Foreign<'_>, outside: &Path) -> Vec<String> {
    use std::os::unix::fs::symlink;
    let inside = foreign.studio.assets_folder();
    let link = |to: &Path, from: &str| symlink(to, inside.join(from)).unwrap();
    link(outside, "folder");
    link(&outside.join("secret.png"), "file.png");
    link(Path::new("../../../outside"), "relative");
    link(Path::new("folder"), "twice");
    link(&outside.join("deep"), "real/inner/deep");
    link(Path::new("../../.pegbar"), "store");
    link(Path::new("/"), "slash");
    link(Path::new("nowhere"), "dangling.png");
    link(Path::new("loop.png"), "loop.png");
    link(Path::new("/dev/zero"), "zero.png");
    link(Path::new("/proc/self/root"), "proc");
    fs::write(inside.join("real/own.png"), png(1)).unwrap();
    // Even one that stays inside: what it leads to may be another project's.
    link(Path::new("real/own.png"), "own.png");
    let pipe = std::process::Command::new("mkfifo")
        .arg(inside.join("pipe.png"))
        .status();
    assert!(pipe.unwrap().success());
    std::os::unix::net::UnixListener::bind(inside.join("socket.png")).unwrap();
    let absolute = outside.join("secret.png").to_str().unwrap().to_owned();
    let paths = [
        "folder/secret.png",
        "folder/deep/secret.png",
        "file.png",
        "relative/secret.png",
        "twice/secret.png",
        "real/inner/deep/secret.png",
        "store/secret.png",
        "store/blobs/secret.png",
        "slash/etc/hostname",
        "dangling.png",
        "loop.png",
        "zero.png",
        "own.png",
        "pipe.png",
        "socket.png",
        "/assets/folder/secret.png",
        "public/assets/file.png",
        "folder//secret.png",
        "./folder/./secret.png",
    ];
    let paths = paths.into_iter().map(str::to_owned);
    paths
        .chain([format!("slash{absolute}"), format!("proc{absolute}")])
        .collect()
}

#[cfg(not(unix))]
fn links(_: &Foreign<'_>, _: &Path) -> Vec<String> {
    Vec::new()
}

both_engines! {
    async fn no_hostile_path_leads_out(bench) {
        let mut foreign = Foreign::new(bench).await;
        let trap = Trap::set(&foreign);
        let absolute = trap.outside.join("secret.png").to_str().unwrap().to_owned();
        let mut paths: Vec<String> = [
            "../secret.png", "../../secret.png", "../../.pegbar/secret.png",
            "real/../../secret.png", "real/inner/../../../secret.png", "real/..", "..", "",
            "/", ".", "./", "//", "/../secret.png", "/assets/../secret.png",
            "assets/../../secret.png", "public/assets/../secret.png",
            "/public/assets/../../secret.png", "public/secret.png", "..\\secret.png",
            "real\\..\\..\\secret.png", "C:\\secret.png", "\\\\server\\share\\secret.png",
            ".pegbar/secret.png", ".PEGBAR/secret.png", "real/.pegbar-old-1-1", "~/secret.png",
            "$HOME/secret.png", "%2e%2e/secret.png", "..%2fsecret.png", "....//secret.png",
            "file:///etc/hostname", "http://example.com/secret.png", "real", "real/",
            "real/inner/.", "\u{2025}/secret.png", "\u{ff0e}\u{ff0e}/secret.png",
            "..\u{200b}/secret.png", "secret.png\n../secret.png", "-rf", "*", "secret.png/..",
        ].map(str::to_owned).into();
        paths.extend([absolute.clone(), format!("/{absolute}"), format!("file://{absolute}")]);
        paths.extend(["../../../outside/secret.png".to_owned(), "../".repeat(40) + &absolute]);
        paths.extend(["a/".repeat(3000), "b".repeat(300), "c".repeat(5000)]);
        paths.extend(links(&foreign, &trap.outside));
        assert!(paths.len() >= 50);
        let mut assets = Vec::new();
        for path in &paths {
            assets.push(foreign.asset(Owner::Project, path.as_str()).await);
        }
        if bench.engine() == pegbar::Engine::Sqlite {
            // Only SQLite keeps NUL in a text.
            let id = foreign.asset(Owner::Project, None).await;
            foreign.set(id, "file_path = 'real/own.png' || char(0) || '.png'").await;
            assets.push(id);
        }
        let report = foreign.adopt().await;
        assert_eq!((report.adopted, report.removed), (0, 0), "{report:?}");
        assert_eq!(report.left, assets.len() as u64);
        trap.assert_untouched(&foreign);
        for (id, finding) in assets.iter().zip(&report.findings) {
            assert_eq!(finding.id, id.0, "{finding:?}");
            assert!(finding.is_open && finding.hint().is_some());
            let asset = foreign.studio.get_asset(*id).await.unwrap();
            assert_eq!((asset.sha256, asset.record), (None, None), "{finding:?}");
        }
        assert!(files_below(&foreign.studio.root().join(".pegbar/blobs")).len() == 1);
    }

    async fn each_way_out_is_named_for_what_it_is(bench) {
        let mut foreign = Foreign::new(bench).await;
        let trap = Trap::set(&foreign);
        if links(&foreign, &trap.outside).is_empty() {
            return;
        }
        let id = foreign.asset(Owner::Project, None).await;
        for (path, link) in [
            ("folder/secret.png", "folder"),
            ("real/inner/deep/secret.png", "real/inner/deep"),
            ("file.png", "file.png"),
            ("/assets/own.png", "own.png"),
        ] {
            foreign.set(id, &format!("file_path = {}", quoted(path))).await;
            let (path, link) = (path.to_owned(), link.to_owned());
            assert_eq!(foreign.only_finding(id).await, Disagreement::LinkInPath { path, link });
        }
        for (path, what) in [("pipe.png", "a pipe"), ("socket.png", "a socket")] {
            foreign.set(id, &format!("file_path = {}", quoted(path))).await;
            let (path, found) = (path.to_owned(), what.to_owned());
            assert_eq!(foreign.only_finding(id).await, Disagreement::NotAFile { path, found });
        }
        foreign.set(id, "file_path = 'a/../b'").await;
        let found = foreign.only_finding(id).await;
        assert!(matches!(found, Disagreement::UnsafePath { .. }), "{found:?}");
    }

    #[cfg_attr(not(target_os = "linux"), ignore = "exchanges files and links")]
    async fn a_link_that_is_swapped_in_meanwhile_leads_nowhere(bench) {
        let mut foreign = Foreign::new(bench).await;
        let trap = Trap::set(&foreign);
        let swapping = Swapping::begin(&foreign.studio.assets_folder(), &trap.outside);
        let (mut adopted, mut refused) = (0, 0);
        let begun = std::time::Instant::now();
        while begun.elapsed().as_secs() < 4 || (adopted == 0 || refused == 0) {
            assert!(begun.elapsed().as_secs() < 60, "{adopted} adopted, {refused} refused");
            let mut statements = Vec::new();
            for _ in 0..40 {
                for path in ["swapped/secret.png", "real/swapped.png"] {
                    let id = foreign.studio.new_id();
                    statements.push(foreign.asset_statement(id, Owner::Project, Some(path)));
                }
            }
            foreign.raw.transaction(&statements).await.unwrap();
            let report = foreign.adopt().await;
            adopted += report.adopted;
            let links = report.findings.iter();
            refused += links
                .filter(|each| matches!(each.disagreement, Disagreement::LinkInPath { .. }))
                .count();
            trap.assert_untouched(&foreign);
            foreign.run("DELETE FROM asset").await;
        }
        swapping.end();
        trap.assert_untouched(&foreign);
    }
}

/// Swaps a folder, and a file, for links to the outside and back, as fast as it can.
struct Swapping {
    is_over: std::sync::Arc<std::sync::atomic::AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Swapping {
    fn begin(inside: &Path, outside: &Path) -> Self {
        let is_over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (inside, outside, seen) = (inside.to_owned(), outside.to_owned(), is_over.clone());
        let thread = std::thread::spawn(move || {
            while !seen.load(std::sync::atomic::Ordering::Relaxed) {
                swap(&inside, &outside);
            }
        });
        Self { is_over, thread }
    }

    fn end(self) {
        self.is_over
            .store(true, std::sync::atomic::Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

/// Exchanges harmless things and links, both of which are always somewhere. What is adopted
/// meanwhile may go: it is put there again.
#[cfg(target_os = "linux")]
fn swap(inside: &Path, outside: &Path) {
    use std::os::unix::fs::symlink;
    let exchange = |one: &str, other: &str| {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        let [one, other] = [one, other].map(|name| inside.join(name));
        let _ = renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE);
    };
    let _ = fs::create_dir(inside.join("swapped"));
    let _ = symlink(outside, inside.join("link"));
    let _ = symlink(outside.join("secret.png"), inside.join("link.png"));
    for folder in ["swapped", "link"] {
        let is_link = fs::symlink_metadata(inside.join(folder)).is_ok_and(|it| it.is_symlink());
        if !is_link && !inside.join(folder).join("secret.png").exists() {
            let _ = fs::write(inside.join(folder).join("secret.png"), png(1));
        }
    }
    if fs::symlink_metadata(inside.join("real/swapped.png")).is_err() {
        let _ = fs::write(inside.join("real/swapped.png"), png(2));
    }
    // An even number of times, and then one thing or the other stays for a moment.
    for _ in 0..200 {
        exchange("swapped", "link");
        exchange("real/swapped.png", "link.png");
    }
    std::thread::sleep(std::time::Duration::from_micros(200));
    exchange("swapped", "link");
    exchange("real/swapped.png", "link.png");
    std::thread::sleep(std::time::Duration::from_micros(200));
    exchange("swapped", "link");
    exchange("real/swapped.png", "link.png");
}

#[cfg(not(target_os = "linux"))]
fn swap(_: &Path, _: &Path) {}

//! What the tests share: studios of their own on both engines, and images.

mod raw;

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use pegbar::{
    DatabaseAddress, Engine, NewAsset, NewCharacter, NewProject, ProjectTree, Sha256, Studio,
    StudioOptions,
};
use tempfile::TempDir;

pub(crate) use raw::Raw;

/// Runs one test body on both engines, each time in a studio and a database of its own.
macro_rules! both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($bench:ident) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not every body needs all of it")]
            use super::*;

            async fn promise($bench: &$crate::support::Bench) $body

            #[test]
            $(#[$meta])*
            fn sqlite() {
                $crate::support::run_on_sqlite(async |bench| promise(bench).await);
            }

            #[test]
            $(#[$meta])*
            fn postgres() {
                $crate::support::run_on_postgres(async |bench| promise(bench).await);
            }
        }
    )+};
}

/// The server that tests may create databases on, by its address.
const POSTGRES: &str = "PEGBAR_TEST_POSTGRES";

/// A studio's folder and the address of its database.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) database: DatabaseAddress,
}

impl Bench {
    pub(crate) fn engine(&self) -> Engine {
        match self.database {
            DatabaseAddress::Sqlite => Engine::Sqlite,
            DatabaseAddress::Postgres(_) => Engine::Postgres,
        }
    }

    pub(crate) fn options(&self) -> StudioOptions {
        StudioOptions {
            database: self.database.clone(),
            ..StudioOptions::default()
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("studio")
    }

    pub(crate) async fn create(&self) -> Studio {
        fs::create_dir_all(self.root()).unwrap();
        Studio::create_with(self.root(), self.options())
            .await
            .unwrap()
    }

    pub(crate) async fn open(&self) -> Studio {
        Studio::open_with(self.root(), self.options())
            .await
            .unwrap()
    }

    /// A connection to the database as another program would have it.
    pub(crate) async fn raw(&self) -> Raw {
        match &self.database {
            DatabaseAddress::Sqlite => Raw::sqlite(&self.root().join(".pegbar/pegbar.db")),
            DatabaseAddress::Postgres(url) => Raw::postgres(url).await,
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

pub(crate) fn run_on_sqlite(promise: impl AsyncFnOnce(&Bench)) {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench {
        folder,
        database: DatabaseAddress::Sqlite,
    };
    runtime().block_on(promise(&bench));
}

pub(crate) fn run_on_postgres(promise: impl AsyncFnOnce(&Bench)) {
    static SAID: Once = Once::new();
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = std::env::var(POSTGRES) else {
        SAID.call_once(|| {
            // Straight to the stream: the test harness captures what the macros print.
            let _ = std::io::stderr().write_all(
                b"\n*** SQLite only: PEGBAR_TEST_POSTGRES is not set, so nothing was tested on \
                  PostgreSQL.\n*** Run `scripts/with-postgres cargo test` for both.\n\n",
            );
        });
        return;
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("pegbar_test_{}_{number}", std::process::id());
    let runtime = runtime();
    runtime.block_on(async {
        let mut raw = Raw::postgres(&server).await;
        raw.run(&format!("CREATE DATABASE {name}")).await.unwrap();
    });
    let (address, _) = server.rsplit_once('/').unwrap();
    let bench = Bench {
        folder: tempfile::tempdir().unwrap(),
        database: DatabaseAddress::Postgres(format!("{address}/{name}")),
    };
    runtime.block_on(promise(&bench));
    // After a failure the database stays, to be looked at.
    runtime.block_on(async {
        let mut raw = Raw::postgres(&server).await;
        raw.run(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .await
            .unwrap();
    });
}

/// The folder of real inputs; `None`, said on standard error, where there is none.
pub(crate) fn shared_inputs() -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/real");
    let folder = std::env::var_os("PEGBAR_REAL_INPUTS").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{} is required in CI",
        folder.display()
    );
    SAID.call_once(|| {
        let _ = writeln!(
            std::io::stderr(),
            "\n*** No real inputs: {} is not there (or set PEGBAR_REAL_INPUTS); the tests that \
             need them were skipped.\n",
            folder.display()
        );
    });
    None
}

/// A small PNG; every number gives other bytes.
pub(crate) fn png(number: u32) -> Vec<u8> {
    let [a, b, c, d] = number.to_le_bytes();
    let image = image::RgbaImage::from_fn(8, 6, |x, _| {
        image::Rgba([a, b.wrapping_add(u8::try_from(x).unwrap()), c, 255 - d])
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

pub(crate) fn asset(number: u32) -> NewAsset {
    NewAsset::from_bytes(png(number))
}

/// Creates a project with one character of one variation.
pub(crate) async fn project_with_character(studio: &Studio) -> ProjectTree {
    let cat = NewCharacter::new("Cat").variation(asset(1000));
    studio
        .create_project(NewProject::new("Cats").character(cat))
        .await
        .unwrap()
}

/// Returns the files below a folder, with the hashes of their bytes, by their paths.
pub(crate) fn files_below(folder: &Path) -> Vec<(String, Sha256)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(&next) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(folder).unwrap();
                let below = below.to_str().unwrap().replace('\\', "/");
                found.push((below, Sha256::of(&fs::read(&path).unwrap())));
            }
        }
    }
    found.sort();
    found
}

/// Returns every path that a tree says its assets have, with the hashes of their bytes: what
/// the folder should hold.
pub(crate) fn files_of(tree: &ProjectTree) -> Vec<(String, Sha256)> {
    let project = tree.project.id;
    let mut files = Vec::new();
    for reference in &tree.references {
        let (id, extension) = (reference.id, extension(reference));
        files.push((
            format!("{project}/references/{id}.{extension}"),
            reference.sha256.unwrap(),
        ));
    }
    for character in &tree.characters {
        let name = character.character.segment.as_ref().unwrap();
        for variation in &character.variations {
            let (id, extension) = (variation.id, extension(variation));
            let path = format!("{project}/characters/{name}_{id}.{extension}");
            files.push((path, variation.sha256.unwrap()));
        }
        for animation in &character.animations {
            let folder = animation.animation.segment.as_ref().unwrap();
            for (index, frame) in animation.frames.iter().enumerate() {
                let extension = extension(&frame.asset);
                let file = format!("{name}_{folder}_{index}.{extension}");
                let path = format!("{project}/frames/{folder}/{file}");
                files.push((path, frame.asset.sha256.unwrap()));
            }
            for take in &animation.takes {
                let path = format!("{project}/takes/{}.{}", take.id, extension(take));
                files.push((path, take.sha256.unwrap()));
            }
        }
    }
    files.sort();
    files
}

fn extension(asset: &pegbar::Asset) -> &'static str {
    match asset.mime_type.as_deref().unwrap() {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        "image/gif" => "gif",
        other => panic!("unexpected media type {other}"),
    }
}

/// Checks that folder, rows and blobs of a project agree, path by path and byte by byte.
#[track_caller]
pub(crate) fn assert_in_step(studio: &Studio, tree: &ProjectTree) {
    let folder = studio.assets_folder().join(tree.project.id.to_string());
    let prefix = tree.project.id.to_string();
    let found: Vec<_> = files_below(&folder)
        .into_iter()
        .map(|(path, hash)| (format!("{prefix}/{path}"), hash))
        .collect();
    assert_eq!(found, files_of(tree));
    let animations = tree
        .characters
        .iter()
        .flat_map(|character| &character.animations);
    let frames = animations.flat_map(|animation| &animation.frames);
    let variations = tree
        .characters
        .iter()
        .flat_map(|character| &character.variations);
    let assets = frames
        .map(|frame| &frame.asset)
        .chain(variations)
        .chain(&tree.references);
    for asset in assets {
        let path = asset.file_path.as_ref().unwrap();
        let home = found.iter().find(|(found, _)| found == path);
        assert_eq!(
            home.map(|(_, hash)| *hash),
            asset.sha256,
            "the home of {}",
            asset.id
        );
        let hash = asset.sha256.unwrap().to_string();
        let blob = studio
            .root()
            .join(".pegbar/blobs")
            .join(&hash[..2])
            .join(&hash);
        assert_eq!(Sha256::of(&fs::read(blob).unwrap()).to_string(), hash);
    }
}

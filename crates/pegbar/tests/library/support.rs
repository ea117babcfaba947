//! What the tests share: studios of their own on both engines, and images.

pub(crate) mod alley;
pub(crate) mod exchange;
pub(crate) mod images;
mod layout;
mod raw;
mod unsealed;

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use pegbar::{
    DatabaseAddress, Engine, NewAsset, NewCharacter, NewProject, ProjectTree, Studio, StudioOptions,
};
use tempfile::TempDir;

pub(crate) use layout::{assert_in_step, files_below};
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

/// Runs one test body with a studio on SQLite and another on PostgreSQL.
pub(crate) fn run_on_both(promise: impl AsyncFnOnce(&Bench, &Bench)) {
    run_on_postgres(async |postgres| {
        let sqlite = Bench {
            folder: tempfile::tempdir().unwrap(),
            database: DatabaseAddress::Sqlite,
        };
        promise(&sqlite, postgres).await;
    });
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

/// Says on standard error, past the test harness, what was not tested and why.
pub(crate) fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "\n*** Not tested: {what}\n");
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

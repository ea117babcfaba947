//! What the tests share: studios of their own on both engines, the program, and images.

#[path = "../../../pegbar/tests/library/support/images.rs"]
#[allow(dead_code, reason = "the library's tests need all of them")]
pub(crate) mod images;
#[path = "../../../pegbar/tests/library/support/unsealed.rs"]
mod unsealed;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tempfile::TempDir;

/// Runs one test body on both engines, each time in a studio and a database of its own.
macro_rules! both_engines {
    ($(fn $name:ident($bench:ident) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not every body needs all of it")]
            use super::*;

            fn promise($bench: &$crate::support::Bench) $body

            #[test]
            fn sqlite() {
                promise(&$crate::support::Bench::new());
            }

            #[test]
            fn postgres() {
                $crate::support::run_on_postgres(promise);
            }
        }
    )+};
}

/// The server that tests may create databases on, by its address.
const POSTGRES: &str = "PEGBAR_TEST_POSTGRES";

/// A folder with a studio, and the program that works on it.
pub(crate) struct Bench {
    folder: TempDir,
    database: Option<String>,
}

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    /// A studio on SQLite.
    pub(crate) fn new() -> Self {
        Self::with(None)
    }

    fn with(database: Option<String>) -> Self {
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
            database,
        };
        bench.ok(&["init", bench.root().to_str().unwrap()]);
        bench
    }

    /// The studio's folder.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder().join("studio")
    }

    /// The folder around the studio's, with everything else of the test.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    /// The address of the database, if it is not in the studio's folder.
    pub(crate) fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The program in the studio's folder, with nothing of the environment that changes it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pegbar"));
        let names = std::env::vars_os().map(|(name, _)| name);
        for name in names.filter(|name| name.to_string_lossy().starts_with("PEGBAR_")) {
            command.env_remove(name);
        }
        for name in [
            "COLUMNS",
            "NO_COLOR",
            "CLICOLOR",
            "CLICOLOR_FORCE",
            "DISPLAY",
            "WAYLAND_DISPLAY",
        ] {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", self.folder().join("home"));
        command.stdin(Stdio::null());
        if let Some(database) = &self.database {
            command.env("PEGBAR_DATABASE_URL", database);
        }
        let folder = Some(self.root()).filter(|root| root.exists());
        command.current_dir(folder.unwrap_or_else(|| self.folder.path().to_owned()));
        command.args(arguments);
        command
    }

    /// The same, run by another program that is given it as its last arguments.
    pub(crate) fn command_through(&self, through: &[&str], arguments: &[&str]) -> Command {
        let command = self.command(arguments);
        let mut outer = Command::new(through[0]);
        outer.args(&through[1..]).arg(command.get_program());
        outer.args(command.get_args()).stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        outer.current_dir(command.get_current_dir().unwrap_or(Path::new(".")));
        outer
    }

    /// Runs a statement in the studio's database, past the program.
    pub(crate) fn administer(&self, statement: &str) {
        if let Some(server) = &self.database {
            return administer(server, statement);
        }
        let file = self.root().join(".pegbar/pegbar.db");
        let database = rusqlite::Connection::open(file).unwrap();
        database.execute_batch(statement).unwrap();
    }

    /// The folder around the studio's.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(&self.command(arguments).output().unwrap())
    }

    /// Runs what has to succeed and returns what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        ran.stdout
    }

    /// Runs what has to succeed, with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Runs what has to be refused, and returns what it says.
    pub(crate) fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
        ran.stderr
    }

    /// Runs what has to be refused, with `--json`, and returns the error.
    pub(crate) fn refused_json(&self, code: i32, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
        let mut message: Value = serde_json::from_str(&ran.stderr).unwrap();
        message["error"].take()
    }

    /// Runs statements on the database as another program would.
    pub(crate) fn sql(&self, statements: &str) {
        if let Some(address) = &self.database {
            return administer(address, statements);
        }
        let file = self.root().join(".pegbar/pegbar.db");
        let connection = rusqlite::Connection::open(file).unwrap();
        connection.execute_batch(statements).unwrap();
    }

    /// Runs statements past the triggers that seal records, as someone who owns the database can.
    pub(crate) fn tamper(&self, statements: &str) {
        if let Some(address) = &self.database {
            let [off, on] = ["DISABLE", "ENABLE"].map(unsealed::postgres_triggers);
            return administer(address, &format!("{off}; {statements}; {on}"));
        }
        let file = self.root().join(".pegbar/pegbar.db");
        let connection = rusqlite::Connection::open(file).unwrap();
        unsealed::tamper_sqlite(&connection, statements).unwrap();
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.database.is_none()
    }

    /// An id as it is written in SQL.
    pub(crate) fn sql_id(&self, id: &Value) -> String {
        let id = id.as_str().unwrap();
        match self.database {
            Some(_) => format!("'{id}'"),
            None => format!("x'{}'", id.replace('-', "")),
        }
    }

    /// A file with a small PNG; every number gives other bytes.
    pub(crate) fn png(&self, name: &str, number: u32) -> String {
        let [a, b, c, d] = number.to_le_bytes();
        let image = image::RgbaImage::from_fn(8, 6, |x, _| {
            image::Rgba([a, b.wrapping_add(u8::try_from(x).unwrap()), c, 255 - d])
        });
        let path = self.folder.path().join(name);
        image
            .save_with_format(&path, image::ImageFormat::Png)
            .unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Files with small PNGs: `NAME_0.png` …
    pub(crate) fn pngs(&self, name: &str, count: u32) -> Vec<String> {
        let numbers = 0..count;
        numbers
            .map(|n| self.png(&format!("{name}_{n}.png"), n))
            .collect()
    }

    /// A file with text.
    pub(crate) fn text_file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A file of the view, by its path below `public/assets`.
    pub(crate) fn view(&self, path: &Value) -> PathBuf {
        self.root()
            .join("public/assets")
            .join(path.as_str().unwrap())
    }

    /// A project with a character in one variation and an animation of as many frames.
    pub(crate) fn with_walk(&self, frames: u32) {
        self.ok(&["project", "create", "Cats"]);
        let front = self.png("front.png", 1000);
        self.ok(&["character", "create", "Tabby", &front]);
        self.ok(&["animation", "create", "Tabby", "Walk"]);
        let files = self.pngs("walk", frames);
        let mut arguments = vec!["frame", "add", "Tabby/Walk"];
        arguments.extend(files.iter().map(String::as_str));
        if frames > 0 {
            self.ok(&arguments);
        }
    }
}

pub(crate) fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout.clone()).unwrap(),
        stderr: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

/// The last so many characters of an id.
pub(crate) fn ending(id: &Value, length: usize) -> String {
    let id = id.as_str().unwrap();
    id[id.len() - length..].to_owned()
}

/// The values of one field in an array.
pub(crate) fn each<'a>(array: &'a Value, field: &str) -> Vec<&'a Value> {
    array
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row[field])
        .collect()
}

/// The names that the frames' images came with, in the order of the frames.
pub(crate) fn shown(tree: &Value) -> Vec<&str> {
    let frames = tree["frames"].as_array().unwrap().iter();
    frames
        .map(|frame| frame["asset"]["originalName"].as_str().unwrap())
        .collect()
}

pub(crate) fn run_on_postgres(promise: impl FnOnce(&Bench)) {
    static SAID: Once = Once::new();
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = std::env::var(POSTGRES) else {
        say_once(
            &SAID,
            "SQLite only: PEGBAR_TEST_POSTGRES is not set, so nothing was tested on PostgreSQL.",
        );
        return;
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("pegbar_cli_{}_{number}", std::process::id());
    administer(&server, &format!("CREATE DATABASE {name}"));
    let (address, _) = server.rsplit_once('/').unwrap();
    promise(&Bench::with(Some(format!("{address}/{name}"))));
    // After a failure the database stays, to be looked at.
    administer(&server, &format!("DROP DATABASE {name} WITH (FORCE)"));
}

/// Runs statements on a server that tests may use.
pub(crate) fn administer(server: &str, statement: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls)
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute(statement).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
    });
}

/// Says once that something was not tested, since there is no server.
pub(crate) fn say_skipped(what: &str) {
    static SAID: Once = Once::new();
    say_once(
        &SAID,
        &format!("PEGBAR_TEST_POSTGRES is not set, so this was not tested: {what}."),
    );
}

/// The folder of real inputs; `None`, said on standard error, where there is none.
pub(crate) fn real_inputs() -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/real");
    let folder = std::env::var_os("PEGBAR_REAL_INPUTS").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let is_ci = std::env::var_os("CI").is_some();
    assert!(!is_ci, "{} is required in CI", folder.display());
    say_once(
        &SAID,
        "No real inputs (PEGBAR_REAL_INPUTS); the tests that need them were skipped.",
    );
    None
}

/// Says what was not tested and why.
pub(crate) fn skipped(what: &str) {
    say_once(&Once::new(), &format!("Not tested: {what}"));
}

/// Straight to the stream: the test harness captures what the macros print.
fn say_once(said: &Once, text: &str) {
    said.call_once(|| {
        let _ = writeln!(std::io::stderr(), "\n*** {text}\n");
    });
}

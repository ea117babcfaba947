//! The studios that are attacked: a small one with a walking cat, copied for each attempt.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use pegbar::{
    DatabaseAddress, NewAnimation, NewAsset, NewCharacter, NewFrame, NewProject, ReferenceRole,
    Studio, StudioOptions,
};
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::{Result, block_on};

/// Where the rows of a studio are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Where {
    /// SQLite.
    #[default]
    Sqlite,
    /// The server at this address, any database of it.
    Postgres(String),
}

impl Where {
    /// Returns the name of the engine.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    fn address(&self, database: &str) -> DatabaseAddress {
        match self {
            Self::Sqlite => DatabaseAddress::Sqlite,
            Self::Postgres(server) => {
                let start = server.rfind('/').unwrap_or(server.len());
                DatabaseAddress::Postgres(format!("{}/{database}", &server[..start]))
            }
        }
    }

    fn run(&self, text: &str) -> Result<()> {
        match self {
            Self::Sqlite => Ok(()),
            Self::Postgres(server) => block_on(run_in(server, text)),
        }
    }
}

/// Runs statements in a database of a server.
pub(crate) async fn run_in(address: &str, text: &str) -> Result<()> {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await?;
    let connection = tokio::spawn(connection);
    client.batch_execute(text).await?;
    drop(client);
    let _ = connection.await;
    Ok(())
}

/// Writes the row of an asset as another program might: its id, project and path, which may not
/// have a quote.
///
/// # Errors
/// What the database refuses.
pub fn insert_asset(
    address: &DatabaseAddress,
    root: &Path,
    id: &str,
    project: &str,
    path: &str,
) -> Result<()> {
    let insert = "INSERT INTO asset (id, project_id, kind, file_path) VALUES";
    if let DatabaseAddress::Postgres(address) = address {
        let text = format!("{insert} ('{id}', '{project}', 'reference', '{path}')");
        return block_on(run_in(address, &text));
    }
    let connection = rusqlite::Connection::open(root.join(".pegbar/pegbar.db"))?;
    let (id, project) = (id.replace('-', ""), project.replace('-', ""));
    let text = format!("{insert} (x'{id}', x'{project}', 'reference', ?1)");
    connection.execute(&text, [path])?;
    Ok(())
}

/// A small PNG, each number with bytes of its own.
///
/// # Panics
/// Never: an image in memory can be encoded.
#[must_use]
pub fn png(number: u64) -> Vec<u8> {
    let [a, b, c, ..] = number.to_le_bytes();
    let image = image::RgbaImage::from_pixel(4, 4, image::Rgba([a, b, c, 255]));
    let mut bytes = Cursor::new(Vec::new());
    let written = image.write_to(&mut bytes, image::ImageFormat::Png);
    written.expect("an image in memory can be encoded");
    bytes.into_inner()
}

/// A folder with a studio, and images beside it.
pub struct Base {
    folder: TempDir,
    rows: Where,
    database: String,
    /// Its rows have moved into a file; copies have an empty database on the server.
    has_moved: bool,
}

/// A copy of a studio, gone with the value.
pub struct Site {
    folder: PathBuf,
    /// Removes the folder.
    _own: Option<TempDir>,
    rows: Where,
    database: String,
    /// The rows are in a file, and the database on the server is another.
    has_moved: bool,
}

impl Base {
    /// Makes a studio in a folder below another, with one project: a cat in two variations that walks and jumps.
    ///
    /// # Errors
    /// What the library refuses.
    pub fn new(rows: &Where, above: &Path) -> Result<Self> {
        let folder = tempfile::tempdir_in(above)?;
        let database = new_database(rows, None)?;
        let base = Self {
            folder,
            rows: rows.clone(),
            database,
            has_moved: false,
        };
        let root = base.folder.path().join("studio");
        fs::create_dir(&root)?;
        lay_out_images(base.folder.path())?;
        block_on(async {
            let options = StudioOptions {
                database: rows.address(&base.database),
                ..StudioOptions::default()
            };
            let studio = Studio::create_with(&root, options).await?;
            studio.create_project(cats(&studio)).await?;
            let dogs = NewProject::new("Dogs").reference(NewAsset::from_bytes(png(90)));
            studio.create_project(dogs).await?;
            Ok(())
        })?;
        Ok(base)
    }

    /// Returns the folder above the studio.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the studio's folder.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("studio")
    }

    /// Does something with the open studio.
    ///
    /// # Errors
    /// What it does.
    pub fn with<T>(&self, work: impl AsyncFnOnce(Studio) -> Result<T>) -> Result<T> {
        block_on(async {
            let options = StudioOptions {
                database: self.address(),
                ..StudioOptions::default()
            };
            work(Studio::open_with(self.root(), options).await?).await
        })
    }

    fn address(&self) -> DatabaseAddress {
        if self.has_moved {
            return DatabaseAddress::Sqlite;
        }
        self.rows.address(&self.database)
    }

    /// Moves the rows into a file; then copies have an empty database on the server beside it.
    ///
    /// # Errors
    /// What the library refuses.
    pub fn move_to_file(&mut self) -> Result<()> {
        self.with(async |studio| {
            studio
                .migrate_to(&DatabaseAddress::Sqlite, |_, _| ())
                .await?;
            Ok(())
        })?;
        self.has_moved = true;
        Ok(())
    }

    /// Writes the row of an asset as another program might: its id, project and path.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn insert_asset(&self, id: &str, project: &str, path: &str) -> Result<()> {
        insert_asset(&self.address(), &self.root(), id, project, path)
    }

    /// Copies the studio and what lies beside it, so that each attempt begins with the same.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn copy(&self) -> Result<Site> {
        self.copy_below(self.folder.path().parent().ok_or("it is nowhere")?)
    }

    /// Copies the studio and what lies beside it into a new folder below another.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn copy_below(&self, above: &Path) -> Result<Site> {
        let folder = tempfile::Builder::new()
            .prefix("pegbar-faults.")
            .tempdir_in(above)?;
        copy_folder(self.folder.path(), folder.path())?;
        let template = (!self.has_moved).then_some(&*self.database);
        let database = new_database(&self.rows, template)?;
        Ok(Site {
            folder: folder.path().to_owned(),
            _own: Some(folder),
            rows: self.rows.clone(),
            database,
            has_moved: self.has_moved,
        })
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        drop_database(&self.rows, &self.database);
    }
}

impl Site {
    /// Takes a folder with a studio in it, whose rows are in a file, for what is to be looked at.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            _own: None,
            rows: Where::Sqlite,
            database: String::new(),
            has_moved: false,
        }
    }

    /// Returns the folder above the studio.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the studio's folder.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.join("studio")
    }

    /// Returns where the rows are, unless the attack moved them.
    #[must_use]
    pub fn address(&self) -> DatabaseAddress {
        if self.has_moved {
            return DatabaseAddress::Sqlite;
        }
        self.rows.address(&self.database)
    }

    /// Returns the database on the server that belongs to it: where its rows are, or could be.
    #[must_use]
    pub fn on_server(&self) -> DatabaseAddress {
        self.rows.address(&self.database)
    }

    /// Opens the studio, also where its rows have moved.
    ///
    /// # Errors
    /// What the library refuses.
    pub async fn open(&self) -> Result<Studio> {
        let opened = self.open_at(self.address()).await;
        if self.rows == Where::Sqlite || opened.is_ok() {
            return Ok(opened?);
        }
        let other = match self.address() {
            DatabaseAddress::Sqlite => self.on_server(),
            DatabaseAddress::Postgres(_) => DatabaseAddress::Sqlite,
        };
        // What matters is why it is not where it was.
        match self.open_at(other).await {
            Ok(moved) => Ok(moved),
            Err(_) => Ok(opened?),
        }
    }

    async fn open_at(&self, database: DatabaseAddress) -> pegbar::Result<Studio> {
        let options = StudioOptions {
            database,
            ..StudioOptions::default()
        };
        Studio::open_with(self.root(), options).await
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop_database(&self.rows, &self.database);
    }
}

static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

fn new_database(rows: &Where, template: Option<&str>) -> Result<String> {
    if *rows == Where::Sqlite {
        return Ok(String::new());
    }
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("faults_{}_{number}", std::process::id());
    let like = template.map_or(String::new(), |name| format!(" TEMPLATE {name}"));
    rows.run(&format!("CREATE DATABASE {name}{like}"))?;
    Ok(name)
}

fn drop_database(rows: &Where, name: &str) {
    // The server may be gone; then so is the database.
    let _ = rows.run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
}

fn lay_out_images(folder: &Path) -> Result<()> {
    let art = folder.join("art");
    for (path, number) in [("Walk", 210), ("Walk", 211), ("jump", 212), ("jump", 213)] {
        fs::create_dir_all(art.join(path))?;
        fs::write(art.join(path).join(format!("{number}.png")), png(number))?;
    }
    Ok(())
}

fn cats(studio: &Studio) -> NewProject {
    let front = studio.new_id();
    let mut walk = NewAnimation::new("Walk");
    for number in 0..4 {
        let take = NewAsset::from_bytes(png(number));
        let take = take.made_from(front, ReferenceRole::Character);
        walk = walk.frame(NewFrame::new(take).prompt(format!("pose {number}")));
    }
    let jump = NewAnimation::new("Jump").take(NewAsset::from_bytes(png(20)));
    let cat = NewCharacter::new("Cat")
        .variation(NewAsset::from_bytes(png(10)).id(front))
        .variation(NewAsset::from_bytes(png(11)).original_name("side.png"))
        .animation(walk)
        .animation(jump.frame(NewFrame::new(NewAsset::from_bytes(png(21)))));
    NewProject::new("Cats")
        .thumbnail(front)
        .tag("t")
        .reference(NewAsset::from_bytes(png(30)))
        .character(cat)
}

/// Copies a folder with the times and rights of its files.
///
/// # Errors
/// What the system refuses.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
            continue;
        }
        let found = entry.metadata()?;
        let mut copy = fs::File::create(&target)?;
        std::io::copy(&mut fs::File::open(entry.path())?, &mut copy)?;
        // The time of modification tells our files from edited ones. Both, since exfat-fuse
        // changes neither where one is to stay.
        let times = fs::FileTimes::new().set_accessed(found.accessed()?);
        copy.set_times(times.set_modified(found.modified()?))?;
        copy.set_permissions(found.permissions())?;
    }
    Ok(())
}

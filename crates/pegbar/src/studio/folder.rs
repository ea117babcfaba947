//! The folder of a studio, and which database belongs to it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::db::entity::entity;
use crate::db::sql::{Engine, statements};
use crate::db::{Database, DatabaseAddress, Session};
use crate::disk::{create_folders, create_folders_durably, write_durably};
use crate::error::{Error, IoContext, Result};
use crate::id::StoreId;
use crate::lock::lock_file;
use crate::time::MillisSinceEpoch;

const PRIVATE: &str = ".pegbar";
const DATABASE: &str = "pegbar.db";
const STORE_ID: &str = "store-id";
/// Which engine the rows have moved to, if they have.
const MOVED: &str = "moved-to";

entity! {
    /// Which blob store a database belongs to.
    pub(crate) struct Store in store {
        pub(crate) id: StoreId,
        pub(crate) created_at: MillisSinceEpoch,
    }
}

statements! {
    STORE = "SELECT id FROM store";
    WITH_BYTES = "SELECT id FROM asset WHERE sha256 IS NOT NULL AND bytes_dropped_at IS NULL \
                  LIMIT 1";
}

/// Asks the database for something small: whether there are images, whose bytes the store must
/// have.
pub(super) async fn has_images(database: &Database) -> Result<bool> {
    let mut session = database.read().await?;
    let found = session.optional(&WITH_BYTES, &[], |_| Ok(())).await?;
    Ok(found.is_some())
}

/// Returns which store a database belongs to; `None` for an empty one.
pub(crate) async fn store_id(session: &mut Session) -> Result<Option<StoreId>> {
    session
        .optional(&STORE, &[], |row| row.at(0, "store.id"))
        .await
}

/// A studio's folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(crate) fn create(root: &Path, address: &DatabaseAddress) -> Result<Self> {
        check_new(root)?;
        create_folders_durably(root)?;
        let root = root.canonicalize().at("opening", root)?;
        let folder = Self { root };
        let private = folder.private();
        address.check(&folder.database_file())?;
        create_folders(&private)?;
        // The database and the blobs are nobody's business in a shared git checkout.
        let ignore = private.join(".gitignore");
        fs::write(&ignore, "*\n").at("writing", &ignore)?;
        Ok(folder)
    }

    pub(crate) fn open(root: &Path, address: &DatabaseAddress) -> Result<Self> {
        let private = root.join(PRIVATE);
        if !private.join(STORE_ID).exists() {
            return Err(no_studio(root));
        }
        Self::open_as_it_is(root, address)
    }

    /// Opens a folder that need not say which database it belongs to.
    pub(crate) fn open_as_it_is(root: &Path, address: &DatabaseAddress) -> Result<Self> {
        let private = root.join(PRIVATE);
        if !private.is_dir() {
            return Err(no_studio(root));
        }
        if *address == DatabaseAddress::Sqlite && !private.join(DATABASE).exists() {
            return Err(Error::Unavailable {
                message: format!(
                    "the studio in {} has no database of its own",
                    root.display()
                ),
                hint: "if its database is PostgreSQL, give its address in PEGBAR_DATABASE_URL, \
                       or for good: `pegbar config set database-url ADDRESS`; else put \
                       .pegbar/pegbar.db back"
                    .to_owned(),
                source: None,
            });
        }
        let root = root.canonicalize().at("opening", root)?;
        Ok(Self { root })
    }

    /// Waits until nobody else is creating a studio here, and refuses if there is one then.
    pub(crate) async fn lock(&self) -> Result<fs::File> {
        let lock = lock_file(&self.private().join("create-lock")).await?;
        check_new(&self.root)?;
        Ok(lock)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What only Pegbar touches.
    pub(crate) fn private(&self) -> PathBuf {
        self.root.join(PRIVATE)
    }

    /// The tree of files.
    pub(crate) fn public(&self) -> PathBuf {
        self.root.join("public").join("assets")
    }

    pub(crate) fn database_file(&self) -> PathBuf {
        self.private().join(DATABASE)
    }

    /// Makes sure that database and folder belong together; a new folder and an empty
    /// database are joined for good.
    ///
    /// The id lies beside its place until the database knows it, so that a crash at any point
    /// leaves something that the next attempt completes.
    pub(crate) async fn claim(
        &self,
        database: &Database,
        is_new: bool,
        new_id: impl FnOnce() -> StoreId,
        created_at: MillisSinceEpoch,
    ) -> Result<()> {
        let path = self.private().join(STORE_ID);
        let begun = path.with_extension("new");
        let mut session = if is_new {
            database.write().await?
        } else {
            database.read().await?
        };
        if !is_new {
            return self.check(&mut session).await;
        }
        match store_id(&mut session).await? {
            None => {
                let id = new_id();
                write_durably(&begun, format!("{id}\n").as_bytes())?;
                let inserted = session.insert(&[Store { id, created_at }]).await;
                inserted.map_err(|error| match error {
                    // Another folder was faster.
                    Error::Conflict { .. } => self.foreign_database(),
                    error => error,
                })?;
                session.commit().await?;
            }
            Some(known) if begun.exists() && read_id(&begun)? == known => {}
            Some(_) => return Err(self.foreign_database()),
        }
        fs::rename(&begun, &path).at("writing", &path)?;
        crate::blob::sync_folder(&self.private())
    }

    /// Refuses where the folder is not the one that the database belongs to.
    pub(crate) async fn check_id(&self, database: &Database) -> Result<()> {
        self.check(&mut database.read().await?).await
    }

    async fn check(&self, session: &mut Session) -> Result<()> {
        let own = read_id(&self.private().join(STORE_ID))?;
        if store_id(session).await? == Some(own) {
            Ok(())
        } else {
            Err(self.foreign_database())
        }
    }

    /// Makes a folder the studio with this id, which its database has already.
    pub(crate) fn give_id(private: &Path, id: StoreId) -> Result<()> {
        let path = private.join(STORE_ID);
        let begun = path.with_extension("new");
        write_durably(&begun, format!("{id}\n").as_bytes())?;
        fs::rename(&begun, &path).at("writing", &path)?;
        crate::blob::sync_folder(private)
    }

    /// Notes where the rows of a studio go, for whoever opens it with the old database.
    pub(crate) fn note_move(private: &Path, engine: Engine) -> Result<()> {
        write_durably(&private.join(MOVED), engine.as_str().as_bytes())
    }

    fn foreign_database(&self) -> Error {
        let moved = fs::read_to_string(self.private().join(MOVED));
        if let Some(hint) = moved.ok().and_then(|engine| hint_for_moved(&engine)) {
            return Error::Conflict {
                message: format!(
                    "the rows of the studio in {} have moved to another database",
                    self.root.display()
                ),
                hint: hint.to_owned(),
            };
        }
        Error::Conflict {
            message: format!(
                "the database belongs to another studio folder than {}",
                self.root.display()
            ),
            hint: "use the folder that the database belongs to, or an empty database".to_owned(),
        }
    }
}

fn no_studio(root: &Path) -> Error {
    Error::Unavailable {
        message: format!("there is no studio in {}", root.display()),
        hint: format!("create one: `pegbar init {}`", root.display()),
        source: None,
    }
}

fn hint_for_moved(engine: &str) -> Option<&'static str> {
    match engine {
        "postgres" => Some(
            "give its address in PEGBAR_DATABASE_URL, or for good: `pegbar config set \
             database-url ADDRESS`",
        ),
        "sqlite" => Some(
            "it is in its folder now: unset PEGBAR_DATABASE_URL, and `pegbar config unset \
             database-url`",
        ),
        _ => None,
    }
}

fn check_new(root: &Path) -> Result<()> {
    if !root.join(PRIVATE).join(STORE_ID).exists() {
        return Ok(());
    }
    Err(Error::Conflict {
        message: format!("{} is a studio already", root.display()),
        hint: "open it, or choose another folder".to_owned(),
    })
}

fn read_id(path: &Path) -> Result<StoreId> {
    let text = fs::read_to_string(path).at("reading", path)?;
    text.trim()
        .parse::<StoreId>()
        .map_err(|source| Error::Damaged {
            place: path.display().to_string(),
            reason: "not an id".to_owned(),
            source: Some(Box::new(source)),
        })
}

//! A studio with a database of its own, and the floor's connection to the same database.

use std::path::Path;

use pegbar::{
    AssetId, DatabaseAddress, FixedClock, ImageSource, StoredImage, Studio, StudioOptions,
    ViewUpdates,
};
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::Outcome;
use crate::floor_postgres::PostgresFloor;
use crate::floor_sqlite::SqliteFloor;
use crate::input::{AssetInput, NOW};
use crate::measure::Meter;
use crate::rows::{Ids, Known, Rows};
use crate::tree::{Asset, ProjectTree};

pub(crate) enum Floor {
    Sqlite(SqliteFloor),
    Postgres(PostgresFloor),
}

pub(crate) struct Site {
    pub(crate) studio: Studio,
    pub(crate) floor: Floor,
    pub(crate) image: StoredImage,
    pub(crate) ids: Ids,
    pub(crate) meter: Meter,
    _folder: tempfile::TempDir,
    /// The server's address and the database to drop at the end.
    server: Option<(String, String)>,
}

impl Site {
    pub(crate) async fn open(server: Option<&str>, view_updates: ViewUpdates) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let mut options = StudioOptions {
            view_updates,
            clock: std::sync::Arc::new(FixedClock(NOW)),
            ..StudioOptions::default()
        };
        let Some(server) = server else {
            let studio = Studio::create_with(folder.path(), options).await?;
            let floor = SqliteFloor::open(&folder.path().join(".pegbar/pegbar.db"))?;
            return Self::new(folder, studio, Floor::Sqlite(floor), Meter::default(), None);
        };
        let name = format!("pegbar_bench_{}", Ids::new().next().simple());
        let (client, connection) = tokio_postgres::connect(server, NoTls).await?;
        tokio::spawn(connection);
        client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await?;
        let backend: i32 = client
            .query_one("SELECT pg_backend_pid()", &[])
            .await?
            .try_get(0)?;
        let meter = Meter::of_backend(backend.unsigned_abs());
        let url = with_database(server, &name);
        options.database = DatabaseAddress::Postgres(url.clone());
        let opened = async {
            let studio = Studio::create_with(folder.path(), options).await?;
            Ok((studio, PostgresFloor::open(&url).await?))
        };
        match opened.await {
            Ok((studio, floor)) => {
                let server = Some((server.to_owned(), name));
                Self::new(folder, studio, Floor::Postgres(floor), meter, server)
            }
            Err(error) => {
                drop_database(server, &name).await?;
                Err(error)
            }
        }
    }

    fn new(
        folder: tempfile::TempDir,
        studio: Studio,
        floor: Floor,
        meter: Meter,
        server: Option<(String, String)>,
    ) -> Outcome<Self> {
        let image = studio.store_image(&ImageSource::Bytes(png()?))?;
        Ok(Self {
            studio,
            floor,
            image,
            ids: Ids::new(),
            meter,
            _folder: folder,
            server,
        })
    }

    /// Closes the studio and drops a server's database.
    pub(crate) async fn close(self) -> Outcome<()> {
        let Self { server, .. } = self;
        match server {
            Some((server, name)) => drop_database(&server, &name).await,
            None => Ok(()),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.studio.root()
    }
}

async fn drop_database(server: &str, name: &str) -> Outcome<()> {
    let (client, connection) = tokio_postgres::connect(server, NoTls).await?;
    tokio::spawn(connection);
    let text = format!("DROP DATABASE {name} WITH (FORCE)");
    Ok(client.batch_execute(&text).await?)
}

/// Puts another database's name into the address of a server.
fn with_database(server: &str, name: &str) -> String {
    let (address, options) = server.split_once('?').unwrap_or((server, ""));
    let host_at = address.find("://").map_or(0, |at| at + 3);
    let end = address[host_at..]
        .find('/')
        .map_or(address.len(), |at| host_at + at);
    let sign = if options.is_empty() { "" } else { "?" };
    format!("{}/{name}{sign}{options}", &address[..end])
}

pub(crate) fn png() -> Outcome<Vec<u8>> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbaImage::from_pixel(64, 64, image::Rgba([200, 120, 40, 255]));
    image.write_to(&mut bytes, image::ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

impl Floor {
    pub(crate) async fn write(&self, rows: &Rows<'_>, image: &StoredImage) -> Outcome<()> {
        match self {
            Self::Sqlite(floor) => floor.write(rows, image)?,
            Self::Postgres(floor) => floor.write(rows, image).await?,
        }
        Ok(())
    }

    pub(crate) async fn add_assets(
        &self,
        ids: &Ids,
        project: Uuid,
        input: &[AssetInput],
        image: &StoredImage,
    ) -> Outcome<()> {
        match self {
            Self::Sqlite(floor) => floor.add_assets(ids, project, input, image)?,
            Self::Postgres(floor) => floor.add_assets(ids, project, input, image).await?,
        }
        Ok(())
    }

    pub(crate) async fn known(&self, project: Uuid, input: &[AssetInput]) -> Outcome<Known> {
        Ok(match self {
            Self::Sqlite(floor) => floor.known(project, input)?,
            Self::Postgres(floor) => floor.known(project, input).await?,
        })
    }

    pub(crate) async fn tree(&self, project: Uuid) -> Outcome<ProjectTree> {
        Ok(match self {
            Self::Sqlite(floor) => floor.tree(project)?,
            Self::Postgres(floor) => floor.tree(project).await?,
        })
    }

    pub(crate) async fn page(
        &self,
        project: Uuid,
        by_tag: Option<&str>,
        after: Option<AssetId>,
    ) -> Outcome<(Vec<Asset>, bool)> {
        let after = after.map(|id| id.0);
        Ok(match self {
            Self::Sqlite(floor) => floor.page(project, by_tag, after)?,
            Self::Postgres(floor) => floor.page(project, by_tag, after).await?,
        })
    }

    pub(crate) async fn count(&self, table: &str, project: Uuid) -> Outcome<i64> {
        Ok(match self {
            Self::Sqlite(floor) => floor.count(table, project)?,
            Self::Postgres(floor) => floor.count(table, project).await?,
        })
    }

    /// Reads every value of every row that a query returns, row by row.
    pub(crate) async fn read_all(&self, text: &str) -> Outcome<()> {
        match self {
            Self::Sqlite(floor) => Ok(floor.read_all(text)?),
            Self::Postgres(floor) => Ok(floor.read_all(text).await?),
        }
    }

    /// Lets a server finish what it does in the background, and look at what is there.
    pub(crate) async fn settle(&self) -> Outcome<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(floor) => Ok(floor.settle().await?),
        }
    }
}

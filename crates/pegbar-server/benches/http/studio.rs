//! The studio that is asked: projects with everything in them, and many assets.

use std::io::Cursor;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use pegbar::{
    AssetFilter, AssetId, Engine, NewAnimation, NewAsset, NewCharacter, NewFrame, NewProject,
    PageRequest, ProjectId, ReferenceRole, Studio, StudioOptions,
};
use tempfile::TempDir;

use crate::server::Running;
use crate::{Outcome, POSTGRES, address};

/// How many databases were created.
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// How many assets the project of pages has.
const MANY: u32 = 2_000;

/// A studio on one engine, and what is in it.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) database: String,
    pub(crate) studio: Studio,
    pub(crate) tree: ProjectId,
    pub(crate) many: ProjectId,
    pub(crate) assets: Vec<AssetId>,
    /// Below `public/assets`.
    pub(crate) paths: Vec<String>,
    pub(crate) hashes: Vec<String>,
}

/// A PNG of some 20 kB that nothing makes smaller; every number gives other bytes.
pub(crate) fn png(number: u32, size: u32) -> Vec<u8> {
    let mut state = u64::from(number) * 2 + 1;
    let image = image::RgbaImage::from_fn(size, size, |_, _| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        image::Rgba(state.to_be_bytes()[..4].try_into().unwrap_or([0; 4]))
    });
    let mut bytes = Cursor::new(Vec::new());
    // Into memory; nothing can fail.
    let _ = image.write_to(&mut bytes, image::ImageFormat::Png);
    bytes.into_inner()
}

impl Site {
    /// Creates a studio on SQLite, or on the PostgreSQL of the tests.
    pub(crate) async fn create(engine: Engine) -> Outcome<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let database = match (engine, std::env::var(POSTGRES)) {
            (Engine::Sqlite, _) => "sqlite".to_owned(),
            (Engine::Postgres, Ok(server)) => {
                let number = DATABASES.fetch_add(1, Ordering::Relaxed);
                let name = format!("pegbar_http_{}_{number}", std::process::id());
                let (client, connection) =
                    tokio_postgres::connect(&server, tokio_postgres::NoTls).await?;
                tokio::spawn(connection);
                client
                    .batch_execute(&format!("CREATE DATABASE {name}"))
                    .await?;
                let (server, _) = server
                    .rsplit_once('/')
                    .ok_or("no database in the address")?;
                format!("{server}/{name}")
            }
            (Engine::Postgres, Err(_)) => return Ok(None),
        };
        let options = StudioOptions {
            database: address(&database),
            ..StudioOptions::default()
        };
        let studio = Studio::create_with(folder.path(), options).await?;
        let tree = studio.create_project(project(&studio)).await?.project.id;
        let many = studio
            .create_project(NewProject::new("Many"))
            .await?
            .project
            .id;
        let new = (0..MANY).map(|number| {
            let asset = NewAsset::from_bytes(png(number, 8)).prompt(format!("prompt {number}"));
            asset.original_name(format!("{number}.png")).tag("all")
        });
        studio.create_assets(many, new.collect()).await?;
        let page = PageRequest::default().limit(1000);
        let found = studio
            .list_assets(tree, &AssetFilter::default(), page)
            .await?;
        let found = found.rows;
        Ok(Some(Self {
            folder,
            database,
            studio,
            tree,
            many,
            assets: found.iter().map(|asset| asset.id).collect(),
            paths: found
                .iter()
                .filter_map(|asset| asset.file_path.clone())
                .collect(),
            hashes: found
                .iter()
                .filter_map(|asset| Some(asset.sha256?.to_string()))
                .collect(),
        }))
    }

    /// Serves it in a process of its own.
    pub(crate) fn serve(&self) -> Outcome<Running> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("--serve")
            .arg(self.folder.path())
            .arg(&self.database);
        Running::start(&mut command)
    }

    /// Serves it with Fastify and Prisma; `None` where they are not made ready.
    pub(crate) fn serve_peer(&self) -> Outcome<Option<Running>> {
        let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peer");
        if self.database == "sqlite" || !peer.join("node_modules").exists() {
            return Ok(None);
        }
        let mut command = Command::new("node");
        command
            .arg(peer.join("server.mjs"))
            .env("DATABASE_URL", &self.database)
            .env("PEER_ASSETS", self.studio.assets_folder())
            .env("NODE_ENV", "production");
        Running::start(&mut command).map(Some)
    }
}

/// A project of 3 characters with 3 variations and 2 animations of 12 frames each.
fn project(studio: &Studio) -> NewProject {
    let mut project = NewProject::new("Tree")
        .description("a project with everything in it")
        .tag("tree");
    let mut number = 1_000_000;
    let mut image = || {
        number += 1;
        NewAsset::from_bytes(png(number, 72))
            .prompt(format!(
                "a small orange cat, walking to the left, number {number}"
            ))
            .system_prompt("Draw one character on white.")
            .model("example-image-1")
            .tag("draft")
    };
    for name in ["Tabby", "Tom", "Mog"] {
        let front: AssetId = studio.new_id();
        let mut character = NewCharacter::new(name).user_prompt("a cat").tag("cat");
        character = character.variation(image().id(front));
        character = character
            .variation(image())
            .variation(image())
            .primary(front);
        for name in ["Walk", "Run"] {
            let mut animation = NewAnimation::new(name).frame_duration_ms(80);
            let mut before: Option<AssetId> = None;
            for _ in 0..12 {
                let id = studio.new_id();
                let mut asset = image().id(id).made_from(front, ReferenceRole::Character);
                if let Some(before) = before {
                    asset = asset.made_from(before, ReferenceRole::PreviousFrame);
                }
                before = Some(id);
                animation = animation.frame(NewFrame::new(asset));
            }
            character = character.animation(animation);
        }
        project = project.character(character);
    }
    project
}

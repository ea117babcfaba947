//! An app of its own for each test: tables as Prisma makes them, and a folder with files.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use pegbar::{
    Error, MegabananasEvent, MegabananasFinding, MegabananasOptions, MegabananasReport, Studio,
};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::support::png;

/// What `prisma migrate` makes of the app's models.
const TABLES: &str = r#"
CREATE TYPE "AssetType" AS ENUM ('reference', 'character', 'frame', 'spritesheet', 'scene');
CREATE TABLE "Project" (
    "id" TEXT NOT NULL, "name" TEXT NOT NULL, "description" TEXT, "thumbnailId" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "artStyle" TEXT, "theme" TEXT, "colorPalette" TEXT[], "styleNotes" TEXT,
    CONSTRAINT "Project_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Asset" (
    "id" TEXT NOT NULL, "projectId" TEXT NOT NULL, "filePath" TEXT NOT NULL,
    "type" "AssetType" NOT NULL DEFAULT 'character',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "systemPrompt" TEXT, "userPrompt" TEXT, "referenceAssetIds" TEXT[],
    "generationSettings" JSONB, "characterId" TEXT, "sceneId" TEXT,
    CONSTRAINT "Asset_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Character" (
    "id" TEXT NOT NULL, "projectId" TEXT NOT NULL, "name" TEXT NOT NULL, "userPrompt" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL, "primaryAssetId" TEXT,
    CONSTRAINT "Character_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Animation" (
    "id" TEXT NOT NULL, "projectId" TEXT NOT NULL, "characterId" TEXT NOT NULL,
    "name" TEXT NOT NULL, "description" TEXT, "frameCount" INTEGER NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL, "generationSettings" JSONB,
    CONSTRAINT "Animation_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Frame" (
    "id" TEXT NOT NULL, "animationId" TEXT NOT NULL, "assetId" TEXT NOT NULL,
    "frameIndex" INTEGER NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "Frame_pkey" PRIMARY KEY ("id"));
CREATE TABLE "SpriteSheet" (
    "id" TEXT NOT NULL, "projectId" TEXT NOT NULL, "characterId" TEXT NOT NULL,
    "name" TEXT NOT NULL, "description" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL, "assetId" TEXT NOT NULL, "generationSettings" JSONB,
    CONSTRAINT "SpriteSheet_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Scene" (
    "id" TEXT NOT NULL, "projectId" TEXT NOT NULL, "name" TEXT NOT NULL, "description" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL, "artStyle" TEXT, "mood" TEXT, "timeOfDay" TEXT,
    "environment" TEXT, "colorPalette" TEXT[], "styleNotes" TEXT, "primaryAssetId" TEXT,
    CONSTRAINT "Scene_pkey" PRIMARY KEY ("id"));
CREATE INDEX "Project_name_idx" ON "Project"("name");
CREATE INDEX "Asset_projectId_idx" ON "Asset"("projectId");
CREATE INDEX "Asset_characterId_idx" ON "Asset"("characterId");
CREATE INDEX "Asset_sceneId_idx" ON "Asset"("sceneId");
CREATE UNIQUE INDEX "Character_primaryAssetId_key" ON "Character"("primaryAssetId");
CREATE INDEX "Character_projectId_idx" ON "Character"("projectId");
CREATE UNIQUE INDEX "Character_projectId_name_key" ON "Character"("projectId", "name");
CREATE INDEX "Animation_projectId_idx" ON "Animation"("projectId");
CREATE INDEX "Animation_characterId_idx" ON "Animation"("characterId");
CREATE UNIQUE INDEX "Frame_assetId_key" ON "Frame"("assetId");
CREATE INDEX "Frame_animationId_idx" ON "Frame"("animationId");
CREATE UNIQUE INDEX "Frame_animationId_frameIndex_key" ON "Frame"("animationId", "frameIndex");
CREATE UNIQUE INDEX "SpriteSheet_assetId_key" ON "SpriteSheet"("assetId");
CREATE UNIQUE INDEX "Scene_primaryAssetId_key" ON "Scene"("primaryAssetId");
ALTER TABLE "Asset" ADD CONSTRAINT "Asset_projectId_fkey" FOREIGN KEY ("projectId")
    REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "Asset" ADD CONSTRAINT "Asset_characterId_fkey" FOREIGN KEY ("characterId")
    REFERENCES "Character"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "Asset" ADD CONSTRAINT "Asset_sceneId_fkey" FOREIGN KEY ("sceneId")
    REFERENCES "Scene"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "Character" ADD CONSTRAINT "Character_primaryAssetId_fkey"
    FOREIGN KEY ("primaryAssetId") REFERENCES "Asset"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "Character" ADD CONSTRAINT "Character_projectId_fkey" FOREIGN KEY ("projectId")
    REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "Animation" ADD CONSTRAINT "Animation_projectId_fkey" FOREIGN KEY ("projectId")
    REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "Animation" ADD CONSTRAINT "Animation_characterId_fkey" FOREIGN KEY ("characterId")
    REFERENCES "Character"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "Frame" ADD CONSTRAINT "Frame_animationId_fkey" FOREIGN KEY ("animationId")
    REFERENCES "Animation"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "Frame" ADD CONSTRAINT "Frame_assetId_fkey" FOREIGN KEY ("assetId")
    REFERENCES "Asset"("id") ON DELETE CASCADE ON UPDATE CASCADE;
"#;

/// The app: its database, and its folder `public`.
pub(super) struct App {
    client: Client,
    server: String,
    name: String,
    pub(super) url: String,
    folder: TempDir,
}

impl App {
    /// An app with its tables; `None`, said on standard error, where there is no server.
    pub(super) async fn new() -> Option<Self> {
        let app = Self::empty().await?;
        app.run(TABLES).await;
        Some(app)
    }

    /// A database without tables.
    pub(super) async fn empty() -> Option<Self> {
        static SAID: Once = Once::new();
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("PEGBAR_TEST_POSTGRES") else {
            SAID.call_once(|| {
                // Straight to the stream: the test harness captures what the macros print.
                let _ = std::io::stderr().write_all(
                    b"\n*** PEGBAR_TEST_POSTGRES is not set: the import of megabananas, whose \
                      database is PostgreSQL, was not tested.\n\n",
                );
            });
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("pegbar_app_{}_{number}", std::process::id());
        connect(&server)
            .await
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        let (address, _) = server.rsplit_once('/').unwrap();
        let url = format!("{address}/{name}");
        let app = Self {
            client: connect(&url).await,
            // As Prisma has it.
            url: format!("{url}?schema=public&connection_limit=5"),
            server,
            name,
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(app.public().join("assets")).unwrap();
        Some(app)
    }

    /// Removes the database. After a failure it stays, to be looked at.
    pub(super) async fn remove(self) {
        drop(self.client);
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let client = connect(&self.server).await;
        client.batch_execute(&statement).await.unwrap();
    }

    pub(super) async fn run(&self, statements: &str) {
        self.client.batch_execute(statements).await.unwrap();
    }

    pub(super) fn public(&self) -> PathBuf {
        self.folder.path().join("public")
    }

    pub(super) fn write(&self, path: &str, bytes: &[u8]) {
        let file = self.public().join(path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    /// An asset of the project `p1`, made so many seconds after the others, with its file.
    pub(super) async fn asset(&self, id: &str, kind: &str, path: &str, second: u32) {
        self.write(path, &png(second));
        self.asset_row(id, kind, path, second).await;
    }

    /// An asset of the project `p1` whose file is for the caller to write.
    pub(super) async fn asset_row(&self, id: &str, kind: &str, path: &str, second: u32) {
        self.run(&format!(
            "INSERT INTO \"Asset\" (\"id\", \"projectId\", \"type\", \"filePath\", \"createdAt\", \
             \"referenceAssetIds\") VALUES ('{id}', 'p1', '{kind}', '{path}', \
             timestamp '2026-01-01' + interval '{second} seconds', '{{}}')"
        ))
        .await;
    }

    /// Sets columns of a row.
    pub(super) async fn set(&self, table: &str, id: &str, columns: &str) {
        self.run(&format!(
            "UPDATE \"{table}\" SET {columns} WHERE \"id\" = '{id}'"
        ))
        .await;
    }

    /// A character `c1`, called "Tabby Cat", in the project `p1`, called "Alley cats".
    pub(super) async fn tabby(&self) {
        self.run(
            r#"INSERT INTO "Project" ("id", "name", "createdAt", "updatedAt")
               VALUES ('p1', 'Alley cats', '2025-12-31 12:00:00.5', now());
               INSERT INTO "Character" ("id", "projectId", "name", "userPrompt", "updatedAt")
               VALUES ('c1', 'p1', 'Tabby Cat', 'a cat', now())"#,
        )
        .await;
        for (second, id) in [(1, "a-front"), (2, "a-side")] {
            let path = format!("/assets/characters/char_{second}.png");
            self.asset(id, "character", &path, second).await;
            self.set("Asset", id, "\"characterId\" = 'c1'").await;
        }
    }

    /// An animation of `c1`.
    pub(super) async fn animation(&self, id: &str, name: &str) {
        self.run(&format!(
            "INSERT INTO \"Animation\" (\"id\", \"projectId\", \"characterId\", \"name\", \
             \"updatedAt\") VALUES ('{id}', 'p1', 'c1', '{name}', now())"
        ))
        .await;
    }

    /// A frame of an animation called "Walk", with its asset `a-<id>` and a file.
    pub(super) async fn frame(&self, animation: &str, id: &str, index: u32) {
        let asset = format!("a-{id}");
        let second = 1000 + index;
        let path = walk(index);
        self.asset(&asset, "frame", &path, second).await;
        self.frame_row(animation, id, &asset, index).await;
    }

    pub(super) async fn frame_row(&self, animation: &str, id: &str, asset: &str, index: u32) {
        self.run(&format!(
            "INSERT INTO \"Frame\" (\"id\", \"animationId\", \"assetId\", \"frameIndex\") \
             VALUES ('{id}', '{animation}', '{asset}', {index})"
        ))
        .await;
    }

    pub(super) async fn try_import(
        &self,
        studio: &Studio,
    ) -> Result<(MegabananasReport, Vec<MegabananasFinding>), Error> {
        let options = MegabananasOptions::default();
        let mut findings = Vec::new();
        let report = studio
            .import_megabananas(&self.url, self.public(), &options, |event| {
                if let MegabananasEvent::Found(finding) = event {
                    findings.push(finding.clone());
                }
            })
            .await?;
        Ok((report, findings))
    }

    pub(super) async fn import(
        &self,
        studio: &Studio,
    ) -> (MegabananasReport, Vec<MegabananasFinding>) {
        self.try_import(studio).await.unwrap()
    }
}

/// The path that the app gives a frame of Tabby Cat's "Walk".
pub(super) fn walk(index: u32) -> String {
    format!("/assets/p1/frames/walk/tabby-cat_walk_{index}_17672509501{index:02}.png")
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

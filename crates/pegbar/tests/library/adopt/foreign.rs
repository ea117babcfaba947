//! A project as another program writes it: rows by SQL, files by hand.

use std::fs;
use std::path::PathBuf;

use pegbar::{
    AdoptOptions, AdoptReport, AnimationId, AssetId, CharacterId, Disagreement, Finding, FrameId,
    ProjectId, ProjectTree, Studio,
};
use uuid::Uuid;

use crate::support::{Bench, Raw, png};

pub(super) struct Foreign<'a> {
    pub(super) bench: &'a Bench,
    pub(super) studio: Studio,
    pub(super) raw: Raw,
    pub(super) project: ProjectId,
}

/// What an asset belongs to.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    Project,
    Character(CharacterId),
    Animation(AnimationId),
}

pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl<'a> Foreign<'a> {
    pub(super) async fn new(bench: &'a Bench) -> Self {
        let studio = bench.create().await;
        let raw = bench.raw().await;
        let project = studio.new_id();
        let mut foreign = Self {
            bench,
            studio,
            raw,
            project,
        };
        foreign.project_called("Pilot", project).await;
        foreign
    }

    pub(super) async fn run(&mut self, text: &str) {
        let done = self.raw.run(text).await;
        done.unwrap_or_else(|error| panic!("{error}: {text}"));
    }

    pub(super) fn sql(&self, id: impl Into<Uuid>) -> String {
        self.raw.id(id)
    }

    pub(super) async fn project_called(&mut self, name: &str, id: ProjectId) {
        let id = self.sql(id);
        let name = quoted(name);
        self.run(&format!(
            "INSERT INTO project (id, name) VALUES ({id}, {name})"
        ))
        .await;
    }

    pub(super) async fn character(&mut self, name: &str) -> CharacterId {
        let id: CharacterId = self.studio.new_id();
        let (own, project, name) = (self.sql(id), self.sql(self.project), quoted(name));
        self.run(&format!(
            "INSERT INTO character (id, project_id, name) VALUES ({own}, {project}, {name})"
        ))
        .await;
        id
    }

    pub(super) async fn animation(&mut self, character: CharacterId, name: &str) -> AnimationId {
        let id: AnimationId = self.studio.new_id();
        let (own, project, owner) = (self.sql(id), self.sql(self.project), self.sql(character));
        let name = quoted(name);
        self.run(&format!(
            "INSERT INTO animation (id, project_id, character_id, name) \
             VALUES ({own}, {project}, {owner}, {name})"
        ))
        .await;
        id
    }

    pub(super) fn asset_statement(&self, id: AssetId, owner: Owner, path: Option<&str>) -> String {
        let (own, project) = (self.sql(id), self.sql(self.project));
        let (kind, column, owner) = match owner {
            Owner::Project => ("reference", "source_id", "NULL".to_owned()),
            Owner::Character(id) => ("character", "character_id", self.sql(id)),
            Owner::Animation(id) => ("frame", "animation_id", self.sql(id)),
        };
        let path = path.map_or("NULL".to_owned(), quoted);
        format!(
            "INSERT INTO asset (id, project_id, kind, {column}, file_path) \
             VALUES ({own}, {project}, '{kind}', {owner}, {path})"
        )
    }

    /// A row that names a path.
    pub(super) async fn asset(&mut self, owner: Owner, path: impl Into<Option<&str>>) -> AssetId {
        let id = self.studio.new_id();
        let statement = self.asset_statement(id, owner, path.into());
        self.run(&statement).await;
        id
    }

    /// A row that names a path, and its file.
    pub(super) async fn image(&mut self, owner: Owner, path: &str, number: u32) -> AssetId {
        self.file(path, &png(number));
        self.asset(owner, path).await
    }

    pub(super) fn place(&self, path: &str) -> PathBuf {
        self.studio.assets_folder().join(path)
    }

    pub(super) fn file(&self, path: &str, bytes: &[u8]) {
        let place = self.place(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, bytes).unwrap();
    }

    pub(super) async fn frame(
        &mut self,
        animation: AnimationId,
        asset: AssetId,
        index: u32,
    ) -> FrameId {
        let id: FrameId = self.studio.new_id();
        let project = self.sql(self.project);
        let (own, animation, asset) = (self.sql(id), self.sql(animation), self.sql(asset));
        self.run(&format!(
            "INSERT INTO frame (id, project_id, animation_id, asset_id, frame_index) \
             VALUES ({own}, {project}, {animation}, {asset}, {index})"
        ))
        .await;
        id
    }

    pub(super) async fn reference(
        &mut self,
        output: AssetId,
        position: u32,
        input: AssetId,
        role: &str,
    ) {
        let project = self.sql(self.project);
        let (output, input) = (self.sql(output), self.sql(input));
        self.run(&format!(
            "INSERT INTO asset_reference (project_id, asset_id, position, referenced_asset_id, role) \
             VALUES ({project}, {output}, {position}, {input}, '{role}')"
        ))
        .await;
    }

    /// Sets columns of an asset, whatever is recorded.
    pub(super) async fn set(&mut self, asset: AssetId, columns: &str) {
        let id = self.sql(asset);
        let set = format!("UPDATE asset SET {columns} WHERE id = {id}");
        self.raw.tamper(&set).await.unwrap();
    }

    pub(super) async fn adopt(&self) -> AdoptReport {
        self.studio
            .adopt(AdoptOptions::default(), |_, _| {})
            .await
            .unwrap()
    }

    pub(super) async fn tree(&self) -> ProjectTree {
        self.studio.get_project_tree(self.project).await.unwrap()
    }

    /// Adopts, and expects one finding about the asset and no other.
    pub(super) async fn only_finding(&self, asset: impl Into<Uuid>) -> Disagreement {
        let mut report = self.adopt().await;
        assert_eq!(report.findings.len(), 1, "{report:?}");
        let finding: Finding = report.findings.pop().unwrap();
        assert_eq!(
            (finding.id, finding.project_id),
            (asset.into(), self.project)
        );
        finding.disagreement
    }

    /// Everything that the database holds of projects, as text.
    pub(super) async fn rows(&mut self) -> String {
        let mut text = String::new();
        for table in [
            "project",
            "character",
            "animation",
            "asset",
            "asset_reference",
            "frame",
        ] {
            let query = match &self.raw {
                Raw::Postgres(_) => format!(
                    "SELECT coalesce(string_agg(t::text, '|' ORDER BY t::text), '') FROM {table} t"
                ),
                Raw::Sqlite(connection) => {
                    let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                    let mut columns = connection.prepare(&columns).unwrap();
                    let columns = columns
                        .query_map([], |row| row.get::<_, String>(0))
                        .unwrap();
                    let columns: Vec<String> = columns
                        .map(|name| format!("quote({})", name.unwrap()))
                        .collect();
                    let row = columns.join(" || ',' || ");
                    format!(
                        "SELECT coalesce(group_concat(r, '|'), '') FROM \
                         (SELECT {row} AS r FROM {table} ORDER BY 1)"
                    )
                }
            };
            text.push_str(&self.raw.text(&query).await);
            text.push('\n');
        }
        text
    }
}

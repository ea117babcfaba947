//! The floor on SQLite: rusqlite by hand, prepared statements, one transaction.

mod lineage;

use std::path::Path;

use pegbar::{AssetKind, Engine, MillisSinceEpoch, ReferenceRole, Sha256, StoredImage};
use rusqlite::types::{FromSqlError, Value as SqliteValue};
use rusqlite::{CachedStatement, Connection, OpenFlags, Row, params};
use serde_json::Value;
use uuid::Uuid;

use crate::input::{AssetInput, NOW};
use crate::rows::{Ids, Known, Rows, inputs_from_elsewhere, placeholders};
use crate::selects::Selects;
use crate::tree::{
    ANIMATION, ASSET, Animation, Asset, CHARACTER, Character, FRAME, Frame, PROJECT, Project,
    ProjectTree, Reference, TreeRows, give_references, give_tags, kind, merge, role, unhex,
};

pub(crate) struct SqliteFloor {
    writer: Connection,
    reader: Connection,
    selects: Selects,
}

type Read<T> = rusqlite::Result<T>;

impl SqliteFloor {
    /// Opens the file with the same settings as Pegbar.
    pub(crate) fn open(file: &Path) -> Read<Self> {
        let open = |flags| -> Read<Connection> {
            let connection = Connection::open_with_flags(file, flags)?;
            connection.set_prepared_statement_cache_capacity(128);
            connection.execute_batch(
                "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
                 PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;",
            )?;
            rusqlite::vtab::array::load_module(&connection)?;
            Ok(connection)
        };
        let writer = open(OpenFlags::default())?;
        writer.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Self {
            reader: open(read_only)?,
            writer,
            selects: Selects::new(Engine::Sqlite),
        })
    }

    /// Commits the row of one file.
    pub(crate) fn add_file(&self, id: Uuid, project: Uuid, path: &str, size: i64) -> Read<()> {
        let text = "INSERT INTO asset (id, project_id, kind, file_path, file_size, created_at, \
                    updated_at) VALUES (?1, ?2, 'reference', ?3, ?4, ?5, ?5)";
        let mut insert = self.writer.prepare_cached(text)?;
        insert.execute(params![
            id.as_bytes(),
            project.as_bytes(),
            path,
            size,
            NOW.0
        ])?;
        Ok(())
    }

    /// Reads every value of every row that a query returns.
    pub(crate) fn read_all(&self, text: &str) -> Read<()> {
        let mut select = self.reader.prepare_cached(text)?;
        let columns = select.column_count();
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                std::hint::black_box(row.get_ref(column)?);
            }
        }
        Ok(())
    }

    pub(crate) fn write(&self, rows: &Rows<'_>, image: &StoredImage) -> Read<()> {
        self.writer.execute_batch("BEGIN IMMEDIATE")?;
        self.insert(rows, image)?;
        self.writer.execute_batch("COMMIT")
    }

    /// Adds assets to a project: locks it, looks their inputs up, makes and writes the rows.
    pub(crate) fn add_assets(
        &self,
        ids: &Ids,
        project: Uuid,
        input: &[AssetInput],
        image: &StoredImage,
    ) -> Read<()> {
        self.writer.execute_batch("BEGIN IMMEDIATE")?;
        let known = self.known(project, input)?;
        let rows = Rows::of_assets(ids, project, input, image, known);
        self.insert(&rows, image)?;
        self.writer.execute_batch("COMMIT")
    }

    /// Looks up the record hashes of inputs from elsewhere.
    pub(crate) fn known(&self, project: Uuid, input: &[AssetInput]) -> Read<Known> {
        let mut select = self.writer.prepare_cached(&self.selects.known)?;
        let list = id_list(&inputs_from_elsewhere(input));
        let rows = select.query_map(params![project.as_bytes(), list], |row| {
            Ok((id(row, 0)?, row.get(1)?))
        })?;
        rows.collect()
    }

    fn insert(&self, rows: &Rows<'_>, image: &StoredImage) -> Read<()> {
        let project = rows.project_id.as_bytes();
        if let Some(row) = &rows.project {
            let settings = row.input.settings.to_string();
            self.into("project", PROJECT, 8)?.execute(params![
                row.id.as_bytes(),
                None::<&str>,
                row.input.name,
                row.input.description,
                None::<&[u8]>,
                settings,
                NOW.0,
                NOW.0
            ])?;
            let mut insert = self.into("project_tag", "project_id, tag, position", 3)?;
            for (position, tag) in (0_i64..).zip(&row.input.tags) {
                insert.execute(params![project, tag, position])?;
            }
        }
        let mut insert = self.into("character", CHARACTER, 12)?;
        for row in &rows.characters {
            insert.execute(params![
                row.id.as_bytes(),
                project,
                None::<&str>,
                row.name,
                row.segment,
                row.segment_key,
                row.description,
                row.user_prompt,
                row.primary_asset_id.as_bytes(),
                row.settings.to_string(),
                NOW.0,
                NOW.0
            ])?;
        }
        let columns = "project_id, tag, character_id, position";
        let mut insert = self.into("character_tag", columns, 4)?;
        for (tag, character, position) in rows.character_tags() {
            insert.execute(params![project, tag, character.as_bytes(), position])?;
        }
        let mut insert = self.into("animation", ANIMATION, 13)?;
        for row in &rows.animations {
            insert.execute(params![
                row.id.as_bytes(),
                project,
                row.character_id.as_bytes(),
                None::<&str>,
                row.name,
                row.segment,
                row.segment_key,
                "",
                row.user_prompt,
                1,
                NOW.0,
                NOW.0,
                row.frame_duration_ms
            ])?;
        }
        self.insert_assets(rows, image)?;
        let mut insert = self.into("frame", FRAME, 8)?;
        for row in &rows.frames {
            insert.execute(params![
                row.id.as_bytes(),
                project,
                row.animation_id.as_bytes(),
                row.asset_id.as_bytes(),
                row.frame_index,
                row.frame_prompt,
                NOW.0,
                None::<&str>
            ])?;
        }
        let mut insert = self.into("outbox", "id, project_id, asset_id, created_at", 4)?;
        for (id, asset) in &rows.outbox {
            let asset = asset.as_ref().map(Uuid::as_bytes);
            insert.execute(params![id.as_bytes(), project, asset, NOW.0])?;
        }
        Ok(())
    }

    fn insert_assets(&self, rows: &Rows<'_>, image: &StoredImage) -> Read<()> {
        let project = rows.project_id.as_bytes();
        let mut insert = self.into("asset", ASSET, 25)?;
        for row in &rows.assets {
            let settings = row.input.settings.to_string();
            insert.execute(params![
                row.input.id.0.as_bytes(),
                project,
                None::<&str>,
                None::<&str>,
                row.kind,
                row.character_id.as_ref().map(Uuid::as_bytes),
                row.animation_id.as_ref().map(Uuid::as_bytes),
                None::<&[u8]>,
                row.file_path,
                "image/png",
                i64::try_from(image.file_size()).unwrap_or_default(),
                image.width(),
                image.height(),
                rows.sha256,
                None::<&str>,
                row.input.prompt,
                None::<&str>,
                settings,
                row.input.model,
                row.record,
                row.record_hash,
                None::<i64>,
                row.input.created_at.0,
                NOW.0,
                image.image_count()
            ])?;
        }
        let mut insert = self.into("asset_tag", "project_id, tag, asset_id, position", 4)?;
        for (tag, asset, position) in rows.asset_tags() {
            insert.execute(params![project, tag, asset.as_bytes(), position])?;
        }
        let columns = "project_id, asset_id, position, referenced_asset_id, role, sha256";
        let mut insert = self.into("asset_reference", columns, 6)?;
        for (asset, position, input, role) in rows.references() {
            let (asset, input) = (asset.as_bytes(), input.as_bytes());
            let role = role.as_str();
            insert.execute(params![project, asset, position, input, role, rows.sha256])?;
        }
        Ok(())
    }

    fn into(&self, table: &str, columns: &str, count: usize) -> Read<CachedStatement<'_>> {
        let values = placeholders('?', count);
        let text = format!("INSERT INTO {table} ({columns}) VALUES ({values})");
        self.writer.prepare_cached(&text)
    }

    /// Reads a project's tree: the same nine queries in one transaction.
    pub(crate) fn tree(&self, id: Uuid) -> Read<ProjectTree> {
        self.reader.execute_batch("BEGIN")?;
        let selects = &self.selects;
        let project = self.rows(&selects.project, id, project)?.pop();
        let mut project = project.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        project.tags = self.rows(&selects.project_tags, id, |row| row.get(0))?;
        let mut rows = TreeRows {
            project,
            characters: self.rows(&selects.characters, id, character)?,
            animations: self.rows(&selects.animations, id, animation)?,
            frames: self.rows(&selects.frames, id, frame)?,
            assets: self.rows(&selects.assets, id, asset)?,
        };
        give_tags(&mut rows.assets, self.rows(&selects.asset_tags, id, tag)?);
        let references = self.rows(&selects.references, id, reference)?;
        give_references(&mut rows.assets, references);
        let tags = self.rows(&selects.character_tags, id, tag)?;
        merge(
            &mut rows.characters,
            tags,
            |c| c.id,
            |c, tag| c.tags.push(tag),
        );
        self.reader.execute_batch("COMMIT")?;
        Ok(rows.assemble())
    }

    fn rows<T>(
        &self,
        select: &str,
        project: Uuid,
        read: impl FnMut(&Row<'_>) -> Read<T>,
    ) -> Read<Vec<T>> {
        let mut select = self.reader.prepare_cached(select)?;
        select.query_map([project.as_bytes()], read)?.collect()
    }

    /// Reads a page of 50 assets in three queries, and whether another follows.
    pub(crate) fn page(
        &self,
        project: Uuid,
        by_tag: Option<&str>,
        after: Option<Uuid>,
    ) -> Read<(Vec<Asset>, bool)> {
        let selects = &self.selects;
        let project = project.as_bytes();
        // Every id is greater than the nil UUID.
        let after = after.unwrap_or_default();
        let after = after.as_bytes();
        let mut assets: Vec<Asset> = if let Some(tag) = by_tag {
            let mut select = self.reader.prepare_cached(&selects.page_by_tag)?;
            let rows = select.query_map(params![project, tag, after], asset)?;
            rows.collect::<Read<_>>()?
        } else {
            let mut select = self.reader.prepare_cached(&selects.page)?;
            let rows = select.query_map(params![project, after], asset)?;
            rows.collect::<Read<_>>()?
        };
        let has_more = assets.len() > 50;
        assets.truncate(50);
        let ids: Vec<Uuid> = assets.iter().map(|asset| asset.id).collect();
        let mut select = self.reader.prepare_cached(&selects.tags_of)?;
        let tags = select.query_map(params![project, id_list(&ids)], tag)?;
        give_tags(&mut assets, tags.collect::<Read<_>>()?);
        let mut select = self.reader.prepare_cached(&selects.references_of)?;
        let references = select.query_map(params![project, id_list(&ids)], reference)?;
        give_references(&mut assets, references.collect::<Read<_>>()?);
        Ok((assets, has_more))
    }

    /// Counts the rows that a project has in a table.
    pub(crate) fn count(&self, table: &str, project: Uuid) -> Read<i64> {
        let text = format!("SELECT count(*) FROM {table} WHERE project_id = ?1");
        let project = project.as_bytes();
        self.writer.query_row(&text, [project], |row| row.get(0))
    }
}

fn id_list(ids: &[Uuid]) -> rusqlite::vtab::array::Array {
    let blobs = ids
        .iter()
        .map(|id| SqliteValue::Blob(id.as_bytes().to_vec()));
    std::rc::Rc::new(blobs.collect())
}

fn wrong(column: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        column,
        rusqlite::types::Type::Text,
        Box::new(FromSqlError::InvalidType),
    )
}

fn id(row: &Row<'_>, column: usize) -> Read<Uuid> {
    row.get(column).map(Uuid::from_bytes)
}

fn optional_id(row: &Row<'_>, column: usize) -> Read<Option<Uuid>> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(Uuid::from_bytes))
}

fn time(row: &Row<'_>, column: usize) -> Read<MillisSinceEpoch> {
    row.get(column).map(MillisSinceEpoch)
}

fn sha256(row: &Row<'_>, column: usize) -> Read<Option<Sha256>> {
    let text = row.get_ref(column)?.as_bytes_or_null()?;
    text.map(|text| unhex(text).ok_or_else(|| wrong(column)))
        .transpose()
}

fn json(row: &Row<'_>, column: usize) -> Read<Option<Value>> {
    let text = row.get_ref(column)?.as_bytes_or_null()?;
    let value = text.map(serde_json::from_slice).transpose();
    value.map_err(|_| wrong(column))
}

fn asset_kind(row: &Row<'_>, column: usize) -> Read<AssetKind> {
    kind(row.get_ref(column)?.as_bytes()?).ok_or_else(|| wrong(column))
}

fn reference_role(row: &Row<'_>, column: usize) -> Read<ReferenceRole> {
    role(row.get_ref(column)?.as_bytes()?).ok_or_else(|| wrong(column))
}

fn tag(row: &Row<'_>) -> Read<(Uuid, String)> {
    Ok((id(row, 0)?, row.get(1)?))
}

fn reference(row: &Row<'_>) -> Read<(Uuid, Reference)> {
    let reference = Reference {
        asset_id: id(row, 1)?,
        role: reference_role(row, 2)?,
        sha256: sha256(row, 3)?,
    };
    Ok((id(row, 0)?, reference))
}

fn project(row: &Row<'_>) -> Read<Project> {
    Ok(Project {
        id: id(row, 0)?,
        source_id: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        thumbnail_id: optional_id(row, 4)?,
        settings: json(row, 5)?.unwrap_or_default(),
        created_at: time(row, 6)?,
        updated_at: time(row, 7)?,
        tags: Vec::new(),
    })
}

fn character(row: &Row<'_>) -> Read<Character> {
    Ok(Character {
        id: id(row, 0)?,
        project_id: id(row, 1)?,
        source_id: row.get(2)?,
        name: row.get(3)?,
        segment: row.get(4)?,
        segment_key: row.get(5)?,
        description: row.get(6)?,
        user_prompt: row.get(7)?,
        primary_asset_id: optional_id(row, 8)?,
        generation_settings: json(row, 9)?.unwrap_or_default(),
        created_at: time(row, 10)?,
        updated_at: time(row, 11)?,
        tags: Vec::new(),
    })
}

fn animation(row: &Row<'_>) -> Read<Animation> {
    Ok(Animation {
        id: id(row, 0)?,
        project_id: id(row, 1)?,
        character_id: id(row, 2)?,
        source_id: row.get(3)?,
        name: row.get(4)?,
        segment: row.get(5)?,
        segment_key: row.get(6)?,
        description: row.get(7)?,
        user_prompt: row.get(8)?,
        version: row.get(9)?,
        created_at: time(row, 10)?,
        updated_at: time(row, 11)?,
        frame_duration_ms: row.get(12)?,
        frame_count: 0,
    })
}

fn frame(row: &Row<'_>) -> Read<Frame> {
    Ok(Frame {
        id: id(row, 0)?,
        project_id: id(row, 1)?,
        animation_id: id(row, 2)?,
        asset_id: id(row, 3)?,
        frame_index: row.get(4)?,
        frame_prompt: row.get(5)?,
        created_at: time(row, 6)?,
        source_id: row.get(7)?,
    })
}

fn asset(row: &Row<'_>) -> Read<Asset> {
    Ok(Asset {
        id: id(row, 0)?,
        project_id: id(row, 1)?,
        source_id: row.get(2)?,
        source_path: row.get(3)?,
        kind: asset_kind(row, 4)?,
        character_id: optional_id(row, 5)?,
        animation_id: optional_id(row, 6)?,
        generation_id: optional_id(row, 7)?,
        file_path: row.get(8)?,
        mime_type: row.get(9)?,
        file_size: row.get::<_, Option<i64>>(10)?.map(i64::unsigned_abs),
        width: row.get(11)?,
        height: row.get(12)?,
        sha256: sha256(row, 13)?,
        original_name: row.get(14)?,
        generation_prompt: row.get(15)?,
        generation_system_prompt: row.get(16)?,
        generation_settings: json(row, 17)?,
        model: row.get(18)?,
        record: row.get(19)?,
        record_hash: sha256(row, 20)?,
        bytes_dropped_at: row.get::<_, Option<i64>>(21)?.map(MillisSinceEpoch),
        created_at: time(row, 22)?,
        updated_at: time(row, 23)?,
        image_count: row.get(24)?,
        tags: Vec::new(),
        references: Vec::new(),
    })
}

//! The floor on PostgreSQL: tokio-postgres by hand, prepared statements, one batch per table.

mod lineage;
mod read;
mod values;

use std::collections::HashMap;

use futures_util::StreamExt as _;
use pegbar::{Engine, StoredImage};
use tokio_postgres::types::{Json, ToSql};
use tokio_postgres::{Client, Error, NoTls, Row, Statement};
use uuid::Uuid;

use crate::input::{AssetInput, NOW};
use crate::rows::{Ids, Known, Rows, inputs_from_elsewhere};
use crate::selects::Selects;
use crate::tree::{
    ANIMATION, ASSET, Asset, CHARACTER, FRAME, PROJECT, ProjectTree, TreeRows, give_references,
    give_tags, merge,
};
use read::{animation, asset, character, frame, project, reference, tag};
use values::{Millis, Word, column, tag_columns};

pub(crate) struct PostgresFloor {
    client: Client,
    selects: Selects,
    inserts: HashMap<&'static str, Statement>,
    add_file: Statement,
    prepared: HashMap<String, Statement>,
}

type Read<T> = Result<T, Error>;
type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Each table's columns, and the types of their arrays.
const INSERTS: [(&str, &str, &str); 9] = [
    (
        "project",
        PROJECT,
        "uuid text text text uuid jsonb timestamptz timestamptz",
    ),
    ("project_tag", "project_id, tag, position", "uuid text int"),
    (
        "character",
        CHARACTER,
        "uuid uuid text text text text text text uuid jsonb timestamptz timestamptz",
    ),
    (
        "character_tag",
        "project_id, tag, character_id, position",
        "uuid text uuid int",
    ),
    (
        "animation",
        ANIMATION,
        "uuid uuid uuid text text text text text text bigint timestamptz timestamptz int",
    ),
    (
        "asset",
        ASSET,
        "uuid uuid text text asset_kind uuid uuid uuid text text bigint int int text text text \
         text jsonb text text text timestamptz timestamptz timestamptz int",
    ),
    (
        "asset_tag",
        "project_id, tag, asset_id, position",
        "uuid text uuid int",
    ),
    (
        "asset_reference",
        "project_id, asset_id, position, referenced_asset_id, role, sha256",
        "uuid uuid int uuid reference_role text",
    ),
    (
        "frame",
        FRAME,
        "uuid uuid uuid uuid int text timestamptz text",
    ),
];
const ADD_FILE: &str = "INSERT INTO asset (id, project_id, kind, file_path, file_size, \
     created_at, updated_at) VALUES ($1, $2, 'reference', $3, $4, $5, $5)";
const OUTBOX: (&str, &str, &str) = (
    "outbox",
    "id, project_id, animation_id, asset_id, created_at",
    "uuid uuid uuid uuid timestamptz",
);

impl PostgresFloor {
    pub(crate) async fn open(url: &str) -> Read<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let mut inserts = HashMap::new();
        for (table, columns, types) in INSERTS.into_iter().chain([OUTBOX]) {
            let arrays = (1..).zip(types.split_whitespace());
            let arrays = arrays.map(|(number, ty)| format!("${number}::{ty}[]"));
            let arrays = arrays.collect::<Vec<_>>().join(", ");
            let text = format!("INSERT INTO {table} ({columns}) SELECT * FROM UNNEST ({arrays})");
            inserts.insert(table, client.prepare(&text).await?);
        }
        let selects = Selects::new(Engine::Postgres);
        let mut prepared = HashMap::new();
        for text in [
            &selects.lock,
            &selects.project,
            &selects.project_tags,
            &selects.characters,
            &selects.character_tags,
            &selects.animations,
            &selects.frames,
            &selects.assets,
            &selects.asset_tags,
            &selects.references,
            &selects.page,
            &selects.page_by_tag,
            &selects.tags_of,
            &selects.references_of,
            &selects.known,
        ] {
            prepared.insert(text.clone(), client.prepare(text).await?);
        }
        let add_file = client.prepare(ADD_FILE).await?;
        Ok(Self {
            client,
            selects,
            inserts,
            add_file,
            prepared,
        })
    }

    /// Receives every row that a query returns, one by one.
    pub(crate) async fn read_all(&self, text: &str) -> Read<()> {
        let rows = self.client.query_raw(text, std::iter::empty::<&str>());
        let mut rows = std::pin::pin!(rows.await?);
        while let Some(row) = rows.next().await {
            std::hint::black_box(row?);
        }
        Ok(())
    }

    /// Commits the row of one file.
    pub(crate) async fn add_file(
        &self,
        id: Uuid,
        project: Uuid,
        path: &str,
        size: i64,
    ) -> Read<()> {
        let row: Parameters<'_> = &[&id, &project, &path, &size, &Millis(NOW)];
        self.client.execute(&self.add_file, row).await?;
        Ok(())
    }

    pub(crate) async fn write(&self, rows: &Rows<'_>, image: &StoredImage) -> Read<()> {
        self.client.batch_execute("BEGIN").await?;
        self.insert(rows, image).await?;
        self.client.batch_execute("COMMIT").await
    }

    /// Adds assets to a project: locks it, looks their inputs up, makes and writes the rows.
    pub(crate) async fn add_assets(
        &self,
        ids: &Ids,
        project: Uuid,
        input: &[AssetInput],
        image: &StoredImage,
    ) -> Read<()> {
        self.client.batch_execute("BEGIN").await?;
        let lock = &self.prepared[&self.selects.lock];
        self.client.query_one(lock, &[&project]).await?;
        let known = self.known(project, input).await?;
        let rows = Rows::of_assets(ids, project, input, image, known);
        self.insert(&rows, image).await?;
        self.client.batch_execute("COMMIT").await
    }

    /// Looks up the record hashes of inputs from elsewhere.
    pub(crate) async fn known(&self, project: Uuid, input: &[AssetInput]) -> Read<Known> {
        let listed = inputs_from_elsewhere(input);
        let known = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?));
        let of: Parameters<'_> = &[&project, &listed];
        let found = self.rows(&self.selects.known, of, known).await?;
        Ok(found.into_iter().collect())
    }

    async fn into(&self, table: &str, columns: Parameters<'_>) -> Read<()> {
        let inserted = self.client.execute(&self.inserts[table], columns).await?;
        debug_assert!(inserted > 0);
        Ok(())
    }

    async fn insert(&self, rows: &Rows<'_>, image: &StoredImage) -> Read<()> {
        if let Some(row) = &rows.project {
            let input = row.input;
            let now = vec![Millis(NOW)];
            self.into(
                "project",
                &[
                    &vec![row.id],
                    &vec![None::<&str>],
                    &vec![&input.name],
                    &vec![&input.description],
                    &vec![None::<Uuid>],
                    &vec![Json(&input.settings)],
                    &now,
                    &now,
                ],
            )
            .await?;
            let positions: Vec<i32> = (0..).take(input.tags.len()).collect();
            let projects = vec![row.id; input.tags.len()];
            self.into("project_tag", &[&projects, &input.tags, &positions])
                .await?;
        }
        if !rows.characters.is_empty() {
            self.insert_characters(rows).await?;
        }
        self.insert_assets(rows, image).await?;
        if !rows.frames.is_empty() {
            let list = &rows.frames;
            self.into(
                "frame",
                &[
                    &column(list, |row| row.id),
                    &vec![rows.project_id; list.len()],
                    &column(list, |row| row.animation_id),
                    &column(list, |row| row.asset_id),
                    &column(list, |row| row.frame_index),
                    &column(list, |row| row.frame_prompt),
                    &vec![Millis(NOW); list.len()],
                    &vec![None::<&str>; list.len()],
                ],
            )
            .await?;
        }
        let list = &rows.outbox;
        self.into(
            "outbox",
            &[
                &column(list, |row| row.0),
                &vec![rows.project_id; list.len()],
                &vec![None::<Uuid>; list.len()],
                &column(list, |row| row.1),
                &vec![Millis(NOW); list.len()],
            ],
        )
        .await
    }

    async fn insert_characters(&self, rows: &Rows<'_>) -> Read<()> {
        let list = &rows.characters;
        let now = vec![Millis(NOW); list.len()];
        self.into(
            "character",
            &[
                &column(list, |row| row.id),
                &vec![rows.project_id; list.len()],
                &vec![None::<&str>; list.len()],
                &column(list, |row| row.name),
                &column(list, |row| row.segment.as_str()),
                &column(list, |row| row.segment_key.as_str()),
                &column(list, |row| row.description),
                &column(list, |row| row.user_prompt),
                &column(list, |row| row.primary_asset_id),
                &column(list, |row| Json(row.settings)),
                &now,
                &now,
            ],
        )
        .await?;
        let tags: Vec<_> = rows.character_tags().collect();
        self.into("character_tag", &tag_columns(rows.project_id, &tags).list())
            .await?;
        let list = &rows.animations;
        let now = vec![Millis(NOW); list.len()];
        self.into(
            "animation",
            &[
                &column(list, |row| row.id),
                &vec![rows.project_id; list.len()],
                &column(list, |row| row.character_id),
                &vec![None::<&str>; list.len()],
                &column(list, |row| row.name),
                &column(list, |row| row.segment.as_str()),
                &column(list, |row| row.segment_key.as_str()),
                &vec![""; list.len()],
                &column(list, |row| row.user_prompt),
                &vec![1_i64; list.len()],
                &now,
                &now,
                &column(list, |row| i32::try_from(row.frame_duration_ms).ok()),
            ],
        )
        .await
    }

    async fn insert_assets(&self, rows: &Rows<'_>, image: &StoredImage) -> Read<()> {
        let list = &rows.assets;
        let count = list.len();
        let no_text = vec![None::<&str>; count];
        let number = |number: u32| vec![i32::try_from(number).unwrap_or_default(); count];
        let file_size = i64::try_from(image.file_size()).unwrap_or_default();
        self.into(
            "asset",
            &[
                &column(list, |row| row.input.id.0),
                &vec![rows.project_id; count],
                &no_text,
                &no_text,
                &column(list, |row| Word(row.kind)),
                &column(list, |row| row.character_id),
                &column(list, |row| row.animation_id),
                &vec![None::<Uuid>; count],
                &column(list, |row| row.file_path.as_str()),
                &vec!["image/png"; count],
                &vec![file_size; count],
                &number(image.width()),
                &number(image.height()),
                &vec![rows.sha256.as_str(); count],
                &no_text,
                &column(list, |row| row.input.prompt.as_str()),
                &no_text,
                &column(list, |row| Json(&row.input.settings)),
                &column(list, |row| row.input.model.as_str()),
                &column(list, |row| row.record.as_str()),
                &column(list, |row| row.record_hash.as_str()),
                &vec![None::<Millis>; count],
                &column(list, |row| Millis(row.input.created_at)),
                &vec![Millis(NOW); count],
                &number(image.image_count()),
            ],
        )
        .await?;
        let tags: Vec<_> = rows.asset_tags().collect();
        self.into("asset_tag", &tag_columns(rows.project_id, &tags).list())
            .await?;
        let references: Vec<_> = rows.references().collect();
        self.into(
            "asset_reference",
            &[
                &vec![rows.project_id; references.len()],
                &column(&references, |row| row.0),
                &column(&references, |row| row.1),
                &column(&references, |row| row.2),
                &column(&references, |row| Word(row.3.as_str())),
                &vec![rows.sha256.as_str(); references.len()],
            ],
        )
        .await
    }

    /// Reads a project's tree: the same nine queries in one transaction.
    pub(crate) async fn tree(&self, id: Uuid) -> Read<ProjectTree> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.client.batch_execute(begin).await?;
        let selects = &self.selects;
        let of: Parameters<'_> = &[&id];
        let mut project = self.rows(&selects.project, of, project).await?.remove(0);
        let tag_only = |row: &Row| row.try_get(0);
        project.tags = self.rows(&selects.project_tags, of, tag_only).await?;
        let mut rows = TreeRows {
            project,
            characters: self.rows(&selects.characters, of, character).await?,
            animations: self.rows(&selects.animations, of, animation).await?,
            frames: self.rows(&selects.frames, of, frame).await?,
            assets: self.rows(&selects.assets, of, asset).await?,
        };
        give_tags(
            &mut rows.assets,
            self.rows(&selects.asset_tags, of, tag).await?,
        );
        let references = self.rows(&selects.references, of, reference).await?;
        give_references(&mut rows.assets, references);
        let tags = self.rows(&selects.character_tags, of, tag).await?;
        merge(
            &mut rows.characters,
            tags,
            |c| c.id,
            |c, tag| c.tags.push(tag),
        );
        self.client.batch_execute("COMMIT").await?;
        Ok(rows.assemble())
    }

    async fn rows<T>(
        &self,
        select: &str,
        parameters: Parameters<'_>,
        read: impl FnMut(&Row) -> Read<T>,
    ) -> Read<Vec<T>> {
        let rows = self
            .client
            .query(&self.prepared[select], parameters)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Reads a page of 50 assets in three queries, and whether another follows.
    pub(crate) async fn page(
        &self,
        project: Uuid,
        by_tag: Option<&str>,
        after: Option<Uuid>,
    ) -> Read<(Vec<Asset>, bool)> {
        let selects = &self.selects;
        // Every id is greater than the nil UUID.
        let after = after.unwrap_or_default();
        let mut assets = match by_tag {
            Some(tag) => {
                let parameters: Parameters<'_> = &[&project, &tag, &after];
                self.rows(&selects.page_by_tag, parameters, asset).await?
            }
            None => self.rows(&selects.page, &[&project, &after], asset).await?,
        };
        let has_more = assets.len() > 50;
        assets.truncate(50);
        let ids: Vec<Uuid> = assets.iter().map(|asset| asset.id).collect();
        let of: Parameters<'_> = &[&project, &ids];
        give_tags(&mut assets, self.rows(&selects.tags_of, of, tag).await?);
        let references = self.rows(&selects.references_of, of, reference).await?;
        give_references(&mut assets, references);
        Ok((assets, has_more))
    }

    /// Writes what is in memory to disk, and renews the planner's figures.
    pub(crate) async fn settle(&self) -> Read<()> {
        self.client.batch_execute("VACUUM ANALYZE").await?;
        self.client.batch_execute("CHECKPOINT").await
    }

    /// Counts the rows that a project has in a table.
    pub(crate) async fn count(&self, table: &str, project: Uuid) -> Read<i64> {
        let text = format!("SELECT count(*) FROM {table} WHERE project_id = $1");
        self.client.query_one(&text, &[&project]).await?.try_get(0)
    }
}

//! megabananas: an app that generates characters and animations, with its tables in PostgreSQL
//! (made by Prisma) and its images in its `public` folder.

mod animation;
mod asset;
mod character;
mod compare;
mod files;
mod known;
mod report;
mod rest;
mod row;
mod source;

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::asset::{Asset, NewAsset};
use crate::blob::BlobBatch;
use crate::change::{ChangeKind, EntityKind};
use crate::create::{Created, Plan};
use crate::db::Session;
use crate::error::{Error, Result};
use crate::id::{AnimationId, AssetId, CharacterId, ProjectId};
use crate::json::Json;
use crate::project::{self, NewProject};
use crate::studio::Studio;
use crate::view::Stale;
use asset::Shown;
use compare::ROW;
use files::{AppFolder, Fingerprints};
use known::Table;
use report::MegabananasFinding as Finding;
use row::AppRow;
use source::{Address, AppAsset, Connection, Source};

#[cfg(test)]
pub(crate) use known::STATEMENTS;
pub use report::{
    ImportedProject, MegabananasEvent, MegabananasFinding, MegabananasOptions, MegabananasReport,
    MegabananasRows,
};

/// How claims name the app.
const TOOL: &str = "megabananas";

/// How many assets one transaction brings in, at most.
const BATCH: usize = 500;

/// How many of the app's files are looked for before the folder is taken for another.
const SAMPLE: usize = 1000;

/// An import on its way.
struct Import<'a> {
    studio: &'a Studio,
    source: &'a Source<'a>,
    folder: AppFolder,
    report: MegabananasReport,
    watch: &'a mut (dyn FnMut(MegabananasEvent<'_>) + Send),
    done: u64,
    total: u64,
    /// The assets that were looked at, by their ids in the app.
    seen: Fingerprints,
    /// Those of them that did not arrive.
    refused: Fingerprints,
    /// The sprite sheets and scenes that arrived with an asset.
    carried: Fingerprints,
}

/// A project of the app, and what it is here.
struct Target {
    id: ProjectId,
    source_id: String,
    /// The asset that stands for the project, by its id in the app.
    thumbnail: Option<String>,
    /// By their ids in the app.
    characters: HashMap<String, KnownCharacter>,
    /// Which animation the frames are of whose paths begin so; `None` for more than one.
    frames: HashMap<String, Option<AnimationId>>,
}

/// A character of the app, and what it is here.
struct KnownCharacter {
    id: CharacterId,
    /// Its name in the app.
    name: String,
}

/// What must not be there before a transaction adds it, beside its assets.
#[derive(Clone, Copy)]
enum Absent<'a> {
    Assets,
    Character(&'a str),
    Animation(&'a str),
}

impl Studio {
    /// Imports what the app megabananas has: the rows in its PostgreSQL database, made by
    /// Prisma, and the files in its folder `public` (or `public/assets`).
    ///
    /// Each project of the app becomes a project, with its style in the settings
    /// (`artStyle`, `theme`, `colorPalette`, `styleNotes`). Characters keep their variations
    /// and the primary one; animations their frames, in order, without gaps. A frame asset that
    /// no frame shows becomes a take of the animation that its path names. Sprite sheets and
    /// scenes become references tagged `spritesheet` and `scene`. An asset whose owner can't be
    /// found becomes a reference tagged `unplaced`. Every row has its id in the app as
    /// `source_id`, and as its id, if that is a UUID that is not taken. Images are told by
    /// their bytes: JPEGs called `.png` are JPEGs.
    ///
    /// Prompts, settings and times are those of the app's rows: it wrote them with the request
    /// that it made. Its `referenceAssetIds` are not taken for what was sent, since the app is
    /// known to record some that were not (later frames are made from the frame before, and
    /// the character is recorded). They become a [`Claim`](crate::Claim) of the tool
    /// `megabananas`, with the frame, animation, sprite sheets and scenes that go with the
    /// asset; the raw text of the claim is all those rows as the app has them, columns that
    /// this importer does not know included. Projects and characters keep their row in their
    /// settings, under `megabananas`.
    ///
    /// Every row and file arrives or is a finding with the reason; `watch` is called with each,
    /// and with the progress. The report holds the first of each kind.
    ///
    /// The app's database is read in one state and never written. Importing again adds only
    /// what is new, by the ids in the app; what changed in the app since is a finding, and
    /// nothing is overwritten. What the user has renamed, reordered or removed from an
    /// animation stays so; what was deleted comes again. Each character, each animation and
    /// each 500 other assets are a transaction of their own: after an interruption the next
    /// import goes on where this one stopped.
    ///
    /// # Errors
    /// [`Error::Unavailable`] for a database that does not answer, and for one that lacks a
    /// table or column of the app, which is named; [`Error::Invalid`] for a project that the app
    /// does not have, and for a folder that has none of its files; [`Error::Io`]. Nothing is
    /// created then; after a later error, what came before it stays. No message holds a part
    /// of the address, which may have a password in it.
    pub async fn import_megabananas(
        &self,
        source: &str,
        assets: impl AsRef<Path>,
        options: &MegabananasOptions,
        mut watch: impl FnMut(MegabananasEvent<'_>) + Send,
    ) -> Result<MegabananasReport> {
        let address = Address::parse(source)?;
        let folder = AppFolder::open(assets.as_ref())?;
        let mut connection = Connection::open(address).await?;
        let source = connection.source().await?;
        let mut import = Import {
            studio: self,
            source: &source,
            folder,
            report: MegabananasReport::default(),
            watch: &mut watch,
            done: 0,
            total: 0,
            seen: Fingerprints::default(),
            refused: Fingerprints::default(),
            carried: Fingerprints::default(),
        };
        import.run(options).await?;
        Ok(import.report)
    }
}

impl Import<'_> {
    async fn run(&mut self, options: &MegabananasOptions) -> Result<()> {
        let source = self.source;
        self.check_folder().await?;
        let projects = self.projects(options.project.as_deref()).await?;
        let only = options.project.as_ref().and_then(|_| projects.first());
        let only = only.map(AppRow::id);
        self.total = source.count_assets(only.as_deref()).await?;
        self.tell_progress();
        for (table, column) in source.schema.unknown() {
            self.found(Finding::Unknown {
                table: table.to_owned(),
                column: column.map(str::to_owned),
                reason: kept_in(table, column).to_owned(),
            });
        }
        for row in &projects {
            let mut target = self.project(row).await?;
            self.characters(&mut target).await?;
            self.animations(&mut target).await?;
            self.rest(&mut target).await?;
            self.sheets_and_scenes(&target).await?;
        }
        if only.is_none() {
            self.orphans().await?;
        }
        self.skipped().await
    }

    /// Refuses a folder that has none of the app's files: it is another one, or not mounted.
    async fn check_folder(&self) -> Result<()> {
        let mut rows = self.source.paths().await?;
        let mut looked_for = 0;
        while let Some(path) = rows.next_text().await? {
            if self.folder.file(&path.unwrap_or_default()).is_ok() {
                return Ok(());
            }
            looked_for += 1;
            if looked_for == SAMPLE {
                break;
            }
        }
        if looked_for == 0 {
            return Ok(());
        }
        let reason = format!(
            "{} has none of the files that the app's rows name (looked for {looked_for}); name \
             the app's folder `public`",
            self.folder.assets().display()
        );
        Err(Error::invalid("assets", reason))
    }

    /// Returns the projects that are meant: all, or the one with this id or name.
    async fn projects(&self, wanted: Option<&str>) -> Result<Vec<AppRow>> {
        let mut rows = self.source.projects().await?;
        let mut projects = Vec::new();
        while let Some(row) = rows.next_row("Project").await? {
            projects.push(row);
        }
        let Some(wanted) = wanted else {
            return Ok(projects);
        };
        let is_name = |row: &AppRow| row.text("name").as_deref() == Some(wanted);
        let (by_id, others): (Vec<_>, Vec<_>) =
            projects.into_iter().partition(|row| row.id() == wanted);
        let (by_name, others): (Vec<_>, Vec<_>) = others.into_iter().partition(is_name);
        let list = |rows: &[AppRow]| {
            let rows = rows.iter().take(10);
            let rows =
                rows.map(|row| format!("{} ({})", row.text("name").unwrap_or_default(), row.id()));
            rows.collect::<Vec<_>>().join(", ")
        };
        match (by_id.len(), by_name.len()) {
            (1.., _) => Ok(by_id),
            (0, 1) => Ok(by_name),
            (0, 0) => {
                let reason = format!("the app has no {wanted:?}; it has {}", list(&others));
                Err(Error::invalid("project", reason))
            }
            _ => {
                let reason = format!("the app has more than one {wanted:?}: {}", list(&by_name));
                Err(Error::invalid("project", reason))
            }
        }
    }

    /// Finds or creates a project.
    async fn project(&mut self, row: &AppRow) -> Result<Target> {
        let studio = self.studio;
        let source_id = row.id();
        let found = known::project(&mut studio.database().read().await?, &source_id).await?;
        let (id, is_new) = match found {
            Some(found) => {
                self.compare_settings(row, &found.settings);
                (found.id, false)
            }
            None => self.new_project(row).await?,
        };
        self.report.projects.push(ImportedProject {
            source_id: source_id.clone(),
            project_id: id,
            is_new,
        });
        Ok(Target {
            id,
            source_id,
            thumbnail: row.text("thumbnailId"),
            characters: HashMap::new(),
            frames: HashMap::new(),
        })
    }

    /// Creates a project, unless another import is faster; says whether it is new.
    async fn new_project(&mut self, row: &AppRow) -> Result<(ProjectId, bool)> {
        let studio = self.studio;
        let source_id = row.id();
        let mut session = studio.database().write().await?;
        known::lock_store(&mut session).await?;
        if let Some(found) = known::project(&mut session, &source_id).await? {
            return Ok((found.id, false));
        }
        let mut notes = Vec::new();
        let own = [source_id.as_str()].into_iter();
        let own = known::free_ids(&mut session, Table::Project, own).await?;
        let new = NewProject {
            id: own.get(&source_id).copied().map(ProjectId),
            source_id: Some(source_id),
            description: row.prose("description", &mut notes).unwrap_or_default(),
            settings: Some(settings(row, &mut notes)),
            created_at: row.created_at(&mut notes),
            ..NewProject::new(row.name(&mut notes))
        };
        let mut plan = Plan::of_import(studio);
        let id = plan.project(new)?;
        let (_, stale) = plan.write(&mut session, None).await?;
        studio.commit(session, stale).await?;
        self.report.created.projects += 1;
        self.found_all(notes);
        Ok((id, true))
    }

    /// Makes a new asset of a row. Where that can't be, the row is left out and listed.
    fn make(
        &mut self,
        batch: &BlobBatch<'_>,
        asset: &AppAsset,
        shown: Shown<'_>,
        ids: &HashMap<String, Uuid>,
        notes: &mut Vec<Finding>,
    ) -> Result<Option<NewAsset>> {
        let id = asset.row.id();
        let path = asset.row.text("filePath").unwrap_or_default();
        let made = match self.folder.file(&path) {
            Ok(file) => asset::make(batch, &file, asset, shown, notes)?,
            Err(reason) => Err(reason),
        };
        match made {
            Ok(new) => {
                let kept = ids.get(&id).copied().map(AssetId);
                Ok(Some(new.id(kept.unwrap_or_else(|| self.studio.new_id()))))
            }
            Err(reason) => {
                self.see(&id);
                self.refused.add(&id);
                self.left_out(&asset.row, reason);
                Ok(None)
            }
        }
    }

    /// Writes a plan in one transaction, unless something of it has come meanwhile.
    async fn create(
        &self,
        batch: &BlobBatch<'_>,
        mut plan: Plan<'_>,
        target: &Target,
        absent: Absent<'_>,
    ) -> Result<Option<Created>> {
        let Some(mut session) = self.begin(batch, &mut plan, target).await? else {
            return Ok(None);
        };
        let is_there = match absent {
            Absent::Assets => false,
            Absent::Character(id) => known::character(&mut session, target.id, id)
                .await?
                .is_some(),
            Absent::Animation(id) => known::animation(&mut session, target.id, id)
                .await?
                .is_some(),
        };
        if is_there {
            return Ok(None);
        }
        let (created, stale) = plan.write(&mut session, Some(target.id)).await?;
        self.commit(session, target, created, stale).await.map(Some)
    }

    /// Begins to write a plan, unless one of its assets has come meanwhile.
    async fn begin(
        &self,
        batch: &BlobBatch<'_>,
        plan: &mut Plan<'_>,
        target: &Target,
    ) -> Result<Option<Session>> {
        batch.finish()?;
        plan.store_blobs()?;
        let mut session = self.studio.database().write().await?;
        project::lock(&mut session, target.id).await?;
        let source_ids = plan.source_ids();
        let is_there = known::has_any(&mut session, target.id, &source_ids).await?;
        Ok((!is_there).then_some(session))
    }

    /// Chooses the thumbnail, if it is among what was created, and commits.
    async fn commit(
        &self,
        mut session: Session,
        target: &Target,
        created: Created,
        mut stale: Stale,
    ) -> Result<Created> {
        let now = self.studio.now();
        if let Some(thumbnail) = target.thumbnail_of(created.assets.iter()) {
            let project = project::get(&mut session, target.id).await?;
            if project.thumbnail_id.is_none() {
                project::set_thumbnail(&mut session, target.id, Some(thumbnail), now).await?;
                stale.tell(EntityKind::Project, ChangeKind::Updated, [target.id]);
            }
        }
        self.studio.commit(session, stale).await?;
        Ok(created)
    }

    /// Notes that an asset is here, with what goes with it.
    fn arrived(&mut self, asset: &AppAsset) {
        for row in asset.sheets.iter().chain(&asset.scenes) {
            self.carried.add(&row.id());
        }
    }

    /// Notes that an asset was looked at.
    fn see(&mut self, id: &str) {
        if self.seen.add(id) {
            self.done += 1;
        }
    }

    fn tell_progress(&mut self) {
        let (done, total) = (self.done, self.total);
        (self.watch)(MegabananasEvent::Progress { done, total });
    }

    fn left_out(&mut self, row: &AppRow, reason: String) {
        self.found(Finding::LeftOut {
            table: row.table.to_owned(),
            source_id: row.id(),
            reason,
            row: row.to_value(),
        });
    }

    fn found_all(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.found(finding);
        }
    }

    fn found(&mut self, finding: Finding) {
        (self.watch)(MegabananasEvent::Found(&finding));
        self.report.add(finding);
    }
}

impl Target {
    /// Returns the one of these assets that stands for the project in the app.
    fn thumbnail_of<'a>(&self, mut assets: impl Iterator<Item = &'a Asset>) -> Option<AssetId> {
        let thumbnail = self.thumbnail.as_ref()?;
        let found = assets.find(|asset| asset.source_id.as_ref() == Some(thumbnail));
        found.map(|asset| asset.id)
    }
}

/// Returns the style of a project, and its row, as settings.
fn settings(row: &AppRow, notes: &mut Vec<Finding>) -> Json {
    let mut settings = Map::new();
    let value = row.to_value();
    for column in ["artStyle", "theme", "colorPalette", "styleNotes"] {
        let found = value.get(column).filter(|value| !is_empty(value));
        settings.extend(found.map(|value| (column.to_owned(), value.clone())));
    }
    settings.insert(ROW.to_owned(), value);
    Json::from_value(Value::Object(settings)).unwrap_or_else(|error| {
        notes.push(row.unkept("the style", error));
        Json::empty_object()
    })
}

fn is_empty(value: &Value) -> bool {
    *value == Value::Null || *value == json!([]) || *value == json!("")
}

/// Says where the values of a column are kept that the import does not know.
fn kept_in(table: &str, column: Option<&str>) -> &'static str {
    match (table, column) {
        (_, None) => "not imported",
        ("Project" | "Character", _) => "kept in the settings, under `megabananas`",
        _ => "kept in the claims of the images",
    }
}

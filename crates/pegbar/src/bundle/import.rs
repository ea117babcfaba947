//! Taking a bundle in: read to its end first, then its blobs, then all rows in one transaction.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::Serialize;
use uuid::Uuid;

use super::map::Ids;
use super::read::{Bundle, refuse};
use super::row;
use crate::asset::ImageSource;
use crate::backup::hold;
use crate::blob::{BlobBatch, StoredImage};
use crate::change::{ChangeKind, EntityKind};
use crate::db::Session;
use crate::db::blocking;
use crate::db::field::Field;
use crate::db::schema::TableSchema;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::id::{AssetId, Id as _, ProjectId};
use crate::parallel;
use crate::rows::Row;
use crate::studio::Studio;
use crate::undo::{Action, Made};
use crate::verify;
use crate::view::{self, Scope, Stale};

statements! {
    THERE = "SELECT 1 FROM project WHERE id = $1";
    GAPS = "SELECT animation_id FROM frame WHERE project_id = $1 GROUP BY animation_id \
            HAVING max(frame_index) + 1 <> count(*) LIMIT 1";
}

/// Blobs up to this size are read into memory, several at once.
const IN_MEMORY: u64 = 8 << 20;
/// How many bytes of blobs are in memory at once.
const BATCH_BYTES: u64 = 32 << 20;
/// How many blobs are.
const BATCH: usize = 64;
/// How many assets are given their paths, and compared with their records, at once.
const PAGE: usize = 500;

/// How a bundle is taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BundleImport {
    /// As another project, with new ids in the old order; the old ones are kept as `sourceId`.
    pub as_copy: bool,
}

/// What taking a bundle in did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportedBundle {
    /// The project.
    pub project_id: ProjectId,
    /// The id that it has in the bundle.
    pub bundled_id: ProjectId,
    /// What it is called.
    pub name: String,
    /// How many rows came in.
    pub rows: u64,
    /// How many blobs the bundle has.
    pub blobs: u64,
}

/// What is known of a bundle that was read to its end.
struct Checked {
    project: Uuid,
    ids: Ids,
    sums: String,
    rows: u64,
}

impl Studio {
    /// Makes a project again from a file that [`Studio::export_bundle`] wrote: with the same
    /// ids, hashes, order and times, or as a copy. The file is read to its end first, so that
    /// nothing comes of one that is damaged or lies; then all of it is there, or nothing.
    /// `progress` is told how many images are done, of how many.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the project is there already; [`Error::Damaged`] where the file
    /// is no bundle, is not what was written, or does not hold together; [`Error::Unavailable`]
    /// for one of a newer Pegbar; [`Error::NotAnImage`] for bytes that this studio does not take
    /// in; [`Error::Io`], [`Error::Database`].
    pub async fn import_bundle(
        &self,
        file: impl AsRef<Path>,
        options: BundleImport,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<ImportedBundle> {
        let path = file.as_ref();
        let found = fs::metadata(path).at("reading", path)?;
        if !found.is_file() {
            return Err(refuse(path, "it is no bundle", "it is not a file"));
        }
        let file = File::open(path).at("reading", path)?;
        let mut checked = self.check_bundle(path, &file).await?;
        if options.as_copy {
            checked.ids.renew(|| self.new_id::<AssetId>().uuid());
        } else {
            let mut session = self.database().read().await?;
            refuse_known(&mut session, checked.project).await?;
        }
        let _held = hold::hold(&self.private_folder()).await?;
        let stored = self
            .store_bundle(path, &file, &checked, &mut progress)
            .await?;
        let (project, name) = self.insert_bundle(path, &file, &checked, &stored).await?;
        Ok(ImportedBundle {
            project_id: project,
            bundled_id: ProjectId(checked.project),
            name,
            rows: checked.rows,
            blobs: stored.len() as u64,
        })
    }

    /// Reads a bundle to its end.
    async fn check_bundle(&self, path: &Path, file: &File) -> Result<Checked> {
        let mut bundle = Bundle::open(path, file)?;
        let project = bundle.about.project.id.0;
        let mut ids = Ids::default();
        let mut named: Vec<(Sha256, Option<i64>)> = Vec::new();
        let mut rows = 0;
        bundle
            .rows(async |schema, part| {
                rows += part.len() as u64;
                for mut row in part {
                    row::check(schema, &mut row, project)
                        .map_err(|reason| refuse_row(path, schema, &row, reason))?;
                    ids.note(schema, &row);
                    named.extend(named_blob(schema, &row));
                }
                Ok(())
            })
            .await?;
        if let Some(id) = ids.sort() {
            return Err(refuse(
                path,
                "its rows",
                format!("the id {id} stands twice"),
            ));
        }
        named.sort_unstable();
        named.dedup();
        let mut named = named.into_iter().peekable();
        let (mut count, mut bytes, mut before) = (0, 0_u64, None);
        while let Some((sha256, size)) = bundle.next_blob(before)? {
            let place = format!("blobs/{sha256}");
            let mut is_named = false;
            while let Some((_, said)) = named.next_if(|(named, _)| *named == sha256) {
                is_named = true;
                if said.is_some_and(|said| u64::try_from(said) != Ok(size)) {
                    return Err(refuse(path, &place, "its size is not that of its asset"));
                }
            }
            if !is_named {
                return Err(refuse(
                    path,
                    &place,
                    "no asset names it, or one before is missing",
                ));
            }
            let max = self.blobs().max_file_size();
            if size > max {
                let reason = format!("it is larger than {max} bytes, the limit of this studio");
                return Err(refuse(path, &place, reason));
            }
            blocking(|| bundle.read_blob(sha256, size, io::sink()))?;
            count += 1;
            bytes = bytes.saturating_add(size);
            before = Some(sha256);
        }
        if let Some((sha256, _)) = named.next() {
            return Err(refuse(path, &format!("blobs/{sha256}"), "it is missing"));
        }
        if (count, bytes) != (bundle.about.blobs.count, bundle.about.blobs.bytes) {
            return Err(refuse(
                path,
                super::ABOUT,
                "it has other blobs than it says",
            ));
        }
        Ok(Checked {
            project,
            ids,
            sums: bundle.finish()?,
            rows,
        })
    }

    /// Puts the blobs in place; they are durable then, and no row names them yet.
    async fn store_bundle(
        &self,
        path: &Path,
        file: &File,
        checked: &Checked,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<HashMap<Sha256, StoredImage>> {
        let mut bundle = Bundle::open(path, file)?;
        bundle
            .rows(async |schema, part| {
                for row in &part {
                    row::check_ids(schema, row, &checked.ids)
                        .map_err(|reason| refuse_row(path, schema, row, reason))?;
                }
                Ok(())
            })
            .await?;
        let total = bundle.about.blobs.count;
        let batch = self.blobs().batch();
        let mut stored = HashMap::new();
        let mut before = None;
        let mut waiting: Vec<ImageSource> = Vec::new();
        let mut bytes = 0;
        while let Some((sha256, size)) = bundle.next_blob(before)? {
            before = Some(sha256);
            if size > IN_MEMORY {
                let image = self.store_large(&mut bundle, &batch, sha256, size)?;
                stored.insert(sha256, image);
                continue;
            }
            let mut content = Vec::new();
            blocking(|| bundle.read_blob(sha256, size, &mut content))?;
            waiting.push(ImageSource::Bytes(content));
            bytes += size;
            if waiting.len() >= BATCH || bytes >= BATCH_BYTES {
                store(&batch, &mut waiting, &mut stored)?;
                bytes = 0;
                progress(stored.len() as u64, total);
            }
        }
        store(&batch, &mut waiting, &mut stored)?;
        if bundle.finish()? != checked.sums {
            return Err(changed(path));
        }
        blocking(|| batch.finish())?;
        progress(stored.len() as u64, total);
        Ok(stored)
    }

    fn store_large(
        &self,
        bundle: &mut Bundle,
        batch: &BlobBatch<'_>,
        sha256: Sha256,
        size: u64,
    ) -> Result<StoredImage> {
        let copy = self.blobs().new_file()?;
        let stored = blocking(|| {
            let to = File::create_new(&copy).at("writing", &copy)?;
            bundle.read_blob(sha256, size, to)?;
            batch.store(&ImageSource::File(copy.clone()))
        });
        // What stays is swept at the next opening.
        let _ = fs::remove_file(&copy);
        stored
    }

    async fn insert_bundle(
        &self,
        path: &Path,
        file: &File,
        checked: &Checked,
        stored: &HashMap<Sha256, StoredImage>,
    ) -> Result<(ProjectId, String)> {
        let mut bundle = Bundle::open(path, file)?;
        let project = ProjectId(checked.ids.of(checked.project));
        let mut session = self.database().write().await?;
        refuse_known(&mut session, project.0).await?;
        let mut stale = Stale::new(project);
        stale.add(Scope::Project);
        let made = Made::Project {
            id: project,
            size: None,
        };
        stale.did(&Action::Create { made });
        let mut assets = Vec::new();
        let mut name = String::new();
        bundle
            .rows(async |schema, mut part| {
                for row in &mut part {
                    let ready = prepare(schema, row, checked, stored);
                    ready.map_err(|reason| refuse_row(path, schema, row, reason))?;
                    tell(&mut stale, schema, row);
                    match schema.table.name {
                        "asset" => assets.extend(row[0].id()),
                        "project" => {
                            let column = schema.column("name");
                            let text = column.and_then(|place| row[place].text());
                            text.unwrap_or_default().clone_into(&mut name);
                        }
                        _ => {}
                    }
                }
                let inserted = session.insert_cells(&schema.table, &part).await;
                inserted.map_err(|error| known_ids(path, error))
            })
            .await?;
        if !bundle.is_beginning_of(&checked.sums) {
            return Err(changed(path));
        }
        for page in assets.chunks(PAGE) {
            view::rehome(&mut session, project, page).await?;
            let compared = verify::check_rows(&mut session, project, page).await;
            compared.map_err(|error| match error {
                Error::Damaged { place, reason, .. } => refuse(path, &place, reason),
                error => error,
            })?;
        }
        let gap = session
            .optional(&GAPS, &[Value::Id(project.0)], |_| Ok(()))
            .await?;
        if gap.is_some() {
            return Err(refuse(
                path,
                "frame",
                "the frames of an animation have gaps",
            ));
        }
        let committed = self.commit(session, stale).await;
        committed.map_err(|error| known_ids(path, error))?;
        Ok((project, name))
    }
}

fn store(
    batch: &BlobBatch<'_>,
    waiting: &mut Vec<ImageSource>,
    stored: &mut HashMap<Sha256, StoredImage>,
) -> Result<()> {
    let images = blocking(|| parallel::each(waiting, |image| batch.store(image)));
    for image in images {
        let image = image?;
        stored.insert(image.sha256(), image);
    }
    waiting.clear();
    Ok(())
}

fn changed(path: &Path) -> Error {
    Error::Conflict {
        message: format!("{} changed while it was read", path.display()),
        hint: "wait until the program that writes it is done, then try again".to_owned(),
    }
}

/// Refuses a project that is there.
async fn refuse_known(session: &mut Session, project: Uuid) -> Result<()> {
    let known = session
        .optional(&THERE, &[Value::Id(project)], |_| Ok(()))
        .await?;
    if known.is_none() {
        return Ok(());
    }
    Err(Error::Conflict {
        message: format!("the project {project} is there already"),
        hint: "take the bundle in as a copy (--as-copy), or delete the project first".to_owned(),
    })
}

fn known_ids(path: &Path, error: Error) -> Error {
    match error {
        Error::Conflict { message, .. } => Error::Conflict {
            message: format!("{}: {message}", path.display()),
            hint: "its ids are there already, or its rows contradict each other: a copy has new \
                   ids (--as-copy)"
                .to_owned(),
        },
        error => error,
    }
}

fn refuse_row(path: &Path, schema: &TableSchema, row: &[Field], reason: String) -> Error {
    let id = row.first().and_then(Field::id);
    let id = id.map_or_else(String::new, |id| format!(" {id}"));
    refuse(path, &format!("{}{id}", schema.table.name), reason)
}

/// Returns the blob that an asset needs, with its size.
fn named_blob(schema: &TableSchema, row: &[Field]) -> Option<(Sha256, Option<i64>)> {
    if schema.table.name != "asset" {
        return None;
    }
    let column = |name| schema.column(name).map(|place| &row[place]);
    if column("bytes_dropped_at") != Some(&Field::Null) {
        return None;
    }
    let sha256 = column("sha256")?.text()?.parse().ok()?;
    Some((sha256, column("file_size").and_then(Field::int)))
}

/// Makes a row ready to be written, and compares what it says of its bytes with what they are.
fn prepare(
    schema: &TableSchema,
    row: &mut Row,
    checked: &Checked,
    stored: &HashMap<Sha256, StoredImage>,
) -> Result<(), String> {
    row::check(schema, row, checked.project)?;
    row::check_ids(schema, row, &checked.ids)?;
    if let Some((sha256, _)) = named_blob(schema, row) {
        let image = stored.get(&sha256).ok_or("its bytes are missing")?;
        check_facts(schema, row, image)?;
    }
    checked.ids.renew_row(schema, row);
    Ok(())
}

fn check_facts(schema: &TableSchema, row: &[Field], image: &StoredImage) -> Result<(), String> {
    let number = |value: u64| Field::Int(i64::try_from(value).unwrap_or(i64::MAX));
    let facts = [
        (
            "mime_type",
            Field::Text(image.format().mime_type().to_owned()),
        ),
        ("file_size", number(image.file_size())),
        ("width", number(image.width().into())),
        ("height", number(image.height().into())),
        ("image_count", number(image.image_count().into())),
    ];
    for (name, fact) in facts {
        let said = schema.column(name).map(|place| &row[place]);
        if said.is_some_and(|said| *said != Field::Null && *said != fact) {
            return Err(format!("{name}: its bytes say something else"));
        }
    }
    Ok(())
}

/// Tells those who follow the project what came.
fn tell(stale: &mut Stale, schema: &TableSchema, row: &[Field]) {
    let entity = match schema.table.name {
        "project" => EntityKind::Project,
        "character" => EntityKind::Character,
        "animation" => EntityKind::Animation,
        "generation" => EntityKind::Generation,
        "asset" => EntityKind::Asset,
        "frame" => EntityKind::Frame,
        "asset_annotation" => EntityKind::Annotation,
        _ => return,
    };
    stale.tell(entity, ChangeKind::Created, row[0].id());
}

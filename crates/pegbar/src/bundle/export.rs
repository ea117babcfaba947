//! Writing a bundle.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::Serialize;
use uuid::Uuid;

use super::read::Sums;
use super::{
    ABOUT, About, AboutBlobs, AboutProject, AboutTable, CHECKSUMS, FORMAT, PART, VERSION,
    part_name, schemas,
};
use crate::archive::{ArchiveWriter, FileArchive, beside, put};
use crate::backup::hold;
use crate::blob::whole;
use crate::db::schema::TableSchema;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::db::{Session, blocking, latest_version};
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::id::ProjectId;
use crate::rows::{Pages, count, line};
use crate::studio::Studio;
use crate::{project, verify};

statements! {
    BLOBS = "SELECT DISTINCT sha256 FROM asset WHERE project_id = $1 \
             AND sha256 IS NOT NULL AND bytes_dropped_at IS NULL ORDER BY sha256";
}

/// What writing a bundle did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportedBundle {
    /// The project.
    pub project_id: ProjectId,
    /// The file.
    #[serde(serialize_with = "crate::text::serialize_path")]
    pub file: PathBuf,
    /// How large it is, in bytes.
    pub file_size: u64,
    /// How many rows it has.
    pub rows: u64,
    /// How many blobs.
    pub blobs: u64,
}

impl Studio {
    /// Writes a project with all of its records and images into one file, from which
    /// [`Studio::import_bundle`] makes it again, in any studio and on either engine. What was
    /// deleted is not in it. `progress` is told how many images are done, of how many.
    ///
    /// The file is there when the call returns, or not at all; one that is there is replaced
    /// only with `replace`.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] where the file is there; [`Error::Damaged`]
    /// where a record or image is not what was recorded, or its bytes are missing;
    /// [`Error::Io`], [`Error::Database`].
    pub async fn export_bundle(
        &self,
        project: ProjectId,
        file: impl AsRef<Path>,
        replace: bool,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<ExportedBundle> {
        let file = file.as_ref();
        if !replace && file.exists() {
            return Err(Error::Conflict {
                message: format!("{} is there already", file.display()),
                hint: "name another file, or say that it is to be replaced".to_owned(),
            });
        }
        let _held = hold::hold(&self.private_folder()).await?;
        let partial = beside(file, "partial");
        let written = self.write_bundle(project, &partial, &mut progress).await;
        let placed = written.and_then(|mut exported| {
            exported.file_size = fs::metadata(&partial).at("looking at", &partial)?.len();
            exported.file = put(&partial, file, replace)?;
            Ok(exported)
        });
        if placed.is_err() {
            // It was never there, or is in nobody's way.
            let _ = fs::remove_file(&partial);
        }
        placed
    }

    async fn write_bundle(
        &self,
        id: ProjectId,
        partial: &Path,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<ExportedBundle> {
        let mut session = self.database().snapshot().await?;
        let project = project::get(&mut session, id).await?;
        let parameters = [Value::Id(id.0)];
        let blobs = session.query(&BLOBS, &parameters, |row| row.at(0, "asset.sha256"));
        let blobs = self.measure(&blobs.await?)?;
        let mut tables = Vec::new();
        for schema in schemas(latest_version()) {
            tables.push(AboutTable {
                name: schema.table.name.to_owned(),
                rows: count(&mut session, schema, Some(id.0)).await?,
            });
        }
        let about = About {
            format: FORMAT.to_owned(),
            version: VERSION,
            created_at: self.now(),
            pegbar: env!("CARGO_PKG_VERSION").to_owned(),
            schema_version: latest_version(),
            project: AboutProject {
                id,
                name: project.name,
            },
            tables,
            blobs: AboutBlobs {
                count: blobs.len() as u64,
                bytes: blobs.iter().map(|(_, size)| size).sum(),
            },
        };
        let mut archive = ArchiveWriter::create(partial)?;
        let mut sums = Sums::default();
        let text = serde_json::to_string_pretty(&about);
        let text = text.map_err(|error| Error::invalid("bundle", error.to_string()))? + "\n";
        sums.add(ABOUT, text.as_bytes());
        archive.add(ABOUT, text.as_bytes()).at("writing", partial)?;
        for schema in schemas(latest_version()) {
            let mut parts = Parts {
                archive: &mut archive,
                sums: &mut sums,
                schema,
                partial,
            };
            parts.write(&mut session, id.0).await?;
        }
        session.end().await?;
        blocking(|| self.write_blobs(&blobs, &mut archive, &mut sums, partial, progress))?;
        archive
            .add(CHECKSUMS, sums.to_text().as_bytes())
            .at("writing", partial)?;
        archive.finish_durably(partial)?;
        Ok(ExportedBundle {
            project_id: id,
            file: PathBuf::new(),
            file_size: 0,
            rows: about.tables.iter().map(|table| table.rows).sum(),
            blobs: about.blobs.count,
        })
    }

    /// Looks at the sizes of blobs, which the archive says before their bytes.
    fn measure(&self, blobs: &[Sha256]) -> Result<Vec<(Sha256, u64)>> {
        let measure = |sha256: &Sha256| {
            let path = self.blobs().path(*sha256);
            let found = fs::metadata(&path).map_err(|error| Error::Damaged {
                place: path.display().to_string(),
                reason: "the bytes of an asset are missing".to_owned(),
                source: Some(Box::new(error)),
            })?;
            Ok((*sha256, found.len()))
        };
        blobs.iter().map(measure).collect()
    }

    fn write_blobs(
        &self,
        blobs: &[(Sha256, u64)],
        archive: &mut FileArchive,
        sums: &mut Sums,
        partial: &Path,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<()> {
        for (done, (sha256, size)) in blobs.iter().enumerate() {
            let path = self.blobs().path(*sha256);
            let mut file = File::open(&path).at("reading", &path)?;
            let added = archive.add_with(&format!("blobs/{sha256}"), *size, |to| {
                whole::copy(&mut file, to)
            });
            let found = added.at("writing", partial)?;
            if found != *sha256 {
                return Err(Error::Damaged {
                    place: path.display().to_string(),
                    reason: format!("its bytes are others: their SHA-256 is {found}"),
                    source: None,
                });
            }
            sums.add_blob(*sha256, *size);
            progress(done as u64 + 1, blobs.len() as u64);
        }
        Ok(())
    }
}

/// The rows of one table, on their way into files of the archive.
struct Parts<'a> {
    archive: &'a mut FileArchive,
    sums: &'a mut Sums,
    schema: &'static TableSchema,
    partial: &'a Path,
}

impl Parts<'_> {
    async fn write(&mut self, session: &mut Session, project: Uuid) -> Result<()> {
        let mut pages = Pages::of(self.schema, Some(project));
        let mut text = Vec::new();
        let mut number = 0;
        loop {
            let rows = pages.next(session).await?;
            if rows.is_empty() {
                break;
            }
            if self.schema.table.name == "asset" {
                let ids: Vec<Uuid> = rows.iter().filter_map(|row| row[0].id()).collect();
                verify::check_rows(session, ProjectId(project), &ids).await?;
            }
            for row in &rows {
                line::write(&mut text, self.schema, row);
                if text.len() > PART {
                    number += 1;
                    self.flush(number, &mut text)?;
                }
            }
        }
        if text.is_empty() {
            return Ok(());
        }
        self.flush(number + 1, &mut text)
    }

    fn flush(&mut self, number: u64, text: &mut Vec<u8>) -> Result<()> {
        let name = part_name(self.schema.table.name, number);
        self.sums.add(&name, text);
        let added = blocking(|| self.archive.add(&name, text));
        added.at("writing", self.partial)?;
        text.clear();
        Ok(())
    }
}

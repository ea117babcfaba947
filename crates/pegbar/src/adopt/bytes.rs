//! The bytes that rows mean: found where the rows say, and taken in before any row changes.

use std::collections::HashMap;
use std::fs::{self, File};

use uuid::Uuid;

use super::journal::Entry;
use super::path::RowPath;
use super::place::{Opened, Problem};
use super::report::Disagreement;
use super::row::{self, FileRow, ViewFile};
use super::{Pending, Run, Work};
use crate::blob::{BlobBatch, Refused, StoredImage};
use crate::db::blocking;
use crate::error::Result;
use crate::hash::Sha256;
use crate::id::AssetId;
use crate::view;

/// Bytes that were found, or why there are none.
type Found<T> = Result<T, Disagreement>;

/// What a page of rows is looked at with.
struct Page<'a> {
    batch: BlobBatch<'a>,
    /// Where complete rows have their homes.
    homes: HashMap<AssetId, String>,
    /// Files of other assets that rows name.
    view_files: HashMap<AssetId, Vec<ViewFile>>,
    taken_in: Vec<Entry>,
}

impl Run<'_> {
    /// Looks at every row of a project and takes in the bytes of those that need it.
    pub(super) async fn take_in(&mut self, work: &mut Work) -> Result<()> {
        let mut after = Uuid::nil();
        loop {
            let mut session = self.studio.database().snapshot().await?;
            let rows = row::page(&mut session, work.project, after).await?;
            let Some(last) = rows.last() else {
                return session.end().await;
            };
            after = last.id.0;
            let (complete, other): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.is_sealed());
            let ids = |rows: &[&FileRow]| rows.iter().map(|row| row.id.0).collect::<Vec<_>>();
            let homes = view::homes(&mut session, work.project, &ids(&complete)).await?;
            let named = ids(&other);
            let view_files = row::view_files(&mut session, work.project, &named).await?;
            session.end().await?;
            let mut page = Page {
                batch: self.studio.blobs().batch(),
                homes: homes
                    .into_iter()
                    .map(|home| (home.asset_id, home.path))
                    .collect(),
                view_files,
                taken_in: Vec::new(),
            };
            let is_last = rows.len() < row::PAGE_SIZE;
            let count = rows.len() as u64;
            blocking(|| self.look_at_page(work, &mut page, rows))?;
            self.report.assets += count;
            self.advance(count);
            if is_last {
                return Ok(());
            }
        }
    }

    fn look_at_page(
        &mut self,
        work: &mut Work,
        page: &mut Page<'_>,
        rows: Vec<FileRow>,
    ) -> Result<()> {
        for row in rows {
            let id = row.id;
            match self.look_at(work, page, row)? {
                Ok(Some(pending)) => drop(work.pending.insert(id, pending)),
                Ok(None) => {}
                Err(disagreement) => self.leave(work, id, disagreement),
            }
        }
        if self.options.dry_run {
            return Ok(());
        }
        page.batch.finish()?;
        self.journal.add(std::mem::take(&mut page.taken_in))
    }

    /// Looks at one row: it needs nothing, or is to be completed, or has to be left.
    fn look_at(
        &mut self,
        work: &mut Work,
        page: &mut Page<'_>,
        row: FileRow,
    ) -> Result<Found<Option<Pending>>> {
        if let Some((field, reason)) = row.unreadable {
            return Ok(Err(Disagreement::Unacceptable { field, reason }));
        }
        let sha256 = match row.sha256.as_deref().map(|text| (text, text.parse())) {
            None => None,
            Some((_, Ok(sha256))) => Some(sha256),
            Some((value, Err(_))) => {
                let value = value.to_owned();
                return Ok(Err(Disagreement::MalformedHash { value }));
            }
        };
        if let Some(sha256) = sha256.filter(|_| row.is_sealed()) {
            self.look_at_complete(work, page, &row, sha256)
        } else if row.is_dropped {
            Ok(Err(Disagreement::BytesDropped))
        } else if let Some(sha256) = sha256 {
            self.look_at_hashed(work, page, &row, sha256)
        } else {
            let found = self.bytes_of(work, page, &row)?;
            Ok(
                found
                    .map(|(image, place)| Some(self.pending(work, page, &row, Some(image), place))),
            )
        }
    }

    /// Looks at a row whose record is whole, by what it says itself.
    fn look_at_complete(
        &mut self,
        work: &mut Work,
        page: &mut Page<'_>,
        row: &FileRow,
        sha256: Sha256,
    ) -> Result<Found<Option<Pending>>> {
        let record = row.record.as_deref().unwrap_or_default();
        let hash = row.record_hash.as_deref().unwrap_or_default();
        if let Err(reason) = row::check_record(sha256, record, hash) {
            self.note(work, row.id, Disagreement::RecordDamaged { reason });
        }
        if row.is_dropped {
            return Ok(Ok(None));
        }
        let home = page.homes.get(&row.id);
        let is_at_home = home.is_none_or(|home| row.file_path.as_ref() == Some(home));
        let stored_size = fs::metadata(self.studio.blobs().path(sha256));
        let stored_size = stored_size
            .ok()
            .and_then(|found| i64::try_from(found.len()).ok());
        if stored_size.is_none() {
            return self.look_at_hashed(work, page, row, sha256);
        }
        let is_known = row.has_facts() && row.file_size == stored_size;
        match (is_known, is_at_home) {
            (true, true) => Ok(Ok(None)),
            (false, _) => self.look_at_hashed(work, page, row, sha256),
            (true, false) => {
                let place = self.same_file(work, row, sha256)?;
                Ok(Ok(Some(self.pending(work, page, row, None, place))))
            }
        }
    }

    /// Looks at a row that has a hash: the bytes are the store's or the file's, or nowhere.
    fn look_at_hashed(
        &mut self,
        work: &mut Work,
        page: &mut Page<'_>,
        row: &FileRow,
        sha256: Sha256,
    ) -> Result<Found<Option<Pending>>> {
        if let Some(found) = self.stored(sha256)? {
            let image = match found {
                Ok(image) => image,
                Err(disagreement) => return Ok(Err(disagreement)),
            };
            let place = self.same_file(work, row, sha256)?;
            return Ok(Ok(Some(self.pending(work, page, row, Some(image), place))));
        }
        let found = self.file_of(work, row);
        let (path, mut opened) = match found {
            Ok(found) => found,
            Err(Disagreement::FileMissing { .. } | Disagreement::NoPath) => {
                return Ok(Err(Disagreement::BytesMissing { sha256 }));
            }
            Err(disagreement) => return Ok(Err(disagreement)),
        };
        let image = match self.read(&page.batch, &path, &mut opened)? {
            Ok(image) => image,
            Err(disagreement) => return Ok(Err(disagreement)),
        };
        if image.sha256() != sha256 {
            return Ok(Err(Disagreement::FileDiffers {
                path: path.as_str().to_owned(),
                recorded: sha256,
                found: image.sha256(),
                is_stored: false,
            }));
        }
        let restored = path.as_str().to_owned();
        self.note(work, row.id, Disagreement::BytesRestored { path: restored });
        Ok(Ok(Some(self.pending(
            work,
            page,
            row,
            Some(image),
            Some(path),
        ))))
    }

    /// Finds and takes in the bytes of a row that has no hash.
    fn bytes_of(
        &mut self,
        work: &mut Work,
        page: &mut Page<'_>,
        row: &FileRow,
    ) -> Result<Found<(StoredImage, Option<RowPath>)>> {
        let named = row.file_path.as_deref().unwrap_or_default();
        let before = self.journal.taken_in(row.id, named).cloned();
        let found = match self.file_of(work, row) {
            Ok((path, mut opened)) => {
                let read = self.read(&page.batch, &path, &mut opened)?;
                read.map(|image| (image, path))
            }
            Err(disagreement) => Err(disagreement),
        };
        // An interrupted run may have taken the file in and given its place to another.
        let is_ours = |image: &StoredImage, path: &RowPath| {
            let files = page.view_files.get(&row.id).into_iter().flatten();
            let mut files = files.filter(|file| file.path == path.as_str());
            files.any(|file| file.sha256 == Some(image.sha256()))
        };
        let is_taken = match &found {
            Ok((image, path)) => is_ours(image, path),
            Err(Disagreement::FileMissing { .. }) => true,
            Err(_) => false,
        };
        if let (true, Some(before)) = (is_taken, before)
            && let Some(Ok(image)) = self.stored(before.sha256)?
        {
            return Ok(Ok((image, before.place())));
        }
        let (image, path) = match found {
            Ok(found) => found,
            Err(disagreement) => return Ok(Err(disagreement)),
        };
        let files = page.view_files.get(&row.id).into_iter().flatten();
        let mut others = files.filter(|file| file.path == path.as_str());
        let other = others.next().map(|file| file.owner);
        if let Some(with) = other.or_else(|| work.places.get(&path).copied()) {
            let path = path.as_str().to_owned();
            self.note(work, row.id, Disagreement::SharedPath { path, with });
        }
        work.places.entry(path.clone()).or_insert(row.id);
        Ok(Ok((image, Some(path))))
    }

    /// Notes what is to be completed, and what the row says wrong.
    fn pending(
        &mut self,
        work: &mut Work,
        page: &mut Page<'_>,
        row: &FileRow,
        image: Option<StoredImage>,
        place: Option<RowPath>,
    ) -> Pending {
        let wrong = image.as_ref().map(|image| facts_that_differ(row, image));
        let wrong = wrong.unwrap_or_default();
        let needs_facts =
            image.is_some() && !(row.has_facts() && row.sha256.is_some() && wrong.is_empty());
        for disagreement in wrong {
            self.note(work, row.id, disagreement);
        }
        let sha256 = image.map(|image| image.sha256());
        let sha256 = sha256.or_else(|| row.sha256.as_deref()?.parse().ok());
        if let (Some(place), Some(named), Some(sha256)) = (place, &row.file_path, sha256) {
            page.taken_in.push(Entry {
                project_id: work.project,
                asset_id: row.id,
                named: named.clone(),
                place: place.as_str().to_owned(),
                sha256,
            });
        }
        Pending {
            named: row.file_path.clone(),
            sha256: row.sha256.clone(),
            image,
            needs_facts,
            needs_record: !row.is_sealed(),
        }
    }

    /// Returns what the store has under a hash; `None` where it has nothing.
    fn stored(&self, sha256: Sha256) -> Result<Option<Found<StoredImage>>> {
        let path = self.studio.blobs().path(sha256);
        let Ok(mut file) = File::open(&path) else {
            return Ok(None);
        };
        let inspected = self.studio.blobs().inspect(&mut file)?;
        Ok(Some(match inspected {
            Ok(image) if image.sha256() == sha256 => Ok(image),
            Err(Refused::Unreadable(error)) => Err(Disagreement::FileUnreadable {
                path: path.display().to_string(),
                reason: error.to_string(),
            }),
            _ => Err(Disagreement::BlobDamaged { sha256 }),
        }))
    }

    /// Returns where the file of a row is, if it has the bytes that the store has; says so
    /// where it has others.
    fn same_file(&mut self, work: &Work, row: &FileRow, sha256: Sha256) -> Result<Option<RowPath>> {
        let Ok((path, mut opened)) = self.file_of(work, row) else {
            // The view puts it where it belongs.
            return Ok(None);
        };
        match self.studio.blobs().inspect(&mut opened.file)? {
            Ok(image) if image.sha256() == sha256 => Ok(Some(path)),
            Ok(image) => {
                let disagreement = Disagreement::FileDiffers {
                    path: path.as_str().to_owned(),
                    recorded: sha256,
                    found: image.sha256(),
                    is_stored: true,
                };
                self.note(work, row.id, disagreement);
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }

    /// Opens the file that a row names.
    fn file_of(&self, work: &Work, row: &FileRow) -> Found<(RowPath, Opened)> {
        let Some(named) = &row.file_path else {
            return Err(Disagreement::NoPath);
        };
        let path = named.clone();
        let meanings = RowPath::read(named).map_err(|reason| Disagreement::UnsafePath {
            path: path.clone(),
            reason,
        })?;
        for meaning in meanings {
            let owner = meaning.top_id();
            if let Some(owner) = owner.filter(|owner| *owner != work.project.0)
                && self.projects.contains(&owner.into())
            {
                let owner = owner.into();
                return Err(Disagreement::OtherProject { path, owner });
            }
            match self.place.file(&meaning) {
                Ok(opened) => return Ok((meaning, opened)),
                Err(Problem::Missing) => {}
                Err(Problem::Link(link)) => return Err(Disagreement::LinkInPath { path, link }),
                Err(Problem::NotAFile(found)) => {
                    let found = found.to_owned();
                    return Err(Disagreement::NotAFile { path, found });
                }
                Err(Problem::Unreadable(error)) => {
                    let reason = error.to_string();
                    return Err(Disagreement::FileUnreadable { path, reason });
                }
            }
        }
        Err(Disagreement::FileMissing { path })
    }

    /// Takes in what an open file holds; a dry run only looks.
    fn read(
        &self,
        batch: &BlobBatch<'_>,
        path: &RowPath,
        opened: &mut Opened,
    ) -> Result<Found<StoredImage>> {
        let path = path.as_str().to_owned();
        let read = if self.options.dry_run {
            self.studio.blobs().inspect(&mut opened.file)?
        } else {
            batch.store_opened(&mut opened.file)?
        };
        Ok(match read {
            Err(Refused::NotAnImage(reason)) => Err(Disagreement::NotAnImage { path, reason }),
            Err(Refused::Unreadable(error)) => {
                let reason = error.to_string();
                Err(Disagreement::FileUnreadable { path, reason })
            }
            Ok(_) if !opened.is_unchanged() => Err(Disagreement::FileChanging { path }),
            Ok(image) => Ok(image),
        })
    }
}

/// Returns what a row says otherwise than its bytes.
fn facts_that_differ(row: &FileRow, image: &StoredImage) -> Vec<Disagreement> {
    let number = |number: &Option<i64>| number.map(|number| number.to_string());
    let facts = [
        (
            "mimeType",
            row.mime_type.clone(),
            image.format().mime_type().to_owned(),
        ),
        (
            "fileSize",
            number(&row.file_size),
            image.file_size().to_string(),
        ),
        ("width", number(&row.width), image.width().to_string()),
        ("height", number(&row.height), image.height().to_string()),
        (
            "imageCount",
            number(&row.image_count),
            image.image_count().to_string(),
        ),
    ];
    let differ = facts.into_iter().filter_map(|(field, recorded, found)| {
        let recorded = recorded.filter(|recorded| *recorded != found)?;
        Some(Disagreement::FactDiffers {
            field,
            recorded,
            found,
        })
    });
    differ.collect()
}

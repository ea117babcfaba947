//! PixelLab: one character in its rotations, with its animations, as a folder of PNGs and a
//! `metadata.json`.

mod metadata;

use std::collections::HashMap;
use std::path::Path;

use uuid::Uuid;

use super::folder::{self, ExportFolder, ExportPath};
use super::{ChangedFile, ImportReport, ImportedRows, Listed};
use crate::animation::NewAnimation;
use crate::asset::{Asset, NewAsset};
use crate::character::NewCharacter;
use crate::create::Plan;
use crate::db::blocking;
use crate::db::sql::{Sql, statements};
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::frame::{Frame, NewFrame};
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, ProjectId};
use crate::project;
use crate::studio::Studio;
use metadata::{Export, ExportedAnimation, at};
pub(super) use metadata::{METADATA, is_export};

/// The direction that shows the character from the front.
const FRONT: &str = "south";

statements! {
    CHARACTER = "SELECT id FROM character WHERE project_id = $1 AND source_id = $2 \
                 ORDER BY id LIMIT 1";
    ANIMATION = "SELECT id FROM animation WHERE project_id = $1 AND character_id = $2 \
                 AND source_id = $3 ORDER BY id LIMIT 1";
    IMAGE = "SELECT id FROM asset WHERE project_id = $1 AND source_path = $2 \
             ORDER BY id LIMIT 1";
    IMAGES = "SELECT id, source_path, sha256 FROM asset WHERE project_id = $1 \
              AND source_path >= $2 AND source_path < $3 ORDER BY id";
}

/// An image that the project has from this export.
struct Known {
    id: AssetId,
    /// `None` where another program wrote the row.
    sha256: Option<Sha256>,
    /// The report has it already.
    is_reported: bool,
}

/// An import on its way.
struct Import<'a> {
    studio: &'a Studio,
    project: ProjectId,
    folder: ExportFolder,
    export: &'a Export,
    /// By their paths in the export.
    known: HashMap<String, Known>,
    created: ImportedRows,
    unchanged: u64,
    changed: Listed<ChangedFile>,
}

pub(super) async fn import(
    studio: &Studio,
    project: ProjectId,
    folder: &Path,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<ImportReport> {
    studio.get_project(project).await?;
    let (folder, export, skipped) = blocking(|| {
        let folder = ExportFolder::open(folder)?;
        let export = Export::read(&folder)?;
        let skipped = folder.files_besides(&export.files())?;
        Ok::<_, Error>((folder, export, skipped))
    })?;
    let mut import = Import {
        studio,
        project,
        folder,
        export: &export,
        known: HashMap::new(),
        created: ImportedRows::default(),
        unchanged: 0,
        changed: Listed::default(),
    };
    import.load_known().await?;
    let (mut done, count) = (0, export.image_count());
    progress(done, count);
    let character_id = import.character().await?;
    done += export.rotations.len() as u64;
    for animation in &export.animations {
        progress(done, count);
        import.animation(character_id, animation).await?;
        done += animation.frames.len() as u64;
    }
    progress(count, count);
    Ok(ImportReport {
        character_id,
        created: import.created,
        unchanged: import.unchanged,
        changed: import.changed,
        skipped,
    })
}

impl Import<'_> {
    /// Brings in the character with those of its rotations that are not there yet.
    async fn character(&mut self) -> Result<CharacterId> {
        let source_id = &self.export.character.id;
        let owner = [Value::Id(self.project.0), source_id.as_str().into()];
        let mut found = self.find(&CHARACTER, &owner).await?;
        if found.is_none() {
            let (id, plan) = self.new_character()?;
            if let Some(created) = self.create(plan, &CHARACTER, &owner).await? {
                self.created.characters += 1;
                self.created.variations += created.len() as u64;
                self.add_known(created);
                found = Some(id.0);
            } else {
                // Another import of the same export was faster.
                self.load_known().await?;
                found = self.find(&CHARACTER, &owner).await?;
            }
        }
        let id = found.map(CharacterId);
        let id = id.ok_or_else(|| Error::not_found("character", source_id))?;
        self.rotations(id).await?;
        Ok(id)
    }

    fn new_character(&self) -> Result<(CharacterId, Plan<'_>)> {
        let exported = &self.export.character;
        let id = self.studio.new_id();
        let mut new = NewCharacter {
            id: Some(id),
            source_id: Some(exported.id.clone()),
            user_prompt: exported.prompt.clone(),
            generation_settings: Some(exported.settings.clone()),
            created_at: exported.created_at,
            ..NewCharacter::new(&exported.name)
        };
        let mut made = HashMap::new();
        for (direction, path) in &self.export.rotations {
            // Two directions may name one file: it is one variation.
            if !made.contains_key(path) && !self.has(path) {
                let variation = self.variation(direction, path)?;
                made.insert(path, variation.id);
                new.variations.push(variation);
            }
        }
        let mut rotations = self.export.rotations.iter();
        let front = rotations.find(|(direction, _)| direction == FRONT);
        new.primary = front.and_then(|(_, path)| made.get(path).copied().flatten());
        let mut plan = Plan::new(self.studio);
        plan.character(self.project, new)?;
        Ok((id, plan))
    }

    /// Adds rotations that a newer export has to a character that is there.
    async fn rotations(&mut self, character: CharacterId) -> Result<()> {
        let export = self.export;
        let rotations = export.rotations.iter();
        while rotations.clone().any(|(_, path)| !self.has(path)) {
            // Another import may have brought them meanwhile.
            self.load_known().await?;
            let mut new: Vec<NewAsset> = Vec::new();
            for (direction, path) in rotations.clone().filter(|(_, path)| !self.has(path)) {
                if !new.iter().any(|new| self.is_from(new, path)) {
                    new.push(self.variation(direction, path)?);
                }
            }
            let Some(first) = new.first().and_then(|first| first.source_path.clone()) else {
                break;
            };
            let mut plan = Plan::new(self.studio);
            plan.variations(character, new)?;
            let image = [Value::Id(self.project.0), first.as_str().into()];
            if let Some(created) = self.create(plan, &IMAGE, &image).await? {
                self.created.variations += created.len() as u64;
                self.add_known(created);
            }
        }
        export
            .rotations
            .iter()
            .try_for_each(|(_, path)| self.compare(path))
    }

    async fn animation(
        &mut self,
        character: CharacterId,
        exported: &ExportedAnimation,
    ) -> Result<()> {
        let source_id = format!("{}/{}", exported.name, exported.direction);
        let owner = [
            Value::Id(self.project.0),
            Value::Id(character.0),
            source_id.as_str().into(),
        ];
        let mut found = self.find(&ANIMATION, &owner).await?;
        if found.is_none() {
            let new = NewAnimation {
                source_id: Some(source_id.clone()),
                frames: self.frames(&exported.frames)?,
                ..NewAnimation::new(format!("{} {}", exported.name, exported.direction))
            };
            let count = new.frames.len() as u64;
            let mut plan = Plan::new(self.studio);
            plan.animation(character, new)?;
            if let Some(created) = self.create(plan, &ANIMATION, &owner).await? {
                self.created.animations += 1;
                self.created.frames += count;
                self.add_known(created);
            } else {
                self.load_known().await?;
                found = self.find(&ANIMATION, &owner).await?;
            }
        }
        if let Some(id) = found {
            self.new_frames(AnimationId(id), exported).await?;
        }
        exported
            .frames
            .iter()
            .try_for_each(|path| self.compare(path))
    }

    /// Adds frames whose files the project does not have yet to an animation that is there,
    /// each behind the one it follows in the export.
    async fn new_frames(&mut self, id: AnimationId, exported: &ExportedAnimation) -> Result<()> {
        let paths = &exported.frames;
        while paths.iter().any(|path| !self.has(path)) {
            // The version first: what changes after it is noticed when frames are inserted.
            let version = self.studio.get_animation(id).await?.version;
            // Another import may have brought them meanwhile.
            self.load_known().await?;
            let Some(start) = paths.iter().position(|path| !self.has(path)) else {
                break;
            };
            let rest = &paths[start..];
            let count = rest.iter().position(|path| self.has(path));
            let count = count.unwrap_or(rest.len());
            let shown = self.studio.list_frames(id).await?;
            let at = self.place_behind(start.checked_sub(1).map(|before| &paths[before]), &shown);
            let frames = self.frames(&rest[..count])?;
            let place = u32::try_from(at).unwrap_or(u32::MAX);
            let inserted = self
                .studio
                .insert_frames(id, place, frames, Some(version))
                .await;
            match inserted {
                Ok(tree) => {
                    self.created.frames += count as u64;
                    let added = tree.frames.into_iter().skip(at).take(count);
                    self.add_known(added.map(|tree| tree.asset).collect());
                }
                // Someone was faster: look again.
                Err(Error::Stale { .. } | Error::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns the place behind the frame that shows an image; the end, where none does.
    fn place_behind(&self, path: Option<&ExportPath>, shown: &[Frame]) -> usize {
        let Some(path) = path else { return 0 };
        let known = self.known.get(path.as_str());
        let place =
            known.and_then(|known| shown.iter().rposition(|frame| frame.asset_id == known.id));
        place.map_or(shown.len(), |place| place + 1)
    }

    fn has(&self, path: &ExportPath) -> bool {
        self.known.contains_key(path.as_str())
    }

    /// Returns frames for files: new takes for those that the project does not have.
    fn frames(&self, paths: &[ExportPath]) -> Result<Vec<NewFrame>> {
        let mut made: HashMap<&ExportPath, AssetId> = HashMap::new();
        let mut frames = Vec::with_capacity(paths.len());
        for path in paths {
            let known = self.known.get(path.as_str()).map(|known| known.id);
            let frame = if let Some(id) = known.or_else(|| made.get(path).copied()) {
                NewFrame::showing(id)
            } else {
                let id = self.studio.new_id();
                made.insert(path, id);
                NewFrame::new(self.image(path)?.id(id))
            };
            frames.push(frame);
        }
        Ok(frames)
    }

    fn variation(&self, direction: &str, path: &ExportPath) -> Result<NewAsset> {
        let id = self.studio.new_id();
        Ok(self.image(path)?.id(id).tag(direction))
    }

    /// Begins the asset of a file. The export states a prompt, settings and a time for the
    /// character as a whole and nothing for single images: the asset claims it, and records none.
    fn image(&self, path: &ExportPath) -> Result<NewAsset> {
        let file = self.folder.file(path);
        let file = file.map_err(|reason| at("", reason))?;
        let image = NewAsset::from_file(file).source_path(self.source_path(path));
        let image = image.original_name(path.name());
        Ok(image.claim(self.export.claim.clone()))
    }

    fn source_path(&self, path: &ExportPath) -> String {
        format!("{}/{}", self.export.character.id, path.as_str())
    }

    fn is_from(&self, new: &NewAsset, path: &ExportPath) -> bool {
        new.source_path.as_deref() == Some(&self.source_path(path))
    }

    /// Compares the file of an image that was there before the import with its bytes.
    fn compare(&mut self, path: &ExportPath) -> Result<()> {
        let Some(known) = self.known.get_mut(path.as_str()) else {
            return Ok(());
        };
        if std::mem::replace(&mut known.is_reported, true) {
            return Ok(());
        }
        let file = self.folder.file(path);
        let file = file.map_err(|reason| at("", reason))?;
        let found = blocking(|| folder::hash(&file))?;
        match known.sha256 {
            Some(recorded) if recorded != found => self.changed.push(ChangedFile {
                path: path.as_str().to_owned(),
                asset_id: known.id,
                recorded,
                found,
            }),
            _ => self.unchanged += 1,
        }
        Ok(())
    }

    async fn find(&self, sql: &Sql, parameters: &[Value<'_>]) -> Result<Option<Uuid>> {
        let mut session = self.studio.database().read().await?;
        session
            .optional(sql, parameters, |row| row.at(0, "id"))
            .await
    }

    /// Writes a plan in one transaction, unless what `there` finds has come meanwhile.
    async fn create(
        &self,
        mut plan: Plan<'_>,
        there: &Sql,
        parameters: &[Value<'_>],
    ) -> Result<Option<Vec<Asset>>> {
        plan.store_blobs()?;
        let mut session = self.studio.database().write().await?;
        project::lock(&mut session, self.project).await?;
        let found = session
            .optional(there, parameters, |row| row.at::<Uuid>(0, "id"))
            .await?;
        if found.is_some() {
            return Ok(None);
        }
        let (created, stale) = plan.write(&mut session, Some(self.project)).await?;
        self.studio.commit(session, stale).await?;
        Ok(Some(created.assets))
    }

    /// Reads which images of the export the project has.
    async fn load_known(&mut self) -> Result<()> {
        // From "<id>/" to what would follow it: "0" is the character behind "/".
        let id = &self.export.character.id;
        let (from, to) = (format!("{id}/"), format!("{id}0"));
        let parameters = [
            Value::Id(self.project.0),
            from.as_str().into(),
            to.as_str().into(),
        ];
        let mut session = self.studio.database().read().await?;
        let images = session
            .query(&IMAGES, &parameters, |row| {
                Ok((
                    row.at::<AssetId>(0, "asset.id")?,
                    row.at::<String>(1, "asset.source_path")?,
                    row.at::<Option<Sha256>>(2, "asset.sha256")?,
                ))
            })
            .await?;
        for (id, path, sha256) in images {
            let path = path.strip_prefix(&from).unwrap_or(&path).to_owned();
            self.known.entry(path).or_insert(Known {
                id,
                sha256,
                is_reported: false,
            });
        }
        Ok(())
    }

    fn add_known(&mut self, created: Vec<Asset>) {
        let prefix = format!("{}/", self.export.character.id);
        for asset in created {
            let path = asset.source_path.as_deref();
            if let Some(path) = path.and_then(|path| path.strip_prefix(&prefix)) {
                let known = Known {
                    id: asset.id,
                    sha256: asset.sha256,
                    is_reported: true,
                };
                self.known.entry(path.to_owned()).or_insert(known);
            }
        }
    }
}

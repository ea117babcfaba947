//! Assets whose bytes are taken in already, and what else their sidecars say.

use super::read::{self, Failure, Image};
use super::told;
use super::{Entry, run::Import};
use crate::asset::{Facts, ImageSource, NewAsset};
use crate::blob::BlobBatch;
use crate::claim::NewClaim;
use crate::error::{Error, Result};
use crate::record::Recorded;
use crate::reference::ReferenceRole;
use crate::sidecar::{
    AnnotationSaid, AssetSaid, Checked, ClaimSaid, FrameSaid, GenerationSaid, Sidecar,
};

/// An asset that is about to be created.
pub(super) struct Staged {
    /// Its place among the plan's entries.
    pub(super) place: usize,
    pub(super) new: NewAsset,
    pub(super) facts: Facts,
    /// What its inputs were for, in their order.
    pub(super) roles: Vec<ReferenceRole>,
    /// The frames that show it, as its entry has them.
    pub(super) frames: Vec<FrameSaid>,
    pub(super) annotations: Vec<AnnotationSaid>,
    pub(super) generation: Option<GenerationSaid>,
}

impl Import<'_> {
    /// Takes the bytes of an entry in, if there are any.
    pub(super) fn stage(&self, blobs: &BlobBatch<'_>, place: usize) -> Result<Staged> {
        let entry = &self.plan.entries[place];
        let failed = |failure| match failure {
            Failure::Error(error) => error,
            Failure::Fault(fault) => changed(entry, &fault.field),
        };
        let folder = &self.plan.folder;
        // One that has grown since does not fit into its batch any more.
        let checked = read::read(folder, &entry.path, entry.file_size).map_err(failed)?;
        let said = &checked.sidecar.asset;
        if said.record_hash != entry.record_hash || said.id != entry.id {
            return Err(changed(entry, "the sidecar"));
        }
        let alone = read::alone_if_large_copy(folder, &entry.path, &checked);
        let (facts, found) = match read::image(self.studio, folder, &entry.path, &checked) {
            Ok(Image::Dropped) => (read::dropped(said)?, Vec::new()),
            Ok(Image::There(image)) => {
                let stored = blobs.store(&image)?;
                if stored.sha256() != said.sha256 {
                    return Err(changed(entry, "the image"));
                }
                (stored.into(), self.studio.blobs().claims(&stored)?)
            }
            Err(failure) => return Err(failed(failure)),
        };
        drop(alone);
        let Checked { sidecar, record } = checked;
        let Sidecar {
            mut asset,
            frames,
            generation,
            ..
        } = sidecar;
        let annotations = std::mem::take(&mut asset.annotations);
        let roles = record.inputs.iter().map(|input| input.role).collect();
        let mut new = new_asset(asset, record);
        new.claims = told::together(new.claims, found);
        Ok(Staged {
            place,
            new,
            facts,
            roles,
            frames,
            annotations,
            generation,
        })
    }
}

fn changed(entry: &Entry, what: &str) -> Error {
    Error::Conflict {
        message: format!("{}: {what} changed since it was checked", entry.path),
        hint: "wait until nobody writes there any more, and import again".to_owned(),
    }
}

/// Makes a new asset of a sidecar, without its bytes and inputs.
pub(super) fn new_asset(said: AssetSaid, record: Recorded) -> NewAsset {
    let claims = said.claims.into_iter().map(new_claim);
    NewAsset {
        id: Some(said.id),
        source_id: said.source_id,
        source_path: said.source_path,
        original_name: said.original_name,
        tags: said.tags,
        prompt: record.prompt,
        system_prompt: record.system_prompt,
        settings: record.settings,
        model: record.model,
        claims: claims.collect(),
        created_at: Some(record.time),
        ..NewAsset::new(ImageSource::Bytes(Vec::new()))
    }
}

pub(super) fn new_claim(said: ClaimSaid) -> NewClaim {
    NewClaim {
        tool: said.tool,
        fields: said.fields,
        raw: said.raw,
    }
}

//! Whether a sidecar can be believed: its record against its hash, and everything that stands
//! twice against each other. What comes from others is hostile.

use super::{AssetSaid, Sidecar};
use crate::asset::AssetKind;
use crate::generation::{Conflict, Contradiction, Said};
use crate::hash::Sha256;
use crate::record::Recorded;

/// What is wrong with a sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The field, as `asset.references[1].role`.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) reason: String,
}

/// A sidecar that agrees with itself, and what its record says.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) sidecar: Sidecar,
    pub(crate) record: Recorded,
}

impl Fault {
    pub(super) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

impl Checked {
    /// Reads a sidecar; refuses one that contradicts itself.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let sidecar: Sidecar = serde_json::from_slice(bytes)
            .map_err(|error| Fault::new("the sidecar", error.to_string()))?;
        let record = recorded(&sidecar.asset)?;
        check_references(&sidecar.asset, &record)?;
        check_places(&sidecar)?;
        check_dropped(&sidecar)?;
        sidecar.asset.check_counts()?;
        check_generation(&sidecar, &record)?;
        Ok(Self { sidecar, record })
    }
}

fn recorded(asset: &AssetSaid) -> Result<Recorded, Fault> {
    let hash = Sha256::of(asset.record.as_bytes());
    if hash != asset.record_hash {
        let reason = format!(
            "its SHA-256 is {hash}, and asset.recordHash says {}",
            asset.record_hash
        );
        return Err(Fault::new("asset.record", reason));
    }
    let record = Recorded::read(&asset.record)
        .map_err(|error| Fault::new("asset.record", error.to_string()))?;
    if record.sha256 != asset.sha256 {
        let reason = format!("the record says {}", record.sha256);
        return Err(Fault::new("asset.sha256", reason));
    }
    // What would be recorded again has to be the same, letter by letter.
    if record.text().as_deref() == Some(asset.record.as_str()) {
        return Ok(record);
    }
    let reason = "not written as a record of format 1 is";
    Err(Fault::new("asset.record", reason))
}

fn check_references(asset: &AssetSaid, record: &Recorded) -> Result<(), Fault> {
    let (said, recorded) = (asset.references.len(), record.inputs.len());
    if said != recorded {
        let reason = format!("there are {said}; the record has {recorded} inputs");
        return Err(Fault::new("asset.references", reason));
    }
    for (place, (said, recorded)) in asset.references.iter().zip(&record.inputs).enumerate() {
        let field = |name: &str| format!("asset.references[{place}].{name}");
        if said.role != recorded.role {
            let reason = format!("{}; the record says {}", said.role, recorded.role);
            return Err(Fault::new(field("role"), reason));
        }
        if said.sha256 != recorded.sha256 {
            let reason = format!("the record says {}", recorded.sha256);
            return Err(Fault::new(field("sha256"), reason));
        }
        if said.asset_id == asset.id {
            let reason = "the asset itself can't be its input";
            return Err(Fault::new(field("assetId"), reason));
        }
    }
    Ok(())
}

/// Checks that everything that is mentioned is there.
fn check_places(sidecar: &Sidecar) -> Result<(), Fault> {
    let asset = &sidecar.asset;
    let owners = (asset.character_id.is_some(), asset.animation_id.is_some());
    let fits = match asset.kind {
        AssetKind::Reference => owners == (false, false),
        AssetKind::Character => owners == (true, false),
        AssetKind::Frame => owners == (false, true),
    };
    if !fits {
        let reason = format!(
            "{}: a variation has a characterId, a take an animationId, a reference neither",
            asset.kind
        );
        return Err(Fault::new("asset.kind", reason));
    }
    let has_character = |id| sidecar.characters.iter().any(|own| own.id == id);
    let has_animation = |id| sidecar.animations.iter().any(|own| own.id == id);
    let missing = |field: String, list| Fault::new(field, format!("it is not among {list}"));
    if asset.character_id.is_some_and(|id| !has_character(id)) {
        return Err(missing("asset.characterId".to_owned(), "characters"));
    }
    if asset.animation_id.is_some_and(|id| !has_animation(id)) {
        return Err(missing("asset.animationId".to_owned(), "animations"));
    }
    for (place, animation) in sidecar.animations.iter().enumerate() {
        if !has_character(animation.character_id) {
            let field = format!("animations[{place}].characterId");
            return Err(missing(field, "characters"));
        }
    }
    for (place, frame) in sidecar.frames.iter().enumerate() {
        if !has_animation(frame.animation_id) {
            let field = format!("frames[{place}].animationId");
            return Err(missing(field, "animations"));
        }
    }
    Ok(())
}

/// Checks that nothing shows bytes that were dropped: a studio refuses to drop those.
fn check_dropped(sidecar: &Sidecar) -> Result<(), Fault> {
    if sidecar.asset.bytes_dropped_at.is_none() {
        return Ok(());
    }
    let is_primary = sidecar.characters.iter().any(|one| one.is_primary);
    let shown = [
        ("copy", sidecar.copy.is_some()),
        ("frames", !sidecar.frames.is_empty()),
        ("characters.isPrimary", is_primary),
        ("project.isThumbnail", sidecar.project.is_thumbnail),
    ];
    match shown.into_iter().find(|(_, is_so)| *is_so) {
        Some((field, _)) => Err(Fault::new(field, "the asset's bytes were dropped")),
        None => Ok(()),
    }
}

/// Checks the generation against the record.
fn check_generation(sidecar: &Sidecar, record: &Recorded) -> Result<(), Fault> {
    let Some(generation) = &sidecar.generation else {
        return Ok(());
    };
    let said = Said {
        sent: generation.request.to_typed().ok(),
        model: generation.model.clone(),
        status: generation.status,
        error: generation.error.clone(),
        created_at: generation.created_at,
    };
    match said
        .contradictions_with_output(Some(record))
        .into_iter()
        .next()
    {
        Some(Contradiction { field, conflict }) => Err(Fault::new(
            field,
            match conflict {
                Conflict::Itself(reason) => reason,
                Conflict::Record { .. } => "the record says something else",
            },
        )),
        None => Ok(()),
    }
}

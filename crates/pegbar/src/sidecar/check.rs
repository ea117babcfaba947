//! Whether a sidecar can be believed: its record against its hash, and everything that stands
//! twice against each other. What comes from others is hostile.

use serde::Deserialize;

use super::{AssetSaid, Sidecar};
use crate::asset::AssetKind;
use crate::generation::{GenerationStatus, SentRequest};
use crate::hash::Sha256;
use crate::json::Json;
use crate::record::{Canonical, Format, Record, RecordInput};
use crate::reference::ReferenceRole;
use crate::time::MillisSinceEpoch;

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

/// A record, read back.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Recorded {
    format: u32,
    pub(crate) inputs: Vec<RecordedInput>,
    pub(crate) model: Option<String>,
    pub(crate) prompt: Option<String>,
    pub(crate) settings: Option<Json>,
    pub(crate) sha256: Sha256,
    pub(crate) system_prompt: Option<String>,
    pub(crate) time: MillisSinceEpoch,
}

/// One input of a record.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RecordedInput {
    pub(crate) record_hash: Sha256,
    pub(crate) role: ReferenceRole,
    pub(crate) sha256: Sha256,
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
    let record: Recorded = serde_json::from_str(&asset.record)
        .map_err(|error| Fault::new("asset.record", error.to_string()))?;
    if record.sha256 != asset.sha256 {
        let reason = format!("the record says {}", record.sha256);
        return Err(Fault::new("asset.sha256", reason));
    }
    // What would be recorded again has to be the same, letter by letter.
    if record.format == 1 && record.seal().as_deref() == Some(asset.record.as_str()) {
        return Ok(record);
    }
    let reason = "not written as a record of format 1 is";
    Err(Fault::new("asset.record", reason))
}

impl Recorded {
    fn seal(&self) -> Option<String> {
        let inputs = self.inputs.iter().map(|input| RecordInput {
            record_hash: input.record_hash,
            role: input.role,
            sha256: input.sha256,
        });
        let record = Record {
            format: Format,
            inputs: inputs.collect(),
            model: self.model.as_deref(),
            prompt: self.prompt.as_deref(),
            settings: self.settings.as_ref().map(Canonical),
            sha256: self.sha256,
            system_prompt: self.system_prompt.as_deref(),
            time: self.time,
        };
        record.seal().ok().map(|(text, _)| text)
    }
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

/// Checks the request against the record, as far as it is written as Pegbar writes it.
fn check_generation(sidecar: &Sidecar, record: &Recorded) -> Result<(), Fault> {
    let Some(generation) = &sidecar.generation else {
        return Ok(());
    };
    if generation.status != GenerationStatus::Succeeded {
        let reason = "what failed has no output";
        return Err(Fault::new("generation.status", reason));
    }
    if generation.error.is_some() {
        let reason = "what succeeded has no error";
        return Err(Fault::new("generation.error", reason));
    }
    let contradicts = |field: &str| {
        let field = format!("generation.{field}");
        Err(Fault::new(field, "the record says something else"))
    };
    if generation.model != record.model {
        return contradicts("model");
    }
    let Ok(sent) = generation.request.to_typed::<SentRequest>() else {
        return Ok(());
    };
    if generation.created_at != record.time {
        return contradicts("createdAt");
    }
    let inputs = sent.inputs.iter().map(|input| (input.role, input.sha256));
    let recorded = record.inputs.iter().map(|input| (input.role, input.sha256));
    let agree = [
        ("prompt", sent.prompt == record.prompt),
        ("systemPrompt", sent.system_prompt == record.system_prompt),
        ("model", sent.model == record.model),
        (
            "settings",
            sent.settings.as_ref().map(canonical) == record.settings.as_ref().map(canonical),
        ),
        ("inputs", inputs.eq(recorded)),
    ];
    match agree.into_iter().find(|(_, agrees)| !agrees) {
        Some((name, _)) => contradicts(&format!("request.{name}")),
        None => Ok(()),
    }
}

/// Settings are the same where they are written the same in canonical form.
fn canonical(settings: &Json) -> Option<String> {
    serde_json_canonicalizer::to_string(settings).ok()
}

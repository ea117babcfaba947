//! Reading a folder with sidecars, and checking each with its image.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use walkdir::WalkDir;

use super::{AnimationPlan, Entry, Input, Owner, RefusedSidecar, SidecarPlan};
use crate::annotation::NewAnnotation;
use crate::asset::{ImageSource, NewAsset};
use crate::blob::{Refused, StoredImage};
use crate::claim::NewClaim;
use crate::db::blocking;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::id::{AnimationId, CharacterId};
use crate::import::Listed;
use crate::parallel;
use crate::sidecar::{self, AnnotationSaid, Checked, CopyOf, Fault, Sidecar};
use crate::studio::Studio;
use crate::text::{check_name, check_optional, check_text, check_time, checked_tags};

/// How many sidecars are read at once.
const BATCH: usize = 64;

/// The largest copy that is made an original again, in bytes.
const MAX_COPY: u64 = 1 << 30;

/// Why a sidecar is not taken in: for itself, or because nothing can be read.
pub(super) enum Failure {
    Fault(Fault),
    Error(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Puts a plan together.
struct Planning {
    plan: SidecarPlan,
    characters: HashMap<CharacterId, usize>,
    animations: HashMap<AnimationId, usize>,
    ids: HashMap<crate::id::AssetId, usize>,
}

pub(super) fn scan(
    studio: &Studio,
    folder: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<SidecarPlan> {
    let paths = sidecars_in(folder)?;
    let total = paths.len() as u64;
    let mut planning = Planning {
        plan: SidecarPlan {
            folder: folder.to_owned(),
            entries: Vec::with_capacity(paths.len()),
            characters: Vec::new(),
            animations: Vec::new(),
            project: None,
            has_several_projects: false,
            refused: Listed::default(),
        },
        characters: HashMap::new(),
        animations: HashMap::new(),
        ids: HashMap::new(),
    };
    let mut done = 0;
    progress(done, total);
    for batch in paths.chunks(BATCH) {
        let read = blocking(|| parallel::each(batch, |path| check(studio, folder, path)));
        for (path, read) in batch.iter().zip(read) {
            match read {
                Ok(checked) => planning.add(path, checked),
                Err(Failure::Fault(fault)) => planning.refuse(path, fault),
                Err(Failure::Error(error)) => return Err(error),
            }
        }
        done += batch.len() as u64;
        progress(done, total);
    }
    Ok(planning.finish())
}

/// Lists the images in a folder that have sidecars, in the order of their paths.
fn sidecars_in(folder: &Path) -> Result<Vec<String>> {
    let root = fs::metadata(folder).at("opening", folder)?;
    if !root.is_dir() {
        let reason = format!("{} is not a folder", folder.display());
        return Err(Error::invalid("folder", reason));
    }
    let mut paths = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(folder).to_owned();
            let source = io::Error::from(error);
            Error::Io {
                action: "reading",
                path,
                source,
            }
        })?;
        if !entry.file_type().is_file() {
            continue;
        }
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
        // A name that is not Unicode is none that an export writes.
        let path = parts.map(|parts| parts.join("/"));
        let image = path
            .as_deref()
            .and_then(|path| path.strip_suffix(sidecar::SUFFIX));
        paths.extend(image.map(str::to_owned));
    }
    Ok(paths)
}

/// Reads a sidecar and its image, and checks one against the other.
fn check(studio: &Studio, folder: &Path, path: &str) -> Result<Checked, Failure> {
    let checked = read(folder, path)?;
    acceptable(&checked).map_err(fault_of)?;
    let asset = &checked.sidecar.asset;
    let stored = match image(folder, path, &checked)? {
        ImageSource::File(place) => studio.blobs().inspect(&mut open_file(&place)?)?,
        ImageSource::Bytes(bytes) => studio.blobs().inspect_bytes(&bytes)?,
        ImageSource::Stored(stored) => Ok(stored),
    };
    let stored = stored.map_err(|refused| match refused {
        Refused::NotAnImage(reason) => fault("the image", reason),
        Refused::Unreadable(error) => fault("the image", format!("it can't be read: {error}")),
    })?;
    compare(asset, &stored).map_err(Failure::Fault)?;
    Ok(checked)
}

/// Reads a sidecar that agrees with itself.
pub(super) fn read(folder: &Path, path: &str) -> Result<Checked, Failure> {
    let place = folder.join(format!("{path}{}", sidecar::SUFFIX));
    let text = read_limited(&place, sidecar::MAX_BYTES)?;
    Checked::parse(&text).map_err(Failure::Fault)
}

/// Returns where the bytes of the asset are: in the file beside, unless that is a copy that
/// differs from them.
pub(super) fn image(folder: &Path, path: &str, checked: &Checked) -> Result<ImageSource, Failure> {
    let place = folder.join(path);
    match &checked.sidecar.copy {
        None => {
            open_file(&place)?;
            Ok(ImageSource::File(place))
        }
        Some(copy) => {
            let bytes = read_limited(&place, MAX_COPY)?;
            let original = undo(copy, &bytes).map_err(Failure::Fault)?;
            Ok(ImageSource::Bytes(original))
        }
    }
}

fn fault(field: &str, reason: impl Into<String>) -> Failure {
    Failure::Fault(Fault {
        field: field.to_owned(),
        reason: reason.into(),
    })
}

fn fault_of(error: Error) -> Failure {
    match error {
        Error::Invalid { field, reason } => fault(&field, reason),
        error => Failure::Error(error),
    }
}

/// Reads a file, and nothing that only has its place among files.
fn read_limited(path: &Path, max_bytes: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = open_file(path)?.take(max_bytes + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > max_bytes {
        let reason = format!("larger than {max_bytes} bytes, the most that is read");
        return Err(fault(name_of(path), reason));
    }
    Ok(bytes)
}

fn open_file(path: &Path) -> Result<File, Failure> {
    let metadata = fs::symlink_metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err(fault(name_of(path), "a link or a folder, not a file"));
    }
    File::open(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    fault(name_of(path), format!("it can't be read: {error}"))
}

fn name_of(path: &Path) -> &'static str {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    if name.ends_with(sidecar::SUFFIX.as_bytes()) {
        "the sidecar"
    } else {
        "the image"
    }
}

/// Makes a copy the original again.
fn undo(copy: &CopyOf, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let found = Sha256::of(bytes);
    if found != copy.sha256 {
        return Err(Fault {
            field: "copy.sha256".to_owned(),
            reason: format!("the SHA-256 of the file beside is {found}"),
        });
    }
    let mut original = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for (place, undo) in copy.undo.iter().enumerate() {
        let begin = usize::try_from(undo.at).unwrap_or(usize::MAX);
        let length = usize::try_from(undo.length).unwrap_or(usize::MAX);
        let kept = bytes.get(at..begin);
        let end = begin.checked_add(length).filter(|end| *end <= bytes.len());
        let (Some(kept), Some(end)) = (kept, end) else {
            return Err(Fault {
                field: format!("copy.undo[{place}]"),
                reason: "it does not lie behind the one before and within the file".to_owned(),
            });
        };
        original.extend_from_slice(kept);
        original.extend_from_slice(&undo.original.0);
        at = end;
    }
    original.extend_from_slice(&bytes[at..]);
    Ok(original)
}

/// Compares what the sidecar says of the bytes with what they are.
fn compare(asset: &sidecar::AssetSaid, stored: &StoredImage) -> Result<(), Fault> {
    let differs = |name: &str, found: String| {
        Err(Fault {
            field: format!("asset.{name}"),
            reason: format!("the image's own is {found}"),
        })
    };
    if asset.sha256 != stored.sha256() {
        return differs("sha256", stored.sha256().to_string());
    }
    if asset.file_size != stored.file_size() {
        return differs("fileSize", stored.file_size().to_string());
    }
    if asset.mime_type != stored.format().mime_type() {
        return differs("mimeType", stored.format().mime_type().to_owned());
    }
    if asset.width != stored.width() {
        return differs("width", stored.width().to_string());
    }
    if asset.height != stored.height() {
        return differs("height", stored.height().to_string());
    }
    Ok(())
}

/// Refuses what would be refused when the rows are written, now.
fn acceptable(checked: &Checked) -> Result<()> {
    let Sidecar {
        project,
        characters,
        animations,
        asset,
        frames,
        generation,
        ..
    } = &checked.sidecar;
    new_asset(checked, ImageSource::Bytes(Vec::new())).check()?;
    checked_tags(asset.tags.clone())?;
    check_name("project.name", &project.name)?;
    check_text("project.description", &project.description)?;
    check_time("project.createdAt", Some(project.created_at))?;
    checked_tags(project.tags.clone())?;
    for character in characters {
        check_name("characters.name", &character.name)?;
        check_text("characters.description", &character.description)?;
        check_text("characters.userPrompt", &character.user_prompt)?;
        check_time("characters.createdAt", Some(character.created_at))?;
        checked_tags(character.tags.clone())?;
    }
    for animation in animations {
        check_name("animations.name", &animation.name)?;
        check_text("animations.description", &animation.description)?;
        check_text("animations.userPrompt", &animation.user_prompt)?;
        check_time("animations.createdAt", Some(animation.created_at))?;
        crate::animation::check_duration(animation.frame_duration_ms)?;
    }
    for annotation in &asset.annotations {
        annotation_of(annotation).check()?;
        check_time("annotations.createdAt", Some(annotation.created_at))?;
    }
    if let Some(generation) = generation {
        check_optional("generation.model", generation.model.as_ref())?;
        check_optional("generation.error", generation.error.as_ref())?;
        check_optional("generation.price", generation.price.as_ref())?;
        check_time("generation.createdAt", Some(generation.created_at))?;
        let numbers = [
            ("generation.durationMs", generation.duration_ms),
            ("generation.inputTokens", generation.input_tokens),
            ("generation.outputTokens", generation.output_tokens),
        ];
        for (field, number) in numbers {
            if number.is_some_and(|number| i64::try_from(number).is_err()) {
                return Err(Error::invalid(field, "larger than any that is kept"));
            }
        }
    }
    for frame in frames {
        check_optional("frames.framePrompt", frame.frame_prompt.as_ref())?;
    }
    Ok(())
}

/// Makes an annotation of what is said.
pub(super) fn annotation_of(said: &AnnotationSaid) -> NewAnnotation {
    NewAnnotation {
        author: said.author.clone(),
        text: said.text.clone(),
    }
}

/// Makes a new asset of a sidecar, without its inputs.
pub(super) fn new_asset(checked: &Checked, image: ImageSource) -> NewAsset {
    let Checked { sidecar, record } = checked;
    let said = &sidecar.asset;
    let claims = said.claims.iter().map(|claim| {
        NewClaim::new(&claim.tool)
            .fields(claim.fields.clone())
            .raw(&claim.raw)
    });
    NewAsset {
        id: Some(said.id),
        source_id: said.source_id.clone(),
        source_path: said.source_path.clone(),
        original_name: said.original_name.clone(),
        tags: said.tags.clone(),
        prompt: record.prompt.clone(),
        system_prompt: record.system_prompt.clone(),
        settings: record.settings.clone(),
        model: record.model.clone(),
        claims: claims.collect(),
        created_at: Some(record.time),
        ..NewAsset::new(image)
    }
}

impl Planning {
    fn refuse(&mut self, path: &str, Fault { field, reason }: Fault) {
        self.plan.refused.push(RefusedSidecar {
            path: path.to_owned(),
            field,
            reason,
        });
    }

    /// Adds a sidecar. Every owner that it mentions was found to be in it.
    fn add(&mut self, path: &str, Checked { sidecar, record }: Checked) {
        let id = sidecar.asset.id;
        if let Some(first) = self.ids.get(&id) {
            let first = &self.plan.entries[*first].path;
            let reason = format!("{first} has the same");
            let field = "asset.id".to_owned();
            return self.refuse(path, Fault { field, reason });
        }
        match &self.plan.project {
            None => self.plan.project = Some(sidecar.project.clone()),
            Some(project) if project.id != sidecar.project.id => {
                self.plan.has_several_projects = true;
            }
            Some(_) => {}
        }
        let mut primary_of = None;
        for character in sidecar.characters {
            let (is_primary, id) = (character.is_primary, character.id);
            let place = *self
                .characters
                .entry(id)
                .or_insert(self.plan.characters.len());
            if place == self.plan.characters.len() {
                self.plan.characters.push(character);
            }
            if is_primary && sidecar.asset.character_id == Some(id) {
                primary_of = Some(place);
            }
        }
        for animation in sidecar.animations {
            let id = animation.id;
            let place = *self
                .animations
                .entry(id)
                .or_insert(self.plan.animations.len());
            if place == self.plan.animations.len() {
                let character = self.characters[&animation.character_id];
                self.plan.animations.push(AnimationPlan {
                    said: animation,
                    character,
                    frames: Vec::new(),
                });
            }
        }
        let mut frames = Vec::with_capacity(sidecar.frames.len());
        for frame in &sidecar.frames {
            let animation = self.animations[&frame.animation_id];
            frames.push((animation, frame.id));
            let all = &mut self.plan.animations[animation].frames;
            all.push((frame.frame_index, frame.id));
        }
        let owner = match (sidecar.asset.character_id, sidecar.asset.animation_id) {
            (Some(id), _) => Owner::Character(self.characters[&id]),
            (_, Some(id)) => Owner::Animation(self.animations[&id]),
            (None, None) => Owner::Project,
        };
        let inputs = sidecar.asset.references.iter().zip(&record.inputs);
        let inputs = inputs.map(|(said, recorded)| Input {
            id: said.asset_id,
            sha256: recorded.sha256,
            record_hash: recorded.record_hash,
        });
        self.ids.insert(id, self.plan.entries.len());
        self.plan.entries.push(Entry {
            path: path.to_owned(),
            id,
            record_hash: sidecar.asset.record_hash,
            inputs: inputs.collect(),
            owner,
            frames,
            primary_of,
            is_thumbnail: sidecar.project.is_thumbnail,
        });
    }

    fn finish(mut self) -> SidecarPlan {
        for animation in &mut self.plan.animations {
            animation.frames.sort_unstable();
        }
        self.plan
    }
}

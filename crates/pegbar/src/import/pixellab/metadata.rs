//! `metadata.json` of a PixelLab export, read and checked.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::super::folder::{ExportFolder, ExportPath};
use crate::claim::NewClaim;
use crate::error::{Error, Result};
use crate::json::Json;
use crate::metadata::pixellab;
use crate::text::{MAX_NAME_BYTES, MAX_TAG_BYTES, MAX_TEXT_BYTES};
use crate::time::MillisSinceEpoch;

/// The name of the file.
pub(in crate::import) const METADATA: &str = "metadata.json";

/// The largest `metadata.json`, in bytes: that of a character with 450 images has 28 kB.
const MAX_BYTES: u64 = 16 << 20;

/// What an export says.
#[derive(Debug)]
pub(super) struct Export {
    pub(super) character: ExportedCharacter,
    /// Direction and file, in the order of the export.
    pub(super) rotations: Vec<(String, ExportPath)>,
    /// One for each animation and direction, in the order of the export.
    pub(super) animations: Vec<ExportedAnimation>,
    /// What the export says of each of its images, which is what it says of the character.
    pub(super) claim: NewClaim,
}

#[derive(Debug)]
pub(super) struct ExportedCharacter {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) prompt: String,
    pub(super) created_at: Option<MillisSinceEpoch>,
    /// What else the export says of the character: size, view, template …
    pub(super) settings: Json,
}

#[derive(Debug)]
pub(super) struct ExportedAnimation {
    pub(super) name: String,
    pub(super) direction: String,
    pub(super) frames: Vec<ExportPath>,
}

#[derive(Deserialize)]
struct Metadata {
    character: Members<Json>,
    frames: Frames,
}

#[derive(Deserialize)]
struct Frames {
    #[serde(default)]
    rotations: Members<String>,
    #[serde(default)]
    animations: Members<Members<Vec<String>>>,
}

/// The members of an object in their order; a name that stands twice is refused.
struct Members<T>(Vec<(String, T)>);

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for MembersVisitor<T> {
            type Value = Members<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut seen = HashSet::new();
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if !seen.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!("{name:?} stands twice")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

/// Returns whether a folder has the metadata of an export, whether or not its images are whole.
pub(in crate::import) fn is_export(folder: &Path) -> bool {
    let path = folder.join(METADATA);
    let is_small = path
        .metadata()
        .is_ok_and(|found| found.is_file() && found.len() <= MAX_BYTES);
    // What can't be read here is no export to anybody.
    let text = is_small.then(|| std::fs::read_to_string(&path).ok());
    let text = text.flatten();
    text.is_some_and(|text| serde_json::from_str::<Metadata>(&text).is_ok())
}

impl Export {
    /// Reads the export in a folder; every file it names is there.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the place, [`Error::Io`] the file.
    pub(super) fn read(folder: &ExportFolder) -> Result<Self> {
        let path = ExportPath::parse(METADATA).map_err(|reason| at("", reason))?;
        let text = folder.read_text(&path, MAX_BYTES)?;
        let metadata: Metadata =
            serde_json::from_str(&text).map_err(|error| at("", error.to_string()))?;
        let file = |place: &dyn Fn() -> String, text: &str| {
            let path = ExportPath::parse(text);
            let path = path.and_then(|path| folder.file(&path).map(|_| path));
            path.map_err(|reason| at(&place(), reason))
        };
        let claim = pixellab::claim(&text);
        let mut rotations = Vec::new();
        for (direction, path) in metadata.frames.rotations.0 {
            let place = || format!("frames.rotations[{direction:?}]");
            check_label(&place, &direction, MAX_TAG_BYTES)?;
            let path = file(&place, &path)?;
            rotations.push((direction, path));
        }
        let mut animations = Vec::new();
        for (name, directions) in metadata.frames.animations.0 {
            for (direction, paths) in directions.0 {
                let place = || format!("frames.animations[{name:?}][{direction:?}]");
                check_label(&place, &name, MAX_NAME_BYTES - MAX_TAG_BYTES - 1)?;
                check_label(&place, &direction, MAX_TAG_BYTES)?;
                if direction.contains('/') {
                    return Err(at(&place(), "the direction holds a slash"));
                }
                let frames = paths.iter().enumerate().map(|(index, path)| {
                    let place = || format!("{}[{index}]", place());
                    file(&place, path)
                });
                let frames = frames.collect::<Result<_>>()?;
                let name = name.clone();
                animations.push(ExportedAnimation {
                    name,
                    direction,
                    frames,
                });
            }
        }
        Ok(Self {
            character: ExportedCharacter::read(metadata.character)?,
            rotations,
            animations,
            claim,
        })
    }

    /// Returns every file that the export consists of.
    pub(super) fn files(&self) -> HashSet<&str> {
        let rotations = self.rotations.iter().map(|(_, path)| path);
        let frames = self.animations.iter().flat_map(|each| &each.frames);
        let images = rotations.chain(frames).map(ExportPath::as_str);
        images.chain([METADATA]).collect()
    }

    /// Returns how many images it names.
    pub(super) fn image_count(&self) -> u64 {
        let frames = self.animations.iter().map(|each| each.frames.len());
        (self.rotations.len() + frames.sum::<usize>()) as u64
    }
}

impl ExportedCharacter {
    fn read(members: Members<Json>) -> Result<Self> {
        let mut id = None;
        let mut name = None;
        let mut prompt = None;
        let mut created_at = None;
        let mut settings = Map::new();
        for (member, json) in members.0 {
            match member.as_str() {
                "id" => id = text("character.id", &json)?,
                "name" => name = text("character.name", &json)?,
                "prompt" => prompt = text("character.prompt", &json)?,
                "created_at" => created_at = text("character.created_at", &json)?,
                _ => drop(settings.insert(member, json.as_value().clone())),
            }
        }
        let settings = Json::from_value(Value::Object(settings))
            .map_err(|error| at("character", error.to_string()))?;
        let required = |place: &'static str, value: Option<String>| {
            let value = value.ok_or_else(|| at(place, "is missing"))?;
            check_label(&|| place.to_owned(), &value, MAX_NAME_BYTES)?;
            Ok::<_, Error>(value)
        };
        let created_at = created_at.map(|time| {
            time.parse().map_err(|_| {
                let reason = format!("{time:?} is not a time as RFC 3339 writes it");
                at("character.created_at", reason)
            })
        });
        let prompt = prompt.unwrap_or_default();
        if prompt.len() > MAX_TEXT_BYTES {
            let reason = format!("longer than {MAX_TEXT_BYTES} bytes");
            return Err(at("character.prompt", reason));
        }
        let id = required("character.id", id)?;
        if id.contains('/') {
            return Err(at("character.id", "holds a slash"));
        }
        Ok(Self {
            id,
            name: required("character.name", name)?,
            prompt,
            created_at: created_at.transpose()?,
            settings,
        })
    }
}

/// Names a place in the file.
pub(super) fn at(place: &str, reason: impl Into<String>) -> Error {
    let separator = if place.is_empty() { "" } else { ": " };
    Error::invalid(format!("{METADATA}{separator}{place}"), reason)
}

fn text(place: &str, json: &Json) -> Result<Option<String>> {
    match json.as_value() {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(at(place, "is not a string")),
    }
}

/// Checks a text that becomes a name or a tag, and part of a source id.
fn check_label(place: &dyn Fn() -> String, text: &str, max_bytes: usize) -> Result<()> {
    if text.trim().is_empty() {
        return Err(at(&place(), "a name can't be empty"));
    }
    if text.len() > max_bytes {
        let reason = format!(
            "a name is {} bytes long; at most {max_bytes} are kept",
            text.len()
        );
        return Err(at(&place(), reason));
    }
    if text.contains('\0') {
        return Err(at(&place(), "a name holds the character NUL"));
    }
    Ok(())
}

//! Reading one sidecar and its image, and checking one against the other. Both are hostile.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use crate::annotation::NewAnnotation;
use crate::asset::{Facts, ImageSource};
use crate::blob::{ImageFormat, Refused};
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::parallel;
use crate::sidecar::{self, AssetSaid, Checked, CopyOf, Fault, Sidecar};
use crate::studio::Studio;
use crate::text::{check_name, check_optional, check_text, check_time, checked_tags};

use super::staged::{new_asset, new_claim};

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

/// Where the bytes of an asset are.
pub(super) enum Image {
    There(ImageSource),
    /// They were dropped before the asset was exported.
    Dropped,
}

/// Reads a sidecar and its image, and checks one against the other. Returns it without claims
/// and annotations, which make most of it.
pub(super) fn check(studio: &Studio, folder: &Path, path: &str) -> Result<Checked, Failure> {
    let mut checked = read(folder, path, sidecar::MAX_BYTES)?;
    acceptable(&mut checked).map_err(fault_of)?;
    let asset = &checked.sidecar.asset;
    let _alone = alone_if_large_copy(folder, path, &checked);
    let stored = match image(studio, folder, path, &checked)? {
        Image::Dropped => return Ok(checked),
        Image::There(ImageSource::File(place)) => {
            studio.blobs().inspect(&mut open_file(&place)?)?
        }
        Image::There(ImageSource::Bytes(bytes)) => studio.blobs().inspect_bytes(&bytes)?,
        Image::There(ImageSource::Stored(stored)) => Ok(stored),
    };
    let stored = stored.map_err(|refused| match refused {
        Refused::NotAnImage(reason) => fault("the image", reason),
        Refused::Unreadable(error) => fault("the image", format!("it can't be read: {error}")),
    })?;
    compare(asset, &stored.into()).map_err(Failure::Fault)?;
    Ok(checked)
}

/// Waits until no other large file is in memory, if the image is read whole: a copy is.
pub(super) fn alone_if_large_copy(
    folder: &Path,
    path: &str,
    checked: &Checked,
) -> Option<std::sync::MutexGuard<'static, ()>> {
    checked.sidecar.copy.as_ref()?;
    let size = fs::symlink_metadata(folder.join(path)).ok()?.len();
    parallel::alone_if_large(size)
}

/// Reads a sidecar that agrees with itself, of a size of at most so many bytes.
pub(super) fn read(folder: &Path, path: &str, max_bytes: u64) -> Result<Checked, Failure> {
    let place = folder.join(format!("{path}{}", sidecar::SUFFIX));
    let text = read_limited(&place, max_bytes)?;
    Checked::parse(&text).map_err(Failure::Fault)
}

/// Returns where the bytes of the asset are: in the file beside, unless that is a copy that
/// differs from them. Bytes that are there although the asset's were dropped are as good as any.
pub(super) fn image(
    studio: &Studio,
    folder: &Path,
    path: &str,
    checked: &Checked,
) -> Result<Image, Failure> {
    let place = folder.join(path);
    let asset = &checked.sidecar.asset;
    if asset.bytes_dropped_at.is_some() && is_absent(&place) {
        return Ok(Image::Dropped);
    }
    match &checked.sidecar.copy {
        None => {
            open_file(&place)?;
            Ok(Image::There(ImageSource::File(place)))
        }
        Some(copy) => {
            // A copy is the original with little more; what is still larger is none.
            let most = studio
                .blobs()
                .max_file_size()
                .saturating_add(sidecar::MAX_BYTES);
            let bytes = read_limited(&place, most)?;
            let original = undo(copy, &bytes).map_err(Failure::Fault)?;
            Ok(Image::There(ImageSource::Bytes(original)))
        }
    }
}

/// Returns what a sidecar says of bytes that are not there.
pub(super) fn dropped(asset: &AssetSaid) -> Result<Facts> {
    let format = ImageFormat::from_mime_type(&asset.mime_type);
    let format = format.ok_or_else(|| {
        let reason = format!("{:?} is none that is known", asset.mime_type);
        Error::invalid("asset.mimeType", reason)
    })?;
    // The columns hold signed numbers.
    let numbers = [
        ("asset.fileSize", i64::try_from(asset.file_size).ok()),
        (
            "asset.width",
            i32::try_from(asset.width).ok().map(i64::from),
        ),
        (
            "asset.height",
            i32::try_from(asset.height).ok().map(i64::from),
        ),
    ];
    if let Some((field, _)) = numbers
        .iter()
        .find(|(_, number)| number.is_none_or(|n| n < 1))
    {
        return Err(Error::invalid(*field, "no image has that"));
    }
    Ok(Facts {
        sha256: asset.sha256,
        file_size: asset.file_size,
        format,
        width: asset.width,
        height: asset.height,
        image_count: None,
        dropped_at: asset.bytes_dropped_at,
    })
}

fn is_absent(place: &Path) -> bool {
    let found = fs::symlink_metadata(place);
    found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
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
    let file = open_file(path)?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    // One byte more, or the end would only be found after making room for much more.
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(max_bytes)).unwrap_or(0) + 1);
    let read = file.take(max_bytes + 1).read_to_end(&mut bytes);
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
fn compare(asset: &AssetSaid, stored: &Facts) -> Result<(), Fault> {
    let differs = |name: &str, found: String| {
        Err(Fault {
            field: format!("asset.{name}"),
            reason: format!("the image's own is {found}"),
        })
    };
    if asset.sha256 != stored.sha256 {
        return differs("sha256", stored.sha256.to_string());
    }
    if asset.file_size != stored.file_size {
        return differs("fileSize", stored.file_size.to_string());
    }
    if asset.mime_type != stored.format.mime_type() {
        return differs("mimeType", stored.format.mime_type().to_owned());
    }
    if asset.width != stored.width {
        return differs("width", stored.width.to_string());
    }
    if asset.height != stored.height {
        return differs("height", stored.height.to_string());
    }
    Ok(())
}

/// Refuses what would be refused when the rows are written, now. Takes claims and annotations
/// away.
fn acceptable(checked: &mut Checked) -> Result<()> {
    for said in std::mem::take(&mut checked.sidecar.asset.annotations) {
        check_time("annotations.createdAt", Some(said.created_at))?;
        let (author, text) = (said.author, said.text);
        let annotation = NewAnnotation {
            id: None,
            author,
            text,
        };
        annotation.check()?;
    }
    for said in std::mem::take(&mut checked.sidecar.asset.claims) {
        new_claim(said).check()?;
    }
    let Sidecar {
        project,
        characters,
        animations,
        asset,
        frames,
        generation,
        ..
    } = &checked.sidecar;
    new_asset(asset.clone(), checked.record.clone()).check()?;
    check_time("asset.bytesDroppedAt", asset.bytes_dropped_at)?;
    if asset.bytes_dropped_at.is_some() {
        dropped(asset)?;
    }
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

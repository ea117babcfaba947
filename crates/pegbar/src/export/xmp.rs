//! Copies of images that say what made them: XMP (ISO 16684-1) with the IPTC's properties for
//! generated images, put into PNG, JPEG, WebP and GIF without touching a pixel.
//!
//! A copy is the original with a few pieces exchanged, so everything between them is the
//! original's by construction, and the pieces put back give its bytes again.

mod gif;
mod jpeg;
mod packet;
mod png;
mod splice;
#[cfg(test)]
mod tests;
mod webp;

use crate::blob::ImageFormat;
use packet::Merged;
pub(super) use packet::Statement;
pub(super) use splice::Splice;

/// Where an image has what matters here. Nothing of it lies within the pixels.
#[derive(Debug)]
struct Layout<'a> {
    /// The packets that are there.
    packets: Vec<Found<'a>>,
    /// The pieces of a manifest (C2PA) that signs the bytes.
    manifest: Vec<std::ops::Range<usize>>,
}

/// An XMP packet in a file.
#[derive(Debug)]
struct Found<'a> {
    /// The whole piece that holds it.
    place: std::ops::Range<usize>,
    /// Its text; what is odd about it otherwise.
    text: Result<&'a [u8], &'static str>,
}

/// What became of an image.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// These pieces are exchanged.
    Changed(Vec<Splice>),
    /// It says all of it already.
    SaysSo,
    /// It is signed: any change would break the signature.
    Signed,
    /// Nothing can be added to what it has; says why.
    Refused(String),
}

/// Finds out which pieces of an image are exchanged to make it say something. With
/// `strip_manifest`, a signature that would break is taken out.
pub(super) fn embed(
    bytes: &[u8],
    format: ImageFormat,
    statement: &Statement<'_>,
    strip_manifest: bool,
) -> Copied {
    match try_embed(bytes, format, statement, strip_manifest) {
        Ok(copied) => copied,
        Err(reason) => Copied::Refused(reason),
    }
}

/// Returns whether an image carries a manifest that signs its bytes.
pub(super) fn is_signed(bytes: &[u8], format: ImageFormat) -> bool {
    layout(bytes, format).is_some_and(|layout| !layout.manifest.is_empty())
}

fn layout(bytes: &[u8], format: ImageFormat) -> Option<Layout<'_>> {
    match format {
        ImageFormat::Png => png::layout(bytes),
        ImageFormat::Jpeg => jpeg::layout(bytes),
        ImageFormat::WebP => webp::layout(bytes),
        ImageFormat::Gif => gif::layout(bytes),
    }
}

fn try_embed(
    bytes: &[u8],
    format: ImageFormat,
    statement: &Statement<'_>,
    strip_manifest: bool,
) -> Result<Copied, String> {
    let layout = layout(bytes, format).ok_or("its structure can't be read")?;
    if !layout.manifest.is_empty() && !strip_manifest {
        return Ok(Copied::Signed);
    }
    let found = match layout.packets.as_slice() {
        [] => None,
        [one] => Some((one.place.clone(), one.text?)),
        _ => return Err("it has more than one XMP packet".to_owned()),
    };
    let text = found.as_ref().map(|(_, text)| *text);
    let place = found.as_ref().map(|(place, _)| place.clone());
    let merged = match statement.merged_into(text)? {
        Merged::SaysSo => return Ok(Copied::SaysSo),
        Merged::New(merged) => merged,
    };
    let mut splices = match format {
        ImageFormat::Png => png::splices(&merged.packet(), place)?,
        ImageFormat::Jpeg => jpeg::splices(bytes, &merged, place)?,
        ImageFormat::WebP => webp::splices(bytes, &merged.packet(), place, &layout.manifest)?,
        ImageFormat::Gif => gif::splices(bytes, &merged.packet(), place)?,
    };
    splices.extend(layout.manifest.into_iter().map(Splice::removing));
    splices.sort_unstable_by_key(|splice| splice.at);
    Ok(Copied::Changed(splices))
}

//! What generators and other programs wrote into the files of their images, read into claims.
//!
//! Whoever wrote a file may have written anything: sizes and depths are bounded, nothing is
//! believed, and nothing is refused. What is not understood is kept as it was found, with a
//! word about what is wrong with it.

mod a1111;
pub(crate) mod c2pa;
mod comfyui;
mod drawthings;
mod exif;
mod fields;
mod fooocus;
pub(crate) mod hidden;
mod invokeai;
mod iptc;
mod loose;
mod midjourney;
mod novelai;
mod piece;
pub(crate) mod pixellab;
pub(crate) mod segment;
mod swarmui;
#[cfg(test)]
mod tests;
mod xmp;

use std::io::{self, BufReader, Read, Seek};

use serde_json::Value;

use crate::blob::ImageFormat;
use crate::claim::NewClaim;
use crate::credentials;
pub(crate) use fields::FOUND_IN;
use fields::Fields;
use piece::{COMMENT, HIDDEN, Piece, Pieces, Place};
use segment::{Segments, Text};

/// Those who know how a tool writes, from the most particular form to the most general.
const TOOLS: &[fn(&mut Pieces) -> Option<NewClaim>] = &[
    swarmui::read,
    fooocus::read,
    novelai::read,
    invokeai::read,
    comfyui::read,
    drawthings::read,
    midjourney::read,
    a1111::read,
];

/// Reads what a file says of itself, in the order of its places: texts, comments, Exif, XMP,
/// IPTC, C2PA, hidden text.
///
/// # Errors
/// Only where bytes can't be read.
pub(crate) fn read(mut file: impl Read + Seek, format: ImageFormat) -> io::Result<Vec<NewClaim>> {
    let segments = Segments::read(&mut file, format)?;
    let hidden = if segments.may_hide_text {
        file.rewind()?;
        hidden::read(BufReader::new(file))
    } else {
        None
    };
    Ok(claims(segments, hidden))
}

/// Says whether a claim is one that is read from a file of an image: it says in which place of
/// the file, or it is of Content Credentials, which don't say it.
pub(crate) fn is_of_file(claim: &NewClaim) -> bool {
    let found_in = claim.fields.get(FOUND_IN).and_then(Value::as_str);
    found_in.map_or(claim.tool == credentials::TOOL, Place::is_in_file)
}

fn claims(segments: Segments, hidden: Option<Result<String, &'static str>>) -> Vec<NewClaim> {
    let mut claims = Vec::new();
    let Segments {
        texts,
        comments,
        exif,
        xmp,
        xmp_extension,
        iptc,
        jumbf,
        mut left_out,
        ..
    } = segments;
    let texts = texts.into_iter().map(|Text { keyword, text }| Piece {
        name: keyword,
        text,
    });
    read_place(Place::PngText, "png-text", texts.collect(), &mut claims);
    let comments = comments.iter().map(|comment| Piece {
        name: COMMENT.to_owned(),
        text: segment::latin1(comment),
    });
    read_place(Place::Comment, "comment", comments.collect(), &mut claims);
    if let Some(exif) = exif {
        match exif::texts(&exif) {
            Some(texts) => read_place(Place::Exif, "exif", texts, &mut claims),
            None => left_out.push("the Exif metadata: not in their format".to_owned()),
        }
    }
    for document in [xmp, xmp_extension].into_iter().flatten() {
        let text = xmp::text(&document);
        let xmp = xmp::read(&text);
        claims.push(xmp::claim(&xmp, text));
        let pieces = xmp.properties;
        read_tools(
            Pieces {
                place: Place::Xmp,
                left: pieces,
            },
            &mut claims,
        );
    }
    claims.extend(iptc.and_then(|iptc| iptc::read(&iptc)));
    claims.extend(jumbf.as_deref().and_then(c2pa::read));
    match hidden {
        Some(Ok(text)) => {
            let name = HIDDEN.to_owned();
            let pieces = vec![Piece { name, text }];
            read_place(Place::Alpha, "hidden-text", pieces, &mut claims);
        }
        Some(Err(reason)) => left_out.push(format!("the text in its alpha channel: {reason}")),
        None => {}
    }
    if !left_out.is_empty() {
        let mut fields = Fields::new();
        for part in left_out {
            fields.problem(part);
        }
        claims.push(fields.into_claim_of("unread", Place::File, String::new()));
    }
    claims
}

/// Reads the texts of a place; what no tool knows becomes one claim.
fn read_place(place: Place, tool: &str, left: Vec<Piece>, claims: &mut Vec<NewClaim>) {
    let left = read_tools(Pieces { place, left }, claims);
    if left.is_empty() {
        return;
    }
    let mut fields = Fields::new();
    for piece in &left {
        match piece.name.as_str() {
            "Software" => fields.set(fields::SOFTWARE, piece.text.as_str()),
            name => fields.add_other(name, piece.text.as_str()),
        }
    }
    claims.push(fields.into_claim(tool, place, &left));
}

/// Lets each tool take what it knows, and returns what is left.
fn read_tools(mut pieces: Pieces, claims: &mut Vec<NewClaim>) -> Vec<Piece> {
    claims.extend(TOOLS.iter().filter_map(|read| read(&mut pieces)));
    pieces.left
}

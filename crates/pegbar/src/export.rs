//! Giving things on: lineage as PROV-JSON, files with what made them, sidecars that can be
//! imported again.

mod image;
mod prov;
mod select;
mod xmp;

pub use image::{ExportedImages, ImageExport, KeptFile, LeftOutAsset, XmpOptions};
pub use prov::ProvCounts;
pub use select::ExportScope;

/// The namespace of Pegbar's own names, in PROV and in XMP. It names and leads nowhere: a
/// fragment of a UUID (RFC 8141) belongs to nobody who could let it lapse.
const NAMESPACE: &str = "urn:uuid:ff65eed9-0f4c-4920-af81-94c3a59cf3fe#";

/// The statements of all that is here, for the test that prepares them.
#[cfg(test)]
pub(crate) static STATEMENTS: &[&[&crate::db::sql::Sql]] =
    &[image::STATEMENTS, prov::STATEMENTS, select::STATEMENTS];

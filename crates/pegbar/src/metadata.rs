//! What generators and other programs wrote into the files of their images: read into claims.
#[allow(dead_code, unused_imports, reason = "TODO")]
pub(crate) mod c2pa;
pub(crate) mod segment;

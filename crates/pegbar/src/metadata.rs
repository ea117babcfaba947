//! What generators and other programs wrote into the files of their images: read into claims.
#[allow(dead_code, unused_imports, reason = "TODO")]
mod segment;

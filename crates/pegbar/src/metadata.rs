//! What generators write into files, read into claims.

pub(crate) mod c2pa;

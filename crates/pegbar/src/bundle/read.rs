//! Reading a bundle, in the one order that it has; what is not as it should be is refused.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, Write};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use super::{
    ABOUT, About, CHECKSUMS, FORMAT, MAX_ABOUT, MAX_BLOBS, MAX_CHECKSUMS, MAX_PART, MAX_ROWS,
    VERSION, part_name, schemas,
};
use crate::archive::{ArchiveReader, ArchivedFile};
use crate::blob::whole;
use crate::db::latest_version;
use crate::db::schema::TableSchema;
use crate::error::{Error, IoContext, Result};
use crate::hash::Sha256;
use crate::rows::Row;
use crate::rows::line::{self, Trust};

/// The checksums of a bundle: a line for each file, and one for all blobs together, whose names
/// are their hashes.
#[derive(Clone, Default)]
pub(super) struct Sums {
    text: String,
    blobs: sha2::Sha256,
    count: u64,
}

impl Sums {
    pub(super) fn add(&mut self, name: &str, bytes: &[u8]) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{}  {name}", Sha256::of(bytes));
    }

    pub(super) fn add_blob(&mut self, sha256: Sha256, size: u64) {
        self.blobs.update(format!("{sha256} {size}\n"));
        self.count += 1;
    }

    pub(super) fn to_text(&self) -> String {
        let sha256 = Sha256(self.blobs.clone().finalize().into());
        format!("{}{sha256}  {} blobs\n", self.text, self.count)
    }
}

/// A bundle that is being read.
pub(super) struct Bundle {
    path: PathBuf,
    archive: ArchiveReader<BufReader<File>>,
    pub(super) about: About,
    sums: Sums,
    /// A file whose header was read.
    ahead: Option<ArchivedFile>,
}

/// Says what is wrong with a bundle, and where in it.
pub(super) fn refuse(path: &Path, place: &str, reason: impl std::fmt::Display) -> Error {
    Error::Damaged {
        place: path.display().to_string(),
        reason: format!("{place}: {reason}"),
        source: None,
    }
}

impl Bundle {
    /// Begins to read it.
    pub(super) fn open(path: &Path, file: &File) -> Result<Self> {
        let mut file = file.try_clone().at("reading", path)?;
        file.rewind().at("reading", path)?;
        let mut archive = ArchiveReader::new(BufReader::with_capacity(1 << 16, file));
        let mut sums = Sums::default();
        let first = archive.next().map_err(|error| failed(path, ABOUT, error))?;
        let is_about = |file: &ArchivedFile| file.name == ABOUT && file.size <= MAX_ABOUT;
        if !first.as_ref().is_some_and(is_about) {
            return Err(refuse(
                path,
                "it is no bundle",
                "it does not begin with bundle.json",
            ));
        }
        let mut text = Vec::new();
        let read = archive.bytes().read_to_end(&mut text);
        read.map_err(|error| failed(path, ABOUT, error))?;
        sums.add(ABOUT, &text);
        let about = read_about(path, &text)?;
        Ok(Self {
            path: path.to_owned(),
            archive,
            about,
            sums,
            ahead: None,
        })
    }

    fn peek(&mut self) -> Result<Option<&ArchivedFile>> {
        if self.ahead.is_none() {
            let next = self.archive.next();
            self.ahead = next.map_err(|error| failed(&self.path, "the archive", error))?;
        }
        Ok(self.ahead.as_ref())
    }

    /// Hands over the rows of every table, a few at a time, in the order of the tables; they are
    /// as many as the bundle says.
    pub(super) async fn rows(
        &mut self,
        mut each: impl AsyncFnMut(&'static TableSchema, Vec<Row>) -> Result<()>,
    ) -> Result<()> {
        let expected = self.about.tables.clone();
        for (schema, table) in schemas(self.about.schema_version).zip(expected) {
            let mut rows = 0;
            for number in 1.. {
                let name = part_name(schema.table.name, number);
                if self.peek()?.is_none_or(|file| file.name != name) {
                    break;
                }
                let part = self.part(&name, schema)?;
                rows += part.len() as u64;
                if rows > table.rows {
                    break;
                }
                each(schema, part).await?;
            }
            if rows != table.rows {
                let reason = format!("it has other than {} rows", table.rows);
                return Err(refuse(&self.path, schema.table.name, reason));
            }
        }
        Ok(())
    }

    fn part(&mut self, name: &str, schema: &'static TableSchema) -> Result<Vec<Row>> {
        let path = &self.path;
        let file = self.ahead.take();
        if file.is_none_or(|file| file.size > MAX_PART) {
            return Err(refuse(
                path,
                name,
                format!("it is larger than {MAX_PART} bytes"),
            ));
        }
        let mut text = Vec::new();
        let read = self.archive.bytes().read_to_end(&mut text);
        read.map_err(|error| failed(path, name, error))?;
        self.sums.add(name, &text);
        let Some(lines) = text.strip_suffix(b"\n") else {
            return Err(refuse(path, name, "its last line is cut short"));
        };
        let mut rows = Vec::new();
        for (number, line) in lines.split(|byte| *byte == b'\n').enumerate() {
            let place = || format!("{name} line {}", number + 1);
            if line.len() > line::MAX_BYTES {
                let reason = format!("it is longer than {} bytes", line::MAX_BYTES);
                return Err(refuse(path, &place(), reason));
            }
            let row = line::read(line, schema, Trust::Foreign);
            rows.push(row.map_err(|reason| refuse(path, &place(), reason))?);
        }
        Ok(rows)
    }

    /// Says whether what was read up to here is what checksums say that were read before.
    pub(super) fn is_beginning_of(&self, sums: &str) -> bool {
        sums.starts_with(&self.sums.text)
    }

    /// Returns the next blob; `None` behind the last. Its bytes have to be read next.
    pub(super) fn next_blob(&mut self, before: Option<Sha256>) -> Result<Option<(Sha256, u64)>> {
        let Some(file) = self.peek()? else {
            return Ok(None);
        };
        if file.name == CHECKSUMS {
            return Ok(None);
        }
        let name = file.name.clone();
        let size = file.size;
        let sha256 = name.strip_prefix("blobs/");
        let sha256 = sha256.and_then(|name| name.parse::<Sha256>().ok());
        let Some(sha256) = sha256 else {
            return Err(refuse(&self.path, &name, "no such file belongs here"));
        };
        if before.is_some_and(|before| before >= sha256) {
            return Err(refuse(
                &self.path,
                &name,
                "it is out of order, or stands twice",
            ));
        }
        Ok(Some((sha256, size)))
    }

    /// Reads the bytes of a blob, and refuses others than its name says.
    pub(super) fn read_blob(&mut self, sha256: Sha256, size: u64, to: impl Write) -> Result<()> {
        let name = format!("blobs/{sha256}");
        self.ahead = None;
        let copied = whole::copy(self.archive.bytes(), to);
        let found = copied.map_err(|error| failed(&self.path, &name, error))?;
        if found != sha256 {
            let reason = format!("its bytes are others: their SHA-256 is {found}");
            return Err(refuse(&self.path, &name, reason));
        }
        self.sums.add_blob(sha256, size);
        Ok(())
    }

    /// Reads the end, and refuses a bundle whose checksums are others; returns them.
    pub(super) fn finish(mut self) -> Result<String> {
        let size = self.peek()?.map(|file| (file.name.clone(), file.size));
        let is_last = |(name, size): &(String, u64)| name == CHECKSUMS && *size <= MAX_CHECKSUMS;
        if !size.as_ref().is_some_and(is_last) {
            return Err(refuse(&self.path, CHECKSUMS, "it is missing, or too large"));
        }
        self.ahead = None;
        let mut text = String::new();
        let read = self.archive.bytes().read_to_string(&mut text);
        read.map_err(|error| failed(&self.path, CHECKSUMS, error))?;
        if text != self.sums.to_text() {
            let reason = "they are not those of the files before";
            return Err(refuse(&self.path, CHECKSUMS, reason));
        }
        match self.peek()? {
            None => Ok(text),
            Some(file) => {
                let name = file.name.clone();
                Err(refuse(
                    &self.path,
                    &name,
                    "no file belongs behind the checksums",
                ))
            }
        }
    }
}

fn failed(path: &Path, place: &str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => refuse(path, place, error),
        _ => Error::Io {
            action: "reading",
            path: path.to_owned(),
            source: error,
        },
    }
}

fn read_about(path: &Path, text: &[u8]) -> Result<About> {
    // Read alone first: what else a later format has is not known.
    #[derive(serde::Deserialize)]
    struct Format {
        format: String,
        version: u32,
    }
    let wrong = |error: serde_json::Error| refuse(path, ABOUT, error);
    let format: Format = serde_json::from_slice(text).map_err(wrong)?;
    if format.format != FORMAT {
        return Err(refuse(path, ABOUT, "it is no bundle"));
    }
    let newer = |what: String| Error::Unavailable {
        message: format!("{}: {what}", path.display()),
        hint: "use a newer Pegbar".to_owned(),
        source: None,
    };
    if format.version != VERSION {
        let version = format.version;
        return Err(newer(format!(
            "version {version} of the format is not known"
        )));
    }
    let about: About = serde_json::from_slice(text).map_err(wrong)?;
    if about.schema_version > latest_version() {
        let version = about.schema_version;
        return Err(newer(format!(
            "its rows are of schema version {version}, which is newer"
        )));
    }
    let names = about.tables.iter().map(|table| table.name.as_str());
    let known = schemas(about.schema_version).map(|schema| schema.table.name);
    if !names.eq(known) {
        return Err(refuse(path, ABOUT, "its tables are not those of a bundle"));
    }
    let rows = about
        .tables
        .iter()
        .try_fold(0_u64, |sum, table| sum.checked_add(table.rows));
    if rows.is_none_or(|rows| rows > MAX_ROWS) || about.blobs.count > MAX_BLOBS {
        let reason = format!("it has more than {MAX_ROWS} rows or {MAX_BLOBS} blobs");
        return Err(refuse(path, ABOUT, reason));
    }
    if about.tables.first().is_none_or(|table| table.rows != 1) {
        return Err(refuse(path, ABOUT, "a bundle has one project"));
    }
    Ok(about)
}

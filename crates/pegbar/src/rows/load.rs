//! Writing rows back: lines in, batches of rows out.

use std::io::{self, BufRead, Read as _};

use super::line::{self, Trust};
use super::{Digest, Row};
use crate::db::Session;
use crate::db::schema::TableSchema;
use crate::error::{Error, Result};

/// How many rows are written at once.
const BATCH: usize = 1000;

/// How many bytes of lines are written at once, at most.
const BATCH_BYTES: usize = 16 << 20;

/// The lines of a file, none longer than it may be.
pub(crate) struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    /// The longest line, in bytes.
    limit: usize,
    /// The number of the line that was read last, from 1.
    pub(crate) number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(from: R) -> Self {
        Self::with_limit(from, line::MAX_BYTES)
    }

    /// Refuses lines that are longer than so many bytes, without reading them into memory.
    pub(crate) fn with_limit(from: R, limit: usize) -> Self {
        Self {
            from,
            buffer: Vec::new(),
            limit: limit.min(line::MAX_BYTES),
            number: 0,
        }
    }

    /// Returns the next line with its end; `None` behind the last.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.clear();
        let limit = self.limit as u64 + 1;
        let read = (&mut self.from)
            .take(limit)
            .read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.buffer.last() != Some(&b'\n') {
            let reason = if read > self.limit {
                format!("line {} is longer than {} bytes", self.number, self.limit)
            } else {
                format!("line {} is cut short", self.number)
            };
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(Some(&self.buffer))
    }
}

/// Reads the lines of one table that Pegbar wrote for itself, and hands over batches of their rows; what is wrong with a line
/// is an error that names `place` and its number.
pub(crate) struct Batches<R> {
    lines: Lines<R>,
    schema: &'static TableSchema,
    place: String,
    /// What was read so far.
    pub(crate) digest: Digest,
}

impl<R: BufRead> Batches<R> {
    pub(crate) fn new(from: R, schema: &'static TableSchema, place: impl Into<String>) -> Self {
        Self {
            lines: Lines::new(from),
            schema,
            place: place.into(),
            digest: Digest::default(),
        }
    }

    /// Returns the next rows; none behind the last.
    pub(crate) fn next(&mut self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        let mut bytes = 0;
        while rows.len() < BATCH && bytes < BATCH_BYTES {
            let read = self.lines.next();
            let Some(text) = read.map_err(|error| damaged(&self.place, error.to_string()))? else {
                break;
            };
            self.digest.add(text, 1);
            bytes += text.len();
            let row = line::read(&text[..text.len() - 1], self.schema, Trust::Own);
            let number = self.digest.rows;
            let row =
                row.map_err(|reason| damaged(&self.place, format!("line {number}: {reason}")))?;
            rows.push(row);
        }
        Ok(rows)
    }

    /// Writes all rows.
    pub(crate) async fn write(&mut self, session: &mut Session) -> Result<()> {
        loop {
            let rows = self.next()?;
            if rows.is_empty() {
                return Ok(());
            }
            session.insert_cells(&self.schema.table, &rows).await?;
        }
    }
}

fn damaged(place: &str, reason: String) -> Error {
    Error::Damaged {
        place: place.to_owned(),
        reason,
        source: None,
    }
}

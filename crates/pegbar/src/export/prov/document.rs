//! The text of a PROV-JSON document, statement by statement.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::names;
use crate::error::{IoContext, Result};

/// A document that is being written: an object for each kind of statement.
pub(super) struct Document<'w> {
    out: BufWriter<&'w mut (dyn Write + Send)>,
    /// What stands before the next statement.
    separator: &'static str,
}

impl<'w> Document<'w> {
    pub(super) fn begin(out: &'w mut (dyn Write + Send)) -> Result<Self> {
        let mut document = Self {
            out: BufWriter::with_capacity(1 << 16, out),
            separator: "",
        };
        // The last of them is closed when the next kind begins.
        document.write(&["{\n\"prefix\": {"])?;
        for (prefix, namespace) in names::PREFIXES {
            document.entry(prefix, &json!(namespace))?;
        }
        Ok(document)
    }

    /// Begins the statements of one kind.
    pub(super) fn group(&mut self, name: &str) -> Result<()> {
        self.write(&["\n},\n\"", name, "\": {"])?;
        self.separator = "";
        Ok(())
    }

    /// Adds a statement. Its name is one that needs no escapes.
    pub(super) fn entry(&mut self, name: &str, value: &Value) -> Result<()> {
        let separator = self.separator;
        self.separator = ",";
        self.write(&[separator, "\n\"", name, "\": "])?;
        let written = serde_json::to_writer(&mut self.out, value);
        written.map_err(io::Error::from).at(WRITING, place())
    }

    /// Ends the document: only then it is one.
    pub(super) fn end(mut self) -> Result<()> {
        self.write(&["\n}\n}\n"])?;
        self.out.flush().at(WRITING, place())
    }

    fn write(&mut self, texts: &[&str]) -> Result<()> {
        let mut texts = texts.iter();
        let written = texts.try_for_each(|text| self.out.write_all(text.as_bytes()));
        written.at(WRITING, place())
    }
}

const WRITING: &str = "writing";

fn place() -> &'static Path {
    Path::new("the PROV-JSON document")
}

//! The only place that prints: results on stdout, everything else on stderr.

mod array;
mod piece;
mod progress;
mod table;

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pegbar::{Asset, Id, MillisSinceEpoch};
use serde::Serialize;

use crate::color::{self, Colors, painted};
use crate::error::CommandError;
use crate::text::{dropped, minute};
pub(crate) use array::Array;
pub(crate) use piece::Piece;
pub(crate) use progress::Progress;
pub(crate) use table::Table;

/// Where everything is printed.
pub(crate) struct Output {
    json: bool,
    colors: Colors,
    /// Columns to fit text into; `None` where nobody looks at it.
    width: Option<u16>,
    stdout: Mutex<BufWriter<Stdout>>,
}

impl Output {
    pub(crate) fn new(json: bool, colors: Colors) -> Self {
        Self {
            json,
            colors,
            width: width(),
            stdout: Mutex::new(BufWriter::new(io::stdout())),
        }
    }

    /// Returns whether programs read the output.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a value as JSON on several lines.
    pub(crate) fn json<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), CommandError> {
        let mut stdout = self.stdout();
        serde_json::to_writer_pretty(&mut *stdout, value).map_err(unwritten)?;
        writeln!(stdout).map_err(CommandError::Output)
    }

    /// Prints a value as JSON on one line: one of many that are read as they come.
    pub(crate) fn json_line<T: Serialize>(&self, value: &T) -> Result<(), CommandError> {
        let mut stdout = self.stdout();
        serde_json::to_writer(&mut *stdout, value).map_err(unwritten)?;
        writeln!(stdout).map_err(CommandError::Output)
    }

    /// Prints lines of text. Control characters other than line breaks are shown as signs:
    /// what others have named may not steer the terminal.
    pub(crate) fn line(&self, text: impl Display) -> Result<(), CommandError> {
        writeln!(self.stdout(), "{}", printable(&text.to_string())).map_err(CommandError::Output)
    }

    /// Prints text as it is, for what another program made of our own words.
    pub(crate) fn verbatim(&self, bytes: &[u8]) -> Result<(), CommandError> {
        self.stdout().write_all(bytes).map_err(CommandError::Output)
    }

    /// Prints what a change made: the thing itself as JSON, or one line.
    pub(crate) fn changed<T: Serialize>(
        &self,
        what: &str,
        name: &str,
        id: impl Id,
        thing: &T,
    ) -> Result<(), CommandError> {
        if self.json {
            return self.json(thing);
        }
        self.line(format_args!("{what} \"{name}\" ({id})"))
    }

    /// Prints a title and below it the fields that have a value, each with its name.
    pub(crate) fn fields(
        &self,
        title: &str,
        fields: &[(&str, String)],
    ) -> Result<(), CommandError> {
        let is_coloured = self.colors.stdout;
        let title = painted(&printable(title), color::TITLE, is_coloured);
        self.verbatim(format!("{title}\n").as_bytes())?;
        let fields = fields.iter().filter(|(_, value)| !value.is_empty());
        let width = fields
            .clone()
            .map(|(name, _)| name.len())
            .max()
            .unwrap_or(0);
        for (name, value) in fields {
            let indented = value.replace('\n', &format!("\n{:width$}", "", width = width + 4));
            let name = painted(
                &printable(&format!("{name:width$}")),
                color::NAME,
                is_coloured,
            );
            let line = format!("  {name}  {}\n", printable(&indented));
            self.verbatim(line.as_bytes())?;
        }
        Ok(())
    }

    /// Prints lines that are put together of pieces.
    pub(crate) fn pieces(&self, pieces: &[Piece]) -> Result<(), CommandError> {
        let is_coloured = self.colors.stdout;
        let text: String = pieces
            .iter()
            .map(|piece| piece.to_text(is_coloured))
            .collect();
        self.verbatim(text.as_bytes())
    }

    /// Writes an id for a table: its end where there is little room, else all of it.
    pub(crate) fn id(&self, id: impl Id) -> String {
        let text = id.to_string();
        match text.rsplit_once('-') {
            Some((_, end)) if self.width.is_some() => end.to_owned(),
            _ => text,
        }
    }

    /// Writes a time for a table: the day where there is little room, else to the minute.
    pub(crate) fn time(&self, time: MillisSinceEpoch) -> String {
        let mut text = minute(time);
        if let (Some(_), Some(end)) = (self.width, text.find(' ')) {
            text.truncate(end);
        }
        text
    }

    /// Writes the path of an asset's file for a table: its name without the id, where there is
    /// little room.
    pub(crate) fn path(&self, asset: &Asset) -> String {
        if let Some(time) = asset.bytes_dropped_at {
            return format!("({})", dropped(time));
        }
        let path = asset.file_path.as_deref().unwrap_or_default();
        if self.width.is_none() {
            return path.to_owned();
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        name.replace(&asset.id.to_string(), "…")
    }

    /// Prints a list that may be long, as it is read: one JSON array with an element on each
    /// line, or a table.
    pub(crate) fn list(&self, header: &'static [&'static str]) -> List<'_> {
        List {
            output: self,
            table: Table::new(header),
            count: 0,
        }
    }

    /// Begins an array that may be long, printed as its elements come.
    pub(crate) fn json_array(&self) -> Array<'_> {
        Array::new(self)
    }

    /// Prints a table.
    pub(crate) fn table(&self, mut table: Table) -> Result<(), CommandError> {
        self.print_table(&mut table)?;
        self.tell_dropped(&mut table);
        Ok(())
    }

    /// Says which columns there was no room for.
    fn tell_dropped(&self, table: &mut Table) {
        let dropped = table.take_dropped();
        if !dropped.is_empty() {
            let it = if dropped.len() == 1 { "it" } else { "them" };
            let dropped = dropped.join(", ");
            self.note(format_args!(
                "no room for {dropped}: a wider terminal or --json shows {it}"
            ));
        }
    }

    fn print_table(&self, table: &mut Table) -> Result<(), CommandError> {
        let text = table.take_text(self.width, self.colors.stdout);
        self.stdout()
            .write_all(text.as_bytes())
            .map_err(CommandError::Output)
    }

    /// Tells something beside the result, to people only.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.json {
            self.tell(&printable(&text.to_string()));
        }
    }

    /// Tells something that the user should look at, without failing.
    pub(crate) fn warning(&self, text: impl Display) {
        let text = text.to_string();
        if self.json {
            self.tell(&serde_json::json!({ "warning": { "message": text } }).to_string());
        } else {
            self.tell(&format!("warning: {}", printable(&text)));
        }
    }

    /// Tells why the command failed; a closed pipe is nobody's failure.
    pub(crate) fn error(&self, error: &CommandError) {
        if error.is_silent() {
            return;
        }
        if self.json {
            self.tell(&error.to_json().to_string());
        } else {
            self.tell(printable(&error.to_text()).trim_end());
        }
    }

    /// Begins to show how far long work is; `total` may be set later.
    pub(crate) fn progress(&self, total: u64, label: &str) -> Progress {
        if self.json {
            Progress::silent()
        } else {
            Progress::new(total, label)
        }
    }

    /// Returns whether somebody can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks a question that has to be answered with yes to go on.
    ///
    /// # Errors
    /// [`CommandError::Usage`] where nobody can answer.
    pub(crate) fn confirm(&self, question: impl Display) -> Result<bool, CommandError> {
        if !self.can_ask() {
            let error = CommandError::usage("this asks for confirmation, and nobody can answer");
            return Err(error.hint("say --yes to go on without being asked"));
        }
        let _ = self.stdout().flush();
        let mut stderr = io::stderr();
        let asked = write!(stderr, "{} [y/N] ", printable(&question.to_string()));
        asked
            .and_then(|()| stderr.flush())
            .map_err(CommandError::Output)?;
        let mut answer = String::new();
        io::stdin()
            .read_line(&mut answer)
            .map_err(CommandError::Output)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Hands over what is still in the buffer.
    pub(crate) fn finish(&self) -> Result<(), CommandError> {
        self.stdout().flush().map_err(CommandError::Output)
    }

    fn stdout(&self) -> MutexGuard<'_, BufWriter<Stdout>> {
        self.stdout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints a line on stderr, after what was printed on stdout before it.
    fn tell(&self, text: &str) {
        // If stderr is closed, there is nobody to tell.
        let _ = self.stdout().flush();
        let is_coloured = self.colors.stderr && !self.json;
        let _ = writeln!(io::stderr(), "{}", color::message(text, is_coloured));
    }
}

/// A list that is printed page by page.
pub(crate) struct List<'a> {
    output: &'a Output,
    table: Table,
    count: u64,
}

impl List<'_> {
    /// Adds a row: as JSON, or in the cells of a table.
    pub(crate) fn row<T: Serialize>(
        &mut self,
        value: &T,
        cells: impl FnOnce(&T) -> Vec<String>,
    ) -> Result<(), CommandError> {
        self.count += 1;
        if !self.output.json {
            self.table.row(cells(value));
            return Ok(());
        }
        let mut stdout = self.output.stdout();
        let before: &[u8] = if self.count == 1 { b"[\n" } else { b",\n" };
        stdout.write_all(before).map_err(CommandError::Output)?;
        serde_json::to_writer(&mut *stdout, value).map_err(unwritten)
    }

    /// Prints the rows so far.
    pub(crate) fn end_page(&mut self) -> Result<(), CommandError> {
        if self.output.json {
            return Ok(());
        }
        self.output.print_table(&mut self.table)
    }

    /// Ends the list and returns how many rows it has.
    pub(crate) fn finish(mut self) -> Result<u64, CommandError> {
        self.end_page()?;
        self.output.tell_dropped(&mut self.table);
        if self.output.json {
            let end = if self.count == 0 { "[]\n" } else { "\n]\n" };
            let mut stdout = self.output.stdout();
            stdout
                .write_all(end.as_bytes())
                .map_err(CommandError::Output)?;
        }
        Ok(self.count)
    }
}

fn unwritten(error: serde_json::Error) -> CommandError {
    if error.is_io() {
        return CommandError::Output(error.into());
    }
    CommandError::fault("writing JSON", &error)
}

/// The width that text has to fit: the terminal's, or COLUMNS.
fn width() -> Option<u16> {
    if let Some((width, _)) = terminal_size::terminal_size_of(io::stdout()) {
        return Some(width.0);
    }
    let columns = std::env::var("COLUMNS").ok()?;
    columns.parse().ok().filter(|columns| *columns > 0)
}

/// Shows control characters as signs, so that they do nothing.
fn printable(text: &str) -> String {
    let is_control = |c: char| c.is_control() && c != '\n';
    if !text.contains(is_control) {
        return text.to_owned();
    }
    let sign = |c: char| match u32::from(c) {
        code @ 0..=0x1f if c != '\n' => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}'),
        0x7f => '\u{2421}',
        0x80..=0x9f => '\u{fffd}',
        _ => c,
    };
    text.chars().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(
            printable("a\u{1b}[2Jb\u{9b}c\u{7f}\nd"),
            "a␛[2Jb\u{fffd}c␡\nd"
        );
        assert_eq!(printable("走る"), "走る");
    }
}

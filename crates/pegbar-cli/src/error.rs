//! Why a command did not do what it was asked, and how that is said.

use std::fmt::Write as _;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use crate::config::{Level, Origin, Setting};

/// The exit code for a request that was refused.
const REFUSED: u8 = 1;
/// The exit code for wrong usage, as clap has it.
const USAGE: u8 = 2;
/// The exit code for our own fault (`EX_SOFTWARE` in sysexits.h).
const FAULT: u8 = 70;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum CommandError {
    /// The library refused.
    Library(pegbar::Error),
    /// The command line refused.
    Refused(Refusal),
    /// The arguments do not fit together.
    Usage(Refusal),
    /// Something that cannot happen did.
    Fault(Refusal),
    /// The output could not be written.
    Output(io::Error),
    /// Two things differ, which has been shown: nothing is wrong, but the exit code says so.
    Differs,
    /// What was to be checked could not be, which has been said: the exit code says so too.
    Unchecked,
}

/// What was refused, and what to do instead.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: &'static str,
    message: String,
    causes: Vec<String>,
    candidates: Vec<Candidate>,
    hint: Option<String>,
}

/// Something that a name or the end of an id may have meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Candidate {
    /// Its id.
    pub(crate) id: String,
    /// What it is called.
    pub(crate) name: String,
}

/// An error as programs read it.
#[derive(Serialize)]
struct ErrorMessage<'a> {
    code: &'a str,
    message: String,
    causes: Vec<String>,
    #[serde(skip_serializing_if = "<[Candidate]>::is_empty")]
    candidates: &'a [Candidate],
    #[serde(flatten)]
    users: Option<Users<'a>>,
    hint: Option<String>,
}

/// Who uses what was to go.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Users<'a> {
    users: &'a [pegbar::User],
    more_users: u64,
}

/// How many users are named, each on a line, where the message has room for few.
const LISTED_USERS: usize = 20;

impl Users<'_> {
    fn of(error: &pegbar::Error) -> Option<Users<'_>> {
        let pegbar::Error::InUse { users, more, .. } = error else {
            return None;
        };
        Some(Users {
            users,
            more_users: *more,
        })
    }

    /// Writes those that the message does not name, each on a line.
    fn lines(&self) -> String {
        let named = pegbar::MAX_NAMED_USERS;
        if self.users.len() <= named {
            return String::new();
        }
        let mut text = String::new();
        for user in self.users.iter().take(LISTED_USERS) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {user}");
        }
        let more = self.more_users + self.users.len().saturating_sub(LISTED_USERS) as u64;
        if more > 0 {
            let _ = writeln!(text, "  and {more} more");
        }
        text
    }
}

impl CommandError {
    /// Refuses a request; `code` is a stable word for programs.
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Refusal::new(code, message))
    }

    /// Refuses arguments that do not fit together.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(Refusal::new("usage", message))
    }

    /// Reports a fault of our own.
    pub(crate) fn fault(action: &str, cause: &dyn std::error::Error) -> Self {
        let mut fault = Refusal::new("fault", format!("{action} failed"));
        fault.causes = vec![with_causes(cause)];
        fault.hint = Some("this is a mistake in Pegbar: please report it".to_owned());
        Self::Fault(fault)
    }

    /// Says what to do next; a hint of the library is left as it is.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Refused(refusal) | Self::Usage(refusal) | Self::Fault(refusal) = &mut self {
            refusal.hint = Some(hint.into());
        }
        self
    }

    /// Says what the refusal comes from.
    #[must_use]
    pub(crate) fn cause(mut self, cause: &dyn std::error::Error) -> Self {
        if let Self::Refused(refusal) | Self::Usage(refusal) = &mut self {
            refusal.causes.push(cause.to_string());
        }
        self
    }

    /// Returns the hint if it names something similar that was perhaps meant.
    pub(crate) fn suggestion(&self) -> Option<String> {
        self.message()
            .hint
            .filter(|hint| hint.starts_with("did you mean "))
    }

    /// Names what may have been meant.
    #[must_use]
    pub(crate) fn candidates(mut self, candidates: Vec<Candidate>) -> Self {
        if let Self::Refused(refusal) | Self::Usage(refusal) = &mut self {
            refusal.candidates = candidates;
        }
        self
    }

    /// Says where the name of a project comes from that nobody typed.
    pub(crate) fn of_setting(self, project: &Setting) -> Self {
        let missing = format!("there is no project \"{}\"", project.value);
        if !self.is_not_found() || self.message().message != missing {
            return self;
        }
        let (origin, unset) = match &project.origin {
            Origin::File(level, place) => (
                format!("line {} of {}", place.line, place.file.display()),
                match level {
                    Level::Studio => "`pegbar config unset project`",
                    Level::User => "`pegbar config unset project --user`",
                },
            ),
            Origin::Variable(name) => ((*name).to_owned(), "unset it"),
            Origin::Option(_) => return self,
        };
        self.hint(format!(
            "the name comes from {origin}: say another with -p PROJECT, or {unset}"
        ))
    }

    /// Returns the exit code of the process.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Library(pegbar::Error::Database { .. }) | Self::Fault(_) => FAULT,
            Self::Usage(_) => USAGE,
            Self::Output(_) if self.is_closed_pipe() => 0,
            Self::Library(_)
            | Self::Refused(_)
            | Self::Output(_)
            | Self::Differs
            | Self::Unchecked => REFUSED,
        }
    }

    /// Returns whether nothing has the name or id that was asked for.
    pub(crate) fn is_not_found(&self) -> bool {
        self.message().code == "not_found"
    }

    /// Returns whether the reader of our output has gone, which is his right.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Returns whether there is nothing more to say than the exit code says.
    pub(crate) fn is_silent(&self) -> bool {
        self.is_closed_pipe() || matches!(self, Self::Differs | Self::Unchecked)
    }

    /// Writes the error for people, with a newline at the end.
    pub(crate) fn to_text(&self) -> String {
        let ErrorMessage {
            message,
            causes,
            candidates,
            users,
            hint,
            ..
        } = self.message();
        let mut text = format!("error: {message}\n");
        for Candidate { id, name } in candidates {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {id}  {name}");
        }
        text.extend(users.map(|users| users.lines()));
        for cause in causes {
            let _ = writeln!(text, "  cause: {cause}");
        }
        if let Some(hint) = hint {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }

    /// Writes the error for programs.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "error": self.message() })
    }

    fn message(&self) -> ErrorMessage<'_> {
        match self {
            Self::Library(error) => ErrorMessage {
                code: error.code(),
                message: error.to_string(),
                causes: causes(error),
                candidates: &[],
                users: Users::of(error),
                hint: error.hint(),
            },
            Self::Refused(refusal) | Self::Usage(refusal) | Self::Fault(refusal) => ErrorMessage {
                code: refusal.code,
                message: refusal.message.clone(),
                causes: refusal.causes.clone(),
                candidates: &refusal.candidates,
                users: None,
                hint: refusal.hint.clone(),
            },
            Self::Differs => ErrorMessage {
                code: "differs",
                message: "they differ".to_owned(),
                causes: Vec::new(),
                candidates: &[],
                users: None,
                hint: None,
            },
            Self::Unchecked => ErrorMessage {
                code: "unavailable",
                message: "it was not checked".to_owned(),
                causes: Vec::new(),
                candidates: &[],
                users: None,
                hint: None,
            },
            Self::Output(error) => ErrorMessage {
                code: "io",
                message: "the output cannot be written".to_owned(),
                causes: vec![error.to_string()],
                candidates: &[],
                users: None,
                hint: None,
            },
        }
    }
}

impl Refusal {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            causes: Vec::new(),
            candidates: Vec::new(),
            hint: None,
        }
    }
}

impl From<pegbar::Error> for CommandError {
    fn from(error: pegbar::Error) -> Self {
        Self::Library(error)
    }
}

/// Returns what an error comes from, the nearest first.
fn causes(error: &dyn std::error::Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    // Some errors repeat their source in their own text.
    causes.dedup_by(|inner, outer| outer.contains(inner.as_str()));
    causes
}

/// Returns an error and its causes on one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut parts = vec![error.to_string()];
    parts.extend(causes(error));
    parts.join(": ")
}

/// Turns a panic of the work into an error of our own.
pub(crate) fn catching_faults(
    work: impl FnOnce() -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let place = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let told = place.clone();
    std::panic::set_hook(Box::new(move |panic| {
        if let Ok(mut told) = told.lock() {
            *told = panic.to_string();
        }
    }));
    let result = catch_unwind(AssertUnwindSafe(work));
    drop(std::panic::take_hook());
    result.unwrap_or_else(|_| {
        let told = place.lock().map(|told| told.clone()).unwrap_or_default();
        let fault = io::Error::other(told);
        Err(CommandError::fault("the command", &fault))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_tell_whose_turn_it_is() {
        let invalid = pegbar::Error::Invalid {
            field: "name".to_owned(),
            reason: "empty".to_owned(),
        };
        let database = pegbar::Error::Database {
            action: "reading",
            source: "no such table".into(),
        };
        assert_eq!(CommandError::from(invalid).exit_code(), 1);
        assert_eq!(CommandError::from(database).exit_code(), 70);
        assert_eq!(CommandError::usage("no").exit_code(), 2);
        let closed = CommandError::Output(io::ErrorKind::BrokenPipe.into());
        assert_eq!(closed.exit_code(), 0);
        let full = CommandError::Output(io::ErrorKind::StorageFull.into());
        assert_eq!(full.exit_code(), 1);
    }

    #[test]
    fn a_panic_is_our_fault_and_says_where() {
        let fault = catching_faults(|| panic!("cannot happen")).unwrap_err();
        assert_eq!(fault.exit_code(), 70);
        let text = fault.to_text();
        assert!(
            text.starts_with("error: the command failed\n  cause: "),
            "{text}"
        );
        assert!(
            text.contains("cannot happen") && text.contains("error.rs"),
            "{text}"
        );
        assert!(text.contains("please report it"), "{text}");
    }

    #[test]
    fn an_error_is_its_message_its_causes_and_a_hint() {
        let error = pegbar::Error::Io {
            action: "reading",
            path: "x.png".into(),
            source: io::Error::new(io::ErrorKind::NotFound, "no such file"),
        };
        let text = CommandError::from(error).to_text();
        assert_eq!(
            text,
            "error: reading x.png\n  cause: no such file\nhint: check the path\n"
        );
    }
}

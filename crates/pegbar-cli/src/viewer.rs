//! The program that shows images and folders.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::error::CommandError;

/// How long a viewer is watched for an early failure; one that is still there then shows it.
const WATCHED: Duration = Duration::from_secs(2);
const INTERVAL: Duration = Duration::from_millis(50);

/// A program with its options, which gets a path as its last argument.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Viewer {
    program: String,
    options: Vec<String>,
}

impl Viewer {
    /// Returns the program that was named, or the system's.
    pub(crate) fn of(command: Option<&str>, path: &Path) -> Result<Self, CommandError> {
        if let Some(command) = command {
            let mut words = words(command).into_iter();
            let program = words
                .next()
                .ok_or_else(|| CommandError::usage("the viewer is an empty text"))?;
            let options = words.collect();
            return Ok(Self { program, options });
        }
        let (program, options): (_, &[&str]) = match std::env::consts::OS {
            "macos" => ("open", &[]),
            // The empty text is the title of a window, which `start` takes first.
            "windows" => ("cmd", &["/C", "start", ""]),
            _ => ("xdg-open", &[]),
        };
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if program == "xdg-open" && !is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY") {
            let message = "there is no screen to show it on: neither DISPLAY nor WAYLAND_DISPLAY \
                           is set";
            return Err(with_ways_out(
                CommandError::refused("unavailable", message),
                path,
            ));
        }
        Ok(Self {
            program: program.to_owned(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
        })
    }

    /// Shows a file or a folder; the program may go on when this is done.
    pub(crate) fn show(&self, path: &Path) -> Result<(), CommandError> {
        let program = &self.program;
        let mut command = Command::new(program);
        command.args(&self.options).arg(path);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.spawn().map_err(|error| {
            let message = if error.kind() == io::ErrorKind::NotFound {
                format!("the viewer \"{program}\" is not there")
            } else {
                format!("the viewer \"{program}\" cannot be started")
            };
            with_ways_out(
                CommandError::refused("unavailable", message).cause(&error),
                path,
            )
        })?;
        let mut watched = Duration::ZERO;
        while watched < WATCHED {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    let message = format!("the viewer \"{program}\" failed: {status}");
                    return Err(with_ways_out(
                        CommandError::refused("unavailable", message),
                        path,
                    ));
                }
                Ok(None) => sleep(INTERVAL),
                Err(error) => return Err(CommandError::fault("watching the viewer", &error)),
            }
            watched += INTERVAL;
        }
        Ok(())
    }
}

fn with_ways_out(error: CommandError, path: &Path) -> CommandError {
    error.hint(format!(
        "it is {}; another program shows it with --viewer COMMAND, or always with `pegbar config \
         set viewer COMMAND`",
        path.display()
    ))
}

/// Splits a command into words at spaces; quotes of both kinds hold words together.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_has_options_and_a_path_with_spaces() {
        assert_eq!(words("gimp -n"), ["gimp", "-n"]);
        assert_eq!(
            words(" '/opt/my viewer/v'  --fit \"\" "),
            ["/opt/my viewer/v", "--fit", ""]
        );
        assert_eq!(words(r"C:\v.exe"), [r"C:\v.exe"]);
        assert!(words("  ").is_empty());
        let path = Path::new("x.png");
        assert!(Viewer::of(Some(""), path).is_err());
        let viewer = Viewer::of(Some("feh -F"), path).expect("named");
        assert_eq!((viewer.program.as_str(), viewer.options.len()), ("feh", 1));
    }

    #[test]
    fn a_viewer_that_fails_or_is_not_there_is_named_with_the_path() {
        let path = Path::new("some/x.png");
        let show = |command: &str| {
            let viewer = Viewer::of(Some(command), path).expect("named");
            viewer.show(path).map_err(|error| error.to_text())
        };
        let missing = show("no-such-viewer-anywhere").expect_err("it is not there");
        assert!(
            missing.contains("\"no-such-viewer-anywhere\" is not there"),
            "{missing}"
        );
        assert!(missing.contains("hint: it is some/x.png"), "{missing}");
        if cfg!(unix) {
            let failed = show("false").expect_err("it fails");
            assert!(failed.contains("the viewer \"false\" failed"), "{failed}");
            show("true").expect("it shows it");
        }
    }
}

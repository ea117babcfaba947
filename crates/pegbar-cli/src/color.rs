//! Whether and how what people read is coloured.

use std::ffi::OsString;
use std::io;

use clap::builder::styling::{AnsiColor, Effects, Style, Styles};

use crate::config::{Key, Settings};

/// What went wrong.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
/// What should be looked at.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);
/// What to do next.
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default().effects(Effects::BOLD);
/// What only the first of two things has.
pub(crate) const REMOVED: Style = AnsiColor::Red.on_default();
/// What only the second of two things has.
pub(crate) const ADDED: Style = AnsiColor::Green.on_default();
/// A title, or the header of a table.
pub(crate) const TITLE: Style = Style::new().effects(Effects::BOLD);
/// The name of a field.
pub(crate) const NAME: Style = Style::new().effects(Effects::DIMMED);

/// The colours of help and of wrong usage.
pub(crate) const HELP: Styles = Styles::styled()
    .header(TITLE)
    .usage(TITLE)
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(Style::new())
    .error(ERROR)
    .valid(AnsiColor::Green.on_default())
    .invalid(AnsiColor::Yellow.on_default());

/// When to colour what people read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl std::str::FromStr for ColorWhen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        <Self as clap::ValueEnum>::from_str(text, false)
    }
}

/// Which streams are coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Colors {
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

impl ColorWhen {
    /// Returns what counts: the option, else the environment (`PEGBAR_COLOR` before `NO_COLOR`
    /// and `CLICOLOR_FORCE`, which every program knows), else what the user has set.
    pub(crate) fn of(arguments: impl Iterator<Item = OsString>, settings: &Settings) -> Self {
        if let Some(said) = from_arguments(arguments) {
            return said;
        }
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_everyones = is_set("NO_COLOR") || is_set("CLICOLOR_FORCE");
        if is_everyones && !is_set(Key::Color.variable()) {
            return Self::Auto;
        }
        // What can't be read is refused later.
        let setting = settings.text(Key::Color).ok().flatten();
        setting
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    }

    pub(crate) fn for_help(self) -> clap::ColorChoice {
        match self {
            Self::Auto => clap::ColorChoice::Auto,
            Self::Always => clap::ColorChoice::Always,
            Self::Never => clap::ColorChoice::Never,
        }
    }

    pub(crate) fn colors(self) -> Colors {
        let is_on = |found| found != anstream::ColorChoice::Never;
        match self {
            Self::Auto => Colors {
                stdout: is_on(anstream::AutoStream::choice(&io::stdout())),
                stderr: is_on(anstream::AutoStream::choice(&io::stderr())),
            },
            Self::Always => Colors {
                stdout: true,
                stderr: true,
            },
            Self::Never => Colors::default(),
        }
    }
}

/// Finds the option before the arguments are understood: how a refusal of them is printed
/// depends on it.
fn from_arguments(arguments: impl Iterator<Item = OsString>) -> Option<ColorWhen> {
    let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    let arguments: Vec<String> = arguments.take_while(|argument| argument != "--").collect();
    let said = arguments
        .iter()
        .enumerate()
        .rev()
        .find_map(|(n, argument)| match argument.strip_prefix("--color")? {
            "" => arguments.get(n + 1).map(String::as_str),
            value => value.strip_prefix('='),
        });
    said.and_then(|value| value.parse().ok())
}

/// Puts text into a style, if there are colours.
pub(crate) fn painted(text: &str, style: Style, is_coloured: bool) -> String {
    if is_coloured {
        format!("{style}{text}{style:#}")
    } else {
        text.to_owned()
    }
}

/// Puts the words that begin a message into their colours.
pub(crate) fn message(text: &str, is_coloured: bool) -> String {
    if !is_coloured {
        return text.to_owned();
    }
    let words = [("error:", ERROR), ("warning:", WARNING), ("hint:", HINT)];
    let line = |line: &str| {
        let begun = words.iter().find_map(|(word, style)| {
            let rest = line.strip_prefix(word)?;
            Some(format!("{style}{word}{style:#}{rest}"))
        });
        begun.unwrap_or_else(|| line.to_owned())
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_option_before_the_end_of_options_counts() {
        let said = |words: &[&str]| from_arguments(words.iter().map(OsString::from));
        assert_eq!(said(&["tree"]), None);
        assert_eq!(said(&["tree", "--color=never"]), Some(ColorWhen::Never));
        assert_eq!(
            said(&["--color", "always", "tree"]),
            Some(ColorWhen::Always)
        );
        assert_eq!(said(&["tree", "--", "--color=never"]), None);
        assert_eq!(said(&["--color=mauve"]), None);
        assert_eq!(said(&["--color"]), None);
    }

    #[test]
    fn only_the_first_word_of_a_line_is_coloured() {
        let text = "error: an error: x\nhint: y";
        assert_eq!(message(text, false), text);
        assert_eq!(
            message(text, true),
            "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m an error: x\n\u{1b}[1m\u{1b}[36mhint:\u{1b}[0m y"
        );
    }
}

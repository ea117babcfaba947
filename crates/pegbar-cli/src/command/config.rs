//! `pegbar config`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::{self, Key, Level, Origin, Setting, Settings, without_password};
use crate::context::{Context, is_studio, no_studio};
use crate::error::CommandError;
use crate::find;
use crate::output::Output;

/// Show what is set and who says so, and change it
///
/// An option counts before a variable of the environment, that before the studio's file
/// (.pegbar/config.toml, which git does not see), that before the user's. There are: studio,
/// project, database-url, viewer, color, max-file-size and max-pixels; the variable of each is
/// `PEGBAR_` with its name, as in `PEGBAR_MAX_PIXELS`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar config set project 'Alley cats'
  pegbar config set viewer 'gimp -n'")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Get(Get),
    Set(Set),
    Unset(Unset),
    Path(Paths),
}

/// Print the value of one setting, and nothing where it is not set
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar config get project")]
struct Get {
    /// The setting
    key: Key,
}

/// Set something, in the studio's file or the user's
///
/// The settings that only a user can have (studio, viewer, color) go into the user's file,
/// everything else into the studio's, unless --user is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  pegbar config set project 'Alley cats'
  pegbar config set database-url - < address.txt    not in the shell's history")]
struct Set {
    /// The setting
    key: Key,
    /// The value; - reads it from standard input
    #[arg(allow_hyphen_values = true)]
    value: String,
    /// For all studios of the user
    #[arg(long)]
    user: bool,
}

/// Take a setting away, from the studio's file or the user's
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pegbar config unset project")]
struct Unset {
    /// The setting
    key: Key,
    /// In the user's file
    #[arg(long)]
    user: bool,
}

/// Print the paths of the files with settings, whether they are there or not
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  $EDITOR \"$(pegbar config path --user)\"")]
struct Paths {
    /// Only the user's
    #[arg(long)]
    user: bool,
}

impl Args {
    /// Returns whether it helps where a file is wrong.
    pub(crate) fn needs_no_settings(&self) -> bool {
        matches!(self.action, Some(Action::Path(_)))
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    let output = &context.output;
    let folder = context.studio_folder()?;
    let folder = folder.as_deref().filter(|folder| is_studio(folder));
    match args.action {
        Some(Action::Path(paths)) => paths.run(output, folder),
        Some(Action::Set(set)) => set.run(context, folder).await,
        Some(Action::Unset(unset)) => unset.run(output, folder),
        None | Some(Action::Get(_)) => {
            let settings = match folder {
                Some(folder) => context.settings.of_studio(folder)?,
                None => context.settings.clone(),
            };
            match args.action {
                Some(Action::Get(get)) => get.run(output, &settings),
                _ => show(output, &settings),
            }
        }
    }
}

/// A setting as programs read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    key: &'static str,
    /// Absent where nobody says anything.
    value: Option<String>,
    from: &'static str,
    variable: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

/// Returns a value without what nobody else may see.
fn shown(key: Key, value: &str) -> String {
    match key {
        Key::DatabaseUrl => without_password(value),
        _ => value.to_owned(),
    }
}

fn show(output: &Output, settings: &Settings) -> Result<(), CommandError> {
    let mut list = output.list(&["SETTING", "VALUE", "FROM"]);
    for key in Key::ALL {
        let setting = settings.get(key)?;
        let (from, place) = match setting.as_ref().map(|setting| &setting.origin) {
            None => ("default", None),
            Some(Origin::Option(_)) => ("option", None),
            Some(Origin::Variable(_)) => ("environment", None),
            Some(Origin::File(level, place)) => (level.as_str(), Some(place)),
        };
        let row = Row {
            key: key.name(),
            value: setting.as_ref().map(|setting| shown(key, &setting.value)),
            from,
            variable: key.variable(),
            file: place.map(|place| place.file.as_path()),
            line: place.map(|place| place.line),
        };
        list.row(&row, |row| {
            vec![
                row.key.to_owned(),
                row.value.clone().unwrap_or_else(|| key.default()),
                setting.as_ref().map_or_else(|| from.to_owned(), origin),
            ]
        })?;
    }
    list.finish().map(drop)
}

fn origin(setting: &Setting) -> String {
    match &setting.origin {
        Origin::Option(name) | Origin::Variable(name) => (*name).to_owned(),
        Origin::File(_, place) => format!("{}:{}", place.file.display(), place.line),
    }
}

impl Get {
    fn run(&self, output: &Output, settings: &Settings) -> Result<(), CommandError> {
        let setting = settings.get(self.key)?;
        let value = setting.map(|setting| shown(self.key, &setting.value));
        if output.is_json() {
            return output.json(&value);
        }
        if let Some(value) = value {
            return output.line(value);
        }
        let default = self.key.default();
        output.note(format_args!("it is not set; the default is {default}"));
        Ok(())
    }
}

/// Returns the file that a setting goes into.
fn file_for(key: Key, user: bool, folder: Option<&Path>) -> Result<PathBuf, CommandError> {
    let is_the_users = key.refusal(Level::Studio).is_some();
    if !user && !is_the_users {
        let folder = folder.ok_or_else(|| {
            no_studio().hint("run it in a studio, name one with --studio DIR, or say --user")
        })?;
        return Ok(config::studio_file(folder));
    }
    if let Some(why) = key.refusal(Level::User) {
        let message = format!("{} can't be set for the user: {why}", key.name());
        return Err(CommandError::refused("invalid", message).hint("leave out --user"));
    }
    config::user_file().ok_or_else(|| {
        CommandError::refused("unavailable", "there is no home folder to keep settings in")
            .hint("name a file in PEGBAR_CONFIG")
    })
}

/// A change of a setting as programs read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change<'a> {
    key: &'static str,
    value: Option<String>,
    file: &'a Path,
    is_changed: bool,
}

impl Set {
    async fn run(self, context: &Context, folder: Option<&Path>) -> Result<(), CommandError> {
        let output = &context.output;
        let key = self.key;
        let value = if self.value == "-" {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| CommandError::usage(format!("standard input: {error}")))?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        } else {
            self.value
        };
        key.check(&value).map_err(|reason| {
            // It may be a part of a password.
            let reason = reason.replace(&format!("{value:?}"), &shown(key, &value));
            CommandError::usage(format!("{}: {reason}", key.name()))
        })?;
        // A relative folder means another one from elsewhere.
        let value = match key {
            Key::Studio => {
                let path = std::path::absolute(&value);
                let path = path.map_err(|error| CommandError::usage(format!("studio: {error}")))?;
                path.display().to_string()
            }
            _ => value,
        };
        let file = file_for(key, self.user, folder)?;
        if key == Key::Project && !self.user {
            check_project(context, &value).await?;
        }
        let is_changed = config::change(&file, key, Some(&value))?;
        let value = shown(key, &value);
        if output.is_json() {
            return output.json(&Change {
                key: key.name(),
                value: Some(value),
                file: &file,
                is_changed,
            });
        }
        let (name, file) = (key.name(), file.display());
        output.line(format_args!("{name} is {value} now, in {file}"))
    }
}

/// Refuses a project that the studio does not have: every command would, later. The user's own
/// file is for all studios, so there it may be one that only another has.
async fn check_project(context: &Context, name: &str) -> Result<(), CommandError> {
    let studio = context.studio().await?;
    match find::project(&studio, name).await {
        Err(error) if error.is_not_found() => Err(match error.suggestion() {
            Some(_) => error,
            None => error.hint("create it first: `pegbar project create NAME`"),
        }),
        found => found.map(drop),
    }
}

impl Unset {
    fn run(self, output: &Output, folder: Option<&Path>) -> Result<(), CommandError> {
        let key = self.key;
        let file = file_for(key, self.user, folder)?;
        let is_changed = config::change(&file, key, None)?;
        if output.is_json() {
            return output.json(&Change {
                key: key.name(),
                value: None,
                file: &file,
                is_changed,
            });
        }
        let (name, file) = (key.name(), file.display());
        output.line(if is_changed {
            format!("{name} is no more set in {file}")
        } else {
            format!("{name} was not set in {file}")
        })
    }
}

impl Paths {
    fn run(&self, output: &Output, folder: Option<&Path>) -> Result<(), CommandError> {
        let user = config::user_file();
        let studio = folder.map(config::studio_file).filter(|_| !self.user);
        if output.is_json() {
            return output.json(&serde_json::json!({ "studio": studio, "user": user }));
        }
        let paths = studio.into_iter().chain(user);
        paths
            .into_iter()
            .try_for_each(|path| output.line(path.display()))
    }
}

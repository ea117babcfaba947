//! Options that several commands have.

mod arrival;
mod deleting;
mod files;

use std::path::PathBuf;

use clap::ArgGroup;
use pegbar::{
    DatabaseAddress, Deletion, Json, MillisSinceEpoch, NewAsset, ProjectId, ReferenceRole, Studio,
};

use crate::error::CommandError;
use crate::find;
use crate::output::Output;
use crate::text::counts;
use crate::wrong_turn;
pub(crate) use arrival::{Arrival, Identity, once_for_each};
pub(crate) use deleting::{Asked, Deleting};
pub(crate) use files::{check as check_files, is_file_name};

/// What made an image. It is written once and never changes.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "What made the image")]
pub(crate) struct Making {
    /// The prompt it was generated from; without one, it is an upload
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// The system prompt it was generated with
    #[arg(long, value_name = "TEXT")]
    system_prompt: Option<String>,
    /// The model that generated it
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The settings it was generated with, as JSON, or @FILE with JSON in it
    #[arg(long, value_name = "JSON", value_parser = settings)]
    settings: Option<Json>,
    /// An asset it was made from; once for each, in the order sent
    ///
    /// ASSET is the name a variation or reference came with, the frame that shows it
    /// (ANIMATION/INDEX), or the end of any asset's id.
    /// ROLE says what it was for: `character`, `previous_frame`, `style`, `pose` or `other`
    /// (which it is, if not given).
    #[arg(long, value_name = "ASSET[:ROLE]")]
    made_from: Vec<String>,
    /// A free word to find it by; may be given several times
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,
    #[command(flatten)]
    arrival: Arrival,
}

impl Making {
    /// Returns whether nothing was said.
    pub(crate) fn is_empty(&self) -> bool {
        let Self {
            prompt,
            system_prompt,
            model,
            settings,
            made_from,
            tags,
            arrival,
        } = self;
        let texts = [prompt, system_prompt, model];
        texts.iter().all(|text| text.is_none())
            && settings.is_none()
            && made_from.is_empty()
            && tags.is_empty()
            && arrival.is_empty()
    }

    /// Makes an asset of each file.
    pub(crate) async fn assets(
        &self,
        studio: &Studio,
        project: ProjectId,
        files: &[PathBuf],
    ) -> Result<Vec<NewAsset>, CommandError> {
        check_files(files)?;
        let mut model = NewAsset::from_bytes(Vec::new());
        model.prompt.clone_from(&self.prompt);
        model.system_prompt.clone_from(&self.system_prompt);
        model.model.clone_from(&self.model);
        model.settings.clone_from(&self.settings);
        model.tags.clone_from(&self.tags);
        for reference in &self.made_from {
            let (wanted, role) = reference_of(reference)?;
            let asset = find::asset_in(studio, project, wanted).await;
            let asset = asset.map_err(|error| wrong_turn::file_not_taken_in(error, wanted))?;
            model = model.made_from(asset.id, role);
        }
        let assets = files.iter().map(|file| NewAsset {
            image: pegbar::ImageSource::File(file.clone()),
            ..model.clone()
        });
        let mut assets: Vec<NewAsset> = assets.collect();
        self.arrival.add_to(&mut assets)?;
        Ok(assets)
    }
}

fn reference_of(text: &str) -> Result<(&str, ReferenceRole), CommandError> {
    let Some((asset, role)) = text.rsplit_once(':') else {
        return Ok((text, ReferenceRole::Other));
    };
    let role = role.parse().map_err(|reason| {
        CommandError::usage(format!("--made-from {text}: {reason}"))
            .hint("say ASSET:ROLE, as in --made-from front:character")
    })?;
    Ok((asset, role))
}

/// Reads the value of an option that is JSON, or `@FILE`.
pub(crate) fn json(text: &str) -> Result<Json, String> {
    let Some(path) = text.strip_prefix('@') else {
        return Json::parse(text).map_err(|error| error.to_string());
    };
    let content = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    Json::parse(&content).map_err(|error| format!("{path}: {error}"))
}

/// Reads settings: a JSON object, or `@FILE` with one.
pub(crate) fn settings(text: &str) -> Result<Json, String> {
    let settings = json(text)?;
    if settings.as_value().is_object() {
        return Ok(settings);
    }
    Err("settings have names, as in '{\"seed\": 7}': a JSON object".to_owned())
}

/// Reads the value of an option that is a time; a date alone means its first moment in UTC.
pub(crate) fn time(text: &str) -> Result<MillisSinceEpoch, String> {
    let parsed = text.parse::<MillisSinceEpoch>();
    let parsed = parsed.or_else(|_| format!("{text}T00:00:00Z").parse());
    parsed.map_err(|_| "not a time as in 2026-01-31 or 2026-01-31T12:00:00Z".to_owned())
}

/// Reads the value of an option that is the place of a frame.
pub(crate) fn frame_index(text: &str) -> Result<u32, String> {
    let is_negative = text.starts_with('-');
    text.parse().map_err(|_| {
        if is_negative {
            "frames are counted from 0, and not from the end; `pegbar animation show` says how \
             many there are"
                .to_owned()
        } else {
            "not a place as in 0 for the first frame, 1 for the next".to_owned()
        }
    })
}

/// The options of an edit, one of which has to be given: an edit of nothing is a slip.
pub(crate) fn changes(options: &[&'static str]) -> ArgGroup {
    let group = ArgGroup::new("changes").args(options.iter().copied());
    group.required(true).multiple(true)
}

/// New tags for something that has some.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct NewTags {
    /// A free word; those given replace the ones that are there
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,
    /// Take all tags away
    #[arg(long, conflicts_with = "tags")]
    clear_tags: bool,
}

impl NewTags {
    /// Returns all tags it shall have; `None` to leave them.
    pub(crate) fn get(self) -> Option<Vec<String>> {
        (self.clear_tags || !self.tags.is_empty()).then_some(self.tags)
    }
}

/// Which state of an animation the caller saw.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Expected {
    /// Change nothing unless the animation has this version
    #[arg(long = "expect-version", value_name = "VERSION")]
    pub(crate) version: Option<i64>,
}

/// Whether a deletion asks first.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Confirmation {
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Confirmation {
    /// Asks whether it shall go, unless that was said.
    pub(crate) fn ask(self, output: &Output, what: &str) -> Result<(), CommandError> {
        let question = format_args!("Move {what} into the trash?");
        self.agree(output, question, "nothing was deleted")
    }

    /// Asks anything, unless the answer was said; without a yes, says what did not happen.
    pub(crate) fn agree(
        self,
        output: &Output,
        question: std::fmt::Arguments<'_>,
        otherwise: &str,
    ) -> Result<(), CommandError> {
        if self.yes || output.confirm(question)? {
            return Ok(());
        }
        Err(CommandError::refused("cancelled", otherwise))
    }

    /// Says whether it was said.
    pub(crate) fn is_given(self) -> bool {
        self.yes
    }

    /// Says whether somebody can be asked, and has to be.
    pub(crate) fn is_open(self, output: &Output) -> bool {
        !self.yes && output.can_ask()
    }
}

/// Says what a deletion removed.
pub(crate) fn print_deletion(
    output: &Output,
    what: &str,
    deletion: &Deletion,
) -> Result<(), CommandError> {
    if output.is_json() {
        return output.json(deletion);
    }
    let gone = [
        (deletion.characters, "character"),
        (deletion.animations, "animation"),
        (deletion.frames, "frame"),
        (deletion.assets, "asset"),
    ];
    let gone = if gone.iter().any(|(number, _)| *number > 0) {
        format!(": {}", counts(&gone))
    } else {
        String::new()
    };
    output.line(format_args!(
        "moved {what} into the trash{gone} (deletion {})",
        deletion.id
    ))
}

/// Reads how many bytes in a second: `20MB/s`, `512 KiB`.
pub(crate) fn rate(text: &str) -> Result<u64, String> {
    let bytes = text.trim();
    let bytes = bytes.strip_suffix("/s").unwrap_or(bytes);
    let bytes = crate::config::number(bytes);
    bytes.ok_or_else(|| "a rate is written as in 20MB/s or 512KiB/s".to_owned())
}

/// Reads the address of a database, or `sqlite`.
pub(crate) fn database(text: &str) -> Result<DatabaseAddress, String> {
    match text {
        "sqlite" => Ok(DatabaseAddress::Sqlite),
        _ if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
            Ok(DatabaseAddress::Postgres(text.to_owned()))
        }
        _ => Err("neither sqlite nor like postgres://user:password@host:5432/database".to_owned()),
    }
}

/// Reads how long, with a unit behind it: `90s`, `10m`, `2h`, `30d`, `4w`; or `0`.
pub(crate) fn duration(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || "a time is written as in 90s, 10m, 2h, 30d or 4w".to_owned();
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit());
    let (digits, unit) = text.split_at(digits.unwrap_or(text.len()));
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let factor = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        "" if number == 0 => 1,
        _ => return Err(wrong()),
    };
    let seconds = number.checked_mul(factor);
    seconds
        .map(std::time::Duration::from_secs)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        let seconds = |text| duration(text).map(|time| time.as_secs());
        assert_eq!(seconds("30d"), Ok(30 * 86_400));
        assert_eq!(
            (seconds("2w"), seconds("0"), seconds("5s")),
            (Ok(1_209_600), Ok(0), Ok(5))
        );
        assert_eq!((seconds("10m"), seconds("2h")), (Ok(600), Ok(7200)));
        for wrong in ["", "d", "30", "-1d", "1.5h", "99999999999999999w", "é"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}

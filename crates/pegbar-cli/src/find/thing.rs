//! Finding something without being told what it is.

use pegbar::{Animation, Asset, Character, Frame, Project, Studio};

use super::asset::asset_itself;
use super::choose::candidate;
use super::{InProject, animation, character, frame_by_id, one_of_frames, project};
use crate::error::{Candidate, CommandError};

/// Whatever a name, a path or an id may mean.
#[derive(Clone, Debug)]
pub(crate) enum Thing {
    Project(Box<Project>),
    Character(Box<Character>),
    Animation(Box<Animation>),
    Frame(Box<Frame>),
    Asset(Box<Asset>),
}

impl Thing {
    /// Returns the word for what it is.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Project(_) => "project",
            Self::Character(_) => "character",
            Self::Animation(_) => "animation",
            Self::Frame(_) => "frame",
            Self::Asset(_) => "asset",
        }
    }

    /// Returns the word for what it is, with its article.
    pub(crate) fn a_kind(&self) -> String {
        let article = match self {
            Self::Animation(_) | Self::Asset(_) => "an",
            Self::Project(_) | Self::Character(_) | Self::Frame(_) => "a",
        };
        format!("{article} {}", self.kind())
    }

    fn candidate(&self) -> Candidate {
        let kind = self.kind();
        match self {
            Self::Project(it) => candidate(it.id, format!("{kind} {}", it.name)),
            Self::Character(it) => candidate(it.id, format!("{kind} {}", it.name)),
            Self::Animation(it) => candidate(it.id, format!("{kind} {}", it.name)),
            Self::Frame(it) => candidate(it.id, format!("{kind} {}", it.frame_index)),
            Self::Asset(it) => {
                let name = it.original_name.as_deref().unwrap_or_default();
                candidate(it.id, format!("{kind} {name}"))
            }
        }
    }
}

/// Finds a project, character, animation or frame (ANIMATION/INDEX), else an asset.
pub(crate) async fn thing(
    studio: &Studio,
    within: &InProject,
    wanted: &str,
) -> Result<Thing, CommandError> {
    // Without its project nothing is found, which is another answer.
    within.projects(studio).await?;
    // `Whiskers/` is Whiskers, as for folders.
    let wanted = match wanted.trim_end_matches('/') {
        "" => wanted,
        trimmed => trimmed,
    };
    let tried = [
        project(studio, wanted)
            .await
            .map(|it| Thing::Project(it.into())),
        character(studio, within, wanted)
            .await
            .map(|it| Thing::Character(it.into())),
        animation(studio, within, wanted)
            .await
            .map(|it| Thing::Animation(it.into())),
        frame_by_path(studio, within, wanted)
            .await
            .map(|it| Thing::Frame(it.into())),
    ];
    let mut found = Vec::new();
    let mut suggestion = None;
    for tried in tried {
        match tried {
            Ok(thing) => found.push(thing),
            Err(error) if !error.is_not_found() => return Err(error),
            Err(error) => suggestion = suggestion.or_else(|| error.suggestion()),
        }
    }
    // The image of a character is often called like it, and there may be very many.
    if found.is_empty() {
        match asset_itself(studio, within, wanted).await {
            Ok(asset) => return Ok(Thing::Asset(asset.into())),
            Err(error) if !error.is_not_found() => return Err(error),
            Err(error) => suggestion = suggestion.or_else(|| error.suggestion()),
        }
    }
    match found.len() {
        0 => {
            let message = format!("there is nothing called \"{wanted}\"");
            let hint = suggestion.unwrap_or_else(|| "`pegbar tree` shows what is there".to_owned());
            Err(CommandError::refused("not_found", message).hint(hint))
        }
        1 => Ok(found.remove(0)),
        count => {
            let message = format!("\"{wanted}\" means more than one thing: there are {count}");
            let candidates = found.iter().map(Thing::candidate).collect();
            let error = CommandError::refused("ambiguous", message).candidates(candidates);
            Err(error.hint("give an id, or CHARACTER/ANIMATION"))
        }
    }
}

/// Returns whether the text may be ANIMATION/INDEX.
pub(super) fn is_frame_path(text: &str) -> bool {
    text.rsplit_once('/').is_some_and(|(_, index)| {
        (1..8).contains(&index.len()) && index.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Finds a frame by ANIMATION/INDEX or by its id.
pub(super) async fn frame_by_path(
    studio: &Studio,
    within: &InProject,
    wanted: &str,
) -> Result<Frame, CommandError> {
    let Some((path, index)) = wanted.rsplit_once('/') else {
        return frame_by_id(studio, within, wanted).await;
    };
    if !is_frame_path(wanted) {
        let message = format!("there is no frame \"{wanted}\"");
        let error = CommandError::refused("not_found", message);
        return Err(error.hint("a frame is meant by ANIMATION/INDEX, as in `Tabby/Walk/3`"));
    }
    let animation = animation(studio, within, path).await?;
    let frames = studio.list_frames(animation.id).await?;
    one_of_frames(&animation, &frames, index).cloned()
}

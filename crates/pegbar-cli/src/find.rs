//! What is meant by a name, an id, or the end of an id.
//!
//! Ids of one minute share their beginning, so people give the end. A name goes before the end
//! of an id, an exact name before one in other case. What was imported is also meant by the id
//! it had in its app.

mod asset;
mod choose;
mod deletion;
mod generation;
mod take;
mod thing;
mod token;

use std::collections::HashMap;

use pegbar::{
    Animation, AnimationFilter, AnimationId, Character, CharacterFilter, CharacterId, Frame,
    FrameId, Project, ProjectFilter, ProjectId, Studio,
};

use crate::error::CommandError;
use crate::list::every;
pub(crate) use asset::{asset, asset_in, variation};
use choose::{Choice, candidate, choose, ending, not_found};
pub(crate) use deletion::deletion;
pub(crate) use generation::{annotation, generation};
pub(crate) use take::{every_take, take};
use thing::frame_by_path;
pub(crate) use thing::{Thing, thing};
pub(crate) use token::token;

/// Which project is meant, where a name may stand in several.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct InProject {
    /// The project; not needed where the studio has one
    #[arg(
        long,
        short,
        value_name = "PROJECT",
        env = "PEGBAR_PROJECT",
        hide_env = true
    )]
    pub(crate) project: Option<String>,
}

impl InProject {
    /// Returns the project that is named, or the only one.
    pub(crate) async fn one(&self, studio: &Studio) -> Result<Project, CommandError> {
        let hint = "say which one: -p PROJECT; `pegbar config set project NAME` says it for good";
        self.one_or(studio, hint).await
    }

    /// Returns the project that is named, or the only one; where there are several, the hint
    /// says how to name one.
    pub(crate) async fn one_or(
        &self,
        studio: &Studio,
        hint: &str,
    ) -> Result<Project, CommandError> {
        let mut projects = self.projects(studio).await?;
        if projects.len() > 1 {
            let several = projects
                .iter()
                .map(|project| candidate(project.id, &project.name));
            return Err(
                CommandError::refused("ambiguous", "the studio has several projects")
                    .candidates(several.collect())
                    .hint(hint),
            );
        }
        projects.pop().ok_or_else(|| {
            CommandError::refused("not_found", "the studio has no project yet")
                .hint("create one: `pegbar project create NAME`")
        })
    }

    /// Returns the project that is named, or all.
    pub(crate) async fn projects(&self, studio: &Studio) -> Result<Vec<Project>, CommandError> {
        match &self.project {
            Some(wanted) => Ok(vec![project(studio, wanted).await?]),
            None => all_projects(studio).await,
        }
    }
}

/// Returns what something may be called: the id it had in the app it comes from, then these.
fn names<const N: usize>(source_id: Option<String>, names: [String; N]) -> Vec<String> {
    source_id.into_iter().chain(names).collect()
}

/// Says whether to go on looking: what nothing has as its id may be the id it had in the app
/// it was imported from.
pub(crate) fn unless_not_found<T>(found: pegbar::Result<T>) -> Result<Option<T>, CommandError> {
    match found {
        Err(pegbar::Error::NotFound { .. }) => Ok(None),
        found => Ok(Some(found?)),
    }
}

async fn all_projects(studio: &Studio) -> Result<Vec<Project>, CommandError> {
    let mut projects = Vec::new();
    let filter = ProjectFilter::default();
    every(
        async |page| studio.list_projects(&filter, page).await,
        |project: Project| projects.push(project),
    )
    .await?;
    Ok(projects)
}

async fn characters_of(
    studio: &Studio,
    project: ProjectId,
) -> Result<Vec<Character>, CommandError> {
    let mut characters = Vec::new();
    let filter = CharacterFilter::default();
    every(
        async |page| studio.list_characters(project, &filter, page).await,
        |character: Character| characters.push(character),
    )
    .await?;
    Ok(characters)
}

/// Returns the names of a project's characters.
pub(crate) async fn character_names(
    studio: &Studio,
    project: ProjectId,
) -> Result<HashMap<CharacterId, String>, CommandError> {
    let characters = characters_of(studio, project).await?.into_iter();
    Ok(characters
        .map(|character| (character.id, character.name))
        .collect())
}

/// Finds a project.
pub(crate) async fn project(studio: &Studio, wanted: &str) -> Result<Project, CommandError> {
    if let Ok(id) = wanted.parse::<ProjectId>()
        && let Some(found) = unless_not_found(studio.get_project(id).await)?
    {
        return Ok(found);
    }
    let projects = all_projects(studio).await?.into_iter();
    let choices: Vec<_> = projects
        .map(|project| Choice {
            id: project.id,
            names: names(project.source_id, [project.name]),
        })
        .collect();
    Ok(studio.get_project(choose(wanted, &choices)?).await?)
}

/// Finds a character: by its name, by PROJECT/CHARACTER, or by its id.
pub(crate) async fn character(
    studio: &Studio,
    within: &InProject,
    wanted: &str,
) -> Result<Character, CommandError> {
    if let Ok(id) = wanted.parse::<CharacterId>()
        && let Some(found) = unless_not_found(studio.get_character(id).await)?
    {
        return Ok(found);
    }
    let mut choices = Vec::new();
    for project in within.projects(studio).await? {
        let characters = characters_of(studio, project.id).await?.into_iter();
        choices.extend(characters.map(|character| {
            let path = format!("{}/{}", project.name, character.name);
            Choice {
                id: character.id,
                names: names(character.source_id, [character.name, path]),
            }
        }));
    }
    Ok(studio.get_character(choose(wanted, &choices)?).await?)
}

/// Finds an animation: by its name, by CHARACTER/ANIMATION, or by its id.
pub(crate) async fn animation(
    studio: &Studio,
    within: &InProject,
    wanted: &str,
) -> Result<Animation, CommandError> {
    if let Ok(id) = wanted.parse::<AnimationId>()
        && let Some(found) = unless_not_found(studio.get_animation(id).await)?
    {
        return Ok(found);
    }
    let mut choices = Vec::new();
    for project in within.projects(studio).await? {
        let characters = character_names(studio, project.id).await?;
        each_animation(studio, project.id, |animation| {
            let character = characters.get(&animation.character_id);
            let character = character.map_or("", String::as_str);
            let path = format!("{character}/{}", animation.name);
            let full = format!("{}/{path}", project.name);
            choices.push(Choice {
                id: animation.id,
                names: names(animation.source_id, [animation.name, path, full]),
            });
        })
        .await?;
    }
    match choose(wanted, &choices) {
        Ok(id) => Ok(studio.get_animation(id).await?),
        Err(error) if error.is_not_found() => {
            Err(instead_of_animation(studio, within, wanted, error).await)
        }
        Err(error) => Err(error),
    }
}

/// Says what to do where a character is named instead of its animation.
async fn instead_of_animation(
    studio: &Studio,
    within: &InProject,
    wanted: &str,
    error: CommandError,
) -> CommandError {
    let Ok(character) = character(studio, within, wanted).await else {
        return error;
    };
    let mut names = Vec::new();
    let listed = each_animation(studio, character.project_id, |animation| {
        if animation.character_id == character.id {
            names.push(animation.name);
        }
    });
    if listed.await.is_err() {
        return error;
    }
    let name = &character.name;
    error.hint(match names.first() {
        Some(first) => format!("\"{name}\" is a character: say which animation, as in \"{name}/{first}\""),
        None => format!(
            "\"{name}\" is a character without animations: `pegbar animation create \"{name}\" NAME`"
        ),
    })
}

async fn each_animation(
    studio: &Studio,
    project: ProjectId,
    each: impl FnMut(Animation),
) -> Result<(), CommandError> {
    let filter = AnimationFilter::default();
    every(
        async |page| studio.list_animations(project, &filter, page).await,
        each,
    )
    .await
}

/// Finds a frame: by an animation and its index there, or by its id.
pub(crate) async fn frame(
    studio: &Studio,
    within: &InProject,
    wanted: &[String],
) -> Result<Frame, CommandError> {
    match wanted {
        [wanted] => frame_by_path(studio, within, wanted).await,
        [wanted, index] => {
            let animation = animation(studio, within, wanted).await.map_err(|error| {
                let is_swapped = wanted.parse::<u32>().is_ok() && index.parse::<u32>().is_err();
                if error.is_not_found() && is_swapped {
                    return error.hint(format!("the animation comes first: {index} {wanted}"));
                }
                error
            })?;
            let frames = studio.list_frames(animation.id).await?;
            one_of_frames(&animation, &frames, index).cloned()
        }
        _ => Err(CommandError::usage(
            "a frame is meant by ANIMATION INDEX, or by its id",
        )),
    }
}

/// Returns the frame of an animation that an index, or an id, means.
pub(crate) fn one_of_frames<'a>(
    animation: &Animation,
    frames: &'a [Frame],
    wanted: &str,
) -> Result<&'a Frame, CommandError> {
    if let Ok(index) = wanted.parse::<u32>()
        && wanted.len() < 8
    {
        let found = frames.iter().find(|frame| frame.frame_index == index);
        return found.ok_or_else(|| {
            let message = format!("\"{}\" has no frame {index}", animation.name);
            let hint = match frames.len() {
                0 => "it has no frames yet".to_owned(),
                count => format!("its frames are 0 to {}", count - 1),
            };
            CommandError::refused("not_found", message).hint(hint)
        });
    }
    let choices: Vec<_> = frames
        .iter()
        .map(|frame| frame_choice(animation, frame))
        .collect();
    let id = choose(wanted, &choices)?;
    let found = frames.iter().find(|frame| frame.id == id);
    found.ok_or_else(|| not_found(wanted, &choices))
}

fn frame_choice(animation: &Animation, frame: &Frame) -> Choice<FrameId> {
    Choice {
        id: frame.id,
        names: names(
            frame.source_id.clone(),
            [
                frame.id.to_string(),
                format!("{}/{}", animation.name, frame.frame_index),
            ],
        ),
    }
}

async fn frame_by_id(
    studio: &Studio,
    within: &InProject,
    wanted: &str,
) -> Result<Frame, CommandError> {
    if let Ok(id) = wanted.parse::<FrameId>()
        && let Some(found) = unless_not_found(studio.get_frame(id).await)?
    {
        return Ok(found);
    }
    let mut choices = Vec::new();
    for project in within.projects(studio).await? {
        let mut frames = studio
            .find_frames_by_source_id(project.id, wanted, MAX_CANDIDATES)
            .await?;
        if let (true, Some(ending)) = (frames.is_empty(), ending(wanted)) {
            frames = studio
                .find_frames(project.id, &ending, MAX_CANDIDATES)
                .await?;
        }
        for frame in frames {
            let animation = studio.get_animation(frame.animation_id).await?;
            choices.push(frame_choice(&animation, &frame));
        }
    }
    if choices.is_empty() && ending(wanted).is_none() {
        return Err(not_found::<FrameId>(wanted, &[])
            .hint("a frame is meant by ANIMATION/INDEX, as in `Tabby/Walk/3`, or by its id"));
    }
    Ok(studio.get_frame(choose(wanted, &choices)?).await?)
}

/// How many of one project are listed when the end of an id means several.
const MAX_CANDIDATES: u32 = 10;

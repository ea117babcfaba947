//! Finding generations and annotations: by their id, or the end of it.

use pegbar::{
    Annotation, AnnotationId, Generation, GenerationFilter, GenerationId, PageRequest, Studio,
};

use super::choose::{Choice, choose, ending};
use super::{InProject, MAX_CANDIDATES, unless_not_found};
use crate::error::CommandError;
use crate::text::{minute, one_line};

/// Finds a generation.
pub(crate) async fn generation(
    studio: &Studio,
    within: &InProject,
    wanted: &str,
) -> Result<Generation, CommandError> {
    if let Ok(id) = wanted.parse::<GenerationId>()
        && let Some(found) = unless_not_found(studio.get_generation(id).await)?
    {
        return Ok(found);
    }
    let mut choices = Vec::new();
    if let Some(ending) = ending(wanted) {
        let filter = GenerationFilter {
            id_ending: Some(ending),
            ..GenerationFilter::default()
        };
        for project in within.projects(studio).await? {
            let page = PageRequest::default().limit(MAX_CANDIDATES);
            let found = studio.list_generations(project.id, &filter, page).await?;
            choices.extend(found.rows.iter().map(choice));
        }
    }
    Ok(studio.get_generation(choose(wanted, &choices)?).await?)
}

fn choice(generation: &Generation) -> Choice<GenerationId> {
    let prompt = generation.sent().and_then(|sent| sent.prompt);
    let prompt = one_line(&prompt.unwrap_or_default(), 40);
    let (status, sent) = (generation.status, minute(generation.created_at));
    Choice {
        id: generation.id,
        names: vec![format!("{status} {sent} {prompt}")],
    }
}

/// Finds one of the annotations of an asset.
pub(crate) fn annotation(
    annotations: &[Annotation],
    wanted: &str,
) -> Result<AnnotationId, CommandError> {
    let choices: Vec<_> = annotations
        .iter()
        .map(|annotation| Choice {
            id: annotation.id,
            names: vec![annotation.id.to_string(), one_line(&annotation.text, 40)],
        })
        .collect();
    choose(wanted, &choices)
}

//! The project that assets are taken into. A new one is created with the first of them: what
//! takes in nothing leaves nothing behind.

use super::known;
use super::{SidecarPlan, SidecarTarget};
use crate::create::Plan;
use crate::db::Session;
use crate::error::{Error, Result};
use crate::id::ProjectId;
use crate::project::{self, NewProject, Project};
use crate::sidecar::ProjectSaid;
use crate::studio::Studio;

/// A project, which may not be there yet.
pub(super) struct Destination {
    pub(super) project: ProjectId,
    /// What is to be created.
    new: Option<NewProject>,
}

impl Destination {
    fn there(project: ProjectId) -> Self {
        Self { project, new: None }
    }

    pub(super) fn is_there(&self) -> bool {
        self.new.is_none()
    }

    /// Locks the project, if it is there: another import may have created it meanwhile.
    pub(super) async fn lock(&mut self, session: &mut Session) -> Result<()> {
        match project::lock(session, self.project).await {
            Err(Error::NotFound { .. }) if self.new.is_some() => Ok(()),
            locked => {
                locked?;
                self.new = None;
                Ok(())
            }
        }
    }

    /// Creates the project, unless it is there, within the transaction that brings its first
    /// assets; says whether it is new.
    pub(super) async fn create(&mut self, studio: &Studio, session: &mut Session) -> Result<bool> {
        let Some(new) = self.new.take() else {
            return Ok(false);
        };
        let mut plan = Plan::of_import(studio);
        plan.project(new)?;
        // An empty project has no files: nothing of the view is stale.
        plan.write(session, None).await?;
        Ok(true)
    }
}

/// Returns the project that is meant.
pub(super) async fn destination(
    studio: &Studio,
    plan: &SidecarPlan,
    target: &SidecarTarget,
) -> Result<Destination> {
    if let SidecarTarget::Project(id) = target {
        return Ok(Destination::there(studio.get_project(*id).await?.id));
    }
    let Some(said) = &plan.project else {
        let reason = if plan.refused.count == 0 {
            format!(
                "{} has no sidecars: files like cat.png.pegbar.json",
                plan.folder.display()
            )
        } else {
            format!("no sidecar in {} can be believed", plan.folder.display())
        };
        return Err(Error::invalid("folder", reason));
    };
    let is_there = get_project(studio, said.id).await?;
    let mut new = match target {
        SidecarTarget::New(name) => NewProject::new(name),
        _ if plan.has_several_projects => {
            let reason = "its sidecars are of several projects: say into which project";
            return Err(Error::invalid("folder", reason));
        }
        _ => {
            let source = said.id.to_string();
            let found = match &is_there {
                Some(found) => Some(found.clone()),
                None => known::project(&mut studio.database().read().await?, &source).await?,
            };
            if let Some(found) = found {
                return Ok(Destination::there(found.id));
            }
            NewProject::new(&said.name)
        }
    };
    let ProjectSaid { id, .. } = said;
    let own = match is_there {
        Some(_) => {
            new.source_id = Some(id.to_string());
            studio.new_id()
        }
        None => *id,
    };
    new.id = Some(own);
    new.description.clone_from(&said.description);
    new.tags.clone_from(&said.tags);
    new.settings = Some(said.settings.clone());
    new.created_at = Some(said.created_at);
    Ok(Destination {
        project: own,
        new: Some(new),
    })
}

async fn get_project(studio: &Studio, id: ProjectId) -> Result<Option<Project>> {
    match studio.get_project(id).await {
        Err(Error::NotFound { .. }) => Ok(None),
        found => Ok(Some(found?)),
    }
}

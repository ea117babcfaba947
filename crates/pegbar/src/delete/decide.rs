//! What a deletion takes, who uses it, and what it changes of what stays: decided once, for the
//! plan and for the deletion itself.

use std::collections::HashSet;

use uuid::Uuid;

use super::SHOWING;
use super::user::{Use, Uses};
use crate::asset::{self, AssetKind, whereabouts};
use crate::db::Session;
use crate::db::sql::{Sql, statements};
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::frame::{self, Frame};
use crate::id::{AnimationId, AssetId, CharacterId, FrameId, ProjectId};
use crate::project::Project;
use crate::trash::{
    DeletionEffects, DeletionKind, Doomed, FormerDeletion, KeptTake, PromotedVariation,
};
use crate::{animation, character, reference, variation};

statements! {
    // Sorted, SQLite would read every reference of the project in that order.
    MADE_FROM = "SELECT {asset_reference} FROM asset_reference \
                 WHERE project_id = $1 AND referenced_asset_id {in $2}";
    CHARACTERS = "SELECT id FROM character WHERE project_id = $1";
    ANIMATIONS = "SELECT id FROM animation WHERE project_id = $1";
    ASSETS = "SELECT id FROM asset WHERE project_id = $1";
    FRAMES = "SELECT id FROM frame WHERE project_id = $1 AND animation_id {in $2}";
}

/// What is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionTarget {
    /// A project with everything in it.
    Project(ProjectId),
    /// A character with its variations, animations and takes.
    Character(CharacterId),
    /// An animation with its frames and takes.
    Animation(AnimationId),
    /// An asset.
    Asset(AssetId),
    /// A frame; its image stays a take.
    Frame(FrameId),
}

impl DeletionTarget {
    pub(super) fn kind(self) -> DeletionKind {
        match self {
            Self::Project(_) => DeletionKind::Project,
            Self::Character(_) => DeletionKind::Character,
            Self::Animation(_) => DeletionKind::Animation,
            Self::Asset(_) => DeletionKind::Asset,
            Self::Frame(_) => DeletionKind::Frames,
        }
    }

    pub(super) fn id(self) -> Uuid {
        match self {
            Self::Project(id) => id.0,
            Self::Character(id) => id.0,
            Self::Animation(id) => id.0,
            Self::Asset(id) => id.0,
            Self::Frame(id) => id.0,
        }
    }

    /// The word for messages.
    fn entity(self) -> &'static str {
        match self {
            Self::Project(_) => "project",
            Self::Character(_) => "character",
            Self::Animation(_) => "animation",
            Self::Asset(_) => "asset",
            Self::Frame(_) => "frame",
        }
    }

    /// Returns the project that it is in.
    pub(super) async fn project(self, session: &mut Session) -> Result<ProjectId> {
        match self {
            Self::Project(id) => Ok(id),
            Self::Character(id) => character::project_of(session, id).await,
            Self::Animation(id) => animation::project_of(session, id).await,
            Self::Asset(id) => asset::project_of(session, id).await,
            Self::Frame(id) => Ok(frame::get(session, id).await?.project_id),
        }
    }
}

/// What a deletion does.
pub(super) struct Decision {
    pub(super) project: Project,
    pub(super) target: DeletionTarget,
    /// The animation that a frame goes from.
    pub(super) animation: Option<AnimationId>,
    /// What people know by it what goes.
    pub(super) name: String,
    pub(super) doomed: Doomed,
    /// Who stays and uses something that goes.
    pub(super) uses: Uses,
    pub(super) effects: DeletionEffects,
    /// Assets that stay and may have another path.
    pub(super) rehomed: Vec<Uuid>,
    /// The deletion that this one is again.
    pub(super) former: Option<FormerDeletion>,
}

async fn ids(session: &mut Session, sql: &Sql, parameters: &[Value<'_>]) -> Result<Vec<Uuid>> {
    session.query(sql, parameters, |row| row.at(0, "id")).await
}

impl Decision {
    /// Decides what goes; reads only.
    pub(super) async fn of(
        session: &mut Session,
        project: Project,
        target: DeletionTarget,
    ) -> Result<Self> {
        Self::again(session, project, target, None).await
    }

    /// Decides what goes, and as an earlier deletion of it did where that is possible; reads
    /// only.
    pub(super) async fn again(
        session: &mut Session,
        project: Project,
        target: DeletionTarget,
        former: Option<FormerDeletion>,
    ) -> Result<Self> {
        let mut decision = Self {
            project,
            target,
            animation: None,
            name: String::new(),
            doomed: Doomed::default(),
            uses: Uses::default(),
            effects: DeletionEffects::default(),
            rehomed: Vec::new(),
            former,
        };
        decision.doom(session).await?;
        if matches!(
            target,
            DeletionTarget::Character(_) | DeletionTarget::Animation(_)
        ) {
            decision.spare_shown_takes(session).await?;
        }
        if !matches!(
            target,
            DeletionTarget::Project(_) | DeletionTarget::Frame(_)
        ) {
            decision.find_uses(session).await?;
            decision.clear_thumbnail();
        }
        Ok(decision)
    }

    /// Decides what goes with several assets that were created together; reads only.
    pub(super) async fn of_assets(
        session: &mut Session,
        project: Project,
        assets: &[AssetId],
        former: Option<FormerDeletion>,
    ) -> Result<Self> {
        let Some(first) = assets.first() else {
            return Err(Error::invalid("assets", "expected at least one"));
        };
        let target = DeletionTarget::Asset(*first);
        let mut decision = Self::again(session, project, target, former).await?;
        if assets.len() == 1 {
            return Ok(decision);
        }
        decision.name = format!("{} and {} more", decision.name, assets.len() - 1);
        decision.doomed.assets = assets.iter().map(|id| id.0).collect();
        decision.uses = Uses::default();
        decision.promote_another(session).await?;
        decision.find_uses(session).await?;
        decision.clear_thumbnail();
        Ok(decision)
    }

    fn project_value(&self) -> Value<'static> {
        Value::Id(self.project.id.0)
    }

    /// Collects what goes with the target.
    async fn doom(&mut self, session: &mut Session) -> Result<()> {
        let project = self.project.id;
        match self.target {
            DeletionTarget::Project(id) => {
                self.name.clone_from(&self.project.name);
                let of_project = [Value::Id(id.0)];
                self.doomed = Doomed {
                    project: Some(id),
                    characters: ids(session, &CHARACTERS, &of_project).await?,
                    animations: ids(session, &ANIMATIONS, &of_project).await?,
                    assets: ids(session, &ASSETS, &of_project).await?,
                    ..Doomed::default()
                };
            }
            DeletionTarget::Character(id) => {
                self.name = character::get(session, id).await?.name;
                let animations = character::animation_ids(session, project, id).await?;
                let mut assets = variation::ids(session, project, id).await?;
                assets.extend(animation::take_ids(session, project, &animations).await?);
                self.doomed.characters = vec![id.0];
                self.doomed.animations = animations;
                self.doomed.assets = assets;
            }
            DeletionTarget::Animation(id) => {
                let mut names = animation::names(session, project, &[id.0]).await?;
                let name = names.remove(&id).map(|name| name.to_string());
                self.name = name.unwrap_or_default();
                self.doomed.assets = animation::take_ids(session, project, &[id.0]).await?;
                self.doomed.animations = vec![id.0];
            }
            DeletionTarget::Asset(id) => {
                let mut named = whereabouts::of_assets(session, project, &[id.0]).await?;
                let named = named.remove(&id);
                self.name = named.map(|named| named.to_string()).unwrap_or_default();
                self.doomed.assets = vec![id.0];
                self.promote_another(session).await?;
            }
            DeletionTarget::Frame(id) => {
                let frame = frame::get(session, id).await?;
                let mut names = animation::names(session, project, &[frame.animation_id.0]).await?;
                let own = names.remove(&frame.animation_id);
                let own = own.map(|animation| format!("{animation}/{}", frame.frame_index));
                self.name = own.unwrap_or_default();
                self.animation = Some(frame.animation_id);
                self.doomed.frames = vec![id.0];
                self.rehomed = vec![frame.asset_id.0];
            }
        }
        if !self.doomed.animations.is_empty() {
            let parameters = [self.project_value(), Value::Ids(&self.doomed.animations)];
            self.doomed.frames = ids(session, &FRAMES, &parameters).await?;
        }
        Ok(())
    }

    /// Finds the variation that becomes primary where the primary one goes. Those that go
    /// together are of one character.
    async fn promote_another(&mut self, session: &mut Session) -> Result<()> {
        let Some(first) = self.doomed.assets.first() else {
            return Ok(());
        };
        let Some(character) = asset::get(session, AssetId(*first)).await?.character_id else {
            return Ok(());
        };
        let character = character::get(session, character).await?;
        let leaving = &self.doomed.assets;
        let primary = character.primary_asset_id;
        if let Some(from) = primary.filter(|primary| leaving.contains(&primary.0)) {
            let former = self.former.as_ref().and_then(|it| it.effects.promoted);
            let former = former.filter(|former| former.from == from).map(|it| it.to);
            let to = match former {
                Some(to) if variation::can_be_primary(session, &character, to, leaving).await? => {
                    to
                }
                _ => variation::newest_other(session, &character, leaving).await?,
            };
            self.effects.promoted = Some(PromotedVariation {
                character_id: character.id,
                from,
                to,
            });
        }
        Ok(())
    }

    /// Keeps takes that the earlier deletion kept, for the same animations, also where those do
    /// not show them any more.
    async fn keep_as_before(&mut self, session: &mut Session) -> Result<()> {
        let Some(former) = &self.former else {
            return Ok(());
        };
        let kept = &former.effects.kept_takes;
        let owners: Vec<Uuid> = kept.iter().map(|take| take.to.0).collect();
        let there = animation::names(session, self.project.id, &owners).await?;
        let doomed: HashSet<Uuid> = self.doomed.assets.iter().copied().collect();
        let stays = |take: &&KeptTake| {
            doomed.contains(&take.asset_id.0)
                && there.contains_key(&take.to)
                && !self.doomed.animations.contains(&take.to.0)
        };
        self.effects.kept_takes = kept.iter().filter(stays).copied().collect();
        Ok(())
    }

    /// Returns the frames that stay and show something that goes.
    async fn showing(&self, session: &mut Session) -> Result<Vec<Frame>> {
        let going: HashSet<Uuid> = self.doomed.animations.iter().copied().collect();
        let parameters = [self.project_value(), Value::Ids(&self.doomed.assets)];
        let mut shown: Vec<Frame> = session.list(&SHOWING, &parameters).await?;
        shown.retain(|frame| !going.contains(&frame.animation_id.0));
        Ok(shown)
    }

    /// Keeps takes that other animations show, each as a take of the lowest of them.
    async fn spare_shown_takes(&mut self, session: &mut Session) -> Result<()> {
        let shown = self.showing(session).await?;
        let of_frames: Vec<Uuid> = shown.iter().map(|frame| frame.asset_id.0).collect();
        let assets = asset::get_many(session, self.project.id, &of_frames).await?;
        self.keep_as_before(session).await?;
        let kept = self.effects.kept_takes.iter();
        let mut spared: HashSet<Uuid> = kept.map(|take| take.asset_id.0).collect();
        let takes = assets.iter().filter(|asset| asset.kind == AssetKind::Frame);
        let takes: Vec<_> = takes.filter(|take| !spared.contains(&take.id.0)).collect();
        for take in takes {
            // The frames come in the order of their animations.
            let lowest = shown.iter().find(|frame| frame.asset_id == take.id);
            if let (Some(from), Some(frame)) = (take.animation_id, lowest) {
                spared.insert(take.id.0);
                self.effects.kept_takes.push(KeptTake {
                    asset_id: take.id,
                    from,
                    to: frame.animation_id,
                });
            }
        }
        self.doomed.assets.retain(|asset| !spared.contains(asset));
        let shown = frame::shown_in(session, self.project.id, &self.doomed.animations).await?;
        let mut rehomed: HashSet<Uuid> = shown.into_iter().collect();
        rehomed.extend(spared);
        for asset in &self.doomed.assets {
            rehomed.remove(asset);
        }
        self.rehomed = rehomed.into_iter().collect();
        self.rehomed.sort_unstable();
        Ok(())
    }

    /// Finds who stays and uses something that goes.
    async fn find_uses(&mut self, session: &mut Session) -> Result<()> {
        for frame in self.showing(session).await? {
            self.uses.add(Use::Shows(frame));
        }
        let parameters = [self.project_value(), Value::Ids(&self.doomed.assets)];
        let edges: Vec<reference::ReferenceRow> = session.list(&MADE_FROM, &parameters).await?;
        let going: HashSet<Uuid> = self.doomed.assets.iter().copied().collect();
        let mut outputs: Vec<AssetId> = edges.iter().map(|edge| edge.asset_id).collect();
        outputs.sort_unstable();
        // One may have been sent it twice.
        outputs.dedup();
        outputs.retain(|output| !going.contains(&output.0));
        for output in outputs {
            self.uses.add(Use::MadeFrom(output));
        }
        Ok(())
    }

    /// A thumbnail among what goes is cleared; one that goes by itself is used.
    fn clear_thumbnail(&mut self) {
        let thumbnail = self.project.thumbnail_id;
        let going = thumbnail.filter(|thumbnail| self.doomed.assets.contains(&thumbnail.0));
        match self.target {
            DeletionTarget::Asset(_) if going.is_some() => self.uses.add(Use::Thumbnail),
            _ => self.effects.cleared_thumbnail = going,
        }
    }

    /// Refuses where something that stays uses something that goes.
    pub(super) async fn refuse_if_used(&self, session: &mut Session) -> Result<()> {
        let (entity, id) = (self.target.entity(), self.target.id());
        let uses = self.uses.clone();
        uses.refuse(session, &self.project, entity, id).await
    }
}

//! What people know an asset by: whose it is, and which frames show it.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;
use uuid::Uuid;

use super::AssetKind;
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::Result;
use crate::id::{AnimationId, AssetId, FrameId, ProjectId};
use crate::studio::Studio;
use crate::time::MillisSinceEpoch;

statements! {
    OWNERS = "SELECT a.id, a.kind, a.original_name, a.bytes_dropped_at, c.name, n.name, \
              CASE WHEN c.primary_asset_id = a.id THEN 1 ELSE 0 END FROM asset a \
              LEFT JOIN animation n ON n.project_id = a.project_id AND n.id = a.animation_id \
              LEFT JOIN character c ON c.project_id = a.project_id \
              AND c.id = coalesce(a.character_id, n.character_id) \
              WHERE a.project_id = $1 AND a.id {in $2}";
    FRAMES = "SELECT f.asset_id, f.id, f.animation_id, f.frame_index, n.name, c.name \
              FROM frame f \
              JOIN animation n ON n.project_id = f.project_id AND n.id = f.animation_id \
              JOIN character c ON c.project_id = n.project_id AND c.id = n.character_id \
              WHERE f.project_id = $1 AND f.asset_id {in $2} \
              ORDER BY f.asset_id, f.animation_id, f.frame_index";
}

/// Whose an asset is, and which frames show it. Written out, it is what people call it, and what
/// every command takes for it: `Tabby/Walk/3` for what a frame shows (the first, where several
/// do), `Tabby/Walk/try.png` for a take that none shows, `Tabby/front.png` for a variation,
/// `palette.png` for a reference; where it came without a name, the end of its id stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Whereabouts {
    /// The asset.
    pub asset_id: AssetId,
    /// What it is for.
    pub kind: AssetKind,
    /// The file name it came with.
    pub original_name: Option<String>,
    /// When its bytes were dropped; `None` while they are there.
    pub bytes_dropped_at: Option<MillisSinceEpoch>,
    /// For a variation and for a take: the name of the character.
    pub character: Option<String>,
    /// For a take: the name of the animation it was made for.
    pub animation: Option<String>,
    /// It is the primary variation of its character.
    pub is_primary: bool,
    /// The frames that show it, by animation, in order.
    pub shown_in: Vec<Showing>,
}

/// A frame that shows an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Showing {
    /// The frame.
    pub frame_id: FrameId,
    /// Its place in the animation, from 0.
    pub frame_index: u32,
    /// The animation.
    pub animation_id: AnimationId,
    /// The animation's name.
    pub animation: String,
    /// The name of the animation's character.
    pub character: String,
}

impl fmt::Display for Showing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            character,
            animation,
            frame_index,
            ..
        } = self;
        write!(f, "{character}/{animation}/{frame_index}")
    }
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (AssetKind::Frame, [first, ..]) = (self.kind, self.shown_in.as_slice()) {
            return write!(f, "{first}");
        }
        let id = self.asset_id.to_string();
        let ending = id.rsplit('-').next().unwrap_or(&id);
        // A number alone would be taken for a frame's index.
        let is_index = |name: &&str| name.bytes().all(|byte| byte.is_ascii_digit());
        let name = self.original_name.as_deref();
        let name = name.filter(|name| !is_index(name)).unwrap_or(ending);
        match (self.kind, &self.character, &self.animation) {
            (AssetKind::Frame, Some(character), Some(animation)) => {
                write!(f, "{character}/{animation}/{name}")
            }
            (AssetKind::Character, Some(character), _) => write!(f, "{character}/{name}"),
            (AssetKind::Reference, ..) => f.write_str(name),
            // Another program wrote its row, and said of nobody that it is theirs.
            _ => f.write_str(ending),
        }
    }
}

/// Returns the whereabouts of those of the assets that the project has.
pub(crate) async fn of_assets(
    session: &mut Session,
    project: ProjectId,
    ids: &[Uuid],
) -> Result<HashMap<AssetId, Whereabouts>> {
    let parameters = [Value::Id(project.0), Value::Ids(ids)];
    let mut found = HashMap::with_capacity(ids.len());
    session
        .query(&OWNERS, &parameters, |row| {
            let asset_id = row.at(0, "asset.id")?;
            let whereabouts = Whereabouts {
                asset_id,
                kind: row.at(1, "asset.kind")?,
                original_name: row.at(2, "asset.original_name")?,
                bytes_dropped_at: row.at(3, "asset.bytes_dropped_at")?,
                character: row.at(4, "character.name")?,
                animation: row.at(5, "animation.name")?,
                is_primary: row.at::<i64>(6, "character.primary_asset_id")? == 1,
                shown_in: Vec::new(),
            };
            found.insert(asset_id, whereabouts);
            Ok(())
        })
        .await?;
    session
        .query(&FRAMES, &parameters, |row| {
            if let Some(asset) = found.get_mut(&row.at(0, "frame.asset_id")?) {
                asset.shown_in.push(Showing {
                    frame_id: row.at(1, "frame.id")?,
                    animation_id: row.at(2, "frame.animation_id")?,
                    frame_index: row.at(3, "frame.frame_index")?,
                    animation: row.at(4, "animation.name")?,
                    character: row.at(5, "character.name")?,
                });
            }
            Ok(())
        })
        .await?;
    Ok(found)
}

impl Studio {
    /// Returns what people know assets of a project by, in the order given; those that the
    /// project does not have are left out.
    ///
    /// # Errors
    /// [`crate::Error::Database`].
    pub async fn whereabouts(
        &self,
        project: ProjectId,
        assets: &[AssetId],
    ) -> Result<Vec<Whereabouts>> {
        let ids: Vec<Uuid> = assets.iter().map(|id| id.0).collect();
        let mut session = self.database().snapshot().await?;
        let mut found = of_assets(&mut session, project, &ids).await?;
        session.end().await?;
        Ok(assets.iter().filter_map(|id| found.remove(id)).collect())
    }
}

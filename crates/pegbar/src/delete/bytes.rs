//! Dropping the bytes of an asset and nothing else of it: its record, its hash and its place in
//! the lineage of others stay.

use serde::Serialize;

use super::SHOWING;
use super::user::{Use, Uses};
use crate::asset::{self, Asset, whereabouts};
use crate::change::{ChangeKind, EntityKind};
use crate::character;
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::fingerprint::{AsSeen, Fingerprint};
use crate::frame::Frame;
use crate::id::{AssetId, DeletionId};
use crate::json::Json;
use crate::project;
use crate::studio::Studio;
use crate::trash::{DeletionKind, Doomed, Note};
use crate::undo::Action;
use crate::view::{Scope, Stale};

statements! {
    DROP = "UPDATE asset SET bytes_dropped_at = $3, file_path = NULL \
            WHERE project_id = $1 AND id = $2";
    DISCARD = "INSERT INTO trash (deletion_id, entity, position, project_id, content, deleted_at) \
               VALUES ($1, 'asset_bytes', 1, $2, $3, $4)";
    KEEP_BLOB = "INSERT INTO trash_blob (deletion_id, sha256) VALUES ($1, $2)";
}

/// What dropping the bytes of an asset did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DroppedBytes {
    /// Names what was dropped in the trash.
    pub id: DeletionId,
    /// The asset as it is now.
    pub asset: Asset,
}

/// What the trash keeps of an asset whose bytes were dropped: ids are written as in its other
/// rows.
#[derive(Serialize)]
struct Discarded {
    asset_id: String,
    sha256: String,
    file_size: Option<u64>,
    mime_type: Option<String>,
}

impl Studio {
    /// Drops the bytes of an asset that nothing shows, whether or not others were made from
    /// it. Its record and hash, and its place in the lineage of others, stay; it shows
    /// everywhere that its bytes are gone, and when they went. Its file below `public/assets`
    /// goes; other assets with the same bytes keep theirs.
    ///
    /// The bytes go to the trash: the blob stays in the store as long as the trash, or another
    /// asset, names it. Adding the same image again makes a new asset and leaves this one as
    /// it is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Stale`] where the asset is not what was seen;
    /// [`Error::InUse`] for what a frame shows, for a primary variation
    /// and for a thumbnail; [`Error::Conflict`] where the bytes were dropped before, or were
    /// never taken in. Nothing is changed then.
    pub async fn drop_bytes(&self, asset: impl Into<AsSeen<AssetId>>) -> Result<DroppedBytes> {
        let mut session = self.database().write().await?;
        let (dropped, stale) = self.drop_bytes_in(&mut session, asset.into(), None).await?;
        self.commit(session, stale).await?;
        Ok(dropped)
    }

    /// Drops the bytes of an asset within a transaction, and locks its project; `former` is the
    /// deletion that this is again.
    pub(crate) async fn drop_bytes_in(
        &self,
        session: &mut Session,
        AsSeen { id, expected }: AsSeen<AssetId>,
        former: Option<DeletionId>,
    ) -> Result<(DroppedBytes, Stale)> {
        let project = asset::project_of(session, id).await?;
        let project = project::lock(session, project).await?;
        let mut asset = asset::get(session, id).await?;
        Fingerprint::check(expected, "asset", &asset)?;
        if let Some(time) = asset.bytes_dropped_at {
            return Err(Error::Conflict {
                message: format!("the bytes of the asset {id} were dropped on {time}"),
                hint: "there is nothing more to drop".to_owned(),
            });
        }
        let Some(sha256) = asset.sha256 else {
            return Err(Error::Conflict {
                message: format!("the bytes of the asset {id} were never taken in"),
                hint: "another program wrote its row: `pegbar adopt` completes it".to_owned(),
            });
        };
        let mut uses = Uses::default();
        let parameters = [Value::Id(project.id.0), Value::Ids(&[id.0])];
        let frames: Vec<Frame> = session.list(&SHOWING, &parameters).await?;
        frames
            .into_iter()
            .map(Use::Shows)
            .for_each(|it| uses.add(it));
        if let Some(character) = asset.character_id {
            let character = character::get(session, character).await?;
            if character.primary_asset_id == Some(id) {
                uses.add(Use::Primary(character));
            }
        }
        if project.thumbnail_id == Some(id) {
            uses.add(Use::Thumbnail);
        }
        uses.refuse(session, &project, "asset", id.0).await?;
        let now = self.now();
        let deletion = former.unwrap_or_else(|| self.new_id());
        let content = Discarded {
            asset_id: id.0.simple().to_string(),
            sha256: sha256.to_string(),
            file_size: asset.file_size,
            mime_type: asset.mime_type.clone(),
        };
        let content = Json::from_typed(&content)
            .map_err(|error| Error::invalid("asset", error.to_string()))?;
        let parameters = [
            Value::Id(deletion.0),
            Value::Id(project.id.0),
            Value::Json(&content),
            Value::Time(now),
        ];
        session.execute(&DISCARD, &parameters).await?;
        let mut named = whereabouts::of_assets(session, project.id, &[id.0]).await?;
        let name = named.remove(&id).map(|named| named.to_string());
        let note = Note::new(DeletionKind::Bytes, name.unwrap_or_default());
        let doomed = Doomed {
            bytes: vec![id.0],
            ..Doomed::default()
        };
        let deleted = (project.id, deletion);
        note.write(session, deleted, &doomed, now).await?;
        let parameters = [
            Value::Id(deletion.0),
            Value::Text(sha256.to_string().into()),
        ];
        session.execute(&KEEP_BLOB, &parameters).await?;
        let parameters = [Value::Id(project.id.0), Value::Id(id.0), Value::Time(now)];
        session.execute(&DROP, &parameters).await?;
        asset.bytes_dropped_at = Some(now);
        asset.file_path = None;
        let (entity, change) = (EntityKind::Asset, ChangeKind::Updated);
        let mut stale = Stale::of(project.id, entity, change, id);
        stale.add(Scope::Home(id));
        stale.did(&Action::Delete { deletion });
        let id = deletion;
        Ok((DroppedBytes { id, asset }, stale))
    }
}

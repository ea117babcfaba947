//! The texts of the floor's queries, put together once.

use pegbar::Engine;

use crate::tree::{ANIMATION, ASSET, CHARACTER, FRAME, PROJECT, REFERENCE};

pub(crate) struct Selects {
    /// Where rows can be locked.
    pub(crate) lock: String,
    pub(crate) project: String,
    pub(crate) project_tags: String,
    pub(crate) characters: String,
    pub(crate) character_tags: String,
    pub(crate) animations: String,
    pub(crate) frames: String,
    pub(crate) assets: String,
    pub(crate) asset_tags: String,
    pub(crate) references: String,
    /// Project, after.
    pub(crate) page: String,
    /// Project, tag, after.
    pub(crate) page_by_tag: String,
    /// Project, assets.
    pub(crate) tags_of: String,
    /// Project, assets.
    pub(crate) references_of: String,
    /// Project, assets.
    pub(crate) known: String,
}

impl Selects {
    pub(crate) fn new(engine: Engine) -> Self {
        let (sign, listed) = match engine {
            Engine::Sqlite => ('?', "IN rarray(?2)"),
            Engine::Postgres => ('$', "= ANY($2)"),
        };
        let of = format!("WHERE project_id = {sign}1");
        let asset = ASSET
            .split(", ")
            .map(|column| format!("a.{}", column.trim()));
        let asset = asset.collect::<Vec<_>>().join(", ");
        Self {
            lock: format!("SELECT id FROM project WHERE id = {sign}1 FOR UPDATE"),
            project: format!("SELECT {PROJECT} FROM project WHERE id = {sign}1"),
            project_tags: format!("SELECT tag FROM project_tag {of} ORDER BY position"),
            characters: format!("SELECT {CHARACTER} FROM character {of} ORDER BY id"),
            character_tags: format!(
                "SELECT character_id, tag FROM character_tag {of} ORDER BY character_id, position"
            ),
            animations: format!("SELECT {ANIMATION} FROM animation {of} ORDER BY id"),
            frames: format!("SELECT {FRAME} FROM frame {of} ORDER BY animation_id, frame_index"),
            assets: format!("SELECT {ASSET} FROM asset {of} ORDER BY id"),
            asset_tags: format!(
                "SELECT asset_id, tag FROM asset_tag {of} ORDER BY asset_id, position"
            ),
            references: format!(
                "SELECT {REFERENCE} FROM asset_reference {of} ORDER BY asset_id, position"
            ),
            page: format!("SELECT {ASSET} FROM asset {of} AND id > {sign}2 ORDER BY id LIMIT 51"),
            page_by_tag: format!(
                "SELECT {asset} FROM asset_tag t CROSS JOIN asset a \
                 WHERE t.project_id = {sign}1 AND t.tag = {sign}2 \
                 AND a.project_id = t.project_id AND a.id = t.asset_id \
                 AND t.asset_id > {sign}3 ORDER BY t.asset_id LIMIT 51"
            ),
            tags_of: format!(
                "SELECT asset_id, tag FROM asset_tag {of} AND asset_id {listed} \
                 ORDER BY asset_id, position"
            ),
            references_of: format!(
                "SELECT {REFERENCE} FROM asset_reference {of} AND asset_id {listed} \
                 ORDER BY asset_id, position"
            ),
            known: format!("SELECT id, record_hash FROM asset {of} AND id {listed}"),
        }
    }
}

//! What a project has of a folder already: images by the paths they were imported from, and
//! the characters and animations that a plan means.

use std::collections::HashMap;

use uuid::Uuid;

use super::FolderPlan;
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::Value;
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, CharacterId, ProjectId};
use crate::segment::Segment;
use crate::studio::Studio;

statements! {
    IMAGES = "SELECT id, source_path, sha256, character_id, animation_id, \
              CASE WHEN bytes_dropped_at IS NULL THEN 0 ELSE 1 END FROM asset \
              WHERE project_id = $1 AND source_path >= $2 AND source_path < $3 ORDER BY id";
    COUNT = "SELECT count(*) FROM asset \
             WHERE project_id = $1 AND source_path >= $2 AND source_path < $3";
    NEWEST = "SELECT id FROM asset \
              WHERE project_id = $1 AND source_path >= $2 AND source_path < $3 \
              ORDER BY id DESC LIMIT 1";
    OWNERS = "SELECT (SELECT count(*) FROM character WHERE project_id = $1), \
              (SELECT count(*) FROM animation WHERE project_id = $1)";
    CHARACTERS = "SELECT id, id, name, segment_key FROM character WHERE project_id = $1 \
                  ORDER BY id";
    ANIMATIONS = "SELECT id, character_id, name, segment_key FROM animation \
                  WHERE project_id = $1 ORDER BY id";
}

/// An asset that was imported from a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) id: AssetId,
    /// `None` where another program wrote the row.
    pub(super) sha256: Option<Sha256>,
    /// Its bytes were dropped: the same image, imported again, is a new asset.
    pub(super) is_dropped: bool,
}

/// What a project has of a folder.
pub(super) struct KnownImages {
    project: ProjectId,
    /// The range of `source_path` that the folder has.
    range: [String; 2],
    /// By their paths in the folder, oldest first.
    images: HashMap<String, Vec<Known>>,
    count: u64,
    newest: Option<AssetId>,
    /// How many characters and animations the project has.
    owners: (u64, u64),
    /// Those of the plan's characters that are there.
    characters: HashMap<usize, CharacterId>,
    /// Those of the plan's animations that are there, by character and place.
    animations: HashMap<(usize, usize), AnimationId>,
}

/// A character or an animation, by its owner, name and folded segment.
struct Named {
    id: Uuid,
    owner: Uuid,
    name: String,
    key: Option<String>,
}

/// Whose image it is.
type Owners = (Option<CharacterId>, Option<AnimationId>);

impl KnownImages {
    pub(super) async fn load(
        studio: &Studio,
        project: ProjectId,
        plan: &FolderPlan,
    ) -> Result<Self> {
        let mut session = studio.database().snapshot().await?;
        // From "name/" to what would follow it: "0" is the character behind "/".
        let range = [format!("{}/", plan.source), format!("{}0", plan.source)];
        let mut known = Self {
            project,
            images: HashMap::new(),
            count: 0,
            newest: None,
            owners: (0, 0),
            characters: HashMap::new(),
            animations: HashMap::new(),
            range,
        };
        let owners = known.load_images(&mut session).await?;
        let id = [Value::Id(project.0)];
        let named = |row: &crate::db::value::Row<'_>| {
            Ok(Named {
                id: row.at(0, "id")?,
                owner: row.at(1, "owner")?,
                name: row.at(2, "name")?,
                key: row.at(3, "segment_key")?,
            })
        };
        let characters = session.query(&CHARACTERS, &id, named).await?;
        let animations = session.query(&ANIMATIONS, &id, named).await?;
        session.end().await?;
        known.owners = (characters.len() as u64, animations.len() as u64);
        known.resolve(plan, &owners, &characters, &animations)?;
        Ok(known)
    }

    async fn load_images(&mut self, session: &mut Session) -> Result<HashMap<String, Owners>> {
        let skipped = self.range[0].len();
        let mut owners = HashMap::new();
        let (images, parameters) = (&mut self.images, range_of(self.project, &self.range));
        let rows = session
            .query(&IMAGES, &parameters, |row| {
                let path: String = row.at(1, "asset.source_path")?;
                let path = path[skipped..].to_owned();
                let character: Option<CharacterId> = row.at(3, "asset.character_id")?;
                let animation: Option<AnimationId> = row.at(4, "asset.animation_id")?;
                let known = Known {
                    id: row.at(0, "asset.id")?,
                    sha256: row.at(2, "asset.sha256")?,
                    is_dropped: row.at::<i64>(5, "asset.bytes_dropped_at")? == 1,
                };
                images.entry(path.clone()).or_default().push(known);
                owners.insert(path, (character, animation));
                Ok(())
            })
            .await?;
        self.count = rows.len() as u64;
        self.newest = self.images.values().flatten().map(|known| known.id).max();
        Ok(owners)
    }

    /// Finds what the plan's characters and animations are: those that their images belong to,
    /// whatever they are called now; else those with their names.
    fn resolve(
        &mut self,
        plan: &FolderPlan,
        owners: &HashMap<String, Owners>,
        characters: &[Named],
        animations: &[Named],
    ) -> Result<()> {
        let owner_of: HashMap<Uuid, Uuid> = animations
            .iter()
            .map(|named| (named.id, named.owner))
            .collect();
        for (c, planned) in plan.characters.iter().enumerate() {
            let mut character = planned
                .variations
                .iter()
                .find_map(|image| owners.get(&image.path)?.0)
                .map(|id| id.0);
            for (a, animation) in planned.animations.iter().enumerate() {
                let images = animation.frames.iter().chain(&animation.takes);
                let mut votes: HashMap<AnimationId, usize> = HashMap::new();
                let mut count = 0;
                for image in images {
                    count += 1;
                    if let Some(id) = owners.get(&image.path).and_then(|owner| owner.1) {
                        *votes.entry(id).or_default() += 1;
                    }
                }
                // A take that was spared when its animation went belongs to another that
                // shows it: that is not where the rest of the folder goes.
                let key = Segment::of(&animation.name).key;
                let is_it = |id: AnimationId, votes: usize| {
                    let named = animations.iter().find(|named| named.id == id.0);
                    2 * votes >= count
                        || named.is_some_and(|named| {
                            named.name == animation.name || named.key.as_ref() == Some(&key)
                        })
                };
                let found = votes
                    .into_iter()
                    .filter(|(id, votes)| is_it(*id, *votes))
                    .max_by_key(|(id, votes)| (*votes, std::cmp::Reverse(*id)))
                    .map(|(id, _)| id);
                if let Some(id) = found {
                    self.animations.insert((c, a), id);
                    character = character.or_else(|| owner_of.get(&id.0).copied());
                }
            }
            let all = characters.iter();
            let character = match character {
                Some(id) => Some(id),
                None => by_name("character", &planned.name, all)?,
            };
            let Some(character) = character else { continue };
            self.characters.insert(c, CharacterId(character));
            for (a, animation) in planned.animations.iter().enumerate() {
                if !self.animations.contains_key(&(c, a)) {
                    let own = animations.iter().filter(|named| named.owner == character);
                    let found = by_name("animation", &animation.name, own)?;
                    self.animations
                        .extend(found.map(|id| ((c, a), AnimationId(id))));
                }
            }
        }
        Ok(())
    }

    /// Says whether nobody has added images of the folder since; the project is locked.
    pub(super) async fn is_current(&self, session: &mut Session) -> Result<bool> {
        let parameters = range_of(self.project, &self.range);
        let count = session
            .optional(&COUNT, &parameters, |row| row.at::<i64>(0, "count"))
            .await?;
        let newest = session
            .optional(&NEWEST, &parameters, |row| row.at::<AssetId>(0, "asset.id"))
            .await?;
        let id = [Value::Id(self.project.0)];
        let owners = session
            .optional(&OWNERS, &id, |row| {
                let count = |index| Ok::<_, Error>(row.at::<i64>(index, "count")?.unsigned_abs());
                Ok((count(0)?, count(1)?))
            })
            .await?;
        let is_same_count = count.is_some_and(|count| count.unsigned_abs() == self.count);
        Ok(is_same_count && newest == self.newest && owners == Some(self.owners))
    }

    /// Returns the assets that were imported from a path, oldest first.
    pub(super) fn versions(&self, path: &str) -> &[Known] {
        self.images.get(path).map_or(&[], Vec::as_slice)
    }

    pub(super) fn ids(&self, path: &str) -> Vec<AssetId> {
        self.versions(path).iter().map(|known| known.id).collect()
    }

    /// Returns the hashes of the bytes that assets of a path have.
    pub(super) fn hashes(&self, path: &str) -> Vec<Sha256> {
        let versions = self.versions(path).iter();
        let versions = versions.filter(|known| !known.is_dropped);
        versions.filter_map(|known| known.sha256).collect()
    }

    pub(super) fn character(&self, place: usize) -> Option<CharacterId> {
        self.characters.get(&place).copied()
    }

    pub(super) fn animation(&self, character: usize, place: usize) -> Option<AnimationId> {
        self.animations.get(&(character, place)).copied()
    }

    pub(super) fn add_character(&mut self, place: usize, id: CharacterId) {
        self.owners.0 += 1;
        self.characters.insert(place, id);
    }

    pub(super) fn add_animation(&mut self, character: usize, place: usize, id: AnimationId) {
        self.owners.1 += 1;
        self.animations.insert((character, place), id);
    }

    pub(super) fn add_image(&mut self, path: String, known: Known) {
        self.count += 1;
        self.newest = self.newest.max(Some(known.id));
        self.images.entry(path).or_default().push(known);
    }

    /// Returns how many images of the plan are known by their paths.
    pub(super) fn count_of(&self, plan: &FolderPlan) -> u64 {
        let placed = plan.placed();
        placed
            .filter(|image| self.images.contains_key(&image.path))
            .count() as u64
    }
}

fn range_of(project: ProjectId, range: &[String; 2]) -> [Value<'_>; 3] {
    let [from, to] = range;
    [
        Value::Id(project.0),
        from.as_str().into(),
        to.as_str().into(),
    ]
}

/// Finds the one that has a name; else the one whose folder the name would share.
fn by_name<'n>(
    entity: &'static str,
    name: &str,
    all: impl Iterator<Item = &'n Named> + Clone,
) -> Result<Option<Uuid>> {
    let mut found: Vec<Uuid> = all
        .clone()
        .filter(|named| named.name == name)
        .map(|named| named.id)
        .collect();
    if found.is_empty() {
        let key = Segment::of(name).key;
        let same = all.filter(|named| named.key.as_ref() == Some(&key));
        found = same.map(|named| named.id).collect();
    }
    match found.as_slice() {
        [] => Ok(None),
        [id] => Ok(Some(*id)),
        several => Err(Error::Conflict {
            message: format!(
                "{name:?} may be any of {} {entity}s: {}",
                several.len(),
                several
                    .iter()
                    .map(Uuid::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            hint: "give them names of their own, then import again".to_owned(),
        }),
    }
}

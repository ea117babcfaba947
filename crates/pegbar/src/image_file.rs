//! The bytes of images, found as a server is asked for them: by the path that the view gives them,
//! by their asset, by their hash. The database is asked, never the folder: so what is found is
//! never stale.

use crate::asset;
use crate::blob::ImageFormat;
use crate::db::Session;
use crate::db::sql::statements;
use crate::db::value::{Row, Value};
use crate::error::{Error, Result};
use crate::hash::Sha256;
use crate::id::{AssetId, ProjectId};
use crate::segment;
use crate::studio::Studio;
use crate::view::stock;

statements! {
    // The columns up to the hash as those of the view, which makes its paths of them.
    HOME = "SELECT a.id, a.kind, c.segment, a.mime_type, a.sha256, a.file_size, a.original_name \
            FROM asset a \
            LEFT JOIN character c ON c.project_id = a.project_id AND c.id = a.character_id \
            WHERE a.project_id = $1 AND a.id = $2 AND a.bytes_dropped_at IS NULL \
            AND (a.kind <> 'frame' OR NOT EXISTS (SELECT 1 FROM frame f \
            WHERE f.project_id = a.project_id AND f.asset_id = a.id))";
    FRAME = "SELECT f.asset_id, f.animation_id, f.frame_index, n.segment, c.segment, \
             a.mime_type, a.sha256, a.file_size, a.original_name FROM character c \
             JOIN animation n ON n.project_id = c.project_id AND n.character_id = c.id \
             AND n.segment_key = $3 \
             JOIN frame f ON f.project_id = n.project_id AND f.animation_id = n.id \
             AND f.frame_index = $4 \
             JOIN asset a ON a.project_id = f.project_id AND a.id = f.asset_id \
             WHERE c.project_id = $1 AND c.segment_key = $2 AND a.bytes_dropped_at IS NULL";
    WITH_HASH = "SELECT id, mime_type, sha256, file_size, original_name FROM asset \
                 WHERE sha256 = $1 AND bytes_dropped_at IS NULL \
                 AND mime_type IS NOT NULL AND file_size IS NOT NULL LIMIT 1";
}

/// Where the bytes of an image are found, and what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    /// The asset that was asked for; for a hash, one of those that have it.
    pub asset_id: AssetId,
    /// The SHA-256 of the bytes.
    pub sha256: Sha256,
    /// How many bytes there are.
    pub file_size: u64,
    /// The format.
    pub format: ImageFormat,
    /// The file name it came with.
    pub original_name: Option<String>,
}

/// What a path of the conventional layout asks for.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// The home of an asset.
    Home(AssetId),
    /// What a frame shows, by the keys of the segments.
    Frame {
        character: String,
        animation: String,
        index: u32,
    },
}

impl Place {
    /// Reads a path; what is no conventional path has no place.
    fn of(path: &str) -> Option<(ProjectId, Self)> {
        let (project, rest) = path.split_once('/')?;
        let project = project.parse().ok()?;
        let (folder, rest) = rest.split_once('/')?;
        let (rest, _extension) = rest.rsplit_once('.')?;
        let place = match folder {
            "references" | "takes" => Self::Home(rest.parse().ok()?),
            "characters" => Self::Home(rest.rsplit_once('_')?.1.parse().ok()?),
            "frames" => {
                let (animation, name) = rest.split_once('/')?;
                let (beginning, index) = name.rsplit_once('_')?;
                let character = beginning.strip_suffix(animation)?.strip_suffix('_')?;
                Self::Frame {
                    character: segment::fold(character),
                    animation: segment::fold(animation),
                    index: index.parse().ok()?,
                }
            }
            _ => return None,
        };
        Some((project, place))
    }
}

/// Reads the bytes' facts, which begin at a column; `None` where another program wrote the row
/// and it was not adopted yet.
fn read(row: &Row<'_>, asset_id: AssetId, first: usize) -> Result<Option<ImageFile>> {
    let format: Option<String> = row.at(first, "asset.mime_type")?;
    let sha256: Option<String> = row.at(first + 1, "asset.sha256")?;
    let file_size: Option<u64> = row.at(first + 2, "asset.file_size")?;
    let format = format.as_deref().and_then(ImageFormat::from_mime_type);
    let sha256 = sha256.and_then(|text| text.parse().ok());
    let (Some(format), Some(sha256), Some(file_size)) = (format, sha256, file_size) else {
        return Ok(None);
    };
    Ok(Some(ImageFile {
        asset_id,
        sha256,
        file_size,
        format,
        original_name: row.at(first + 3, "asset.original_name")?,
    }))
}

/// Asks for the one image at a place, with its path.
async fn find(
    session: &mut Session,
    project: ProjectId,
    place: &Place,
) -> Result<Option<(String, ImageFile)>> {
    let own = Value::Id(project.0);
    let both = |path: Option<(String, stock::Wanted)>, image: Option<ImageFile>| {
        Ok(path.map(|(path, _)| path).zip(image))
    };
    let found = match place {
        Place::Home(asset) => {
            let read = |row: &Row<'_>| both(stock::read_home(project, row)?, read(row, *asset, 3)?);
            let parameters = [own, Value::Id(asset.0)];
            session.optional(&HOME, &parameters, read).await?
        }
        Place::Frame {
            character,
            animation,
            index,
        } => {
            let read = |row: &Row<'_>| {
                let asset = row.at(0, "frame.asset_id")?;
                both(stock::read_frame(project, row)?, read(row, asset, 5)?)
            };
            let character = character.as_str().into();
            let animation = animation.as_str().into();
            let parameters = [own, character, animation, Value::Int((*index).into())];
            session.optional(&FRAME, &parameters, read).await?
        }
    };
    Ok(found.flatten())
}

impl Studio {
    /// Finds the image whose file has a path below `public/assets/`, now and by the rows:
    /// whatever stands in that folder, and wherever the file was before.
    ///
    /// # Errors
    /// [`Error::NotFound`] for every other path.
    pub async fn image_at_path(&self, path: &str) -> Result<ImageFile> {
        let not_found = || Error::not_found("image at", path.escape_debug());
        let (project, place) = Place::of(path).ok_or_else(not_found)?;
        let mut session = self.database().read().await?;
        let found = find(&mut session, project, &place).await?;
        // Folded keys find what is spelled otherwise, too.
        let found = found.filter(|(of_rows, _)| of_rows == path);
        found.map(|(_, image)| image).ok_or_else(not_found)
    }

    /// Finds an image by its SHA-256, if an asset has it whose bytes were not dropped.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn image_with_hash(&self, sha256: Sha256) -> Result<ImageFile> {
        let mut session = self.database().read().await?;
        let parameters = [Value::Text(sha256.to_string().into())];
        let read = |row: &Row<'_>| read(row, row.at(0, "asset.id")?, 1);
        let found = session.optional(&WITH_HASH, &parameters, read).await?;
        let found = found.flatten();
        found.ok_or_else(|| Error::not_found("image with the SHA-256", sha256))
    }

    /// Finds the image of an asset.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Dropped`]; [`Error::Conflict`] where another program wrote
    /// the row and it has not been adopted yet.
    pub async fn image_of_asset(&self, id: AssetId) -> Result<ImageFile> {
        let mut session = self.database().read().await?;
        let asset = asset::get_row(&mut session, id).await?;
        asset.check_not_dropped()?;
        let format = asset.mime_type.as_deref();
        let format = format.and_then(ImageFormat::from_mime_type);
        let (Some(format), Some(sha256), Some(file_size)) = (format, asset.sha256, asset.file_size)
        else {
            return Err(asset::not_taken_in(id));
        };
        Ok(ImageFile {
            asset_id: id,
            sha256,
            file_size,
            format,
            original_name: asset.original_name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_conventional_paths_have_a_place() {
        let id = "0192a0f0-7d3c-7a51-8f10-0123456789ab";
        let asset: AssetId = id.parse().unwrap();
        for path in ["references/ID.png", "takes/ID.jpg", "characters/a-b_ID.gif"] {
            let path = format!("{id}/{}", path.replace("ID", id));
            assert_eq!(Place::of(&path).unwrap().1, Place::Home(asset), "{path}");
        }
        let path = format!("{id}/frames/Walk/Cat_Walk_12.webp");
        let frame = Place::Frame {
            character: "cat".to_owned(),
            animation: "walk".to_owned(),
            index: 12,
        };
        assert_eq!(Place::of(&path).unwrap().1, frame);
        for path in [
            "",
            "/",
            "references/ID.png",
            "ID",
            "ID/",
            "ID/references",
            "ID/references/ID",
            "ID/references/x.png",
            "ID/other/ID.png",
            "ID/characters/ID.png",
            "ID/../ID/takes/ID.png",
            "ID/frames/Walk/Cat_Run_1.png",
            "ID/frames/Walk/CatWalk_1.png",
            "ID/frames/Walk/Cat_Walk_.png",
            "ID/frames/Walk/Cat_Walk_-1.png",
            "ID/frames/Cat_Walk_1.png",
            "ID/frames/Walk/Cat_Walk_99999999999.png",
        ] {
            let path = path.replace("ID", id);
            assert_eq!(Place::of(&path), None, "{path}");
        }
    }
}

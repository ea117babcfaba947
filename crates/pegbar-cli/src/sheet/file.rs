//! Contact sheets as files, marked as ours: what someone else made is not overwritten.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use image::RgbaImage;
use serde::Serialize;

use crate::error::CommandError;
use crate::text::serialize_path;

/// The keyword (PNG, third edition, section 11.3.3.1) and text of the mark.
const MARK: (&str, &str) = ("Software", "pegbar contact-sheet");

/// A contact sheet that was written.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SheetFile {
    /// Where it is.
    #[serde(serialize_with = "serialize_path")]
    pub(crate) path: PathBuf,
    /// The width in pixels.
    pub(crate) width: u32,
    /// The height in pixels.
    pub(crate) height: u32,
    /// The size in bytes.
    pub(crate) file_size: u64,
}

/// Writes a contact sheet. An earlier one is replaced; another file only with `force`.
///
/// # Errors
/// [`CommandError::Refused`] where another file is in the way, or the system refuses.
pub(crate) fn write(
    picture: &RgbaImage,
    path: &Path,
    force: bool,
) -> Result<SheetFile, CommandError> {
    check(path, force)?;
    let failed = |error: io::Error| refused_by_system("writing", path, &error);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let draft = path.with_file_name(name);
    let written = encode(picture, &draft).and_then(|()| fs::rename(&draft, path));
    if let Err(error) = written {
        // It may not be there.
        let _ = fs::remove_file(&draft);
        return Err(failed(error));
    }
    Ok(SheetFile {
        path: path.to_owned(),
        width: picture.width(),
        height: picture.height(),
        file_size: fs::metadata(path).map_err(failed)?.len(),
    })
}

/// Refuses a path that a contact sheet can't be written to.
pub(crate) fn check(path: &Path, force: bool) -> Result<(), CommandError> {
    let in_the_way = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused_by_system("writing", path, &error)),
        Ok(found) if found.is_dir() => "a folder",
        Ok(_) if force || is_ours(path) => return Ok(()),
        Ok(_) => "a file that `pegbar contact-sheet` did not make",
    };
    let message = format!("{} is {in_the_way}", path.display());
    let error = CommandError::refused("conflict", message);
    Err(error.hint("name another file with -o FILE, or say --force to replace it"))
}

/// Returns whether a file is a contact sheet that we wrote.
fn is_ours(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    let Ok(reader) = png::Decoder::new(BufReader::new(file)).read_info() else {
        return false;
    };
    let mut texts = reader.info().uncompressed_latin1_text.iter();
    texts.any(|text| (text.keyword.as_str(), text.text.as_str()) == MARK)
}

fn encode(picture: &RgbaImage, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut encoder = png::Encoder::new(&mut file, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.add_text_chunk(MARK.0.to_owned(), MARK.1.to_owned())?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(picture.as_raw())?;
    writer.finish()?;
    file.flush()
}

/// Says what the system refused, and where.
pub(crate) fn refused_by_system(action: &str, path: &Path, error: &io::Error) -> CommandError {
    let message = format!("{action} {}: {error}", path.display());
    CommandError::refused("io", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_contact_sheet_is_replaced_unasked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sheet.png");
        let picture = RgbaImage::new(3, 2);
        let first = write(&picture, &path, false).expect("written");
        assert_eq!((first.width, first.height), (3, 2));
        assert_eq!(image::open(&path).expect("a PNG").into_rgba8(), picture);
        write(&picture, &path, false).expect("replaced");

        picture.save(&path).expect("someone's picture");
        let theirs = fs::read(&path).expect("read");
        write(&picture, &path, false).expect_err("not ours");
        assert_eq!(fs::read(&path).expect("read"), theirs);
        write(&picture, &path, true).expect("asked for");
        write(&picture, folder.path(), true).expect_err("a folder");
        let left = fs::read_dir(folder.path()).expect("read").count();
        assert_eq!(left, 1, "no drafts stay");
    }
}

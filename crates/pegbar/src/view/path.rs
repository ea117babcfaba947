//! The paths of the conventional layout, relative to `public/assets/`.

use std::fmt::Write as _;

use crate::blob::ImageFormat;
use crate::id::{AssetId, ProjectId};

/// Where the files of one animation's frames are.
pub(crate) struct Frames {
    /// A path up to the index.
    beginning: String,
}

impl Frames {
    pub(crate) fn of(project: ProjectId, animation: &str, character: &str) -> Self {
        Self {
            beginning: format!("{project}/frames/{animation}/{character}_{animation}_"),
        }
    }

    /// Adds the path of one frame to the text.
    pub(crate) fn write(&self, text: &mut String, index: u32, format: ImageFormat) {
        text.push_str(&self.beginning);
        // Writing to a String cannot fail.
        let _ = write!(text, "{index}.{}", format.extension());
    }
}

/// `<project>/frames/<animation>/<character>_<animation>_<index>.<ext>`
pub(crate) fn frame(
    project: ProjectId,
    animation: &str,
    character: &str,
    index: u32,
    format: ImageFormat,
) -> String {
    let mut path = String::new();
    Frames::of(project, animation, character).write(&mut path, index, format);
    path
}

/// `<project>/characters/<character>_<asset>.<ext>`
pub(crate) fn variation(
    project: ProjectId,
    character: &str,
    asset: AssetId,
    format: ImageFormat,
) -> String {
    format!(
        "{project}/characters/{character}_{asset}.{}",
        format.extension()
    )
}

/// `<project>/references/<asset>.<ext>`
pub(crate) fn reference(project: ProjectId, asset: AssetId, format: ImageFormat) -> String {
    format!("{project}/references/{asset}.{}", format.extension())
}

/// `<project>/takes/<asset>.<ext>`: a take that no frame shows.
pub(crate) fn take(project: ProjectId, asset: AssetId, format: ImageFormat) -> String {
    format!("{project}/takes/{asset}.{}", format.extension())
}

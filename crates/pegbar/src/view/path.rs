//! The paths of the conventional layout, relative to `public/assets/`.

use crate::blob::ImageFormat;
use crate::id::{AssetId, ProjectId};

/// `<project>/frames/<animation>/<character>_<animation>_<index>.<ext>`
pub(crate) fn frame(
    project: ProjectId,
    animation: &str,
    character: &str,
    index: u32,
    format: ImageFormat,
) -> String {
    let extension = format.extension();
    format!("{project}/frames/{animation}/{character}_{animation}_{index}.{extension}")
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

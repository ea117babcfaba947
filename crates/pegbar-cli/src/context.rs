//! What a command works with: the studio and the output.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pegbar::{Notice, Studio, StudioOptions, ViewUpdates};
use tokio::sync::OnceCell;

use crate::config::{Key, Level, Origin, Settings};
use crate::error::CommandError;
use crate::output::Output;

/// What a command works with.
pub(crate) struct Context {
    /// Where everything is printed.
    pub(crate) output: Arc<Output>,
    /// What is set, apart from what the studio's file says.
    pub(crate) settings: Settings,
    folder: Option<PathBuf>,
    studio: OnceCell<Studio>,
}

impl Context {
    /// `folder` is the studio's, if one was named for all commands.
    pub(crate) fn new(settings: Settings, folder: Option<PathBuf>, output: Arc<Output>) -> Self {
        Self {
            output,
            settings,
            folder,
            studio: OnceCell::new(),
        }
    }

    /// Opens the studio that is meant; the files follow each change.
    pub(crate) async fn studio(&self) -> Result<Studio, CommandError> {
        self.studio_with(ViewUpdates::WithEachChange).await
    }

    /// Opens the studio that is meant. If this command opened it before, it stays as it was
    /// opened then.
    pub(crate) async fn studio_with(&self, view: ViewUpdates) -> Result<Studio, CommandError> {
        let folder = self.studio_folder()?.ok_or_else(no_studio)?;
        let open = || async {
            Studio::open_with(&folder, self.studio_options(&folder, view)?)
                .await
                .map_err(CommandError::from)
        };
        self.studio.get_or_try_init(open).await.cloned()
    }

    /// Opens the studio that is meant as it lies there, only to look at it.
    pub(crate) async fn studio_as_it_is(&self) -> Result<Studio, CommandError> {
        let folder = self.studio_folder_as_it_is()?;
        let options = self.studio_options(&folder, ViewUpdates::WithEachChange)?;
        Ok(Studio::open_read_only(&folder, options).await?)
    }

    /// Opens the studio that is meant and leaves what a crash interrupted as it is.
    pub(crate) async fn unrecovered_studio(&self) -> Result<Studio, CommandError> {
        let folder = self.studio_folder()?.ok_or_else(no_studio)?;
        let options = self.studio_options(&folder, ViewUpdates::WithEachChange)?;
        Ok(Studio::open_unrecovered(&folder, options).await?)
    }

    /// Returns the folder of the studio that is meant; also one above that has lost the file by
    /// which it is known.
    fn studio_folder_as_it_is(&self) -> Result<PathBuf, CommandError> {
        if let Some(folder) = self.studio_folder()? {
            return Ok(folder);
        }
        let current = std::env::current_dir().ok();
        let mut above = current.iter().flat_map(|folder| folder.ancestors());
        let found = above.find(|folder| folder.join(".pegbar/pegbar.db").exists());
        found.map(Path::to_owned).ok_or_else(no_studio)
    }

    /// Opens the studio in a folder, or creates one, and works with it from here on.
    pub(crate) async fn open_or_create_studio(
        &self,
        folder: &Path,
    ) -> Result<Studio, CommandError> {
        if !is_studio(folder) {
            return self.create_studio(folder).await;
        }
        let open = || async {
            let options = self.studio_options(folder, ViewUpdates::WithEachChange)?;
            Studio::open_with(folder, options)
                .await
                .map_err(CommandError::from)
        };
        self.studio.get_or_try_init(open).await.cloned()
    }

    /// Creates a studio in a folder and works with it from here on.
    pub(crate) async fn create_studio(&self, folder: &Path) -> Result<Studio, CommandError> {
        let create = || async {
            let options = self.studio_options(folder, ViewUpdates::WithEachChange)?;
            Studio::create_with(folder, options)
                .await
                .map_err(CommandError::from)
        };
        self.studio.get_or_try_init(create).await.cloned()
    }

    /// Returns the folder that was named for all commands.
    pub(crate) fn named_folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Returns the folder of the studio that is meant, if there is one.
    pub(crate) fn studio_folder(&self) -> Result<Option<PathBuf>, CommandError> {
        studio_folder(self.named_folder(), &self.settings)
    }

    /// Returns how the studio in a folder is opened.
    fn studio_options(
        &self,
        folder: &Path,
        view_updates: ViewUpdates,
    ) -> Result<StudioOptions, CommandError> {
        let settings = self.settings.of_studio(folder)?;
        Ok(StudioOptions {
            database: settings.database()?,
            limits: settings.limits()?,
            view_updates,
            ..StudioOptions::default()
        })
    }

    /// Tells what the studio has noticed since the last time.
    pub(crate) fn report_notices(&self) {
        let notices = self.studio.get().map(Studio::take_notices);
        for notice in notices.unwrap_or_default() {
            match notice {
                Notice::Kept(kept) => self.output.warning(format_args!(
                    "{} was not the file that Pegbar wrote; it is kept as {}",
                    kept.path,
                    kept.kept_as.display()
                )),
                Notice::ViewStale(error) => self.output.warning(format_args!(
                    "the change is kept, but the files below public/assets do not follow it \
                     yet; the next command tries again: {}",
                    crate::error::with_causes(&error)
                )),
                Notice::LogLeft(error) => self.output.warning(format_args!(
                    "images that were taken in just before a power cut could not be put in their \
                     places yet; the next command tries again: {}",
                    crate::error::with_causes(&error)
                )),
                other => self.output.warning(format_args!("{other:?}")),
            }
        }
    }
}

/// Returns the folder of the studio that is meant: the one that was named, the nearest studio
/// from the current folder upwards, or the one that the user has set.
pub(crate) fn studio_folder(
    named: Option<&Path>,
    settings: &Settings,
) -> Result<Option<PathBuf>, CommandError> {
    if let Some(folder) = named {
        return Ok(Some(folder.to_owned()));
    }
    let current = std::env::current_dir().ok();
    let mut above = current.iter().flat_map(|folder| folder.ancestors());
    if let Some(nearest) = above.find(|folder| is_studio(folder)) {
        return Ok(Some(nearest.to_owned()));
    }
    let set = settings.get(Key::Studio)?;
    let set = set.filter(|setting| matches!(setting.origin, Origin::File(Level::User, _)));
    Ok(set.map(|setting| PathBuf::from(setting.value)))
}

/// Refuses to work where no studio is; one right below is named.
pub(crate) fn no_studio() -> CommandError {
    let error = CommandError::refused(
        "unavailable",
        "there is no studio here or in a folder above",
    );
    let below = std::fs::read_dir(".").into_iter().flatten().flatten();
    let mut below = below
        .map(|entry| entry.path())
        .filter(|path| is_studio(path));
    let below = below.next();
    match below.as_deref().and_then(Path::file_name) {
        Some(name) => {
            let name = name.to_string_lossy();
            error.hint(format!(
                "there is one in {name}: `cd {name}` first, or say --studio {name}"
            ))
        }
        None => error.hint("create one with `pegbar init`, or name one with --studio DIR"),
    }
}

pub(crate) fn is_studio(folder: &Path) -> bool {
    folder.join(".pegbar").join("store-id").exists()
}

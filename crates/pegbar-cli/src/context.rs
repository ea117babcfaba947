//! What a command works with: the studio and the output.

use std::path::{Path, PathBuf};

use pegbar::{DatabaseAddress, Notice, Studio, StudioOptions, ViewUpdates};
use tokio::sync::OnceCell;

use crate::cli::GlobalOptions;
use crate::error::CommandError;
use crate::output::Output;

/// The environment variable with the address of a PostgreSQL database.
const DATABASE_URL: &str = "PEGBAR_DATABASE_URL";

/// What a command works with.
pub(crate) struct Context {
    /// Where everything is printed.
    pub(crate) output: Output,
    folder: Option<PathBuf>,
    studio: OnceCell<Studio>,
}

impl Context {
    pub(crate) fn new(options: &GlobalOptions, output: Output) -> Self {
        Self {
            output,
            folder: options.studio.clone(),
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
        let folder = self.studio_folder().ok_or_else(|| {
            CommandError::refused(
                "unavailable",
                "there is no studio here or in a folder above",
            )
            .hint("create one with `pegbar init`, or name one with --studio DIR")
        })?;
        let open = || async {
            Studio::open_with(&folder, studio_options(view)?)
                .await
                .map_err(CommandError::from)
        };
        self.studio.get_or_try_init(open).await.cloned()
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
            let options = studio_options(ViewUpdates::WithEachChange)?;
            Studio::open_with(folder, options)
                .await
                .map_err(CommandError::from)
        };
        self.studio.get_or_try_init(open).await.cloned()
    }

    /// Creates a studio in a folder and works with it from here on.
    pub(crate) async fn create_studio(&self, folder: &Path) -> Result<Studio, CommandError> {
        let create = || async {
            let options = studio_options(ViewUpdates::WithEachChange)?;
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

    /// Returns the folder of the studio that is meant: the one that was named, or the nearest
    /// studio from the current folder upwards.
    pub(crate) fn studio_folder(&self) -> Option<PathBuf> {
        if let Some(folder) = &self.folder {
            return Some(folder.clone());
        }
        let current = std::env::current_dir().ok()?;
        let nearest = current.ancestors().find(|folder| is_studio(folder))?;
        Some(nearest.to_owned())
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
                other => self.output.warning(format_args!("{other:?}")),
            }
        }
    }
}

fn is_studio(folder: &Path) -> bool {
    folder.join(".pegbar").join("store-id").exists()
}

fn studio_options(view_updates: ViewUpdates) -> Result<StudioOptions, CommandError> {
    let database = match std::env::var(DATABASE_URL) {
        Ok(address) if !address.is_empty() => DatabaseAddress::Postgres(address),
        Ok(_) | Err(std::env::VarError::NotPresent) => DatabaseAddress::Sqlite,
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(CommandError::usage(format!(
                "{DATABASE_URL} is not Unicode text"
            )));
        }
    };
    Ok(StudioOptions {
        database,
        view_updates,
        ..StudioOptions::default()
    })
}

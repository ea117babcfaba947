//! What lies beside a studio: backups, bundles, and what was restored. Each is whole, or not there.

use std::fmt::Write as _;
use std::path::Path;

use pegbar::{BundleImport, DatabaseAddress, Engine, Error as Refusal, Studio, StudioOptions};

use crate::Result;
use crate::site::Site;

/// A folder with backups.
pub const BACKUP: &str = "backup";
/// A backup in one file.
pub const PACKED: &str = "backup.tar";
/// A bundle of the cats.
pub const BUNDLE: &str = "cats.bundle";
/// A studio that was made from a backup.
pub const RESTORED: &str = "restored";

/// Describes what is whole, and looks for what is not.
pub(super) async fn describe(site: &Site, state: &mut String) -> Result<()> {
    let folder = site.folder();
    for name in [BACKUP, PACKED] {
        describe_backup(&folder.join(name), name, state)?;
    }
    if folder.join(BUNDLE).exists() {
        describe_bundle(&folder.join(BUNDLE), state).await?;
    }
    let restored = folder.join(RESTORED);
    if !restored.exists() {
        return Ok(());
    }
    let database = if restored.join(".pegbar/pegbar.db").exists() {
        DatabaseAddress::Sqlite
    } else {
        site.on_server()
    };
    let options = StudioOptions {
        database,
        ..StudioOptions::default()
    };
    match Studio::open_with(&restored, options).await {
        Ok(studio) => {
            writeln!(state, "restored")?;
            state.push_str(&super::holds(&studio).await?);
            let engine = studio.engine();
            drop(studio);
            match engine {
                Engine::Sqlite => super::database_is_whole(&restored),
                Engine::Postgres => Ok(()),
            }
        }
        // As it should be until all is there.
        Err(Refusal::Unavailable { .. }) => Ok(()),
        Err(error) => Err(format!("the restored studio: {error}").into()),
    }
}

fn describe_backup(place: &Path, name: &str, state: &mut String) -> Result<()> {
    let snapshots = match Studio::list_backups(place) {
        Ok(snapshots) => snapshots,
        Err(Refusal::Unavailable { .. }) => return Ok(()),
        Err(error) => return Err(format!("{name}: {error}").into()),
    };
    if snapshots.is_empty() {
        return Ok(());
    }
    let report = Studio::verify_backup(place, None, |_, _| {})?;
    if !report.flaws.is_empty() {
        return Err(format!("{name} is not whole: {:?}", report.flaws).into());
    }
    for snapshot in snapshots {
        writeln!(state, "{name} with {} blobs", snapshot.blobs)?;
    }
    Ok(())
}

/// Takes it in elsewhere.
async fn describe_bundle(bundle: &Path, state: &mut String) -> Result<()> {
    let elsewhere = tempfile::tempdir()?;
    let root = elsewhere.path().join("studio");
    let studio = Studio::create(&root).await?;
    let options = BundleImport::default();
    let taken = studio.import_bundle(bundle, options, |_, _| {}).await;
    let taken = taken.map_err(|error| format!("the bundle: {error}"))?;
    writeln!(state, "bundle with {} blobs", taken.blobs)?;
    drop(studio);
    state.push_str(&super::holds(&Studio::open(&root).await?).await?);
    Ok(())
}

//! What must hold of a studio after every attack, in one room: it opens, rows, blobs and view are
//! in step, everything verifies, nothing was left behind, and what was acknowledged is there.

pub mod beside;
mod view;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use pegbar::{
    DoctorOptions, Engine, FindingKind, GenerationFilter, PageRequest, ProjectFilter, ProjectTree,
    Studio, TombstoneFilter, TrashFilter, VerifyOptions, VerifyScope,
};

use crate::Result;
use crate::site::Site;

/// Opens a studio after an attack, which recovers it, and checks it; returns what is in it,
/// without ids and times.
///
/// # Errors
/// What is broken, in words.
pub async fn after(site: &Site) -> Result<String> {
    let found = look(site, &[]).await?;
    Ok(found)
}

/// As [`after`]; each of the ids that were acknowledged must be there.
///
/// # Errors
/// What is broken, in words.
pub async fn look(site: &Site, acknowledged: &[String]) -> Result<String> {
    let studio = site
        .open()
        .await
        .map_err(|error| say("it does not open", &*error))?;
    let mut state = holds(&studio).await?;
    for line in acknowledged {
        crate::victim::is_kept(&studio, line).await?;
    }
    let engine = studio.engine();
    drop(studio);
    if engine == Engine::Sqlite {
        database_is_whole(&site.root())?;
    }
    beside::describe(site, &mut state).await?;
    Ok(state)
}

/// Checks that the store has nothing that neither a row nor the trash names.
///
/// # Errors
/// Blobs that were left behind.
pub async fn no_blob_is_left(site: &Site) -> Result<()> {
    let options = DoctorOptions {
        orphan_grace: Duration::ZERO,
        ..DoctorOptions::default()
    };
    let report = site.open().await?.doctor(&options, |_| {}).await?;
    if report.counts.contains_key(&FindingKind::OrphanBlob) {
        return Err(format!("left behind: {:?}", report.findings).into());
    }
    Ok(())
}

fn say(what: &str, error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = format!("{what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// Checks an open studio; returns what is in it, without ids and times.
///
/// # Errors
/// What is broken, in words.
pub async fn holds(studio: &Studio) -> Result<String> {
    let notices = studio.take_notices();
    if !notices.is_empty() {
        return Err(format!("opening gave notices: {notices:?}").into());
    }
    let mut state = String::new();
    let mut expected = Vec::new();
    let mut projects = Vec::new();
    let filter = ProjectFilter::default();
    let mut page = PageRequest::default();
    loop {
        let found = studio.list_projects(&filter, page).await?;
        page.after = found.rows.last().map(|project| project.id);
        projects.extend(found.rows);
        if !found.has_more {
            break;
        }
    }
    projects.sort_by(|a, b| a.name.cmp(&b.name));
    for project in projects {
        let tree = studio.get_project_tree(project.id).await?;
        view::add_expected(&tree, &mut expected)?;
        describe(studio, &tree, &mut state).await?;
    }
    describe_trash(studio, &mut state).await?;
    view::compare(studio, expected)?;
    let report = studio.doctor(&DoctorOptions::default(), |_| {}).await?;
    if !report.is_healthy() {
        return Err(format!("doctor: {:?}", report.findings).into());
    }
    let report = studio
        .verify(
            &VerifyScope::Everything,
            VerifyOptions::default(),
            |_, _| {},
        )
        .await?;
    if !report.is_whole() {
        return Err(format!(
            "verify: {:?} {:?}",
            report.damaged, report.damaged_generations
        )
        .into());
    }
    let report = studio.sync(|_, _| {}).await?;
    let is_quiet = report == pegbar::ViewReport::default();
    if !is_quiet {
        return Err(format!("sync had something to do: {report:?}").into());
    }
    Ok(state)
}

/// What could come back, and what is known of what went for good.
async fn describe_trash(studio: &Studio, state: &mut String) -> Result<()> {
    let all = TrashFilter::default();
    let found = studio.list_deletions(&all, PageRequest::default()).await?;
    for entry in found.rows {
        let (kind, name) = (entry.kind, &entry.name);
        let (assets, frames) = (entry.assets, entry.frames);
        writeln!(
            state,
            "trash {kind} {name:?} {assets} assets, {frames} frames"
        )?;
    }
    let all = TombstoneFilter::default();
    let purged = studio.list_tombstones(&all, PageRequest::default()).await?;
    writeln!(state, "{} tombstones", purged.rows.len())?;
    Ok(())
}

async fn describe(studio: &Studio, tree: &ProjectTree, state: &mut String) -> Result<()> {
    let project = &tree.project;
    let (name, has_thumbnail) = (&project.name, project.thumbnail_id.is_some());
    writeln!(state, "project {name:?} {has_thumbnail} {:?}", project.tags)?;
    let mut references: Vec<_> = tree.references.iter().map(|asset| asset.sha256).collect();
    references.sort();
    for sha256 in references.iter().flatten() {
        writeln!(state, " reference {sha256}")?;
    }
    let all = GenerationFilter::default();
    let generations = studio
        .list_generations(project.id, &all, PageRequest::default())
        .await?;
    for generation in generations.rows {
        let outputs = generation.output_asset_ids.len();
        let inputs = generation.sent().map(|sent| sent.inputs.len());
        writeln!(
            state,
            " generation {} {outputs} {inputs:?}",
            generation.status
        )?;
    }
    for character in &tree.characters {
        let row = &character.character;
        writeln!(state, " character {:?} {:?}", row.name, row.segment)?;
        for asset in &character.variations {
            let is_primary = row.primary_asset_id == Some(asset.id);
            let (sha256, inputs) = (asset.sha256, asset.references.len());
            let is_dropped = asset.bytes_dropped_at.is_some();
            writeln!(
                state,
                "  variation {sha256:?} {is_primary} {inputs} {is_dropped}"
            )?;
        }
        for animation in &character.animations {
            let row = &animation.animation;
            writeln!(state, "  animation {:?} v{}", row.name, row.version)?;
            for (place, frame) in (0..).zip(&animation.frames) {
                if frame.frame.frame_index != place {
                    return Err(format!("{:?} has no frame {place}", row.name).into());
                }
                let (prompt, asset) = (&frame.frame.frame_prompt, &frame.asset);
                let (sha256, inputs) = (asset.sha256, asset.references.len());
                writeln!(state, "   frame {prompt:?} {sha256:?} {inputs}")?;
            }
            for take in &animation.takes {
                writeln!(state, "   take {:?} {}", take.sha256, take.references.len())?;
            }
        }
    }
    Ok(())
}

/// Asks SQLite itself whether its file is whole.
fn database_is_whole(root: &Path) -> Result<()> {
    let connection = rusqlite::Connection::open(root.join(".pegbar/pegbar.db"))?;
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(format!("the database file: {found}").into());
    }
    let count = |table| {
        let text = format!("SELECT count(*) FROM {table}");
        connection.query_row(&text, [], |row| row.get::<_, i64>(0))
    };
    let pending = count("outbox")?;
    if pending > 0 {
        return Err(format!("{pending} rows are left in the outbox").into());
    }
    let mut broken = connection.prepare("PRAGMA foreign_key_check")?;
    if broken.exists([])? {
        return Err("a row points at none".into());
    }
    Ok(())
}

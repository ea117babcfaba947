//! What an import of the app's database did, and what it found.

use serde::Serialize;
use serde_json::Value;

use crate::hash::Sha256;
use crate::id::{AnimationId, AssetId, ProjectId};
use crate::import::Listed;

/// What of the app is imported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MegabananasOptions {
    /// Only the project with this id or name in the app; `None` for all.
    pub project: Option<String>,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MegabananasReport {
    /// The projects of the app, and what they are here.
    pub projects: Listed<ImportedProject>,
    /// What was created.
    pub created: MegabananasRows,
    /// How many of the app's assets were there already.
    pub known: u64,
    /// Rows that did not arrive.
    pub left_out: Listed<MegabananasFinding>,
    /// Assets that arrived as references tagged `unplaced`.
    pub unplaced: Listed<MegabananasFinding>,
    /// Frames that stand at another index than in the app.
    pub renumbered: Listed<MegabananasFinding>,
    /// Values that did not arrive as they were.
    pub adjusted: Listed<MegabananasFinding>,
    /// Rows and files that changed since they were imported. What was imported stays.
    pub changed: Listed<MegabananasFinding>,
    /// Tables and columns that this importer does not know.
    pub unknown: Listed<MegabananasFinding>,
    /// Files in the folder that no row names. They were not taken in.
    pub skipped: Listed<MegabananasFinding>,
}

/// A project of the app, and what it is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportedProject {
    /// Its id in the app.
    pub source_id: String,
    /// The project it is here.
    pub project_id: ProjectId,
    /// Whether this import created it.
    pub is_new: bool,
}

/// How many rows an import created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MegabananasRows {
    /// Projects.
    pub projects: u64,
    /// Characters.
    pub characters: u64,
    /// Variations of characters.
    pub variations: u64,
    /// Animations.
    pub animations: u64,
    /// Frames.
    pub frames: u64,
    /// Takes, shown by a frame or not.
    pub takes: u64,
    /// References, those for sprite sheets, for scenes and without a place among them.
    pub references: u64,
}

impl MegabananasRows {
    /// Returns how many assets were created.
    #[must_use]
    pub fn assets(&self) -> u64 {
        self.variations + self.takes + self.references
    }
}

/// Something that the user should know of one row, value or file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "finding",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum MegabananasFinding {
    /// A row did not arrive.
    LeftOut {
        /// The table of the app.
        table: String,
        /// The row's id in the app.
        source_id: String,
        /// Why it did not arrive.
        reason: String,
        /// The row as the app has it.
        row: Value,
    },
    /// An asset arrived as a reference tagged `unplaced`.
    Unplaced {
        /// The asset's id in the app.
        source_id: String,
        /// The asset it is here.
        asset_id: AssetId,
        /// Why nothing owns it.
        reason: String,
    },
    /// A frame stands at another index than in the app, since no index is left free here.
    Renumbered {
        /// The animation it is part of.
        animation_id: AnimationId,
        /// The frame's id in the app.
        source_id: String,
        /// Its index in the app.
        from: i64,
        /// Its index here.
        to: u32,
    },
    /// A value did not arrive as it was.
    Adjusted {
        /// The table of the app.
        table: String,
        /// The row's id in the app.
        source_id: String,
        /// The column.
        column: String,
        /// What became of the value, and why.
        reason: String,
    },
    /// A row changed in the app since it was imported.
    ChangedRow {
        /// The table of the app.
        table: String,
        /// The row's id in the app.
        source_id: String,
        /// The columns that have other values now.
        columns: Vec<String>,
    },
    /// A file has other bytes than those that were imported from it.
    ChangedFile {
        /// The asset that was imported from it.
        asset_id: AssetId,
        /// The asset's id in the app.
        source_id: String,
        /// The file, as the app names it.
        path: String,
        /// The SHA-256 of the asset's bytes.
        recorded: Sha256,
        /// The SHA-256 of the file's bytes now.
        found: Sha256,
    },
    /// A table or column that this importer does not know.
    Unknown {
        /// The table of the app.
        table: String,
        /// The column; `None` for the table as a whole.
        column: Option<String>,
        /// What became of its values.
        reason: String,
    },
    /// A file in the folder that no row names.
    Skipped {
        /// The file, relative to the folder.
        path: String,
    },
}

/// What an import tells while it goes on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MegabananasEvent<'a> {
    /// So many of so many assets are done.
    Progress {
        /// How many are done.
        done: u64,
        /// How many there are.
        total: u64,
    },
    /// A finding, when it is made. The report holds only the first of each kind.
    Found(&'a MegabananasFinding),
}

impl MegabananasReport {
    /// Adds a finding to its list.
    pub(super) fn add(&mut self, finding: MegabananasFinding) {
        use MegabananasFinding as Finding;
        let list = match &finding {
            Finding::LeftOut { .. } => &mut self.left_out,
            Finding::Unplaced { .. } => &mut self.unplaced,
            Finding::Renumbered { .. } => &mut self.renumbered,
            Finding::Adjusted { .. } => &mut self.adjusted,
            Finding::ChangedRow { .. } | Finding::ChangedFile { .. } => &mut self.changed,
            Finding::Unknown { .. } => &mut self.unknown,
            Finding::Skipped { .. } => &mut self.skipped,
        };
        list.push(finding);
    }
}

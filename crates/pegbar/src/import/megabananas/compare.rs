//! What changed in the app since a row was imported. It is told, and nothing is overwritten.

use serde_json::value::RawValue;

use super::Import;
use super::asset::{Claimed, Shown};
use super::known::KnownAsset;
use super::report::MegabananasFinding as Finding;
use super::row::AppRow;
use super::source::AppAsset;
use crate::db::blocking;
use crate::error::Result;
use crate::import::folder;
use crate::json::Json;

/// Columns that change with every change of others, or that count others.
const FOLLOWING: &[&str] = &["updatedAt", "frameCount"];

/// Under which name settings keep the row that they were made of.
pub(super) const ROW: &str = "megabananas";

impl Import<'_> {
    /// Compares an asset that was imported with what the app has now.
    pub(super) fn compare(
        &mut self,
        asset: &AppAsset,
        shown: Shown<'_>,
        known: &KnownAsset,
    ) -> Result<()> {
        self.report.known += 1;
        let claimed = Claimed::read(known.claim.as_deref());
        self.compare_row(&asset.row, claimed.asset.as_deref());
        if let (Some(frame), Some(id)) = (shown.frame, claimed.frame_id())
            && frame.id() == id
        {
            self.compare_row(frame, claimed.frame.as_deref());
        }
        for (rows, claimed) in [
            (&asset.sheets, &claimed.sprite_sheets),
            (&asset.scenes, &claimed.scenes),
        ] {
            for row in rows {
                let earlier = claimed.iter().find(|earlier| has_id(earlier, row));
                match earlier {
                    Some(earlier) => self.compare_row(row, Some(earlier)),
                    None => self.left_out(row, "its image was imported before it".to_owned()),
                }
            }
        }
        let path = asset.row.text("filePath").unwrap_or_default();
        let (Ok(file), Some(recorded)) = (self.folder.file(&path), known.sha256) else {
            // The image is here, whatever became of the file there.
            return Ok(());
        };
        let found = blocking(|| folder::hash(&file))?;
        if found != recorded {
            self.found(Finding::ChangedFile {
                asset_id: known.id,
                source_id: asset.row.id(),
                path,
                recorded,
                found,
            });
        }
        Ok(())
    }

    /// Compares a row with the text it had when it was imported.
    pub(super) fn compare_row(&mut self, row: &AppRow, earlier: Option<&RawValue>) {
        if let Some(earlier) = earlier {
            self.tell_changes(row, earlier.get());
        }
    }

    /// Compares a row with what the settings kept of it.
    pub(super) fn compare_settings(&mut self, row: &AppRow, settings: &Json) {
        if let Some(earlier) = settings.get(ROW) {
            self.tell_changes(row, &earlier.to_string());
        }
    }

    fn tell_changes(&mut self, row: &AppRow, earlier: &str) {
        let columns = row.changes(earlier, FOLLOWING);
        if !columns.is_empty() {
            self.found(Finding::ChangedRow {
                table: row.table.to_owned(),
                source_id: row.id(),
                columns,
            });
        }
    }
}

fn has_id(earlier: &RawValue, row: &AppRow) -> bool {
    AppRow::parse(row.table, earlier.get().to_owned()).is_ok_and(|earlier| earlier.id() == row.id())
}

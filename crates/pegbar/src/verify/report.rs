//! What verifying found: every damaged asset, and what depends on it.

use std::fmt;

use serde::Serialize;

use super::damage::{Damage, with_words};
use crate::asset::Showing;
use crate::id::{AssetId, GenerationId, ProjectId};

/// How many damaged assets, and generations, a [`VerifyReport`] names.
pub const MAX_DAMAGED: usize = 10_000;

/// How many dependents of one damaged asset are counted.
pub const MAX_DEPENDENTS: u64 = 1000;

/// How many dependents, and frames, of one damaged asset are named.
pub const MAX_NAMED_DEPENDENTS: usize = 10;

/// What verifying found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// Only the records were compared: no bytes were read.
    pub is_records_only: bool,
    /// How many assets were looked at.
    pub assets: u64,
    /// How many blobs were looked at; the same bytes are hashed once.
    pub blobs: u64,
    /// How many bytes were hashed.
    pub bytes: u64,
    /// How many assets have dropped their bytes: their records are all there is to compare.
    pub bytes_dropped: u64,
    /// How many assets are damaged.
    pub damaged_count: u64,
    /// The damaged assets by project, in the order of their ids; at most [`MAX_DAMAGED`].
    pub damaged: Vec<DamagedAsset>,
    /// How many generations were looked at: those that the assets came from and, where whole
    /// projects are verified, those without outputs.
    pub generations: u64,
    /// How many generations without outputs contradict themselves. What contradicts an asset
    /// is that asset's damage.
    pub damaged_generation_count: u64,
    /// The damaged generations by project, in the order of their ids; at most [`MAX_DAMAGED`].
    pub damaged_generations: Vec<DamagedGeneration>,
}

impl VerifyReport {
    /// Returns whether nothing is damaged.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damaged_count == 0 && self.damaged_generation_count == 0
    }
}

/// An asset that is not as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DamagedAsset {
    /// The project that it is in.
    pub project_id: ProjectId,
    /// The asset.
    pub asset_id: AssetId,
    /// Its file, relative to `public/assets/`.
    pub file_path: Option<String>,
    /// What is wrong with it, at least one thing.
    ///
    /// In JSON each has, beside its fields, a `message` and a `hint`.
    #[serde(serialize_with = "with_words")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::openapi::DamageInWords>))]
    pub damages: Vec<Damage>,
    /// What was made from it, directly or not.
    pub dependents: Dependents,
    /// The frames that show it.
    pub shown_by: ShownBy,
}

/// A generation without outputs that contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DamagedGeneration {
    /// The project that it is in.
    pub project_id: ProjectId,
    /// The generation.
    pub generation_id: GenerationId,
    /// What is wrong with it, at least one thing.
    ///
    /// In JSON each has, beside its fields, a `message` and a `hint`.
    #[serde(serialize_with = "with_words")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::openapi::DamageInWords>))]
    pub damages: Vec<Damage>,
}

/// What was made from an asset, directly or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Dependents {
    /// How many there are; where `has_more`, [`MAX_DEPENDENTS`].
    pub count: u64,
    /// There are more than were counted.
    pub has_more: bool,
    /// Some of them, at most [`MAX_NAMED_DEPENDENTS`], in the order of their ids.
    pub first: Vec<AssetId>,
}

/// The frames that show an asset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShownBy {
    /// How many there are.
    pub count: u64,
    /// The first of them, at most [`MAX_NAMED_DEPENDENTS`], by animation, in order.
    pub first: Vec<Showing>,
}

impl fmt::Display for DamagedGeneration {
    /// Writes on one line which generation it is, and what is wrong with it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "generation {}", self.generation_id)?;
        for (place, damage) in self.damages.iter().enumerate() {
            write!(f, "{}{damage}", if place == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}

impl fmt::Display for DamagedAsset {
    /// Writes on one line which asset it is, what is wrong with it and what depends on it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asset {}", self.asset_id)?;
        if let Some(path) = &self.file_path {
            write!(f, " ({path})")?;
        }
        for (place, damage) in self.damages.iter().enumerate() {
            write!(f, "{}{damage}", if place == 0 { ": " } else { "; " })?;
        }
        let Dependents {
            count, has_more, ..
        } = self.dependents;
        match (count, has_more) {
            (0, _) => {}
            (1, _) => f.write_str("; 1 asset was made from it")?,
            (_, false) => write!(f, "; {count} assets were made from it")?,
            (_, true) => write!(f, "; more than {count} assets were made from it")?,
        }
        for (place, frame) in self.shown_by.first.iter().enumerate() {
            write!(
                f,
                "{}{frame}",
                if place == 0 { "; shown by " } else { ", " }
            )?;
        }
        match self
            .shown_by
            .count
            .saturating_sub(self.shown_by.first.len() as u64)
        {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

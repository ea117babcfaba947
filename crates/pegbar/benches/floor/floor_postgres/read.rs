//! Rows of PostgreSQL as structs.

use std::error::Error as StdError;

use pegbar::{AssetKind, MillisSinceEpoch, ReferenceRole, Sha256};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

use super::Read;
use super::values::EPOCH_US;
use crate::tree::{Animation, Asset, Character, Frame, Project, Reference, kind, role, unhex};

/// Declares a type that is read from the raw bytes of a column.
macro_rules! from_raw {
    ($name:ident($inner:ty), $read:expr) => {
        struct $name($inner);

        impl<'a> FromSql<'a> for $name {
            fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
                let read: fn(&[u8]) -> Option<$inner> = $read;
                read(raw).map(Self).ok_or_else(|| "unexpected value".into())
            }

            fn accepts(_: &Type) -> bool {
                true
            }
        }
    };
}
from_raw!(Kind(AssetKind), kind);
from_raw!(Role(ReferenceRole), role);
from_raw!(Hash(Sha256), unhex);
from_raw!(Time(MillisSinceEpoch), |raw| {
    let micros = i64::from_be_bytes(raw.try_into().ok()?);
    Some(MillisSinceEpoch((micros + EPOCH_US) / 1000))
});

pub(super) fn time(row: &Row, column: usize) -> Read<MillisSinceEpoch> {
    row.try_get::<_, Time>(column).map(|time| time.0)
}

pub(super) fn hash(row: &Row, column: usize) -> Read<Option<Sha256>> {
    row.try_get::<_, Option<Hash>>(column)
        .map(|hash| hash.map(|hash| hash.0))
}

pub(super) fn asset_kind(row: &Row, column: usize) -> Read<AssetKind> {
    row.try_get::<_, Kind>(column).map(|kind| kind.0)
}

pub(super) fn reference_role(row: &Row, column: usize) -> Read<ReferenceRole> {
    row.try_get::<_, Role>(column).map(|role| role.0)
}

pub(super) fn optional_time(row: &Row, column: usize) -> Read<Option<MillisSinceEpoch>> {
    let time = row.try_get::<_, Option<Time>>(column)?;
    Ok(time.map(|time| time.0))
}

pub(super) fn unsigned(row: &Row, column: usize) -> Read<Option<u32>> {
    let side: Option<i32> = row.try_get(column)?;
    Ok(side.map(i32::unsigned_abs))
}

pub(super) fn tag(row: &Row) -> Read<(Uuid, String)> {
    Ok((row.try_get(0)?, row.try_get(1)?))
}

pub(super) fn reference(row: &Row) -> Read<(Uuid, Reference)> {
    let reference = Reference {
        asset_id: row.try_get(1)?,
        role: row.try_get::<_, Role>(2)?.0,
        sha256: hash(row, 3)?,
    };
    Ok((row.try_get(0)?, reference))
}

pub(super) fn project(row: &Row) -> Read<Project> {
    Ok(Project {
        id: row.try_get(0)?,
        source_id: row.try_get(1)?,
        name: row.try_get(2)?,
        description: row.try_get(3)?,
        thumbnail_id: row.try_get(4)?,
        settings: row.try_get(5)?,
        created_at: time(row, 6)?,
        updated_at: time(row, 7)?,
        tags: Vec::new(),
    })
}

pub(super) fn character(row: &Row) -> Read<Character> {
    Ok(Character {
        id: row.try_get(0)?,
        project_id: row.try_get(1)?,
        source_id: row.try_get(2)?,
        name: row.try_get(3)?,
        segment: row.try_get(4)?,
        segment_key: row.try_get(5)?,
        description: row.try_get(6)?,
        user_prompt: row.try_get(7)?,
        primary_asset_id: row.try_get(8)?,
        generation_settings: row.try_get(9)?,
        created_at: time(row, 10)?,
        updated_at: time(row, 11)?,
        tags: Vec::new(),
    })
}

pub(super) fn animation(row: &Row) -> Read<Animation> {
    Ok(Animation {
        id: row.try_get(0)?,
        project_id: row.try_get(1)?,
        character_id: row.try_get(2)?,
        source_id: row.try_get(3)?,
        name: row.try_get(4)?,
        segment: row.try_get(5)?,
        segment_key: row.try_get(6)?,
        description: row.try_get(7)?,
        user_prompt: row.try_get(8)?,
        version: row.try_get(9)?,
        created_at: time(row, 10)?,
        updated_at: time(row, 11)?,
        frame_duration_ms: unsigned(row, 12)?,
        frame_count: 0,
    })
}

pub(super) fn frame(row: &Row) -> Read<Frame> {
    Ok(Frame {
        id: row.try_get(0)?,
        project_id: row.try_get(1)?,
        animation_id: row.try_get(2)?,
        asset_id: row.try_get(3)?,
        frame_index: row.try_get::<_, i32>(4)?.unsigned_abs(),
        frame_prompt: row.try_get(5)?,
        created_at: time(row, 6)?,
        source_id: row.try_get(7)?,
    })
}

pub(super) fn asset(row: &Row) -> Read<Asset> {
    Ok(Asset {
        id: row.try_get(0)?,
        project_id: row.try_get(1)?,
        source_id: row.try_get(2)?,
        source_path: row.try_get(3)?,
        kind: row.try_get::<_, Kind>(4)?.0,
        character_id: row.try_get(5)?,
        animation_id: row.try_get(6)?,
        generation_id: row.try_get(7)?,
        file_path: row.try_get(8)?,
        mime_type: row.try_get(9)?,
        file_size: row.try_get::<_, Option<i64>>(10)?.map(i64::unsigned_abs),
        width: unsigned(row, 11)?,
        height: unsigned(row, 12)?,
        sha256: hash(row, 13)?,
        original_name: row.try_get(14)?,
        generation_prompt: row.try_get(15)?,
        generation_system_prompt: row.try_get(16)?,
        generation_settings: row.try_get::<_, Option<Value>>(17)?,
        model: row.try_get(18)?,
        record: row.try_get(19)?,
        record_hash: hash(row, 20)?,
        bytes_dropped_at: row.try_get::<_, Option<Time>>(21)?.map(|time| time.0),
        created_at: time(row, 22)?,
        updated_at: time(row, 23)?,
        image_count: unsigned(row, 24)?,
        tags: Vec::new(),
        references: Vec::new(),
    })
}

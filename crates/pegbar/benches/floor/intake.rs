//! Taking in files, durably: ours beside a loop that writes each file, flushes it, renames it and
//! commits a row of its own.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use pegbar::{FolderOptions, FolderPlan, NewAsset, NewProject, ProjectId};
use sha2::{Digest, Sha256};

use crate::Outcome;
use crate::measure::Cost;
use crate::race::{Race, Side};
use crate::scenario::Scale;
use crate::site::{Floor, Site};

/// Images of noise, which no compression makes smaller: about 100 kB each.
const SIDE: u32 = 157;

/// Imports a folder, imports it again, and adds files one by one.
///
/// Nothing is deleted before the end: ext4 is slow to find room for new files shortly after
/// others were removed, which would be measured instead.
pub(crate) async fn intake(site: &Site, scale: Scale) -> Outcome<Vec<Race>> {
    let count = scale.files;
    let singles = count / 10;
    let mut first = Race::new(format!("import {count} images of 100 kB"), 1.3);
    let mut again = Race::new("import them again ÷ reading and hashing", 1.5);
    let mut single = Race::new(format!("add {singles} of them, one call each"), None);
    let template = noise()?;
    let rounds = scale.rounds;
    for round in 0..=rounds {
        let folder = site.root().join(format!("source-{round}"));
        let files = write_images(&folder, &template, round, count)?;
        let project = site.studio.create_project(NewProject::new("P")).await?;
        let project = project.project.id;
        for side in Race::order(round) {
            let cost = match side {
                Side::Ours => import(site, project, &folder, count).await?,
                Side::Floor => add_by_floor(site, project, &files).await?,
            };
            if round > 0 {
                first.add(side, cost);
            }
        }
        for side in Race::order(round) {
            let cost = match side {
                Side::Ours => import(site, project, &folder, 0).await?,
                Side::Floor => read_and_hash(site, &files)?,
            };
            if round > 0 {
                again.add(side, cost);
            }
        }
        let files = write_images(&folder, &template, rounds + 1 + round, singles)?;
        for side in Race::order(round) {
            let cost = match side {
                Side::Ours => add_one_by_one(site, project, &files).await?,
                Side::Floor => add_by_floor(site, project, &files).await?,
            };
            if round > 0 {
                single.add(side, cost);
            }
        }
    }
    Ok(vec![first, again, single])
}

/// Imports a folder of which `new` images are new.
async fn import(site: &Site, project: ProjectId, folder: &Path, new: usize) -> Outcome<Cost> {
    let start = site.meter.start();
    let plan = FolderPlan::of(folder, &FolderOptions::default())?;
    let report = site.studio.import_folder(project, &plan, true, |_, _| {});
    let report = report.await?;
    let cost = site.meter.stop(&start);
    if report.created.references != new as u64 || !report.refused.is_empty() {
        return Err(format!("{new} images were to be imported: {report:?}").into());
    }
    Ok(cost)
}

async fn add_one_by_one(site: &Site, project: ProjectId, files: &[PathBuf]) -> Outcome<Cost> {
    let start = site.meter.start();
    for file in files {
        let new = vec![NewAsset::from_file(file)];
        site.studio.create_assets(project, new).await?;
    }
    Ok(site.meter.stop(&start))
}

/// Writes, flushes and renames each file, and commits a row of it.
async fn add_by_floor(site: &Site, project: ProjectId, files: &[PathBuf]) -> Outcome<Cost> {
    let folder = site.root().join("floor");
    fs::create_dir_all(&folder)?;
    let start = site.meter.start();
    for file in files {
        let bytes = fs::read(file)?;
        let id = site.ids.next();
        let name = format!("{id}.png");
        let written = folder.join("new");
        let mut target = File::create(&written)?;
        target.write_all(&bytes)?;
        target.sync_all()?;
        fs::rename(&written, folder.join(&name))?;
        let length = i64::try_from(bytes.len())?;
        match &site.floor {
            Floor::Sqlite(floor) => floor.add_file(id, project.0, &name, length)?,
            Floor::Postgres(floor) => floor.add_file(id, project.0, &name, length).await?,
        }
    }
    let cost = site.meter.stop(&start);
    Ok(cost)
}

pub(crate) fn read_and_hash(site: &Site, files: &[PathBuf]) -> Outcome<Cost> {
    let start = site.meter.start();
    let mut chunk = vec![0; 1 << 16];
    let mut sum = 0_u8;
    for file in files {
        let mut file = File::open(file)?;
        let mut hasher = Sha256::new();
        loop {
            match file.read(&mut chunk)? {
                0 => break,
                read => hasher.update(&chunk[..read]),
            }
        }
        sum ^= hasher.finalize()[0];
    }
    let cost = site.meter.stop(&start);
    std::hint::black_box(sum);
    Ok(cost)
}

/// Writes images that differ from each other and from those of other rounds.
pub(crate) fn write_images(
    folder: &Path,
    template: &[u8],
    round: usize,
    count: usize,
) -> Outcome<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let mut files = Vec::with_capacity(count);
    for number in 0..count {
        // Names that are no frames: every image is one asset.
        let file = folder.join(format!("image {round} {number} x.png"));
        fs::write(&file, with_comment(template, &format!("{round} {number}")))?;
        files.push(file);
    }
    Ok(files)
}

pub(crate) fn noise() -> Outcome<Vec<u8>> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let image = image::RgbaImage::from_fn(SIDE, SIDE, |_, _| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let [a, b, c, d, ..] = state.to_le_bytes();
        image::Rgba([a, b, c, d])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// Puts a `tEXt` chunk behind the header of a PNG (PNG, sections 5.3 and 11.3.4.3).
pub(crate) fn with_comment(png: &[u8], text: &str) -> Vec<u8> {
    const HEADER_END: usize = 8 + 25;
    let mut chunk = b"tEXtComment\0".to_vec();
    chunk.extend_from_slice(text.as_bytes());
    let length = u32::try_from(chunk.len() - 4).unwrap_or_default();
    let mut bytes = Vec::with_capacity(png.len() + chunk.len() + 8);
    bytes.extend_from_slice(&png[..HEADER_END]);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&chunk);
    bytes.extend_from_slice(&crc(&chunk).to_be_bytes());
    bytes.extend_from_slice(&png[HEADER_END..]);
    bytes
}

/// The CRC of a chunk (PNG, annex D).
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

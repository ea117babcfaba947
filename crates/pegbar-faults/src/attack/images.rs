//! Hostile images through every way in: mutated from a corpus, in a process with little memory.

pub(super) mod corpus;
pub(super) mod mutate;

use std::fs;
use std::time::Instant;

use nix::sys::resource::{Resource, setrlimit};
use pegbar::{
    AdoptOptions, AsSeen, AssetFilter, Error, FolderOptions, FolderPlan, GenerationInput,
    ImageSource, Json, NewAsset, NewGeneration, PageRequest, ProjectId, ReferenceRole,
};

use super::kill::acknowledged;
use super::{Figure, Setting};
use crate::operation::{Scene, walk};
use crate::random::Random;
use crate::site::insert_asset;
use crate::victim::{self, Running};
use crate::{Result, block_on, check};

/// How many images the short form makes.
const SHORT: usize = 1000;
/// How many of them one process is given.
const BATCH: usize = 500;
/// How many bytes a large file has more than the image in it.
const LARGE: usize = 1_100_000;
/// Where another program leaves its files, below the folder of a project.
const SCRATCH: &str = "scratch";
/// How much memory it may use, in bytes, with its code and the stacks of its threads.
pub(super) const MEMORY: u64 = 512 << 20;

/// Gives mutated images to the library: as bytes, in pieces, as files of a folder, as large
/// files, as what a model was given, in rows of another program; then reads what they claim, and hostile JSON as settings.
///
/// # Errors
/// A panic, more memory than there is, an error that is none of a bad image's, or a studio that
/// is not whole afterwards.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    let begun = Instant::now();
    let base = setting.base()?;
    let wanted = setting.count(SHORT);
    let (mut images, mut taken, mut peak) = (0, 0, 0);
    let mut seed = setting.seed;
    while images < wanted && !setting.is_over(images) {
        let site = base.copy()?;
        let ended = Running::start(setting, &site, "images", seed)?.wait()?;
        let lines = acknowledged(&ended.stdout);
        if !ended.is_success || ended.stderr.contains("panicked") {
            return Err(format!("batch {seed}: {}", ended.stderr).into());
        }
        block_on(check::look(&site, &[]))?;
        let number = |what: &str| -> usize {
            let mut found = lines.iter().filter_map(|line| line.strip_prefix(what));
            found
                .next()
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or(0)
        };
        images += number("images");
        taken += number("taken");
        peak = peak.max(number("peak"));
        seed += 1;
    }
    Ok(vec![Figure {
        attack: "hostile images, claims and JSON through seven ways in".to_owned(),
        engine: setting.rows.engine(),
        count: images,
        detail: format!(
            "{taken} taken in, the rest refused; no panic; at most {} MiB of memory (limit {} MiB)",
            peak >> 10,
            MEMORY >> 20
        ),
        seconds: begun.elapsed().as_secs(),
    }])
}

/// What a process does: a batch of images.
///
/// # Errors
/// What the library refuses for another reason than the image.
pub async fn run(scene: Scene) -> Result<()> {
    setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY)?;
    let mut random = Random::new(scene.seed);
    let corpus = corpus::all();
    let project = walk(&scene.studio).await?.animation.project_id;
    let folder = scene.folder.join("hostile");
    fs::create_dir_all(&folder)?;
    let mut taken = 0;
    for number in 0..BATCH {
        let bytes = mutate::one_of(&corpus, &mut random);
        let is_taken = match number % 7 {
            0 => is_taken(
                scene
                    .studio
                    .create_asset(project, NewAsset::from_bytes(bytes))
                    .await,
            )?,
            1 => is_taken(receive(&scene, &bytes))?,
            2 => is_taken(was_given(&scene, project, bytes).await)?,
            3 => is_taken(add_large(&scene, project, bytes, &mut random).await)?,
            4 => leave_row(&scene, project, number, &bytes)?,
            _ => {
                fs::write(folder.join(format!("{number}.png")), bytes)?;
                false
            }
        };
        taken += usize::from(is_taken);
        // Anything but a refusal in words would be a panic.
        let _ = Json::parse(&mutate::json(&mut random));
    }
    let adopted = adopt(&scene, project).await?;
    let options = FolderOptions {
        character: Some("Hostile".to_owned()),
        animation: Some("Hostile".to_owned()),
        ..FolderOptions::default()
    };
    let plan = FolderPlan::of(&folder, &options)?;
    let report = scene
        .studio
        .import_folder(project, &plan, false, |_, _| {})
        .await?;
    let all = AssetFilter::default();
    let page = PageRequest::default().limit(1000);
    for asset in scene.studio.list_assets(project, &all, page).await?.rows {
        let _ = scene.studio.read_credentials(asset.id).await;
        let _ = scene.studio.list_claims(asset.id).await?;
    }
    victim::say(&format!("images {BATCH}"));
    victim::say(&format!(
        "taken {}",
        taken + usize::try_from(report.created.frames + adopted)?
    ));
    victim::say(&format!("peak {}", peak_kib()));
    Ok(())
}

fn receive(scene: &Scene, bytes: &[u8]) -> pegbar::Result<()> {
    let mut receiver = scene.studio.receive_image();
    for piece in bytes.chunks(37) {
        receiver.write(piece)?;
    }
    receiver.finish(None).map(drop)
}

/// As a file that is too large to be read into memory at once.
async fn add_large(
    scene: &Scene,
    project: ProjectId,
    mut bytes: Vec<u8>,
    random: &mut Random,
) -> pegbar::Result<()> {
    let at = random.below(bytes.len() + 1);
    let more = std::iter::repeat_with(|| random.number().to_le_bytes());
    let more: Vec<u8> = more.take(LARGE / 8).flatten().collect();
    bytes.splice(at..at, more);
    let path = scene.folder.join("large.png");
    fs::write(&path, bytes).map_err(|source| Error::Io {
        action: "writing",
        path: path.clone(),
        source,
    })?;
    let new = NewAsset::from_file(path);
    scene.studio.create_asset(project, new).await.map(drop)
}

/// As another program would leave it: a row, and a file somewhere.
fn leave_row(scene: &Scene, project: ProjectId, number: usize, bytes: &[u8]) -> Result<bool> {
    let path = format!("{project}/{SCRATCH}/{number}.png");
    let file = scene.studio.assets_folder().join(&path);
    fs::create_dir_all(file.parent().unwrap_or(&file))?;
    fs::write(file, bytes)?;
    let id = format!("0192a0f0-7d3c-7a51-8f11-{number:012x}");
    let (address, root) = (victim::address(), scene.studio.root());
    insert_asset(&address, root, &id, &project.to_string(), &path)?;
    Ok(false)
}

/// Adopts what was left, and removes what was not taken in.
async fn adopt(scene: &Scene, project: ProjectId) -> Result<u64> {
    let adopted = scene.studio.adopt(AdoptOptions::default(), |_, _| {});
    let adopted = adopted.await?;
    let all = AssetFilter::default();
    let mut page = PageRequest::default().limit(1000);
    loop {
        let found = scene.studio.list_assets(project, &all, page).await?;
        page.after = found.rows.last().map(|asset| asset.id);
        for asset in found.rows.iter().filter(|asset| asset.sha256.is_none()) {
            scene.studio.delete_asset(AsSeen::from(asset.id)).await?;
        }
        if !found.has_more {
            break;
        }
    }
    let scratch = format!("{project}/{SCRATCH}");
    fs::remove_dir_all(scene.studio.assets_folder().join(scratch))?;
    Ok(adopted.adopted)
}

async fn was_given(scene: &Scene, project: ProjectId, bytes: Vec<u8>) -> pegbar::Result<()> {
    let input = GenerationInput::image(ImageSource::Bytes(bytes), ReferenceRole::Other);
    let new = NewGeneration::succeeded(Vec::new())
        .prompt("p")
        .input(input);
    scene.studio.record_generation(project, new).await.map(drop)
}

fn is_taken<T>(done: pegbar::Result<T>) -> Result<bool> {
    match done {
        Ok(_) => Ok(true),
        Err(Error::NotAnImage { .. } | Error::Invalid { .. } | Error::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The most memory that this process ever had, in KiB (proc(5), `VmHWM`).
pub(super) fn peak_kib() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    number.unwrap_or(0)
}

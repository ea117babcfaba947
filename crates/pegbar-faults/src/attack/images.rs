//! Hostile images through every way in: mutated from a corpus, in a process with little memory.

pub(super) mod corpus;
pub(super) mod mutate;

use std::fs;
use std::time::Instant;

use nix::sys::resource::{Resource, setrlimit};
use pegbar::{
    AssetFilter, Error, FolderOptions, FolderPlan, GenerationInput, ImageSource, Json, NewAsset,
    NewGeneration, PageRequest, ProjectId, ReferenceRole,
};

use super::kill::acknowledged;
use super::{Figure, Setting};
use crate::operation::{Scene, walk};
use crate::random::Random;
use crate::site::Base;
use crate::victim::{self, Running};
use crate::{Result, block_on, check};

/// How many images the short form makes.
const SHORT: usize = 2000;
/// How many of them one process is given.
const BATCH: usize = 500;
/// How much memory it may use, in bytes, with its code and the stacks of its threads.
pub(super) const MEMORY: u64 = 512 << 20;

/// Gives mutated images to the library: as bytes, in pieces, as files of a folder, as what a
/// model was given; then reads what they claim, and hostile JSON as settings.
///
/// # Errors
/// A panic, more memory than there is, an error that is none of a bad image's, or a studio that
/// is not whole afterwards.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    let begun = Instant::now();
    let base = Base::new(&setting.rows)?;
    let wanted = setting.count(SHORT);
    let (mut images, mut taken, mut peak) = (0, 0, 0);
    let mut seed = setting.seed;
    while images < wanted && !setting.is_over() {
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
        attack: "hostile images, claims and JSON through five ways in".to_owned(),
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
        let is_taken = match number % 5 {
            0 => is_taken(
                scene
                    .studio
                    .create_asset(project, NewAsset::from_bytes(bytes))
                    .await,
            )?,
            1 => is_taken(receive(&scene, &bytes))?,
            2 => is_taken(was_given(&scene, project, bytes).await)?,
            _ => {
                fs::write(folder.join(format!("{number}.png")), bytes)?;
                false
            }
        };
        taken += usize::from(is_taken);
        // Anything but a refusal in words would be a panic.
        let _ = Json::parse(&mutate::json(&mut random));
    }
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
        taken + usize::try_from(report.created.frames)?
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

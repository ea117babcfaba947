//! Hostile names and paths, with folders of the view exchanged for links that lead out.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pegbar::{
    AdoptOptions, Error, NewAnimation, NewAsset, NewCharacter, NewFrame, NewProject, ProjectId,
    Sha256, Studio,
};

use super::kill::acknowledged;
use super::{Figure, Setting, during};
use crate::operation::Scene;
use crate::random::Random;
use crate::site::{Site, png};
use crate::victim::{self, Running};
use crate::{Result, block_on};

/// How many names the short form tries.
const SHORT: usize = 200;
/// How many of them are tried in one studio.
const BATCH: usize = 50;
/// A picture that lies outside, and must not come in.
const SECRET: u64 = 0x00ab_cdef;

/// Gives hostile names and paths to a studio whose folders are exchanged for links.
///
/// # Errors
/// Anything that was written, changed or read outside of the studio; a studio that is not whole
/// when the links are gone.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    let begun = Instant::now();
    let base = setting.base()?;
    let wanted = setting.count(SHORT);
    let (mut names, mut accepted, mut swaps) = (0, 0, 0);
    let mut seed = setting.seed;
    while names < wanted && !setting.is_over(names) {
        let site = base.copy()?;
        let outside = site.folder().join("outside");
        lay_out(&outside)?;
        let before = listing(site.folder())?;
        if !setting.meanwhile {
            swaps += link_one(&site, &outside, seed)?;
        }
        let mut running = Running::start(setting, &site, "names", seed)?;
        if setting.meanwhile {
            swaps += swap(&site, &outside, seed, &mut running)?;
        }
        let ended = running.wait()?;
        if !ended.is_success || ended.stderr.contains("panicked") {
            return Err(format!("batch {seed}: {}", ended.stderr).into());
        }
        let after = listing(site.folder())?;
        if before != after {
            let new = after.iter().filter(|path| !before.contains(path));
            let gone = before.iter().filter(|path| !after.contains(path));
            let (new, gone): (Vec<_>, Vec<_>) = (new.collect(), gone.collect());
            return Err(format!("batch {seed}: an escape: new {new:?}, gone {gone:?}").into());
        }
        let secret = Sha256::of(&png(SECRET)).to_string();
        let blob = site
            .root()
            .join(".pegbar/blobs")
            .join(&secret[..2])
            .join(&secret);
        if blob.exists() {
            return Err(format!("batch {seed}: a picture from outside was taken in").into());
        }
        put_back(site.root().join("public/assets"))?;
        during(|| format!("batch {seed}"), block_on(is_whole(&site)))?;
        if listing(site.folder())? != before {
            return Err(format!("batch {seed}: an escape while it was put right").into());
        }
        accepted += acknowledged(&ended.stdout)
            .iter()
            .filter(|line| *line == "accepted")
            .count();
        names += BATCH;
        seed += 1;
    }
    Ok(vec![Figure {
        attack: if setting.meanwhile {
            "hostile names and paths, folders exchanged for links meanwhile".to_owned()
        } else {
            "hostile names and paths, folders exchanged for links".to_owned()
        },
        engine: setting.rows.engine(),
        count: names,
        detail: format!("{accepted} accepted as text, {swaps} exchanges, 0 escapes"),
        seconds: begun.elapsed().as_secs(),
    }])
}

/// The same, with folders exchanged for links and back while the victim works.
///
/// # Errors
/// As [`attack`].
pub fn attack_meanwhile(setting: &Setting) -> Result<Vec<Figure>> {
    attack(&Setting {
        meanwhile: true,
        ..setting.clone()
    })
}

/// Removes the links below a folder, and the folders that were moved away for them.
fn put_back(folder: PathBuf) -> Result<()> {
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_symlink() {
                fs::remove_file(path)?;
            } else if path.extension().is_some_and(|end| end == "aside") {
                fs::remove_dir_all(path)?;
            } else if path.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(())
}

/// Opens a studio whose links are gone, and checks that its files can be put right.
async fn is_whole(site: &Site) -> Result<()> {
    let studio = site.open().await?;
    let first = studio.sync(|_, _| {}).await?;
    let second = studio.sync(|_, _| {}).await?;
    if !first.missing.is_empty() || !first.damaged.is_empty() {
        return Err(format!("bytes are gone: {first:?}").into());
    }
    if (second.written, second.removed, second.kept.len()) != (0, 0, 0) {
        return Err(format!("not right after being put right: {second:?}").into());
    }
    Ok(())
}

fn lay_out(outside: &Path) -> Result<()> {
    for folder in ["Walk", "Jump", "characters", "takes"] {
        fs::create_dir_all(outside.join(folder))?;
    }
    fs::write(outside.join("Walk/Cat_Walk_0.png"), png(SECRET))?;
    fs::write(outside.join("secret.png"), png(SECRET))?;
    Ok(())
}

/// Everything beside the studio, with the hashes of its bytes.
fn listing(folder: &Path) -> Result<Vec<(PathBuf, Option<Sha256>)>> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path == folder.join("studio") {
                continue;
            }
            if path.is_dir() {
                left.push(path.clone());
                found.push((path, None));
            } else {
                found.push((path.clone(), Some(Sha256::of(&fs::read(path)?))));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What is exchanged for links, below the folder of a project.
const PARTS: [&str; 5] = ["frames", "frames/Walk", "characters", "takes", "references"];

/// Exchanges a folder of each project's for a link to outside; returns how many.
fn link_one(site: &Site, outside: &Path, seed: u64) -> Result<usize> {
    let part = PARTS[Random::new(seed).below(PARTS.len())];
    let mut links = 0;
    for project in fs::read_dir(site.root().join("public/assets"))? {
        let folder = project?.path().join(part);
        if folder.is_dir() {
            fs::rename(&folder, folder.with_extension("aside"))?;
            symlink(outside, &folder)?;
            links += 1;
        }
    }
    Ok(links)
}

/// Exchanges folders of the view for links to outside and back, until the process has ended.
fn swap(site: &Site, outside: &Path, seed: u64, running: &mut Running) -> Result<usize> {
    let has_ended = AtomicBool::new(false);
    let public = site.root().join("public/assets");
    thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            let mut random = Random::new(seed ^ 0xff);
            let mut swaps = 0;
            while !has_ended.load(Ordering::Relaxed) {
                let projects: Vec<_> = fs::read_dir(&public)
                    .into_iter()
                    .flatten()
                    .flatten()
                    .collect();
                if let Some(project) = projects.get(random.below(projects.len())) {
                    let part = PARTS[random.below(PARTS.len())];
                    swaps += usize::from(exchange(&project.path().join(part), outside));
                }
                thread::sleep(Duration::from_micros(300));
            }
            swaps
        });
        while running.is_running()? {
            thread::sleep(Duration::from_millis(5));
        }
        has_ended.store(true, Ordering::Relaxed);
        swapping.join().map_err(|_| "the exchange panicked".into())
    })
}

fn exchange(folder: &Path, outside: &Path) -> bool {
    let aside = folder.with_extension("aside");
    if fs::rename(folder, &aside).is_err() {
        return false;
    }
    let linked = symlink(outside, folder).is_ok();
    thread::sleep(Duration::from_millis(2));
    if linked && folder.is_symlink() {
        let _ = fs::remove_file(folder);
    }
    let _ = fs::rename(&aside, folder);
    linked
}

/// Names that somebody might hope to get out with, or to break something.
fn name(random: &mut Random) -> String {
    let pieces = [
        "..",
        "/",
        "\\",
        "../",
        "../../",
        "outside",
        "CON",
        "NUL.png",
        ".",
        " ",
        "\u{202e}",
        "é",
        "e\u{301}",
        "İ",
        "ß",
        "猫",
        "\u{1f408}",
        "\u{0}",
        "\n",
        "~",
        "$HOME",
        "%2e%2e%2f",
        ":",
        "*",
        "-rf",
        "a",
        "Walk",
        "\u{200b}",
        ".pegbar",
        "aux",
        "|",
        "\u{fffd}",
        "Cat",
    ];
    let mut text = String::new();
    for _ in 0..=random.below(6) {
        text.push_str(pieces[random.below(pieces.len())]);
    }
    if random.one_in(15) {
        text = text.repeat(80);
    }
    text
}

/// What a process does: a batch of names, and rows of another program with hostile paths.
///
/// # Errors
/// What the library refuses for another reason than a name, a path, or what stands in its way.
pub async fn run(scene: Scene) -> Result<()> {
    let mut random = Random::new(scene.seed);
    // What lies behind the links is to change, too.
    let walk = crate::operation::walk(&scene.studio).await?;
    let last = walk.frames.last().ok_or("no frame")?.frame.id;
    scene.studio.move_frame(last, 0, None).await?;
    let tree = scene
        .studio
        .get_project_tree(walk.animation.project_id)
        .await?;
    let cat = tree.characters.first().ok_or("no character")?.character.id;
    let variation = NewAsset::from_bytes(png(4_000_000 + scene.seed));
    scene.studio.create_variation(cat, variation).await?;
    for number in 0..BATCH as u64 {
        let names = [name(&mut random), name(&mut random), name(&mut random)];
        if is_accepted(create(&scene, &names, number).await)? {
            victim::say("accepted");
        }
        let _ = scene.studio.image_at_path(&name(&mut random)).await;
    }
    adopt(&scene, &mut random).await
}

async fn create(scene: &Scene, names: &[String; 3], number: u64) -> pegbar::Result<()> {
    let image = |next| NewAsset::from_bytes(png(5_000_000 + scene.seed * 1000 + number * 4 + next));
    let animation = NewAnimation::new(names[2].as_str())
        .frame(NewFrame::new(image(0)))
        .take(image(1));
    let character = NewCharacter::new(names[1].as_str())
        .variation(image(2).original_name(names[0].as_str()))
        .animation(animation);
    let project = NewProject::new(names[0].as_str()).character(character);
    scene.studio.create_project(project).await.map(drop)
}

fn is_accepted<T>(done: pegbar::Result<T>) -> Result<bool> {
    match done {
        Ok(_) => Ok(true),
        Err(Error::Invalid { .. } | Error::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Writes rows as another program might, with paths that lead out, and adopts them.
async fn adopt(scene: &Scene, random: &mut Random) -> Result<()> {
    let project = crate::operation::walk(&scene.studio)
        .await?
        .animation
        .project_id;
    let up = [
        "../../../outside/secret.png",
        "frames/Walk/Cat_Walk_0.png",
        "/etc/passwd",
        "secret.png",
    ];
    for number in 0..10 {
        let below = up[random.below(up.len())];
        let path = match random.below(3) {
            0 => below.to_owned(),
            1 => format!("{project}/{below}"),
            _ => format!("{project}/{}/{below}", name(random)).replace('\0', ""),
        };
        insert(&scene.studio, project, scene.seed * 100 + number, &path)?;
    }
    let options = AdoptOptions::default();
    // What stands in the way is reported; what is refused is refused.
    let _ = scene.studio.adopt(options, |_, _| {}).await;
    Ok(())
}

fn insert(studio: &Studio, project: ProjectId, number: u64, path: &str) -> Result<()> {
    if studio.engine() != pegbar::Engine::Sqlite {
        return Ok(());
    }
    let connection = rusqlite::Connection::open(studio.root().join(".pegbar/pegbar.db"))?;
    connection.busy_timeout(Duration::from_secs(30))?;
    let project = project.to_string().replace('-', "");
    let id = format!("0192a0f07d3c7a518f10{number:012x}");
    let text = format!(
        "INSERT INTO asset (id, project_id, kind, file_path) VALUES (x'{id}', x'{project}', 'reference', ?1)"
    );
    connection.execute(&text, [path])?;
    Ok(())
}

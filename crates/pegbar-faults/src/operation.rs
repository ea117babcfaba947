//! The operations that victims do. A line in the table and a function add one.

mod copies;
mod deletion;
mod intake;
mod moving;
mod renaming;
mod undoing;

use std::fs;

use pegbar::{
    AnimationTree, CharacterTree, DatabaseAddress, FrameImage, GenerationInput, GenerationOutput,
    ImageSource, NewAnimation, NewAsset, NewCharacter, NewFrame, NewGeneration, NewProject,
    OutputPlace, PageRequest, ProjectFilter, ProjectTree, ReferenceRole, Studio,
};

pub(crate) use copies::WOLVES;
use copies::{
    back_up, back_up_archive, export_bundle, import_bundle, import_copy, restore_backup,
    restore_on_server,
};
use deletion::{
    delete_animation, delete_asset, delete_character, delete_project, drop_bytes, purge, restore,
};
use intake::{adopt, import_folder, import_sidecars};
use moving::{move_to_file, move_to_server};
use renaming::{rename_character, rename_project, respell_animation, respell_character};
use undoing::undo;

use crate::Result;
use crate::random::Random;
use crate::site::{Base, png};
use crate::victim::say;

/// What an operation works with.
pub struct Scene {
    /// The open studio.
    pub studio: Studio,
    /// The folder above the studio, with images to import.
    pub folder: std::path::PathBuf,
    /// The studio's database on the server: where its rows are, or could be.
    pub on_server: DatabaseAddress,
    /// What makes runs differ.
    pub seed: u64,
}

impl Scene {
    /// Does what operations do, in a base: what comes before an attack.
    fn in_base(base: &Base, work: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        let folder = base.folder().to_owned();
        base.with(async |studio| {
            let seed = 0;
            let scene = Self {
                studio,
                folder,
                // Nobody moves before an attack.
                on_server: DatabaseAddress::Sqlite,
                seed,
            };
            work(&scene).await
        })
    }
}

macro_rules! operations {
    ($($name:literal: $run:ident,)*) => {
        /// The names of all operations.
        pub const OPERATIONS: &[&str] = &[$($name),*];

        /// Does an operation, and says what is acknowledged.
        ///
        /// # Errors
        /// What the library refuses.
        pub async fn run(name: &str, scene: &Scene) -> Result<()> {
            match name {
                $($name => $run(scene).await,)*
                other => Err(format!("no operation is called {other:?}").into()),
            }
        }
    };
}

operations! {
    "create project": create_project,
    "create character": create_character,
    "create animation": create_animation,
    "add asset": add_asset,
    "add assets at once": add_at_once,
    "add large file": add_large_file,
    "add variation": add_variation,
    "add take": add_take,
    "insert frames": insert_frames,
    "reorder frames": reorder_frames,
    "move frame": move_frame,
    "replace frame": replace_frame,
    "remove frame": remove_frame,
    "rename character": rename_character,
    "rename project": rename_project,
    "respell character": respell_character,
    "respell animation": respell_animation,
    "set primary": set_primary,
    "record generation": record_generation,
    "import folder": import_folder,
    "drop bytes": drop_bytes,
    "delete asset": delete_asset,
    "delete animation": delete_animation,
    "delete character": delete_character,
    "delete project": delete_project,
    "restore bytes": restore,
    "restore frame": restore,
    "restore asset": restore,
    "restore animation": restore,
    "restore character": restore,
    "restore project": restore,
    "undo reorder": undo,
    "undo replace": undo,
    "purge": purge,
    "back up": back_up,
    "back up again": back_up,
    "back up archive": back_up_archive,
    "restore backup": restore_backup,
    "restore backup on the server": restore_on_server,
    "move to SQLite": move_to_file,
    "move to PostgreSQL": move_to_server,
    "export bundle": export_bundle,
    "import bundle": import_bundle,
    "import bundle as copy": import_copy,
    "import sidecars": import_sidecars,
    "adopt": adopt,
    "sync": sync,
}

/// Whether an operation is resumed by doing it again; all others are done wholly or not at all.
#[must_use]
pub fn is_resumed(name: &str) -> bool {
    matches!(name, "sync" | "adopt") || name.starts_with("move to ")
}

/// Whether an operation is what several do at the same time, on threads of their own.
#[must_use]
pub fn is_done_at_once(name: &str) -> bool {
    name.ends_with(" at once")
}

/// Whether an operation needs a server, whatever else is attacked.
#[must_use]
pub fn needs_server(name: &str) -> bool {
    name.starts_with("move to ") || name == "restore backup on the server"
}

/// Whether an operation that was cut off is done again, which must bring it to its end.
#[must_use]
pub fn is_repeated(name: &str) -> bool {
    let outside = ["back up", "restore", "export bundle", "import"];
    outside.iter().any(|start| name.starts_with(start)) || name == "purge"
}

/// Whether an operation needs more than every base has.
#[must_use]
pub fn needs_something(name: &str) -> bool {
    let laid_out = [
        "restore",
        "undo",
        "import bundle",
        "import sidecars",
        "move",
    ];
    laid_out.iter().any(|start| name.starts_with(start))
        || matches!(
            name,
            "sync" | "adopt" | "purge" | "add large file" | "back up again"
        )
}

/// Changes a base so that the operation has something to do.
///
/// # Errors
/// What the system refuses.
pub fn prepare(name: &str, base: &mut Base) -> Result<()> {
    match name {
        "move to SQLite" => {}
        "move to PostgreSQL" => base.move_to_file()?,
        "restore backup on the server" => {
            copies::lay_out_backup(base)?;
            base.move_to_file()?;
        }
        // Someone has lost the whole tree.
        "sync" => fs::remove_dir_all(base.root().join("public"))?,
        "add large file" => {
            // Random pixels do not shrink.
            let mut random = Random::new(7);
            let noise = image::RgbaImage::from_fn(1500, 1500, |_, _| {
                let [a, b, c, d, ..] = random.number().to_le_bytes();
                image::Rgba([a, b, c, d])
            });
            noise.save(base.folder().join("large.png"))?;
        }
        "adopt" => intake::leave_row(base)?,
        "import sidecars" | "import bundle" | "import bundle as copy" => {
            copies::lay_out_wolves(base.folder())?;
        }
        "back up again" | "restore backup" => copies::lay_out_backup(base)?,
        "purge" => deletion::delete(base, "character")?,
        "undo reorder" | "undo replace" => undoing::lay_out(name, base)?,
        _ => {
            if let Some(what) = name.strip_prefix("restore ") {
                deletion::delete(base, what)?;
            }
        }
    }
    Ok(())
}

async fn cats(studio: &Studio) -> Result<ProjectTree> {
    let filter = ProjectFilter::default();
    let page = studio
        .list_projects(&filter, PageRequest::default())
        .await?;
    let cats = page.rows.iter().find(|project| project.name == "Cats");
    let cats = cats.ok_or("the cats are gone")?;
    Ok(studio.get_project_tree(cats.id).await?)
}

fn cat(tree: &ProjectTree) -> Result<&CharacterTree> {
    let mut characters = tree.characters.iter();
    let cat = characters.find(|tree| tree.character.name == "Cat");
    Ok(cat.ok_or("the cat is gone")?)
}

/// The cat's walk, in the project of the cats.
///
/// # Errors
/// Where it is gone.
pub async fn walk(studio: &Studio) -> Result<AnimationTree> {
    let tree = cats(studio).await?;
    let mut animations = cat(&tree)?.animations.iter();
    let walk = animations.find(|tree| tree.animation.name == "Walk");
    Ok(walk.cloned().ok_or("nobody walks")?)
}

impl Scene {
    fn asset(&self, number: u64) -> NewAsset {
        NewAsset::from_bytes(png(1000 + 100 * self.seed + number))
    }

    fn random(&self) -> Random {
        Random::new(self.seed)
    }
}

async fn create_project(scene: &Scene) -> Result<()> {
    let front = scene.studio.new_id();
    let hop = NewAnimation::new("Hop")
        .frame(NewFrame::new(
            scene.asset(0).made_from(front, ReferenceRole::Character),
        ))
        .frame(NewFrame::new(scene.asset(1)));
    let frog = NewCharacter::new("Frog")
        .variation(scene.asset(2).id(front))
        .animation(hop);
    let new = NewProject::new("Frogs")
        .reference(scene.asset(3))
        .thumbnail(front)
        .character(frog);
    let tree = scene.studio.create_project(new).await?;
    say(&format!("project {}", tree.project.id));
    Ok(())
}

async fn create_character(scene: &Scene) -> Result<()> {
    let project = cats(&scene.studio).await?.project.id;
    let new = NewCharacter::new("Dog")
        .variation(scene.asset(0))
        .variation(scene.asset(1));
    let tree = scene.studio.create_character(project, new).await?;
    say(&format!("character {}", tree.character.id));
    Ok(())
}

async fn create_animation(scene: &Scene) -> Result<()> {
    let tree = cats(&scene.studio).await?;
    let new = NewAnimation::new("Sleep")
        .frame(NewFrame::new(scene.asset(0)))
        .frame(NewFrame::new(scene.asset(1)));
    let created = scene
        .studio
        .create_animation(cat(&tree)?.character.id, new)
        .await?;
    say(&format!("animation {}", created.animation.id));
    Ok(())
}

async fn add_asset(scene: &Scene) -> Result<()> {
    let project = cats(&scene.studio).await?.project.id;
    for number in 0..2 {
        let asset = scene
            .studio
            .create_asset(project, scene.asset(number))
            .await?;
        say(&format!("asset {}", asset.id));
    }
    Ok(())
}

/// How many callers there are, in all projects together.
const CALLERS: u64 = 16;

async fn add_at_once(scene: &Scene) -> Result<()> {
    for round in 0..2 {
        let new = |number| scene.asset(CALLERS * round + number);
        at_once(&scene.studio, new).await?;
    }
    Ok(())
}

/// Callers that come at the same time, to all projects, and are waited for together.
///
/// # Errors
/// What the library refuses.
pub async fn at_once(studio: &Studio, new: impl Fn(u64) -> NewAsset) -> Result<()> {
    let filter = ProjectFilter::default();
    let projects = studio
        .list_projects(&filter, PageRequest::default())
        .await?;
    let mut callers = tokio::task::JoinSet::new();
    for (number, project) in (0..CALLERS).zip(projects.rows.iter().cycle()) {
        let (studio, new, project) = (studio.clone(), new(number), project.id);
        callers.spawn(async move { studio.create_asset(project, new).await });
    }
    while let Some(asset) = callers.join_next().await {
        say(&format!("asset {}", asset??.id));
    }
    Ok(())
}

/// A file that is copied instead of read into memory.
async fn add_large_file(scene: &Scene) -> Result<()> {
    let project = cats(&scene.studio).await?.project.id;
    let path = scene.folder.join("large.png");
    let asset = scene
        .studio
        .create_asset(project, NewAsset::from_file(path))
        .await?;
    say(&format!("asset {}", asset.id));
    Ok(())
}

async fn add_variation(scene: &Scene) -> Result<()> {
    let tree = cats(&scene.studio).await?;
    let cat = cat(&tree)?.character.id;
    let asset = scene.studio.create_variation(cat, scene.asset(0)).await?;
    say(&format!("asset {}", asset.id));
    Ok(())
}

async fn add_take(scene: &Scene) -> Result<()> {
    let walk = walk(&scene.studio).await?.animation.id;
    let takes = vec![scene.asset(0), scene.asset(1)];
    for asset in scene.studio.create_takes(walk, takes).await? {
        say(&format!("asset {}", asset.id));
    }
    Ok(())
}

fn say_version(tree: &AnimationTree) {
    say(&format!(
        "version {} {}",
        tree.animation.id, tree.animation.version
    ));
}

async fn insert_frames(scene: &Scene) -> Result<()> {
    let walk = walk(&scene.studio).await?.animation.id;
    let frames = (0..2).map(|number| NewFrame::new(scene.asset(number)).prompt("new"));
    let inserted = scene
        .studio
        .insert_frames(walk, 1, frames.collect(), None)
        .await?;
    say_version(&inserted);
    Ok(())
}

async fn reorder_frames(scene: &Scene) -> Result<()> {
    let walk = walk(&scene.studio).await?;
    let mut order: Vec<_> = walk.frames.iter().map(|frame| frame.frame.id).collect();
    let places = 1 + scene.random().below(order.len() - 1);
    order.rotate_left(places);
    let seen = Some(walk.animation.version);
    say_version(
        &scene
            .studio
            .set_frame_order(walk.animation.id, order, seen)
            .await?,
    );
    Ok(())
}

async fn move_frame(scene: &Scene) -> Result<()> {
    let walk = walk(&scene.studio).await?;
    let last = walk.frames.last().ok_or("no frame")?.frame.id;
    say_version(&scene.studio.move_frame(last, 0, None).await?);
    Ok(())
}

async fn replace_frame(scene: &Scene) -> Result<()> {
    let walk = walk(&scene.studio).await?;
    let frame = walk.frames[scene.random().below(walk.frames.len())]
        .frame
        .id;
    let image = FrameImage::New(Box::new(scene.asset(0)));
    say_version(&scene.studio.replace_frame(frame, image, None).await?);
    Ok(())
}

async fn remove_frame(scene: &Scene) -> Result<()> {
    let walk = walk(&scene.studio).await?;
    let frame = walk.frames[scene.random().below(walk.frames.len())]
        .frame
        .id;
    say_version(&scene.studio.remove_frame(frame, None).await?);
    Ok(())
}

async fn set_primary(scene: &Scene) -> Result<()> {
    let tree = cats(&scene.studio).await?;
    let cat = cat(&tree)?;
    let mut others = cat.variations.iter();
    let other = others.find(|asset| Some(asset.id) != cat.character.primary_asset_id);
    let other = other.ok_or("no other variation")?.id;
    scene
        .studio
        .set_primary(cat.character.id, Some(other))
        .await?;
    say(&format!("asset {other}"));
    Ok(())
}

async fn record_generation(scene: &Scene) -> Result<()> {
    let tree = cats(&scene.studio).await?;
    let place = OutputPlace::Variation(cat(&tree)?.character.id);
    let outputs =
        (0..2).map(|number| GenerationOutput::new(scene.asset(number)).place(place.clone()));
    let input = ImageSource::Bytes(png(1050 + 100 * scene.seed));
    let new = NewGeneration::succeeded(outputs.collect())
        .prompt("side view")
        .input(GenerationInput::image(input, ReferenceRole::Style));
    let recorded = scene.studio.record_generation(tree.project.id, new).await?;
    for asset in recorded.outputs.iter().chain(&recorded.new_references) {
        say(&format!("asset {}", asset.id));
    }
    Ok(())
}

async fn sync(scene: &Scene) -> Result<()> {
    scene.studio.sync(|_, _| {}).await?;
    Ok(())
}

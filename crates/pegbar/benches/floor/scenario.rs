//! What is compared.

use pegbar::{AssetFilter, AssetId, NewProject, PageRequest};
use uuid::Uuid;

use crate::Outcome;
use crate::check;
use crate::input::{self, ProjectInput, Size};
use crate::race::{Race, Side};
use crate::rows::Rows;
use crate::site::Site;

/// How much is done, and how often.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) size: Size,
    pub(crate) inserted: usize,
    pub(crate) listed: usize,
    pub(crate) pages: usize,
    /// How many files are taken in.
    pub(crate) files: usize,
    /// How many files are verified.
    pub(crate) verified: usize,
    /// How many references there are that lineages are followed among.
    pub(crate) references: usize,
    pub(crate) rounds: usize,
}

impl Scale {
    pub(crate) const FULL: Self = Self {
        size: Size {
            characters: 10,
            variations: 4,
            animations: 5,
            frames: 12,
        },
        inserted: 10_000,
        listed: 100_000,
        pages: 100,
        files: 1_000,
        verified: 10_000,
        references: 1_000_000,
        rounds: 15,
    };

    /// Enough to see that everything works.
    pub(crate) const QUICK: Self = Self {
        size: Size {
            characters: 2,
            variations: 2,
            animations: 2,
            frames: 3,
        },
        inserted: 200,
        listed: 1_000,
        pages: 2,
        files: 50,
        verified: 600,
        references: 20_000,
        rounds: 2,
    };
}

/// The goals, ours ÷ floor.
pub(crate) struct Goals {
    pub(crate) create: f64,
    pub(crate) insert: f64,
    pub(crate) tree: f64,
    pub(crate) page: f64,
    pub(crate) generation: f64,
    pub(crate) lineage: f64,
    /// Ours ÷ the recursion that carries depths along.
    pub(crate) carried_depth: f64,
}

async fn create_by_floor(site: &Site, input: &ProjectInput) -> Outcome<Uuid> {
    let rows = Rows::of_project(&site.ids, input, &site.image);
    site.floor.write(&rows, &site.image).await?;
    Ok(rows.project_id)
}

/// Creates whole projects; the floor makes the same records, or has them ready.
pub(crate) async fn create(site: &Site, scale: Scale, goal: f64) -> Outcome<[Race; 2]> {
    let Size {
        characters,
        variations,
        animations,
        frames,
    } = scale.size;
    let what = format!("create a project of {characters} × {variations} × {animations} × {frames}");
    let mut race = Race::new(what, goal);
    let mut ready = Race::new("  … the floor with its records ready-made", None);
    for round in 0..=scale.rounds {
        let mut written = Vec::new();
        for side in Race::order(round) {
            let input = input::project(&site.studio, scale.size);
            let cost;
            match side {
                Side::Ours => {
                    let new = input.for_pegbar(site.image);
                    let start = site.meter.start();
                    let tree = site.studio.create_project(new).await?;
                    cost = site.meter.stop(&start);
                    written.insert(0, tree.project.id.0);
                }
                Side::Floor => {
                    let start = site.meter.start();
                    let id = create_by_floor(site, &input).await?;
                    cost = site.meter.stop(&start);
                    written.push(id);
                    let input = input::project(&site.studio, scale.size);
                    let rows = Rows::of_project(&site.ids, &input, &site.image);
                    let start = site.meter.start();
                    site.floor.write(&rows, &site.image).await?;
                    let cost = site.meter.stop(&start);
                    if round > 0 {
                        ready.add(side, cost);
                    }
                }
            }
            if round > 0 {
                race.add(side, cost);
                if side == Side::Ours {
                    ready.add(side, cost);
                }
            }
        }
        check::same_counts(site, written[0], written[1]).await?;
        if round == 0 {
            check::same_but_ids(site, written[0], written[1]).await?;
        }
    }
    Ok([race, ready])
}

/// Reads a whole project.
pub(crate) async fn tree(site: &Site, scale: Scale, goal: f64) -> Outcome<Race> {
    let mut race = Race::new("read that project's tree", goal);
    let input = input::project(&site.studio, scale.size);
    let id = create_by_floor(site, &input).await?;
    site.floor.settle().await?;
    let ours = site.studio.get_project_tree(id.into()).await?;
    check::same_json("the tree read", &ours, &site.floor.tree(id).await?)?;
    let expected = scale.size.characters * scale.size.animations * scale.size.frames;
    for round in 0..=scale.rounds * 3 {
        for by in Race::order(round) {
            let start = site.meter.start();
            for _ in 0..READINGS {
                let frames = count_frames(site, by, id).await?;
                if frames != expected {
                    return Err(format!("{by:?} read {frames} frames").into());
                }
            }
            let cost = site.meter.stop(&start);
            if round > 0 {
                race.add(by, cost / READINGS);
            }
        }
    }
    Ok(race)
}

/// A single reading is too short to be measured alone.
const READINGS: usize = 5;

/// Reads a tree and counts its frames.
async fn count_frames(site: &Site, by: Side, project: Uuid) -> Outcome<usize> {
    Ok(match by {
        Side::Ours => {
            let tree = site.studio.get_project_tree(project.into()).await?;
            let animations = tree.characters.iter().flat_map(|c| &c.animations);
            animations.map(|animation| animation.frames.len()).sum()
        }
        Side::Floor => {
            let tree = site.floor.tree(project).await?;
            let animations = tree.characters.iter().flat_map(|c| &c.animations);
            animations.map(|animation| animation.frames.len()).sum()
        }
    })
}

/// A project with as many assets as others are to be made from.
async fn begin_project(site: &Site, count: usize) -> Outcome<(Uuid, Vec<AssetId>)> {
    let project = site.studio.create_project(NewProject::new("Props")).await?;
    let project = project.project.id;
    let ids: Vec<AssetId> = (0..count).map(|_| site.studio.new_id()).collect();
    let new = ids.iter().map(|id| {
        pegbar::NewAsset::new(pegbar::ImageSource::Stored(site.image))
            .id(*id)
            .prompt("a style sheet")
    });
    let new = new.collect();
    site.studio.create_assets(project, new).await?;
    Ok((project.0, ids))
}

const STYLES: usize = 50;

/// Inserts many assets with two references each into a project.
pub(crate) async fn insert(site: &Site, scale: Scale, goal: f64) -> Outcome<[Race; 2]> {
    let count = scale.inserted;
    let mut race = Race::new(
        format!("insert {count} assets with 2 references each"),
        goal,
    );
    let mut ready = Race::new("  … the floor with its records ready-made", None);
    for round in 0..=scale.rounds {
        let mut written = Vec::new();
        for side in Race::order(round) {
            let (project, styles) = begin_project(site, STYLES).await?;
            let input = input::assets(&site.studio, count, &styles);
            let cost;
            match side {
                Side::Ours => {
                    let new = input
                        .iter()
                        .map(|asset| asset.for_pegbar(site.image))
                        .collect();
                    let start = site.meter.start();
                    let assets = site.studio.create_assets(project.into(), new).await?;
                    cost = site.meter.stop(&start);
                    written.insert(0, project);
                    drop(assets);
                }
                Side::Floor => {
                    let start = site.meter.start();
                    let add = site
                        .floor
                        .add_assets(&site.ids, project, &input, &site.image);
                    add.await?;
                    cost = site.meter.stop(&start);
                    written.push(project);
                    let (project, styles) = begin_project(site, STYLES).await?;
                    let input = input::assets(&site.studio, count, &styles);
                    let known = site.floor.known(project, &input).await?;
                    let rows = Rows::of_assets(&site.ids, project, &input, &site.image, known);
                    let start = site.meter.start();
                    site.floor.write(&rows, &site.image).await?;
                    let cost = site.meter.stop(&start);
                    if round > 0 {
                        ready.add(side, cost);
                    }
                }
            }
            if round > 0 {
                race.add(side, cost);
                if side == Side::Ours {
                    ready.add(side, cost);
                }
            }
        }
        check::same_counts(site, written[0], written[1]).await?;
        if round == 0 {
            check::same_but_ids(site, written[0], written[1]).await?;
        }
    }
    Ok([race, ready])
}

/// Reads pages of a long list: of the whole project, and of one tag.
pub(crate) async fn page(site: &Site, scale: Scale, goal: f64) -> Outcome<[Race; 2]> {
    let (project, styles) = begin_project(site, STYLES).await?;
    for _ in 0..scale.listed / 1000 {
        let input = input::assets(&site.studio, 1000, &styles);
        let add = site
            .floor
            .add_assets(&site.ids, project, &input, &site.image);
        add.await?;
    }
    site.floor.settle().await?;
    let listed = scale.listed;
    let by_project = format!("page of 50 of {listed} assets, by project");
    let mut races = [
        Race::new(by_project, goal),
        Race::new("page of 50 of 1 in 10 of them, by tag", goal),
    ];
    for (race, tag) in races.iter_mut().zip([None, Some("keyframe")]) {
        check::walk(site, project, tag, scale.pages).await?;
        for round in 0..=scale.rounds {
            for side in Race::order(round) {
                let start = site.meter.start();
                turn_pages(site, side, project, tag, scale.pages).await?;
                let cost = site.meter.stop(&start);
                if round > 0 {
                    race.add(side, cost / scale.pages);
                }
            }
        }
    }
    Ok(races)
}

async fn turn_pages(
    site: &Site,
    by: Side,
    project: Uuid,
    tag: Option<&str>,
    pages: usize,
) -> Outcome<()> {
    let filter = AssetFilter {
        tag: tag.map(str::to_owned),
        ..AssetFilter::default()
    };
    let mut request = PageRequest::default();
    for _ in 0..pages {
        request.after = match by {
            Side::Ours => {
                let page = site.studio.list_assets(project.into(), &filter, request);
                page.await?.rows.last().map(|asset| asset.id)
            }
            Side::Floor => {
                let page = site.floor.page(project, tag, request.after).await?;
                page.0.last().map(|asset| AssetId(asset.id))
            }
        };
        if request.after.is_none() {
            return Err("a page is empty".into());
        }
    }
    Ok(())
}

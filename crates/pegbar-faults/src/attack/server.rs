//! PostgreSQL itself killed and started again, while victims write.

use std::thread;
use std::time::{Duration, Instant};

use pegbar::NewAsset;

use super::kill::acknowledged;
use super::{Figure, Setting, during};
use crate::cluster::Cluster;
use crate::operation::{Scene, at_once, walk};
use crate::random::Random;
use crate::site::{Base, Where, png};
use crate::victim::{self, Running};
use crate::{Result, block_on, check};

/// How many kills the short form makes.
const SHORT: usize = 4;
/// How many kills there are before what is left is looked at.
const KILLS: usize = 4;

/// How many processes write.
const WRITERS: u64 = 6;

/// Kills the server again and again, while processes write to it.
///
/// # Errors
/// What was broken, and where.
pub fn attack(setting: &Setting) -> Result<Vec<Figure>> {
    let Some(mut cluster) = Cluster::start()? else {
        eprintln!("skipped: no PostgreSQL server binaries to start one of our own; set PG_BIN");
        return Ok(Vec::new());
    };
    let begun = Instant::now();
    let rows = Where::Postgres(cluster.address());
    let base = Base::new(&rows, &setting.above)?;
    let mut random = Random::new(setting.seed);
    let (mut killed, mut kept) = (0, 0);
    let mut seed = setting.seed;
    while killed < setting.count(SHORT) && !setting.is_over(killed) {
        let what = format!("round {seed}, after {killed} kills");
        kept += during(
            || what,
            round(setting, &mut cluster, &base, seed, &mut random),
        )?;
        killed += KILLS;
        seed += 1;
    }
    Ok(vec![Figure {
        attack: "SIGKILL of the PostgreSQL server while six processes write".to_owned(),
        engine: rows.engine(),
        count: killed,
        detail: format!("{kept} changes acknowledged, all of them there"),
        seconds: begun.elapsed().as_secs(),
    }])
}

fn round(
    setting: &Setting,
    cluster: &mut Cluster,
    base: &Base,
    seed: u64,
    random: &mut Random,
) -> Result<usize> {
    let site = base.copy()?;
    let mut running = Vec::new();
    for number in 0..WRITERS {
        running.push(Running::start(
            setting,
            &site,
            "write on",
            seed * 10 + number,
        )?);
    }
    for _ in 0..KILLS {
        thread::sleep(Duration::from_millis(200 + random.below(500) as u64));
        cluster.kill()?;
        cluster.restart()?;
    }
    thread::sleep(Duration::from_millis(300));
    let mut lines = Vec::new();
    for mut process in running {
        process.kill()?;
        lines.extend(acknowledged(&process.wait()?.stdout));
    }
    block_on(check::look(&site, &lines))?;
    Ok(lines.len())
}

/// What a process does until it is killed: it adds assets and moves frames, and goes on when it
/// is refused.
///
/// # Errors
/// Never.
pub async fn run(mut scene: Scene) -> Result<()> {
    for number in 0.. {
        if let Err(error) = change(&mut scene, number).await {
            eprintln!("{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

/// Adds assets, several at once, for ever.
///
/// # Errors
/// What the library refuses.
pub async fn run_at_once(scene: Scene) -> Result<()> {
    for round in 0.. {
        let first = 1_000_000 + scene.seed * 20_000 + round * 100;
        let new = |number| NewAsset::from_bytes(png(first + number));
        at_once(&scene.studio, new).await?;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

async fn change(scene: &mut Scene, number: u64) -> Result<()> {
    let walk = walk(&scene.studio).await?;
    let project = walk.animation.project_id;
    let image = png(100_000 + scene.seed * 1000 + number);
    let asset = scene
        .studio
        .create_asset(project, NewAsset::from_bytes(image))
        .await?;
    victim::say(&format!("asset {}", asset.id));
    let last = walk.frames.last().ok_or("no frame")?.frame.id;
    let moved = scene.studio.move_frame(last, 0, None).await?;
    victim::say(&format!(
        "version {} {}",
        moved.animation.id, moved.animation.version
    ));
    Ok(())
}

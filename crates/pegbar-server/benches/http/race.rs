//! The same questions to each server, in turn.

use std::time::Duration;

use pegbar::Engine;

use crate::Outcome;
use crate::load::{Load, load};
use crate::server::Running;
use crate::studio::Site;

const CONNECTIONS: usize = 16;

/// What is asked.
struct Question {
    what: &'static str,
    ours: Vec<String>,
    peer: Vec<String>,
    /// Below the folder of files that nginx serves.
    nginx: Option<Vec<String>>,
}

fn questions(site: &Site) -> Vec<Question> {
    let each = |list: &[String], before: &str| -> Vec<String> {
        list.iter().map(|one| format!("{before}{one}")).collect()
    };
    let ids: Vec<String> = site.assets.iter().map(ToString::to_string).collect();
    let page = vec![format!("/api/projects/{}/assets?limit=50", site.many)];
    let tree = vec![format!("/api/projects/{}/tree", site.tree)];
    let paths: Vec<String> = site
        .paths
        .iter()
        .map(|path| path.replace(' ', "%20"))
        .collect();
    let blobs = site.hashes.iter();
    let blobs: Vec<String> = blobs
        .map(|hash| format!("/{}/{hash}", &hash[..2]))
        .collect();
    vec![
        Question {
            what: "asset by id",
            ours: each(&ids, "/api/assets/"),
            peer: each(&ids, "/api/assets/"),
            nginx: None,
        },
        Question {
            what: "page of 50 assets",
            ours: page.clone(),
            peer: page,
            nginx: None,
        },
        Question {
            what: "project tree",
            ours: tree.clone(),
            peer: tree,
            nginx: None,
        },
        Question {
            what: "image by path",
            ours: each(&paths, "/assets/"),
            peer: each(&paths, "/assets/"),
            nginx: Some(each(&paths, "/public/assets/")),
        },
        Question {
            what: "image by hash",
            ours: each(&site.hashes, "/blobs/"),
            peer: each(&blobs, "/blobs"),
            nginx: Some(each(&blobs, "/.pegbar/blobs")),
        },
    ]
}

/// Requests within a second of the server's CPU time.
struct Rate {
    per_cpu_second: f64,
    p99: Duration,
}

async fn measure(server: &Running, paths: &[String], time: Duration) -> Outcome<Rate> {
    // Once, so that nothing is compiled or cached while it is measured.
    load(server.address, paths, CONNECTIONS, time / 4).await?;
    let before = server.cpu();
    let mut found: Load = load(server.address, paths, CONNECTIONS, time).await?;
    let cpu = server.cpu() - before;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let requests = found.requests as f64;
    Ok(Rate {
        per_cpu_second: requests / cpu,
        p99: found.percentile(0.99),
    })
}

/// Prints what a ratio is, and whether it is as good as it should be.
fn ratio(ours: &Rate, other: Option<&Rate>, goal: Option<f64>) -> String {
    let Some(other) = other else {
        return "–".to_owned();
    };
    let ratio = ours.per_cpu_second / other.per_cpu_second;
    let reached = match goal {
        Some(goal) if ratio >= goal => " reached",
        Some(_) => " not reached",
        None => "",
    };
    format!("{ratio:.2}{reached}")
}

pub(crate) async fn race(is_quick: bool) -> Outcome<()> {
    let time = if is_quick {
        Duration::from_millis(200)
    } else {
        Duration::from_secs(4)
    };
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(site) = Site::create(engine).await? else {
            println!("\nSQLite only: set PEGBAR_TEST_POSTGRES to compare on PostgreSQL too");
            return Ok(());
        };
        let ours = site.serve()?;
        let peer = site.serve_peer()?;
        let nginx = Running::nginx(site.folder.path(), site.folder.path())?;
        println!(
            "\n{engine:?}: requests per second of the server's CPU time, {CONNECTIONS} connections\n"
        );
        println!(
            "{:<20} {:>10} {:>10} {:>10} {:>22} {:>22}",
            "", "ours", "p99 ms", "other", "÷ Fastify + Prisma", "÷ nginx"
        );
        for question in questions(&site) {
            let found = measure(&ours, &question.ours, time).await?;
            let by_peer = match &peer {
                Some(peer) => Some(measure(peer, &question.peer, time).await?),
                None => None,
            };
            let by_nginx = match (&nginx, &question.nginx) {
                (Some(nginx), Some(paths)) => Some(measure(nginx, paths, time).await?),
                _ => None,
            };
            let is_image = question.nginx.is_some();
            let goal = question.what == "image by hash";
            let other = by_peer.as_ref().or(by_nginx.as_ref());
            let other = other.map(|other| format!("{:.0}", other.per_cpu_second));
            println!(
                "{:<20} {:>10.0} {:>10.2} {:>10} {:>22} {:>22}",
                question.what,
                found.per_cpu_second,
                found.p99.as_secs_f64() * 1e3,
                other.as_deref().unwrap_or("–"),
                ratio(&found, by_peer.as_ref(), (!is_image).then_some(5.0)),
                ratio(&found, by_nginx.as_ref(), goal.then_some(0.6)),
            );
        }
        let (most, now) = ours.memory();
        println!("\nours: at most {most} MiB of memory, {now} MiB now");
        if peer.is_none() && engine == Engine::Postgres {
            println!("no Fastify + Prisma: docs/server.md says how to make it ready");
        }
        if nginx.is_none() {
            println!("no nginx on this machine");
        }
    }
    Ok(())
}

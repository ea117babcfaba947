//! Very many connections that read and write: nothing is lost, and no answer is the server's
//! fault.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pegbar::Engine;
use tokio::sync::Semaphore;

use crate::Outcome;
use crate::load::{Connection, get};
use crate::studio::Site;

/// How many are being opened at once: more than the system's queue holds would be refused.
const OPENING: usize = 256;

/// Addresses that the connections come from, in 127.0.1.0/24 or 127.0.2.0/24.
const SOURCES: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// How long opening them may take: a server waits so long for the head of a request.
const OPENED_WITHIN: Duration = Duration::from_secs(10);

/// What one connection did.
#[derive(Default)]
struct Done {
    times: Vec<Duration>,
    /// What it wrote and was told is kept.
    kept: Vec<String>,
    failed: Vec<u16>,
}

fn write(path: &str, text: &str) -> Vec<u8> {
    let body = format!("{{\"text\":\"{text}\"}}");
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Opens the connections, has each read some times and write once, and compares.
pub(crate) async fn connections(is_quick: bool) -> Outcome<()> {
    let count: usize = if is_quick { 200 } else { 10_000 };
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(site) = Site::create(engine).await? else {
            return Ok(());
        };
        let server = site.serve()?;
        let opening = Arc::new(Semaphore::new(OPENING));
        let all_open = Arc::new(tokio::sync::Barrier::new(count + 1));
        let mut running = tokio::task::JoinSet::new();
        for number in 0..count {
            let (opening, all_open) = (opening.clone(), all_open.clone());
            let address = server.address;
            // On Linux, all of 127.0.0.0/8 is this machine.
            let own = SOURCES[number % SOURCES.len()];
            let own = Ipv4Addr::new(127, 0, 1 + u8::from(engine == Engine::Postgres), own);
            let asset = site.assets[number % site.assets.len()];
            let hash = site.hashes[number % site.hashes.len()].clone();
            running.spawn(async move {
                let permit = opening
                    .acquire_owned()
                    .await
                    .map_err(|error| error.to_string())?;
                let opened = Connection::open_from(own, address).await;
                let mut connection = opened.map_err(|error| error.to_string())?;
                drop(permit);
                all_open.wait().await;
                let mut done = Done::default();
                let said = format!("from connection {number}");
                let requests = [
                    get(&format!("/api/assets/{asset}")),
                    get(&format!("/blobs/{hash}")),
                    write(&format!("/api/assets/{asset}/annotations"), &said),
                    get(&format!("/api/assets/{asset}/annotations")),
                    get(&format!("/api/assets/{asset}/lineage")),
                ];
                for request in requests {
                    let start = Instant::now();
                    let sent = connection.send(&request).await;
                    let (status, _) = sent.map_err(|error| error.to_string())?;
                    done.times.push(start.elapsed());
                    match status {
                        201 => done.kept.push(said.clone()),
                        200 => {}
                        status => done.failed.push(status),
                    }
                }
                Ok::<Done, String>(done)
            });
        }
        let opened = tokio::time::timeout(OPENED_WITHIN, all_open.wait()).await;
        opened.map_err(|_| "the connections could not be opened")?;
        let begun = Instant::now();
        let mut all = Done::default();
        let waiting = server.memory().1;
        while let Some(done) = running.join_next().await {
            let done = done??;
            all.times.extend(done.times);
            all.kept.extend(done.kept);
            all.failed.extend(done.failed);
        }
        let took = begun.elapsed();
        let mut kept = BTreeSet::new();
        for asset in &site.assets {
            let found = site.studio.list_annotations(*asset).await?;
            kept.extend(found.into_iter().map(|annotation| annotation.text));
        }
        let lost = all.kept.iter().filter(|text| !kept.contains(*text)).count();
        all.times.sort_unstable();
        let at = |share: usize| all.times[all.times.len() * share / 1000 - 1].as_secs_f64() * 1e3;
        println!(
            "\n{engine:?}: {count} connections open at once, {} requests in {:.1} s: {} writes \
             acknowledged, {lost} lost, {} not answered as they should be; p50 {:.0} ms, p99 {:.0} ms; {waiting} MiB \
             of memory when all were open, {} MiB at most",
            all.times.len(),
            took.as_secs_f64(),
            all.kept.len(),
            all.failed.len(),
            at(500),
            at(990),
            server.memory().0
        );
        if lost > 0 || !all.failed.is_empty() {
            return Err("something was lost or refused".into());
        }
    }
    Ok(())
}

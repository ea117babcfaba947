//! From start to first answer, and the memory of a server that waits.

use std::time::{Duration, Instant};

use pegbar::Engine;

use crate::Outcome;
use crate::load::{Connection, get};
use crate::studio::Site;

/// Prints how long a studio that is there takes from the start of the process to the first answer,
/// and how much memory the server has when it has nothing to do.
pub(crate) async fn start() -> Outcome<()> {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(site) = Site::create(engine).await? else {
            return Ok(());
        };
        let mut times = Vec::new();
        let mut memory = 0;
        for _ in 0..15 {
            let begun = Instant::now();
            let server = site.serve()?;
            let mut connection = Connection::open(server.address).await?;
            let (status, _) = connection.send(&get("/api/projects?limit=1")).await?;
            times.push(begun.elapsed());
            if status != 200 {
                return Err(format!("the first answer has the status {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            memory = memory.max(server.memory().1);
        }
        times.sort_unstable();
        let median = times[times.len() / 2];
        println!(
            "\n{engine:?}: start to first answer {:.1} ms (median of {}; goal < 50 ms), {memory} MiB \
             of memory then (goal < 40 MiB)",
            median.as_secs_f64() * 1e3,
            times.len()
        );
    }
    Ok(())
}

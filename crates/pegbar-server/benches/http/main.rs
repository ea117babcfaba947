//! Pegbar's server beside others, in one run: requests per second of CPU time.
//!
//! ```sh
//! scripts/with-postgres cargo bench -p pegbar-server --bench http
//! ```
//!
//! Rows: the same five questions to Pegbar and to Fastify with Prisma on the same PostgreSQL (made
//! ready by `npm ci` in `benches/peer`), images also to nginx. Every server is a process of its
//! own; what is counted is its CPU time, not the database's. `-- connections` opens 10,000
//! connections that read and write; `-- start` measures how long a studio takes to answer first.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark says what it found"
)]
#![allow(missing_docs, reason = "a program")]

mod connections;
mod load;
mod race;
mod server;
mod start;
mod studio;

use std::path::Path;
use std::process::ExitCode;

use pegbar::{DatabaseAddress, Studio, StudioOptions};
use pegbar_server::{Limits, Server, ServerOptions};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Where PostgreSQL is, as the tests are told.
const POSTGRES: &str = "PEGBAR_TEST_POSTGRES";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let outcome = runtime.map_err(Into::into).and_then(|runtime| {
        raise_limit();
        match arguments.as_slice() {
            ["--serve", folder, database] => runtime.block_on(serve(folder, database)),
            arguments => {
                let is_quick = arguments.contains(&"--quick");
                let wants = |part: &str| {
                    let parts = ["race", "connections", "start"];
                    let mut named = arguments
                        .iter()
                        .filter(|name| parts.contains(name))
                        .peekable();
                    named.peek().is_none() || named.any(|name| *name == part)
                };
                runtime.block_on(async {
                    if wants("race") {
                        race::race(is_quick).await?;
                    }
                    if wants("connections") {
                        connections::connections(is_quick).await?;
                    }
                    if wants("start") {
                        start::start().await?;
                    }
                    Ok(())
                })
            }
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// As many open files as the system lets a process have.
fn raise_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

fn address(database: &str) -> DatabaseAddress {
    match database {
        "sqlite" => DatabaseAddress::Sqlite,
        url => DatabaseAddress::Postgres(url.to_owned()),
    }
}

/// Serves a studio until standard input ends.
async fn serve(folder: &str, database: &str) -> Outcome<()> {
    let options = StudioOptions {
        database: address(database),
        ..StudioOptions::default()
    };
    let studio = Studio::open_with(Path::new(folder), options).await?;
    let mut options = ServerOptions::new(([127, 0, 0, 1], 0).into());
    options.limits = Limits {
        requests_per_second: 1_000_000,
        ..Limits::default()
    };
    let server = Server::bind(studio, options).await?;
    println!("{}", server.local_addr()?);
    server
        .run(async {
            use tokio::io::AsyncReadExt as _;
            let _ = tokio::io::stdin().read(&mut [0; 1]).await;
        })
        .await;
    Ok(())
}

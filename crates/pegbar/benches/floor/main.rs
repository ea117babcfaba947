//! Pegbar beside the floor: hand-written driver code (rusqlite, tokio-postgres) that writes
//! and reads the same rows in the same schema.
//!
//! The floor computes the same values, records and their hashes included: the canonical JSON
//! is put together by hand. A second line each shows the ratio to a floor that is given its
//! rows ready-made. Both get the same input; making that input is not measured. Files are not
//! part of it: the image is in the store already and the view follows later. Only `intake`,
//! `generation`, `sync`, `verify`, `together`, `doctor`, `backup` and `trash` are about files: blobs,
//! view and rows, durably. In `generation` both sides are ours: an asset with the generation that it
//! came from, and without; in `trash`, too: large images and small ones.
//!
//! `cargo bench -p pegbar --bench floor [-- --quick]`; PostgreSQL where
//! `PEGBAR_TEST_POSTGRES` has the address of a server and the right to create databases.

mod backup;
mod check;
mod doctor;
mod floor_postgres;
mod floor_sqlite;
mod generation;
mod input;
mod intake;
mod lineage;
mod measure;
mod race;
mod rows;
mod scenario;
mod selects;
mod site;
mod together;
mod trash;
mod tree;
mod verify;
mod walk;

use std::io::{self, Write};
use std::process::ExitCode;

use pegbar::{Engine, ViewUpdates};
use race::Race;
use scenario::{Goals, Scale};
use site::Site;
use tokio::runtime::Builder;

/// In this order; the name of one, as an argument, runs it alone. Whether it is about files.
const SCENARIOS: &[(&str, bool)] = &[
    ("create", false),
    ("insert", false),
    ("page", false),
    ("lineage", false),
    ("intake", true),
    ("generation", true),
    ("sync", true),
    ("verify", true),
    ("together", true),
    ("doctor", true),
    ("backup", true),
    ("trash", true),
];

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    // `cargo test --all-targets` runs benchmarks without this: there is nothing to test.
    if !has("--bench") {
        return ExitCode::SUCCESS;
    }
    let scale = if has("--quick") {
        Scale::QUICK
    } else {
        Scale::FULL
    };
    let only = arguments.iter().find(|argument| !argument.starts_with('-'));
    match run(scale, only.map(String::as_str)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(scale: Scale, only: Option<&str>) -> Outcome<()> {
    let server = std::env::var("PEGBAR_TEST_POSTGRES").ok();
    let goals = Goals {
        create: 1.10,
        insert: 1.10,
        tree: 1.10,
        page: 1.10,
        generation: 1.15,
        lineage: 1.10,
        carried_depth: 0.25,
    };
    compare(None, scale, &goals, only)?;
    if server.is_none() {
        let note = "SQLite only: set PEGBAR_TEST_POSTGRES to a server's address to compare on \
                    PostgreSQL too";
        return Ok(writeln!(io::stdout(), "\n{note}")?);
    }
    let goals = Goals {
        insert: 1.20,
        page: 1.15,
        lineage: 1.05,
        carried_depth: 1.0 / 3.0,
        ..goals
    };
    compare(server.as_deref(), scale, &goals, only)
}

/// Runs all scenarios on one engine, each in a database of its own.
fn compare(server: Option<&str>, scale: Scale, goals: &Goals, only: Option<&str>) -> Outcome<()> {
    let mut races: Vec<Race> = Vec::new();
    let mut title = String::new();
    for (scenario, works_on_files) in SCENARIOS {
        if only.is_some_and(|only| !only.contains(scenario)) {
            continue;
        }
        let (view_updates, mut builder) = if *works_on_files {
            // With as many threads as the program has.
            (ViewUpdates::WithEachChange, Builder::new_multi_thread())
        } else {
            (ViewUpdates::Deferred, Builder::new_current_thread())
        };
        let runtime = builder.worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            let site = Site::open(server, view_updates).await?;
            title = describe(&site, scale);
            let done = run_scenario(&site, scenario, scale, goals).await;
            let closed = site.close().await;
            races.extend(done?);
            closed
        })?;
    }
    Ok(race::print(&title, &races)?)
}

async fn run_scenario(
    site: &Site,
    scenario: &str,
    scale: Scale,
    goals: &Goals,
) -> Outcome<Vec<Race>> {
    Ok(match scenario {
        "create" => {
            let mut races = Vec::from(scenario::create(site, scale, goals.create).await?);
            races.push(scenario::tree(site, scale, goals.tree).await?);
            races
        }
        "insert" => Vec::from(scenario::insert(site, scale, goals.insert).await?),
        "lineage" => lineage::lineage(site, scale, goals).await?,
        "intake" => intake::intake(site, scale).await?,
        "generation" => generation::generation(site, scale, goals.generation).await?,
        "sync" => vec![walk::sync(site, scale).await?],
        "verify" => verify::verify(site, scale).await?,
        "together" => together::together(site, scale).await?,
        "doctor" => doctor::doctor(site, scale).await?,
        "backup" => vec![backup::backup(site, scale).await?],
        "trash" => trash::trash(site, scale).await?,
        _ => Vec::from(scenario::page(site, scale, goals.page).await?),
    })
}

fn describe(site: &Site, scale: Scale) -> String {
    let engine = match (site.studio.engine(), site.meter.sees_server()) {
        (Engine::Sqlite, _) => "SQLite",
        (Engine::Postgres, true) => "PostgreSQL, its own CPU time counted",
        (Engine::Postgres, false) => {
            "PostgreSQL, without its own CPU time: it is not on this machine, or /proc hides it"
        }
    };
    let folder = site.root().parent().unwrap_or(site.root()).display();
    format!(
        "{engine}. Ours ÷ floor: median of {} rounds (least–most), in {folder}",
        scale.rounds
    )
}

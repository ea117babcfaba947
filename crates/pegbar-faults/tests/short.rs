//! Every attack in its short form.
#![cfg(target_os = "linux")]
#![allow(missing_docs, reason = "tests say in their names what they promise")]

use std::io::Write as _;

use pegbar_faults::attack::{self, Figure, Setting};
use pegbar_faults::site::Where;
use pegbar_faults::{Result, trace};

fn stands(attack: fn(&Setting) -> Result<Vec<Figure>>, rows: Where) {
    let setting = Setting {
        rows,
        ..Setting::short(env!("CARGO_BIN_EXE_pegbar-faults"))
    };
    match attack(&setting) {
        Err(error) => panic!("{error}"),
        Ok(figures) => {
            for figure in figures {
                let _ = std::io::stderr().write_all(format!("{}\n", figure.row()).as_bytes());
            }
        }
    }
}

fn server() -> Option<Where> {
    let server = std::env::var("PEGBAR_TEST_POSTGRES").ok();
    if server.is_none() {
        eprintln!("skipped: no PostgreSQL server in PEGBAR_TEST_POSTGRES");
    }
    server.map(Where::Postgres)
}

#[test]
fn a_kill_at_any_step_loses_nothing() {
    if trace::supported() {
        stands(attack::kill::attack, Where::Sqlite);
    }
}

#[test]
fn a_kill_of_the_client_at_any_step_loses_nothing_in_postgres() {
    if let (true, Some(server)) = (trace::supported(), server()) {
        stands(attack::kill::attack, server);
    }
}

#[test]
fn a_call_that_fails_or_does_half_loses_nothing() {
    if trace::supported() {
        stands(attack::io::attack, Where::Sqlite);
    }
}

#[test]
fn a_disk_that_ignores_case_loses_nothing() {
    if trace::supported() {
        stands(attack::fallback::attack, Where::Sqlite);
    }
}

#[test]
fn processes_that_race_lose_nothing_of_each_other() {
    stands(attack::race::attack, Where::Sqlite);
}

#[test]
fn processes_that_race_lose_nothing_of_each_other_in_postgres() {
    if let Some(server) = server() {
        stands(attack::race::attack, server);
    }
}

#[test]
fn purges_lose_nothing_of_those_who_write() {
    stands(attack::purge::attack, Where::Sqlite);
}

#[test]
fn purges_lose_nothing_of_those_who_write_in_postgres() {
    if let Some(server) = server() {
        stands(attack::purge::attack, server);
    }
}

#[test]
fn what_is_there_is_what_a_model_in_memory_says() {
    stands(attack::model::attack, Where::Sqlite);
}

#[test]
fn what_is_there_is_what_a_model_in_memory_says_in_postgres() {
    if let Some(server) = server() {
        stands(attack::model::attack, server);
    }
}

#[test]
fn no_image_panics_or_takes_more_memory_than_there_is() {
    stands(attack::images::attack, Where::Sqlite);
}

#[test]
fn no_archive_panics_leads_out_or_leaves_half_of_itself() {
    stands(attack::archives::attack, Where::Sqlite);
}

#[test]
fn no_name_and_no_link_leads_out_of_the_studio() {
    stands(attack::names::attack, Where::Sqlite);
}

#[test]
fn no_link_that_comes_meanwhile_leads_out_of_the_studio() {
    stands(attack::names::attack_meanwhile, Where::Sqlite);
}

#[test]
fn a_full_file_system_loses_nothing() {
    stands(attack::full::attack, Where::Sqlite);
}

#[test]
fn a_power_cut_of_a_real_file_system_loses_nothing() {
    stands(attack::mounted::attack, Where::Sqlite);
}

#[test]
fn a_system_that_lacks_something_loses_nothing() {
    if trace::supported() {
        stands(attack::fallback::attack, Where::Sqlite);
    }
}

#[test]
fn what_others_wrote_into_the_view_is_never_lost() {
    if trace::supported() {
        stands(attack::foreign::attack, Where::Sqlite);
    }
}

#[test]
fn a_server_that_is_killed_loses_nothing() {
    stands(attack::server::attack, Where::Sqlite);
}

#[test]
fn a_power_cut_on_a_disk_that_keeps_only_what_was_flushed_loses_nothing() {
    if trace::supported() {
        stands(attack::power::attack, Where::Sqlite);
    }
}

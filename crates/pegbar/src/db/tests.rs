//! Every statement is prepared on both engines, and the lists use an index.

use std::path::Path;

use super::sql::{Engine, Query, Sql, Statement};
use super::{Database, DatabaseAddress, Session, TABLES, sql};
use crate::{
    adopt, animation, annotation, asset, backup, blob, bundle, change, character, claim, delete,
    doctor, export, frame,
};
use crate::{
    generation, head, image_file, import, integrity, lineage, project, reference, request, search,
};
use crate::{scrub, studio, tag, token, trash, variation, verify, view};

thread_local! {
    /// How many queries this thread's test has run.
    pub(crate) static QUERIES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

static STATEMENTS: &[&[&Sql]] = &[
    animation::STATEMENTS,
    animation::FOLDER_STATEMENTS,
    animation::MANIFEST_STATEMENTS,
    annotation::STATEMENTS,
    backup::STATEMENTS,
    blob::STATEMENTS,
    backup::RESTORE_STATEMENTS,
    bundle::EXPORT_STATEMENTS,
    bundle::IMPORT_STATEMENTS,
    animation::name::STATEMENTS,
    asset::STATEMENTS,
    asset::UPDATE_STATEMENTS,
    asset::whereabouts::STATEMENTS,
    change::STATEMENTS,
    character::STATEMENTS,
    claim::STATEMENTS,
    delete::STATEMENTS,
    delete::BYTES_STATEMENTS,
    delete::DECIDE_STATEMENTS,
    delete::PLAN_STATEMENTS,
    frame::STATEMENTS,
    frame::ELSEWHERE_STATEMENTS,
    generation::STATEMENTS,
    generation::RECORD_STATEMENTS,
    head::STATEMENTS,
    image_file::STATEMENTS,
    import::STATEMENTS,
    import::FOLDER_STATEMENTS,
    import::SIDECAR_STATEMENTS,
    integrity::STATEMENTS,
    lineage::FRAMES_STATEMENTS,
    lineage::REACH_STATEMENTS,
    import::MEGABANANAS_STATEMENTS,
    project::STATEMENTS,
    project::COUNT_STATEMENTS,
    reference::STATEMENTS,
    request::STATEMENTS,
    scrub::STATEMENTS,
    scrub::CLAIM_STATEMENTS,
    search::STATEMENTS,
    studio::STATEMENTS,
    tag::STATEMENTS,
    tag::CHANGE_STATEMENTS,
    token::STATEMENTS,
    trash::STATEMENTS,
    trash::ENTRY_STATEMENTS,
    trash::PURGE_STATEMENTS,
    trash::RESTORE_STATEMENTS,
    trash::SWEEP_STATEMENTS,
    trash::TOMBSTONE_STATEMENTS,
    trash::UNNAMED_STATEMENTS,
    variation::STATEMENTS,
    view::STATEMENTS,
    view::stock::STATEMENTS,
    view::step::STATEMENTS,
];

/// Calls back with every statement that the library can send.
fn every_statement(engine: Engine, mut prepare: impl FnMut(String)) {
    let deeper = [
        adopt::STATEMENTS,
        doctor::STATEMENTS,
        verify::STATEMENTS,
        export::STATEMENTS,
    ];
    let deeper = deeper.iter().copied().flatten();
    for statement in STATEMENTS.iter().chain(deeper).copied().flatten() {
        prepare(statement.text(engine).into_owned());
    }
    for statement in trash::every_discard() {
        prepare(statement.text(engine).into_owned());
    }
    trash::TrashFilter::every_query(|query| prepare(query.text(engine).into_owned()));
    trash::TombstoneFilter::every_query(|query| prepare(query.text(engine).into_owned()));
    trash::every_insert(|statement| prepare(statement.text(engine).into_owned()));
    trash::every_check(|statement| prepare(statement.text(engine).into_owned()));
    prepare(trash::bury().text(engine).into_owned());
    if engine == Engine::Postgres {
        prepare(sql::NAME_BLOBS.text(engine).into_owned());
        prepare(sql::SWEEP_BLOBS.text(engine).into_owned());
    }
    for table in TABLES {
        prepare(sql::insert(table, engine));
        if table.columns.iter().any(|(column, _)| *column == "id") {
            prepare(sql::update(table, engine));
        }
    }
    for schema in super::schema::tables(super::latest_version()) {
        prepare(sql::insert(&schema.table, engine));
        let columns = sql::column_list(&schema.table, "");
        prepare(format!("SELECT {columns} FROM {}", schema.table.name));
    }
    every_list(|query| prepare(query.text(engine).into_owned()));
    every_graph_query(|query| prepare(query.text(engine).into_owned()));
}

/// Calls back with every query that follows references.
fn every_graph_query(mut query: impl FnMut(Query<'_>)) {
    lineage::every_walk(&mut query);
    lineage::every_stale_query(&mut query);
}

fn every_list(mut list: impl FnMut(Query<'_>)) {
    project::ProjectFilter::every_query(&mut list);
    character::CharacterFilter::every_query(&mut list);
    animation::AnimationFilter::every_query(&mut list);
    asset::AssetFilter::every_query(&mut list);
    generation::GenerationFilter::every_query(&mut list);
    search::SearchFilter::every_query(&mut list);
}

async fn open_sqlite(folder: &Path) -> Database {
    let file = folder.join("pegbar.db");
    Database::open(&DatabaseAddress::Sqlite, &file)
        .await
        .unwrap()
        .0
}

#[tokio::test]
async fn every_statement_is_prepared_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let database = open_sqlite(folder.path()).await;
    let Session::Sqlite(session) = database.read().await.unwrap() else {
        unreachable!()
    };
    let mut count = 0;
    every_statement(Engine::Sqlite, |text| {
        let prepared = session.connection().prepare(&text);
        assert!(prepared.is_ok(), "{:?}\n{text}", prepared.err());
        count += 1;
    });
    assert!(count > 1000, "only {count} statements");
}

#[tokio::test]
async fn every_statement_is_prepared_on_postgres() {
    // The integration tests say when there is no server.
    let Ok(server) = std::env::var("PEGBAR_TEST_POSTGRES") else {
        return;
    };
    let name = format!("pegbar_statements_{}", std::process::id());
    let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    let address = DatabaseAddress::Postgres(url);
    let (database, _) = Database::open(&address, Path::new("")).await.unwrap();
    let Session::Postgres(mut session) = database.read().await.unwrap() else {
        unreachable!()
    };
    let mut texts = Vec::new();
    every_statement(Engine::Postgres, |text| texts.push(text));
    for text in texts {
        let prepared = session.object().unwrap().prepare(&text).await;
        assert!(prepared.is_ok(), "{:?}\n{text}", prepared.err());
    }
    drop((session, database));
    client
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_tables_that_are_copied_whole_are_those_of_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let database = open_sqlite(folder.path()).await;
    let Session::Sqlite(session) = database.read().await.unwrap() else {
        unreachable!()
    };
    let list = |query: &str, name: &str| -> Vec<String> {
        let mut statement = session.connection().prepare(query).unwrap();
        let rows = statement.query_map([name], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let there = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
                 AND name <> ?1 ORDER BY name";
    let known = super::schema::tables(super::latest_version());
    let mut names: Vec<&str> = known.iter().map(|schema| schema.table.name).collect();
    names.sort_unstable();
    assert_eq!(list(there, "pegbar_migration"), names);
    for schema in known {
        let name = schema.table.name;
        let columns = "SELECT name FROM pragma_table_info(?1) ORDER BY name";
        let mut known: Vec<&str> = schema.table.columns.iter().map(|column| column.0).collect();
        known.sort_unstable();
        assert_eq!(list(columns, name), known, "{name}");
        let key = "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk";
        let known = schema
            .key
            .iter()
            .map(|place| schema.table.columns[*place].0);
        assert_eq!(list(key, name), known.collect::<Vec<_>>(), "{name}");
    }
}

#[tokio::test]
async fn every_list_of_a_project_uses_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let database = open_sqlite(folder.path()).await;
    let Session::Sqlite(session) = database.read().await.unwrap() else {
        unreachable!()
    };
    let check = |query: Query<'_>| {
        let text = query.text(Engine::Sqlite).into_owned();
        let explain = format!("EXPLAIN QUERY PLAN {text}");
        let mut statement = session.connection().prepare(&explain).unwrap();
        // Nothing is bound: the plan does not depend on the values.
        let mut rows = statement.raw_query();
        let mut plan: Vec<String> = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            plan.push(row.get(3).unwrap());
        }
        for step in &plan {
            // A list of ids is gone through as a table of its own, and what a recursion has found
            // is looked at as a whole.
            let is_found = [
                "SCAN walk",
                "SCAN reached",
                "SCAN w",
                "SCAN rarray VIRTUAL TABLE",
            ];
            let is_found = is_found.iter().any(|found| step.starts_with(found));
            let scans = step.starts_with("SCAN") && !step.contains("USING") && !is_found;
            assert!(!scans, "{step}\n{text}");
            // By its asset, not every reference of the project.
            let is_by_asset = !step.starts_with("SEARCH r ") || step.contains("asset_id=?");
            assert!(is_by_asset, "{step}\n{text}");
        }
    };
    every_list(check);
    every_graph_query(check);
}

#[tokio::test]
async fn references_are_found_by_their_assets() {
    let folder = tempfile::tempdir().unwrap();
    let database = open_sqlite(folder.path()).await;
    let Session::Sqlite(session) = database.read().await.unwrap() else {
        unreachable!()
    };
    let mut found = 0;
    every_statement(Engine::Sqlite, |text| {
        let explain = format!("EXPLAIN QUERY PLAN {text}");
        let mut statement = session.connection().prepare(&explain).unwrap();
        // Nothing is bound: the plan does not depend on the values.
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let step: String = row.get(3).unwrap();
            let words: Vec<&str> = step.split(' ').collect();
            if !matches!(words[..], ["SEARCH" | "SCAN", "r" | "asset_reference", ..]) {
                continue;
            }
            // What is about a whole project, or about all of them, says so.
            let is_whole = text.ends_with("WHERE project_id = ?1 ORDER BY asset_id, position")
                || text.ends_with("FROM asset_reference");
            let is_page = step.contains("asset_id>? AND asset_id<?");
            assert!(
                step.contains("asset_id=?") || is_page || is_whole,
                "{step}\n{text}"
            );
            found += 1;
        }
    });
    assert!(found > 20, "{found}");
}

#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let database = open_sqlite(folder.path()).await;
    let Session::Sqlite(session) = database.read().await.unwrap() else {
        unreachable!()
    };
    let connection = session.connection();
    let columns = |query: &str, of: &str| -> Vec<String> {
        let mut statement = connection.prepare(query).unwrap();
        statement
            .query_map([of], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    let mut keys = 0;
    for table in columns(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name > ?1",
        "",
    ) {
        let indexes = columns("SELECT name FROM pragma_index_list(?1)", &table);
        let indexes: Vec<Vec<String>> = indexes
            .iter()
            .map(|index| {
                columns(
                    "SELECT name FROM pragma_index_info(?1) ORDER BY seqno",
                    index,
                )
            })
            .collect();
        let ids = columns(
            "SELECT DISTINCT CAST(id AS TEXT) FROM pragma_foreign_key_list(?1)",
            &table,
        );
        for id in ids {
            let query = format!(
                "SELECT \"from\" FROM pragma_foreign_key_list(?1) WHERE id = {id} ORDER BY seq"
            );
            let key = columns(&query, &table);
            let is_indexed = indexes.iter().any(|index| index.starts_with(&key));
            assert!(is_indexed, "{table} {key:?}: {indexes:?}");
            keys += 1;
        }
    }
    assert!(keys >= 19, "only {keys} keys");
}

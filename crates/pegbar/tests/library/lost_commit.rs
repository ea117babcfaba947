//! A connection that is lost during COMMIT: what became of it is learned from the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use pegbar::{DatabaseAddress, NewProject, Studio, StudioOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{asset, run_on_postgres};

const PASS: u8 = 0;
const CUT_BEFORE: u8 = 1;
const CUT_AFTER: u8 = 2;

/// Stands between client and server, and cuts the connection at the next COMMIT.
struct Cutter {
    mode: Arc<AtomicU8>,
    port: u16,
}

impl Cutter {
    async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mode = Arc::new(AtomicU8::new(PASS));
        let shared = mode.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(forward(client, server, shared.clone()));
            }
        });
        Self { mode, port }
    }
}

async fn forward(mut client: TcpStream, mut server: TcpStream, mode: Arc<AtomicU8>) {
    let (mut sent, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut cut = false;
    loop {
        tokio::select! {
            read = client.read(&mut sent) => {
                let Ok(read @ 1..) = read else { return };
                let is_commit = sent[..read].windows(6).any(|bytes| bytes == b"COMMIT");
                if is_commit && mode.load(Ordering::SeqCst) == CUT_BEFORE {
                    mode.store(PASS, Ordering::SeqCst);
                    return;
                }
                cut = is_commit && mode.load(Ordering::SeqCst) == CUT_AFTER;
                if server.write_all(&sent[..read]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(read @ 1..) = read else { return };
                if cut {
                    mode.store(PASS, Ordering::SeqCst);
                    return;
                }
                if client.write_all(&answered[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[test]
fn a_commit_whose_answer_is_lost_is_settled_by_the_server() {
    run_on_postgres(async |bench| {
        drop(bench.create().await);
        let DatabaseAddress::Postgres(url) = &bench.database else {
            unreachable!()
        };
        let (user, rest) = url.split_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let cutter = Cutter::before(server.to_owned()).await;
        let database = format!("{user}@127.0.0.1:{}/{database}", cutter.port);
        let database = DatabaseAddress::Postgres(database);
        let options = StudioOptions {
            database,
            ..StudioOptions::default()
        };
        let studio = Studio::open_with(bench.root(), options).await.unwrap();

        cutter.mode.store(CUT_AFTER, Ordering::SeqCst);
        let project = NewProject::new("Committed").reference(asset(1));
        let created = studio.create_project(project).await.unwrap();
        assert_eq!(cutter.mode.load(Ordering::SeqCst), PASS, "nothing was cut");
        assert_eq!(created.project.name, "Committed");

        cutter.mode.store(CUT_BEFORE, Ordering::SeqCst);
        let lost = studio
            .create_project(NewProject::new("Lost"))
            .await
            .unwrap_err();
        assert_eq!(lost.code(), "unavailable", "{lost:?}");
        let projects = studio
            .list_projects(&Default::default(), Default::default())
            .await
            .unwrap();
        assert_eq!(projects.rows, [created.project]);
    });
}

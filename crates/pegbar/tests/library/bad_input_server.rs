//! A PostgreSQL server that goes away in the middle of a change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pegbar::{DatabaseAddress, NewFrame, Studio, StudioOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{assert_in_step, asset, project_with_character, run_on_postgres};

const NEVER: u64 = u64::MAX;

/// Stands between client and server.
#[derive(Default)]
struct Line {
    /// How many bytes the client has sent.
    sent: AtomicU64,
    /// How many bytes it may send before the line is cut.
    cut_after: AtomicU64,
    /// Nobody gets through.
    is_down: AtomicBool,
    /// The line is cut without a farewell.
    is_reset: AtomicBool,
    /// Once cut, the line stays down.
    stays_down: AtomicBool,
}

impl Line {
    async fn before(server: String) -> (Arc<Self>, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = Arc::new(Self::default());
        line.cut_after.store(NEVER, Ordering::SeqCst);
        let shared = line.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !shared.is_down.load(Ordering::SeqCst) {
                    let server = TcpStream::connect(&server).await.unwrap();
                    tokio::spawn(shared.clone().forward(client, server));
                }
            }
        });
        (line, port)
    }

    async fn forward(self: Arc<Self>, mut client: TcpStream, mut server: TcpStream) {
        let (mut sent, mut answered) = (vec![0; 1 << 12], vec![0; 1 << 16]);
        loop {
            tokio::select! {
                read = client.read(&mut sent) => {
                    let Ok(read @ 1..) = read else { return };
                    let all = self.sent.fetch_add(read as u64, Ordering::SeqCst) + read as u64;
                    if all > self.cut_after.load(Ordering::SeqCst) {
                        self.cut_after.store(NEVER, Ordering::SeqCst);
                        if self.is_reset.load(Ordering::SeqCst) {
                            client.set_zero_linger().unwrap();
                        }
                        self.is_down.store(self.stays_down.load(Ordering::SeqCst), Ordering::SeqCst);
                        return;
                    }
                    if server.write_all(&sent[..read]).await.is_err() {
                        return;
                    }
                }
                read = server.read(&mut answered) => {
                    let Ok(read @ 1..) = read else { return };
                    if client.write_all(&answered[..read]).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

#[test]
fn a_server_that_goes_away_leaves_everything_as_before_or_as_after() {
    const FRAMES: u32 = 30;
    const CUTS: u64 = 12;
    run_on_postgres(async |bench| {
        let studio = bench.create().await;
        let cat = project_with_character(&studio).await;
        let walk = pegbar::NewAnimation::new("Walk");
        let cat = studio
            .create_animation(cat.characters[0].character.id, walk)
            .await
            .unwrap();
        let (project, walk) = (cat.animation.project_id, cat.animation.id);
        drop(studio);

        let DatabaseAddress::Postgres(url) = &bench.database else {
            unreachable!()
        };
        let (user, rest) = url.split_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let (line, port) = Line::before(server.to_owned()).await;
        let options = StudioOptions {
            database: DatabaseAddress::Postgres(format!("{user}@127.0.0.1:{port}/{database}")),
            ..StudioOptions::default()
        };
        let studio = Studio::open_with(bench.root(), options).await.unwrap();
        let frames = |round: u32| (0..FRAMES).map(move |n| NewFrame::new(asset(1000 * round + n)));
        let append = async |round| {
            let frames = frames(round).collect();
            studio.append_frames(walk, frames, None).await
        };
        // Twice: the first time, statements are prepared.
        append(1).await.unwrap();
        let before = line.sent.load(Ordering::SeqCst);
        append(2).await.unwrap();
        let length = line.sent.load(Ordering::SeqCst) - before;
        let mut count = 2 * FRAMES as usize;
        let (mut lost, mut kept) = (0, 0);
        for cut in 0..CUTS {
            // Later, the change is being committed: a server that is away then is asked for
            // half a minute what became of it.
            line.is_reset.store(cut % 2 == 1, Ordering::SeqCst);
            line.stays_down.store(cut < CUTS / 3, Ordering::SeqCst);
            let sent = line.sent.load(Ordering::SeqCst);
            line.cut_after
                .store(sent + length * cut / CUTS, Ordering::SeqCst);
            let done = append(3 + u32::try_from(cut).unwrap()).await;
            assert_eq!(
                line.cut_after.load(Ordering::SeqCst),
                NEVER,
                "nothing was cut"
            );
            match done {
                Ok(_) => {
                    kept += 1;
                    count += FRAMES as usize;
                }
                Err(error) => {
                    lost += 1;
                    assert_eq!(error.code(), "unavailable", "cut {cut}: {error:?}");
                    assert!(error.hint().is_some());
                }
            }
            if line.is_down.load(Ordering::SeqCst) {
                let error = studio.get_animation_tree(walk).await.unwrap_err();
                assert_eq!(error.code(), "unavailable", "{error:?}");
                assert!(error.hint().unwrap().contains("PEGBAR_DATABASE_URL"));
                line.is_down.store(false, Ordering::SeqCst);
            }
            let tree = studio.get_animation_tree(walk).await.unwrap();
            assert_eq!(tree.frames.len(), count, "cut {cut}");
            for (index, frame) in (0..).zip(&tree.frames) {
                assert_eq!(frame.frame.frame_index, index);
            }
            assert_eq!(tree.takes, []);
            studio.update_view().await.unwrap();
            let all = studio.get_project_tree(project).await.unwrap();
            assert_in_step(&studio, &all);
        }
        assert!(lost > 2 && kept > 0, "{lost} lost, {kept} kept");
        append(99).await.unwrap();
        assert_eq!(
            studio.sync(|_, _| {}).await.unwrap(),
            pegbar::ViewReport::default()
        );
        let all = studio.get_project_tree(project).await.unwrap();
        assert_in_step(&studio, &all);
    });
}

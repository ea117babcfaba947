//! A client that does as little as a client can: connections that stay open, requests that were
//! written before, answers of which only the head is read.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::Outcome;

/// What a load found.
#[derive(Debug, Default)]
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
    /// How long each request took, in microseconds.
    times: Vec<u32>,
}

impl Load {
    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.bytes += other.bytes;
        self.times.extend(other.times);
    }

    /// Returns the time that this share of the requests took at most.
    pub(crate) fn percentile(&mut self, share: f64) -> Duration {
        self.times.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a place in a list"
        )]
        let place = (self.times.len() as f64 * share) as usize;
        let time = self
            .times
            .get(place.min(self.times.len().saturating_sub(1)));
        Duration::from_micros(time.copied().unwrap_or(0).into())
    }
}

/// One connection that stays open.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Outcome<Self> {
        Self::of(TcpStream::connect(address).await?)
    }

    /// Opens one from an address of this machine: each has ports of its own, and those of
    /// connections that ended a moment ago are not used again yet.
    pub(crate) async fn open_from(own: Ipv4Addr, address: SocketAddr) -> Outcome<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((own, 0).into())?;
        Self::of(socket.connect(address).await?)
    }

    fn of(stream: TcpStream) -> Outcome<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 1 << 16],
        })
    }

    /// Sends a request and reads the answer: its status, and how many bytes it has.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Outcome<(u16, u64)> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                return Err("the head of an answer is too long".into());
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err("the server closed the connection".into());
            }
            filled += read;
            if let Some(end) = find(&self.buffer[..filled], b"\r\n\r\n") {
                return self.finish(end + 4, filled).await;
            }
        }
    }

    async fn finish(&mut self, head: usize, filled: usize) -> Outcome<(u16, u64)> {
        let text = std::str::from_utf8(&self.buffer[..head])?;
        let status = text.get(9..12).unwrap_or("").parse()?;
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse::<u64>().ok())?
        });
        let length = match length {
            Some(length) => length,
            None if matches!(status, 204 | 304) => 0,
            None => return Err(format!("an answer does not say its length: {text}").into()),
        };
        let mut left = length.saturating_sub((filled - head) as u64);
        while left > 0 {
            let read = self.stream.read(&mut self.buffer).await?;
            if read == 0 {
                return Err("an answer ended early".into());
            }
            left = left.saturating_sub(read as u64);
        }
        Ok((status, head as u64 + length))
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// Writes a request without a body.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n").into_bytes()
}

/// Asks for the paths in turn, over several connections, until the time is over. Every answer
/// must be 200.
pub(crate) async fn load(
    address: SocketAddr,
    paths: &[String],
    connections: usize,
    time: Duration,
) -> Outcome<Load> {
    let requests: Arc<Vec<Vec<u8>>> = Arc::new(paths.iter().map(|path| get(path)).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let end = Instant::now() + time;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (requests, next) = (requests.clone(), next.clone());
        running.spawn(async move {
            let mut connection = Connection::open(address)
                .await
                .map_err(|error| error.to_string())?;
            let mut load = Load::default();
            while Instant::now() < end {
                let request = &requests[next.fetch_add(1, Ordering::Relaxed) % requests.len()];
                let start = Instant::now();
                let sent = connection.send(request).await;
                let (status, bytes) = sent.map_err(|error| error.to_string())?;
                if status != 200 {
                    return Err(format!("an answer has the status {status}"));
                }
                load.requests += 1;
                load.bytes += bytes;
                let micros = start.elapsed().as_micros();
                load.times.push(u32::try_from(micros).unwrap_or(u32::MAX));
            }
            Ok::<Load, String>(load)
        });
    }
    let mut all = Load::default();
    while let Some(one) = running.join_next().await {
        all.add(one??);
    }
    Ok(all)
}

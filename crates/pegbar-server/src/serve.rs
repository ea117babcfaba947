//! Listening, answering, and ending without cutting anyone off.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use pegbar::Studio;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tower::Service as _;

use crate::api;
use crate::app::{App, ServerOptions};
use crate::guard;
use crate::metrics::Counted;
use crate::pace::Connection;
use crate::scrub;

/// How long to wait before accepting again where the system has no more files.
const PAUSE: Duration = Duration::from_millis(50);

/// How many connections may wait to be accepted; the system may allow fewer.
const WAITING: u32 = 4096;

/// How often addresses are forgotten that no longer send anything.
const FORGOTTEN_EVERY: Duration = Duration::from_mins(1);

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    app: App,
}

/// Why a server can't start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Beyond loopback, a token is needed.
    #[error("{0} can be reached by others, and this studio has no token")]
    NoToken(SocketAddr),
    /// The system does not let it listen there.
    #[error("listening on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The studio can't be used.
    #[error(transparent)]
    Studio(#[from] pegbar::Error),
}

impl Server {
    /// Begins to listen; [`Server::run`] answers.
    ///
    /// # Errors
    /// [`StartError::NoToken`] for an address beyond loopback while the studio has no token;
    /// [`StartError::Listen`].
    pub async fn bind(studio: Studio, options: ServerOptions) -> Result<Self, StartError> {
        let address = options.address;
        let app = App::new(studio, options);
        if !address.ip().is_loopback() && !app.has_token().await? {
            return Err(StartError::NoToken(address));
        }
        let listener = listen(address).map_err(|source| StartError::Listen { address, source })?;
        Ok(Self { listener, app })
    }

    /// Returns where it listens: the port that the system chose, if it was to choose one.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers requests until `stop` is done; then finishes those that began.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { listener, app } = self;
        let limits = *app.limits();
        let router = router(app.clone());
        let open = Arc::new(Semaphore::new(limits.max_connections));
        let forgetting = tokio::spawn(forget_idle(app.clone()));
        let scrubbing = app.scrub_rate().map(|rate| {
            let app = app.clone();
            tokio::spawn(scrub::forever(app, rate))
        });
        let graceful = GracefulShutdown::new();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.head_timeout)
            .half_close(true);
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = accept(&listener, &open) => accepted,
            };
            let (stream, peer, permit) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            // Small answers would wait for the acknowledgement of the one before.
            let _ = stream.set_nodelay(true);
            let service = From {
                peer: Peer(peer),
                router: router.clone(),
            };
            let stream = Connection::new(stream, app.metrics().traffic(), limits.write_timeout);
            let counted = Counted::new(app.shared_metrics(), |metrics| &metrics.connections);
            let connection = http.serve_connection(TokioIo::new(stream), service);
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, %peer, "a connection ended early");
                }
                drop((permit, counted));
            });
        }
        drop(listener);
        forgetting.abort();
        // It can be interrupted at any time, and goes on from there.
        if let Some(scrubbing) = scrubbing {
            scrubbing.abort();
        }
        app.stopping().cancel();
        let ended = tokio::time::timeout(limits.shutdown_timeout, graceful.shutdown()).await;
        if ended.is_err() {
            tracing::warn!("some requests did not end in time");
        }
    }
}

/// What answers the requests of one connection.
struct From {
    peer: Peer,
    router: Router,
}

impl hyper::service::Service<Request<Incoming>> for From {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.peer);
        // A router is always ready.
        self.router.clone().call(request)
    }
}

/// Listens with room for many who come at once: one that finds none tries again a second later.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // So that it can start again at once; on Windows it would share the address with others.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Forgets addresses that no longer send anything, again and again.
async fn forget_idle(app: App) {
    loop {
        tokio::time::sleep(FORGOTTEN_EVERY).await;
        app.rate().forget_idle();
    }
}

async fn accept(
    listener: &TcpListener,
    open: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = open.clone().acquire_owned().await;
    // Nobody closes the semaphore.
    let permit = permit.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}

fn router(app: App) -> Router {
    api::router()
        .layer(from_fn_with_state(app.clone(), guard::admit))
        .with_state(app)
}

//! `pegbar serve`.

use std::net::SocketAddr;

use clap::ValueEnum;
use pegbar_server::{Limits, Server, ServerOptions, StartError};
use serde::Serialize;
use tracing::Level;

use crate::context::Context;
use crate::error::CommandError;
use crate::options::rate;

/// Serve the studio over HTTP
///
/// The API is below /api (its description at /api/docs), images are at their conventional paths
/// below /assets and by their hashes below /blobs. On loopback no token is needed, and web pages
/// from elsewhere can't reach it; on any other address every request needs a token (`pegbar token
/// create`). Ends at Ctrl-C or SIGTERM, after the requests that have begun.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  pegbar serve\n  pegbar serve --listen 0.0.0.0:7437 --host studio.local"
)]
pub(crate) struct Args {
    /// Where to listen; port 0 is any that is free
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:7437",
        env = "PEGBAR_LISTEN"
    )]
    listen: SocketAddr,
    /// A further name that the server is reached by
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// A web page that may call the server from a browser, like `http://localhost:3000`
    #[arg(long, value_name = "ORIGIN")]
    origin: Vec<String>,
    /// Ask for a token on loopback, too
    #[arg(long)]
    require_token: bool,
    /// How many requests one address may send within a second; 0 for as many as it likes
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().requests_per_second)]
    requests_per_second: u32,
    /// Hash every image in the store again, in the background and over and over, at this rate:
    /// `20MB/s`; `pegbar doctor` and /metrics tell what is found
    #[arg(long, value_name = "RATE", env = "PEGBAR_SCRUB", value_parser = rate)]
    scrub: Option<u64>,
    /// Write each request to standard error, as text or as JSON; without it, only what went wrong
    #[arg(long, value_name = "FORMAT")]
    log: Option<LogFormat>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object on each line.
    Json,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listening {
    address: SocketAddr,
    url: String,
}

/// Begins the log: what went wrong always, each request where it was asked for. Requests are told
/// by method, route, status and time: no header, no path, nothing that was sent.
fn begin_log(format: Option<LogFormat>) {
    let level = format.map_or(Level::WARN, |_| Level::INFO);
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    // A process has one log; nothing else begins it.
    let _ = match format {
        Some(LogFormat::Json) => log.json().flatten_event(true).try_init(),
        _ => log.try_init(),
    };
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), CommandError> {
    begin_log(args.log);
    let studio = context.studio().await?;
    let options = ServerOptions {
        hosts: args.host,
        origins: args.origin,
        require_token: args.require_token,
        scrub_bytes_per_second: args.scrub,
        limits: Limits {
            requests_per_second: args.requests_per_second,
            ..Limits::default()
        },
        ..ServerOptions::new(args.listen)
    };
    let server = Server::bind(studio, options).await.map_err(refusal)?;
    let address = server.local_addr().map_err(|error| {
        CommandError::refused("io", format!("the address is not known: {error}"))
    })?;
    // Before anyone is told that it is there, who may tell it to end at once.
    let stop = stop().map_err(|error| {
        CommandError::refused("io", format!("signals can't be waited for: {error}"))
    })?;
    let url = format!("http://{address}");
    if context.output.is_json() {
        context.output.json(&Listening { address, url })?;
    } else {
        context
            .output
            .line(format_args!("listening on {url} (its API: {url}/api/docs)"))?;
    }
    // Whoever started it through a pipe waits for the address.
    context.output.finish()?;
    server.run(stop).await;
    Ok(())
}

fn refusal(error: StartError) -> CommandError {
    match error {
        StartError::Studio(error) => error.into(),
        StartError::NoToken(_) => CommandError::refused("unauthorized", error.to_string()).hint(
            "`pegbar token create NAME` makes one; clients send it as `Authorization: Bearer …`",
        ),
        StartError::Listen { address, source } => {
            let message = format!("listening on {address}: {source}");
            CommandError::refused("io", message).hint("choose another port with --listen")
        }
        other => CommandError::refused("io", other.to_string()),
    }
}

/// Begins to wait for Ctrl-C or SIGTERM: what comes from here on is noticed.
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

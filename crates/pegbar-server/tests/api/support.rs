//! What the tests share: a server on a studio of its own, on both engines.

use std::io::{Cursor, Write as _};
use std::net::SocketAddr;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use pegbar::{DatabaseAddress, Studio, StudioOptions};
use pegbar_server::{Server, ServerOptions};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Runs one test body on both engines, each time with a studio and a database of its own.
macro_rules! both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($site:ident) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not every body needs all of it")]
            use super::*;

            async fn promise($site: &mut $crate::support::Site) $body

            #[test]
            $(#[$meta])*
            fn sqlite() {
                $crate::support::run_on_sqlite(async |site| promise(site).await);
            }

            #[test]
            $(#[$meta])*
            fn postgres() {
                $crate::support::run_on_postgres(async |site| promise(site).await);
            }
        }
    )+};
}

/// The server that tests may create databases on, by its address.
const POSTGRES: &str = "PEGBAR_TEST_POSTGRES";

/// A studio that is served.
pub(crate) struct Site {
    pub(crate) studio: Studio,
    pub(crate) client: reqwest::Client,
    pub(crate) address: SocketAddr,
    options: StudioOptions,
    folder: TempDir,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Site {
    async fn start(database: DatabaseAddress) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = StudioOptions {
            database,
            ..StudioOptions::default()
        };
        let studio = Studio::create_with(folder.path(), options.clone())
            .await
            .unwrap();
        let mut site = Self {
            studio,
            client: reqwest::Client::new(),
            address: ([127, 0, 0, 1], 0).into(),
            options,
            folder,
            running: None,
        };
        site.serve(ServerOptions::new(site.address)).await;
        site
    }

    /// Begins to serve; what was served before ends first.
    pub(crate) async fn serve(&mut self, options: ServerOptions) {
        self.stop().await;
        let server = Server::bind(self.studio.clone(), options).await.unwrap();
        self.address = server.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        self.running = Some((stop, running));
    }

    /// Ends the server, opens the studio anew and serves it again, as after a restart.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.studio = self.open().await;
        self.serve(ServerOptions::new(([127, 0, 0, 1], 0).into()))
            .await;
    }

    /// Opens the studio once more, as another process does.
    pub(crate) async fn open(&self) -> Studio {
        Studio::open_with(self.folder.path(), self.options.clone())
            .await
            .unwrap()
    }

    /// Forgets the changes up to a number, as happens to the oldest of many.
    pub(crate) async fn forget_changes(&self, number: u64) {
        let text = format!("DELETE FROM change WHERE number <= {number}");
        match &self.options.database {
            DatabaseAddress::Postgres(address) => run_sql(address, &text).await,
            DatabaseAddress::Sqlite => {
                let file = self.folder.path().join(".pegbar/pegbar.db");
                let connection = rusqlite::Connection::open(file).unwrap();
                connection.execute_batch(&text).unwrap();
            }
        }
    }

    pub(crate) async fn stop(&mut self) {
        if let Some((stop, running)) = self.running.take() {
            let _ = stop.send(());
            running.await.unwrap();
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// Reads what must be there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        expect(response, StatusCode::OK).await
    }

    /// Sends JSON and returns the answer, whatever it is.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.request(method, path).json(body).send().await.unwrap()
    }
}

impl Site {
    /// Sends JSON with images.
    pub(crate) async fn upload(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        images: &[(&str, u32)],
    ) -> Response {
        let request = self.request(method, path).multipart(parts(body, images));
        request.send().await.unwrap()
    }

    /// Creates what must be created.
    pub(crate) async fn create(&self, path: &str, body: &Value, images: &[(&str, u32)]) -> Value {
        let response = self.upload(Method::POST, path, body, images).await;
        expect(response, StatusCode::CREATED).await
    }

    /// Asks for a change of the version that has this tag.
    pub(crate) fn change(&self, method: Method, path: &str, tag: &str) -> RequestBuilder {
        self.request(method, path).header("If-Match", tag)
    }

    /// Reads the version of what is there.
    pub(crate) async fn tag(&self, path: &str) -> String {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        etag(&response)
    }

    /// Sends a change of whatever is there and returns what it has become.
    pub(crate) async fn changed(&self, method: Method, path: &str, body: &Value) -> Value {
        let response = self.change(method, path, "*").json(body).send().await;
        expect(response.unwrap(), StatusCode::OK).await
    }

    /// Asks for a change that must need to know the version: 428 without one, 412 with that of
    /// another time. `seen` is what carries the version, `other` a change of it.
    pub(crate) async fn must_know_the_version(
        &self,
        (method, path, body): (Method, &str, &Value),
        seen: &str,
        other: (Method, &str, &Value),
    ) {
        let without = self.request(method.clone(), path).json(body).send().await;
        problem(without.unwrap(), 428, "precondition_required").await;
        let stale = self.tag(seen).await;
        self.changed(other.0, other.1, other.2).await;
        let before = self.get(seen).await;
        for tag in [stale.as_str(), "\"x\"", "W/\"x\""] {
            let late = self
                .change(method.clone(), path, tag)
                .json(body)
                .send()
                .await;
            problem(late.unwrap(), 412, "stale").await;
        }
        assert_eq!(self.get(seen).await, before, "nothing was changed");
    }
}

/// Returns a body of JSON and of images, each the PNG of a number.
pub(crate) fn parts(body: &Value, images: &[(&str, u32)]) -> Form {
    let json = Part::text(body.to_string()).mime_str("application/json");
    let mut form = Form::new().part("body", json.unwrap());
    for (name, number) in images {
        let file = Part::bytes(png(*number)).file_name(format!("{name}.png"));
        form = form.part((*name).to_owned(), file);
    }
    form
}

/// Returns an id that a client chose.
pub(crate) fn id(number: u32) -> String {
    format!("01920000-0000-7000-8000-{number:012}")
}

/// The id of the palette of [`cats`], an uploaded image.
pub(crate) const PALETTE: u32 = 2;
/// The id of the character.
pub(crate) const TABBY: u32 = 3;
/// The id of its primary variation.
pub(crate) const FRONT: u32 = 4;
/// The id of its animation.
pub(crate) const WALK: u32 = 6;
/// The ids of its frames; their assets have the next ten.
pub(crate) const FRAMES: [u32; 3] = [10, 11, 12];

/// A project with everything in it.
pub(crate) fn cats() -> (Value, [(&'static str, u32); 6]) {
    let frame = |place: u32, file: &str| {
        let before = if place == 0 { FRONT } else { 19 + place };
        let role = if place == 0 {
            "character"
        } else {
            "previous_frame"
        };
        json!({
            "id": id(10 + place),
            "framePrompt": format!("step {place}"),
            "asset": {
                "id": id(20 + place), "file": file, "generationPrompt": format!("a cat, step {place}"),
                "model": "painter-1", "generationSettings": { "seed": place, "steps": 20 },
                "references": [{ "assetId": id(before), "role": role }]
            }
        })
    };
    let body = json!({
        "id": id(1), "name": "Cats", "description": "about cats", "tags": ["pilot"],
        "settings": { "model": "painter-1" }, "thumbnailId": id(FRONT), "sourceId": "old-1",
        "references": [{ "id": id(PALETTE), "file": "palette", "tags": ["colour"] }],
        "characters": [{
            "id": id(TABBY), "name": "Tabby", "tags": ["hero"], "userPrompt": "a tabby cat",
            "variations": [
                { "id": id(FRONT), "file": "front", "generationPrompt": "a tabby cat, front",
                  "references": [{ "assetId": id(PALETTE), "role": "style" }] },
                { "id": id(5), "file": "side", "originalName": "from-the-side.png" }
            ],
            "primaryAssetId": id(FRONT),
            "animations": [{
                "id": id(WALK), "name": "Walk", "frameDurationMs": 80,
                "frames": [frame(0, "f0"), frame(1, "f1"), frame(2, "f2")]
            }]
        }]
    });
    let images = [
        ("palette", 1),
        ("front", 2),
        ("side", 3),
        ("f0", 4),
        ("f1", 5),
        ("f2", 6),
    ];
    (body, images)
}

/// Creates [`cats`].
pub(crate) async fn create_cats(site: &Site) -> Value {
    let (body, images) = cats();
    site.create("/api/projects", &body, &images).await
}

/// Returns the JSON of an answer that must have this status.
pub(crate) async fn expect(response: Response, status: StatusCode) -> Value {
    let (found, url) = (response.status(), response.url().clone());
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{url}: {text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// Returns the problem of an answer that must be one, with this status and code.
pub(crate) async fn problem(response: Response, status: u16, code: &str) -> Value {
    let found = response.status().as_u16();
    let kind = response.headers().get("content-type").cloned();
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    assert_eq!(kind.unwrap(), "application/problem+json", "{text}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["status"], found, "{problem}");
    problem
}

/// Returns the version of an answer.
pub(crate) fn etag(response: &Response) -> String {
    response.headers()["etag"].to_str().unwrap().to_owned()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

async fn run(database: DatabaseAddress, promise: impl AsyncFnOnce(&mut Site)) {
    let mut site = Site::start(database).await;
    promise(&mut site).await;
    site.stop().await;
}

pub(crate) fn run_on_sqlite(promise: impl AsyncFnOnce(&mut Site)) {
    runtime().block_on(run(DatabaseAddress::Sqlite, promise));
}

pub(crate) fn run_on_postgres(promise: impl AsyncFnOnce(&mut Site)) {
    static SAID: Once = Once::new();
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = std::env::var(POSTGRES) else {
        SAID.call_once(|| {
            // Straight to the stream: the test harness captures what the macros print.
            let _ = std::io::stderr().write_all(
                b"\n*** SQLite only: PEGBAR_TEST_POSTGRES is not set, so nothing was tested on \
                  PostgreSQL.\n*** Run `scripts/with-postgres cargo test` for both.\n\n",
            );
        });
        return;
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("pegbar_api_{}_{number}", std::process::id());
    let (address, _) = server.rsplit_once('/').unwrap();
    let database = DatabaseAddress::Postgres(format!("{address}/{name}"));
    runtime().block_on(async {
        run_sql(&server, &format!("CREATE DATABASE {name}")).await;
        run(database, promise).await;
        // After a failure the database stays, to be looked at.
        run_sql(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    });
}

async fn run_sql(server: &str, text: &str) {
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(text).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

/// A small PNG; every number gives other bytes.
pub(crate) fn png(number: u32) -> Vec<u8> {
    let [a, b, c, d] = number.to_le_bytes();
    let image = image::RgbaImage::from_fn(8, 6, |x, _| {
        image::Rgba([a, b.wrapping_add(u8::try_from(x).unwrap()), c, 255 - d])
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

//! Images that come with a request: streamed into the store, piece by piece.
//!
//! A request with images is `multipart/form-data` (RFC 7578). Its first part is called `body` and
//! is the JSON that a request without images would have; the others are the images, each called
//! as the JSON calls it in a field `file`.

use std::collections::HashMap;

use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{StatusCode, header};
use http_body_util::BodyExt as _;
use pegbar::{ImageReceiver, ImageSource, NewAsset, Sha256, StoredImage};
use serde::de::DeserializeOwned;
use sha2::Digest as _;

use crate::app::App;
use crate::extract::{has_media_type, parse_json, too_large, wrong_media_type};
use crate::pace::broken_body;
use crate::problem::Problem;

/// The name of the part that is JSON.
const BODY: &str = "body";

/// How many images one request may bring.
const MAX_FILES: usize = 1000;

/// A body of JSON that may come with images.
pub(crate) struct WithImages<T> {
    pub(crate) body: T,
    images: Images,
    /// The hash of everything that came: the same request has the same.
    pub(crate) hash: Sha256,
}

impl<T> WithImages<T> {
    /// Makes of the body what is to be created, with its images; refuses images that nothing is
    /// made of.
    pub(crate) fn make<N>(
        self,
        of: impl FnOnce(T, &mut Images) -> Result<N, Problem>,
    ) -> Result<N, Problem> {
        let Self {
            body, mut images, ..
        } = self;
        let made = of(body, &mut images)?;
        images.check_all_used()?;
        Ok(made)
    }
}

/// The images of a request, by the names of their parts.
#[derive(Debug, Default)]
pub(crate) struct Images(HashMap<String, Image>);

#[derive(Debug)]
struct Image {
    stored: StoredImage,
    /// The name of the file on the sender's side.
    name: Option<String>,
    is_used: bool,
}

impl Images {
    /// Returns an asset with the image that a request calls so; `field` names the place.
    pub(crate) fn asset(
        &mut self,
        field: &str,
        file: &str,
        sha256: Option<Sha256>,
    ) -> Result<NewAsset, Problem> {
        let Some(image) = self.0.get_mut(file) else {
            let reason = format!("no part of the request is called {file:?}");
            return Err(Problem::invalid(format!("{field}.file"), reason)
                .hint("send multipart/form-data: a part `body` with the JSON, then the images"));
        };
        image.is_used = true;
        let found = image.stored.sha256();
        if let Some(expected) = sha256.filter(|expected| *expected != found) {
            let reason = format!("{expected} was announced, and {found} came");
            return Err(Problem::invalid(format!("{field}.sha256"), reason));
        }
        let asset = NewAsset::new(ImageSource::Stored(image.stored));
        Ok(match &image.name {
            Some(name) => asset.original_name(name.clone()),
            None => asset,
        })
    }

    /// Refuses images that nothing in the request is made of.
    fn check_all_used(&self) -> Result<(), Problem> {
        let unused = self.0.iter().find(|(_, image)| !image.is_used);
        match unused {
            Some((name, _)) => {
                let reason = "the JSON does not mention this part";
                Err(Problem::invalid(name.clone(), reason))
            }
            None => Ok(()),
        }
    }
}

/// Does what may take a while, without holding up other requests.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// A part that comes in, hashed on the way.
struct Incoming<'a> {
    hasher: &'a mut sha2::Sha256,
    left: &'a mut u64,
    limit: u64,
}

impl Incoming<'_> {
    /// Counts and hashes a piece.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        let length = bytes.len() as u64;
        *self.left = self
            .left
            .checked_sub(length)
            .ok_or_else(|| too_large(self.limit))?;
        self.hasher.update(bytes);
        Ok(())
    }

    /// Keeps the parts apart: what one ends with does not begin the next.
    fn name(&mut self, name: &str) {
        self.hasher.update((name.len() as u64).to_le_bytes());
        self.hasher.update(name.as_bytes());
    }

    async fn json(&mut self, field: &mut Field<'_>, limit: usize) -> Result<Bytes, Problem> {
        let mut body = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(|error| broken(&error))? {
            self.take(&piece)?;
            if body.len() + piece.len() > limit {
                return Err(too_large(limit as u64));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.into())
    }

    async fn image(
        &mut self,
        field: &mut Field<'_>,
        mut receiver: ImageReceiver,
    ) -> Result<StoredImage, Problem> {
        while let Some(piece) = field.chunk().await.map_err(|error| broken(&error))? {
            self.take(&piece)?;
            blocking(|| receiver.write(&piece))?;
        }
        Ok(blocking(|| receiver.finish(None))?)
    }
}

fn broken(error: &axum::extract::multipart::MultipartError) -> Problem {
    let detail = format!("the parts of the body can't be read: {}", error.body_text());
    broken_body(error, detail)
}

impl<T: DeserializeOwned + Send> FromRequest<App> for WithImages<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let mut hasher = sha2::Sha256::new();
        let limits = app.limits();
        if has_media_type(request.headers(), "application/json") {
            let bytes = collect(request, limits.max_json).await?;
            hasher.update(&bytes);
            return Ok(Self {
                body: parse_json(&bytes)?,
                images: Images::default(),
                hash: Sha256(hasher.finalize().into()),
            });
        }
        if !has_media_type(request.headers(), "multipart/form-data") {
            return Err(wrong_media_type("application/json or multipart/form-data"));
        }
        let parts = Multipart::from_request(request, app).await;
        let mut parts = parts.map_err(|error| Problem::malformed(error.body_text()))?;
        let mut left = limits.max_upload;
        let mut incoming = Incoming {
            hasher: &mut hasher,
            left: &mut left,
            limit: limits.max_upload,
        };
        let mut body = None;
        let mut images = HashMap::new();
        while let Some(mut field) = parts.next_field().await.map_err(|error| broken(&error))? {
            let Some(name) = field.name().map(str::to_owned) else {
                return Err(Problem::malformed("a part of the body has no name"));
            };
            incoming.name(&name);
            if body.is_none() {
                if name != BODY {
                    let detail = format!("the first part must be `{BODY}`, with the JSON");
                    return Err(Problem::malformed(detail));
                }
                let bytes = incoming.json(&mut field, limits.max_json).await?;
                body = Some(parse_json(&bytes)?);
                continue;
            }
            if images.contains_key(&name) || name == BODY {
                return Err(Problem::invalid(name, "two parts have this name"));
            }
            if images.len() == MAX_FILES {
                let reason = format!("more than {MAX_FILES} images in one request");
                return Err(Problem::invalid(name, reason));
            }
            let file_name = field.file_name().map(last_part);
            let receiver = app.studio().receive_image();
            let stored = incoming.image(&mut field, receiver).await;
            let stored = stored.map_err(|problem| problem.about(&name))?;
            let image = Image {
                stored,
                name: file_name.filter(|name| !name.is_empty()),
                is_used: false,
            };
            images.insert(name, image);
        }
        let body = body.ok_or_else(|| {
            Problem::malformed(format!("the body has no part `{BODY}` with the JSON"))
        })?;
        Ok(Self {
            body,
            images: Images(images),
            hash: Sha256(hasher.finalize().into()),
        })
    }
}

/// Some browsers send a path.
fn last_part(name: &str) -> String {
    name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned()
}

/// Reads a body whole, up to a limit.
pub(crate) async fn collect(request: Request, limit: usize) -> Result<Bytes, Problem> {
    use http_body_util::{LengthLimitError, Limited};
    let body = Limited::new(request.into_body(), limit).collect().await;
    match body {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(too_large(limit as u64))
        }
        Err(error) => {
            let detail = format!("the body did not come whole: {error}");
            Err(broken_body(&*error, detail))
        }
    }
}

/// An image that is the whole body, and the hash of it that the client announced
/// (`Repr-Digest: sha-256=:…:`, RFC 9530).
pub(crate) struct RawImage {
    pub(crate) stored: StoredImage,
}

impl FromRequest<App> for RawImage {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        check_is_image(request.headers())?;
        let announced = announced(request.headers())?;
        let limit = app.limits().max_upload;
        let mut receiver = app.studio().receive_image();
        let mut left = limit;
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                broken_body(&error, format!("the body did not come whole: {error}"))
            })?;
            let Ok(piece) = frame.into_data() else {
                continue;
            };
            left = left
                .checked_sub(piece.len() as u64)
                .ok_or_else(|| too_large(limit))?;
            blocking(|| receiver.write(&piece))?;
        }
        let stored = blocking(|| receiver.finish(announced))?;
        Ok(Self { stored })
    }
}

fn check_is_image(headers: &http::HeaderMap) -> Result<(), Problem> {
    let types = [
        "image/png",
        "image/jpeg",
        "image/webp",
        "image/gif",
        "application/octet-stream",
    ];
    if types.into_iter().any(|kind| has_media_type(headers, kind)) {
        return Ok(());
    }
    Err(wrong_media_type(
        "image/png, image/jpeg, image/webp, image/gif or application/octet-stream",
    ))
}

fn announced(headers: &http::HeaderMap) -> Result<Option<Sha256>, Problem> {
    use base64::Engine as _;
    let names = ["repr-digest", "content-digest"];
    let Some(value) = names.iter().find_map(|name| headers.get(*name)) else {
        return Ok(None);
    };
    let mut digests = value.to_str().unwrap_or("").split(',').map(str::trim);
    let digest = digests.find_map(|digest| digest.strip_prefix("sha-256=:")?.strip_suffix(':'));
    // Other hashes may be there too; we need not know them.
    let Some(digest) = digest else {
        return Ok(None);
    };
    let bytes = base64::engine::general_purpose::STANDARD.decode(digest);
    match bytes.ok().and_then(|bytes| bytes.try_into().ok()) {
        Some(bytes) => Ok(Some(Sha256(bytes))),
        None => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed",
            format!(
                "{}: not the base64 of a SHA-256",
                header::HeaderName::from_static("repr-digest")
            ),
        )),
    }
}

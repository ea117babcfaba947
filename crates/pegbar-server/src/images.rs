//! Images: by the paths of the conventional layout, by their hashes, by their assets.

mod bytes;
mod range;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use pegbar::{AssetId, ImageFile, Sha256};
use utoipa_axum::routes;

use crate::api::{Access, Api, Body as Limit};
use crate::app::App;
use crate::cors;
use crate::etag::Known;
use crate::extract::InPath;
use crate::problem::Problem;
pub(crate) use bytes::Shelf;
use bytes::Source;
use range::Part;

/// How long browsers and proxies may keep what never changes: a year.
const FOR_EVER: [&str; 2] = [
    "public, max-age=31536000, immutable",
    "private, max-age=31536000, immutable",
];

/// What may change is asked for again each time, with its version.
const ASK_AGAIN: &str = "no-cache";

/// An image is shown and does nothing, whatever it turns out to be.
const HARMLESS: &str = "default-src 'none'; sandbox";

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Read, Limit::None, routes!(get_image_at_path))
        .add(Access::Read, Limit::None, routes!(get_blob))
        .add(Access::Read, Limit::None, routes!(get_asset_image))
}

/// Returns the image whose file has a path below `public/assets`, as the conventional layout has
/// it.
///
/// The path is looked up in the database, so that the answer is never stale: not while files are
/// on their way after a change, nor where somebody has changed a file. Takes `Range`; `HEAD` too.
#[utoipa::path(
    get,
    path = "/assets/{*path}",
    operation_id = "getImageAtPath",
    tag = "images",
    params(
        ("path" = String, Path, description = "`<projectId>/characters/<character>_<assetId>.<ext>`, \
         `<projectId>/frames/<animation>/<character>_<animation>_<frameIndex>.<ext>` …"),
        ("Range" = Option<String>, Header, description = "One range of bytes: `bytes=0-99`."),
    ),
    responses(
        (status = 200, description = "The image.", content(
            (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"),
            (Vec<u8> = "image/gif"))),
        (status = 206, description = "A part of the image."),
        (status = 304, description = "The client has it."),
        (status = 416, description = "The image has no such part.", body = Problem,
            content_type = "application/problem+json")
    )
)]
async fn get_image_at_path(
    State(app): State<App>,
    method: Method,
    InPath(path): InPath<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let image = app.studio().image_at_path(&path).await?;
    let response = answer(&app, &image, &method, &headers).await?;
    Ok(with_caching(response, ASK_AGAIN))
}

/// Returns the bytes that have a SHA-256, if an asset has them.
///
/// They never change, so they may be kept for a year. Takes `Range`; `HEAD` too.
#[utoipa::path(
    get,
    path = "/blobs/{sha256}",
    operation_id = "getBlob",
    tag = "images",
    params(
        ("sha256" = Sha256, Path, description = "The SHA-256 of the bytes."),
        ("Range" = Option<String>, Header, description = "One range of bytes: `bytes=0-99`."),
    ),
    responses(
        (status = 200, description = "The bytes.", content(
            (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"),
            (Vec<u8> = "image/gif"))),
        (status = 206, description = "A part of the bytes."),
        (status = 304, description = "The client has them."),
        (status = 416, description = "There is no such part.", body = Problem,
            content_type = "application/problem+json")
    )
)]
async fn get_blob(
    State(app): State<App>,
    method: Method,
    InPath(sha256): InPath<Sha256>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // What is committed after this may take the name away again.
    let epoch = app.epoch();
    let image = if let Some(image) = app.shelf().named(sha256, epoch) {
        image
    } else {
        let image = app.studio().image_with_hash(sha256).await?;
        app.shelf().remember(image, epoch)
    };
    let response = answer(&app, &image, &method, &headers).await?;
    Ok(with_caching(
        response,
        FOR_EVER[usize::from(!app.is_open())],
    ))
}

/// Returns the image of an asset, with the name it came with. Takes `Range`; `HEAD` too.
#[utoipa::path(
    get,
    path = "/api/assets/{assetId}/image",
    operation_id = "getAssetImage",
    tag = "images",
    params(
        ("assetId" = AssetId, Path, description = "The asset."),
        ("Range" = Option<String>, Header, description = "One range of bytes: `bytes=0-99`."),
    ),
    responses(
        (status = 200, description = "The image.", content(
            (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"),
            (Vec<u8> = "image/gif"))),
        (status = 206, description = "A part of the image."),
        (status = 304, description = "The client has it."),
        (status = 409, description = "Another program wrote the asset, and its bytes were not \
            taken in yet.", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The bytes were dropped; the record stays.", body = Problem,
            content_type = "application/problem+json"),
        (status = 416, description = "The image has no such part.", body = Problem,
            content_type = "application/problem+json")
    )
)]
async fn get_asset_image(
    State(app): State<App>,
    method: Method,
    InPath(id): InPath<AssetId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let image = app.studio().image_of_asset(id).await?;
    let mut response = answer(&app, &image, &method, &headers).await?;
    let name = disposition(&image);
    response
        .headers_mut()
        .insert(header::CONTENT_DISPOSITION, name);
    Ok(with_caching(response, ASK_AGAIN))
}

fn with_caching(mut response: Response, caching: &'static str) -> Response {
    let headers = response.headers_mut();
    // What is wrong now may be right in a moment.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static(caching));
    response
}

/// Answers with an image, a part of it, or that the client has it.
async fn answer(
    app: &App,
    image: &ImageFile,
    method: &Method,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    let tag = format!("\"{}\"", image.sha256);
    let size = image.file_size;
    let mut response = if Known::of(request).has(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        // Damage is to be found before the first byte is sent.
        let source = app.shelf().open(app.studio(), image).await?;
        match range::asked_for(method, request, &tag, size) {
            Part::Whole => body(source, 0..size, StatusCode::OK),
            Part::Of(range) => {
                let name = format!("bytes {}-{}/{size}", range.start, range.end - 1);
                let mut response = body(source, range, StatusCode::PARTIAL_CONTENT);
                insert(&mut response, header::CONTENT_RANGE, &name);
                response
            }
            Part::None => {
                let detail = format!("the image has {size} bytes, none of them in the range");
                let status = StatusCode::RANGE_NOT_SATISFIABLE;
                let problem = Problem::new(status, "range_not_satisfiable", detail);
                let mut response = problem.into_response();
                insert(
                    &mut response,
                    header::CONTENT_RANGE,
                    &format!("bytes */{size}"),
                );
                return Ok(response);
            }
        }
    };
    insert(&mut response, header::ETAG, &tag);
    let headers = response.headers_mut();
    if headers.contains_key(header::CONTENT_LENGTH) {
        let kind = HeaderValue::from_static(image.format.mime_type());
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let harmless = HeaderValue::from_static(HARMLESS);
    headers.insert(header::CONTENT_SECURITY_POLICY, harmless);
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, cors::resource_policy(app.options(), request));
    if !app.options().origins.is_empty() {
        headers.append(header::VARY, HeaderValue::from_static("Referer"));
    }
    Ok(response)
}

fn insert(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn body(source: Source, range: std::ops::Range<u64>, status: StatusCode) -> Response {
    let length = range.end - range.start;
    let body = match source {
        Source::Memory(bytes) => {
            // What is in memory is small.
            let bounds = usize::try_from(range.start)
                .ok()
                .zip(usize::try_from(range.end).ok());
            let part = bounds.filter(|(_, end)| *end <= bytes.len());
            Body::from(
                part.map(|(start, end)| bytes.slice(start..end))
                    .unwrap_or_default(),
            )
        }
        Source::File(file) => bytes::stream(file, range),
    };
    let mut response = (status, body).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, length.into());
    response
}

/// Says under which name a browser offers to save the image (RFC 6266).
fn disposition(image: &ImageFile) -> HeaderValue {
    let own = format!("{}.{}", image.asset_id, image.format.extension());
    let name = image.original_name.as_deref().unwrap_or(&own);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " !#$&+-.^_`~()[]{}@,=".contains(c);
    let plain: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    let mut text = format!("inline; filename=\"{plain}\"");
    if plain != name {
        // RFC 8187: UTF-8, everything but `attr-char` in percent.
        text.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                use std::fmt::Write as _;
                // Writing to a String cannot fail.
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("inline"))
}

#[cfg(test)]
mod tests {
    use pegbar::ImageFormat;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_name_is_offered_as_it_is() {
        let image = |name: Option<&str>| ImageFile {
            asset_id: AssetId(Uuid::nil()),
            sha256: Sha256::of(b""),
            file_size: 0,
            format: ImageFormat::Jpeg,
            original_name: name.map(str::to_owned),
        };
        for (name, expected) in [
            (
                None,
                "inline; filename=\"00000000-0000-0000-0000-000000000000.jpg\"",
            ),
            (Some("Walk 1.png"), "inline; filename=\"Walk 1.png\""),
            (
                Some("a\"b\\c\r\n.png"),
                "inline; filename=\"a_b_c__.png\"; filename*=UTF-8''a%22b%5Cc%0D%0A.png",
            ),
            (
                Some("é.png"),
                "inline; filename=\"_.png\"; filename*=UTF-8''%C3%A9.png",
            ),
            (
                Some("50%.png"),
                "inline; filename=\"50_.png\"; filename*=UTF-8''50%25.png",
            ),
        ] {
            assert_eq!(disposition(&image(name)).to_str().unwrap(), expected);
        }
    }
}

//! What requests carry, read strictly: what is not understood is refused with a problem.

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use pegbar::Sha256;
use serde::de::DeserializeOwned;
use sha2::Digest as _;

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{RefOr, Required};

use crate::app::App;
use crate::problem::Problem;
use crate::upload::collect;

/// A JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// A JSON body that creates something, and the hash of it.
pub(crate) struct HashedJson<T> {
    pub(crate) body: T,
    pub(crate) hash: Sha256,
}

/// The parameters behind the `?`.
pub(crate) struct Params<T>(pub(crate) T);

/// The parameters within the path.
pub(crate) struct InPath<T>(pub(crate) T);

/// Says whether a body has one of the media types.
pub(crate) fn has_media_type(headers: &HeaderMap, expected: &str) -> bool {
    let found = headers.get(header::CONTENT_TYPE);
    let found = found.and_then(|value| value.to_str().ok());
    let found = found.map(|value| value.split(';').next().unwrap_or("").trim());
    found.is_some_and(|found| found.eq_ignore_ascii_case(expected))
}

pub(crate) fn wrong_media_type(expected: &str) -> Problem {
    let detail = format!("the body must be {expected}, and its Content-Type must say so");
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        detail,
    )
}

pub(crate) fn too_large(limit: u64) -> Problem {
    let detail = format!("the body has more than {limit} bytes, the limit of this server");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

/// Reads JSON; a problem names the place.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde takes a list for a struct whose fields may all be absent.
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        return Err(Problem::invalid(
            "the body",
            "expected an object, found a list",
        ));
    }
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut parser).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        if cause.is_data() {
            let field = if path == "." {
                "the body".to_owned()
            } else {
                path
            };
            Problem::invalid(field, cause)
        } else {
            Problem::malformed(format!("the body is not JSON: {cause}"))
        }
    })?;
    parser
        .end()
        .map_err(|error| Problem::malformed(format!("the body is not JSON: {error}")))?;
    Ok(parsed)
}

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let hashed = HashedJson::from_request(request, app).await?;
        Ok(Self(hashed.body))
    }
}

impl<T: DeserializeOwned> FromRequest<App> for HashedJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if !has_media_type(request.headers(), "application/json") {
            return Err(wrong_media_type("application/json"));
        }
        let bytes = collect(request, app.limits().max_json).await?;
        Ok(Self {
            body: parse_json(&bytes)?,
            hash: Sha256(sha2::Sha256::digest(&bytes).into()),
        })
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let parsed = axum::extract::Query::try_from_uri(&parts.uri);
        let parsed = parsed.map_err(|error| {
            let reason = error.body_text();
            let reason = reason.rsplit("query string: ").next().unwrap_or(&reason);
            match reason.split_once(": ") {
                Some((field, reason)) if !field.contains(' ') => Problem::invalid(field, reason),
                _ => Problem::invalid("the query", reason),
            }
        })?;
        Ok(Self(parsed.0))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let parsed = axum::extract::Path::from_request_parts(parts, state).await;
        // What is no id names nothing.
        parsed
            .map(|path| Self(path.0))
            .map_err(|error| Problem::new(StatusCode::NOT_FOUND, "not_found", error.body_text()))
    }
}

/// Reads a field that is there: `null` and a value are told from an absent field.
pub(crate) fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    serde::Deserialize::deserialize(deserializer).map(Some)
}

/// Reads a field that is there and can't be cleared: `null` is refused, not passed over.
pub(crate) fn given<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Describes a header that an extractor reads, wherever that stands among the parameters of an
/// operation.
pub(crate) fn header_parameter(
    name: &str,
    required: Required,
    description: &str,
) -> Vec<Parameter> {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let schema: RefOr<Schema> = match required {
        Required::True => text.into(),
        Required::False => text
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .into(),
    };
    let header = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(description))
        .schema(Some(schema));
    vec![header.build()]
}

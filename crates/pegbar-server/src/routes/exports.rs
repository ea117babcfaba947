//! Documents to give on: written to an unnamed file first, so that what can't be written whole
//! is a problem and not half a document.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};

use axum::body::Body as Content;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use pegbar::{ExportScope, ProjectId};
use tokio_util::io::ReaderStream;
use utoipa_axum::routes;

use crate::api::{Access, Api, Body};
use crate::app::App;
use crate::extract::InPath;
use crate::problem::Problem;
use crate::upload::blocking;

pub(crate) fn add(api: Api) -> Api {
    api.add(Access::Read, Body::None, routes!(export_head)).add(
        Access::Read,
        Body::None,
        routes!(export_prov),
    )
}

fn failed(error: io::Error) -> Problem {
    Problem::from(pegbar::Error::Io {
        action: "writing",
        path: "a temporary file".into(),
        source: error,
    })
}

/// Sends a file that was written.
fn send(file: BufWriter<File>, kind: &'static str, name: &str) -> Result<Response, Problem> {
    let measured = || {
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.flush()?;
        let size = file.stream_position()?;
        file.rewind()?;
        Ok((file, size))
    };
    let (file, size) = blocking(measured).map_err(failed)?;
    let stream = ReaderStream::new(tokio::fs::File::from_std(file));
    let mut response = Content::from_stream(stream).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_LENGTH, size.into());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // An id and an ending: nothing to be escaped.
    let disposition = format!("attachment; filename=\"{name}\"");
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

fn temporary() -> Result<BufWriter<File>, Problem> {
    let file = blocking(tempfile::tempfile).map_err(failed)?;
    Ok(BufWriter::with_capacity(1 << 16, file))
}

/// Exports the head of a project: one hash over all its records, to be signed and given away
/// (`docs/provenance.md` describes the format), without a signature.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/head",
    operation_id = "exportHead",
    tag = "provenance",
    params(("projectId" = ProjectId, Path, description = "The project.")),
    responses((status = 200, description = "Lines of JSON.", body = String, content_type = "application/x-ndjson"))
)]
async fn export_head(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
) -> Result<Response, Problem> {
    let head = app.studio().export_head(project).await?;
    let mut out = temporary()?;
    blocking(|| head.write(&mut out)).map_err(failed)?;
    send(out, "application/x-ndjson", &format!("{project}.head"))
}

/// Exports the lineage of a project's assets as PROV-JSON (a W3C member submission): what they
/// are, and what they were made from.
#[utoipa::path(
    get,
    path = "/api/projects/{projectId}/prov",
    operation_id = "exportProv",
    tag = "provenance",
    params(("projectId" = ProjectId, Path, description = "The project.")),
    responses((status = 200, description = "The document.", body = Object, content_type = "application/prov+json"))
)]
async fn export_prov(
    State(app): State<App>,
    InPath(project): InPath<ProjectId>,
) -> Result<Response, Problem> {
    let mut out = temporary()?;
    let scope = ExportScope::Project(project);
    app.studio()
        .export_prov(&scope, &mut out, |_, _| {})
        .await?;
    let name = format!("{project}.prov.json");
    send(out, "application/prov+json", &name)
}

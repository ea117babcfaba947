//! The page that describes the API, made of its OpenAPI document: one file without scripts, that
//! loads nothing from anywhere.

mod code;
mod schema;
mod text;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pegbar::Sha256;
use serde_json::Value;

use crate::api::openapi;
use crate::etag::Known;
use code::CODES;
use schema::{bounds, fields, kind};
use text::{escaped, inline, marked};

const STYLE: &str = include_str!("docs/style.css");

/// The methods in the order in which they stand.
const METHODS: [&str; 6] = ["get", "post", "put", "patch", "delete", "head"];

/// Something that is the same for everyone as long as the server runs.
struct Page {
    body: Bytes,
    tag: HeaderValue,
    kind: &'static str,
    policy: Option<HeaderValue>,
}

impl Page {
    fn new(body: String, kind: &'static str, policy: Option<String>) -> Self {
        let tag = format!("\"{}\"", Sha256::of(body.as_bytes()));
        let value = |text: String| HeaderValue::try_from(text).ok();
        Self {
            // A hash has no characters that a header can't have.
            tag: value(tag).unwrap_or(HeaderValue::from_static("\"\"")),
            body: body.into(),
            kind,
            policy: policy.and_then(value),
        }
    }

    fn answer(&self, request: &HeaderMap) -> Response {
        let is_known = self
            .tag
            .to_str()
            .is_ok_and(|tag| Known::of(request).has(tag));
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = self.body.clone().into_response();
            let kind = HeaderValue::from_static(self.kind);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.tag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Some(policy) = &self.policy {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
        }
        response
    }
}

/// Answers with the OpenAPI document.
pub(crate) fn document(request: &HeaderMap) -> Response {
    static DOCUMENT: OnceLock<Page> = OnceLock::new();
    let page = DOCUMENT.get_or_init(|| {
        // What derives `Serialize` without maps of other keys than texts can always be written.
        let json = serde_json::to_string(&openapi()).unwrap_or_default();
        Page::new(json, "application/json", None)
    });
    page.answer(request)
}

/// Answers with the page.
pub(crate) fn page(request: &HeaderMap) -> Response {
    static PAGE: OnceLock<Page> = OnceLock::new();
    let page = PAGE.get_or_init(|| {
        let style = STANDARD.encode(Sha256::of(STYLE.as_bytes()).0);
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'; \
             base-uri 'none'; form-action 'none'"
        );
        let document = serde_json::to_value(openapi()).unwrap_or_default();
        Page::new(
            rendered(&document),
            "text/html; charset=utf-8",
            Some(policy),
        )
    });
    page.answer(request)
}

/// An operation, and where it is.
struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    said: &'a Value,
}

impl Operation<'_> {
    fn id(&self) -> &str {
        self.said["operationId"].as_str().unwrap_or(self.path)
    }

    fn summary(&self) -> &str {
        self.said["summary"]
            .as_str()
            .unwrap_or("")
            .trim_end_matches('.')
    }
}

fn by_tag(document: &Value) -> BTreeMap<&str, Vec<Operation<'_>>> {
    let mut groups: BTreeMap<&str, Vec<Operation<'_>>> = BTreeMap::new();
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(said) = operations.get(method) else {
                continue;
            };
            let tag = said["tags"][0].as_str().unwrap_or("other");
            let operation = Operation { method, path, said };
            groups.entry(tag).or_default().push(operation);
        }
    }
    groups
}

/// Writes the page. Writing to a String cannot fail.
fn rendered(document: &Value) -> String {
    let mut html = String::with_capacity(256 << 10);
    let groups = by_tag(document);
    let version = escaped(document["info"]["version"].as_str().unwrap_or(""));
    let _ = write!(
        html,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>Pegbar: its API</title><style>{STYLE}</style></head><body>"
    );
    navigation(&mut html, &groups, document);
    let _ = write!(
        html,
        "<main><header><h1>Pegbar <small>{version}</small></h1>{}\
         <p>The same for programs: <a href=\"/api/openapi.json\">/api/openapi.json</a> \
         (OpenAPI 3.1).</p></header>",
        marked(document["info"]["description"].as_str().unwrap_or(""))
    );
    for (tag, operations) in &groups {
        let _ = write!(html, "<section><h2 id=\"tag-{tag}\">{tag}</h2>");
        for operation in operations {
            describe(&mut html, operation, document);
        }
        html.push_str("</section>");
    }
    problems(&mut html);
    html.push_str("<section><h2 id=\"schemas\">Schemas</h2>");
    for (name, said) in document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let _ = write!(
            html,
            "<article id=\"schema-{0}\"><h3><a href=\"#schema-{0}\">{0}</a></h3>{1}{2}</article>",
            escaped(name),
            marked(said["description"].as_str().unwrap_or("")),
            fields(said, document)
        );
    }
    html.push_str("</section></main></body></html>");
    html
}

fn navigation(html: &mut String, groups: &BTreeMap<&str, Vec<Operation<'_>>>, document: &Value) {
    html.push_str("<nav aria-label=\"Contents\"><p class=\"name\">Pegbar</p>");
    for (tag, operations) in groups {
        let _ = write!(html, "<details open><summary>{tag}</summary><ul>");
        for operation in operations {
            let _ = write!(
                html,
                "<li><a href=\"#{}\"><b class=\"{method}\">{method}</b> {}</a></li>",
                operation.id(),
                escaped(operation.id()),
                method = operation.method
            );
        }
        html.push_str("</ul></details>");
    }
    html.push_str("<details><summary>problems</summary><ul>");
    for code in CODES {
        let _ = write!(html, "<li><a href=\"#{0}\">{0}</a></li>", code.name);
    }
    html.push_str("</ul></details><details><summary>schemas</summary><ul>");
    for name in document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flat_map(|all| all.keys())
    {
        let _ = write!(
            html,
            "<li><a href=\"#schema-{0}\">{0}</a></li>",
            escaped(name)
        );
    }
    html.push_str("</ul></details></nav>");
}

fn describe(html: &mut String, operation: &Operation<'_>, document: &Value) {
    let Operation { method, path, said } = operation;
    let id = operation.id();
    let access = match said["x-access"].as_str() {
        Some("write") => "needs a token that may write, where tokens are asked for",
        Some("read") => "needs a token, where tokens are asked for",
        _ => "open to everyone who reaches the server",
    };
    let _ = write!(
        html,
        "<article id=\"{id}\"><h3><a href=\"#{id}\">{}</a></h3>\
         <p class=\"route\"><b class=\"{method}\">{method}</b> <code>{}</code></p>\
         {}<p class=\"access\">{id} · {access}</p>",
        inline(operation.summary()),
        escaped(path).replace('{', "<i>{").replace('}', "}</i>"),
        marked(said["description"].as_str().unwrap_or("")),
    );
    let parameters = said["parameters"].as_array();
    if let Some(parameters) = parameters.filter(|all| !all.is_empty()) {
        html.push_str("<h4>Parameters</h4><div class=\"wide\"><table>");
        for parameter in parameters {
            let is_required = parameter["required"] == true;
            let _ = write!(
                html,
                "<tr><th><code>{}</code>{}</th><td class=\"kind\">{}<br><small>{}</small></td><td>{}{}</td></tr>",
                escaped(parameter["name"].as_str().unwrap_or("")),
                if is_required {
                    ""
                } else {
                    " <small>optional</small>"
                },
                kind(&parameter["schema"], document),
                escaped(parameter["in"].as_str().unwrap_or("")),
                marked(parameter["description"].as_str().unwrap_or("")),
                bounds(&parameter["schema"]),
            );
        }
        html.push_str("</table></div>");
    }
    if let Some(content) = said["requestBody"]["content"].as_object() {
        html.push_str("<h4>Body</h4>");
        html.push_str(&marked(
            said["requestBody"]["description"].as_str().unwrap_or(""),
        ));
        html.push_str("<div class=\"wide\"><table>");
        for (media, body) in content {
            media_type(html, media, body, document);
        }
        html.push_str("</table></div>");
    }
    answers(html, said, document);
    html.push_str("</article>");
}

fn media_type(html: &mut String, media: &str, body: &Value, document: &Value) {
    let _ = write!(
        html,
        "<tr><th><code>{}</code></th><td>{}</td></tr>",
        escaped(media),
        body.get("schema")
            .map(|it| kind(it, document))
            .unwrap_or_default()
    );
}

fn answers(html: &mut String, said: &Value, document: &Value) {
    html.push_str("<h4>Answers</h4><div class=\"wide\"><table>");
    let mut problems = String::new();
    for (status, answer) in said["responses"].as_object().into_iter().flatten() {
        let description = marked(answer["description"].as_str().unwrap_or(""));
        let content = answer["content"].as_object();
        let is_problem = |content: &serde_json::Map<String, Value>| {
            content.contains_key("application/problem+json")
        };
        if content.is_some_and(is_problem) {
            let _ = write!(problems, "<tr><th>{status}</th><td>{description}</td></tr>");
            continue;
        }
        let _ = write!(html, "<tr><th>{status}</th><td>{description}");
        for (media, body) in content.into_iter().flatten() {
            let of = body.get("schema").map(|it| kind(it, document));
            let of = of.filter(|_| media.ends_with("json") || media == "text/event-stream");
            let _ = write!(
                html,
                "<p><code>{}</code> {}</p>",
                escaped(media),
                of.unwrap_or_default()
            );
        }
        html.push_str("</td></tr>");
    }
    let _ = write!(
        html,
        "</table></div><details class=\"problems\"><summary>Problems</summary>\
         <div class=\"wide\"><table>{problems}</table></div></details>"
    );
}

fn problems(html: &mut String) {
    html.push_str(
        "<section><h2 id=\"problems\">Problems</h2><p>Every refusal is \
         <code>application/problem+json</code> (RFC 9457), a \
         <a href=\"#schema-Problem\">Problem</a>; <code>code</code> is one of these.</p>\
         <div class=\"wide\"><table class=\"codes\">",
    );
    for code in CODES {
        let _ = write!(
            html,
            "<tr id=\"{0}\"><th><a href=\"#{0}\"><code>{0}</code></a></th><td>{1}</td><td>{2}</td></tr>",
            code.name,
            code.status,
            marked(code.meaning)
        );
    }
    html.push_str("</table></div></section>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_schema_is_on_the_page_and_every_link_leads_somewhere() {
        let document = serde_json::to_value(openapi()).unwrap();
        let page = rendered(&document);
        let mut count = 0;
        for operation in by_tag(&document).values().flatten() {
            let anchor = format!("<article id=\"{}\">", operation.id());
            assert_eq!(page.matches(&anchor).count(), 1, "{anchor}");
            count += 1;
        }
        assert!(count > 60, "only {count} operations");
        for name in document["components"]["schemas"]
            .as_object()
            .unwrap()
            .keys()
        {
            assert!(page.contains(&format!("id=\"schema-{name}\"")), "{name}");
        }
        for link in page.split("href=\"#").skip(1) {
            let target = link.split('"').next().unwrap();
            assert!(
                page.contains(&format!("id=\"{target}\"")),
                "#{target} leads nowhere"
            );
        }
        assert!(!page.contains("<script") && !page.contains("http-equiv"));
        for address in page
            .split("href=\"")
            .skip(1)
            .chain(page.split("src=\"").skip(1))
        {
            assert!(address.starts_with(['#', '/']), "{address:.40}");
        }
    }

    #[test]
    fn fields_are_told_with_their_kind_and_what_they_mean() {
        let page = rendered(&serde_json::to_value(openapi()).unwrap());
        let asset = page.split("id=\"schema-Asset\"").nth(1).unwrap();
        let asset = asset.split("</article>").next().unwrap();
        for said in [
            "<code>generationPrompt</code>",
            "The prompt it was generated from",
            "href=\"#schema-AssetKind\"",
            // Said beside one of its kinds.
            "When its bytes were dropped",
        ] {
            assert!(asset.contains(said), "{said} in {asset}");
        }
    }
}

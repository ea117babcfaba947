//! What each code of a problem means.

/// A code.
pub(super) struct Code {
    pub(super) name: &'static str,
    /// The status that it comes with.
    pub(super) status: u16,
    /// What it means, and what to do.
    pub(super) meaning: &'static str,
}

const fn code(name: &'static str, status: u16, meaning: &'static str) -> Code {
    Code {
        name,
        status,
        meaning,
    }
}

/// Every code, in the order of the statuses.
pub(super) const CODES: &[Code] = &[
    code(
        "malformed",
        400,
        "The request can't be understood: its body is not JSON, its parts are \
        not `multipart/form-data`, or it ended early. `detail` says where.",
    ),
    code(
        "unauthorized",
        401,
        "A token is needed, or the one that was sent is unknown or revoked. \
        `pegbar token create` makes one; it is sent as `Authorization: Bearer …`.",
    ),
    code("read_only", 403, "The token may only read."),
    code(
        "wrong_host",
        403,
        "The request names a host that is none of this server's. It keeps \
        pages elsewhere from reaching it by a name of their own; `pegbar serve --host` adds one.",
    ),
    code(
        "wrong_origin",
        403,
        "A page of another origin asks. `pegbar serve --origin` allows one.",
    ),
    code(
        "not_found",
        404,
        "Nothing has this id, path or hash, or it was deleted.",
    ),
    code(
        "method_not_allowed",
        405,
        "The path is right, the method is not; `Allow` names those \
        that are.",
    ),
    code(
        "request_timeout",
        408,
        "The body came too slowly. Send it again.",
    ),
    code(
        "conflict",
        409,
        "The change contradicts what is there now: a name or an id is taken, or \
        a step comes too early. `hint` says what to do.",
    ),
    code(
        "in_use",
        409,
        "Others still use what was to go; `users` names them.",
    ),
    code(
        "sealed",
        409,
        "What is recorded does not change. A correction is a new asset.",
    ),
    code(
        "bytes_dropped",
        410,
        "The bytes of the asset were dropped on purpose; its record, its \
        hash and its lineage are there.",
    ),
    code(
        "stale",
        412,
        "It is no longer the version that `If-Match` names, or that the change was \
        decided on. Read it again and decide anew; nothing was changed.",
    ),
    code(
        "too_large",
        413,
        "The body is larger than this server lets in.",
    ),
    code(
        "unsupported_media_type",
        415,
        "The body is of another media type than the operation \
        takes, or does not say which it is.",
    ),
    code(
        "range_not_satisfiable",
        416,
        "The range begins behind the end; `Content-Range` says how \
        many bytes there are.",
    ),
    code(
        "invalid",
        422,
        "A value is not acceptable; `field` names it, `detail` says why.",
    ),
    code(
        "not_an_image",
        422,
        "The bytes are no whole PNG, JPEG, WebP or GIF, or the image is \
        larger than the studio takes in.",
    ),
    code(
        "unproven",
        422,
        "What is to prove something does not hold together.",
    ),
    code(
        "precondition_required",
        428,
        "`If-Match` is missing: send the `ETag` that was read, or \
        `*` for whatever version is there.",
    ),
    code(
        "too_many_requests",
        429,
        "This address sends too many requests. `Retry-After` says \
        after how many seconds to come again.",
    ),
    code(
        "internal",
        500,
        "A mistake of ours. The server's log says more.",
    ),
    code(
        "damaged",
        500,
        "What is stored is not what Pegbar wrote, so it is not given out. \
        `pegbar verify` says what is wrong; the server's log names the place.",
    ),
    code(
        "database",
        500,
        "The database refused something. The server's log says what.",
    ),
    code(
        "io",
        500,
        "The file system refused something; with the status 507, there is no room \
        left. The server's log says what.",
    ),
    code(
        "unavailable",
        503,
        "The studio can't be used right now: its database does not answer, \
        or its disk is away. Try again.",
    ),
    code(
        "too_many_subscribers",
        503,
        "As many clients follow projects as this server lets.",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::CODES;

    /// The texts between quotes that could be a code.
    fn quoted(text: &str) -> impl Iterator<Item = &str> {
        let is_code = |text: &&str| {
            !text.is_empty() && text.bytes().all(|c| c.is_ascii_lowercase() || c == b'_')
        };
        text.split('"').skip(1).step_by(2).filter(is_code)
    }

    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn every_code_that_is_sent_is_explained_and_no_other() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut sent = BTreeSet::new();
        let library = fs::read_to_string(crates.join("../pegbar/src/error.rs")).unwrap();
        let codes = library.split("fn code(").nth(1).unwrap();
        let codes = codes.split("\n    }").next().unwrap();
        sent.extend(quoted(codes).map(str::to_owned));
        assert!(sent.len() >= 13, "{sent:?}");
        let mut files = Vec::new();
        sources(&crates.join("src"), &mut files);
        for file in &files {
            for call in ["Problem::new(", "Self::new("] {
                for rest in file.split(call).skip(1) {
                    // The first text of a call; the detail comes after it.
                    let arguments = rest.split(';').next().unwrap();
                    let first = arguments.split('"').nth(1);
                    sent.extend(first.and_then(quoted_code));
                }
            }
        }
        let explained: BTreeSet<_> = CODES.iter().map(|code| code.name.to_owned()).collect();
        assert_eq!(sent, explained);
        assert_eq!(explained.len(), CODES.len(), "a code stands twice");
        assert!(CODES.is_sorted_by_key(|code| code.status));
    }

    fn quoted_code(text: &str) -> Option<String> {
        let quoted_text = format!("\"{text}\"");
        let found = quoted(&quoted_text).next().map(str::to_owned);
        found.filter(|found| found.contains('_') || CODES.iter().any(|code| code.name == found))
    }
}

//! `token`: the secrets that let others in.

use crate::support::{Bench, each, ending};

both_engines! {
    fn a_token_is_created_listed_and_revoked(bench) {
        let ran = bench.run(&["token", "create", "build machine"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let secret = ran.stdout.trim_end();
        assert!(secret.starts_with("pegbar_") && secret.len() == 7 + 32 + 1 + 43, "{secret}");
        assert!(ran.stderr.contains("for reading and writing: keep it"), "{ran:?}");
        let viewer = bench.json(&["token", "create", "viewer", "--read-only"]);
        assert_eq!(viewer["token"]["access"], "read");
        assert!(viewer["secret"].as_str().unwrap().contains(&viewer["token"]["id"].as_str().unwrap().replace('-', "")));
        let listed = bench.json(&["token", "list"]);
        assert_eq!(each(&listed, "name"), ["build machine", "viewer"]);
        assert_eq!(each(&listed, "access"), ["write", "read"]);
        assert!(!listed.to_string().contains(&secret[40..]));
        let text = bench.ok(&["token", "revoke", "build machine"]);
        assert!(text.starts_with("revoked the token \"build machine\" ("), "{text}");
        let revoked = bench.json(&["token", "revoke", &ending(&viewer["token"]["id"], 12)]);
        assert!(revoked["revokedAt"].is_string(), "{revoked}");
        let table = bench.ok(&["token", "list"]);
        assert!(table.contains("REVOKED") && table.contains("viewer"), "{table}");
    }
}

#[test]
fn a_name_that_is_taken_and_a_token_that_is_not_there_are_refused() {
    let bench = Bench::new();
    let refused = bench.refused(1, &["token", "revoke", "viewer"]);
    assert!(refused.contains("there is no token yet"), "{refused}");
    bench.ok(&["token", "create", "viewer"]);
    let refused = bench.refused_json(1, &["token", "create", "viewer"]);
    assert_eq!(refused["code"], "conflict");
    let refused = bench.refused(1, &["token", "revoke", "viewr"]);
    assert!(refused.contains("did you mean \"viewer\"?"), "{refused}");
    bench.ok(&["token", "revoke", "viewer"]);
    bench.refused(1, &["token", "revoke", "viewer"]);
    bench.ok(&["token", "create", "viewer"]);
}

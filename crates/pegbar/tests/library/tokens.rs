//! Who may read and write through a server.

use std::sync::Arc;
use std::time::Duration;

use pegbar::{
    FixedClock, MillisSinceEpoch, Sha256, Studio, StudioOptions, Token, TokenAccess, TokenId,
};

/// Waits until the use of a token is noted, which happens aside.
async fn noted(studio: &Studio, is_noted: impl Fn(&Token) -> bool) -> Token {
    for _ in 0..500 {
        let token = studio.list_tokens().await.unwrap().remove(0);
        if is_noted(&token) {
            return token;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not noted: {:?}", studio.list_tokens().await);
}

both_engines! {
    async fn a_token_lets_in_whoever_has_its_secret(bench) {
        let studio = bench.create().await;
        let other = bench.open().await;
        let reader = studio.create_token("viewer", TokenAccess::Read).await.unwrap();
        let writer = studio.create_token("build machine", TokenAccess::Write).await.unwrap();
        assert_ne!(reader.secret, writer.secret);
        let found = other.check_token(&reader.secret).await.unwrap().unwrap();
        assert_eq!((found.id, found.name.as_str(), found.access), (reader.token.id, "viewer", TokenAccess::Read));
        let found = other.check_token(&writer.secret).await.unwrap().unwrap();
        assert_eq!((found.id, found.access), (writer.token.id, TokenAccess::Write));
        let ids: Vec<TokenId> = other.list_tokens().await.unwrap().iter().map(|token| token.id).collect();
        assert_eq!(ids, [reader.token.id, writer.token.id]);

        // One character that differs, wherever it stands, and the secret of another id.
        let (id, random) = reader.secret.split_at(40);
        let foreign = &writer.secret[40..];
        assert_eq!((id.len(), random.len()), (7 + 32 + 1, 43));
        let mut wrong = vec![format!("{id}{foreign}"), String::new(), "x".repeat(100_000), random.to_owned()];
        for place in 0..reader.secret.len() {
            let mut secret = reader.secret.clone().into_bytes();
            secret[place] = if secret[place] == b'A' { b'B' } else { b'A' };
            wrong.push(String::from_utf8(secret).unwrap());
        }
        for secret in wrong {
            assert_eq!(other.check_token(&secret).await.unwrap(), None, "{secret}");
        }
    }

    async fn a_revoked_token_lets_nobody_in_and_frees_its_name(bench) {
        let studio = bench.create().await;
        let other = bench.open().await;
        let token = studio.create_token("viewer", TokenAccess::Read).await.unwrap();
        let error = other.create_token("viewer", TokenAccess::Write).await.unwrap_err();
        assert_eq!(error.code(), "conflict");
        assert!(error.to_string().contains(&token.token.id.to_string()), "{error}");
        let revoked = studio.revoke_token(token.token.id).await.unwrap();
        assert!(revoked.revoked_at.is_some());
        assert_eq!(other.check_token(&token.secret).await.unwrap(), None);
        assert_eq!(studio.revoke_token(token.token.id).await.unwrap(), revoked, "once is enough");
        let again = other.create_token("viewer", TokenAccess::Write).await.unwrap();
        assert!(studio.check_token(&again.secret).await.unwrap().is_some());
        assert_eq!(studio.list_tokens().await.unwrap().len(), 2, "the revoked one is still told");
        let missing = studio.revoke_token(studio.new_id()).await.unwrap_err();
        assert_eq!(missing.code(), "not_found");
        assert!(missing.hint().unwrap().contains("pegbar token list"));
        for name in ["", " ", "a\0b", &"a".repeat(256)] {
            assert_eq!(studio.create_token(name, TokenAccess::Read).await.unwrap_err().code(), "invalid");
        }
    }

    async fn a_name_that_two_want_at_once_is_given_once(bench) {
        let handles = [bench.create().await, bench.open().await];
        let calls = (0..8).map(|n| {
            let studio = handles[n % 2].clone();
            tokio::spawn(async move { studio.create_token("viewer", TokenAccess::Read).await })
        });
        let mut created = 0;
        for call in calls.collect::<Vec<_>>() {
            match call.await.unwrap() {
                Ok(_) => created += 1,
                Err(error) => assert!(error.to_string().contains("token \"viewer\""), "{error}"),
            }
        }
        assert_eq!(created, 1);
    }

    async fn the_secret_stands_nowhere(bench) {
        let studio = bench.create().await;
        let new = studio.create_token("viewer", TokenAccess::Write).await.unwrap();
        let random = &new.secret[40..];
        assert!(!format!("{new:?}").contains(random));
        assert_eq!(serde_json::to_value(&new).unwrap()["secret"], new.secret.as_str());
        let told = serde_json::to_string(&studio.list_tokens().await.unwrap()).unwrap();
        assert!(!told.contains(random) && !told.contains("hash"), "{told}");
        let mut raw = bench.raw().await;
        let kept = raw.text("SELECT hash FROM token").await;
        assert!(kept.parse::<Sha256>().is_ok(), "{kept}");
        // A hash that was stolen from the database opens nothing.
        let stolen = new.secret.replace(random, &kept[..43]);
        assert_eq!(studio.check_token(&stolen).await.unwrap(), None);
    }

    async fn the_last_use_is_noted_once_a_minute(bench) {
        drop(bench.create().await);
        let at = |ms| {
            let clock = Arc::new(FixedClock(MillisSinceEpoch(ms)));
            Studio::open_with(bench.root(), StudioOptions { clock, ..bench.options() })
        };
        let start = 1_800_000_000_000;
        let studio = at(start).await.unwrap();
        let secret = studio.create_token("viewer", TokenAccess::Read).await.unwrap().secret;
        assert_eq!(studio.list_tokens().await.unwrap()[0].last_used_at, None);
        studio.check_token(&secret).await.unwrap().unwrap();
        let token = noted(&studio, |token| token.last_used_at.is_some()).await;
        assert_eq!(token.last_used_at, Some(MillisSinceEpoch(start)));
        let soon = at(start + 60_000).await.unwrap();
        soon.check_token(&secret).await.unwrap().unwrap();
        let later = at(start + 60_001).await.unwrap();
        later.check_token(&secret).await.unwrap().unwrap();
        let token = noted(&studio, |token| token.last_used_at != Some(MillisSinceEpoch(start))).await;
        assert_eq!(token.last_used_at, Some(MillisSinceEpoch(start + 60_001)));
    }
}

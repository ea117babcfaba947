//! Requests that come twice.

use std::sync::Arc;

use pegbar::{BegunRequest, FixedClock, MillisSinceEpoch, Sha256, Studio, StudioOptions};
use uuid::Uuid;

both_engines! {
    async fn of_requests_with_one_key_at_once_one_is_new(bench) {
        let handles = [bench.create().await, bench.open().await];
        let hash = Sha256::of(b"a request");
        let calls = (0..8_u32).map(|n| {
            let studio = handles[n as usize % 2].clone();
            let own = vec![Uuid::from_u128(n.into()), Uuid::from_u128(100)];
            tokio::spawn(async move { (own.clone(), studio.begin_request("", "key", hash, own).await.unwrap()) })
        });
        let (mut new, mut seen) = (Vec::new(), Vec::new());
        for call in calls.collect::<Vec<_>>() {
            match call.await.unwrap() {
                (own, BegunRequest::New) => new.push(own),
                (_, BegunRequest::Unfinished { reserved }) => seen.push(reserved),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((new.len(), seen.len()), (1, 7));
        assert!(seen.iter().all(|reserved| *reserved == new[0]), "the ids of the first: {seen:?}");
    }

    async fn a_request_that_was_answered_is_answered_alike_after_a_restart(bench) {
        let studio = bench.create().await;
        let hash = Sha256::of(b"a request");
        let begin = |studio: &Studio, scope: &'static str| {
            let studio = studio.clone();
            async move { studio.begin_request(scope, "key", hash, vec![]).await.unwrap() }
        };
        assert_eq!(begin(&studio, "").await, BegunRequest::New);
        assert_eq!(begin(&studio, "ada").await, BegunRequest::New, "another's key is another");
        studio.finish_request("", "key", 201, "{\"id\":\"ä\"}").await.unwrap();
        studio.finish_request("", "key", 500, "later").await.unwrap();
        drop(studio);
        let studio = bench.open().await;
        let answered = BegunRequest::Finished { status: 201, answer: "{\"id\":\"ä\"}".to_owned() };
        assert_eq!(begin(&studio, "").await, answered);
        assert_eq!(begin(&studio, "ada").await, BegunRequest::Unfinished { reserved: vec![] });
    }

    async fn a_key_is_good_for_one_request(bench) {
        let studio = bench.create().await;
        studio.begin_request("", "key", Sha256::of(b"one"), vec![]).await.unwrap();
        let refused = studio.begin_request("", "key", Sha256::of(b"other"), vec![]).await.unwrap_err();
        assert_eq!(refused.code(), "conflict");
        assert!(refused.hint().unwrap().contains("a new key"), "{refused}");
        let refused = studio.finish_request("", "other", 200, "").await.unwrap_err();
        assert_eq!(refused.code(), "conflict");
        let refused = studio.finish_request("", "key", 200, "a\0b").await.unwrap_err();
        assert_eq!(refused.code(), "invalid");
        let long = "k".repeat(256);
        for (scope, key) in [("", ""), ("", &*long), (&*long, "key"), ("", "a\0b")] {
            let refused = studio.begin_request(scope, key, Sha256::of(b""), vec![]).await;
            assert_eq!(refused.unwrap_err().code(), "invalid");
        }
        let longest = "k".repeat(255);
        studio.begin_request(&longest, &longest, Sha256::of(b""), vec![]).await.unwrap();
    }

    async fn requests_are_forgotten_after_a_week_and_not_before(bench) {
        drop(bench.create().await);
        let at = |ms| {
            let clock = Arc::new(FixedClock(MillisSinceEpoch(ms)));
            Studio::open_with(bench.root(), StudioOptions { clock, ..bench.options() })
        };
        let (start, week) = (1_800_000_000_000, 7 * 24 * 3_600_000);
        let studio = at(start).await.unwrap();
        let hash = Sha256([255; 32]);
        studio.begin_request("", "first", hash, vec![]).await.unwrap();
        studio.finish_request("", "first", 200, "done").await.unwrap();
        // One hash of 64 has the old ones removed.
        let later = at(start + week).await.unwrap();
        later.begin_request("", "second", Sha256([0; 32]), vec![]).await.unwrap();
        let known = later.begin_request("", "first", hash, vec![]).await.unwrap();
        assert_eq!(known, BegunRequest::Finished { status: 200, answer: "done".to_owned() });
        let later = at(start + week + 1).await.unwrap();
        later.begin_request("", "third", Sha256([0; 32]), vec![]).await.unwrap();
        let begun = later.begin_request("", "first", hash, vec![]).await.unwrap();
        assert_eq!(begun, BegunRequest::New);
        let known = later.begin_request("", "second", Sha256([0; 32]), vec![]).await.unwrap();
        assert_eq!(known, BegunRequest::Unfinished { reserved: vec![] });
    }
}

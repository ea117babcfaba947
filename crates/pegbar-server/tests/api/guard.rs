//! No web page elsewhere reaches a server on loopback.

use reqwest::Method;

use crate::support::{expect, problem};

both_engines! {
    async fn a_request_must_name_the_server_by_a_name_of_its_own(site) {
        for host in ["localhost", "127.0.0.1", "[::1]", "LOCALHOST:7437"] {
            let request = site.request(Method::GET, "/api/projects").header("Host", host);
            expect(request.send().await.unwrap(), reqwest::StatusCode::OK).await;
        }
        for host in ["evil.example", "localhost.evil.example", "192.0.2.1", "127.0.0.1.nip.io"] {
            let request = site.request(Method::GET, "/api/projects").header("Host", host);
            problem(request.send().await.unwrap(), 403, "wrong_host").await;
        }
    }

    async fn a_page_from_elsewhere_may_not_call(site) {
        let own = site.url("");
        let request = site.request(Method::GET, "/api/projects").header("Origin", own);
        expect(request.send().await.unwrap(), reqwest::StatusCode::OK).await;
        for origin in ["https://evil.example", "null", "http://localhost:1"] {
            let request = site.request(Method::GET, "/api/projects").header("Origin", origin);
            problem(request.send().await.unwrap(), 403, "wrong_origin").await;
        }
    }
}

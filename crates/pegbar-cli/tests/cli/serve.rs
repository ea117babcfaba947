//! `serve`, as a process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::Bench;

/// A server in a process of its own, which ends with the test.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(bench: &Bench, options: &[&str]) -> Self {
        let arguments = [&["serve", "--json", "--listen", "127.0.0.1:0"], options].concat();
        let mut command = bench.command(&arguments);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // The JSON may have several lines.
        let mut text = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let listening: Value = loop {
            assert_ne!(stdout.read_line(&mut text).unwrap(), 0, "it ended: {text}");
            if let Ok(listening) = serde_json::from_str(&text) {
                break listening;
            }
        };
        let address = listening["address"].as_str().unwrap().to_owned();
        Self { child, address }
    }

    /// Sends a request and returns the whole answer.
    fn ask(&self, head: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Ends the server and returns what it wrote to standard error.
    fn end(mut self) -> String {
        self.child.kill().unwrap();
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_log_tells_of_each_request_and_of_no_secret() {
    let bench = Bench::new();
    let serving = Serving::start(&bench, &["--require-token", "--log", "json"]);
    let secret = format!("pegbar_{}_{}", "0".repeat(32), "A".repeat(43));
    let answer = serving.ask(&format!(
        "GET /api/projects?name=hidden HTTP/1.1\r\nAuthorization: Bearer {secret}"
    ));
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(serving.ask("GET /healthz HTTP/1.1").contains("200 OK"));
    assert!(
        serving
            .ask("GET /elsewhere/hidden HTTP/1.1")
            .contains(" 404 ")
    );
    let log = serving.end();
    let told: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = told
        .iter()
        .map(|line| {
            assert!(line["duration_ms"].as_f64().unwrap() > 0.0, "{line}");
            let route = line["route"].as_str().unwrap();
            (
                line["method"].as_str().unwrap(),
                route,
                line["status"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("GET", "/api/projects", 401),
        ("GET", "/healthz", 200),
        ("GET", "none", 404),
    ];
    assert_eq!(told, expected);
    for hidden in [secret.as_str(), "Bearer", "hidden", "AAAA"] {
        assert!(!log.contains(hidden), "{log}");
    }
}

#[test]
fn without_a_log_only_what_went_wrong_is_told() {
    let bench = Bench::new();
    let serving = Serving::start(&bench, &["--requests-per-second", "0"]);
    assert!(serving.ask("GET /api/projects HTTP/1.1").contains("200 OK"));
    assert_eq!(serving.end(), "");
    let serving = Serving::start(&bench, &["--log", "text"]);
    assert!(serving.ask("GET /api/projects HTTP/1.1").contains("200 OK"));
    let log = serving.end();
    assert!(
        log.contains("method=GET route=\"/api/projects\" status=200"),
        "{log}"
    );
}

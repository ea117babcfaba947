//! `pegbar serve`: where it listens, how it ends, and what it refuses.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Bench;

/// How long a server may take to begin, to answer and to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server that runs; it is killed where a test fails.
struct Serving {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    fn start(bench: &Bench, arguments: &[&str]) -> Self {
        let mut command =
            bench.command(&[arguments, &["serve", "--listen", "127.0.0.1:0"]].concat());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// Returns the line that it prints when it listens.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn said(&mut self) -> (String, String) {
        let (mut out, mut error) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut error)
            .unwrap();
        (out, error)
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = connect(address);
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    answer(stream)
}

fn address_in(line: &str) -> SocketAddr {
    let url = line
        .split_whitespace()
        .find_map(|word| word.strip_prefix("http://"));
    url.unwrap().parse().unwrap()
}

both_engines! {
    fn it_says_where_it_listens_answers_there_and_ends_at_a_signal(bench) {
        bench.ok(&["project", "create", "Cats"]);
        for signal in ["TERM", "INT"] {
            let mut serving = Serving::start(bench, &[]);
            let line = serving.line();
            let address = address_in(&line);
            assert_eq!(line, format!("listening on http://{address} (its API: http://{address}/api/docs)\n"));
            let found = get(address, "/api/projects");
            assert!(found.starts_with("HTTP/1.1 200 OK\r\n"), "{found}");
            assert!(found.contains("\"name\":\"Cats\""), "{found}");
            serving.signal(signal);
            assert_eq!(serving.ended().code(), Some(0), "{signal}");
            assert_eq!(serving.said(), (String::new(), String::new()), "{signal}");
            assert!(TcpStream::connect(address).is_err());
        }
    }

    fn with_json_it_prints_where_it_listens_as_one_object(bench) {
        let mut serving = Serving::start(bench, &["--json"]);
        let mut text = String::new();
        let listening: Value = loop {
            text += &serving.line();
            if let Ok(value) = serde_json::from_str(&text) {
                break value;
            }
        };
        let address: SocketAddr = listening["address"].as_str().unwrap().parse().unwrap();
        assert_ne!(address.port(), 0);
        assert_eq!(listening["url"], format!("http://{address}"));
        assert!(get(address, "/api/openapi.json").starts_with("HTTP/1.1 200 OK\r\n"));
    }

    fn what_began_before_the_signal_is_finished(bench) {
        let mut serving = Serving::start(bench, &[]);
        let address = address_in(&serving.line());
        let body = "{\"name\":\"Late\"}";
        let mut stream = connect(address);
        let head = format!(
            "POST /api/projects HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // It asks for the body: the request has begun.
        let mut begun = [0; 25];
        stream.read_exact(&mut begun).unwrap();
        assert_eq!(&begun, b"HTTP/1.1 100 Continue\r\n\r\n");
        serving.signal("TERM");
        thread::sleep(Duration::from_millis(200));
        assert!(serving.child.try_wait().unwrap().is_none(), "it waits for the request");
        assert!(TcpStream::connect(address).is_err(), "and takes no other");
        stream.write_all(body.as_bytes()).unwrap();
        let answer = answer(stream);
        assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
        assert_eq!(serving.ended().code(), Some(0));
        let listed = bench.ok(&["project", "list"]);
        assert!(listed.contains("Late"), "{listed}");
    }
}

#[test]
fn beyond_loopback_it_does_not_begin_without_a_token() {
    let bench = Bench::new();
    let ran = bench.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(
        ran.stderr.contains("this studio has no token"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("hint: `pegbar token create NAME`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_port_that_is_in_use_and_an_address_that_is_none_are_refused() {
    let bench = Bench::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = bench.run(&["serve", "--listen", &address]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(
        ran.stderr.contains(&format!("listening on {address}")),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr
            .contains("hint: choose another port with --listen"),
        "{}",
        ran.stderr
    );
    let ran = bench.run(&["serve", "--listen", "localhost"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}

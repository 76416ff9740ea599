//! A test of a client that retries, without the real server: a `TestDouble` takes its place.
//!
//! ```text
//! cargo run --release --example test_double
//! ```

use std::io::{self, Read, Write};
use std::net::TcpStream;

use basehttp::testing::{Gate, Scripted, TestDouble};

/// The code under test: requests a page at most three times, and returns its body.
fn fetch(server: &str, path: &str) -> io::Result<String> {
    let mut outcome = Err(io::ErrorKind::NotFound.into());
    for _ in 0..3 {
        outcome = try_once(server, path);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn try_once(server: &str, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(server)?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {server}\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let (head, body) = response.split_once("\r\n\r\n").ok_or(broken("no head"))?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(broken(head));
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    match length.and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if body.len() == length => Ok(body.to_owned()),
        _ => Err(broken("the body is incomplete or too long")),
    }
}

fn main() -> io::Result<()> {
    let double = TestDouble::new();
    let server = double.address().to_string();

    // In your own crate each of these is a #[test].
    double.on("GET", "/shaky", Scripted::reset());
    double.on("GET", "/shaky", Scripted::status(200).body("only half of it").cut(4));
    double.on("GET", "/shaky", Scripted::status(200).body("all of it"));
    assert_eq!(fetch(&server, "/shaky")?, "all of it");
    println!("retries after a reset and after half a response");

    double.on("GET", "/wrong", Scripted::raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nmore than that"));
    assert!(fetch(&server, "/wrong").is_err());
    println!("rejects a response with a wrong length");

    let gate = Gate::new();
    double.on("GET", "/slow", Scripted::status(200).body("at last").behind(&gate));
    let before = double.requests().len();
    let waiting = std::thread::spawn(move || fetch(&server, "/slow"));
    double.wait_for_requests(before + 1)?;
    assert!(!waiting.is_finished());
    gate.open();
    assert_eq!(waiting.join().expect("it did not panic")?, "at last");
    println!("waits for a slow server");

    for request in double.requests() {
        println!("{request}");
    }
    assert!(double.unexpected().is_empty(), "{:?}", double.unexpected());
    Ok(())
}

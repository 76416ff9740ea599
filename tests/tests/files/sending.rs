//! Files over TCP: files that change while they are sent, and the connection after them.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};

use basehttp::FileHandler;
use basehttp::testing::TestServer;

use crate::stage::Stage;

/// More than the system buffers of a response that is not read.
const LARGE: u64 = 64 * 1024 * 1024;

fn large(stage: &Stage, name: &str) -> File {
    let file = File::create(stage.path(name)).unwrap();
    file.set_len(LARGE).unwrap();
    file
}

fn serve(stage: &Stage) -> TestServer {
    let files = stage.files.clone();
    TestServer::new(move |base| FileHandler::new(base, &files))
}

/// Reads up to the end of a head.
fn head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_makes_a_response_that_is_cut() {
    let stage = Stage::new(&[]);
    let file = large(&stage, "a");
    let server = serve(&stage);
    let mut stream = server.connect().unwrap();
    stream.write_all(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert!(head(&mut stream).contains(&format!("Content-Length: {LARGE}\r\n")));
    file.set_len(0).unwrap();
    // The end, or a reset; never the rest, and never another response instead.
    let mut body = Vec::new();
    if let Err(error) = stream.read_to_end(&mut body) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    }
    assert!((body.len() as u64) < LARGE && body.iter().all(|byte| *byte == 0), "{}", body.len());
}

#[test]
fn a_file_that_grows_while_it_is_sent_is_sent_as_it_was_announced() {
    let stage = Stage::new(&[("b", "b")]);
    let file = large(&stage, "a");
    let server = serve(&stage);
    let mut stream = server.connect().unwrap();
    stream.write_all(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    head(&mut stream);
    file.set_len(LARGE + 10).unwrap();
    let mut body = vec![1; usize::try_from(LARGE).unwrap()];
    stream.read_exact(&mut body).unwrap();
    assert!(body.iter().all(|byte| *byte == 0));
    assert!(head(&mut stream).starts_with("HTTP/1.1 200 OK\r\n"), "the next response follows");
}

#[test]
fn a_file_that_is_removed_while_it_is_sent_is_sent_to_its_end() {
    let stage = Stage::new(&[]);
    large(&stage, "a");
    let server = serve(&stage);
    let mut stream = server.connect().unwrap();
    stream.write_all(b"GET /a HTTP/1.0\r\n\r\n").unwrap();
    head(&mut stream);
    std::fs::remove_file(stage.path("a")).unwrap();
    let mut body = Vec::new();
    stream.read_to_end(&mut body).unwrap();
    assert_eq!(body.len() as u64, LARGE);
    let gone = server.exchange(b"GET /a HTTP/1.0\r\n\r\n").unwrap();
    assert!(gone.starts_with(b"HTTP/1.1 404 File not found\r\n"), "{}", gone.escape_ascii());
}

#[test]
fn the_head_of_a_large_file_is_its_head_alone() {
    let stage = Stage::new(&[]);
    large(&stage, "a");
    let server = serve(&stage);
    let response = server.exchange(b"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let text = String::from_utf8(response).unwrap();
    assert!(text.contains(&format!("Content-Length: {LARGE}\r\n")) && text.ends_with("\r\n\r\n"), "{text}");
}

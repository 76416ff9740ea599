//! Files over TCP: files that change while they are sent, and the connection after them.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};

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

/// Lengths and positions that have more than 32 bits.
#[test]
fn a_file_of_more_than_four_gibibytes_is_sent_from_its_end_and_listed() {
    const HUGE: u64 = (5 << 30) + 7;
    let stage = Stage::new(&[]);
    let mut file = File::create(stage.path("a")).unwrap();
    file.set_len(HUGE - 4).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(b"last").unwrap();
    drop(file);
    let server = serve(&stage);
    let ask = |method: &str, target: &str, fields: &str| {
        let request = format!("{method} {target} HTTP/1.0\r\n{fields}\r\n");
        server.exchange(request.as_bytes()).unwrap()
    };
    let whole = String::from_utf8(ask("HEAD", "/a", "")).unwrap();
    assert!(whole.starts_with("HTTP/1.1 200 OK\r\n"), "{whole}");
    assert!(whole.contains(&format!("\r\nContent-Length: {HUGE}\r\n")), "{whole}");
    // A few bytes are copied; the system sends many, or they are copied piece by piece.
    for (from, count) in [(HUGE - 4, 4), (HUGE - 300_000, 300_000), ((1 << 32) - 1, 2)] {
        let last = from + count - 1;
        let response = ask("GET", "/a", &format!("Range: bytes={from}-{last}\r\n"));
        let at = response.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        let (head, body) = (String::from_utf8_lossy(&response[..at]), &response[at..]);
        assert!(head.contains(&format!("\r\nContent-Range: bytes {from}-{last}/{HUGE}\r\n")), "{head}");
        assert_eq!(body.len() as u64, count, "{head}");
        let wanted: &[u8] = if last == HUGE - 1 { b"last" } else { b"" };
        let (zeros, end) = body.split_at(body.len() - wanted.len());
        assert!(end == wanted && zeros.iter().all(|byte| *byte == 0), "{head}");
    }
    let beyond = ask("GET", "/a", &format!("Range: bytes={HUGE}-\r\n"));
    assert!(beyond.starts_with(b"HTTP/1.1 416 "), "{}", beyond.escape_ascii());
    let list = stage.files.read_dir(".".as_ref()).unwrap().0;
    assert_eq!(list.iter().map(|entry| entry.size).collect::<Vec<_>>(), [HUGE]);
}

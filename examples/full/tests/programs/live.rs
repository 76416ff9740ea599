//! Examples with responses that continue: changes are shown as they happen.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

use crate::program::{Program, check, read_head, request};

/// Reads this number of bytes.
fn read(stream: &mut BufReader<TcpStream>, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

fn open(program: &Program, target: &str) -> (BufReader<TcpStream>, String) {
    let mut stream = BufReader::new(program.connect());
    // HTTP/1.0: no chunks in between.
    stream
        .get_mut()
        .write_all(format!("GET {target} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").as_bytes())
        .unwrap();
    let head = read_head(&mut stream);
    (stream, head)
}

#[test]
fn camera_shows_all_the_same_pictures() {
    let camera = Program::start("camera", &["0"]);
    check(&camera.exchange(request("GET /")), "HTTP/1.1 200 OK", &["<img src=\"/stream\""]);
    // The viewers come at different times, also after a while without viewers.
    for _ in 0..2 {
        let mut viewers: Vec<_> = (0..3).map(|_| open(&camera, "/stream")).collect();
        for (stream, head) in &mut viewers {
            let multipart = "\r\nContent-Type: multipart/x-mixed-replace; boundary=picture\r\n";
            check(head, "HTTP/1.1 200 OK", &[multipart]);
            assert_eq!(read(stream, 11), b"--picture\r\n");
            for _ in 0..3 {
                let head = read_head(stream);
                assert_eq!(head, "Content-Type: image/bmp\r\nContent-Length: 43254\r\n\r\n");
                let picture = read(stream, 43254);
                assert!(picture.starts_with(b"BM\xf6\xa8\0\0"));
                assert_eq!(read(stream, 13), b"\r\n--picture\r\n");
            }
        }
    }
}

/// The next state that the page gets.
fn state(stream: &mut BufReader<TcpStream>) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\n\n") {
        text.extend(read(stream, 1));
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn device_shows_and_sets() {
    let device = Program::start("device", &["0"]);
    let host = format!("127.0.0.1:{}", device.port);
    let ask = |line: &str, fields: &str, body: &str| {
        let length = body.len();
        device.exchange(format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
        ))
    };
    let types = [("/", "text/html"), ("/device.js", "text/javascript"), ("/device.css", "text/css")];
    for (path, media_type) in types {
        let answer = ask(&format!("GET {path}"), "", "");
        check(&answer, "HTTP/1.1 200 OK", &[&format!("\r\nContent-Type: {media_type}"), "\r\nETag: "]);
        assert!(answer.contains("\r\nContent-Security-Policy: default-src 'self'"), "{answer}");
    }
    check(&ask("GET /device.rs", "", ""), "HTTP/1.1 404 Not Found", &[]);
    check(&device.exchange(request("GET /")), "HTTP/1.1 421 This server does not answer for that host", &[]);

    let (mut values, head) = open(&device, "/values");
    check(&head, "HTTP/1.1 200 OK", &["\r\nContent-Type: text/event-stream\r\n"]);
    let first = state(&mut values);
    assert!(
        first.starts_with("data: {\"measured\": 1") && first.ends_with(", \"target\": 21}\n\n"),
        "{first}"
    );
    let own = format!("Origin: http://{host}\r\n");
    check(&ask("POST /target", &own, "target=23"), "HTTP/1.1 303 See Other", &["\r\nLocation: /\r\n"]);
    while !state(&mut values).ends_with(", \"target\": 23}\n\n") {}
    for foreign in [
        "Origin: http://evil.example",
        "Origin: null",
        "Origin: http://127.0.0.1:1",
        "Origin: https://127.0.0.1",
        "Sec-Fetch-Site: cross-site",
    ] {
        let answer = ask("POST /target", &format!("{foreign}\r\n"), "target=30");
        assert!(answer.starts_with("HTTP/1.1 403 "), "{foreign}: {answer}");
    }
    check(&ask("POST /target", "", "target=31"), "HTTP/1.1 400 From 5 to 30 degrees", &[]);
    check(&ask("POST /target", "", "target=x"), "HTTP/1.1 400 Bad form: invalid digit found in string", &[]);
    for wrong in ["", "other=20"] {
        check(&ask("POST /target", "", wrong), "HTTP/1.1 400 Bad form: missing field `target`", &[]);
    }
    check(&ask("POST /target", "", &"x".repeat(101)), "HTTP/1.1 413 Content Too Large", &[]);
    check(&ask("POST /other", "", ""), "HTTP/1.1 404 Not Found", &[]);
    assert!(state(&mut values).ends_with(", \"target\": 23}\n\n"));
}

#[expect(dead_code, reason = "its main function is not called here")]
mod heating {
    include!("../../examples/device.rs");

    #[test]
    fn device_sends_json_below_zero() {
        for (measured, expected) in [(-15, "-1.5"), (-5, "-0.5"), (0, "0.0"), (205, "20.5")] {
            let event = State { measured, target: 5 }.event();
            assert_eq!(event, Event::new(format!("{{\"measured\": {expected}, \"target\": 5}}")));
        }
    }
}

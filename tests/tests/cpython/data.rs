//! `BaseHTTPRequestHandlerTestCase`. `Host` is added to its HTTP/1.1 requests that lack it, which RFC 9112 does not allow.

use basehttp::testing::{TestServer, run};
use basehttp_tests::log::Log;
use basehttp_tests::show;

use crate::handlers::{DATA, Data};

/// The lines of the output, with their line ends, and what the GET handler saw, if it was called.
fn send_typical_request(message: &[u8]) -> (Vec<String>, Option<Vec<String>>) {
    let calls = Log::default();
    let run = run(|base| Data::new(base, calls.clone()), [message]);
    let text: String = run.output.iter().map(|byte| char::from(*byte)).collect();
    let lines = text.split_inclusive('\n').map(str::to_owned).collect();
    let call = calls.lines().first().map(|call| call.split('\n').map(str::to_owned).collect());
    (lines, call)
}

fn verify_expected_headers(lines: &[String]) {
    for name in ["Server: ", "Date: ", "Content-Type: "] {
        assert_eq!(lines.iter().filter(|line| line.starts_with(name)).count(), 1, "{name} {lines:?}");
    }
}

fn verify_get(message: &[u8], wanted: [&str; 5], before: &[&str]) {
    let (lines, call) = send_typical_request(message);
    let (first, rest) = lines.split_at(before.len());
    assert_eq!(first, before);
    assert_eq!(rest[0], "HTTP/1.1 200 OK\r\n");
    verify_expected_headers(&rest[1..]);
    assert_eq!(rest.last().map(String::as_str), Some(DATA));
    assert_eq!(call.expect("do_GET was called"), wanted);
}

#[test]
fn test_http_1_1() {
    verify_get(
        b"GET / HTTP/1.1\r\nHost: added\r\n\r\n",
        ["GET / HTTP/1.1", "GET", "/", "HTTP/1.1", "Host=added"],
        &[],
    );
}

#[test]
fn test_http_1_0() {
    verify_get(b"GET / HTTP/1.0\r\n\r\n", ["GET / HTTP/1.0", "GET", "/", "HTTP/1.0", ""], &[]);
}

#[test]
fn test_http_0_9() {
    let (lines, call) = send_typical_request(b"GET / HTTP/0.9\r\n\r\n");
    assert_eq!(lines, [DATA]);
    assert!(call.is_some());
}

#[test]
fn test_extra_space() {
    let (lines, call) = send_typical_request(b"GET /spaced out HTTP/1.1\r\nHost: dummy\r\n\r\n");
    assert!(lines[0].starts_with("HTTP/1.1 400 "), "{lines:?}");
    let end = lines.iter().position(|line| line == "\r\n").unwrap();
    verify_expected_headers(&lines[1..end]);
    assert!(call.is_none());
}

#[test]
fn test_with_continue_1_0() {
    verify_get(
        b"GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n",
        ["GET / HTTP/1.0", "GET", "/", "HTTP/1.0", "Expect=100-continue"],
        &[],
    );
}

#[test]
fn test_with_continue_1_1() {
    verify_get(
        b"GET / HTTP/1.1\r\nHost: added\r\nExpect: 100-continue\r\n\r\n",
        ["GET / HTTP/1.1", "GET", "/", "HTTP/1.1", "Host=added|Expect=100-continue"],
        &["HTTP/1.1 100 Continue\r\n", "\r\n"],
    );
}

#[test]
fn test_header_unbuffered_when_continue() {
    let (lines, _) = send_typical_request(b"GET / HTTP/1.1\r\nHost: added\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(lines[..3], ["HTTP/1.1 100 Continue\r\n", "\r\n", "HTTP/1.1 200 OK\r\n"]);
}

#[test]
fn test_with_continue_rejected() {
    let (lines, call) = send_typical_request(
        b"GET / HTTP/1.1\r\nX-Reject-Expect: 1\r\nHost: added\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(lines[0], "HTTP/1.1 417 Expectation Failed\r\n");
    verify_expected_headers(&lines[1..]);
    assert!(call.is_none());
    assert_eq!(lines.iter().filter(|line| *line == "Connection: close\r\n").count(), 1);
}

#[test]
fn test_request_length() {
    let (lines, call) = send_typical_request(format!("GET {}", "x".repeat(65537)).as_bytes());
    assert_eq!(lines[0], "HTTP/1.1 414 Request-URI Too Long\r\n");
    assert!(call.is_none());
}

#[test]
fn test_header_length() {
    let message = format!("GET / HTTP/1.1\r\nX-Foo: bar{}\r\n\r\n", "r".repeat(65537));
    let (lines, call) = send_typical_request(message.as_bytes());
    assert_eq!(lines[0], "HTTP/1.1 431 Line too long\r\n");
    assert!(call.is_none());
}

#[test]
fn test_too_many_headers() {
    let message = format!("GET / HTTP/1.1\r\n{}\r\n", "X-Foo: bar\r\n".repeat(101));
    let (lines, call) = send_typical_request(message.as_bytes());
    assert_eq!(lines[0], "HTTP/1.1 431 Too many headers\r\n");
    assert!(call.is_none());
}

#[test]
fn test_html_escape_on_error() {
    let (lines, _) = send_typical_request(b"<script>alert(\"hello\")</script> / HTTP/1.1");
    let text = lines.concat();
    assert!(text.contains("&lt;script&gt;alert(\"hello\")&lt;/script&gt;"), "{text}");
    let page = text.split("\r\n\r\n").nth(1).unwrap();
    assert!(!page.contains("<script>"), "{page}");
}

#[test]
fn the_same_over_tcp() {
    let calls = Log::default();
    let get = calls.clone();
    let server = TestServer::new(move |base| Data::new(base, get.clone()));
    for (message, start) in [
        (&b"GET / HTTP/1.1\r\nHost: added\r\n\r\n"[..], "HTTP/1.1 200 OK\\r\\n"),
        (b"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\\r\\n"),
        (b"GET / HTTP/0.9\r\n\r\n", "<html>"),
        (b"GET /\r\n", "<html>"),
        // Without its line end it may be the beginning of a longer line.
        (b"GET /", "HTTP/1.1 400 "),
        (
            b"GET / HTTP/1.1\r\nHost: added\r\nExpect: 100-continue\r\n\r\n",
            "HTTP/1.1 100 Continue\\r\\n\n\\r\\n",
        ),
        (b"GET /spaced out HTTP/1.1\r\nHost: dummy\r\n\r\n", "HTTP/1.1 400 "),
    ] {
        let output = show(&server.exchange(message).unwrap());
        assert!(output.starts_with(start), "{}: {output}", show(message));
    }
    assert_eq!(calls.lines().len(), 5);
}

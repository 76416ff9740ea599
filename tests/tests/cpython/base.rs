//! `BaseHTTPServerTestCase`.

use basehttp::testing::{Response, TestServer, respond};
use basehttp_tests::client::Client;

use crate::handlers::Base;

/// What Python's `http.client` sends for a request with this version text.
fn request(method: &str, target: &str, version: &str, more: &str) -> String {
    format!("{method} {target} {version}\r\nHost: 127.0.0.1:8000\r\nAccept-Encoding: identity\r\n{more}\r\n")
}

fn ask(input: &str) -> Response {
    let mut responses = respond(Base::new, input.as_bytes());
    assert_eq!(responses.len(), 1);
    responses.remove(0)
}

fn status(method: &str, version: &str, more: &str) -> u16 {
    ask(&request(method, "/", version, more)).status
}

#[test]
fn test_command() {
    assert_eq!(status("GET", "HTTP/1.1", ""), 501);
}

#[test]
fn test_request_line_trimming() {
    assert_eq!(status("XYZBOGUS", "HTTP/1.1\n", ""), 501);
}

#[test]
fn test_version_bogus() {
    assert_eq!(status("GET", "FUBAR", ""), 400);
}

#[test]
fn test_version_digits() {
    assert_eq!(status("GET", "HTTP/9.9.9", ""), 400);
}

#[test]
fn test_version_signs_and_underscores() {
    assert_eq!(status("GET", "HTTP/-9_9_9.+9_9_9", ""), 400);
}

#[test]
fn test_major_version_number_too_long() {
    assert_eq!(status("GET", "HTTP/909876543210.0", ""), 400);
}

#[test]
fn test_minor_version_number_too_long() {
    assert_eq!(status("GET", "HTTP/1.909876543210", ""), 400);
}

#[test]
fn test_version_none_get() {
    assert_eq!(status("GET", "", ""), 501);
}

#[test]
fn test_version_none() {
    assert_eq!(status("CUSTOM", "", ""), 400);
}

#[test]
fn test_version_invalid() {
    assert_eq!(status("GET", "HTTP/9.9", ""), 505);
}

#[test]
fn test_send_blank() {
    // Without a target the client sends a slash.
    assert_eq!(status("", "", ""), 400);
}

#[test]
fn test_header_close() {
    assert_eq!(status("GET", "HTTP/1.1", "Connection: close\r\n"), 501);
}

#[test]
fn test_header_keep_alive() {
    assert_eq!(status("GET", "HTTP/1.1", "Connection: keep-alive\r\n"), 501);
}

#[test]
fn test_handler() {
    let response = ask(&request("TEST", "/", "HTTP/1.1", ""));
    assert_eq!((response.status, response.header("connection")), (204, Some("close")));
    assert!(response.body.is_empty() && !response.stays_open);
}

#[test]
fn test_return_header_keep_alive() {
    let server = TestServer::new(Base::new);
    let mut client = Client::new(&server);
    let response = client.ask(request("KEEP", "/", "HTTP/1.1", ""));
    assert_eq!((response.status, response.field("connection")), (204, Some("keep-alive")));
    assert_eq!(client.ask(request("TEST", "/", "HTTP/1.1", "")).status, 204);
    client.assert_closed();
}

#[test]
fn test_internal_key_error() {
    let response = ask(&request("KEYERROR", "/", "HTTP/1.1", ""));
    assert_eq!((response.status, &*response.reason), (999, "???"));
}

#[test]
fn test_return_custom_status() {
    let response = ask(&request("CUSTOM", "/", "HTTP/1.1", ""));
    assert_eq!((response.status, &*response.reason), (999, ""));
}

#[test]
fn test_return_explain_error() {
    let response = ask(&request("EXPLAINERROR", "/", "HTTP/1.1", ""));
    assert_eq!((response.status, &*response.reason), (999, "Short Message"));
    assert!(response.header("content-length").unwrap().parse::<u32>().unwrap() > 0);
    assert!(response.text().contains("This is a long \n explanation"));
}

#[test]
fn test_latin1_header() {
    let mut input = request("LATINONEHEADER", "/", "HTTP/1.1", "X-Special-Incoming: ?\r\n").into_bytes();
    let at = input.iter().position(|byte| *byte == b'?').unwrap();
    input.splice(at..=at, *b"\xc4rger mit Unicode");
    let responses = respond(Base::new, &input);
    assert_eq!(responses[0].header("x-special"), Some("Dängerous Mind"));
    assert_eq!(responses[0].body, "Ärger mit Unicode".as_bytes());
}

#[test]
fn test_error_content_length() {
    let response = ask(&request("NOTFOUND", "/", "HTTP/1.1", ""));
    assert_eq!(response.status, 404);
    assert_eq!(response.header("content-length"), Some(&*response.body.len().to_string()));
}

fn check_no_body(response: &Response, code: u16) {
    assert_eq!(response.status, code);
    assert_eq!(response.header("content-length"), None, "{code}");
    assert_eq!(response.header("content-type"), None, "{code}");
    assert_eq!(response.header("transfer-encoding"), None, "{code}");
    assert!(response.body.is_empty(), "{code}");
}

#[test]
fn test_send_error() {
    for code in [204, 304, 102, 205, 101] {
        let response = ask(&request("SEND_ERROR", &format!("/{code}"), "HTTP/1.1", ""));
        check_no_body(&response, code);
        assert!(!response.stays_open, "{code}");
    }
}

#[test]
fn test_head_via_send_error() {
    for code in [200, 204, 304, 205, 101] {
        let response = ask(&request("HEAD", &format!("/{code}"), "HTTP/1.1", ""));
        if code == 200 {
            assert_eq!(response.status, code);
            assert!(response.header("content-length").unwrap().parse::<u32>().unwrap() > 0);
            assert!(response.header("content-type").unwrap().contains("text/html"));
            assert!(response.body.is_empty());
        } else {
            check_no_body(&response, code);
        }
    }
}

#[test]
fn all_of_it_over_one_server() {
    let server = TestServer::new(Base::new);
    for (line, status) in [
        ("GET / HTTP/1.1", "501"),
        ("GET / FUBAR", "400"),
        ("GET / HTTP/9.9", "505"),
        ("GET / ", "501"),
        ("CUSTOM / ", "400"),
        (" / ", "400"),
        ("TEST / HTTP/1.1", "204"),
        ("SEND_ERROR /102 HTTP/1.1", "102"),
        ("NOTFOUND / HTTP/1.1", "404"),
    ] {
        let output = server.exchange(format!("{line}\r\nHost: 127.0.0.1\r\n\r\n").as_bytes()).unwrap();
        let found = String::from_utf8_lossy(output.get(9..12).unwrap_or_default()).into_owned();
        assert_eq!(found, status, "{line}");
    }
}

//! A handler of files needs no method of its own, and one of scripts neither.

use basehttp::prelude::*;
use basehttp::{CGIHTTPRequestHandler, Directory, SimpleHTTPRequestHandler};

struct Files {
    base: SimpleHTTPRequestHandler,
}

#[http_handler(extends = SimpleHTTPRequestHandler)]
impl Files {}

struct Scripts {
    conn: CGIHTTPRequestHandler,
}

#[http_handler(base = conn, extends = basehttp::CGIHTTPRequestHandler)]
impl Scripts {
    const cgi_directories: &[&str] = &["/scripts"];
    const index_pages: &[&str] = &["start.html"];
}

fn main() {
    let files = Directory::open(".").unwrap();
    let ask = |request: &str| {
        let files = files.clone();
        let factory = move |base| Files { base: SimpleHTTPRequestHandler::new(base, &files) };
        basehttp::testing::respond(factory, request.as_bytes()).remove(0)
    };
    assert_eq!(ask("GET /Cargo.toml HTTP/1.0\r\n\r\n").status, 200);
    assert_eq!(ask("POST / HTTP/1.0\r\n\r\n").header("allow"), Some("GET, HEAD"));
    let files = files.clone();
    let factory = move |base| Scripts { conn: CGIHTTPRequestHandler::new(base, &files) };
    let response = basehttp::testing::respond(factory, b"GET /scripts/none HTTP/1.0\r\n\r\n").remove(0);
    assert_eq!(response.status, 404);
}

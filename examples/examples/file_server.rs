//! Serves the files of a folder, as Python's `SimpleHTTPRequestHandler` does.
//!
//! `cargo run --example file_server -- --port 8000 --directory .`

use std::io;

use basehttp::prelude::*;
use basehttp::{Directory, SimpleHTTPRequestHandler};

struct Files {
    base: SimpleHTTPRequestHandler,
}

#[http_handler(extends = SimpleHTTPRequestHandler)]
impl Files {}

fn main() -> io::Result<()> {
    let (mut port, mut directory) = (8000, ".".to_owned());
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        match (name.as_str(), arguments.next()) {
            ("--port", Some(value)) => port = value.parse().map_err(io::Error::other)?,
            ("--directory", Some(value)) => directory = value,
            _ => return Err(io::Error::other("file_server [--port PORT] [--directory FOLDER]")),
        }
    }
    let files = Directory::open(directory)?;
    let factory = move |base| Files { base: SimpleHTTPRequestHandler::new(base, &files) };
    HTTPServer::bind(("127.0.0.1", port), factory)?.serve_forever()
}

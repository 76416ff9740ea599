//! The files of a folder, without a log: `bench_files --port N --directory FOLDER`.

use std::io;

use basehttp::prelude::*;
use basehttp::{Directory, SimpleHTTPRequestHandler};

struct Files {
    base: SimpleHTTPRequestHandler,
}

#[http_handler(extends = SimpleHTTPRequestHandler, protocol_version = "HTTP/1.1")]
impl Files {
    fn log_request(&self, _code: Option<HTTPStatus>, _size: Option<u64>) {}
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).unwrap_or_else(|| panic!("{name} is missing")).clone()
    };
    let port: u16 = value("--port").parse().expect("a port");
    let files = Directory::open(value("--directory"))?;
    let factory = move |base| Files { base: SimpleHTTPRequestHandler::new(base, &files) };
    HTTPServer::bind(("127.0.0.1", port), factory)?.serve_forever()
}

//! Serves the files of a folder, as Python's `SimpleHTTPRequestHandler` does; with `--cgi` also its scripts, as
//! `CGIHTTPRequestHandler` does.
//!
//! `cargo run -p basehttp-examples-full --example file_server -- --port 8000 --directory .`

use std::io;

#[cfg(unix)]
use basehttp::CGIHTTPRequestHandler;
use basehttp::prelude::*;
use basehttp::{Directory, SimpleHTTPRequestHandler};

struct Files {
    base: SimpleHTTPRequestHandler,
}

#[http_handler(extends = SimpleHTTPRequestHandler)]
impl Files {}

#[cfg(unix)]
struct Scripts {
    base: CGIHTTPRequestHandler,
}

#[cfg(unix)]
#[http_handler(extends = CGIHTTPRequestHandler)]
impl Scripts {
    const cgi_directories: &[&str] = &["/cgi-bin", "/htbin", "/sub/dir/cgi-bin"];
}

fn main() -> io::Result<()> {
    let (mut port, mut directory, mut cgi) = (8000, ".".to_owned(), false);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match name.as_str() {
            "--port" => port = value().parse().map_err(io::Error::other)?,
            "--directory" => directory = value(),
            "--cgi" => cgi = true,
            _ => {
                return Err(io::Error::other(
                    "usage: file_server [--port PORT] [--directory FOLDER] [--cgi]",
                ));
            }
        }
    }
    let files = Directory::open(directory)?;
    #[cfg(unix)]
    if cgi {
        let factory = move |base| Scripts { base: CGIHTTPRequestHandler::new(base, &files) };
        return HTTPServer::bind(("127.0.0.1", port), factory)?.serve_forever();
    }
    if cgi {
        return Err(io::Error::other("--cgi works only on Unix"));
    }
    let factory = move |base| Files { base: SimpleHTTPRequestHandler::new(base, &files) };
    HTTPServer::bind(("127.0.0.1", port), factory)?.serve_forever()
}

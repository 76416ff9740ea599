//! Keeps what it is given, in memory: uploads with a limit, a validator that saves a second download, and a socket in
//! the file system instead of a port.
//!
//! ```text
//! cargo run --release --example store [PORT|PATH [IDLE_SECONDS]]
//! curl -i -T Cargo.toml http://127.0.0.1:8000/          # 201 Created; 204 when it is there already
//! curl -i http://127.0.0.1:8000/Cargo.toml
//! curl -i -H 'If-None-Match: "1"' http://127.0.0.1:8000/Cargo.toml    # 304 Not Modified
//! curl -i -X DELETE http://127.0.0.1:8000/Cargo.toml
//! curl -i -X OPTIONS --request-target '*' http://127.0.0.1:8000/
//! curl -i --unix-socket /tmp/store.socket http://localhost/Cargo.toml  # where PATH is /tmp/store.socket
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use basehttp::prelude::*;

/// The longest body, and how many may be kept: together a bound on the memory.
const LONGEST: usize = 16 << 20;
const MOST: usize = 32;

struct Store {
    base: BaseHTTPRequestHandler,
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Default)]
struct Shelf {
    items: HashMap<String, Item>,
    /// How many uploads there were: each gets a validator that no other has.
    uploads: u64,
}

#[derive(Clone)]
struct Item {
    etag: String,
    body: Arc<[u8]>,
}

impl Shelf {
    /// The status and the validator, or none where there is no room.
    fn put(&mut self, path: &str, body: Vec<u8>) -> Option<(u16, String)> {
        let known = self.items.contains_key(path);
        if !known && self.items.len() == MOST {
            return None;
        }
        self.uploads += 1;
        let etag = format!("\"{}\"", self.uploads);
        self.items.insert(path.to_owned(), Item { etag: etag.clone(), body: body.into() });
        Some((if known { 204 } else { 201 }, etag))
    }
}

#[http_handler]
impl Store {
    const protocol_version: &str = "HTTP/1.1";

    /// Answers HEAD too, without the body.
    fn do_GET(&self) -> io::Result<()> {
        // A copy, so that nobody waits for the shelf while a slow client takes its download.
        let Some(item) = self.shelf().items.get(self.path()).cloned() else {
            return self.send_error(404);
        };
        let known = self.headers().get("If-None-Match") == Some(item.etag.as_str());
        self.send_response(if known { 304 } else { 200 });
        self.send_header("ETag", &item.etag);
        self.send_header("Content-Type", "application/octet-stream");
        self.send_header("Content-Length", item.body.len());
        self.end_headers()?;
        if known { Ok(()) } else { self.wfile.write_all(&item.body) }
    }

    fn do_PUT(&self) -> io::Result<()> {
        // A longer one is answered 413, in most cases before it is sent.
        let body = self.read_body(LONGEST)?;
        let Some((code, etag)) = self.shelf().put(self.path(), body) else {
            return self.send_error((507, "Full", "Delete something first."));
        };
        self.send_response(code);
        self.send_header("ETag", etag);
        self.end_headers()
    }

    fn do_DELETE(&self) -> io::Result<()> {
        if self.shelf().items.remove(self.path()).is_none() {
            return self.send_error(404);
        }
        self.send_response(204);
        self.end_headers()
    }

    fn do_OPTIONS(&self) -> io::Result<()> {
        self.send_response(204);
        self.send_header("Allow", "GET, HEAD, PUT, DELETE, OPTIONS");
        self.end_headers()
    }

    /// With the client's port: lines with the same one are requests of one connection. The message is made of what the
    /// client sent, and comes unescaped.
    fn log_message(&self, message: fmt::Arguments<'_>) {
        eprintln!("{} {}", self.client_address(), message.to_string().replace(char::is_control, "?"));
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().unwrap_or("8000".to_owned());
    let mut builder = HTTPServer::builder();
    if let Some(seconds) = arguments.next() {
        let seconds = seconds.parse().map_err(io::Error::other)?;
        builder = builder.idle_timeout(Duration::try_from_secs_f64(seconds).map_err(io::Error::other)?);
    }
    let shelf = Arc::new(Mutex::new(Shelf::default()));
    let factory = move |base| Store { base, shelf: shelf.clone() };
    #[cfg(unix)]
    if place.parse::<u16>().is_err() {
        let mut server = builder.bind_unix(&place, factory)?;
        println!("{place}");
        return server.serve_forever();
    }
    let mut server = builder.bind(format!("127.0.0.1:{place}"), factory)?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}

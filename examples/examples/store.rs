//! Stores uploads in memory: a limit for uploads, a validator that avoids repeated downloads, and a socket in the file
//! system instead of a port.
//!
//! ```text
//! cargo run --release --example store [PORT|PATH [IDLE_SECONDS]]
//! curl -i -T Cargo.toml http://127.0.0.1:8000/          # 201 Created; 204 if it already exists
//! curl http://127.0.0.1:8000/                            # the names
//! curl -i http://127.0.0.1:8000/Cargo.toml
//! curl -i -H 'If-None-Match: "1"' http://127.0.0.1:8000/Cargo.toml    # 304 Not Modified
//! curl -i -X DELETE http://127.0.0.1:8000/Cargo.toml
//! curl -i -X OPTIONS --request-target '*' http://127.0.0.1:8000/
//! curl -i --unix-socket /tmp/store.socket http://localhost/Cargo.toml  # where PATH is /tmp/store.socket
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use basehttp::prelude::*;
use basehttp::{HttpError, Response};

/// The maximum length and the maximum number of bodies: together they limit the memory.
const LONGEST: usize = 16 << 20;
const MOST: usize = 32;

struct Store {
    base: BaseHTTPRequestHandler,
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Default)]
struct Shelf {
    items: BTreeMap<String, Item>,
    /// The number of uploads so far: each gets a validator of its own.
    uploads: u64,
}

#[derive(Clone)]
struct Item {
    etag: String,
    body: Arc<[u8]>,
}

impl Shelf {
    /// The status and the validator, or `None` if there is no room.
    fn put(&mut self, name: &str, body: Vec<u8>) -> Option<(u16, String)> {
        let known = self.items.contains_key(name);
        if !known && self.items.len() == MOST {
            return None;
        }
        self.uploads += 1;
        let etag = format!("\"{}\"", self.uploads);
        self.items.insert(name.to_owned(), Item { etag: etag.clone(), body: body.into() });
        Some((if known { 204 } else { 201 }, etag))
    }
}

#[http_handler]
impl Store {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/")]
    fn names(&self) -> String {
        self.shelf().items.keys().map(|name| format!("{name}\n")).collect()
    }

    /// Answers HEAD too, without the body. The bytes are shared, so a slow download does not lock the shelf.
    #[route(GET, "/{name..}")]
    fn get(&self, name: &str) -> Option<Response> {
        let Item { etag, body } = self.shelf().items.get(name).cloned()?;
        let known = self.headers().get("If-None-Match") == Some(etag.as_str());
        let response = if known { HTTPStatus::NOT_MODIFIED.into_response() } else { body.into_response() };
        Some(response.with_header("ETag", etag))
    }

    /// A longer body is answered 413, in most cases before it is sent.
    #[route(PUT, "/{name..}", limit = LONGEST)]
    fn put(&self, name: &str, body: Vec<u8>) -> Result<Response, HttpError> {
        match self.shelf().put(name, body) {
            Some((code, etag)) => Ok(Response::new(code).with_header("ETag", etag)),
            None => Err(HttpError::new(507, "Full").with_explanation("Delete something first.")),
        }
    }

    #[route(DELETE, "/{name..}")]
    fn delete(&self, name: &str) -> Option<HTTPStatus> {
        self.shelf().items.remove(name).map(|_| HTTPStatus::NO_CONTENT)
    }

    /// With the client's port: lines with the same port are requests of one connection. The message contains client input,
    /// unescaped.
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

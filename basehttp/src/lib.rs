//! Python's `BaseHTTPServer` (today's `http.server`) as a Rust crate: a blocking HTTP/1.1 server for programs that are not
//! web applications.
//!
//! You write `do_GET`, `do_POST` or `do_SPAM` as plain blocking methods, or one method for each path with
//! [`#[route]`](macro@route). The server calls them. It needs no async runtime, and an idle connection holds no thread.
//!
//! # What HTTP is made of
//!
//! HTTP (RFC 9110 and 9112) runs on top of a stream, nearly always a TCP connection. The client sends a request, the server
//! sends a response, and the next request may follow. Each of the two has three parts:
//!
//! 1. One line that says what it is.
//! 2. Header fields, one on a line, and an empty line that ends them.
//! 3. Optionally a body, which may be any bytes.
//!
//! The first line of a request is `METHOD TARGET VERSION`, for example `GET /spam?eggs=1 HTTP/1.1`. The method says what to
//! do: GET to fetch something, POST to submit something, or a word of your own. The target is the path with its query,
//! percent-encoded as the client sent it. A line without a version is an HTTP/0.9 request; its response is a body alone, with
//! no first line and no fields. The fields that follow are `Name: value`. Names are case-insensitive, values are latin-1.
//!
//! The first line of a response is `VERSION CODE MESSAGE`, for example `HTTP/1.1 404 Not Found`. The code is a number of
//! three digits for programs, the message is text for people. `2xx` means success, `3xx` a redirect, `4xx` an error of the
//! client, `5xx` an error of the server.
//!
//! The end of a body is marked by `Content-Length: 42`, by `Transfer-Encoding: chunked`, or for responses by the end of
//! the connection. If the two ends of a connection disagree on it, one takes for a request what the other sent as a body.
//! Framing is therefore the server's job: a handler reads its body from [`RFile`] up to the end and writes its response to
//! [`WFile`], and whatever the handler does, the framing on the wire is right.
//!
//! # What a handler is made of
//!
//! A handler is a struct with a [`BaseHTTPRequestHandler`] in a field `base`, and one `impl` block with
//! [`#[http_handler]`](http_handler) on it. The server makes one handler for each connection. The handler serves the requests
//! of its connection one after the other, not always on the same thread. Connections do not wait for each other: a method may
//! block or compute as long as it has to, and another thread takes over the other connections. A connection that waits for its
//! next request holds no thread.
//!
//! ```
//! use std::io;
//! use std::sync::{Arc, Mutex};
//! use basehttp::prelude::*;
//!
//! struct Notes {
//!     base: BaseHTTPRequestHandler,
//!     notes: Arc<Mutex<Vec<String>>>,
//! }
//!
//! #[http_handler]
//! impl Notes {
//!     const server_version: &str = "Notes/1.0";
//!     const protocol_version: &str = "HTTP/1.1";
//!
//!     fn do_GET(&mut self) -> io::Result<()> {
//!         let text = self.notes.lock().unwrap().join("\n");
//!         self.send_response(200);
//!         self.send_header("Content-Type", "text/plain; charset=utf-8");
//!         self.end_headers()?;
//!         self.wfile.write_all(text.as_bytes())
//!     }
//!
//!     fn do_POST(&mut self) -> io::Result<()> {
//!         let body = self.read_body(1024)?; // a longer one is answered 413
//!         self.notes.lock().unwrap().push(String::from_utf8_lossy(&body).into_owned());
//!         self.send_response(204);
//!         self.end_headers()
//!     }
//! }
//!
//! // Makes the handler of each connection. All handlers share what the closure captures.
//! let notes = Arc::default();
//! let factory = move |base| Notes { base, notes: Arc::clone(&notes) };
//!
//! // A program calls `HTTPServer::bind("127.0.0.1:8000", factory)?.serve_forever()`. A test needs no socket:
//! let client = basehttp::testing::client(factory);
//! assert_eq!(client.post("/notes", "text/plain", "buy eggs").status, 204);
//! let response = client.get("/notes");
//! assert_eq!(response.text(), "buy eggs");
//! assert_eq!(response.header("content-length"), Some("8"));
//! let response = client.request("SPAM", "/notes").send();
//! assert_eq!(response.reason, "Unsupported method ('SPAM')");
//! assert_eq!(response.header("allow"), Some("GET, HEAD, POST"));
//! ```
//!
//! A `do_*` method does three things, in this order:
//!
//! 1. It calls [`send_response`](RequestHandler::send_response) with a code, then
//!    [`send_header`](RequestHandler::send_header) for each field. Neither returns an error. The first mistake, such as a line
//!    end in a value, is remembered.
//! 2. It calls [`end_headers`](RequestHandler::end_headers), which returns the first mistake; then no part of the head is sent.
//! 3. It writes the body to `self.wfile`, if there is one.
//!
//! [`send_error`](RequestHandler::send_error) does all three. The method returns `()` or `Result<(), E>`, where `E` is any error
//! that implements `Display`. An error or a panic is logged. The client gets a 500 page if no part of the response was sent yet;
//! otherwise the connection is cut, so that the client cannot take a partial response for a complete one. A client's fault
//! gets its own status (400, 408, 413), whichever error the method returns.
//!
//! # Values and routes
//!
//! A method may return a value instead, and the server sends it: text, bytes, `Json<T>`, a [`Redirect`] and others
//! ([`IntoResponse`]). An [`HttpError`] is an error with its own status. A [route](macro@route) is a method for one path, with
//! arguments from the path, the query and the body:
//!
//! ```
//! use basehttp::HttpError;
//! use basehttp::prelude::*;
//!
//! struct Books { base: BaseHTTPRequestHandler }
//!
//! #[http_handler]
//! impl Books {
//!     #[route(GET, "/books/{id}")]
//!     fn book(&self, id: u32) -> Result<&str, HttpError> {
//!         if id == 7 { Ok("Moby-Dick") } else { Err(HttpError::new(404, "No such book")) }
//!     }
//!
//!     #[route(POST, "/books?{shelf}")]
//!     fn add_book(&self, shelf: Option<u32>, title: String) -> (u16, String) {
//!         (201, format!("{title} is on shelf {}", shelf.unwrap_or(1)))
//!     }
//! }
//!
//! let client = basehttp::testing::client(|base| Books { base });
//! assert_eq!(client.get("/books/7").text(), "Moby-Dick");
//! assert_eq!((client.get("/books/8").status, client.get("/books/x").status), (404, 404));
//! assert_eq!(client.post("/books?shelf=3", "text/plain", "Emma").text(), "Emma is on shelf 3");
//! assert_eq!(client.delete("/books/7").status, 405);
//! ```
//!
//! `do_*` methods answer the requests that no route matches. [`guide::routes`] has the rules.
//!
//! # Where to look
//!
//! - [`guide`]: one subject a page, from the first server to the engine.
//! - [`BaseHTTPRequestHandler`]: the request, in Python's instance variables ([`path`](BaseHTTPRequestHandler::path),
//!   [`headers`](BaseHTTPRequestHandler::headers), `rfile`, `wfile`).
//! - [`RequestHandler`]: Python's class variables, and every method that you can override, from `log_message` to
//!   `handle_one_request`.
//! - [`http_handler`]: what the attribute makes of the block, and its arguments. [`route`](macro@route) and [`http_routes`]:
//!   methods for paths, in that block and in further ones.
//! - [`IntoResponse`]: the values that a method may return. [`FromPath`], [`FromQuery`] and [`FromBody`]: the types of a
//!   route's arguments.
//! - [`Detach`]: responses that continue after their method has returned. [`Broadcast`]: one message to many clients.
//! - `websocket` (a feature), [`upgrade_to`](Detach::upgrade_to), [`upgrade`](BaseHTTPRequestHandler::upgrade) and
//!   [`relay`](BaseHTTPRequestHandler::relay): connections that leave HTTP.
//! - [`HTTPServer`] and [`ServerBuilder`]: addresses, limits, deadlines, hooks, and shutdown.
//! - [`Headers`] and [`Message`]: header fields, and types of your own for them.
//! - [`HTTPServer::serve_stream`]: one connection over a stream of your own, without a server.
//! - [`OneShot`]: a server for one request, for the redirect that ends a login.
//! - [`testing`]: handlers without a socket, and servers that end with their test.
//!
//! # What the compiler cannot see
//!
//! The attribute finds most mistakes when the handler is compiled. It cannot find these:
//!
//! - An override in a second `impl` block, without the attribute, is an ordinary method that the server never calls.
//!   So is a `do_*` method there. Keep both in the block with `#[http_handler]`.
//! - `self.path()` includes the query: `self.path() == "/x"` is false for `/x?a=1`. Use a [route](macro@route), or see
//!   [`guide::paths`].
//! - `self.path()` borrows all of `self`, because it goes through `Deref`. To hold a part of the request while you change a
//!   field of your own, go through the field: `let path = self.base.path();`.
//! - Your own [`log_message`](RequestHandler::log_message) gets the raw text, including client input. Escape it.
//!
//! # Coming from Python
//!
//! The names are Python's, and you can port most code line by line. Three differences break a port that ignores them:
//!
//! - **Write no chunk sizes.** The server does the chunked transfer coding. Code that writes chunk sizes itself sends them as
//!   part of the body.
//! - **Flush when you stream.** `wfile` is buffered, and Python's is not.
//! - **Share state through the closure.** A handler lives as long as its connection, and its requests may run on different
//!   threads.
//!
//! [`guide::porting`] lists [all names](guide::porting#names), [all differences](guide::porting#what-differs-from-python), and
//! [what the compiler says](guide::porting#what-the-compiler-says) to lines of Python.
//!
//! # Files
//!
//! With the feature `files`, [`FileHandler`] serves a folder as it is. [`SimpleHTTPRequestHandler`] is the base of a handler
//! that adds methods of its own, or overrides those of [`FileRequestHandler`].
//!
#![cfg_attr(feature = "files", doc = "```")]
#![cfg_attr(not(feature = "files"), doc = "```ignore")]
//! use std::io;
//! use basehttp::prelude::*;
//! use basehttp::{Directory, SimpleHTTPRequestHandler};
//!
//! struct Site { base: SimpleHTTPRequestHandler }
//!
//! #[http_handler(extends = SimpleHTTPRequestHandler)]
//! impl Site {
//!     const protocol_version: &str = "HTTP/1.1";
//!
//!     #[route(GET, "/version")]
//!     fn version(&self) -> &str {
//!         "1.0" // a path that no route matches is a file
//!     }
//!
//!     fn end_headers(&self) -> io::Result<()> {
//!         self.send_header("X-Content-Type-Options", "nosniff");
//!         BaseHTTPRequestHandler::end_headers(self)
//!     }
//! }
//!
//! let files = Directory::open(".")?.listing(false);
//! let factory = move |base| Site { base: SimpleHTTPRequestHandler::new(base, &files) };
//!
//! // A program calls `HTTPServer::bind("127.0.0.1:8000", factory)?.serve_forever()`.
//! let ask = |path: &str| {
//!     let request = format!("GET {path} HTTP/1.1\r\nHost: example.org\r\nRange: bytes=0-8\r\n\r\n");
//!     basehttp::testing::respond(&factory, request.as_bytes()).remove(0)
//! };
//! assert_eq!(ask("/version").text(), "1.0");
//! assert_eq!((ask("/Cargo.toml").status, &*ask("/Cargo.toml").text()), (206, "[package]"));
//! assert_eq!(ask("/../../etc/passwd").status, 404);
//! # io::Result::Ok(())
//! ```
//!
//! The server never opens a file outside of the folder, whatever a request or an override names. It does not load files into
//! memory: a large file is sent from disk, without a thread. Conditional requests, ranges and compressed files beside the
//! originals follow RFC 9110. The differences from Python:
//!
//! - **Names that begin with a dot** are not served, nor are links that lead out of the folder; see `Directory`.
//! - **An unreadable file** is answered 403 instead of 404.
//! - **[`translate_path`](FileRequestHandler::translate_path)** returns a path relative to the folder.
//! - **[`copyfile`](FileRequestHandler::copyfile)** takes a [`Content`], which can be sent without a copy, and writes to
//!   `self.wfile`.
//! - **`X-Content-Type-Options`** is not sent for files, as in Python: types are guessed from names, and a browser would
//!   refuse scripts and styles with unusual ones. Where strangers put files into the folder, send it, as above.
//!
//! [`Assets`] serves files that are compiled into the program in the same way, from a method of any handler.
//!
//! # Scripts
//!
//! With the feature `cgi`, on unix, `CGIHandler` serves a folder and runs the programs in its `cgi-bin`.
//! `CGIHTTPRequestHandler` is the base of a handler that adds to that. A script gets the request in its environment and its
//! standard input, and writes the response to its standard output (RFC 3875). [`guide::scripts`] shows one. The differences from
//! Python:
//!
//! - **The server parses the response** instead of passing it on blindly: `Status` and `Location` take effect, and the framing
//!   is the server's. A script with an invalid response is a 502 and a line in the log. The output is still sent as it comes.
//! - **A script is killed** when it makes no progress for a minute, when its client is gone, and when the server ends.
//! - **The environment is clean.** A client cannot set `REMOTE_USER`, and no words of a query become arguments.
//! - **A script's source is never sent**, by no spelling of its path and no link to it.
//!
//! # Features
//!
//! No feature is on by default.
//!
//! - `bytes`: a `bytes::Bytes` becomes a [`Payload`], for [`WFile::send_bytes`] and as the value that a method returns.
//! - `cgi`: `CGIHandler` and `CGIHTTPRequestHandler`, on unix. It turns on `files`.
//! - `files`: [`FileHandler`], [`SimpleHTTPRequestHandler`], [`Directory`], [`Assets`].
//! - `form`: `Form`, the body of an HTML form as an argument of a route.
//! - `http`: `http::HeaderMap` as a [`Message`], `http::StatusCode` as a [`ResponseCode`], and `HttpTypes` for requests and
//!   responses of the crate `http`.
//! - `json`: `Json`, a JSON body as an argument of a route and as a value that a method returns; in tests, `post_json` of
//!   [`Client`](testing::Client), and `json` of its requests and of [`Response`](testing::Response).
//! - `log`: `ServerBuilder::log`, which sends the log lines to the crate `log`. [`log_line`](ServerBuilder::log_line) sends them
//!   anywhere else, with their level, without a feature.
//! - `name-lookup`: the setting `name_lookup` of [`ServerBuilder`], for host names in log lines.
//! - `peer-credentials`: `Connection::peer_credentials`, on unix: user, group and process at the other end of a unix socket.
//! - `proxy`: `TrustedProxies`: the PROXY protocol, `Forwarded`, `X-Forwarded-For`.
//! - `serde`: [`Stats`] and [`ShutdownReport`] implement `serde::Serialize`, for a page or a log in JSON.
//! - `tls`: `TlsConfig` and `HTTPSServer`, HTTP over TLS.
//! - `tracing`: a span of the crate `tracing` for each request that a `do_*` method or a route answers, with the fields of
//!   OpenTelemetry's conventions for HTTP servers; see [`guide::logging`].
//! - `websocket`: `accept_websocket`, WebSockets without a thread for each.
#![forbid(unsafe_code)]
// The text names items of features that are off.
#![cfg_attr(
    not(all(
        feature = "cgi",
        feature = "files",
        feature = "form",
        feature = "http",
        feature = "json",
        feature = "proxy",
        feature = "tls",
        feature = "websocket"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]
// docs.rs labels what needs a feature.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
#[cfg(all(feature = "cgi", unix))]
mod cgi;
#[cfg(feature = "files")]
mod files;
pub mod guide;
mod handler;
pub mod prelude;
mod proto;
mod server;
mod sync;
pub mod testing;
#[cfg(feature = "websocket")]
pub mod websocket;

#[doc(alias("handler"))]
pub use basehttp_macros::http_handler;
#[doc(alias("guard", "middleware", "prefix", "scope"))]
pub use basehttp_macros::http_routes;
#[doc(alias("path_parameter", "query", "router", "routes"))]
pub use basehttp_macros::route;
#[cfg(all(feature = "cgi", unix))]
pub use cgi::{CGIHTTPRequestHandler, CGIHandler, CGIRequestHandler};
#[cfg(feature = "files")]
pub use files::{
    Assets, Content, Directory, Entry, FileHandler, FileRequestHandler, Listing, SimpleHTTPRequestHandler,
    guess_type,
};
#[cfg(feature = "form")]
pub use handler::Form;
#[cfg(feature = "http")]
pub use handler::HttpTypes;
#[cfg(feature = "json")]
pub use handler::Json;
#[cfg(all(feature = "peer-credentials", unix))]
pub use handler::PeerCredentials;
pub use handler::{
    Address, ArgumentError, BaseHTTPRequestHandler, Broadcast, BroadcastBuilder, Connection,
    CrossOriginProtection, DEFAULT_ERROR_CONTENT_TYPE, DEFAULT_ERROR_MESSAGE, Detach, Event, EventStream,
    FromBody, FromPath, FromQuery, HandlerError, Headers, HeadersIter, Histogram, Html, HttpError,
    IntoResponse, Later, LogLevel, Message, Multipart, Outcome, Part, Payload, Peer, RFile, RFileLock,
    Redirect, RequestHandler, Response, ResponseCode, RouteStats, ServerHandle, ServerInfo, ShutdownReport,
    SlowClients, Stats, Stream, Upgraded, UpgradedHandler, UpgradedReader, UpgradedWriter, WFile,
    html_escape, unquote,
};
#[cfg(feature = "proxy")]
pub use handler::{ForwardedFields, TrustedProxies};
pub use proto::date::HttpDate;
pub use proto::fault::Fault;
pub use proto::limits::Limits;
pub use proto::parameters::Parameters;
pub use proto::status::HTTPStatus;
#[cfg(feature = "tls")]
pub use server::{HTTPSServer, TlsConfig};
pub use server::{
    HTTPServer, IntoListener, OneShot, OneShotRequest, OneShotResponse, ServerAddress, ServerBuilder,
};
#[cfg(count)]
#[doc(hidden)]
pub use sync::counted;

/// Python's `ThreadingHTTPServer`: every [`HTTPServer`] serves its connections concurrently.
pub type ThreadingHTTPServer = HTTPServer;

/// Compiles the code of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

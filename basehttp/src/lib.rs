//! Python's `BaseHTTPServer` (today's `http.server`) as a Rust crate: an HTTP/1.1 server for programs that are not web
//! applications. You write `do_GET`, `do_POST`, `do_SPAM` as plain blocking methods, or a method for each path with
//! [`#[route]`](route), and the server calls them.
//!
//! # What HTTP is made of
//!
//! HTTP (RFC 9110 and 9112) is a protocol on top of a stream, nearly always a TCP connection. The client sends a
//! request, the server sends a response, and the next request may follow. Either has three parts:
//!
//! 1. One line that says what it is.
//! 2. Header fields, one on a line, and an empty line that ends them.
//! 3. Optionally a body, which may be any bytes.
//!
//! The first line of a request is `METHOD TARGET VERSION`, for example `GET /spam?eggs=1 HTTP/1.1`. The method says
//! what to do: GET to get something, POST to hand something in, or a word of your own. The target is the path with its
//! query, percent-encoded as it was sent. A line without a version is a request of HTTP/0.9: its answer is a body,
//! without a first line and fields. The fields that follow are `Name: value`; names are the same in upper and lower
//! case, values are latin-1.
//!
//! The first line of a response is `VERSION CODE MESSAGE`, for example `HTTP/1.1 404 Not Found`. The code is a number of
//! three digits, which is for programs; the message is for people. `2xx` means that it worked, `3xx` that the client
//! is to look elsewhere, `4xx` that the request was wrong, `5xx` that the server was.
//!
//! The end of a body is marked by `Content-Length: 42`, by `Transfer-Encoding: chunked`, or for responses by the end of
//! the connection. If the two ends of a connection disagree on it, one takes for a request what the other sent as a body.
//! So this part is the server's alone: a handler reads its body from [`RFile`] up to the end and writes its response to
//! [`WFile`], and whatever it does, the framing on the wire is right.
//!
//! # What a handler is made of
//!
//! A handler is a struct with a [`BaseHTTPRequestHandler`] in a field `base`, and one `impl` block with
//! [`#[http_handler]`](http_handler) on it. One is made for each connection and serves its requests one after the
//! other, not always on the same thread. Different connections do not wait for each other: a method may block or compute
//! as long as it has to, and another thread goes on. While a connection waits for a request, no thread waits with it.
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
//! // Makes the handler of each connection. What it captures, they share.
//! let notes = Arc::default();
//! let factory = move |base| Notes { base, notes: Arc::clone(&notes) };
//!
//! // A program calls `HTTPServer::bind("127.0.0.1:8000", factory)?.serve_forever()`, a test needs no socket:
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
//! A `do_*` method has to do three things, in this order:
//!
//! 1. [`send_response`](RequestHandler::send_response) with a code, then [`send_header`](RequestHandler::send_header)
//!    for each field. Neither returns an error; a mistake, such as a line end in a value, is remembered.
//! 2. [`end_headers`](RequestHandler::end_headers), which returns the first mistake; then no part of the head is sent.
//! 3. Write the body to `self.wfile`, if there is one.
//!
//! [`send_error`](RequestHandler::send_error) does all three. The method returns `()` or `Result<(), E>` with an error
//! that can be displayed: an error, or a panic, is logged, and the client gets the page of a 500 if nothing was sent
//! yet; else the connection is cut, so that the client cannot take a partial response for a complete one. A client's fault
//! gets its own status (400, 408, 413), whichever error the method returns.
//!
//! # Values and routes
//!
//! A method may return a value instead, and the server sends it: text, bytes, `Json<T>`, a [`Redirect`] and others
//! ([`IntoResponse`]). An [`HttpError`] is an error with a status of its own. A [route](macro@route) is a method for one path,
//! with arguments from the path, the query and the body:
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
//! `do_*` methods answer what no route matches. [`guide::routes`] has the rules.
//!
//! # Where to look
//!
//! - [`BaseHTTPRequestHandler`]: the request, in Python's instance variables ([`path`](BaseHTTPRequestHandler::path),
//!   [`headers`](BaseHTTPRequestHandler::headers), `rfile`, `wfile`).
//! - [`RequestHandler`]: Python's class variables, and all that can be overridden, from `log_message` to
//!   `handle_one_request`.
//! - [`http_handler`]: what the attribute makes of the block, and its arguments. [`route`](macro@route) and [`http_routes`]: methods for
//!   paths, in that block and in further ones.
//! - [`IntoResponse`]: the values that a method may return. [`FromPath`], [`FromQuery`] and [`FromBody`]: the types of a route's arguments.
//! - [`Detach`]: responses that go on after their method has returned; [`Broadcast`]: one message to many clients.
//! - `websocket` (a feature), [`upgrade_to`](Detach::upgrade_to), [`upgrade`](BaseHTTPRequestHandler::upgrade) and
//!   [`relay`](BaseHTTPRequestHandler::relay): connections that leave HTTP.
//! - [`HTTPServer`] and [`ServerBuilder`]: addresses, limits, deadlines, hooks, and the end of a server.
//! - [`Headers`] and [`Message`]: header fields, and types of your own for them.
//! - [`HTTPServer::serve_stream`]: one connection over a stream of your own, without a server.
//! - [`OneShot`]: a server for one request, for the redirect that ends a login.
//! - [`guide`]: a subject on a page, from the first server to the engine.
//! - [`testing`]: handlers without a socket, and servers that end with their test.
//!
//! # What no compiler sees
//!
//! The attribute finds most mistakes when the handler is compiled. It cannot see these:
//!
//! - An override in a second `impl` block, without the attribute, is an ordinary method that the server never calls.
//!   So is a `do_*` method there. Keep both in the one block.
//! - `self.path()` borrows all of `self`, since it goes through `Deref`. To hold a part of the request while you
//!   change a field of your own, go through the field: `let path = self.base.path();`.
//! - A [`log_message`](RequestHandler::log_message) of your own gets the text unescaped, with what the client put into
//!   it.
//!
//! # Coming from Python
//!
//! The names are Python's, and most code can be carried over line by line. On purpose, these things are not the same:
//!
//! - **`Transfer-Encoding: chunked` is done for you.** Send the field, or none at all, and write the plain body; the
//!   chunks are made by the server. Code that writes chunk sizes itself must stop doing so.
//! - **Framing fields come from the server.** `Content-Length`, `Transfer-Encoding` and `Connection` are taken as what
//!   you want and stand at the end of the head. A `Content-Length` of yours is held to; without one, the server adds
//!   it to a body of up to 64 KiB and sends a longer one in chunks, or to an HTTP/1.0 client until the end of the
//!   connection.
//! - **`wfile` has a buffer.** It goes out when the method returns, at `flush()`, when it overflows, and before the
//!   handler waits for more of the request's body. Writing before `end_headers()` is an error.
//! - **`rfile` ends where the body ends.** `rfile.read(int(self.headers['Content-Length']))` is
//!   [`read_body`](BaseHTTPRequestHandler::read_body), with a limit.
//! - **A body that is not read** is read and dropped up to 256 KiB, and the connection is closed after a longer one.
//!   It is never taken for the next request.
//! - **`send_error` begins anew.** What was begun of another response and has not been sent is dropped; after something
//!   was sent, it is an error.
//! - **A method that makes no response** is answered with 500, not with silence.
//! - **HTTP/1.1 needs one `Host`**, as the RFC asks; without, the answer is 400. More generally, what two servers
//!   could understand in two ways is refused, and [`Fault`] has the list.
//! - **`default_request_version`** matters only to request lines without a version.
//! - **`timeout`** bounds one read of a body and one write of a response. The head of a request, the time between two, a
//!   body and a response as a whole have deadlines of the server's: [`head_timeout`](ServerBuilder::head_timeout),
//!   [`idle_timeout`](ServerBuilder::idle_timeout), [`body_timeout`](ServerBuilder::body_timeout),
//!   [`response_timeout`](ServerBuilder::response_timeout).
//! - **`shutdown` does not wait**, so that a handler may call it; [`ServerHandle::wait`] does.
//! - **A body of up to 64 KiB has come** when the method is called, so that a slow client keeps no thread waiting; see
//!   [`gather_limit`](ServerBuilder::gather_limit). A longer one is read while the method runs.
//! - **There is no thread for each connection.** [`max_threads`](ServerBuilder::max_threads) bounds the methods that may
//!   wait at a time, for whatever it is. What is to outlive a request belongs into the handler's fields, not into a
//!   `thread_local!`. An override of [`handle`](RequestHandler::handle) has a thread for as long as its connection
//!   lasts.
//! - **HEAD** is answered by `do_GET` with the body left out, unless there is a `do_HEAD` or the attribute says `head
//!   = false`.
//! - **`100 Continue`** is sent when the body is first read, not before the method is called; see
//!   [`handle_expect_100`](RequestHandler::handle_expect_100).
//! - **`super().end_headers()`** is `BaseHTTPRequestHandler::end_headers(self)`, as in Python 2.
//! - **No name service is asked** for [`server_name`](ServerInfo::server_name), nor for
//!   [`address_string`](RequestHandler::address_string) unless the setting `name_lookup` says so.
//!
//! # Files
//!
//! With the feature `files`, [`FileHandler`] serves a folder as it is, and [`SimpleHTTPRequestHandler`] is the base of a
//! handler that adds to it: methods of its own, or overrides of [`FileRequestHandler`]'s.
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
//!         "1.0" // what no route matches is a file
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
//! Nothing outside of the folder is ever opened, whatever a request or an override names, and no file is held in memory: a
//! large one is sent from where it is, without a thread. Conditional requests, ranges and compressed files beside the
//! originals are those of RFC 9110. What is different from Python:
//!
//! - **Names that begin with a dot** are not served, and neither are links that lead out of the folder; see `Directory`.
//! - **An unreadable file** is answered with 403, and not with 404.
//! - **[`translate_path`](FileRequestHandler::translate_path)** gives a path relative to the folder.
//! - **[`copyfile`](FileRequestHandler::copyfile)** takes a [`Content`], which knows how to be sent without a copy, and
//!   writes to `self.wfile`.
//! - **`X-Content-Type-Options`** is not sent for files, as in Python: the types are guessed by names, and a browser would
//!   refuse scripts and styles of unusual ones. Where strangers put files into the folder, send it, as above.
//!
//! [`Assets`] serves files that are compiled into the program in the same way, from a method of any handler.
//!
//! # Scripts
//!
//! With the feature `cgi`, on unix, `CGIHandler` serves a folder and runs the programs in its `cgi-bin`, and
//! `CGIHTTPRequestHandler` is the base of a handler that adds to that. A script gets the request in its environment and
//! standard input, and says the response (RFC 3875). What is different from Python:
//!
//! - **The response is read, and not passed on blindly**: `Status` and `Location` mean something, its framing is the server's, and
//!   a script that says nothing sensible is a 502 with a line in the log. What it says goes out as it comes all the same.
//! - **A script has an end**: it is killed when it does not go on for a minute, when its client is gone, and with the server.
//! - **The environment is clean**, `REMOTE_USER` is not what a client claims, and no words of a query become arguments.
//! - **A script's source is never sent**, by no spelling of its path and no link to it.
//!
//! # Features
//!
//! Nothing is on by default.
//!
//! - `bytes`: a [`Payload`] of a `bytes::Bytes`.
//! - `cgi`: `CGIHandler`, `CGIHTTPRequestHandler`, on unix. With it comes `files`.
//! - `files`: [`FileHandler`], [`SimpleHTTPRequestHandler`], [`Directory`], [`Assets`].
//! - `form`: `Form`, the body of an HTML form as an argument of a route.
//! - `http`: `http::HeaderMap` as a [`Message`], `http::StatusCode` as a [`ResponseCode`], and `HttpTypes`:
//!   requests and responses as `http` has them.
//! - `json`: `Json`, a body of JSON as an argument of a route and as a result; in tests `post_json` of
//!   [`Client`](testing::Client), and `json` of its requests and of [`Response`](testing::Response).
//! - `peer-credentials`: `Connection::peer_credentials`, on unix: user, group and process at the other end of a unix socket.
//! - `proxy`: `TrustedProxies`: the PROXY protocol, `Forwarded`, `X-Forwarded-For`.
//! - `tls`: `TlsConfig` and `HTTPSServer`, HTTP over TLS.
//! - `websocket`: `accept_websocket`, WebSockets without a thread for each.
//! - `log`: `ServerBuilder::log`, for lines that go to the crate `log`. For any other place there is
//!   [`log_line`](ServerBuilder::log_line), which gets the level too, without a feature.
//! - `name-lookup`: the setting `name_lookup` of [`ServerBuilder`], for host names in log lines.
//! - `serde`: [`Stats`] and [`ShutdownReport`] are `serde::Serialize`, for a page or a log of JSON.
//! - `tracing`: a span of the crate `tracing` for each request that has a `do_*` method, around that method and what it calls, with
//!   the fields of OpenTelemetry's conventions for HTTP servers (`http.request.method`, `url.path`,
//!   `http.response.status_code`, `error.type` and others).
#![forbid(unsafe_code)]
// What a feature that is off would have is in the text all the same.
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
    DEFAULT_ERROR_CONTENT_TYPE, DEFAULT_ERROR_MESSAGE, Detach, Event, EventStream, FromBody, FromPath,
    FromQuery, HandlerError, Headers, HeadersIter, Histogram, Html, HttpError, IntoResponse, Later, LogLevel,
    Message, Multipart, Outcome, Part, Payload, Peer, RFile, RFileLock, Redirect, RequestHandler, Response,
    ResponseCode, RouteStats, ServerHandle, ServerInfo, ShutdownReport, SlowClients, Stats, Stream, Upgraded,
    UpgradedHandler, UpgradedReader, UpgradedWriter, WFile, html_escape, unquote,
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

/// Python's `ThreadingHTTPServer`: every [`HTTPServer`] serves its connections beside each other.
pub type ThreadingHTTPServer = HTTPServer;

/// The code on the front page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

//! Tools for tests: handlers without a socket, servers that end with their test, and a scripted server for tests of clients.
//!
//! ```
//! use basehttp::prelude::*;
//! use basehttp::testing::client;
//!
//! struct Hello { base: BaseHTTPRequestHandler }
//!
//! #[http_handler]
//! impl Hello {
//!     fn do_GET(&self) -> std::io::Result<()> {
//!         self.send_response(200);
//!         self.send_header("Content-Type", "text/plain");
//!         self.end_headers()?;
//!         write!(self.wfile, "You asked for {}", self.path())
//!     }
//! }
//!
//! let response = client(|base| Hello { base }).get("/x?y=z");
//! assert_eq!(response.status, 200);
//! assert_eq!(response.header("content-type"), Some("text/plain"));
//! assert_eq!(response.text(), "You asked for /x?y=z");
//! ```
//!
//! - [`client()`]: sends requests by method and target, one after the other, without a socket.
//! - [`respond`], [`run`], [`run_timed`]: take the bytes of a connection, for malformed requests, several requests on a connection,
//!   or a slow client.
//! - [`TestServer`]: a real server, for a real client.
//! - [`TestDouble`]: a server with scripted responses, for the test of a client.

mod client;
mod double;
mod memory;
mod method;
mod response;
mod scripted;
mod server;

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::handler::clock::Clock;
use crate::handler::connection_io::Bounds;
use crate::handler::{BaseHTTPRequestHandler, RequestHandler};
use crate::server::alone::{NoServer, StandaloneContext};
use crate::server::connection::HttpConnection;
use crate::server::turn::{AnyConnection, ConnectionParts, Turn};
use memory::Memory;

pub use client::{Client, ClientRequest, client};
pub use double::{Received, TestDouble};
pub use memory::{Piece, Run};
pub use response::Response;
pub use scripted::{Gate, Scripted};
pub use server::TestServer;

/// Runs a handler on the bytes of a connection, one or more requests, and returns its responses.
///
/// The client sends `input` and then half-closes its connection. Everything runs as in a server: parsing, limits, framing,
/// keep-alive. The client's address is `127.0.0.1:54321`. The time is `Sun, 06 Nov 1994 08:49:37 GMT` and stands still.
///
/// ```
/// # use basehttp::prelude::*;
/// # struct Hello { base: BaseHTTPRequestHandler }
/// # #[http_handler]
/// # impl Hello {
/// #     const protocol_version: &str = "HTTP/1.1";
/// #     fn do_GET(&self) -> std::io::Result<()> { self.send_response(204); self.end_headers() }
/// # }
/// use basehttp::testing::respond;
///
/// let two = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
/// let broken = b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
/// assert_eq!(respond(|base| Hello { base }, two).len(), 2);
/// assert_eq!(respond(|base| Hello { base }, broken)[0].reason, "More than one Host header");
/// ```
pub fn respond<H, F>(factory: F, input: &[u8]) -> Vec<Response>
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
    run(factory, [input]).responses
}

/// As [`respond`], for input that arrives in pieces, one for each read. Also returns the log and the raw output.
///
/// ```
/// # use basehttp::prelude::*;
/// # struct Hello { base: BaseHTTPRequestHandler }
/// # #[http_handler]
/// # impl Hello { fn do_GET(&self) -> std::io::Result<()> { self.send_response(204); self.end_headers() } }
/// let run = basehttp::testing::run(|base| Hello { base }, ["GET / HT", "TP/1.0\r\n\r", "\n"]);
/// assert_eq!(run.responses[0].status, 204);
/// assert!(run.log.ends_with("\"GET / HTTP/1.0\" 204 -\n"));
/// ```
pub fn run<H, F, I>(factory: F, pieces: I) -> Run
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
    I: IntoIterator<Item: AsRef<[u8]>>,
{
    run_timed(factory, pieces.into_iter().map(|piece| Piece::Bytes(piece.as_ref().to_vec())))
}

/// As [`run`], for a client that pauses between its pieces, so that a deadline of the server or of the handler may pass.
///
/// The test does not wait: deadlines are measured by a clock that only pauses move. The deadlines are the server's defaults, and
/// those that the handler sets. Pauses add up if a deadline applies to a whole head or body. The handler sees the same clock: it
/// begins at `Sun, 06 Nov 1994 08:49:37 GMT`, and the time that the handler itself takes is not added.
///
/// ```
/// # use basehttp::prelude::*;
/// # struct Hello { base: BaseHTTPRequestHandler }
/// # #[http_handler]
/// # impl Hello { fn do_GET(&self) -> std::io::Result<()> { self.send_response(204); self.end_headers() } }
/// use std::time::Duration;
/// use basehttp::testing::{Piece, run_timed};
///
/// let status = |seconds| {
///     let pause = Piece::Pause(Duration::from_secs(seconds));
///     let slow = ["GET / HT", "TP/1.0\r\n", "\r\n"].map(|piece| [Piece::Bytes(piece.into()), pause.clone()]);
///     run_timed(|base| Hello { base }, slow.into_iter().flatten()).responses[0].status
/// };
/// assert_eq!(status(9), 204);
/// // The head has 20 seconds from its first byte to its last.
/// assert_eq!(status(11), 408);
/// ```
pub fn run_timed<H, F, I>(factory: F, pieces: I) -> Run
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
    I: IntoIterator<Item = Piece>,
{
    let clock = Clock::moved();
    let (memory, record) = Memory::new(pieces.into_iter(), clock.clone());
    let parts = ConnectionParts {
        wire: Box::new(memory),
        client_address: std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 54321)).into(),
        server: Arc::new(Arc::<NoServer>::default().info()),
        bounds: Arc::new(Bounds { clock, ..Bounds::default() }),
    };
    let mut connection = HttpConnection::new(parts, Arc::new(factory));
    // A context in which no shutdown is ever requested.
    let mut context = StandaloneContext::new(Arc::default());
    let mut is_late = false;
    loop {
        is_late = match connection.turn(&mut context, is_late) {
            Turn::Over => return record.into_run(),
            Turn::Later(want, patience) => record.is_late(want, patience),
            Turn::Again | Turn::Elsewhere => false,
        };
    }
}

//! A server with `cross_origin_protection`, for a browser: `tests/browser/cross_origin.py` runs it. Prints its port, then each line of its
//! log.
//!
//! ```text
//! cross_origin [TRUSTED-ORIGIN ..]
//! ```

use std::io::{self, Write};

use basehttp::prelude::*;
use basehttp::websocket::{Message, WebSocket, WebSocketHandler, WebSocketOptions};
use basehttp::{CrossOriginProtection, Html};

struct Site {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Site {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/page")]
    fn page(&self) -> Html<&str> {
        Html(include_str!("../../browser/cross_origin.html"))
    }

    /// Of which page it is, is not asked here: the server has.
    #[route(GET, "/socket")]
    fn socket(&self) -> io::Result<()> {
        self.accept_websocket_with(WebSocketOptions::new().allow_any_origin(), Silent)
    }

    #[route(GET | POST | PUT, "/{what}")]
    fn other(&self, what: &str) -> String {
        what.to_owned()
    }
}

struct Silent;

impl WebSocketHandler for Silent {
    fn message(&mut self, _socket: &WebSocket, _message: Message) -> io::Result<()> {
        Ok(())
    }
}

fn print(line: impl std::fmt::Display) {
    let mut output = io::stdout().lock();
    // Whoever does not read it any more has ended.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

fn main() -> io::Result<()> {
    let protection =
        std::env::args().skip(1).fold(CrossOriginProtection::new(), CrossOriginProtection::trust_origin);
    let mut server = HTTPServer::builder()
        .cross_origin_protection(protection)
        .log_line(|line, _| print(line))
        .bind("127.0.0.1:0", |base| Site { base })?;
    print(server.server_address().port().unwrap_or(0));
    server.serve_forever()
}

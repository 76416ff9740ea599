//! The response to a request for a WebSocket.

use std::io;

use super::handler::WebSocketHandler;
use super::handshake::{Accepted, Refusal, judge};
use super::options::WebSocketOptions;
use super::session::Session;
use crate::handler::{Detach, RequestHandler};
use crate::proto::request_line::Version;

/// Accepts WebSockets. Every handler has these methods; the [prelude](crate::prelude) brings them into scope.
pub trait AcceptWebSocket: RequestHandler {
    /// Answers a request for a WebSocket and hands the connection over to `handler`. The method then returns, and no thread
    /// is held. Other requests are answered, too: 426 if it is not a request for a WebSocket, 400 if it is malformed, 403 for
    /// a page of another site.
    ///
    /// No extensions are negotiated, so there is no compression.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the handler's `protocol_version` is not `HTTP/1.1`, or a response has
    /// begun. Otherwise those of [`upgrade_to`](Detach::upgrade_to).
    fn accept_websocket(&self, handler: impl WebSocketHandler) -> io::Result<()> {
        self.accept_websocket_with(WebSocketOptions::default(), handler)
    }

    /// Like [`accept_websocket`](Self::accept_websocket), with limits, subprotocols and origins.
    ///
    /// # Errors
    /// Those of [`accept_websocket`](Self::accept_websocket).
    fn accept_websocket_with(
        &self,
        options: WebSocketOptions,
        handler: impl WebSocketHandler,
    ) -> io::Result<()> {
        if self.vars().class().protocol != Version::Http11 {
            let text = "a WebSocket needs `const protocol_version: &str = \"HTTP/1.1\";` in the handler";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        self.vars().io().may_be_upgraded()?;
        let Accepted { accept, protocol } = match judge(self, &options) {
            Ok(accepted) => accepted,
            Err(refusal) => return refuse(self, &refusal),
        };
        self.send_response(101);
        self.send_header("Upgrade", "websocket");
        self.send_header("Connection", "Upgrade");
        self.send_header("Sec-WebSocket-Accept", accept);
        if let Some(protocol) = &protocol {
            self.send_header("Sec-WebSocket-Protocol", protocol);
        }
        self.end_headers()?;
        self.upgrade_to(Session::new(handler, options, protocol)).map(drop)
    }
}

impl<H: RequestHandler> AcceptWebSocket for H {}

fn refuse<H: RequestHandler>(handler: &H, refusal: &Refusal) -> io::Result<()> {
    match refusal {
        // Names the protocol and version to use: RFC 9110 section 15.5.22, RFC 6455 section 4.2.2.
        Refusal::Upgrade => {
            const TEXT: &str = "This resource is for WebSockets\n";
            handler.send_response(426);
            handler.send_header("Upgrade", "websocket");
            handler.send_header("Connection", "Upgrade");
            handler.send_header("Sec-WebSocket-Version", "13");
            handler.send_header("Content-Type", "text/plain; charset=utf-8");
            handler.send_header("Content-Length", TEXT.len());
            handler.end_headers()?;
            if handler.command() == "HEAD" { Ok(()) } else { handler.wfile.write_all(TEXT.as_bytes()) }
        }
        Refusal::Bad(message) => handler.send_error((400, *message)),
        Refusal::Origin => handler.send_error((403, "Not for pages from other sites")),
    }
}

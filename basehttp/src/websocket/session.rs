//! A WebSocket as its connection sees it: turns bytes into messages, and answers pings and the closing handshake.

use std::io;
use std::time::Duration;

use super::frame::Opcode;
use super::handler::WebSocketHandler;
use super::options::WebSocketOptions;
use super::reader::{MessageReader, Said, Violation};
use super::socket::WebSocket;

use crate::handler::{Peer, UpgradedHandler};

pub(super) struct Session<H> {
    handler: H,
    options: WebSocketOptions,
    protocol: Option<String>,
    reader: MessageReader,
    socket: Option<WebSocket>,
    /// The code and reason passed to the handler at the end.
    end: (u16, String),
    /// A ping was sent, and nothing has arrived since.
    is_asked: bool,
}

/// The client closed without a code; no close frame was received (RFC 6455 section 7.4.1). Neither code is ever in a frame.
const NO_CODE: u16 = 1005;
const ABNORMAL: u16 = 1006;

const GOING_AWAY: u16 = 1001;
const FAILED: u16 = 1011;

impl<H: WebSocketHandler> Session<H> {
    pub(super) fn new(handler: H, options: WebSocketOptions, protocol: Option<String>) -> Self {
        let reader = MessageReader::new(options.max_message_size);
        Self {
            handler,
            options,
            protocol,
            reader,
            socket: None,
            end: (ABNORMAL, String::new()),
            is_asked: false,
        }
    }

    /// Calls the handler. Its error closes the WebSocket, unless the cause is that the client has gone.
    fn have(
        &mut self,
        peer: &Peer,
        run: impl FnOnce(&mut H, &WebSocket) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(socket) = &self.socket else { return Ok(()) };
        match run(&mut self.handler, socket) {
            Ok(()) => Ok(()),
            Err(error) if is_of_the_end(&error) && socket.is_gone() => Ok(()),
            Err(error) => {
                self.end = (FAILED, String::new());
                self.end_with(peer, Some(FAILED), "");
                Err(error)
            }
        }
    }

    /// Sends a close frame and ends the connection, without waiting for an answer.
    fn end_with(&self, peer: &Peer, code: Option<u16>, reason: &str) {
        if let Some(socket) = &self.socket {
            // A client that takes no more does not learn why.
            let _ = socket.send_close(code, reason);
        }
        peer.close();
    }

    fn hear(&mut self, peer: &Peer, said: Said) -> io::Result<()> {
        match said {
            Said::Message(message) => self.have(peer, |handler, socket| handler.message(socket, message))?,
            Said::Ping(payload) => {
                if let Some(socket) = &self.socket {
                    // If there is no room, this ping need not be answered: a later one will be (section 5.5.3).
                    let _ = socket.send_frame(Opcode::Pong, &payload, Duration::ZERO);
                }
            }
            Said::Pong => {}
            Said::Close(code, reason) => {
                // The server ends the connection first (section 7.1.1).
                self.end_with(peer, code, "");
                self.end = (code.unwrap_or(NO_CODE), reason);
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.end.0 != ABNORMAL
    }
}

/// The errors of sending to a client that has gone. They may come from elsewhere, such as a database.
fn is_of_the_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}

impl<H: WebSocketHandler> UpgradedHandler for Session<H> {
    fn opened(&mut self, peer: &Peer) -> io::Result<()> {
        self.socket = Some(WebSocket::new(peer.clone(), self.protocol.take()));
        peer.set_timer(self.options.ping_interval);
        self.have(peer, H::open)
    }

    fn received(&mut self, peer: &Peer, mut bytes: &[u8]) -> io::Result<()> {
        self.is_asked = false;
        if let Some(socket) = &self.socket {
            socket.set_timer(self.options.ping_interval);
        }
        while !self.is_over() {
            match self.reader.next(&mut bytes) {
                Ok(Some(said)) => self.hear(peer, said)?,
                Ok(None) => break,
                Err(Violation { code, text }) => {
                    self.end = (code, text.to_owned());
                    self.end_with(peer, Some(code), text);
                }
            }
        }
        Ok(())
    }

    /// The client ended its half without a close frame.
    fn ended(&mut self, peer: &Peer) -> io::Result<()> {
        peer.close();
        Ok(())
    }

    fn timer(&mut self, peer: &Peer) -> io::Result<()> {
        let Some(socket) = &self.socket else { return Ok(()) };
        if socket.is_closing() {
            peer.close();
            return Ok(());
        }
        if self.is_asked {
            self.end = (ABNORMAL, "no answer to a ping".to_owned());
            peer.abort();
        } else {
            // If there is no room, no ping was sent, so no answer is due; `write_timeout` is running.
            self.is_asked = socket.send_frame(Opcode::Ping, b"", Duration::ZERO).is_ok();
            let asked = self.is_asked.then_some(self.options.pong_timeout);
            socket.set_timer(asked.or(self.options.ping_interval));
        }
        Ok(())
    }

    fn stopping(&mut self, _peer: &Peer) -> io::Result<()> {
        // A WebSocket that is closing already has a timer.
        match &self.socket {
            Some(socket) if !socket.is_closing() => socket.close(GOING_AWAY, "the server is shutting down"),
            _ => Ok(()),
        }
    }

    fn closed(&mut self, _peer: &Peer) {
        if let Some(socket) = &self.socket {
            self.handler.close(socket, self.end.0, &self.end.1);
        }
    }
}

//! Clients that stay, served by basehttp: events by a broadcast, WebSockets that echo.

use std::io;

use basehttp::prelude::*;
use basehttp::websocket::{Message, WebSocket, WebSocketHandler};
use basehttp::{Broadcast, Event};
use basehttp_bench::{HELLO, Options};

struct Echo;

impl WebSocketHandler for Echo {
    fn message(&mut self, socket: &WebSocket, message: Message) -> io::Result<()> {
        socket.send(&message)
    }
}

struct Stay {
    base: BaseHTTPRequestHandler,
    broadcast: Broadcast,
}

#[http_handler]
impl Stay {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/events" => self.broadcast.subscribe(self.event_stream()?),
            "/echo" => self.accept_websocket(Echo),
            _ => self.hello(),
        }
    }

    fn do_POST(&self) -> io::Result<()> {
        let text = self.read_body(1 << 16)?;
        self.broadcast.send(&Event::new(String::from_utf8_lossy(&text)))?;
        self.hello()
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

impl Stay {
    fn hello(&self) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Length", HELLO.len());
        self.end_headers()?;
        self.wfile.write_all(HELLO.as_bytes())
    }
}

fn main() -> io::Result<()> {
    let options = Options::from_args();
    // No history, like the others.
    let broadcast = Broadcast::builder().history(0, 0).max_clients(20_000).build();
    let factory = move |base| Stay { base, broadcast: broadcast.clone() };
    let builder = HTTPServer::builder().max_connections(20_000);
    builder.bind(options.address(), factory)?.serve_forever()
}

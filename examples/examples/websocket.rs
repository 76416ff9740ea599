//! A WebSocket (RFC 6455): the handler switches the protocol, and the crate `tungstenite` speaks it on the connection.
//!
//! ```text
//! cargo run --release --example websocket [PORT]      # and open http://127.0.0.1:8000/ in a browser
//! ```

use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use basehttp::Upgraded;
use basehttp::prelude::*;
use tungstenite::error::ProtocolError;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

struct Shout {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Shout {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> Result<(), Box<dyn std::error::Error>> {
        match self.path() {
            "/" => {
                self.send_response(200);
                self.send_header("Content-Type", "text/html; charset=utf-8");
                self.end_headers()?;
                Ok(self.wfile.write_all(PAGE.as_bytes())?)
            }
            "/shout" => self.shout(),
            _ => Ok(self.send_error(404)?),
        }
    }

    fn shout(&self) -> Result<(), Box<dyn std::error::Error>> {
        let version = self.headers().get("Sec-WebSocket-Version");
        let (true, Some("13")) = (self.upgrades_to("websocket"), version) else {
            // What would do instead: RFC 9110 section 15.5.22, RFC 6455 section 4.2.2.
            self.send_response(426);
            self.send_header("Upgrade", "websocket");
            self.send_header("Connection", "Upgrade");
            self.send_header("Sec-WebSocket-Version", "13");
            self.end_headers()?;
            return Ok(self.wfile.write_all(b"This is for WebSockets\n")?);
        };
        // RFC 6455 section 4.2.1: one field, of 16 bytes in base64.
        let mut keys = self.headers().get_all("Sec-WebSocket-Key");
        let is_key = |key: &&str| STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16);
        let (Some(key), None) = (keys.next().filter(is_key), keys.next()) else {
            return Ok(self.send_error((400, "Not a key of a WebSocket"))?);
        };
        // A page of another site may open a WebSocket to this one, with this one's cookies: its Origin tells.
        let host = self.headers().get("Host").unwrap_or_default();
        let origin = self.headers().get("Origin");
        if origin.is_some_and(|origin| origin.strip_prefix("http://") != Some(host)) {
            return Ok(self.send_error((403, "Not for pages of other sites"))?);
        }
        self.send_response(101);
        self.send_header("Connection", "Upgrade");
        self.send_header("Upgrade", "websocket");
        self.send_header("Sec-WebSocket-Accept", derive_accept_key(key.as_bytes()));
        self.end_headers()?;
        // Both sides may be silent for so long.
        self.set_timeout(Duration::from_secs(600));
        let limits = WebSocketConfig::default().max_message_size(Some(64 * 1024));
        let mut socket = WebSocket::from_raw_socket(self.upgrade()?, Role::Server, Some(limits));
        loop {
            match socket.read() {
                Ok(Message::Text(text)) => socket.send(Message::text(text.to_uppercase()))?,
                // Pings are answered by `read`.
                Ok(_) => {}
                // Pages that are left say no good-bye.
                Err(
                    Error::ConnectionClosed | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake),
                ) => {
                    return Ok(());
                }
                Err(error) => return self.refuse(&mut socket, error),
            }
        }
    }

    /// Tells the client what it did wrong (RFC 6455 section 7.1.7).
    fn refuse(
        &self,
        socket: &mut WebSocket<Upgraded<'_>>,
        error: Error,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let code = match error {
            Error::Protocol(_) => CloseCode::Protocol,
            Error::Utf8(_) => CloseCode::Invalid,
            Error::Capacity(_) => CloseCode::Size,
            error => return Err(error.into()),
        };
        self.log_error(format_args!("{error}"));
        Ok(socket.close(Some(CloseFrame { code, reason: "".into() }))?)
    }
}

const PAGE: &str = r#"<!DOCTYPE html>
<title>Shout</title>
<input autofocus>
<pre></pre>
<script>
const socket = new WebSocket(`ws://${location.host}/shout`);
const [input, output] = [document.querySelector("input"), document.querySelector("pre")];
input.onchange = () => socket.send(input.value);
socket.onmessage = event => output.textContent += event.data + "\n";
</script>
"#;

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), |base| Shout { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}

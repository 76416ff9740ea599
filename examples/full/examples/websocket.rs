//! A WebSocket (RFC 6455): sends each message back in upper case. No thread waits for the client.
//!
//! ```text
//! cargo run --release -p basehttp-examples-full --example websocket [PORT]      # and open http://127.0.0.1:8000/ in a browser
//! ```

use std::io;

use basehttp::Html;
use basehttp::prelude::*;
use basehttp::websocket::{Message, WebSocket, WebSocketHandler, WebSocketOptions};

struct Shout;

impl WebSocketHandler for Shout {
    fn message(&mut self, socket: &WebSocket, message: Message) -> io::Result<()> {
        match message {
            Message::Text(text) => socket.send(&text.to_uppercase().into()),
            Message::Binary(_) => Ok(()),
        }
    }
}

struct Shouting {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Shouting {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/")]
    fn page(&self) -> Html<&str> {
        Html(PAGE)
    }

    #[route(GET, "/shout")]
    fn shout(&self) -> io::Result<()> {
        self.accept_websocket_with(WebSocketOptions::new().max_message_size(64 * 1024), Shout)
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
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), |base| Shouting { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}

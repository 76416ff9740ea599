//! A chat: every message goes to everyone in the room. Even with thousands of guests, no thread waits for any of them.
//!
//! ```text
//! cargo run --release -p basehttp-examples-full --example chat [PORT]      # and open http://127.0.0.1:8000/ in two browser windows
//! ```

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use basehttp::Html;
use basehttp::prelude::*;
use basehttp::websocket::{Message, WebSocket, WebSocketHandler, WebSocketOptions};

/// All guests in the room.
#[derive(Clone, Default)]
struct Room(Arc<Mutex<Vec<WebSocket>>>);

impl Room {
    fn lock(&self) -> MutexGuard<'_, Vec<WebSocket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends to everyone. Disconnects guests that read so slowly that their buffer is full.
    fn say(&self, message: &Message) {
        let mut slow = Vec::new();
        self.lock().retain(|socket| {
            let is_sent = socket.send(message).is_ok();
            if !is_sent {
                slow.push(socket.clone());
            }
            is_sent
        });
        for socket in slow {
            let _ = socket.close(1013, "too slow");
        }
    }
}

/// How many messages a guest can send at once. Without a limit, one guest could fill the buffers of all others, and they would be
/// disconnected as too slow.
const BURST: u32 = 10;
/// After this time, a guest can send one more.
const INTERVAL: Duration = Duration::from_millis(500);

/// One guest.
struct Guest {
    room: Room,
    name: Option<String>,
    /// When the guest can send a full burst again.
    rested: Instant,
}

impl Guest {
    /// Counts a message: a token bucket, kept as the time at which it is full again.
    fn is_flooding(&mut self) -> bool {
        let now = Instant::now();
        self.rested = self.rested.max(now) + INTERVAL;
        self.rested - now > BURST * INTERVAL
    }
}

/// At most 40 characters, without those that could make a line look like another guest's. None if nothing is left.
fn name_of(text: &str) -> Option<String> {
    let is_bidirectional = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let name: String =
        text.trim().chars().filter(|&c| !c.is_control() && !is_bidirectional(c)).take(40).collect();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

impl WebSocketHandler for Guest {
    fn open(&mut self, socket: &WebSocket) -> io::Result<()> {
        let mut all = self.room.lock();
        all.push(socket.clone());
        let here = all.len();
        drop(all);
        socket.send(&format!("{here} here. What is your name?").into())
    }

    fn message(&mut self, socket: &WebSocket, message: Message) -> io::Result<()> {
        if self.is_flooding() {
            return socket.close(1008, "too many messages");
        }
        let Message::Text(text) = message else { return socket.close(1003, "text only") };
        let said = match &self.name {
            Some(name) => format!("{name}: {text}"),
            None => match name_of(&text) {
                Some(name) => format!("{} comes in", self.name.insert(name)),
                None => return socket.send(&"What is your name?".into()),
            },
        };
        self.room.say(&said.into());
        Ok(())
    }

    fn close(&mut self, socket: &WebSocket, _code: u16, _reason: &str) {
        self.room.lock().retain(|other| other != socket);
        if let Some(name) = &self.name {
            self.room.say(&format!("{name} has left").into());
        }
    }
}

struct Chat {
    base: BaseHTTPRequestHandler,
    room: Room,
}

#[http_handler]
impl Chat {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/")]
    fn page(&self) -> Html<&str> {
        Html(PAGE)
    }

    #[route(GET, "/room")]
    fn enter(&self) -> io::Result<()> {
        let options = WebSocketOptions::new().max_message_size(4096);
        let guest = Guest { room: self.room.clone(), name: None, rested: Instant::now() };
        self.accept_websocket_with(options, guest)
    }
}

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, interactive-widget=resizes-content">
<title>Chat</title>
<style>
:root { color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif }
body { display: flex; flex-direction: column; height: 100vh; height: 100dvh; max-width: 40em; margin: 0 auto; padding: 0 1em 1em; box-sizing: border-box }
ol { flex: 1; overflow-y: auto; list-style: none; margin: 0 0 1em; padding: 0 }
li { padding: .3em .6em; margin: .3em 0; background: #7782; border: 1px solid #7784; border-radius: .5em; overflow-wrap: anywhere }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .5em }
</style>
<h1>Chat</h1>
<ol role="log"></ol>
<form><input aria-label="Message" placeholder="Your name" maxlength="40" autocomplete="off" enterkeyhint="send" disabled></form>
<script>
const [list, input] = [document.querySelector("ol"), document.querySelector("input")];
let socket, name, attempts = 0;
function show(text) {
  // A user who has scrolled up is reading there.
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 50;
  const line = document.createElement("li");
  line.textContent = text;
  list.append(line);
  if (list.children.length > 500) list.firstChild.remove();
  if (isAtEnd) line.scrollIntoView({ block: "end" });
}
function enter() {
  socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/room`);
  socket.onopen = () => {
    attempts = 0;
    input.disabled = false;
    input.focus();
    if (name) socket.send(name);
  };
  socket.onmessage = event => show(event.data);
  socket.onclose = event => {
    input.disabled = true;
    if (attempts === 0) show(`Not connected, trying again ${event.reason && `(${event.reason})`}`);
    setTimeout(enter, Math.min(30, 2 ** attempts++) * 1000);
  };
}
enter();
document.querySelector("form").onsubmit = event => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text) return;
  socket.send(text);
  name ??= text;
  input.value = "";
  input.maxLength = 1000;
  input.placeholder = "Say something";
};
</script>
"#;

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let room = Room::default();
    let factory = move |base| Chat { base, room: room.clone() };
    // Other host names may resolve to this address as well (DNS rebinding), and their pages would be of the same origin.
    let builder = HTTPServer::builder().allowed_hosts(["localhost", "127.0.0.1"]);
    let mut server = builder.bind(format!("127.0.0.1:{port}"), factory)?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}

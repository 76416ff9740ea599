//! A page that shows messages as they arrive (server-sent events), and a long poll: a request that gets its response when there
//! is a message.
//!
//! ```text
//! cargo run --release --example events [PORT]      # and open http://127.0.0.1:8000/
//! curl -N http://127.0.0.1:8000/events             # stays open
//! curl http://127.0.0.1:8000/next                  # waits for the next message, for at most 30 seconds
//! curl -d 'hello' http://127.0.0.1:8000/           # sends a message to all
//! ```
//!
//! No thread waits for a message: ten thousand open pages cost only memory. Pages of other sites cannot send messages:
//! `cross_origin_protection` refuses them. `allowed_hosts` refuses requests for other host names, which may resolve to this address
//! as well (DNS rebinding): their pages could read all messages.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::{Broadcast, CrossOriginProtection, Event, Html, Later};

struct Events {
    base: BaseHTTPRequestHandler,
    news: Broadcast,
    polls: Arc<Mutex<Polls>>,
}

/// Requests that wait for the next message.
#[derive(Default)]
struct Polls {
    waiting: Vec<Later<Events>>,
    /// How many were left at the last sweep, which removes those whose client has gone.
    kept: usize,
}

impl Polls {
    fn add(&mut self, later: Later<Events>) {
        // A sweep at every poll would take time quadratic in their number.
        if self.waiting.len() > 2 * self.kept {
            self.waiting.retain(|later| !later.is_gone());
            self.kept = self.waiting.len();
        }
        self.waiting.push(later);
    }
}

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Messages</title>
<style>
:root { color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif }
body { max-width: 40em; margin: 2em auto; padding: 0 1em }
form { display: flex; gap: .5em }
input, button { font: inherit; padding: .4em .6em }
input { flex: 1; min-width: 0 }
ul { padding-left: 1.2em }
li { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3em 0 }
</style>
<h1>Messages</h1>
<form><input name="text" aria-label="Message" maxlength="1000" required autofocus autocomplete="off"><button>Send</button></form>
<p id="state" role="status">Connecting</p>
<ul></ul>
<script>
const list = document.querySelector('ul'), form = document.forms[0], state = document.getElementById('state');
function listen() {
    const events = new EventSource('/events');
    events.onopen = () => state.textContent = 'Connected';
    events.onerror = () => {
        state.textContent = 'Not connected, trying again';
        // After a lost connection the browser reconnects by itself and gets what it has missed; after an error page it does not.
        if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
    };
    events.onmessage = event => {
        const item = document.createElement('li');
        item.textContent = event.data; // as text, never as HTML
        list.prepend(item);
        if (list.children.length > 100) list.lastChild.remove();
    };
}
listen();
form.onsubmit = async event => {
    event.preventDefault();
    const text = form.text.value;
    form.reset();
    const response = await fetch('/', { method: 'POST', body: text }).catch(() => null);
    state.textContent = response?.ok ? 'Sent' : 'Not sent';
    if (!response?.ok) form.text.value ||= text;
};
</script>
"#;

#[http_handler]
impl Events {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/")]
    fn page(&self) -> Html<&str> {
        Html(PAGE)
    }

    #[route(GET, "/events")]
    fn events(&self) -> io::Result<()> {
        self.news.subscribe(self.event_stream()?)
    }

    #[route(GET, "/next")]
    fn next(&self) -> io::Result<()> {
        let later = self.later()?.timeout(Duration::from_secs(30), |_| HTTPStatus::NO_CONTENT);
        self.polls.lock().unwrap_or_else(PoisonError::into_inner).add(later);
        Ok(())
    }

    #[route(POST, "/", limit = 4096)]
    fn say(&self, text: String) -> io::Result<HTTPStatus> {
        self.news.send(&Event::new(&text))?;
        let polls = std::mem::take(&mut *self.polls.lock().unwrap_or_else(PoisonError::into_inner));
        for later in polls.waiting {
            let text = text.clone();
            later.resume(move |_| text.with_header("Cache-Control", "no-store"));
        }
        Ok(HTTPStatus::NO_CONTENT)
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let (news, polls) = (Broadcast::new(), Arc::default());
    let factory = move |base| Events { base, news: news.clone(), polls: Arc::clone(&polls) };
    let builder = HTTPServer::builder()
        .cross_origin_protection(CrossOriginProtection::new())
        .allowed_hosts(["localhost", "127.0.0.1"]);
    let mut server = builder.bind(format!("127.0.0.1:{port}"), factory)?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}

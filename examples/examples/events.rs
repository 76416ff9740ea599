//! Server-sent events, a stream of messages to a page, and a long poll, a request that is answered when there is news.
//!
//! ```text
//! cargo run --release --example events [PORT]
//! curl -N http://127.0.0.1:8000/events            # stays open
//! curl http://127.0.0.1:8000/next                 # waits for the next message, for 30 seconds
//! curl -d 'hello' http://127.0.0.1:8000/          # sends one to all
//! ```

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use basehttp::prelude::*;

struct Events {
    base: BaseHTTPRequestHandler,
    news: Arc<News>,
}

/// The last message, and how many there were.
#[derive(Default)]
struct News {
    last: Mutex<(u64, String)>,
    changed: Condvar,
}

impl News {
    /// The message after number `seen`, or None if none comes in time.
    fn after(&self, seen: u64, patience: Duration) -> Option<(u64, String)> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(last, patience, |(number, _)| *number <= seen);
        let (last, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        (!waited.timed_out()).then(|| last.clone())
    }

    fn count(&self) -> u64 {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}

#[http_handler]
impl Events {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/events" => self.stream(),
            "/next" => match self.news.after(self.news.count(), Duration::from_secs(30)) {
                Some((_, text)) => self.say(200, &text),
                None => self.say(204, ""),
            },
            _ => self.send_error(404),
        }
    }

    /// A handler that waits has a thread, up to `max_threads`, and holds up nobody else.
    fn stream(&self) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Type", "text/event-stream");
        self.send_header("Cache-Control", "no-store");
        self.end_headers()?;
        let mut seen = self.news.count();
        // Without a flush, nothing is sent before there is a bufferful.
        self.wfile.flush()?;
        while !self.server().handle().is_shut_down() {
            match self.news.after(seen, Duration::from_secs(1)) {
                Some((number, text)) => {
                    seen = number;
                    writeln!(self.wfile, "id: {number}")?;
                    // A carriage return ends a line as well, and what follows it could be an event of its own.
                    for line in text.replace("\r\n", "\n").split(['\r', '\n']) {
                        writeln!(self.wfile, "data: {line}")?;
                    }
                    writeln!(self.wfile)?;
                }
                // A comment: a client that is gone is found by writing to it.
                None => writeln!(self.wfile, ":")?,
            }
            self.wfile.flush()?;
        }
        Ok(())
    }

    fn do_POST(&self) -> io::Result<()> {
        let body = self.read_body(4096)?;
        let Ok(text) = String::from_utf8(body) else {
            return self.send_error((400, "Send text"));
        };
        {
            let mut last = self.news.last.lock().unwrap_or_else(PoisonError::into_inner);
            *last = (last.0 + 1, text);
        }
        self.news.changed.notify_all();
        self.say(204, "")
    }

    fn say(&self, code: u16, text: &str) -> io::Result<()> {
        self.send_response(code);
        self.send_header("Cache-Control", "no-store");
        self.end_headers()?;
        self.wfile.write_all(text.as_bytes())
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let news = Arc::<News>::default();
    let factory = move |base| Events { base, news: news.clone() };
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), factory)?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}

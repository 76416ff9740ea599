// A whole server: a handler with a field of its own, two methods in Python's way, a route, and an override.
//
//     cargo run --release --example hello
//     curl -i http://127.0.0.1:8000/
//     curl -i http://127.0.0.1:8000/add/2/40
//     curl -i -X SPAM http://127.0.0.1:8000/

use basehttp::prelude::*;
use std::{fmt, io};

struct Hello {
    base: BaseHTTPRequestHandler, // Python's superclass: it has the instance variables
    hits: u32,                    // your own; one handler per connection, as in Python
}

#[http_handler]
impl Hello {
    const server_version: &str = "Hello/1.0";
    const protocol_version: &str = "HTTP/1.1"; // keeps connections open

    fn do_GET(&mut self) -> io::Result<()> {
        self.hits += 1;
        self.send_response(200);
        self.send_header("Content-Type", "text/plain; charset=utf-8");
        self.end_headers()?;
        writeln!(self.wfile, "Hello {}, request {} of this connection", self.address_string(), self.hits)
    }

    // Any method name works.
    fn do_SPAM(&mut self) -> io::Result<()> {
        self.send_response((200, "Lovely Spam"));
        self.end_headers()
    }

    // Arguments come from the path; `None` is 404.
    #[route(GET, "/add/{a}/{b}")]
    fn add(&self, a: i64, b: i64) -> Option<String> {
        Some(a.checked_add(b)?.to_string())
    }

    // An override, as in Python.
    fn log_message(&self, message: fmt::Arguments<'_>) {
        BaseHTTPRequestHandler::log_message(self, format_args!("hello: {message}"));
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:8000", |base| Hello { base, hits: 0 })?.serve_forever()
}

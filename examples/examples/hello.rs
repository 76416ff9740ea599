// A whole server in Python's way: a handler with a field of its own, two methods, an override and a helper. (With routes: api.rs.)
//
//     cargo run --release --example hello
//     curl -i http://127.0.0.1:8000/there
//     curl -i http://127.0.0.1:8000/nope
//     curl -i -X SPAM http://127.0.0.1:8000/

use basehttp::prelude::*;
use std::{fmt, io};

struct Hello {
    base: BaseHTTPRequestHandler, // Python's superclass: the instance variables live here
    hits: u32,                    // your own; one handler instance per connection, as in Python
}

#[http_handler]
impl Hello {
    const server_version: &str = "Hello/1.0";
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&mut self) -> io::Result<()> {
        self.hits += 1;
        if self.path() == "/nope" {
            return self.send_error((404, "No such page"));
        }
        self.send_response(200);
        self.send_header("Content-Type", "text/plain; charset=utf-8");
        self.send_header("X-Path-Length", self.path_length());
        self.end_headers()?;
        writeln!(self.wfile, "{} said {} for the {}. time", self.address_string(), self.path(), self.hits)
    }

    fn do_SPAM(&mut self) -> io::Result<()> {
        // any method name; returns () or Result<(), E>
        self.send_response((200, "Lovely Spam"));
        self.end_headers()
    }

    fn log_message(&self, message: fmt::Arguments<'_>) {
        // an override, as in Python
        BaseHTTPRequestHandler::log_message(self, format_args!("hello: {message}"));
    }

    fn path_length(&self) -> usize {
        // everything else stays an inherent method
        self.path().len()
    }
}

fn main() -> io::Result<()> {
    HTTPServer::bind("127.0.0.1:8000", |base| Hello { base, hits: 0 })?.serve_forever()
}

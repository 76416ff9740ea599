//! The base can be changed through the handler, as Python code does with `self.path = ...`, whatever it extends.

use basehttp::prelude::*;
use basehttp::{CGIHTTPRequestHandler, SimpleHTTPRequestHandler};

struct Hello {
    base: BaseHTTPRequestHandler,
    hits: u32,
}

#[http_handler]
impl Hello {
    fn do_GET(&mut self) -> std::io::Result<()> {
        let shorter = self.path().trim_end_matches('/').to_owned();
        self.set_path(shorter);
        self.hits += 1;
        self.send_response(200);
        self.end_headers()?;
        writeln!(self.wfile, "{} {}", self.path(), self.hits)
    }
}

struct Files {
    base: SimpleHTTPRequestHandler,
}

#[http_handler(extends = SimpleHTTPRequestHandler)]
impl Files {
    fn send_head(&mut self) -> std::io::Result<Option<basehttp::Content>> {
        self.set_path("/x");
        SimpleHTTPRequestHandler::send_head(self)
    }
}

struct Scripts<T> {
    conn: CGIHTTPRequestHandler,
    rest: T,
}

#[http_handler(extends = CGIHTTPRequestHandler, base = conn)]
impl<T: Into<String> + Clone> Scripts<T> {
    fn do_PUT(&mut self) {
        let rest = self.rest.clone();
        self.set_path(rest);
    }
}

fn main() {
    let asked = |request: &[u8]| {
        basehttp::testing::respond(|base| Hello { base, hits: 0 }, request).remove(0).text().to_string()
    };
    assert_eq!(asked(b"GET /a/ HTTP/1.0\r\n\r\n"), "/a 1\n");
    let _ = |base| Files { base };
    let _ = |conn| Scripts { conn, rest: "/" };
}

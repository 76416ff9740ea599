//! Files of a folder and an interface for programs in one handler, with a redirect, and a download that is made while it is
//! sent.
//!
//! ```text
//! cargo run --release --example site [PORT [FOLDER]]
//! curl http://127.0.0.1:8000/                         # the files
//! curl http://127.0.0.1:8000/api/visits
//! curl -OJ 'http://127.0.0.1:8000/api/squares?to=1000000'
//! ```

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use basehttp::prelude::*;
use basehttp::{Directory, SimpleHTTPRequestHandler};

struct Site {
    base: SimpleHTTPRequestHandler,
    visits: Arc<AtomicU64>,
}

#[http_handler(extends = SimpleHTTPRequestHandler, protocol_version = "HTTP/1.1")]
impl Site {
    fn do_GET(&mut self) -> io::Result<()> {
        self.visits.fetch_add(1, Ordering::Relaxed);
        let (path, query) = self.path().split_once('?').unwrap_or((self.path(), ""));
        match path {
            "/api/visits" => self.visits(),
            "/api/squares" => self.squares(query),
            "/home" => self.redirect("/"),
            _ if path.starts_with("/api/") => self.send_error(404),
            // What is not ours is the parent's: files, with ranges, conditions and the list of a folder.
            _ => SimpleHTTPRequestHandler::do_GET(self),
        }
    }

    fn visits(&self) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Type", "application/json");
        self.send_header("Cache-Control", "no-store");
        self.end_headers()?;
        write!(self.wfile, "{{\"visits\": {}}}", self.visits.load(Ordering::Relaxed))
    }

    /// As long as the client wants it; nothing of it is kept, and a client that reads slowly holds up nobody else.
    fn squares(&self, query: &str) -> io::Result<()> {
        let to = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "to");
        let Some(to) = to.and_then(|(_, to)| to.parse::<u32>().ok()) else {
            return self.send_error((400, "How many?", "Ask with ?to=100."));
        };
        self.send_response(200);
        self.send_header("Content-Type", "text/csv");
        self.send_header("Content-Disposition", "attachment; filename=\"squares.csv\"");
        self.end_headers()?;
        for number in 1..=u64::from(to) {
            writeln!(self.wfile, "{number},{}", number * number)?;
        }
        Ok(())
    }

    /// 308 for good, and 307 for now, keep the method; 301 and 302 turn a POST into a GET (RFC 9110 section 15.4).
    fn redirect(&self, to: &str) -> io::Result<()> {
        self.send_response(308);
        self.send_header("Location", to);
        self.end_headers()
    }
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().unwrap_or("8000".to_owned());
    let files = Directory::open(arguments.next().unwrap_or(".".to_owned()))?;
    let visits = Arc::new(AtomicU64::new(0));
    let factory =
        move |base| Site { base: SimpleHTTPRequestHandler::new(base, &files), visits: visits.clone() };
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), factory)?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}

//! The files of a folder and an API in one handler, with a redirect, and a download that is generated while it is sent.
//!
//! ```text
//! cargo run --release -p basehttp-examples-full --example site [PORT [FOLDER]]
//! curl http://127.0.0.1:8000/                         # the files
//! curl http://127.0.0.1:8000/api/visits
//! curl -OJ 'http://127.0.0.1:8000/api/squares?to=1000000'
//! ```

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use basehttp::prelude::*;
use basehttp::{Directory, Json, Redirect, Response, SimpleHTTPRequestHandler};

struct Site {
    base: SimpleHTTPRequestHandler,
    /// How often a file was requested.
    visits: Arc<AtomicU64>,
}

#[http_handler(extends = SimpleHTTPRequestHandler, protocol_version = "HTTP/1.1")]
impl Site {
    #[route(GET, "/api/visits")]
    fn visits(&self) -> Response {
        let visits = self.visits.load(Ordering::Relaxed);
        Json(serde_json::json!({ "visits": visits })).with_header("Cache-Control", "no-store")
    }

    /// As long as the client wants. It is not kept in memory, and a slow client does not delay others.
    #[route(GET, "/api/squares?{to}")]
    fn squares(&self, to: u32) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Type", "text/csv");
        self.send_header("Content-Disposition", "attachment; filename=\"squares.csv\"");
        self.end_headers()?;
        for number in 1..=u64::from(to) {
            writeln!(self.wfile, "{number},{}", number * number)?;
        }
        Ok(())
    }

    #[route(GET, "/home")]
    fn home(&self) -> Redirect {
        Redirect::permanent("/")
    }

    /// The parent serves all other paths: files, with ranges, conditional requests and directory listings.
    fn do_GET(&mut self) -> io::Result<()> {
        self.visits.fetch_add(1, Ordering::Relaxed);
        SimpleHTTPRequestHandler::do_GET(self)
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

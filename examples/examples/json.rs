//! JSON in and out, with the crate `serde_json`.
//!
//! ```text
//! cargo run --release --example json [PORT]
//! curl -d '{"numbers": [1, 2, 3.5]}' http://127.0.0.1:8000/sum
//! ```

use std::io;

use basehttp::prelude::*;
use serde::{Deserialize, Serialize};

struct Sums {
    base: BaseHTTPRequestHandler,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    numbers: Vec<f64>,
}

#[derive(Serialize)]
struct Answer {
    sum: f64,
    count: usize,
}

#[derive(Serialize)]
struct Problem<'a> {
    message: &'a str,
    line: usize,
    column: usize,
}

/// A longer question is answered 413.
const MOST: usize = 64 * 1024;

#[http_handler]
impl Sums {
    const protocol_version: &str = "HTTP/1.1";

    fn do_POST(&self) -> io::Result<()> {
        if self.path() != "/sum" {
            return self.send_error(404);
        }
        let body = self.read_body(MOST)?;
        // `serde_json::from_reader(&self.rfile)` would do for bodies of any length.
        match serde_json::from_slice::<Question>(&body) {
            Ok(Question { numbers }) => {
                self.response(200, &Answer { sum: numbers.iter().sum(), count: numbers.len() })
            }
            Err(error) => self.response(
                400,
                &Problem { message: &error.to_string(), line: error.line(), column: error.column() },
            ),
        }
    }

    fn response(&self, code: u16, value: &impl Serialize) -> io::Result<()> {
        self.send_response(code);
        self.send_header("Content-Type", "application/json");
        self.end_headers()?;
        serde_json::to_writer(&self.wfile, value)?;
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), |base| Sums { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}

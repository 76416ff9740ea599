//! JSON in requests and responses.
//!
//! ```text
//! cargo run --release -p basehttp-examples-full --example json [PORT]
//! curl -H 'Content-Type: application/json' -d '{"numbers": [1, 2, 3.5]}' http://127.0.0.1:8000/sum
//! ```

use std::io;

use basehttp::Json;
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

#[http_handler]
impl Sums {
    const protocol_version: &str = "HTTP/1.1";

    // Another Content-Type is answered 415, invalid JSON 400 with line and column, a longer body 413.
    #[route(POST, "/sum", limit = 64 * 1024)]
    fn sum(&self, Json(Question { numbers }): Json<Question>) -> Json<Answer> {
        Json(Answer { sum: numbers.iter().sum(), count: numbers.len() })
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), |base| Sums { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}

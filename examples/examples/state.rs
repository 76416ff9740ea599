//! Shared state: all handlers share what the closure captures; a handler's field belongs to one connection.
//!
//! ```text
//! cargo run --release --example state [PORT]
//! curl http://127.0.0.1:8000/ http://127.0.0.1:8000/     # one connection, two visits
//! curl http://127.0.0.1:8000/                            # another connection
//! curl -i -X POST http://127.0.0.1:8000/reset
//! ```

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use basehttp::prelude::*;
use basehttp::{Html, Redirect};

struct Counter {
    base: BaseHTTPRequestHandler,
    /// Shared by the whole server.
    visits: Arc<AtomicU64>,
    /// Of this connection: each has its own handler.
    here: u64,
}

#[http_handler]
impl Counter {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/")]
    fn visit(&mut self) -> Html<String> {
        self.here += 1;
        let visits = self.visits.fetch_add(1, Ordering::Relaxed) + 1;
        Html(format!(
            "<!DOCTYPE html>\n<title>Counter</title>\n<p>Visit {visits}, number {} of this connection.\n\
             <form method=post action=/reset><button>Reset</button></form>\n",
            self.here
        ))
    }

    #[route(POST, "/reset")]
    fn reset(&self) -> Redirect {
        self.visits.store(0, Ordering::Relaxed);
        Redirect::to("/")
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let visits = Arc::new(AtomicU64::new(0));
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), move |base| Counter {
        base,
        visits: visits.clone(),
        here: 0,
    })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}

//! The server's statistics for Prometheus: `/metrics` beside the pages.
//!
//! ```text
//! cargo run --release --example metrics [PORT]
//! curl http://127.0.0.1:8000/metrics
//! ```
//!
//! They show the load and the state of the server. If strangers can connect, refuse them here, or serve the metrics at a
//! separate address.

use std::fmt::Write as _;
use std::io;

use basehttp::prelude::*;
use basehttp::{Response, Stats};

struct Site {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Site {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/")]
    fn index(&self) -> &str {
        "Hello\n"
    }

    #[route(GET, "/metrics")]
    fn metrics(&self) -> Response {
        render(&self.server().handle().stats()).with_header("Content-Type", "text/plain; version=0.0.4")
    }
}

/// The text format of Prometheus, version 0.0.4.
fn render(stats: &Stats) -> String {
    let mut text = String::new();
    let mut one = |name: &str, kind: &str, help: &str, value: u64| {
        // Writing to a string cannot fail.
        let _ = write!(text, "# HELP http_{name} {help}\n# TYPE http_{name} {kind}\nhttp_{name} {value}\n");
    };
    one("connections", "gauge", "Connections that are open.", stats.connections_open);
    one("connections_total", "counter", "Connections that were taken.", stats.connections_accepted);
    one("connections_refused_total", "counter", "Connections turned away.", stats.connections_refused);
    one("received_bytes_total", "counter", "Bytes from clients.", stats.bytes_received);
    one("sent_bytes_total", "counter", "Bytes to clients.", stats.bytes_sent);
    one("threads", "gauge", "Threads for handlers.", stats.threads);
    one("handler_stalls_total", "counter", "Handlers that held up others.", stats.handler_stalls);

    text += "# HELP http_responses_total Responses by the class of their status.\n# TYPE http_responses_total counter\n";
    for (class, count) in (1..).zip(stats.responses) {
        let _ = writeln!(text, "http_responses_total{{status=\"{class}xx\"}} {count}");
    }

    text += "# HELP http_route_responses_total Responses of the routes.\n# TYPE http_route_responses_total counter\n";
    for route in &stats.routes {
        let labels = format!("method=\"{}\",route=\"{}\"", route.method, route.pattern);
        for (class, count) in (1..).zip(route.responses) {
            let _ = writeln!(text, "http_route_responses_total{{{labels},status=\"{class}xx\"}} {count}");
        }
    }

    let time = &stats.handler_time;
    text += "# HELP http_handler_seconds How long handlers ran.\n# TYPE http_handler_seconds histogram\n";
    for (bound, count) in time.buckets() {
        let _ = writeln!(text, "http_handler_seconds_bucket{{le=\"{}\"}} {count}", bound.as_secs_f64());
    }
    let _ = writeln!(text, "http_handler_seconds_bucket{{le=\"+Inf\"}} {}", time.count());
    let _ = writeln!(text, "http_handler_seconds_sum {}", time.sum().as_secs_f64());
    let _ = writeln!(text, "http_handler_seconds_count {}", time.count());
    text
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), |base| Site { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}

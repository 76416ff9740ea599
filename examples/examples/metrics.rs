//! Metrics for Prometheus at `/metrics`: those of the server, and one of the program's own.
//!
//! ```text
//! cargo run --release --example metrics [PORT]
//! curl http://127.0.0.1:8000/hello/Ann
//! curl http://127.0.0.1:8000/metrics
//! ```
//!
//! Metrics reveal the load and the state of the server. If it is reachable from the internet, serve them on another address.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use basehttp::prelude::*;
use basehttp::{Histogram, Html, Response, Stats};

struct Site {
    base: BaseHTTPRequestHandler,
    greetings: Arc<AtomicU64>,
}

#[http_handler]
impl Site {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/")]
    fn index(&self) -> Html<&str> {
        Html(
            "<!DOCTYPE html><title>Site</title><a href=\"/hello/Ann\">Hello</a>, <a href=\"/metrics\">metrics</a>\n",
        )
    }

    #[route(GET, "/hello/{name}")]
    fn hello(&self, name: &str) -> String {
        self.greetings.fetch_add(1, Ordering::Relaxed);
        format!("Hello, {name}!\n")
    }

    #[route(GET, "/metrics")]
    fn metrics(&self) -> Response {
        let mut page = Page::default();
        page.add(
            "site_greetings_total",
            "counter",
            "Visitors greeted.",
            self.greetings.load(Ordering::Relaxed),
        );
        page.add_stats(&self.server().handle().stats());
        page.0.with_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
    }
}

/// Prometheus' text format 0.0.4: <https://prometheus.io/docs/instrumenting/exposition_formats/>.
#[derive(Default)]
struct Page(String);

impl Page {
    /// Begins a metric. Its samples must follow.
    fn begin(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A metric with one sample.
    fn add(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.begin(name, kind, help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn add_responses(&mut self, name: &str, labels: &str, responses: [u64; 5]) {
        for (class, count) in (1..).zip(responses) {
            let _ = writeln!(self.0, "{name}{{{labels}status=\"{class}xx\"}} {count}");
        }
    }

    fn add_histogram(&mut self, name: &str, labels: &str, times: &Histogram) {
        let bounds = times.buckets().map(|(bound, count)| (bound.as_secs_f64().to_string(), count));
        for (bound, count) in bounds.chain([("+Inf".to_owned(), times.count())]) {
            let _ = writeln!(self.0, "{name}_bucket{{{labels}le=\"{bound}\"}} {count}");
        }
        let labels = labels.strip_suffix(',').map_or(String::new(), |labels| format!("{{{labels}}}"));
        let _ = writeln!(self.0, "{name}_sum{labels} {}", times.sum().as_secs_f64());
        let _ = writeln!(self.0, "{name}_count{labels} {}", times.count());
    }

    fn add_stats(&mut self, stats: &Stats) {
        self.add("http_connections_open", "gauge", "Open connections.", stats.connections_open);
        let (accepted, refused) = (stats.connections_accepted, stats.connections_refused);
        self.add("http_connections_accepted_total", "counter", "Connections accepted.", accepted);
        self.add("http_connections_refused_total", "counter", "Connections refused.", refused);
        self.add("http_received_bytes_total", "counter", "Bytes from clients.", stats.bytes_received);
        self.add("http_sent_bytes_total", "counter", "Bytes to clients.", stats.bytes_sent);
        self.add("http_threads", "gauge", "Threads for handlers.", stats.threads);
        self.add(
            "http_handler_stalls_total",
            "counter",
            "Times a handler delayed other connections.",
            stats.handler_stalls,
        );

        let name = "http_responses_total";
        self.begin(name, "counter", "Responses by status class.");
        self.add_responses(name, "", stats.responses);
        let name = "http_handler_seconds";
        self.begin(name, "histogram", "How long handlers ran.");
        self.add_histogram(name, "", &stats.handler_time);

        // Separate metrics: with labels on the ones above, sum() would count each response twice.
        let labels_of = |method, pattern: &str| {
            let pattern = pattern.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
            format!("method=\"{method}\",route=\"{pattern}\",")
        };
        let name = "http_route_responses_total";
        self.begin(name, "counter", "Responses by route and status class.");
        for route in &stats.routes {
            self.add_responses(name, &labels_of(route.method, route.pattern), route.responses);
        }
        let name = "http_route_seconds";
        self.begin(name, "histogram", "How long the handlers ran, by route.");
        for route in &stats.routes {
            self.add_histogram(name, &labels_of(route.method, route.pattern), &route.handler_time);
        }
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let greetings = Arc::default();
    let factory = move |base| Site { base, greetings: Arc::clone(&greetings) };
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), factory)?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}

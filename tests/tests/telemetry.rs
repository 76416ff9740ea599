//! Where lines, spans and numbers go: the crates `log`, `tracing` and `serde`.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use basehttp::prelude::*;
use basehttp::testing::{TestServer, run};
use basehttp_tests::PATIENCE;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

struct Page {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Page {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        if self.path() == "/fails" {
            return Err(io::Error::other("on purpose"));
        }
        if self.path() == "/says-nothing" {
            return Ok(());
        }
        assert!(self.path() != "/panics", "on purpose");
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(b"page")
    }
}

#[test]
fn a_function_takes_the_lines_of_the_log() {
    let (sender, lines) = channel();
    let sender = Mutex::new(sender);
    let builder = HTTPServer::builder().log_line(move |line| {
        sender.lock().unwrap().send(line.to_owned()).unwrap();
        // Costs a line, and nothing else.
        assert!(!line.contains("/panics"), "in log_line");
    });
    let server = TestServer::with(builder, |base| Page { base });
    for path in ["/one", "/panics", "/a%0Ab", "/two"] {
        let _ = server.exchange(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes());
    }
    let mut seen = Vec::new();
    while !seen.last().is_some_and(|line: &String| line.contains("/two")) {
        seen.push(lines.recv_timeout(PATIENCE).unwrap());
    }
    assert!(
        seen[0].starts_with("127.0.0.1 - - [") && seen[0].ends_with("] \"GET /one HTTP/1.0\" 200 -"),
        "{seen:?}"
    );
    assert!(seen.iter().all(|line| !line.contains('\n')), "{seen:?}");
    assert!(seen.iter().any(|line| line.contains("do_GET: panicked: on purpose")), "{seen:?}");
}

struct Logger(Mutex<Sender<(log::Level, String, String)>>);

impl log::Log for Logger {
    fn enabled(&self, _metadata: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = (record.level(), record.target().to_owned(), record.args().to_string());
        self.0.lock().unwrap().send(line).unwrap();
    }

    fn flush(&self) {}
}

#[test]
fn the_crate_log_takes_the_lines_with_a_level() {
    let (sender, lines) = channel();
    log::set_logger(Box::leak(Box::new(Logger(Mutex::new(sender))))).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let next = || {
        let mut ours = std::iter::from_fn(|| lines.recv_timeout(PATIENCE).ok());
        let (level, _, text) = ours.find(|(_, target, _)| target == "basehttp").unwrap();
        (level, text)
    };
    let builder = HTTPServer::builder().log().verify_request(|_| panic!("on purpose"));
    let server = TestServer::with(builder, |base| Page { base });
    let _ = server.exchange(b"GET / HTTP/1.0\r\n\r\n");
    // Lines are written after the client was served, so the next server must not begin before.
    assert_eq!(next(), (log::Level::Warn, "verify_request panicked: on purpose".to_owned()));
    let server = TestServer::with(HTTPServer::builder().log(), |base| Page { base });
    server.exchange(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let (level, text) = next();
    assert_eq!(level, log::Level::Info);
    assert!(text.ends_with("\"GET / HTTP/1.0\" 200 -"), "{text}");
}

type Fields = Vec<(String, String)>;

/// Keeps the fields of spans.
#[derive(Clone, Default)]
struct Spans {
    fields: Arc<Mutex<Vec<Fields>>>,
    last: Arc<AtomicU64>,
}

struct Visitor<'a>(&'a mut Fields);

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name().to_owned(), format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name().to_owned(), value.to_owned()));
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "basehttp"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::new();
        span.record(&mut Visitor(&mut fields));
        self.fields.lock().unwrap().push(fields);
        Id::from_u64(self.last.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let place = usize::try_from(span.into_u64()).unwrap() - 1;
        values.record(&mut Visitor(&mut self.fields.lock().unwrap()[place]));
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
    fn event(&self, _event: &Event<'_>) {}
    fn enter(&self, _span: &Id) {}
    fn exit(&self, _span: &Id) {}
}

#[test]
fn a_request_is_a_span() {
    let spans = Spans::default();
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    tracing::subscriber::with_default(spans.clone(), || {
        run(|base| Page { base }, ["/a%20b?c=d", "/fails"].map(get));
        for path in ["/says-nothing", "/panics"] {
            run(|base| Page { base }, [get(path)]);
        }
        run(|base| Page { base }, ["SPAM / HTTP/1.1\r\nHost: a\r\n\r\n"]);
    });
    let spans = spans.fields.lock().unwrap();
    assert_eq!(spans.len(), 4, "a request without a method of the handler's is none: {spans:?}");
    let field = |span: usize, name: &str| {
        let found = spans[span].iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    for (name, value) in [
        ("otel.name", Some("GET")),
        ("otel.kind", Some("server")),
        ("http.request.method", Some("GET")),
        ("url.scheme", Some("http")),
        ("url.path", Some("/a%20b")),
        ("url.query", Some("c=d")),
        ("network.protocol.version", Some("1.1")),
        ("client.address", Some("127.0.0.1")),
        ("server.address", Some("localhost")),
        ("server.port", Some("80")),
        ("http.response.status_code", Some("200")),
        ("error.type", None),
    ] {
        assert_eq!(field(0, name), value, "{name}: {:?}", spans[0]);
    }
    assert_eq!(field(1, "url.query"), None);
    for span in 1..4 {
        let told = (field(span, "http.response.status_code"), field(span, "error.type"));
        assert_eq!(told, (Some("500"), Some("500")), "{:?}", spans[span]);
    }
}

#[test]
fn the_numbers_of_a_server_can_be_serialized() {
    let server = TestServer::new(|base| Page { base });
    server.exchange(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let stats = serde_json::to_value(server.handle().stats()).unwrap();
    assert_eq!(stats["replies"], serde_json::json!([0, 1, 0, 0, 0]));
    assert_eq!(stats["connections_accepted"], 1);
    let time = &stats["handler_time"];
    assert!(time["sum"].as_f64().is_some_and(|seconds| seconds < PATIENCE.as_secs_f64()), "{time}");
    let buckets = time["buckets"].as_array().unwrap();
    assert_eq!((buckets[0][0].as_f64(), buckets[13][0].as_f64()), (Some(0.0001), Some(10.0)));
    let report = serde_json::to_string(&basehttp::ShutdownReport::default()).unwrap();
    assert_eq!(report, r#"{"finished":0,"closed_idle":0,"cut":0}"#);
}

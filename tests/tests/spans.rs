//! A span of the crate `tracing` for each request. In a process of its own: whether spans are enabled is cached for a whole
//! process, and a request on another thread without a subscriber would disable them.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use basehttp::prelude::*;
use basehttp::testing::run;
use basehttp::{ForwardedFields, TrustedProxies};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

struct Page {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Page {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/users/{id}?{q}")]
    fn user(&self, id: u32, q: Option<&str>) -> String {
        tracing::info!(target: "handler", "here");
        format!("{id} {q:?}")
    }

    fn do_GET(&self) -> io::Result<()> {
        tracing::info!(target: "handler", "here");
        match self.path() {
            "/fails" => Err(io::Error::other("on purpose")),
            "/panics" => panic!("on purpose"),
            "/says-nothing" => Ok(()),
            _ => {
                self.send_response(200);
                self.end_headers()?;
                self.wfile.write_all(b"page")
            }
        }
    }
}

type Fields = Vec<(String, String)>;

/// Records the fields of spans.
#[derive(Clone, Default)]
struct Spans {
    fields: Arc<Mutex<Vec<Fields>>>,
    last: Arc<AtomicU64>,
    /// The spans that are entered, and those in which each event of a handler came.
    entered: Arc<Mutex<Vec<u64>>>,
    events: Arc<Mutex<Vec<Vec<u64>>>>,
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
        ["basehttp", "handler"].contains(&metadata.target())
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

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target() == "handler" {
            self.events.lock().unwrap().push(self.entered.lock().unwrap().clone());
        }
    }

    fn enter(&self, span: &Id) {
        self.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        assert_eq!(self.entered.lock().unwrap().pop(), Some(span.into_u64()));
    }
}

#[test]
fn a_request_is_a_span() {
    let _alone = ALONE.lock().unwrap();
    let spans = Spans::default();
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    tracing::subscriber::with_default(spans.clone(), || {
        run(|base| Page { base }, ["/a%20b?c=d", "/fails"].map(get));
        for path in ["/says-nothing", "/panics"] {
            run(|base| Page { base }, [get(path)]);
        }
        run(|base| Page { base }, [get("/users/7?q=x")]);
        run(|base| Page { base }, [get("/users/x")]);
        run(|base| Page { base }, ["SPAM / HTTP/1.1\r\nHost: a\r\n\r\n"]);
    });
    // What a handler reports belongs to the span of its request, also after a panic.
    assert_eq!(*spans.events.lock().unwrap(), [[1], [2], [3], [4], [5]]);
    assert!(spans.entered.lock().unwrap().is_empty());
    let spans = spans.fields.lock().unwrap();
    assert_eq!(spans.len(), 6, "a request without a method of the handler's is none: {spans:?}");
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
    for (span, status) in [(4, "200"), (5, "404")] {
        assert_eq!(field(span, "http.route"), Some("/users/{id}"));
        assert_eq!(field(span, "otel.name"), Some("GET /users/{id}"));
        assert_eq!(field(span, "http.response.status_code"), Some(status));
        assert_eq!(field(span, "error.type"), None);
    }
    assert_eq!((field(0, "http.route"), field(4, "url.path")), (None, Some("/users/7")));
}

/// A stream from which a request is read; what is written to it is lost.
struct Request(io::Cursor<Vec<u8>>);

impl Read for Request {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Request {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn behind_a_proxy_the_scheme_is_that_of_the_client() {
    let _alone = ALONE.lock().unwrap();
    let spans = Spans::default();
    let told = [
        (ForwardedFields::XForwarded, "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https", "https"),
        (ForwardedFields::XForwarded, "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http", "http"),
        (ForwardedFields::Forwarded, "Forwarded: for=192.0.2.7;proto=https", "https"),
        // The setting does not name these fields, so they are only the client's word.
        (ForwardedFields::Forwarded, "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https", "http"),
    ];
    tracing::subscriber::with_default(spans.clone(), || {
        for (fields, field, _) in told {
            let proxies = TrustedProxies::new(["127.0.0.1"]).unwrap().fields(fields);
            let builder = HTTPServer::builder().trusted_proxies(proxies).log_line(|_, _| {});
            let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
            let stream = Request(io::Cursor::new(request.into_bytes()));
            builder
                .serve_stream(stream, SocketAddr::from(([127, 0, 0, 1], 1)), |base| Page { base })
                .unwrap();
        }
    });
    let spans = spans.fields.lock().unwrap();
    let found: Vec<_> = spans.iter().flatten().filter(|(name, _)| name == "url.scheme").collect();
    let schemes: Vec<_> = found.iter().map(|(_, scheme)| scheme.as_str()).collect();
    assert_eq!(schemes, told.map(|(_, _, scheme)| scheme), "{spans:?}");
}

/// One test at a time has a subscriber.
static ALONE: Mutex<()> = Mutex::new(());

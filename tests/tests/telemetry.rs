//! Where log lines and statistics go: the crates `log` and `serde`.

use std::io;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use basehttp::LogLevel;
use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::PATIENCE;

struct Page {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Page {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        if self.path() == "/fails" {
            return Err(io::Error::other("on\n\rpurpose"));
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
    let builder = HTTPServer::builder().log_line(move |line, level| {
        sender.lock().unwrap().send((line.to_owned(), level)).unwrap();
        // Loses a line, and has no other effect.
        assert!(!line.contains("/panics"), "in log_line");
    });
    let server = TestServer::with(builder, |base| Page { base });
    for path in ["/one", "/panics", "/fails", "/two"] {
        let _ = server.exchange(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes());
    }
    let mut seen = Vec::new();
    while !seen.last().is_some_and(|(line, _): &(String, LogLevel)| line.contains("/two")) {
        seen.push(lines.recv_timeout(PATIENCE).unwrap());
    }
    assert!(
        seen[0].0.starts_with("127.0.0.1 - - [") && seen[0].0.ends_with("] \"GET /one HTTP/1.0\" 200 -"),
        "{seen:?}"
    );
    assert!(seen.iter().all(|(line, _)| !line.contains(['\n', '\r'])), "{seen:?}");
    let has = |text: &str, wanted| seen.iter().any(|(line, level)| line.contains(text) && *level == wanted);
    assert!(has("/one", LogLevel::Info), "{seen:?}");
    assert!(has("do_GET: panicked: on purpose", LogLevel::Warning), "{seen:?}");
    assert!(has("do_GET: on\\x0a\\x0dpurpose", LogLevel::Warning), "{seen:?}");
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
    let next_is = |wanted: log::Level, end: &str| {
        let (level, text) = next();
        level == wanted && text.ends_with(end)
    };
    let builder = HTTPServer::builder().log().verify_request(|_| panic!("on purpose"));
    let server = TestServer::with(builder, |base| Page { base });
    let _ = server.exchange(b"GET / HTTP/1.0\r\n\r\n");
    // Lines are written after the client was served, so the next server must not start before.
    assert_eq!(next(), (log::Level::Warn, "verify_request panicked: on purpose".to_owned()));
    let server = TestServer::with(HTTPServer::builder().log(), |base| Page { base });
    server.exchange(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    assert!(next_is(log::Level::Info, "\"GET / HTTP/1.0\" 200 -"));
    for (request, line) in [
        ("GET /panics", "do_GET: panicked: on purpose"),
        ("GET /fails", "do_GET: on\\x0a\\x0dpurpose"),
        ("SPAM /", "code 501, message Unsupported method ('SPAM')"),
    ] {
        let _ = server.exchange(format!("{request} HTTP/1.0\r\n\r\n").as_bytes());
        assert!(next_is(log::Level::Warn, line));
        while next().0 == log::Level::Warn {}
    }
}

#[test]
fn the_numbers_of_a_server_can_be_serialized() {
    let server = TestServer::new(|base| Page { base });
    server.exchange(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let stats = serde_json::to_value(server.handle().stats()).unwrap();
    assert_eq!(stats["responses"], serde_json::json!([0, 1, 0, 0, 0]));
    assert_eq!(stats["connections_accepted"], 1);
    let time = &stats["handler_time"];
    assert!(time["sum"].as_f64().is_some_and(|seconds| seconds < PATIENCE.as_secs_f64()), "{time}");
    let buckets = time["buckets"].as_array().unwrap();
    assert_eq!((buckets[0][0].as_f64(), buckets[13][0].as_f64()), (Some(0.0001), Some(10.0)));
    let report = serde_json::to_string(&basehttp::ShutdownReport::default()).unwrap();
    assert_eq!(report, r#"{"finished":0,"closed_idle":0,"cut":0}"#);
}

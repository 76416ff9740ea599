//! Errors that are responses.

use std::error::Error;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use basehttp::prelude::*;
use basehttp::testing::{TestServer, client};

/// An error with a response of its own.
#[derive(Debug)]
enum Failure {
    Locked,
    Gone,
    Broken,
}

impl From<std::io::Error> for Failure {
    fn from(_: std::io::Error) -> Self {
        Self::Broken
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not for the client")
    }
}

impl Error for Failure {}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Locked => (423, Json("locked")).with_header("X-Why", "lock"),
            Self::Gone => HttpError::new(410, "It was here").into_response(),
            Self::Broken => (503, "broken").into_response(),
        }
    }
}

/// One that is a response and nothing else, and borrows.
struct Borrowed<'a>(&'a str);

impl IntoResponse for Borrowed<'_> {
    fn into_response(self) -> Response {
        self.0.with_status(418)
    }
}

struct Api {
    base: BaseHTTPRequestHandler,
    text: String,
    log: Arc<Mutex<Vec<String>>>,
}

#[http_handler(routes = [GUARDED, REFUSED])]
impl Api {
    #[route(GET, "/status/{code}")]
    fn status(&self, code: u16) -> Result<String, HTTPStatus> {
        if code < 400 { Ok("fine".to_owned()) } else { Err(HTTPStatus::new(code)) }
    }

    #[route(GET, "/code/{code}")]
    fn code(&self, code: u16) -> Result<Json<u8>, u16> {
        if code < 400 { Ok(Json(1)) } else { Err(code) }
    }

    #[route(GET, "/crate-http")]
    fn of_crate(&self) -> Result<&str, http::StatusCode> {
        Err(http::StatusCode::PAYMENT_REQUIRED)
    }

    #[route(GET, "/own/{which}")]
    fn own(&self, which: &str) -> Result<String, Failure> {
        match which {
            "locked" => Err(Failure::Locked),
            "gone" => Err(Failure::Gone),
            _ => Ok("own".to_owned()),
        }
    }

    #[route(GET, "/borrowed")]
    fn borrowed(&self) -> Result<String, Borrowed<'_>> {
        Err(Borrowed(&self.text))
    }

    #[route(GET, "/pair")]
    fn pair(&self) -> Result<(), (u16, String)> {
        Err((409, "twice".to_owned()))
    }

    #[route(GET, "/borrowed-pair")]
    fn borrowed_pair(&self) -> Result<(), (HTTPStatus, &str)> {
        Err((HTTPStatus::CONFLICT, &self.text))
    }

    #[route(GET, "/redirect")]
    fn redirect(&self) -> Result<String, Redirect> {
        Err(Redirect::to("/login"))
    }

    #[route(GET, "/response")]
    fn response(&self) -> Result<String, Response> {
        Err(Response::new(429))
    }

    #[route(GET, "/broken")]
    fn broken(&self) -> Result<(), Failure> {
        Err(Failure::Broken)
    }

    #[route(GET, "/after-a-part")]
    fn after_a_part(&self) -> Result<(), Failure> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(b"half")?;
        self.wfile.flush()?;
        Err(Failure::Locked)
    }

    #[route(GET, "/after-a-head")]
    fn after_a_head(&self) -> Result<(), Failure> {
        self.send_response(200);
        self.send_header("X-Begun", 1);
        Err(Failure::Locked)
    }

    /// With a fault of the client, which `Failure` knows nothing of.
    #[route(POST, "/body")]
    fn body(&self) -> Result<String, Failure> {
        Ok(String::from_utf8_lossy(&self.read_body(10)?).into_owned())
    }

    #[route(GET, "/later-crate-http")]
    fn later_crate_http(&self) -> std::io::Result<()> {
        self.later()?.resume(|_| Err::<&str, _>(http::StatusCode::FORBIDDEN));
        Ok(())
    }

    #[route(GET, "/text")]
    fn text(&self) -> Result<String, String> {
        Err("not for the client".to_owned())
    }

    #[route(GET, "/text-borrowed")]
    fn text_borrowed(&self) -> Result<String, std::borrow::Cow<'_, str>> {
        Err(self.text.as_str().into())
    }

    #[route(GET, "/later-status")]
    fn later_status(&self) -> std::io::Result<()> {
        self.later()?.resume(|_| Err::<&str, _>(HTTPStatus::FORBIDDEN));
        Ok(())
    }

    #[route(GET, "/later-code")]
    fn later_code(&self) -> std::io::Result<()> {
        self.later()?.resume(|_| Err::<&str, _>(404_u16));
        Ok(())
    }

    fn do_POST(&self) -> Result<(), Failure> {
        Err(Failure::Locked)
    }

    fn log_message(&self, message: fmt::Arguments<'_>) {
        self.log.lock().expect("nobody panics with it").push(message.to_string());
    }
}

#[http_routes(GUARDED, prefix = "/guarded", guard = guard)]
impl Api {
    #[route(GET, "")]
    fn guarded(&self) -> &'static str {
        "in"
    }

    fn guard(&self) -> Result<(), HTTPStatus> {
        if self.headers().get("X-In").is_some() { Ok(()) } else { Err(HTTPStatus::UNAUTHORIZED) }
    }
}

#[http_routes(REFUSED, prefix = "/refused", guard = refuse)]
impl Api {
    #[route(GET, "")]
    fn refused(&self) -> &'static str {
        "in"
    }

    fn refuse(&self) -> Result<bool, Failure> {
        if self.headers().get("X-In").is_some() { Ok(true) } else { Err(Failure::Locked) }
    }
}

fn api(base: BaseHTTPRequestHandler) -> Api {
    Api { base, text: "tea".to_owned(), log: Arc::default() }
}

#[test]
fn a_status_is_the_status_of_an_error_page() {
    let client = client(api);
    assert_eq!((&*client.get("/status/200").text(), &*client.get("/code/200").text()), ("fine", "1"));
    for (path, status, reason) in [
        ("/status/404", 404, "Not Found"),
        ("/status/503", 503, "Service Unavailable"),
        ("/code/404", 404, "Not Found"),
        ("/crate-http", 402, "Payment Required"),
        ("/guarded", 401, "Unauthorized"),
        ("/later-status", 403, "Forbidden"),
        ("/later-code", 404, "Not Found"),
        ("/later-crate-http", 403, "Forbidden"),
    ] {
        let response = client.get(path);
        assert_eq!((response.status, &*response.reason), (status, reason), "{path}");
        assert!(response.text().contains(reason), "{path}: {}", response.text());
    }
    assert_eq!(client.with_header("X-In", "1").get("/guarded").text(), "in");
}

#[test]
fn an_error_with_a_response_is_sent_as_it() {
    let client = client(api);
    assert_eq!(client.get("/own/other").text(), "own");
    for (path, status, text) in [
        ("/own/locked", 423, "\"locked\""),
        ("/borrowed", 418, "tea"),
        ("/pair", 409, "twice"),
        ("/borrowed-pair", 409, "tea"),
        ("/redirect", 303, ""),
        ("/response", 429, ""),
        ("/refused", 423, "\"locked\""),
    ] {
        let response = client.get(path);
        assert_eq!((response.status, &*response.text()), (status, text), "{path}");
    }
    let locked = client.get("/own/locked");
    assert_eq!(
        (locked.header("x-why"), locked.header("content-type")),
        (Some("lock"), Some("application/json"))
    );
    assert_eq!(client.get("/redirect").header("location"), Some("/login"));
    let gone = client.get("/own/gone");
    assert_eq!((gone.status, &*gone.reason), (410, "It was here"));
    assert_eq!(client.post("/", "text/plain", "").status, 423);
    assert_eq!(client.with_header("X-In", "1").get("/refused").text(), "in");
}

#[test]
fn text_is_for_the_log() {
    for (path, line) in [("/text", "text: not for the client"), ("/text-borrowed", "text_borrowed: tea")] {
        let log = Arc::new(Mutex::new(Vec::new()));
        let of_handlers = Arc::clone(&log);
        let client = client(move |base| Api { base, text: "tea".to_owned(), log: Arc::clone(&of_handlers) });
        let response = client.get(path);
        assert_eq!(response.status, 500, "{path}");
        assert!(response.text().contains("<p>Error code: 500</p>"), "{path}: {}", response.text());
        assert!(
            !response.text().contains("not for the client") && !response.text().contains("tea"),
            "{path}"
        );
        assert_eq!(log.lock().expect("nobody panics with it")[0], line);
    }
}

#[test]
fn only_a_failure_reaches_the_hook() {
    let failures = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&failures);
    let builder = HTTPServer::builder().handle_error(move |failure| {
        kept.lock().expect("nobody panics with it").push(failure.message().to_owned());
    });
    let server = TestServer::with(builder, api);
    for path in ["/status/404", "/own/locked", "/pair", "/text"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert!(server.exchange(request.as_bytes()).expect("it is answered").starts_with(b"HTTP/1.0 "));
    }
    drop(server);
    let failures = failures.lock().expect("nobody panics with it");
    assert_eq!(*failures, ["not for the client"]);
}

/// The responses to requests on one connection, and the lines of the log.
fn exchange(requests: &str) -> (String, Vec<String>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let server = TestServer::new({
        let log = Arc::clone(&log);
        move |base| Api { base, text: String::new(), log: Arc::clone(&log) }
    });
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.write_all(requests.as_bytes()).expect("it reads");
    let mut responses = Vec::new();
    // Fails if the connection is cut, after what was sent until then.
    let _ = stream.read_to_end(&mut responses);
    drop(server);
    let lines = log.lock().expect("nobody panics with it").clone();
    (String::from_utf8(responses).expect("text"), lines)
}

#[test]
fn the_log_has_the_cause_of_every_500_and_of_nothing_else() {
    let (response, log) = exchange("GET /broken HTTP/1.0\r\n\r\n");
    assert!(response.starts_with("HTTP/1.0 503 ") && response.ends_with("\r\n\r\nbroken"), "{response}");
    assert_eq!(log, ["broken: not for the client", "\"GET /broken HTTP/1.0\" 503 -"]);
    let (response, log) = exchange("GET /own/locked HTTP/1.0\r\n\r\n");
    assert!(response.starts_with("HTTP/1.0 423 "), "{response}");
    assert_eq!(log, ["\"GET /own/locked HTTP/1.0\" 423 -"]);
}

#[test]
fn after_a_part_of_another_response_the_error_is_a_failure() {
    let (response, log) = exchange("GET /after-a-part HTTP/1.0\r\n\r\n");
    assert!(response.starts_with("HTTP/1.0 200 ") && response.ends_with("\r\n\r\nhalf"), "{response}");
    assert_eq!(log, ["\"GET /after-a-part HTTP/1.0\" 200 -", "after_a_part: not for the client"]);
    // What was not sent yet is dropped.
    let (response, _) = exchange("GET /after-a-head HTTP/1.0\r\n\r\n");
    assert!(response.starts_with("HTTP/1.0 423 ") && !response.contains("X-Begun"), "{response}");
}

#[test]
fn a_fault_of_the_client_gets_its_own_status() {
    let (response, _) = exchange("POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n");
    assert!(response.starts_with("HTTP/1.0 400 "), "{response}");
    let (response, _) = exchange("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nelevenbytes");
    assert!(response.starts_with("HTTP/1.0 413 "), "{response}");
}

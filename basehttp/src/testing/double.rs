//! A server for tests of clients: it sends scripted responses, also invalid ones.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::TestServer;
use super::method::check_method;
use super::scripted::{Answer, Gate, Scene, Scripted};
use crate::handler::dispatch::check_request;
use crate::handler::wire::Close;
use crate::handler::{BaseHTTPRequestHandler, Headers, RequestHandler as _};
use crate::http_handler;
use crate::server::HTTPServer;

/// A server that stands in for another one in tests of a client: it sends scripted responses and records the requests.
///
/// It listens at a free port of 127.0.0.1 and ends when it is dropped. It reads requests like any server of this crate, so a
/// malformed request gets a 400 and is not recorded. Any method can be scripted. A request without a scripted response gets a
/// 404, and is listed in [`unexpected`](Self::unexpected).
///
/// ```
/// use basehttp::testing::{Scripted, TestDouble};
/// # fn fetch(url: &str) -> std::io::Result<String> {
/// #     use std::io::{Read, Write};
/// #     let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
/// #     let mut stream = std::net::TcpStream::connect(host)?;
/// #     write!(stream, "GET /{path} HTTP/1.0\r\nX-Try: 1\r\n\r\n")?;
/// #     let mut response = String::new();
/// #     stream.read_to_string(&mut response)?;
/// #     Ok(response)
/// # }
/// let double = TestDouble::new();
/// double.on("GET", "/users/1", Scripted::status(503).header("Retry-After", "0"));
/// double.on("GET", "/users/1", Scripted::status(200).body("Ann")); // from the second request on
///
/// assert!(fetch(&double.url("/users/1"))?.starts_with("HTTP/1.1 503 "));
/// assert!(fetch(&double.url("/users/1"))?.ends_with("\r\n\r\nAnn"));
/// assert_eq!(double.requests().len(), 2);
/// assert_eq!(double.requests()[0].headers.get("X-Try"), Some("1"));
/// assert!(double.unexpected().is_empty());
/// # std::io::Result::Ok(())
/// ```
#[doc(alias("mock", "stub"))]
pub struct TestDouble {
    server: TestServer,
    script: Arc<Script>,
}

/// A request that a [`TestDouble`] has received.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// The method, for example `GET`.
    pub method: String,
    /// The target as it was sent, with its query.
    pub target: String,
    /// The header fields.
    pub headers: Headers,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// Whether a response was scripted for it.
    pub expected: bool,
}

/// A longer body gets a 413, as a notice to a client that sends without end.
const MOST_BODY: usize = 16 * 1024 * 1024;

/// Further requests get a 503 and are not recorded, for a client that retries without end.
const MOST_REQUESTS: usize = 10_000;

/// The interval at which a held response checks whether the test is over.
const LOOK: Duration = Duration::from_millis(20);

/// How long [`TestDouble::wait_for_requests`] waits, and how long a closed gate holds a response.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Script {
    state: Mutex<State>,
    /// Notified when a request has arrived.
    came: Condvar,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    received: Vec<Received>,
}

struct Rule {
    method: String,
    path: String,
    answers: Vec<Scripted>,
    /// The number of `answers` that were used.
    given: usize,
}

impl Script {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TestDouble {
    /// Starts a double without any scripted response.
    ///
    /// # Panics
    /// If it cannot listen.
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "it starts a server")]
    pub fn new() -> Self {
        let script: Arc<Script> = Arc::default();
        let shared = script.clone();
        // A gate that is never opened must not delay the end of the test.
        let builder = HTTPServer::builder().shutdown_grace(Duration::from_secs(2));
        let server = TestServer::with(builder, move |base| Double { base, script: shared.clone() });
        Self { server, script }
    }

    /// Scripts the response to requests with this method and path; the query is ignored. After several calls for the same
    /// method and path, the responses are sent in this order, and the last one is repeated.
    ///
    /// # Panics
    /// For an invalid method, for a path that does not begin with `/` or has a query, and for a response that a server cannot send;
    /// use [`Scripted::raw`] for that.
    #[track_caller]
    pub fn on(&self, method: &str, path: &str, answer: Scripted) {
        check_method(method);
        assert!(
            path.starts_with('/') || path == "*",
            "a path begins with a slash: did you mean \"/{path}\"?"
        );
        assert!(
            !path.contains(['?', '#']),
            "{path:?}: requests are matched by their path only; leave out the query"
        );
        if let Err(mistake) = answer.check() {
            panic!("this cannot be a response: {mistake}; Scripted::raw sends any bytes");
        }
        let mut state = self.script.state();
        match state.rules.iter_mut().find(|rule| rule.method == method && rule.path == path) {
            Some(rule) => rule.answers.push(answer),
            None => state.rules.push(Rule {
                method: method.to_owned(),
                path: path.to_owned(),
                answers: vec![answer],
                given: 0,
            }),
        }
    }

    /// The URL of a path, for the client under test.
    ///
    /// # Panics
    /// If the path does not begin with `/`.
    #[track_caller]
    pub fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    /// The address, for a client that takes host and port.
    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// The requests received so far, at most 10,000, in the order in which they were complete.
    pub fn requests(&self) -> Vec<Received> {
        self.script.state().received.clone()
    }

    /// The requests without a scripted response. Check at the end of a test that there are none:
    /// `assert!(double.unexpected().is_empty())`.
    pub fn unexpected(&self) -> Vec<Received> {
        self.script.state().received.iter().filter(|request| !request.expected).cloned().collect()
    }

    /// Waits until `count` requests have been received, and returns all. For a client that runs beside the test.
    ///
    /// # Errors
    /// [`TimedOut`](io::ErrorKind::TimedOut) if that takes longer than a minute. The error lists the requests received.
    pub fn wait_for_requests(&self, count: usize) -> io::Result<Vec<Received>> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.script.state();
        while state.received.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let lines: Vec<_> = state.received.iter().map(ToString::to_string).collect();
                let text =
                    format!("{} requests arrived within a minute, not {count}: {lines:?}", lines.len());
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            state = self.script.came.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(state.received.clone())
    }
}

impl fmt::Debug for TestDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestDouble").field("address", &self.address()).finish_non_exhaustive()
    }
}

/// `GET /users/1`
impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)
    }
}

/// The handler of the double.
struct Double {
    base: BaseHTTPRequestHandler,
    script: Arc<Script>,
}

#[http_handler(crate = crate, head = false)]
impl Double {
    const protocol_version: &str = "HTTP/1.1";

    /// Answers here, since a dispatch table cannot contain every method.
    fn parse_request(&mut self) -> io::Result<bool> {
        if self.fault().is_some() {
            return BaseHTTPRequestHandler::parse_request(self);
        }
        if check_request(self)? {
            self.answer()?;
        }
        Ok(false)
    }

    fn answer(&self) -> io::Result<()> {
        let body = self.read_body(MOST_BODY)?;
        if self.script.state().received.len() >= MOST_REQUESTS {
            return self.send_error((503, "Too many requests for a test"));
        }
        let Some(scripted) = self.take(body) else { return self.send_error((404, "Not scripted")) };
        self.hold_back(&scripted);
        match scripted.answer {
            Answer::Raw { bytes, reset } => {
                let end = if reset { Close::Reset } else { Close::Linger };
                self.io().answer_raw(&bytes, end)
            }
            Answer::Response(scene) => self.play(&scene),
        }
    }

    fn play(&self, scene: &Scene) -> io::Result<()> {
        self.send_response(scene.status);
        for (name, value) in &scene.headers {
            self.send_header(name, value);
        }
        let is_head = self.command() == "HEAD";
        if scene.tells_length() || is_head {
            self.send_header("Content-Length", scene.body.len());
        }
        self.end_headers()?;
        if is_head {
            return Ok(());
        }
        let body = scene.cut.and_then(|cut| scene.body.get(..cut)).unwrap_or(&scene.body);
        let stall = scene.stall.as_ref().and_then(|(at, gate)| Some((body.split_at_checked(*at)?, gate)));
        match stall {
            None => self.wfile.write_all(body)?,
            Some(((begin, rest), gate)) => {
                self.wfile.write_all(begin)?;
                self.wfile.flush()?;
                self.wait_for(gate);
                self.wfile.write_all(rest)?;
            }
        }
        // The server notices that the rest is missing, and closes the connection.
        if scene.cut.is_some() { self.wfile.flush() } else { Ok(()) }
    }

    /// Records the request, and returns the next answer scripted for it.
    fn take(&self, body: Vec<u8>) -> Option<Scripted> {
        let mut state = self.script.state();
        let (method, target) = (self.command(), self.path());
        let path = target.split('?').next().unwrap_or_default();
        let rule = state.rules.iter_mut().find(|rule| rule.method == method && rule.path == path);
        let answer = rule.and_then(|rule| {
            let answer = rule.answers.get(rule.given).or(rule.answers.last()).cloned();
            rule.given = (rule.given + 1).min(rule.answers.len());
            answer
        });
        state.received.push(Received {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: self.headers().clone(),
            body,
            expected: answer.is_some(),
        });
        drop(state);
        self.script.came.notify_all();
        answer
    }

    /// Waits for the scripted delay and gate, unless the test is over.
    fn hold_back(&self, scripted: &Scripted) {
        let begun = Instant::now();
        while begun.elapsed() < scripted.delay && !self.is_over(begun) {
            std::thread::sleep(LOOK.min(scripted.delay.saturating_sub(begun.elapsed())));
        }
        if let Some(gate) = &scripted.gate {
            self.wait_for(gate);
        }
    }

    fn wait_for(&self, gate: &Gate) {
        let begun = Instant::now();
        while !gate.wait(LOOK) && !self.is_over(begun) {}
    }

    fn is_over(&self, begun: Instant) -> bool {
        self.server().handle().is_shut_down() || begun.elapsed() > PATIENCE
    }

    // Failures are on purpose here, so they are not logged.
    fn log_message(&self, _message: fmt::Arguments<'_>) {}
}

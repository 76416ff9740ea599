//! A server for one request, such as the redirect that ends a login.

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::address::url;
use super::http_server::HTTPServer;
use crate::handler::{BaseHTTPRequestHandler, Headers, RequestHandler as _};
use crate::http_handler;
use crate::proto::status::HTTPStatus;
use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering};

/// Listens at a free port of 127.0.0.1 for one request, answers it with a page, and ends.
///
/// It is for the redirect that ends an OAuth login to a program without a server of its own (RFC 8252 section 7.3), or any
/// other answer that arrives through a browser. Other requests, such as those for an icon or a preview of the page, are
/// answered 404 and do not end it. Only requests for the names of this machine are answered
/// ([`loopback_guard`](crate::ServerBuilder::loopback_guard)). Nothing is logged, since the request contains a secret.
///
/// ```no_run
/// use std::time::Duration;
/// use basehttp::OneShot;
///
/// # fn main() -> std::io::Result<()> {
/// let listener = OneShot::bind()?;
/// let state = "state=4711"; // not to be guessed: a random one
/// println!("Open https://login.example/authorize?{state}&redirect_uri={}", listener.url("/done"));
/// // Any page in the browser can send a request here. Only the login knows the state.
/// let is_it = move |request: &basehttp::OneShotRequest| {
///     request.path() == "/done" && request.query().is_some_and(|query| query.split('&').any(|part| part == state))
/// };
/// let request = listener.wait_for(is_it, Duration::from_secs(120), "<p>You may close this page.")?;
/// println!("{:?}", request.query());     // Some("state=4711&code=...")
/// # Ok(())
/// # }
/// ```
#[doc(alias("oauth", "redirect_uri"))]
pub struct OneShot {
    listener: std::net::TcpListener,
    port: u16,
}

/// The request for which a [`OneShot`] has waited.
#[derive(Clone)]
pub struct OneShotRequest {
    target: String,
    headers: Headers,
}

/// The response to that request.
#[derive(Clone, Debug)]
#[must_use]
pub struct OneShotResponse {
    status: u16,
    location: Option<String>,
    page: String,
    keeps_waiting: bool,
}

impl OneShotResponse {
    /// An HTML page, with status 200.
    pub fn page(html: impl Into<String>) -> Self {
        Self { status: 200, location: None, page: html.into(), keeps_waiting: false }
    }

    /// Redirects the browser to another address, with status 303. The address is a URL in the form in which it is sent:
    /// percent-encoded, on one line.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self { status: 303, location: Some(location.into()), page: String::new(), keeps_waiting: false }
    }

    /// Whether it can be sent; otherwise what is wrong.
    fn check(&self) -> Result<(), String> {
        if !(200..600).contains(&self.status) {
            return Err(format!("{} is not a response status: use 200 to 599", self.status));
        }
        match &self.location {
            Some(location)
                if location.is_empty() || !location.bytes().all(|byte| byte.is_ascii_graphic()) =>
            {
                Err(format!(
                    "{location:?} is not a redirect address: it must be percent-encoded, on one line"
                ))
            }
            _ => Ok(()),
        }
    }

    /// With another status, from 200 to 599. For a status without a body (204, 304) the page is not sent.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Keeps the server waiting after this response: for a page that explains why this request is not the expected one.
    pub fn keep_waiting(mut self) -> Self {
        self.keeps_waiting = true;
        self
    }
}

/// How long the client may take to receive the page.
const GRACE: Duration = Duration::from_secs(2);

/// More than a browser opens at a time to all servers together (Chromium 256): a page of another site must not be able to take
/// all of them, since the login's redirect would get 503 and is not repeated.
const CONNECTIONS: usize = 512;

/// How long a connection may be idle, or take for the head of its request. A browser that opened one ahead opens another.
const SILENCE: Duration = Duration::from_secs(5);

impl OneShot {
    /// Listens at a port that the system chooses. Connections wait there until [`wait`](Self::wait) is called.
    ///
    /// # Errors
    /// The system's error.
    pub fn bind() -> io::Result<Self> {
        Self::bind_port(0)
    }

    /// Listens at this port, for services that need to know it in advance; most accept any (RFC 8252 section 7.3).
    ///
    /// # Errors
    /// The system's error.
    pub fn bind_port(port: u16) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// The URL of a path, for example `http://127.0.0.1:41234/done`. It uses the address, since a browser may resolve
    /// `localhost` to another one.
    ///
    /// # Panics
    /// If the path does not begin with `/`.
    #[track_caller]
    pub fn url(&self, path: &str) -> String {
        url((Ipv4Addr::LOCALHOST, self.port).into(), path)
    }

    /// Waits for a GET request for `path`, whatever its query, answers it with the HTML in `page`, and ends.
    ///
    /// Any page in the user's browser can send this request. If the query has a secret that only the expected sender knows,
    /// as the `state` of OAuth, check it with [`wait_for`](Self::wait_for).
    ///
    /// # Errors
    /// [`TimedOut`](io::ErrorKind::TimedOut) if none has arrived within `deadline`; the system's, when it cannot wait for
    /// connections; [`InvalidInput`](io::ErrorKind::InvalidInput) for a path that does not begin with `/` or has a query,
    /// which no request could match.
    pub fn wait(self, path: &str, deadline: Duration, page: &str) -> io::Result<OneShotRequest> {
        if !path.starts_with('/') || path.contains(['?', '#']) {
            let text = format!("{path:?} is not a path: it must begin with a slash and have no query");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let path = path.to_owned();
        self.wait_for(move |request| request.path() == path, deadline, page)
    }

    /// As [`wait`](Self::wait), for the first GET request that `matches`, for example the one with the right `state`.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn wait_for(
        self,
        matches: impl Fn(&OneShotRequest) -> bool + Send + Sync + 'static,
        deadline: Duration,
        page: &str,
    ) -> io::Result<OneShotRequest> {
        let page = page.to_owned();
        let answer = move |request: &OneShotRequest| matches(request).then(|| OneShotResponse::page(&page));
        self.answer(answer, deadline)
    }

    /// As [`wait_for`](Self::wait_for), with a response that depends on the request: a page that says whether the login has
    /// succeeded, or a redirect to one. For any other request, `answer` returns `None`, which is 404, or a response that
    /// [keeps waiting](OneShotResponse::keep_waiting).
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use basehttp::{OneShot, OneShotResponse};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let listener = OneShot::bind()?;
    /// let request = listener.answer(
    ///     |request| match request.query() {
    ///         _ if request.path() != "/done" => None,
    ///         None => Some(OneShotResponse::page("<p>This is no login.").with_status(400).keep_waiting()),
    ///         Some(query) if query.contains("error=") => {
    ///             Some(OneShotResponse::page("<p>The login has failed.").with_status(403))
    ///         }
    ///         _ => Some(OneShotResponse::redirect("https://login.example/welcome")),
    ///     },
    ///     Duration::from_secs(120),
    /// )?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`wait`](Self::wait); [`InvalidInput`](io::ErrorKind::InvalidInput) for a response that cannot be sent: an address
    /// with a line end or a character that is not ASCII, an invalid status. The browser then gets 500. One that
    /// [keeps waiting](OneShotResponse::keep_waiting) is no error.
    pub fn answer(
        self,
        answer: impl Fn(&OneShotRequest) -> Option<OneShotResponse> + Send + Sync + 'static,
        deadline: Duration,
    ) -> io::Result<OneShotRequest> {
        let (sender, arrivals) = sync_channel(1);
        let others = AtomicU64::new(0);
        let rule =
            Arc::new(Rule { answer: Box::new(answer), sender, is_over: AtomicBool::new(false), others });
        let told = rule.clone();
        let factory = move |base| Answer { base, rule: told.clone() };
        let builder = HTTPServer::builder()
            .loopback_guard(true)
            .max_connections(CONNECTIONS)
            .head_timeout(SILENCE)
            .idle_timeout(SILENCE)
            .shutdown_grace(GRACE);
        let mut server = builder.from_listener(self.listener, factory)?;
        let handle = server.handle();
        let serving = thread::Builder::new().spawn(move || server.serve_forever())?;
        let arrived = arrivals.recv_timeout(deadline);
        handle.shutdown();
        let outcome = serving.join().unwrap_or_else(|_| Err(io::Error::other("the server panicked")));
        // It may have arrived, and been answered, while the server was told to stop.
        if let Ok(request) = arrived.or_else(|_| arrivals.try_recv()) {
            return request;
        }
        outcome?;
        let text = match rule.others.load(Ordering::Relaxed) {
            0 => format!("no request came within {deadline:?}"),
            others => format!("the request did not come within {deadline:?} (other requests: {others})"),
        };
        Err(io::Error::new(io::ErrorKind::TimedOut, text))
    }
}

impl fmt::Debug for OneShot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneShot").field("port", &self.port).finish_non_exhaustive()
    }
}

impl OneShotRequest {
    /// The target as it was sent: path and query, percent-encoded.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The target up to the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The part after the `?`, if there is one, percent-encoded as it was sent.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The header fields.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }
}

/// Without the query and the fields, which are secrets.
impl fmt::Debug for OneShotRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneShotRequest").field("path", &self.path()).finish_non_exhaustive()
    }
}

/// The response to a request, if it is the expected one.
type Respond = dyn Fn(&OneShotRequest) -> Option<OneShotResponse> + Send + Sync;

/// Decides which request is the expected one, and passes it on.
struct Rule {
    answer: Box<Respond>,
    sender: SyncSender<io::Result<OneShotRequest>>,
    /// Whether the expected request has come.
    is_over: AtomicBool,
    /// The number of other requests that arrived.
    others: AtomicU64,
}

struct Answer {
    base: BaseHTTPRequestHandler,
    rule: Arc<Rule>,
}

#[http_handler(crate = crate, head = false)]
impl Answer {
    fn do_GET(&self) -> io::Result<()> {
        let request = OneShotRequest { target: self.path().to_owned(), headers: self.headers().clone() };
        let response = (self.rule.answer)(&request);
        let checked = response.as_ref().map_or(Ok(()), OneShotResponse::check);
        let outcome = match &checked {
            Ok(()) => Ok(request),
            Err(what) => Err(io::Error::new(io::ErrorKind::InvalidInput, what.clone())),
        };
        // If two arrive at once, the second is too late.
        let is_sent = |response: &OneShotResponse| {
            self.rule.others.fetch_add(response.keeps_waiting.into(), Ordering::Relaxed);
            response.keeps_waiting
                || !self.rule.is_over.swap(true, Ordering::Relaxed)
                    && self.rule.sender.try_send(outcome).is_ok()
        };
        let response = response.filter(is_sent);
        if response.is_some() && checked.is_err() {
            return self.send_error(500);
        }
        let Some(OneShotResponse { status, location, page, .. }) = response else {
            self.rule.others.fetch_add(1, Ordering::Relaxed);
            return self.send_error(404);
        };
        self.send_response(status);
        match location {
            Some(location) => self.send_header("Location", location),
            None => self.send_header("Content-Type", "text/html; charset=utf-8"),
        }
        // The page's address contains a secret: it must not reach a cache, or a site that the page links to.
        self.send_header("Cache-Control", "no-store");
        self.send_header("Referrer-Policy", "no-referrer");
        self.end_headers()?;
        if HTTPStatus::new(status).has_no_body() { Ok(()) } else { self.wfile.write_all(page.as_bytes()) }
    }

    fn log_message(&self, _message: fmt::Arguments<'_>) {}
}

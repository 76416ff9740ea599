//! A server whose handlers do what a test says, alone in the process.

use std::io;
use std::sync::{Arc, MutexGuard};

use basehttp::ServerBuilder;
use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::client::Client;
#[cfg(target_os = "linux")]
use basehttp_tests::process::{descriptors, in_turn, server_threads};
use basehttp_tests::wait_until;

pub(crate) const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
pub(crate) const WAIT: &str = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";

pub(crate) type Deed = dyn Fn(&Act) -> io::Result<()> + Send + Sync;

/// A handler that does what a test says.
pub(crate) struct Act {
    base: BaseHTTPRequestHandler,
    deed: Arc<Deed>,
}

#[http_handler]
impl Act {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        (self.deed)(self)
    }

    fn do_POST(&self) -> io::Result<()> {
        (self.deed)(self)
    }

    fn log_request(&self, _code: Option<HTTPStatus>, _size: Option<u64>) {}
}

pub(crate) fn factory(
    deed: impl Fn(&Act) -> io::Result<()> + Send + Sync + 'static,
) -> impl Fn(BaseHTTPRequestHandler) -> Act + Send + Sync {
    let deed: Arc<Deed> = Arc::new(deed);
    move |base| Act { base, deed: deed.clone() }
}

/// The response that most tests make.
pub(crate) fn say(act: &Act, text: &str) -> io::Result<()> {
    act.send_response(200);
    act.end_headers()?;
    act.wfile.write_all(text.as_bytes())
}

/// A request for a path.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// A request with a body.
pub(crate) fn post(body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Waits for the turn of a test that counts threads, or starts some. The previous test's threads have ended then.
#[cfg(target_os = "linux")]
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    let turn = in_turn();
    wait_until("the threads of earlier servers have ended", || server_threads() == 0);
    turn
}

/// Elsewhere nothing is counted, but each server has the machine to itself as well.
#[cfg(not(target_os = "linux"))]
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A server that has the process to itself.
pub(crate) struct Stage {
    pub(crate) server: TestServer,
    /// The process's descriptors with the server and without clients.
    #[cfg(target_os = "linux")]
    descriptors: usize,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    pub(crate) fn new(deed: impl Fn(&Act) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self::with(HTTPServer::builder(), deed)
    }

    pub(crate) fn with(
        builder: ServerBuilder,
        deed: impl Fn(&Act) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::serving(builder, factory(deed))
    }

    pub(crate) fn serving<H: RequestHandler + Send>(
        builder: ServerBuilder,
        factory: impl Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    ) -> Self {
        let turn = turn();
        let server = TestServer::with(builder, factory);
        Self {
            server,
            #[cfg(target_os = "linux")]
            descriptors: descriptors(),
            _turn: turn,
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.server)
    }

    /// Waits until no connection is left, on the clients' side or in the server.
    pub(crate) fn wait_until_empty(&self) {
        self.wait_until_empty_but(&[]);
    }

    /// Waits until the server has no connection left, while these clients still have theirs.
    #[cfg(target_os = "linux")]
    pub(crate) fn wait_until_empty_but(&self, clients: &[Client]) {
        wait_until("all connections are freed", || descriptors() <= self.descriptors + clients.len());
    }

    /// By the server's own count.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn wait_until_empty_but(&self, _clients: &[Client]) {
        wait_until("all connections are freed", || self.server.handle().stats().connections_open == 0);
    }
}

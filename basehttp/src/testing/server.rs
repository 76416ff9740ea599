//! A real server for the duration of a test.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::handler::{BaseHTTPRequestHandler, RequestHandler, ServerHandle};
use crate::server::{HTTPServer, ServerBuilder, url};

/// A server on a free port of 127.0.0.1, which is shut down when the `TestServer` is dropped.
///
/// Its log goes to standard error, also in a test that passes. To switch it off, start the server [`with`](Self::with)
/// `HTTPServer::builder().log_line(|_, _| {})`.
///
/// ```
/// # use basehttp::prelude::*;
/// # struct Hello { base: BaseHTTPRequestHandler }
/// # #[http_handler]
/// # impl Hello { fn do_GET(&self) -> std::io::Result<()> { self.send_response(204); self.end_headers() } }
/// use basehttp::testing::TestServer;
///
/// let server = TestServer::new(|base| Hello { base });
/// let response = server.exchange(b"GET / HTTP/1.0\r\n\r\n").unwrap();
/// assert!(response.starts_with(b"HTTP/1.0 204 No Content\r\n"));
/// ```
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// How long [`TestServer::exchange`] waits for the server.
const PATIENCE: Duration = Duration::from_secs(60);

impl TestServer {
    /// Starts a server with the default settings.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn new<H, F>(factory: F) -> Self
    where
        H: RequestHandler + Send,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    {
        Self::with(HTTPServer::builder(), factory)
    }

    /// Starts a server with your own settings and hooks.
    ///
    /// # Panics
    /// If it cannot listen, or a setting cannot work.
    #[track_caller]
    pub fn with<H, F>(builder: ServerBuilder, factory: F) -> Self
    where
        H: RequestHandler + Send,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + Send + Sync + 'static,
    {
        let mut server = builder
            .bind((Ipv4Addr::LOCALHOST, 0), factory)
            .unwrap_or_else(|error| panic!("cannot start the test server: {error}"));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.server_port()));
        let handle = server.handle();
        let thread = thread::spawn(move || {
            server.serve_forever().expect("the test server can wait for connections");
        });
        Self { address, handle, thread: Some(thread) }
    }

    /// The address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path on the server, for example `http://127.0.0.1:41234/x`.
    ///
    /// # Panics
    /// If the path does not begin with `/`.
    #[track_caller]
    pub fn url(&self, path: &str) -> String {
        url(self.address, path)
    }

    /// The server's handle.
    pub fn handle(&self) -> &ServerHandle {
        &self.handle
    }

    /// Opens a connection to the server. Its reads and writes time out after a minute.
    ///
    /// # Errors
    /// If the server does not accept the connection.
    pub fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Sends `input`, half-closes the connection, and returns all bytes that the server sends.
    ///
    /// # Errors
    /// Any error of the connection; [`WouldBlock`](io::ErrorKind::WouldBlock) or
    /// [`TimedOut`](io::ErrorKind::TimedOut) if the server neither sends anything nor closes for a minute.
    pub fn exchange(&self, input: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = self.connect()?;
        stream.write_all(input)?;
        stream.shutdown(Shutdown::Write)?;
        let mut output = Vec::new();
        stream.read_to_end(&mut output)?;
        Ok(output)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // The test is over, so no client will use its kept connections.
        self.handle.server.expect_no_requests();
        self.handle.shutdown();
        let ended = self.thread.take().map(JoinHandle::join);
        // A second panic during the unwinding of the first one would hide that one.
        if let (Some(Err(panic)), false) = (ended, thread::panicking()) {
            std::panic::resume_unwind(panic);
        }
    }
}

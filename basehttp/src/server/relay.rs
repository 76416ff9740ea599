//! Joins a connection with another socket: for CONNECT, and for proxies.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use super::listener::Stream;
use crate::handler::{BaseHTTPRequestHandler, Message};

impl<M: Message> BaseHTTPRequestHandler<M> {
    /// Joins the connection with another socket, after the response that switches the protocol: 2xx to CONNECT (RFC 9110
    /// section 9.3.6), or 101.
    ///
    /// Input from one side is sent to the other, in both directions, until both have ended. The method returns at once, and
    /// no thread is held.
    ///
    /// - What the client has sent after its request goes first.
    /// - When one side shuts down writing, the server passes that on after all earlier bytes. The other side may still send.
    /// - When one side resets its connection, or fails, the other side is reset as well.
    /// - While one side takes nothing, the other is not read: the server buffers at most 64 KiB for each direction, in
    ///   addition to TLS buffers.
    /// - A TLS client that ends without a TLS close (RFC 8446 section 6.1) counts as ended, since many clients do that. A
    ///   protocol in which the end matters has to mark it itself.
    /// - **Silence has no limit.** A peer that has vanished without a word keeps the relay until the server ends. For
    ///   untrusted peers, use [`relay_with_idle_timeout`](Self::relay_with_idle_timeout).
    /// - On shutdown a relay may continue for the grace period, and is then cut: both sides are reset.
    /// - The socket is a second descriptor of the connection, and does not count in
    ///   [`max_connections`](crate::ServerBuilder::max_connections). Its traffic is not in [`Stats`](crate::Stats); the
    ///   client's traffic is.
    ///
    /// The socket then belongs to the server, which closes it: keep no clone of it. It carries the client's protocol without
    /// the client's TLS, which the server removes. An override of [`handle`](crate::RequestHandler::handle) waits for the
    /// end of the relay.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) as for [`upgrade`](Self::upgrade).
    /// [`Unsupported`](io::ErrorKind::Unsupported) if there is no server: in [`testing`](crate::testing) without a socket,
    /// and over a stream of your own ([`serve_stream`](crate::HTTPServer::serve_stream)).
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) while a guard of `rfile.lock()` is alive. An error of the socket.
    ///
    /// ```
    /// use std::io::{self, Read, Write};
    /// use std::net::{TcpListener, TcpStream};
    /// use basehttp::prelude::*;
    /// use basehttp::testing::TestServer;
    ///
    /// struct Tunnel { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Tunnel {
    ///     fn do_CONNECT(&self) -> io::Result<()> {
    ///         // A real proxy checks whether this client may connect there: see the example `proxy`.
    ///         let Ok(stream) = TcpStream::connect(self.path()) else { return self.send_error(502) };
    ///         self.send_response(200);
    ///         self.end_headers()?;
    ///         self.relay(stream)
    ///     }
    /// }
    ///
    /// let origin = TcpListener::bind("127.0.0.1:0")?;
    /// let proxy = TestServer::new(|base| Tunnel { base });
    /// let mut client = proxy.connect()?;
    /// write!(client, "CONNECT {} HTTP/1.0\r\n\r\nhello", origin.local_addr()?)?;
    /// let (mut accepted, _) = origin.accept()?;
    /// let mut word = [0; 5];
    /// accepted.read_exact(&mut word)?;
    /// assert_eq!(&word, b"hello");
    /// # io::Result::Ok(())
    /// ```
    #[doc(alias("CONNECT", "proxy", "tunnel"))]
    pub fn relay(&self, stream: TcpStream) -> io::Result<()> {
        self.join_with(stream, None)
    }

    /// As [`relay`](Self::relay). If nothing has moved for this time, in either direction, both sides are reset. A side that
    /// takes nothing counts as silent.
    ///
    /// # Errors
    /// As for [`relay`](Self::relay).
    pub fn relay_with_idle_timeout(&self, stream: TcpStream, timeout: Duration) -> io::Result<()> {
        self.join_with(stream, Some(timeout))
    }

    fn join_with(&self, stream: TcpStream, patience: Option<Duration>) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        // Small pieces are passed on as they arrive.
        stream.set_nodelay(true)?;
        self.join(Box::new(Stream::Tcp(mio::net::TcpStream::from_std(stream))), patience)
    }
}

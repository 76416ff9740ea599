//! Joins a connection with another socket: for CONNECT, and for proxies.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use super::listener::Stream;
use crate::handler::{BaseHTTPRequestHandler, Message};

impl<M: Message> BaseHTTPRequestHandler<M> {
    /// Joins the connection with another socket, after the response that switches the protocol: 2xx to CONNECT (RFC 9110 section 9.3.6),
    /// or 101. What comes at one goes out at the other, both ways, until both have ended. The method returns, and no thread is held.
    ///
    /// - What the client has sent behind its request goes first.
    /// - Where one side ends its half, the other one is told so behind all that came before, and may still send.
    /// - Where one side resets its connection, or fails, the other one is reset as well.
    /// - While one side takes nothing, the other is not read: the server keeps 64 KiB for each direction at most, beside what TLS keeps.
    /// - A client of TLS that ends without saying so (RFC 8446 section 6.1) has ended, as many do: a protocol in which an end means something has to
    ///   say so itself.
    /// - **Silence has no end.** A peer that has vanished without a word keeps the relay until the server ends; where peers are not
    ///   trusted, use [`relay_with_idle_timeout`](Self::relay_with_idle_timeout).
    /// - When the server is shut down, a relay has the grace, and is cut then: both sides are reset.
    /// - The socket is a second descriptor of the connection, and does not count among the
    ///   [`max_connections`](crate::ServerBuilder::max_connections). What goes through it is not in [`Stats`](crate::Stats); what goes to
    ///   and from the client is.
    ///
    /// The socket belongs to the server then, which closes it: keep no clone of it. It speaks what the client speaks, without the client's
    /// TLS, which the server takes off. An override of [`handle`](crate::RequestHandler::handle) waits for the end of the relay.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) as for [`upgrade`](Self::upgrade). [`Unsupported`](io::ErrorKind::Unsupported) where
    /// there is no server: in [`testing`](crate::testing) without a socket, and over a stream of one's own
    /// ([`serve_stream`](crate::HTTPServer::serve_stream)). [`WouldBlock`](io::ErrorKind::WouldBlock) while a guard of `rfile.lock()`
    /// lives. An error of the socket.
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
    ///         // A real one looks whether this client may go there: see the example `proxy`.
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

    /// As [`relay`](Self::relay). Where nothing has moved for so long, in either direction, both sides are reset. A side that takes
    /// nothing is silent as well.
    ///
    /// # Errors
    /// As those of [`relay`](Self::relay).
    pub fn relay_with_idle_timeout(&self, stream: TcpStream, timeout: Duration) -> io::Result<()> {
        self.join_with(stream, Some(timeout))
    }

    fn join_with(&self, stream: TcpStream, patience: Option<Duration>) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        // What comes in small pieces is passed on in small pieces.
        stream.set_nodelay(true)?;
        self.join(Box::new(Stream::Tcp(mio::net::TcpStream::from_std(stream))), patience)
    }
}

//! Connections that switch to another protocol (RFC 9110 section 7.8).

use std::fmt;
use std::io::{self, Read, Write};

use super::connection_io::SharedIo;
use super::message::Message;
use super::upgraded_halves::{UpgradedReader, UpgradedWriter, halves};
use super::{BaseHTTPRequestHandler, RFile, WFile};
use crate::proto::grammar::list;
use crate::proto::request_line::Version;

/// A connection's bytes in both directions after a protocol switch. [`upgrade`](BaseHTTPRequestHandler::upgrade) returns it.
///
/// It is a stream like a `TcpStream`, encrypted if the server uses TLS. A read waits for bytes from the client and returns
/// those that have arrived, `Ok(0)` at their end. When a write returns, what it took is sent. The connection ends when the
/// `do_*` method returns, so the stream stays on that method's thread: it is not `Send`. Its halves are; see
/// [`split`](Self::split).
///
/// # Errors
/// Reads and writes fail with [`TimedOut`](io::ErrorKind::TimedOut) when the client sends or takes nothing for the time set
/// by [`set_read_timeout`](BaseHTTPRequestHandler::set_read_timeout) and
/// [`set_write_timeout`](BaseHTTPRequestHandler::set_write_timeout). A protocol in which both sides may be silent for long
/// needs a longer time there, or a ping. Other errors are those of the connection, including the end of a shutdown's grace
/// period.
pub struct Upgraded<'a> {
    rfile: &'a RFile,
    wfile: &'a WFile,
    shared: &'a SharedIo,
}

impl<M: Message> BaseHTTPRequestHandler<M> {
    /// Whether the client asks to switch to this protocol: for `websocket`, with `Upgrade: websocket` and `Connection:
    /// Upgrade`, in any letter case. An HTTP/1.0 client cannot ask (RFC 9110 section 7.8). A handler may ignore the request
    /// and answer normally, which is valid.
    pub fn upgrades_to(&self, protocol: &str) -> bool {
        let request = self.request();
        request.version() == Version::Http11
            && has(request.values("Connection"), b"upgrade")
            && has(request.values("Upgrade"), protocol.as_bytes())
    }

    /// Takes over the connection, after the response that switches the protocol: 101 with the fields `Upgrade` and
    /// `Connection: Upgrade`, or 2xx to CONNECT. Reads begin with what the client sent after its request.
    ///
    /// The method may use the other protocol for any length of time. It occupies one of the
    /// [`max_threads`](crate::ServerBuilder::max_threads), but other connections do not wait for it. If the client may be
    /// silent for longer than `read_timeout`, 30 seconds by default, call [`set_timeout`](Self::set_timeout) first. If the
    /// client disappears in a way that the other protocol calls an error, the handler has not failed: return `Ok(())`.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the protocol was not switched, the request's body was not read to its
    /// end, or the connection was taken over before.
    ///
    /// ```
    /// use std::io::{self, Read, Write};
    /// use basehttp::prelude::*;
    ///
    /// struct Shout { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Shout {
    ///     const protocol_version: &str = "HTTP/1.1";
    ///
    ///     fn do_GET(&self) -> io::Result<()> {
    ///         if !self.upgrades_to("shout") {
    ///             self.send_response(426);
    ///             self.send_header("Upgrade", "shout");
    ///             self.send_header("Connection", "Upgrade");
    ///             return self.end_headers();
    ///         }
    ///         self.send_response(101);
    ///         self.send_header("Upgrade", "shout");
    ///         self.send_header("Connection", "Upgrade");
    ///         self.end_headers()?;
    ///         let mut stream = self.upgrade()?;
    ///         let mut word = [0; 5];
    ///         stream.read_exact(&mut word)?;
    ///         stream.write_all(&word.to_ascii_uppercase())
    ///     }
    /// }
    ///
    /// let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nhello";
    /// let run = basehttp::testing::run(|base| Shout { base }, [request]);
    /// assert!(run.output.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
    /// assert!(run.output.ends_with(b"\r\n\r\nHELLO"));
    /// ```
    #[doc(alias("switching_protocols"))]
    pub fn upgrade(&self) -> io::Result<Upgraded<'_>> {
        self.io().begin_upgraded()?;
        Ok(Upgraded { rfile: &self.rfile, wfile: &self.wfile, shared: self.vars().shared() })
    }
}

impl<'a> Upgraded<'a> {
    /// Splits the stream into its two directions, so that one thread can wait for the client while another writes. The halves
    /// borrow the handler, so their threads must end before the method returns (`std::thread::scope`).
    ///
    /// # Errors
    /// [`Unsupported`](io::ErrorKind::Unsupported) over a stream of your own
    /// ([`serve_stream`](crate::HTTPServer::serve_stream)), which cannot be read from and written to at the same time.
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) while a guard of `rfile.lock()` exists. Otherwise an I/O error of the
    /// connection.
    ///
    /// ```
    /// use std::io::{self, Read, Write};
    /// use std::sync::mpsc;
    /// use std::thread;
    /// use basehttp::prelude::*;
    ///
    /// struct Shout { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Shout {
    ///     const protocol_version: &str = "HTTP/1.1";
    ///
    ///     fn do_GET(&self) -> io::Result<()> {
    ///         self.send_response(101);
    ///         self.send_header("Upgrade", "shout");
    ///         self.send_header("Connection", "Upgrade");
    ///         self.end_headers()?;
    ///         let (mut reader, mut writer) = self.upgrade()?.split()?;
    ///         let (words, spoken) = mpsc::channel::<Vec<u8>>();
    ///         thread::scope(|scope| {
    ///             let writing = scope.spawn(move || spoken.iter().try_for_each(|word| writer.write_all(&word)));
    ///             let mut word = [0; 5];
    ///             while reader.read_exact(&mut word).is_ok() {
    ///                 let _ = words.send(word.to_ascii_uppercase());
    ///             }
    ///             drop(words);
    ///             writing.join().expect("it does not panic")
    ///         })
    ///     }
    /// }
    ///
    /// let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nhelloworld";
    /// let run = basehttp::testing::run(|base| Shout { base }, [request]);
    /// assert!(run.output.ends_with(b"\r\n\r\nHELLOWORLD"));
    /// ```
    pub fn split(self) -> io::Result<(UpgradedReader<'a>, UpgradedWriter<'a>)> {
        self.wfile.flush()?;
        let read_ahead = self.rfile.take_read_ahead()?;
        halves(self.shared, read_ahead)
    }
}

/// Whether a list, in one field or several, contains this word.
fn has<'a>(mut values: impl Iterator<Item = &'a [u8]>, word: &[u8]) -> bool {
    values.any(|value| list(value).any(|item| !item.is_empty() && item.eq_ignore_ascii_case(word)))
}

impl Read for Upgraded<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.rfile.read(buf)
    }
}

impl Write for Upgraded<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let count = self.wfile.write(buf)?;
        // Only the handler knows when the other side needs the bytes.
        self.wfile.flush()?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wfile.flush()
    }
}

impl fmt::Debug for Upgraded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded").finish_non_exhaustive()
    }
}

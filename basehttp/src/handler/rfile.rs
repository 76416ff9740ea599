//! The body of the request.

use std::cell::{RefCell, RefMut};
use std::fmt;
use std::io::{self, BufRead, Read};

use super::connection_io::SharedIo;
use super::message::Headers;

/// The input stream of a handler, positioned at the start of the request's body: Python's `rfile`.
///
/// It ends where the body ends (RFC 9112 section 6.3), and yields the body without its framing, chunked or not. For a request
/// without a body, `rfile` is at its end. If the client waits for `100 Continue`, the first read sends it
/// (RFC 9110 section 10.1.1).
///
/// The methods take `&self`, and [`Read`] is implemented for `&RFile`, as for `&TcpStream`; so
/// `serde_json::from_reader(&self.rfile)` works, and so does [`lines`](Self::lines). For [`BufRead`], [`lock`](Self::lock) it
/// like `std::io::stdin()`.
///
/// # Errors
/// Every read can fail with
/// - [`UnexpectedEof`](io::ErrorKind::UnexpectedEof): the client ended the connection inside the body,
/// - [`InvalidData`](io::ErrorKind::InvalidData): the chunked framing is invalid,
/// - [`TimedOut`](io::ErrorKind::TimedOut): no data arrived in time,
/// - [`WouldBlock`](io::ErrorKind::WouldBlock): a guard of [`lock`](Self::lock) is still alive,
/// - another error of the connection.
///
/// Return such an error from the `do_*` method: the client then gets the right response (400, 408 or none).
#[doc(alias("body", "request_body"))]
pub struct RFile {
    shared: SharedIo,
    /// Bytes read from the connection for a guard. They are kept apart from the connection so that `wfile` can be used while
    /// a guard is alive.
    buffer: RefCell<Lines>,
}

#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    start: usize,
}

const BUFFER: usize = 8192;

/// Reads of at least this many bytes bypass the buffer.
const DIRECT: usize = 256;

impl RFile {
    pub(crate) fn new(shared: SharedIo) -> Self {
        Self { shared, buffer: RefCell::default() }
    }

    /// Drops the rest of the previous request's body.
    pub(crate) fn clear(&mut self) {
        // A new cell, since a leaked guard would keep the old one locked.
        self.buffer = RefCell::default();
    }

    /// Reads some bytes of the body. `Ok(0)` is the end of the body.
    ///
    /// # Errors
    /// See [the type](Self#errors).
    pub fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.try_lock()?.read(buf)
    }

    /// Reads bytes of the body until `buf` is full.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if fewer bytes are left.
    pub fn read_exact(&self, buf: &mut [u8]) -> io::Result<()> {
        self.try_lock()?.read_exact(buf)
    }

    /// Appends the rest of the body to `buf`, without a limit on its length. For a limit, use
    /// [`read_body`](super::BaseHTTPRequestHandler::read_body).
    ///
    /// # Errors
    /// See [the type](Self#errors).
    pub fn read_to_end(&self, buf: &mut Vec<u8>) -> io::Result<usize> {
        self.try_lock()?.read_to_end(buf)
    }

    /// Appends the rest of the body to `buf` as text, without a limit on its length.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`InvalidData`](io::ErrorKind::InvalidData) if it is not UTF-8. Returned from a `do_*`
    /// method, that error makes the response a 500, so send 400 yourself if the body must be text.
    pub fn read_to_string(&self, buf: &mut String) -> io::Result<usize> {
        self.try_lock()?.read_to_string(buf)
    }

    /// Appends a line of the body to `buf`, with its line feed. `Ok(0)` is the end of the body. The client decides how long
    /// the line is; to bound it, read from [`lock`](Self::lock) with [`Read::take`].
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`InvalidData`](io::ErrorKind::InvalidData) if it is not UTF-8. Returned from a `do_*`
    /// method, that error makes the response a 500, so send 400 yourself if the body must be text.
    pub fn read_line(&self, buf: &mut String) -> io::Result<usize> {
        self.try_lock()?.read_line(buf)
    }

    /// The remaining lines of the body, without their line ends; short for `lock().lines()`. The client decides how long a
    /// line is.
    ///
    /// # Panics
    /// As [`lock`](Self::lock).
    ///
    /// ```
    /// use basehttp::prelude::*;
    ///
    /// struct Longest { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Longest {
    ///     fn do_POST(&self) -> std::io::Result<()> {
    ///         let mut longest = 0;
    ///         for line in self.rfile.lines() {
    ///             longest = longest.max(line?.len());
    ///         }
    ///         self.send_response(200);
    ///         self.end_headers()?;
    ///         write!(self.wfile, "{longest}")
    ///     }
    /// }
    ///
    /// let post = b"POST / HTTP/1.0\r\nContent-Length: 8\r\n\r\na\nbcd\ne\n";
    /// assert_eq!(basehttp::testing::respond(|base| Longest { base }, post)[0].text(), "3");
    /// ```
    #[track_caller]
    pub fn lines(&self) -> io::Lines<RFileLock<'_>> {
        self.lock().lines()
    }

    /// A guard that implements [`BufRead`], for lines and for reading without a copy. While the guard is alive, `wfile` can
    /// be used, but reads of `rfile` itself fail with [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Panics
    /// If another guard is alive.
    ///
    /// ```
    /// use std::io::{self, BufRead};
    /// use basehttp::prelude::*;
    ///
    /// struct Numbered { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Numbered {
    ///     fn do_POST(&self) -> io::Result<()> {
    ///         self.send_response(200);
    ///         self.end_headers()?;
    ///         for (number, line) in self.rfile.lock().lines().enumerate() {
    ///             writeln!(self.wfile, "{number}: {}", line?)?;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let responses = basehttp::testing::respond(
    ///     |base| Numbered { base },
    ///     b"POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\na\nb\n",
    /// );
    /// assert_eq!(responses[0].body, b"0: a\n1: b\n");
    /// ```
    #[must_use]
    #[track_caller]
    pub fn lock(&self) -> RFileLock<'_> {
        let lines = self.buffer.try_borrow_mut();
        RFileLock { shared: &self.shared, lines: lines.expect("rfile is locked: drop the first guard") }
    }

    /// The trailer fields of a chunked body (RFC 9112 section 7.1.2). Empty before the body has been read to its end, and for
    /// a body that is not chunked.
    ///
    /// Fields that have no meaning after the body, such as `Content-Type`, are left out. A field that frames, routes or
    /// authenticates the request makes the response a 400. For the trailer fields of a response, see
    /// [`send_trailer`](super::WFile::send_trailer).
    pub fn trailers(&self) -> Headers {
        self.shared.lock().trailers()
    }

    /// As [`read`](Self::read), but `None` if it would have to wait for the client.
    #[cfg(all(feature = "cgi", unix))]
    pub(crate) fn read_now(&self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        let mut lock = self.try_lock()?;
        if lock.lines.is_empty() {
            return self.shared.lock().read_body_now(buf);
        }
        lock.read(buf).map(Some)
    }

    /// Takes the bytes that were read ahead for a guard.
    pub(super) fn take_read_ahead(&self) -> io::Result<Vec<u8>> {
        let mut lock = self.try_lock()?;
        let mut bytes = std::mem::take(&mut *lock.lines);
        bytes.bytes.drain(..bytes.start);
        Ok(bytes.bytes)
    }

    /// Appends up to `most` bytes of the body to `buf`.
    pub(super) fn read_up_to(&self, most: usize, buf: &mut Vec<u8>) -> io::Result<usize> {
        self.try_lock()?.read_up_to(most, buf)
    }

    fn try_lock(&self) -> io::Result<RFileLock<'_>> {
        let lines = self.buffer.try_borrow_mut().map_err(|_| {
            io::Error::new(io::ErrorKind::WouldBlock, "rfile is locked: drop the guard of rfile.lock() first")
        })?;
        Ok(RFileLock { shared: &self.shared, lines })
    }
}

impl fmt::Debug for RFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RFile").finish_non_exhaustive()
    }
}

impl fmt::Debug for RFileLock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RFileLock").finish_non_exhaustive()
    }
}

impl Read for &RFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        RFile::read(self, buf)
    }
}

/// A locked [`RFile`], which implements [`BufRead`].
pub struct RFileLock<'a> {
    shared: &'a SharedIo,
    lines: RefMut<'a, Lines>,
}

impl RFileLock<'_> {
    /// Appends the bytes that are already here, which needs no zeroed memory, and only then reads.
    fn read_up_to(&mut self, most: usize, buf: &mut Vec<u8>) -> io::Result<usize> {
        let lines = self.lines.rest();
        let lines = lines.get(..most).unwrap_or(lines);
        let mut count = lines.len();
        buf.extend_from_slice(lines);
        self.consume(count);
        let mut io = self.shared.lock();
        loop {
            match io.append_body(buf, most - count) {
                0 => break,
                more => count += more,
            }
        }
        if io.is_body_over() {
            return Ok(count);
        }
        drop(io);
        let rest = (most - count) as u64;
        Ok(count + Pieces(self).take(rest).read_to_end(buf)?)
    }
}

impl Read for RFileLock<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.lines.is_empty() && buf.len() >= DIRECT {
            return self.shared.lock().read_body(buf);
        }
        let count = self.fill_buf()?.read(buf)?;
        self.consume(count);
        Ok(count)
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        self.read_up_to(usize::MAX, buf)
    }
}

/// A locked [`RFile`] that is read piece by piece.
struct Pieces<'a, 'b>(&'a mut RFileLock<'b>);

impl Read for Pieces<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl BufRead for RFileLock<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.lines.is_empty() {
            let lines = &mut *self.lines;
            lines.bytes.clear();
            lines.start = 0;
            let mut io = self.shared.lock();
            if io.append_body(&mut lines.bytes, BUFFER) == 0 && !io.is_body_over() {
                lines.bytes.resize(BUFFER, 0);
                let read = io.read_body(&mut lines.bytes);
                lines.bytes.truncate(*read.as_ref().unwrap_or(&0));
                read?;
            }
        }
        Ok(self.lines.rest())
    }

    fn consume(&mut self, amount: usize) {
        self.lines.start = (self.lines.start + amount).min(self.lines.bytes.len());
    }
}

impl Lines {
    fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

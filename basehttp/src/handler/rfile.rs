//! The body of the request.

use std::cell::{RefCell, RefMut};
use std::fmt;
use std::io::{self, BufRead, Read};

use super::connection_io::SharedIo;
use super::message::Headers;

/// The input stream of a handler, positioned at the start of the request's body: Python's `rfile`.
///
/// It ends where the body ends (RFC 9112 section 6.3), and gives the body without its framing, chunked or not. A request
/// without a body has an `rfile` that is at its end. The first read sends the `100 Continue` that the client may wait
/// for (RFC 9110 section 10.1.1).
///
/// The methods take `&self`, and [`Read`] is implemented for `&RFile`, as for `&TcpStream`; so
/// `serde_json::from_reader(&self.rfile)` works, and so does [`lines`](Self::lines). For more, [`lock`](Self::lock) it, as
/// `std::io::stdin()`.
///
/// # Errors
/// Every read can fail with
/// - [`UnexpectedEof`](io::ErrorKind::UnexpectedEof): the client ended the connection inside the body,
/// - [`InvalidData`](io::ErrorKind::InvalidData): the chunked framing is broken,
/// - [`TimedOut`](io::ErrorKind::TimedOut): nothing came in time,
/// - [`WouldBlock`](io::ErrorKind::WouldBlock): a guard of [`lock`](Self::lock) is still alive,
/// - another error of the connection.
///
/// Returning such an error from the `do_*` method answers the client as it should be (400, 408 or nothing).
#[doc(alias("body", "request_body"))]
pub struct RFile {
    shared: SharedIo,
    /// What was taken from the connection for the lines of a guard. Apart from it, so that `wfile` can be used
    /// while a guard lives.
    buffer: RefCell<Lines>,
}

#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    start: usize,
}

const BUFFER: usize = 8192;

/// Reads of at least this many bytes go past the buffer.
const DIRECT: usize = 256;

impl RFile {
    pub(crate) fn new(shared: SharedIo) -> Self {
        Self { shared, buffer: RefCell::default() }
    }

    /// Drops what is left of the body of the request before.
    pub(crate) fn clear(&mut self) {
        // A new cell, since a guard that was leaked would keep the old one locked.
        self.buffer = RefCell::default();
    }

    /// Reads some bytes of the body. `Ok(0)` is its end.
    ///
    /// # Errors
    /// See [the type](Self#errors).
    pub fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.try_lock()?.read(buf)
    }

    /// Reads exactly as many bytes as `buf` has.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the body is shorter.
    pub fn read_exact(&self, buf: &mut [u8]) -> io::Result<()> {
        self.try_lock()?.read_exact(buf)
    }

    /// Appends the rest of the body to `buf`, however long it is; see
    /// [`read_body`](super::BaseHTTPRequestHandler::read_body) for one with a limit.
    ///
    /// # Errors
    /// See [the type](Self#errors).
    pub fn read_to_end(&self, buf: &mut Vec<u8>) -> io::Result<usize> {
        self.try_lock()?.read_to_end(buf)
    }

    /// Appends the rest of the body to `buf`, however long it is.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`InvalidData`](io::ErrorKind::InvalidData) if it is not UTF-8: returned from a `do_*`
    /// method, that becomes the answer 500, so answer 400 yourself where a body has to be text.
    pub fn read_to_string(&self, buf: &mut String) -> io::Result<usize> {
        self.try_lock()?.read_to_string(buf)
    }

    /// Appends a line of the body to `buf`, with its line feed. `Ok(0)` is the end of the body. The line is as long as
    /// the client makes it; to bound it, read from [`lock`](Self::lock) with [`Read::take`].
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`InvalidData`](io::ErrorKind::InvalidData) if it is not UTF-8: returned from a `do_*`
    /// method, that becomes the answer 500, so answer 400 yourself where a body has to be text.
    pub fn read_line(&self, buf: &mut String) -> io::Result<usize> {
        self.try_lock()?.read_line(buf)
    }

    /// The lines of the body that are left, without their line ends: those of [`lock`](Self::lock). A line is as long as the client
    /// makes it.
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

    /// A guard that implements [`BufRead`], for lines and for reading without a copy. While it lives, `wfile` can be
    /// used, and reads of `rfile` itself fail with [`WouldBlock`](io::ErrorKind::WouldBlock).
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

    /// The trailer fields of a chunked body (RFC 9112 section 7.1.2). Empty before the body was read to its end, and for
    /// a body that is not chunked. Fields that come too late to say anything, as `Content-Type`, are not among them; those that frame,
    /// route or authenticate a request make it a 400. A response has its own:
    /// [`send_trailer`](super::WFile::send_trailer).
    pub fn trailers(&self) -> Headers {
        self.shared.lock().trailers()
    }

    /// As [`read`](Self::read), but None where the client would have to be waited for.
    #[cfg(all(feature = "cgi", unix))]
    pub(crate) fn read_now(&self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        let mut lock = self.try_lock()?;
        if lock.lines.is_empty() {
            return self.shared.lock().read_body_now(buf);
        }
        lock.read(buf).map(Some)
    }

    /// Takes what was read ahead for the lines of a guard.
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

/// A locked [`RFile`], which is [`BufRead`].
pub struct RFileLock<'a> {
    shared: &'a SharedIo,
    lines: RefMut<'a, Lines>,
}

impl RFileLock<'_> {
    /// Appends what is here without having to clear memory for it, and only then reads.
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

//! The body of the response.

use std::cell::Cell;
use std::fmt::{self, Display, Write as _};
use std::fs::File;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::ops::Range;

use super::connection_io::{SharedIo, Source};
use super::payload::Payload;
use crate::sync::Arc;

/// The output stream of a handler, for the body of its response: Python's `wfile`.
///
/// The server frames what is written (RFC 9112 section 6). If the head has a `Content-Length`, the body must have that
/// length. Without one, a small body gets a `Content-Length`. A larger body, or one for which you call
/// [`flush`](Self::flush) or [`send_trailer`](Self::send_trailer), is sent in chunks, or for HTTP/1.0 until the end of the
/// connection. The body of a response to HEAD is not sent.
///
/// The methods take `&self`, and [`Write`] is implemented for `&WFile`; so `write!(self.wfile, ...)` and
/// `io::copy(&mut file, &mut &self.wfile)` work.
///
/// # Errors
/// Every write can fail with
/// - [`InvalidInput`](io::ErrorKind::InvalidInput): the write came before `end_headers()`, after `send_error()` or
///   after a second `send_response()`, exceeds the declared `Content-Length`, or is for a status without a body,
/// - [`BrokenPipe`](io::ErrorKind::BrokenPipe): the response to a HEAD request is complete, so more body is useless,
/// - [`TimedOut`](io::ErrorKind::TimedOut): the client reads nothing,
/// - another error of the connection, most often because the client has gone.
///
/// It is always right to return such an error from the `do_*` method.
#[doc(alias("body", "response_body", "writer"))]
pub struct WFile {
    shared: SharedIo,
    /// Not `Sync`: a read that waits for the client holds the connection, so a write by another thread would wait for that read.
    one_thread: PhantomData<Cell<()>>,
}

impl WFile {
    pub(crate) fn new(shared: SharedIo) -> Self {
        Self { shared, one_thread: PhantomData }
    }

    /// Writes bytes of the body, and returns how many. A write is partial only if it exceeds the declared `Content-Length`:
    /// then it takes the bytes that fit, and the next write fails.
    ///
    /// # Errors
    /// See [the type](Self#errors).
    #[inline]
    pub fn write(&self, buf: &[u8]) -> io::Result<usize> {
        self.shared.lock().write(buf)
    }

    /// Writes all bytes.
    ///
    /// # Errors
    /// See [the type](Self#errors).
    pub fn write_all(&self, buf: &[u8]) -> io::Result<()> {
        let mut rest = buf;
        while !rest.is_empty() {
            match self.shared.lock().write(rest)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count if count == rest.len() => break,
                count => rest = rest.get(count..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Writes formatted text; `write!` and `writeln!` call it.
    ///
    /// # Errors
    /// See [the type](Self#errors).
    pub fn write_fmt(&self, arguments: fmt::Arguments<'_>) -> io::Result<()> {
        // Each piece takes the lock anew: a user's `Display` may call back into the handler's base.
        let mut pieces = Pieces { file: self, error: None };
        match fmt::Write::write_fmt(&mut pieces, arguments) {
            Ok(()) => Ok(()),
            Err(fmt::Error) => Err(pieces.error.unwrap_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidInput, "a Display returned an error")
            })),
        }
    }

    /// Makes the bytes of a file in `range` the next part of the body.
    ///
    /// It does not wait for the client: the server reads and sends the bytes after the method has returned, on Linux without
    /// copying them. A slow client holds no thread and no memory, only the open file. The bytes count as written body, and
    /// what you write afterwards follows them.
    ///
    /// If you write nothing else, send their number as `Content-Length`; otherwise they are sent in chunks. If the file turns
    /// out to be shorter, or cannot be read, the connection is cut, so that the client sees the truncation; this is logged.
    ///
    /// # Errors
    /// See [the type](Self#errors); also [`InvalidInput`](io::ErrorKind::InvalidInput) if more than 256 pieces
    /// wait to be sent.
    ///
    /// ```
    /// use std::fs::File;
    /// use std::sync::Arc;
    /// use basehttp::prelude::*;
    ///
    /// struct Manual { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Manual {
    ///     fn do_GET(&self) -> std::io::Result<()> {
    ///         let file = Arc::new(File::open("Cargo.toml")?);
    ///         let len = file.metadata()?.len();
    ///         self.send_response(200);
    ///         self.send_header("Content-Length", len);
    ///         self.end_headers()?;
    ///         self.wfile.send_file(&file, 0..len)
    ///     }
    /// }
    ///
    /// let responses = basehttp::testing::respond(|base| Manual { base }, b"GET / HTTP/1.0\r\n\r\n");
    /// assert_eq!(responses[0].body, std::fs::read("Cargo.toml")?);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn send_file(&self, file: &Arc<File>, range: Range<u64>) -> io::Result<()> {
        self.shared.lock().attach(Source::File(file.clone()), range)
    }

    /// Makes these bytes the next part of the body, without copying them.
    ///
    /// It does not wait for the client: the server sends the bytes from where they are after the method has returned, and a
    /// slow client holds no thread. The bytes count as written body, and what you write afterwards follows them. Fewer than
    /// 16 KiB are written as by [`write_all`](Self::write_all), since a copy costs less; that may wait for the client.
    ///
    /// If you write nothing else, send their number as `Content-Length`; otherwise they are sent in chunks.
    ///
    /// # Errors
    /// See [the type](Self#errors); also [`InvalidInput`](io::ErrorKind::InvalidInput) if more than 256 pieces wait to be sent.
    ///
    /// ```
    /// use basehttp::Payload;
    /// use basehttp::prelude::*;
    ///
    /// struct Map { base: BaseHTTPRequestHandler, image: Payload }
    ///
    /// #[http_handler]
    /// impl Map {
    ///     fn do_GET(&self) -> std::io::Result<()> {
    ///         self.send_response(200);
    ///         self.send_header("Content-Type", "image/png");
    ///         self.send_header("Content-Length", self.image.len());
    ///         self.end_headers()?;
    ///         self.wfile.send_bytes(self.image.clone())
    ///     }
    /// }
    ///
    /// // Made once; every handler gets a clone, which shares the bytes.
    /// let image = Payload::from(vec![0; 1 << 20]);
    /// let factory = move |base| Map { base, image: image.clone() };
    /// let responses = basehttp::testing::respond(factory, b"GET / HTTP/1.0\r\n\r\n");
    /// assert_eq!(responses[0].body.len(), 1 << 20);
    /// ```
    pub fn send_bytes(&self, payload: impl Into<Payload>) -> io::Result<()> {
        let payload = payload.into();
        if payload.len() < FEW {
            return self.write_all(payload.as_bytes());
        }
        let len = payload.len() as u64;
        self.shared.lock().attach(Source::Payload(payload), 0..len)
    }

    /// Adds a trailer field to the response (RFC 9110 section 6.5), for what is known only after the body: a digest, a
    /// `Server-Timing`, a status. Call it after [`end_headers`](super::RequestHandler::end_headers), once for each field;
    /// more body may follow. The fields are sent after the last chunk.
    ///
    /// Only a chunked body of HTTP/1.1 has trailer fields. So the class variable
    /// [`protocol_version`](super::RequestHandler::protocol_version) must be `"HTTP/1.1"`, the response must have no
    /// `Content-Length`, and even a small body is sent in chunks. A client that speaks HTTP/1.0, or that sent HEAD, gets
    /// the response without these fields. A response that is cut short has no trailer fields.
    ///
    /// The field `Trailer` of the head announces them. The server announces the fields that were added before the head
    /// was sent. Announce later ones yourself, for example before a long body: `send_header("Trailer", "Server-Timing")`.
    ///
    /// The fields are sent whether or not the client says `TE: trailers` (RFC 9110 section 10.1.4). Many clients ignore
    /// them, and proxies may drop them. Do not send anything there that the client must have, unless
    /// [`headers`](super::BaseHTTPRequestHandler::headers) has that `TE`.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if
    /// - it is called before `end_headers()`, or after the end of the response,
    /// - the response has a `Content-Length`, or a status without a body, or opens a tunnel (101, CONNECT),
    /// - `protocol_version` is `HTTP/1.0`, which is the default,
    /// - the name or the value is not allowed in a header field,
    /// - the field must come before the body (RFC 9110 section 6.5.1): fields for framing, routing, authentication and
    ///   caching, and those that say how to read the body, such as `Content-Type`,
    /// - the trailer section would be longer than 16 KiB.
    ///
    /// If you return the error, the response fails: a 500, or a cut connection if the head has been sent. If the field is
    /// optional, ignore the error, and the response continues.
    ///
    /// ```
    /// use basehttp::prelude::*;
    ///
    /// struct Sum { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Sum {
    ///     const protocol_version: &str = "HTTP/1.1";
    ///
    ///     fn do_GET(&self) -> std::io::Result<()> {
    ///         self.send_response(200);
    ///         self.send_header("Trailer", "X-Sum");
    ///         self.end_headers()?;
    ///         let mut sum = 0;
    ///         for number in 1..=100 {
    ///             writeln!(self.wfile, "{number}")?;
    ///             sum += number;
    ///         }
    ///         self.wfile.send_trailer("X-Sum", sum)
    ///     }
    /// }
    ///
    /// let responses = basehttp::testing::respond(|base| Sum { base }, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    /// assert_eq!(responses[0].header("transfer-encoding"), Some("chunked"));
    /// assert_eq!(responses[0].trailers.get("x-sum"), Some("5050"));
    /// ```
    pub fn send_trailer(&self, keyword: &str, value: impl Display) -> io::Result<()> {
        // The text is made before the connection is locked: `Display` is user code.
        let mut text = String::new();
        let formatted = write!(text, "{value}");
        self.shared.lock().trailer(keyword, formatted.map(|()| &*text))
    }

    /// Sends what has been written so far. A head without `Content-Length` then begins a chunked body.
    ///
    /// # Errors
    /// See [the type](Self#errors). Before `end_headers()` there is nothing to send, which is not an error.
    pub fn flush(&self) -> io::Result<()> {
        self.shared.lock().flush()
    }
}

/// Below this number of bytes, a copy costs less than another system call.
const FEW: usize = 16 * 1024;

/// A sink for formatted text, which keeps the first I/O error.
struct Pieces<'a> {
    file: &'a WFile,
    error: Option<io::Error>,
}

impl fmt::Write for Pieces<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.file.write_all(text.as_bytes()).map_err(|error| {
            self.error = Some(error);
            fmt::Error
        })
    }
}

impl fmt::Debug for WFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WFile").finish_non_exhaustive()
    }
}

impl Write for &WFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        WFile::write(self, buf)
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        WFile::write_all(self, buf)
    }

    fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) -> io::Result<()> {
        WFile::write_fmt(self, arguments)
    }

    fn flush(&mut self) -> io::Result<()> {
        WFile::flush(self)
    }
}

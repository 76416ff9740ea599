//! The body of the reply.

use std::cell::Cell;
use std::fmt;
#[cfg(feature = "files")]
use std::fs::File;
use std::io::{self, Write};
use std::marker::PhantomData;
#[cfg(feature = "files")]
use std::ops::Range;
#[cfg(feature = "files")]
use std::sync::Arc;

use super::exchange::Shared;

/// The output stream of a handler, for the body of its reply: Python's `wfile`.
///
/// What is written is framed as it must be (RFC 9112 section 6): counted where the head has a `Content-Length`, with a
/// `Content-Length` added where it has none and the body is small, in chunks where it is not or
/// [`flush`](Self::flush) is called, and until the end of the connection for HTTP/1.0. The body of a reply to HEAD is
/// not sent.
///
/// The methods take `&self`, and [`Write`] is implemented for `&WFile`; so `write!(self.wfile, ...)` and
/// `io::copy(&mut file, &mut &self.wfile)` work.
///
/// # Errors
/// Every write can fail with
/// - [`InvalidInput`](io::ErrorKind::InvalidInput): it came before `end_headers()`, is more than `Content-Length`
///   declared, or is for a status without a body,
/// - [`BrokenPipe`](io::ErrorKind::BrokenPipe): a HEAD reply is complete, more body would be for nobody,
/// - [`TimedOut`](io::ErrorKind::TimedOut): the client takes nothing,
/// - another error of the connection, mostly that the client went away.
///
/// Returning such an error from the `do_*` method is right in every case.
pub struct WFile {
    shared: Shared,
    /// Not `Sync`: a read that waits for the client has the connection, so a write by another thread would wait for it.
    one_thread: PhantomData<Cell<()>>,
}

impl WFile {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared, one_thread: PhantomData }
    }

    /// Writes some bytes, and returns how many.
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

    /// Writes formatted text; what `write!` and `writeln!` call.
    ///
    /// # Errors
    /// See [the type](Self#errors).
    pub fn write_fmt(&self, arguments: fmt::Arguments<'_>) -> io::Result<()> {
        // Piece by piece, the lock taken for each: a `Display` of the user's may call back into the handler's base.
        let mut pieces = Pieces { file: self, error: None };
        match fmt::Write::write_fmt(&mut pieces, arguments) {
            Ok(()) => Ok(()),
            Err(fmt::Error) => Err(pieces.error.unwrap_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidInput, "a Display returned an error")
            })),
        }
    }

    /// Makes some bytes of a file the next part of the body, without waiting for the client.
    ///
    /// # Errors
    /// See [the type](Self#errors).
    #[cfg(feature = "files")]
    pub fn send_file(&self, file: &Arc<File>, range: Range<u64>) -> io::Result<()> {
        let _ = (file, range);
        todo!()
    }

    /// Sends what was written so far. A head without `Content-Length` is sent as that of a chunked body then.
    ///
    /// # Errors
    /// See [the type](Self#errors). Before `end_headers()` there is nothing to send, which is no error.
    pub fn flush(&self) -> io::Result<()> {
        self.shared.lock().flush()
    }
}

/// Formatted text on its way, and why it did not get there.
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

//! A form of files (RFC 7578), read as it comes.
//!
//! The parser is asynchronous and this server is not: whenever it has to wait, a piece of the body is read and laid before
//! it. It would take all pieces that it can get before it looks at one, so it never gets more than one.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use basehttp::RFile;
use futures_util::Stream;
use futures_util::stream::poll_fn;
use multer::{Field, Multipart};

/// A form on its way.
pub(crate) struct Form<'a> {
    parts: Multipart<'static>,
    source: Source<'a>,
}

/// Why it cannot be read.
#[derive(Debug)]
pub(crate) enum FormError {
    /// The connection's: the client is answered for what it is.
    Connection(io::Error),
    /// It is longer than what is taken.
    TooLong,
    /// It is none.
    Malformed(String),
}

struct Source<'a> {
    rfile: &'a RFile,
    table: Arc<Mutex<Table>>,
    buffer: Vec<u8>,
    /// Bytes that may still come.
    left: u64,
    /// Bytes that the parser keeps and has made nothing of.
    unused: usize,
    /// How often it was asked after the end.
    idle: u32,
}

/// Where the next piece lies.
#[derive(Default)]
struct Table {
    piece: Option<Vec<u8>>,
    is_end: bool,
}

/// Read at a time.
const PIECE: usize = 64 * 1024;

/// The parser looks for the end of a part's head in all that has come: a head that has none must not fill the memory. The
/// heads of browsers have a few hundred bytes.
const MOST_UNUSED: usize = 256 * 1024;

/// At the end it is done after a few steps, or never.
const MOST_IDLE: u32 = 16;

impl<'a> Form<'a> {
    /// The form in a body of up to `limit` bytes, whose parts are divided by `boundary`.
    pub(crate) fn new(rfile: &'a RFile, boundary: String, limit: u64) -> Self {
        let table: Arc<Mutex<Table>> = Arc::default();
        let shared = table.clone();
        let pieces = poll_fn(move |_| {
            let mut table = shared.lock().unwrap_or_else(PoisonError::into_inner);
            match table.piece.take() {
                Some(piece) => Poll::Ready(Some(Ok::<_, io::Error>(piece))),
                None if table.is_end => Poll::Ready(None),
                None => Poll::Pending,
            }
        });
        let source = Source { rfile, table, buffer: vec![0; PIECE], left: limit, unused: 0, idle: 0 };
        Self { parts: Multipart::new(pieces, boundary), source }
    }

    /// The next part. The one before has to be dropped.
    pub(crate) fn part(&mut self) -> Result<Option<Field<'static>>, FormError> {
        let parts = &mut self.parts;
        self.source.drive(|context| parts.poll_next_field(context))
    }

    /// The next bytes of a part.
    pub(crate) fn bytes(
        &mut self,
        field: &mut Field<'static>,
    ) -> Result<Option<impl AsRef<[u8]> + use<>>, FormError> {
        self.source.drive(|context| Pin::new(&mut *field).poll_next(context).map(Option::transpose))
    }
}

impl Source<'_> {
    fn drive<T>(
        &mut self,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<multer::Result<T>>,
    ) -> Result<T, FormError> {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            match poll(&mut context) {
                Poll::Ready(Ok(value)) => {
                    self.unused = 0;
                    return Ok(value);
                }
                Poll::Ready(Err(error)) => return Err(FormError::Malformed(error.to_string())),
                Poll::Pending => self.feed()?,
            }
        }
    }

    fn feed(&mut self) -> Result<(), FormError> {
        let count = self.rfile.read(&mut self.buffer).map_err(FormError::Connection)?;
        let piece = self.buffer.get(..count).unwrap_or_default();
        self.left = self.left.checked_sub(count as u64).ok_or(FormError::TooLong)?;
        self.unused += count;
        if self.unused > MOST_UNUSED {
            return Err(FormError::Malformed(
                "the head of a part, or a field that is no file, is too long".to_owned(),
            ));
        }
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if count == 0 {
            table.is_end = true;
            self.idle += 1;
            if self.idle > MOST_IDLE {
                return Err(FormError::Malformed("the form has no end".to_owned()));
            }
        } else {
            table.piece = Some(piece.to_vec());
        }
        Ok(())
    }
}

//! The request's body, as a script gets it.

use std::io::{self, Read, Seek, Write};

use tempfile::SpooledTempFile;

use crate::handler::{BaseHTTPRequestHandler, Message, RFile};
use crate::sync::{AtomicU64, Ordering};

/// The body's length, if there is one, and its source.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) length: Option<u64>,
    pub(super) source: Source,
}

#[derive(Debug)]
pub(super) enum Source {
    Nothing,
    /// To be read from the client.
    Client,
    /// Stored completely before the script began.
    Kept(Kept),
}

/// A stored body.
#[derive(Debug)]
pub(super) struct Kept {
    file: SpooledTempFile,
    length: u64,
}

/// How many bytes this process stores.
static KEPT: AtomicU64 = AtomicU64::new(0);

/// Why a body cannot be passed to a script.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A fault of the client or its connection, which the server answers by itself.
    Client(io::Error),
    /// It cannot be stored.
    Disk(io::Error),
}

/// How much of a body is held in memory; a longer one goes to disk.
const IN_MEMORY: usize = 1 << 20;

const PIECE: usize = 64 * 1024;

impl Body {
    pub(super) const NONE: Self = Self { length: None, source: Source::Nothing };
    pub(super) const EMPTY: Self = Self { length: Some(0), source: Source::Nothing };

    /// A body with a declared length. It is passed on as it arrives.
    pub(super) fn coming(length: u64) -> Self {
        Self { length: Some(length), source: Source::Client }
    }

    /// Stores all of a body without a declared length, since the script must be told the length (RFC 3875 section 4.1.2). Its
    /// file has no name, or loses it before anything is written, so it disappears with this process at the latest.
    pub(super) fn gather<M: Message>(
        handler: &BaseHTTPRequestHandler<M>,
        limit: u64,
        total: u64,
    ) -> Result<Self, Refusal> {
        let mut kept = Kept { file: SpooledTempFile::new(IN_MEMORY), length: 0 };
        let mut piece = vec![0; PIECE];
        loop {
            let count = handler.rfile.read(&mut piece).map_err(Refusal::Client)?;
            if count == 0 {
                break;
            }
            if kept.length + count as u64 > limit {
                return Err(Refusal::Client(handler.body_too_large(limit)));
            }
            kept.add(piece.get(..count).unwrap_or_default(), total.max(limit)).map_err(Refusal::Disk)?;
        }
        kept.file.rewind().map_err(Refusal::Disk)?;
        Ok(Self { length: Some(kept.length), source: Source::Kept(kept) })
    }
}

impl Kept {
    /// Stores these bytes, too, unless all bodies together would have more than `most`.
    fn add(&mut self, bytes: &[u8], most: u64) -> io::Result<()> {
        let count = bytes.len() as u64;
        let before = KEPT.fetch_add(count, Ordering::Relaxed);
        self.length += count;
        if before + count > most {
            let text = format!("all stored bodies together would have more than {most} bytes");
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
        }
        self.file.write_all(bytes)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        KEPT.fetch_sub(self.length, Ordering::Relaxed);
    }
}

impl Source {
    /// Reads more of the body. `Some(0)` is its end; `None` means that the client must be waited for.
    pub(super) fn read(&mut self, rfile: &RFile, room: &mut [u8]) -> Result<Option<usize>, Refusal> {
        match self {
            Self::Nothing => Ok(Some(0)),
            Self::Client => rfile.read_now(room).map_err(Refusal::Client),
            Self::Kept(kept) => kept.file.read(room).map(Some).map_err(Refusal::Disk),
        }
    }
}

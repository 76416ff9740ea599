//! The request's body, as far as it is for a script.

use std::io::{self, Read, Seek, Write};

use tempfile::SpooledTempFile;

use crate::handler::{BaseHTTPRequestHandler, Message, RFile};
use crate::sync::{AtomicU64, Ordering};

/// Of the body, how long it is, if there is one, and where it comes from.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) length: Option<u64>,
    pub(super) source: Source,
}

#[derive(Debug)]
pub(super) enum Source {
    Nothing,
    /// It is to be read from the client.
    Client,
    /// It was kept until all of it was here.
    Kept(Kept),
}

/// What was kept of a body.
#[derive(Debug)]
pub(super) struct Kept {
    file: SpooledTempFile,
    length: u64,
}

/// How much is kept in this process.
static KEPT: AtomicU64 = AtomicU64::new(0);

/// Why a body is not for a script.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The client's fault, or its connection's: what the server answers by itself.
    Client(io::Error),
    /// There is no room to keep it.
    Disk(io::Error),
}

/// So much of a body is kept in memory; what is longer, on the disk.
const IN_MEMORY: usize = 1 << 20;

const PIECE: usize = 64 * 1024;

impl Body {
    pub(super) const NONE: Self = Self { length: None, source: Source::Nothing };
    pub(super) const EMPTY: Self = Self { length: Some(0), source: Source::Nothing };

    /// Of the length that the client has declared. It is passed on as it comes.
    pub(super) fn coming(length: u64) -> Self {
        Self { length: Some(length), source: Source::Client }
    }

    /// Takes in all of a body whose length nobody has declared, since the script is to be told (RFC 3875 section 4.1.2). Its file
    /// has no name, or has lost it before there is anything in it, and so ends with this process or before.
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
    /// Keeps these bytes too, where all bodies together do not have more than `most`.
    fn add(&mut self, bytes: &[u8], most: u64) -> io::Result<()> {
        let count = bytes.len() as u64;
        let before = KEPT.fetch_add(count, Ordering::Relaxed);
        self.length += count;
        if before + count > most {
            let text = format!("all that are kept would have more than {most} bytes together");
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
    /// More of the body; `Some(0)` is its end, and None that the client has to be waited for.
    pub(super) fn read(&mut self, rfile: &RFile, room: &mut [u8]) -> Result<Option<usize>, Refusal> {
        match self {
            Self::Nothing => Ok(Some(0)),
            Self::Client => rfile.read_now(room).map_err(Refusal::Client),
            Self::Kept(kept) => kept.file.read(room).map(Some).map_err(Refusal::Disk),
        }
    }
}

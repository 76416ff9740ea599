//! The request's body, as far as it is for a script.

use std::io::{self, Read, Seek, Write};

use tempfile::SpooledTempFile;

use crate::handler::{BaseHTTPRequestHandler, Message, RFile};

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
    Kept(SpooledTempFile),
}

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
    ) -> Result<Self, Refusal> {
        let mut kept = SpooledTempFile::new(IN_MEMORY);
        let mut piece = vec![0; PIECE];
        let mut length = 0;
        loop {
            let count = handler.rfile.read(&mut piece).map_err(Refusal::Client)?;
            if count == 0 {
                break;
            }
            length += count as u64;
            if length > limit {
                return Err(Refusal::Client(handler.body_too_large(limit)));
            }
            kept.write_all(piece.get(..count).unwrap_or_default()).map_err(Refusal::Disk)?;
        }
        kept.rewind().map_err(Refusal::Disk)?;
        Ok(Self { length: Some(length), source: Source::Kept(kept) })
    }
}

impl Source {
    /// More of the body; `Some(0)` is its end, and None that the client has to be waited for.
    pub(super) fn read(&mut self, rfile: &RFile, room: &mut [u8]) -> Result<Option<usize>, Refusal> {
        match self {
            Self::Nothing => Ok(Some(0)),
            Self::Client => rfile.read_now(room).map_err(Refusal::Client),
            Self::Kept(kept) => kept.read(room).map(Some).map_err(Refusal::Disk),
        }
    }
}

//! The response body that a file handler sends.

use std::fs::File;
use std::io;
use std::ops::Range;

use crate::handler::WFile;
use crate::handler::payload::Payload;
use crate::handler::wire::read_at;
use crate::sync::Arc;

/// The body that [`send_head`](super::FileRequestHandler::send_head) leaves to be sent: Python's file object.
#[derive(Debug)]
pub struct Content {
    pub(super) parts: Vec<Part>,
}

/// A piece of the body.
#[derive(Debug)]
pub(super) enum Part {
    Bytes(Vec<u8>),
    /// Bytes shared with other responses.
    Shared(Payload),
    File(Arc<File>, Range<u64>),
}

/// The source of a file's bytes, of which a request may ask for parts.
pub(super) enum Source {
    File(Arc<File>),
    Memory(&'static [u8]),
}

impl Source {
    /// This range of it.
    pub(super) fn part(&self, range: Range<u64>) -> Part {
        match self {
            Self::File(file) => Part::File(file.clone(), range),
            Self::Memory(bytes) => {
                let [start, end] =
                    [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
                Part::Shared(bytes.get(start..end).unwrap_or_default().into())
            }
        }
    }
}

impl Content {
    /// A body of these bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { parts: vec![Part::Bytes(bytes.into())] }
    }

    /// A body of this range of a file.
    pub fn file(file: File, range: Range<u64>) -> Self {
        Self { parts: vec![Part::File(file.into(), range)] }
    }

    /// The length in bytes.
    pub fn len(&self) -> u64 {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Bytes(bytes) => bytes.len() as u64,
                Part::Shared(payload) => payload.len() as u64,
                Part::File(_, range) => range.end.saturating_sub(range.start),
            })
            .sum()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sends this as the body of the response.
    pub(super) fn send(self, wfile: &WFile) -> io::Result<()> {
        self.parts.into_iter().try_for_each(|part| match part {
            Part::Bytes(bytes) => wfile.write_all(&bytes),
            Part::Shared(payload) => wfile.send_bytes(payload),
            Part::File(file, range) => send_file(wfile, &file, range),
        })
    }
}

/// Sends bytes of a file: a few together with earlier output, many directly from the file.
fn send_file(wfile: &WFile, file: &Arc<File>, range: Range<u64>) -> io::Result<()> {
    let len = range.end.saturating_sub(range.start);
    if len > FEW {
        return wfile.send_file(file, range);
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or_default()];
    let mut room = &mut bytes[..];
    let mut position = range.start;
    while !room.is_empty() {
        match read_at(file, room, position)? {
            0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file has become shorter")),
            count => {
                position += count as u64;
                room = room.get_mut(count..).unwrap_or_default();
            }
        }
    }
    wfile.write_all(&bytes)
}

/// Up to this size, copying costs less than another system call.
const FEW: u64 = 32 * 1024;

//! The body of a reply that a file handler sends.

use std::fs::File;
use std::ops::Range;

/// What [`send_head`](super::FileRequestHandler::send_head) leaves to be sent: Python's file object.
#[derive(Debug)]
pub struct Content {
    pub(super) parts: Vec<Part>,
}

/// A piece of it.
#[derive(Debug)]
pub(super) enum Part {
    Bytes(Vec<u8>),
    File(std::sync::Arc<File>, Range<u64>),
}

impl Content {
    /// Some bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { parts: vec![Part::Bytes(bytes.into())] }
    }

    /// These bytes of a file.
    pub fn file(file: File, range: Range<u64>) -> Self {
        Self { parts: vec![Part::File(file.into(), range)] }
    }

    /// How many bytes it is.
    pub fn len(&self) -> u64 {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Bytes(bytes) => bytes.len() as u64,
                Part::File(_, range) => range.end.saturating_sub(range.start),
            })
            .sum()
    }

    /// Whether it is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

//! Data with a place between the bytes of the responses, sent without a copy: from a file or from shared memory.

use std::fs::File;
use std::ops::Range;

use crate::handler::payload::Payload;
use crate::sync::Arc;

/// Bytes to be sent without a copy.
#[derive(Debug)]
pub(super) struct Attached {
    /// How many bytes of the response's buffer come before them.
    pub(super) offset: usize,
    pub(super) source: Source,
    position: u64,
    left: u64,
    /// Whether it is a copy, kept by the server, of what the handler has written.
    is_kept: bool,
}

/// Where the bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    File(Arc<File>),
    Payload(Payload),
}

/// A response with more attachments must wait for its client: each holds a descriptor or memory.
pub(super) const MOST_ATTACHED: usize = 256;

impl Attached {
    pub(super) fn new(offset: usize, source: Source, range: Range<u64>) -> Self {
        let left = range.end.saturating_sub(range.start);
        Self { offset, source, position: range.start, left, is_kept: false }
    }

    /// The first `len` bytes of a copy.
    pub(super) fn kept(offset: usize, kept: Payload, len: usize) -> Self {
        Self { is_kept: true, ..Self::new(offset, Source::Payload(kept), 0..len as u64) }
    }

    /// How many of its bytes are copies.
    pub(super) fn kept_bytes(&self) -> u64 {
        match &self.source {
            // All of the copy stays until its last byte is sent.
            Source::Payload(payload) if self.is_kept => payload.len() as u64,
            _ => 0,
        }
    }

    /// Whether the handler handed it over.
    pub(super) fn is_handed_over(&self) -> bool {
        !self.is_kept
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Its file, if it has one, with the position and the number of bytes.
    pub(super) fn of_file(&self) -> Option<(&Arc<File>, u64, u64)> {
        match &self.source {
            Source::File(file) => Some((file, self.position, self.left)),
            Source::Payload(_) => None,
        }
    }

    /// Its bytes in memory, at most `most`.
    pub(super) fn in_memory(&self, most: u64) -> &[u8] {
        let Source::Payload(payload) = &self.source else { return &[] };
        let end = self.position.saturating_add(self.left.min(most));
        let offset = |position| usize::try_from(position).unwrap_or(usize::MAX);
        payload.as_bytes().get(offset(self.position)..offset(end)).unwrap_or_default()
    }

    /// Records that this many bytes were sent. True if they were the last.
    pub(super) fn advance(&mut self, count: u64) -> bool {
        self.position += count;
        self.left = self.left.saturating_sub(count);
        self.left == 0
    }
}

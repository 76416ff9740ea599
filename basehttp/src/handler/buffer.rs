//! Received bytes that nobody has consumed yet.

use std::io;

/// A buffer whose memory stays initialised, so that reading into it costs no clearing.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// The least room offered to a read.
const ROOM: usize = 4096;

/// What is kept for the next request.
const USUAL: usize = 4 * ROOM;

impl Buffer {
    pub(crate) fn data(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Gives back the memory that an unusual request has taken.
    pub(crate) fn trim(&mut self) {
        if self.is_empty() && self.bytes.len() > USUAL {
            self.bytes = Vec::new();
        }
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.is_empty() {
            self.clear();
        }
    }

    /// Moves the first `count` bytes into `head`; without a copy where there are no others.
    pub(crate) fn split_off_front(&mut self, count: usize, head: &mut Self) {
        head.clear();
        if self.data().len() <= count {
            std::mem::swap(self, head);
            return;
        }
        let front = self.data().get(..count).unwrap_or_default();
        if head.bytes.len() < front.len() {
            head.bytes.resize(front.len().max(ROOM), 0);
        }
        if let Some(room) = head.bytes.get_mut(..front.len()) {
            room.copy_from_slice(front);
            head.end = room.len();
        }
        self.consume(count);
    }

    /// Appends `bytes`.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.truncate(self.end);
        self.bytes.extend_from_slice(bytes);
        self.end = self.bytes.len();
    }

    /// Appends what one call of `read` gives.
    pub(crate) fn fill(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        if self.bytes.len() - self.end < ROOM / 4 && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.bytes.len() - self.end < ROOM / 4 {
            self.bytes.resize((self.bytes.len() * 2).max(ROOM), 0);
        }
        let count = read(self.bytes.get_mut(self.end..).unwrap_or_default())?;
        self.end = (self.end + count).min(self.bytes.len());
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(data: &[u8]) -> Buffer {
        let mut buffer = Buffer::default();
        for piece in data.chunks(1000) {
            let count = buffer.fill(|room| {
                room[..piece.len()].copy_from_slice(piece);
                Ok(piece.len())
            });
            assert_eq!(count.unwrap(), piece.len());
        }
        buffer
    }

    #[test]
    fn data_survives_growing_and_compacting() {
        let data: Vec<u8> = (0..=255).cycle().take(20_000).collect();
        let mut buffer = buffer(&data);
        assert_eq!(buffer.data(), data);
        buffer.consume(19_000);
        assert_eq!(buffer.data(), &data[19_000..]);
        buffer
            .fill(|room| {
                room[0] = 7;
                Ok(1)
            })
            .unwrap();
        assert_eq!(buffer.data()[..1000], data[19_000..]);
        assert_eq!(buffer.data()[1000..], [7]);
    }

    #[test]
    fn the_front_is_split_off() {
        let mut head = Buffer::default();
        let mut input = buffer(b"GET /");
        input.split_off_front(5, &mut head);
        assert_eq!((head.data(), input.data()), (&b"GET /"[..], &b""[..]));
        let mut input = buffer(b"POST / HTTP/1.1 body");
        input.split_off_front(16, &mut head);
        assert_eq!((head.data(), input.data()), (&b"POST / HTTP/1.1 "[..], &b"body"[..]));
    }
}

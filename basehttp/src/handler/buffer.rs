//! Received bytes that have not been consumed yet.

use std::io;

/// A buffer whose memory stays initialised, so that reading into it costs no clearing.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// The size of a new buffer.
const USUAL: usize = 16 * 1024;

/// The least room offered to a read.
const ROOM: usize = 64;

impl Buffer {
    pub(crate) const NONE: Self = Self { bytes: Vec::new(), start: 0, end: 0 };

    #[inline]
    pub(crate) fn data(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Frees the memory if an unusual request has enlarged it, or if it is too small for the next one.
    pub(crate) fn trim(&mut self) {
        if self.is_empty() && self.bytes.len() != USUAL {
            self.bytes = Vec::new();
        }
    }

    /// Takes the memory of `spare` if it has none.
    pub(crate) fn borrow_memory(&mut self, spare: &mut Self) {
        if self.bytes.is_empty() {
            std::mem::swap(self, spare);
        }
    }

    /// Keeps only the memory that the bytes in it need, and gives the rest to `spare`. It keeps some extra room, so that a
    /// client that sends byte by byte does not cause a copy of all bytes each time.
    pub(crate) fn shrink(&mut self, spare: &mut Self) {
        let len = self.data().len();
        let needed = if len == 0 { 0 } else { len + len / 2 + 2 * ROOM };
        if self.bytes.len() <= 2 * needed {
            return;
        }
        let mut bytes = Vec::new();
        if len > 0 {
            bytes.reserve_exact(needed);
            bytes.extend_from_slice(self.data());
            bytes.resize(needed, 0);
        }
        let mut large = std::mem::replace(self, Self { bytes, start: 0, end: len });
        large.clear();
        large.trim();
        spare.borrow_memory(&mut large);
    }

    #[inline]
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.is_empty() {
            self.clear();
        }
    }

    /// Moves the first `count` bytes into `head`, without a copy if there are no others.
    #[inline]
    pub(crate) fn split_off_front(&mut self, count: usize, head: &mut Self) {
        head.clear();
        if self.data().len() <= count {
            std::mem::swap(self, head);
            return;
        }
        let front = self.data().get(..count).unwrap_or_default();
        if head.bytes.len() < front.len() {
            head.bytes.resize(front.len().max(USUAL), 0);
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

    /// Appends the bytes of one call to `read`.
    #[inline]
    pub(crate) fn fill(&mut self, read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        // Never moves more bytes than were consumed.
        if self.start > 0 && self.data().len() <= self.start {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.is_empty() && self.bytes.len() < USUAL {
            self.bytes = vec![0; USUAL];
        } else if self.bytes.len() - self.end < ROOM {
            self.bytes.resize((self.bytes.len() * 2).max(2 * ROOM), 0);
        }
        let count = read(self.bytes.get_mut(self.end..).unwrap_or_default())?;
        self.end = (self.end + count).min(self.bytes.len());
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &mut Buffer, mut data: &[u8]) {
        while !data.is_empty() {
            let count = buffer.fill(|room| {
                let count = data.len().min(room.len()).min(1000);
                room[..count].copy_from_slice(&data[..count]);
                Ok(count)
            });
            data = &data[count.unwrap()..];
        }
    }

    fn buffer(data: &[u8]) -> Buffer {
        let mut buffer = Buffer::default();
        fill(&mut buffer, data);
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

    #[test]
    fn what_is_kept_is_little_more_than_the_data() {
        let mut spare = Buffer::default();
        let mut input = buffer(b"GET / HT");
        input.shrink(&mut spare);
        assert_eq!((input.data(), spare.bytes.len()), (&b"GET / HT"[..], USUAL));
        assert!(input.bytes.len() < 200, "{}", input.bytes.len());
        input.consume(8);
        input.shrink(&mut spare);
        assert_eq!(input.bytes.capacity(), 0);
        input.borrow_memory(&mut spare);
        assert_eq!((input.bytes.len(), spare.bytes.len()), (USUAL, 0));
    }

    #[test]
    fn small_memory_does_not_make_the_next_reads_small() {
        let mut input = buffer(b"GET / HT");
        input.shrink(&mut Buffer::default());
        input.consume(8);
        fill(&mut input, b"G");
        assert_eq!(input.bytes.len(), USUAL);
    }

    #[test]
    fn a_trickling_client_has_few_bytes_copied() {
        let (mut input, mut spare) = (Buffer::default(), Buffer::default());
        let (mut moves, mut at) = (0, std::ptr::null());
        for count in 1..=20_000 {
            fill(&mut input, b"a");
            input.shrink(&mut spare);
            assert!(input.bytes.len() <= 4 * count + 4 * ROOM, "{count} {}", input.bytes.len());
            moves += usize::from(!std::ptr::eq(at, input.bytes.as_ptr()));
            at = input.bytes.as_ptr();
        }
        assert!(moves < 20, "{moves}");
        assert_eq!(input.data(), vec![b'a'; 20_000]);
    }
}

//! The body of the request: its framing taken off, the client asked for it when it is wanted.

use std::io;

use super::{DIRECT, Exchange, Trouble, gone};
use crate::handler::message::{Headers, Message};
use crate::handler::wire::Phase;
use crate::proto::chunked::{ChunkStep, ChunkedDecoder};
use crate::proto::fault::Fault;

/// The part of the request's body that has not been read.
pub(super) enum Incoming {
    None,
    Length(u64),
    /// `ready` bytes at the front of the input are data.
    Chunked {
        decoder: Box<ChunkedDecoder>,
        ready: usize,
    },
}

impl Exchange {
    /// Whether there is body that nobody has read.
    pub(crate) fn has_body(&self) -> bool {
        !matches!(self.body, Incoming::None)
    }

    /// Reads body bytes, with the framing taken off. `Ok(0)` is the end of the body.
    pub(crate) fn read_body(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.read_incoming(out)?;
        // A client whose body is here does not wait for `100 Continue`.
        self.waits_for_continue &= count == 0;
        Ok(count)
    }

    fn read_incoming(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        match self.trouble {
            Some(Trouble::Fault(fault)) => return Err(faulty(fault)),
            Some(Trouble::ClientGone) => return Err(gone()),
            _ => {}
        }
        match &mut self.body {
            Incoming::None => Ok(0),
            Incoming::Length(left) => {
                let room = usize::try_from(*left).unwrap_or(usize::MAX).min(out.len());
                let out = out.get_mut(..room).unwrap_or_default();
                let count = self.read_raw(out)?;
                self.count_length(count);
                Ok(count)
            }
            Incoming::Chunked { .. } => self.read_chunked(out),
        }
    }

    fn count_length(&mut self, count: usize) {
        if let Incoming::Length(left) = &mut self.body {
            *left -= count as u64;
            if *left == 0 {
                self.body = Incoming::None;
            }
        }
    }

    /// Reads what comes next in the input, at least a byte.
    fn read_raw(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() && out.len() >= DIRECT {
            self.prepare_to_wait()?;
            let read = self.wire.read(out);
            return match self.received(read)? {
                0 => Err(self.fault(Fault::IncompleteBody)),
                count => Ok(count),
            };
        }
        self.need_input()?;
        let data = self.input.data();
        let count = data.len().min(out.len());
        copy(data, out);
        self.input.consume(count);
        Ok(count)
    }

    fn read_chunked(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let Incoming::Chunked { decoder, ready } = &mut self.body else { return Ok(0) };
            if *ready > 0 {
                let count = (*ready).min(out.len());
                *ready -= count;
                copy(self.input.data(), out.get_mut(..count).unwrap_or_default());
                self.input.consume(count);
                return Ok(count);
            }
            match decoder.step(self.input.data()) {
                Ok(ChunkStep::Data { skip, len }) => {
                    *ready = len;
                    self.input.consume(skip);
                }
                Ok(ChunkStep::End { consumed }) => {
                    let (bytes, fields) = decoder.trailers();
                    for field in fields {
                        let name = std::str::from_utf8(field.name.of(bytes)).unwrap_or_default();
                        self.trailers.append(name, field.value.of(bytes));
                    }
                    self.input.consume(consumed);
                    self.body = Incoming::None;
                    return Ok(0);
                }
                Ok(ChunkStep::NeedMore { consumed }) => {
                    self.input.consume(consumed);
                    self.need_input()?;
                }
                Err(fault) => return Err(self.fault(fault)),
            }
        }
    }

    /// Waits until there is input.
    fn need_input(&mut self) -> io::Result<()> {
        if !self.input.is_empty() {
            return Ok(());
        }
        self.prepare_to_wait()?;
        let filled = self.input.fill(|room| self.wire.read(room));
        match self.received(filled)? {
            0 => Err(self.fault(Fault::IncompleteBody)),
            _ => Ok(()),
        }
    }

    /// Before the handler waits for the client, the client must have what it may be waiting for: the interim response
    /// that it asked for, or what the handler has written of its reply (Python's `wfile` has no buffer).
    fn prepare_to_wait(&mut self) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        if self.waits_for_continue {
            self.waits_for_continue = false;
            if !self.reply.is_committed() {
                self.send_ready()?;
                self.write_wire(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
        }
        if self.reply.has_news() { self.flush() } else { Ok(()) }
    }

    fn received(&mut self, read: io::Result<usize>) -> io::Result<usize> {
        match read {
            Ok(count) => {
                self.ended |= count == 0;
                Ok(count)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The trailer fields of a chunked body that was read to its end.
    pub(crate) fn trailers(&self) -> Headers {
        self.trailers.clone()
    }

    /// Reads and drops what is left of the body. False if the connection cannot be kept.
    pub(crate) fn drain(&mut self) -> bool {
        let mut scratch = [0; 4096];
        let mut left = self.bounds.drain;
        if self.has_body() {
            self.wire.enter(Phase::Drain);
        }
        while self.has_body() && !self.is_troubled() {
            match self.read_body(&mut scratch) {
                Ok(count) if (count as u64) <= left => left -= count as u64,
                _ => return false,
            }
        }
        !self.is_troubled()
    }

    fn fault(&mut self, fault: Fault) -> io::Error {
        self.record(Trouble::Fault(fault));
        self.expect_more();
        self.reply.must_close();
        faulty(fault)
    }
}

fn copy(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

fn faulty(fault: Fault) -> io::Error {
    let kind = if fault == Fault::IncompleteBody {
        io::ErrorKind::UnexpectedEof
    } else {
        io::ErrorKind::InvalidData
    };
    io::Error::new(kind, fault)
}

//! The body of the request: its framing taken off, the client asked for it when it is wanted.

use std::io;

use super::patience::Patience;
use super::{DIRECT, Exchange, LONGEST, Trouble, gone};
use crate::handler::buffer::Buffer;
use crate::handler::message::{Headers, Message};
use crate::proto::chunked::{ChunkStep, ChunkedDecoder};
use crate::proto::fault::Fault;

/// The part of the request's body that has not been read.
pub(super) enum Incoming {
    None,
    Length(u64),
    /// Whatever comes: the connection is no HTTP any more.
    Everything {
        /// The handler has it as a stream.
        handed_over: bool,
    },
    /// `decoded` was gathered; then `ready` bytes at the front of the input are data.
    Chunked {
        decoder: Box<ChunkedDecoder>,
        decoded: Buffer,
        ready: usize,
    },
    /// The rest of a chunked body, all of which was gathered.
    Gathered(Buffer),
}

/// How much of a body was taken in, or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    All,
    /// What has come of it.
    Some,
    /// As much as others should have to wait for; there may be more.
    Enough,
}

impl Exchange {
    /// How long the rest of the body is, where that was declared.
    pub(crate) fn declared(&self) -> Option<u64> {
        match self.body {
            Incoming::Length(left) => Some(left),
            _ => None,
        }
    }

    /// What follows on this connection is not HTTP, and all of it is for the handler.
    pub(crate) fn open_tunnel(&mut self) {
        if matches!(self.body, Incoming::None) {
            self.body = Incoming::Everything { handed_over: false };
            // Nothing of it could be late as a whole.
            self.sending = Patience::new(LONGEST);
            self.taking = Patience::new(LONGEST);
        }
    }

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

    /// As [`read_body`](Self::read_body) for a body of declared length, but None where the client would have to be waited for.
    /// It is late all the same when its time is over.
    #[cfg(all(feature = "cgi", unix))]
    pub(crate) fn read_body_now(&mut self, out: &mut [u8]) -> io::Result<Option<usize>> {
        if matches!(self.body, Incoming::Length(_)) && self.input.is_empty() && self.trouble.is_none() {
            self.line.wire.await_body();
            match self.input.fill(|room| self.line.wire.read(room)) {
                Ok(count) => self.sending.earn(count, &self.line.bounds.clock),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.prepare_to_wait()?;
                    self.sending.wait(&self.line.bounds.clock);
                    if !self.input_patience().is_zero() {
                        return Ok(None);
                    }
                }
                // The read finds it again.
                Err(_) => {}
            }
        }
        self.read_body(out).map(Some)
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
            Incoming::Gathered(decoded) => {
                let count = take(decoded, out);
                if decoded.is_empty() {
                    self.body = Incoming::None;
                }
                Ok(count)
            }
            Incoming::Everything { .. } if self.ended && self.input.is_empty() => Ok(0),
            Incoming::Everything { .. } => self.read_raw(out),
        }
    }

    /// Appends what is here of the body, up to `most` bytes. Nothing where more has to be done for it than to copy it.
    pub(crate) fn append_body(&mut self, out: &mut Vec<u8>, most: usize) -> usize {
        if self.trouble.is_some() {
            return 0;
        }
        let count = match &mut self.body {
            Incoming::Length(left) => {
                let count =
                    append(&mut self.input, out, usize::try_from(*left).unwrap_or(usize::MAX).min(most));
                self.count_length(count);
                count
            }
            Incoming::Chunked { decoded, .. } => append(decoded, out, most),
            Incoming::Gathered(decoded) => {
                let count = append(decoded, out, most);
                if decoded.is_empty() {
                    self.body = Incoming::None;
                }
                count
            }
            Incoming::None | Incoming::Everything { .. } => 0,
        };
        self.waits_for_continue &= count == 0;
        count
    }

    /// Whether all of the body was read, and all is well.
    pub(crate) fn is_body_over(&self) -> bool {
        self.trouble.is_none() && !self.has_body()
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
            return self.receive(|exchange| exchange.line.wire.read(out));
        }
        self.need_input()?;
        Ok(take(&mut self.input, out))
    }

    fn read_chunked(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let Incoming::Chunked { decoder, decoded, ready } = &mut self.body else { return Ok(0) };
            if !decoded.is_empty() {
                return Ok(take(decoded, out));
            }
            if *ready > 0 {
                let room = (*ready).min(out.len());
                let count = take(&mut self.input, out.get_mut(..room).unwrap_or_default());
                *ready -= count;
                return Ok(count);
            }
            match decoder.step(self.input.data()) {
                Ok(ChunkStep::Data { skip, len }) => {
                    *ready = len;
                    self.input.consume(skip);
                }
                Ok(ChunkStep::End { consumed }) => {
                    self.end_chunked(consumed);
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
        if self.input.is_empty() {
            self.receive(|exchange| exchange.input.fill(|room| exchange.line.wire.read(room)))?;
        }
        Ok(())
    }

    /// Reads body bytes from the wire, at least one, and waits for them.
    fn receive(&mut self, mut read: impl FnMut(&mut Self) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match read(self) {
                Ok(0) => {
                    self.ended = true;
                    if self.is_cut() {
                        return Err(self.failed(io::ErrorKind::ConnectionAborted.into(), ""));
                    }
                    // What is no HTTP any more ends with the connection, and nothing is wrong with that.
                    if matches!(self.body, Incoming::Everything { .. }) {
                        return Ok(0);
                    }
                    return Err(self.fault(Fault::IncompleteBody));
                }
                Ok(count) => {
                    self.sending.earn(count, &self.line.bounds.clock);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.prepare_to_wait()?;
                    self.sending.wait(&self.line.bounds.clock);
                    let timeout = self.input_patience();
                    if let Err(error) = self.wait_for_input(timeout) {
                        let deadline = self.input_deadline();
                        // The handler may try again.
                        self.sending.stop(&self.line.bounds.clock);
                        return Err(self.failed(error, deadline));
                    }
                }
                Err(error) => return Err(self.failed(error, self.input_deadline())),
            }
        }
    }

    /// Before the handler waits for the client, the client must have what it may be waiting for: the interim response
    /// that it asked for, or what the handler has written of its response (Python's `wfile` has no buffer).
    fn prepare_to_wait(&mut self) -> io::Result<()> {
        if self.waits_for_continue {
            self.waits_for_continue = false;
            if !self.response.is_committed() {
                self.send_ready()?;
                self.write_wire(CONTINUE)?;
            }
        }
        // Responses to earlier requests may be ready too.
        if self.response.has_news() { self.flush() } else { self.send_ready() }
    }

    /// Takes in what has come of a small body, or of the beginning of a long one, so that no handler, and no thread, waits for it.
    pub(crate) fn gather(&mut self) -> Taken {
        if self.trouble.is_some() {
            return Taken::All;
        }
        loop {
            match &mut self.body {
                Incoming::None | Incoming::Everything { .. } | Incoming::Gathered(_) => return Taken::All,
                Incoming::Length(length) => {
                    // Of a long body some as well: else a head is all that a thread costs.
                    let enough = (*length).min(self.line.bounds.gather as u64);
                    if self.input.data().len() as u64 >= enough {
                        return Taken::All;
                    }
                }
                Incoming::Chunked { decoder, decoded, .. } => {
                    if decoded.data().len() >= self.line.bounds.gather {
                        return Taken::All;
                    }
                    match decoder.step(self.input.data()) {
                        Ok(ChunkStep::Data { skip, len }) => {
                            self.input.consume(skip);
                            decoded.extend(self.input.data().get(..len).unwrap_or_default());
                            self.input.consume(len);
                            continue;
                        }
                        Ok(ChunkStep::NeedMore { consumed }) => self.input.consume(consumed),
                        Ok(ChunkStep::End { consumed }) => {
                            self.end_chunked(consumed);
                            return Taken::All;
                        }
                        // The handler finds the fault when it reads on: the decoder says the same again.
                        Err(_) => return Taken::All,
                    }
                }
            }
            if self.budget.is_spent(&self.line.bounds.clock) {
                return Taken::Enough;
            }
            match self.input.fill(|room| self.line.wire.read(room)) {
                Ok(count @ 1..) => {
                    self.budget.spend();
                    self.sending.earn(count, &self.line.bounds.clock);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.sending.wait(&self.line.bounds.clock);
                    return Taken::Some;
                }
                // So does the end of the input.
                Ok(0) => return Taken::All,
                Err(error) => {
                    self.failed(error, self.input_deadline());
                    return Taken::All;
                }
            }
        }
    }

    /// The trailer fields of a chunked body that was read to its end.
    pub(crate) fn trailers(&self) -> Headers {
        // Gathered with the body, they have come before the handler has read up to them.
        if self.has_body() { Headers::default() } else { self.trailers.clone() }
    }

    /// Reads and drops what has come of a body that nobody has read. None if the connection cannot be kept.
    pub(crate) fn drain(&mut self) -> Option<Taken> {
        if self.has_body() && self.until.is_none() {
            self.until = Some(self.instant() + self.read_timeout);
        }
        loop {
            if self.is_troubled() {
                return None;
            }
            if !self.has_body() {
                return Some(Taken::All);
            }
            if self.drained > self.line.bounds.drain {
                return None;
            }
            if self.input.is_empty() && !matches!(self.body, Incoming::Gathered(_)) {
                if self.budget.is_spent(&self.line.bounds.clock) {
                    return Some(Taken::Enough);
                }
                match self.input.fill(|room| self.line.wire.read(room)) {
                    Ok(1..) => self.budget.spend(),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Some(Taken::Some),
                    Ok(0) | Err(_) => return None,
                }
            }
            // There is input, so this does not wait; where a chunk is not complete, it is tried again.
            self.drop_some();
        }
    }

    /// The last chunk and the trailer section have come.
    fn end_chunked(&mut self, consumed: usize) {
        if let Incoming::Chunked { decoder, decoded, .. } = &mut self.body {
            let (bytes, fields) = decoder.trailers();
            for field in fields {
                let name = std::str::from_utf8(field.name.of(bytes)).unwrap_or_default();
                self.trailers.append(name, field.value.of(bytes));
            }
            let decoded = std::mem::take(decoded);
            self.body = if decoded.is_empty() { Incoming::None } else { Incoming::Gathered(decoded) };
        }
        self.input.consume(consumed);
    }

    fn drop_some(&mut self) {
        match &mut self.body {
            Incoming::None => {}
            Incoming::Everything { .. } | Incoming::Gathered(_) => self.body = Incoming::None,
            Incoming::Length(left) => {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(self.input.data().len());
                self.input.consume(count);
                self.drained += count as u64;
                self.count_length(count);
            }
            Incoming::Chunked { decoder, decoded, ready } => {
                self.drained += (decoded.data().len() + *ready) as u64;
                decoded.clear();
                self.input.consume(*ready);
                *ready = 0;
                match decoder.step(self.input.data()) {
                    Ok(ChunkStep::Data { skip, len }) => {
                        self.input.consume(skip + len);
                        self.drained += len as u64;
                    }
                    Ok(ChunkStep::NeedMore { consumed }) => self.input.consume(consumed),
                    Ok(ChunkStep::End { consumed }) => self.end_chunked(consumed),
                    Err(fault) => {
                        self.fault(fault);
                    }
                }
            }
        }
    }

    fn fault(&mut self, fault: Fault) -> io::Error {
        self.record(Trouble::Fault(fault));
        self.expect_more();
        self.response.must_close();
        faulty(fault)
    }
}

/// The client may go on to send the body. One that does not wait for that can discard it (RFC 9110 section 15.2.1).
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Moves bytes from the front of `from` to `to`, as many as there are or fit.
fn take(from: &mut Buffer, to: &mut [u8]) -> usize {
    let count = from.data().len().min(to.len());
    if let (Some(data), Some(room)) = (from.data().get(..count), to.get_mut(..count)) {
        room.copy_from_slice(data);
    }
    from.consume(count);
    count
}

/// Appends bytes from the front of `from` to `to`, as many as there are or `most`.
fn append(from: &mut Buffer, to: &mut Vec<u8>, most: usize) -> usize {
    let data = from.data();
    let data = data.get(..most).unwrap_or(data);
    let count = data.len();
    to.extend_from_slice(data);
    from.consume(count);
    count
}

fn faulty(fault: Fault) -> io::Error {
    let kind = if fault == Fault::IncompleteBody {
        io::ErrorKind::UnexpectedEof
    } else {
        io::ErrorKind::InvalidData
    };
    io::Error::new(kind, fault)
}

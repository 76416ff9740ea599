//! A socket and its place in the table: reads and writes follow the poller's hints.

use std::io;

use super::listener::Stream;
use super::table::Place;
use super::token::{GONE, READ, READ_CLOSED, URGENT, WRITE};
use crate::sync::Arc;

pub(super) struct Endpoint {
    pub(super) stream: Arc<Stream>,
    pub(super) place: Arc<Place>,
    /// The last read took all that was there.
    is_empty: bool,
}

/// Whether the poller reports new input after a read that filled less than the buffer, and also urgent data, which cuts a
/// read short. Then the next read, which would only find nothing, can be left out. kqueue reports new input too, but mio
/// does not pass on its reports of urgent data.
const SHORT_READ_IS_LAST: bool = cfg!(any(target_os = "linux", target_os = "android"));

impl Endpoint {
    pub(super) fn new(stream: Arc<Stream>, place: Arc<Place>) -> Self {
        Self { stream, place, is_empty: false }
    }

    /// Whether the last read took all that was there.
    #[cfg(feature = "tls")]
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Whether the peer has reset the connection. A unix socket has no reset: one whose peer has closed may still have
    /// input.
    pub(super) fn is_reset(&self) -> bool {
        matches!(*self.stream, Stream::Tcp(_)) && self.place.has(GONE)
    }

    /// No thread waits for a connection that is cut, and perhaps no thread polls any more.
    pub(super) fn check_cut(&self) -> io::Result<()> {
        if self.place.is_cut() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let hints = self.place.clear(READ);
        if self.is_empty && hints & (READ | READ_CLOSED) == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        loop {
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(count) => {
                    let is_short = count < buffer.len() && hints & URGENT == 0;
                    self.is_empty = SHORT_READ_IS_LAST && is_short;
                    return Ok(count);
                }
                Err(error) => {
                    // After any other error the system is asked again, since the poller may not report anything more.
                    self.is_empty = error.kind() == io::ErrorKind::WouldBlock;
                    return Err(of_the_peer(error));
                }
            }
        }
    }

    pub(super) fn write(&self, write: impl Fn(&Stream) -> io::Result<usize>) -> io::Result<usize> {
        self.check_cut()?;
        loop {
            match write(&self.stream) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // The hint was about an earlier moment. Once it is cleared, another attempt shows the current state.
                    if self.place.clear(WRITE) & WRITE == 0 {
                        return Err(error);
                    }
                }
                Ok(count) => return Ok(count),
                Err(error) => return Err(of_the_peer(error)),
            }
        }
    }
}

/// An error of a connection. If the system has given up a peer that no longer answers, that is not one of our deadlines, and
/// there is no client to answer.
fn of_the_peer(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::TimedOut {
        return io::Error::new(io::ErrorKind::ConnectionReset, error);
    }
    error
}

//! A connection that no longer uses HTTP, for threads that wait for it without holding its lock.

use std::io;
use std::time::Duration;

use super::errors::ConnectionError;
use super::sending::FlushProgress;
use super::{ConnectionIo, gone};
use crate::handler::wire::Want;

impl ConnectionIo {
    /// Reads what has arrived. `None` if the client must be waited for.
    pub(crate) fn read_now(&mut self, out: &mut [u8]) -> io::Result<Option<usize>> {
        if self.errors.first() == Some(ConnectionError::ClientGone) {
            return Err(gone());
        }
        if out.is_empty() {
            return Ok(Some(0));
        }
        if !self.input.buffer.is_empty() {
            return Ok(Some(self.input.take_bytes(out)));
        }
        if self.input.ended {
            return Ok(Some(0));
        }
        match self.link.wire.read(out) {
            Ok(0) if self.is_cut() => Err(self.fail(io::ErrorKind::ConnectionAborted.into(), "")),
            Ok(count) => {
                self.input.ended = count == 0;
                self.deadlines.received(count, self.link.clock());
                Ok(Some(count))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.deadlines.await_input(self.link.clock());
                Ok(None)
            }
            Err(error) => Err(self.fail(error, "")),
        }
    }

    /// Writes as much as the client has room for. `None` if it must be waited for.
    pub(crate) fn write_now(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        if bytes.is_empty() {
            return Ok(Some(0));
        }
        if self.flush_now()?.is_none() {
            return Ok(None);
        }
        let count = self.write_some(bytes)?;
        if count == 0 {
            self.deadlines.await_room(self.link.clock());
            return Ok(None);
        }
        self.deadlines.stop_room(self.link.clock());
        Ok(Some(count))
    }

    /// Sends earlier output. `None` if the client must be waited for.
    pub(crate) fn flush_now(&mut self) -> io::Result<Option<()>> {
        self.response.flush();
        loop {
            match self.send_some()? {
                FlushProgress::Done => break,
                FlushProgress::NoRoom => return Ok(None),
                FlushProgress::Paused => {}
            }
        }
        self.deadlines.stop_room(self.link.clock());
        Ok(Some(()))
    }

    /// How long to wait for the client.
    pub(crate) fn time_left(&self, want: Want) -> Duration {
        match want {
            Want::Room => self.room_left(),
            Want::Input | Want::Notice(_) => self.deadlines.input_left(self.link.clock()),
        }
    }

    /// Records that this time is over, or that the wait failed.
    pub(crate) fn waited_in_vain(&mut self, want: Want, error: io::Error) -> io::Error {
        if want == Want::Room {
            return self.unwritable(error);
        }
        let setting = self.deadlines.input_setting();
        // It may be retried.
        self.deadlines.stop_input(self.link.clock());
        self.fail(error, setting)
    }
}

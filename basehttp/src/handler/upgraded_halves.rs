//! The two directions of an upgraded connection, for a thread each.

use std::fmt;
use std::io::{self, Read, Write};
use std::marker::PhantomData;

use super::connection_io::{ConnectionIo, SharedIo};
use super::wire::{Notifier, Want};
use crate::sync::Arc;

/// Reads what the client sends, after [`Upgraded::split`](super::Upgraded::split). A waiting read does not block the other
/// half.
///
/// # Errors
/// Reads fail like those of [`Upgraded`](super::Upgraded#errors). `Ok(0)` is the end of the client's half.
pub struct UpgradedReader<'a> {
    half: Half<'a>,
    /// Read before the split; it comes first.
    read_ahead: Vec<u8>,
}

/// Writes to the client, after [`Upgraded::split`](super::Upgraded::split). When a write returns, what it took is sent. A
/// waiting write does not block the other half.
///
/// # Errors
/// Writes fail like those of [`Upgraded`](super::Upgraded#errors), and with [`BrokenPipe`](io::ErrorKind::BrokenPipe) after
/// [`shutdown`](Self::shutdown).
pub struct UpgradedWriter<'a> {
    half: Half<'a>,
    is_shut: bool,
}

/// The connection, for as long as its method runs.
struct Half<'a> {
    shared: SharedIo,
    notifier: Arc<dyn Notifier>,
    method: PhantomData<&'a ()>,
}

pub(super) fn halves(
    shared: &SharedIo,
    read_ahead: Vec<u8>,
) -> io::Result<(UpgradedReader<'_>, UpgradedWriter<'_>)> {
    let notifier = shared.lock().notifier().filter(|notifier| notifier.works_beside_input());
    let notifier = notifier.ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, ONE_AT_A_TIME))?;
    let half = |notifier| Half { shared: shared.clone(), notifier, method: PhantomData };
    let reader = UpgradedReader { half: half(notifier.clone()), read_ahead };
    Ok((reader, UpgradedWriter { half: half(notifier), is_shut: false }))
}

const ONE_AT_A_TIME: &str = "split() is for the connections of a server: a stream of your own (serve_stream) cannot be read from and \
    written to at the same time";

impl Half<'_> {
    /// Retries until it is done. Between attempts it waits for the client without holding the connection's lock.
    fn until<T>(
        &self,
        want: Want,
        mut attempt: impl FnMut(&mut ConnectionIo) -> io::Result<Option<T>>,
    ) -> io::Result<T> {
        loop {
            let left = {
                let mut io = self.shared.lock();
                if let Some(done) = attempt(&mut io)? {
                    return Ok(done);
                }
                io.time_left(want)
            };
            if let Err(error) = self.notifier.wait(want, left) {
                return Err(self.shared.lock().waited_in_vain(want, error));
            }
        }
    }
}

impl Read for UpgradedReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.read_ahead.is_empty() {
            return self.half.until(Want::Input, |io| io.read_now(buf));
        }
        let count = self.read_ahead.as_slice().read(buf)?;
        self.read_ahead.drain(..count);
        Ok(count)
    }
}

impl UpgradedWriter<'_> {
    /// Ends the server's half of the connection, after all that was written. The client may still send.
    ///
    /// # Errors
    /// Those of sending what is left.
    pub fn shutdown(&mut self) -> io::Result<()> {
        self.flush()?;
        if !std::mem::replace(&mut self.is_shut, true) {
            self.half.shared.lock().shutdown_write();
        }
        Ok(())
    }
}

impl Write for UpgradedWriter<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.is_shut {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = self.half.until(Want::Room, |io| io.write_now(buf))?;
        // A wire that encrypts may hold back some of what it took.
        self.flush()?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_shut {
            return Ok(());
        }
        self.half.until(Want::Room, ConnectionIo::flush_now)
    }
}

impl fmt::Debug for UpgradedReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradedReader").finish_non_exhaustive()
    }
}

impl fmt::Debug for UpgradedWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradedWriter").finish_non_exhaustive()
    }
}

/// They are `Send` and `Sync`, within the lifetime of the method.
const _: fn() = || {
    fn goes_anywhere<T: Send + Sync>() {}
    goes_anywhere::<UpgradedReader<'_>>();
    goes_anywhere::<UpgradedWriter<'_>>();
};

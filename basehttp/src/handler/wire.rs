//! All that a handler may ask of the outside.

use std::any::Any;
use std::fs::File;
use std::io::{self, IoSlice};
use std::time::Duration;

use crate::proto::fault::Fault;

pub(crate) use super::address::Announced;
use super::facts::Facts;
use crate::sync::Arc;

/// The other end of a connection, and the log. A connection of the server is one, and so is the memory of
/// [`testing`](crate::testing).
pub(crate) trait Wire: Send {
    /// Reads what has come. `Ok(0)` is the end of the input, [`WouldBlock`](io::ErrorKind::WouldBlock) that nothing is
    /// here yet.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes what fits. [`WouldBlock`](io::ErrorKind::WouldBlock) when nothing does.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// As [`write`](Self::write), for pieces one behind the other.
    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Writes what fits of `most` bytes of a file, from `position` on. `Ok(0)` is the end of the file,
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) of the wire's that nothing fits.
    fn send_file(&mut self, file: &File, position: u64, most: u64) -> Result<usize, FileFault> {
        copy_file(self, file, position, most)
    }

    /// Sends what earlier writes have left in the wire itself. [`WouldBlock`](io::ErrorKind::WouldBlock) when some of it
    /// must wait. For wires that keep something: those that encrypt.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Reads what a proxy in front says before its client may, where it is to say something.
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when not all of it is here.
    fn preface(&mut self) -> io::Result<Option<Announced>> {
        Ok(None)
    }

    /// Whether the two ends have not agreed yet on how to speak, which has a deadline of its own.
    fn is_in_handshake(&self) -> bool {
        false
    }

    /// What is wrong with whatever comes over this wire.
    fn fault(&self) -> Option<Fault> {
        None
    }

    /// Blocks the calling thread until a read or write is worth another try.
    /// [`TimedOut`](io::ErrorKind::TimedOut) if that takes longer than `timeout`.
    fn wait(&mut self, want: Want, timeout: Duration) -> io::Result<()>;

    /// The next read is of a body that the client is to send, and nobody has waited before it. For wires that can do nothing else.
    #[cfg(all(feature = "cgi", unix))]
    fn await_body(&mut self) {}

    /// What is known of the client without a read or a write. In memory, it waits for whatever comes.
    fn presence(&self) -> Presence {
        Presence::There
    }

    /// Whether the client has reset the connection, as far as that is known without a read or a write.
    fn is_reset(&self) -> bool {
        self.presence() == Presence::Gone
    }

    /// Makes a wire of another socket, whose type the server knows. What happens there is a notice to the connection. For wires that have a
    /// server.
    fn join(&mut self, _far: Box<dyn Any + Send>) -> io::Result<Box<dyn Wire>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, NO_SOCKET))
    }

    /// What a handle on a response that goes on by itself tells the connection by. None where the connection can only do one thing
    /// at a time.
    fn notifier(&self) -> Option<Arc<dyn Notifier>> {
        None
    }

    /// The connection is about to look for what handles have left: what they say from now on comes after that.
    fn clear_notice(&mut self) {}

    /// There may be room again for what handles send.
    fn free_room(&mut self) {}

    /// What a handler may ask about the connection. For wires that have one.
    fn facts(&self) -> Option<&dyn Facts> {
        None
    }

    /// A request has come, and `unsent` bytes of earlier responses are still to be written. The response to a HEAD request
    /// has no body. For wires that take note of it.
    fn begin_request(&mut self, _unsent: usize, _head: bool) {}

    /// The connection goes on to wait for a request. For wires that take note of it.
    fn begin_idle(&mut self) {}

    /// Whether the connection has to end after the response that is being made.
    fn is_last_request(&self) -> bool;

    /// Whether the server is being shut down.
    fn is_stopping(&self) -> bool;

    /// Whether the server has cut the connection, at the end of a shutdown's grace.
    fn is_cut(&self) -> bool {
        false
    }

    /// A response with this status was made, by the route of this number if by one. For wires that count.
    fn responded(&mut self, _status: u16, _route: Option<u16>) {}

    /// Says that the server's half is about to end, where the wire has words for that: they are sent by [`flush`](Self::flush).
    fn announce_end(&mut self) {}

    /// Ends the server's half of the connection.
    fn shutdown_write(&mut self);

    /// Makes the end of the connection a reset.
    fn reset(&mut self);

    /// The response is cut short, however the connection ends: for a wire that has to tell somebody.
    fn cut_short(&mut self) {}

    /// Takes a line for the log, with its line end. True if so many have gathered that they should be written.
    fn log(&mut self, line: &str, level: Level) -> bool;
}

const NO_SOCKET: &str = "relay() joins the connections of a server: without one, as in `testing`, and over a stream of your own \
    (serve_stream), there is nothing that could wait for two sockets";

/// How other threads, which have a handle on a response, reach the connection. It does not keep the connection.
pub(crate) trait Notifier: Send + Sync {
    /// A handle has left something: the connection goes on, or a thread that waits for it.
    fn notify(&self);

    /// Blocks the calling thread, as [`Wire::wait`] does, without having the connection locked meanwhile.
    fn wait(&self, want: Want, timeout: Duration) -> io::Result<()>;

    /// A handle has found no room, and has the connection locked: what is freed from now on comes after that.
    fn clear_room(&self);

    /// Whether that works while the connection waits for input.
    fn works_beside_input(&self) -> bool {
        true
    }

    /// Blocks the calling thread until room is freed, for so long at most; where nobody else sends, also until the client may have
    /// taken something.
    fn wait_for_room(&self, timeout: Duration, has_sender: bool) -> io::Result<()>;
}

/// Whether a client is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    There,
    /// It sends no more. It may have gone, or wait for the response: the end of its half is all that TCP tells.
    Done,
    /// It takes nothing more either.
    Gone,
}

/// How much a line of the log matters; see [`ServerBuilder::log_line`](crate::ServerBuilder::log_line). What matters more is
/// greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogLevel {
    /// A request was answered, or what a handler has to say: what does not go through
    /// [`log_error`](crate::RequestHandler::log_error).
    #[default]
    Info,
    /// Something is wrong: with a request that cannot be fulfilled or a handler that fails, which is what goes through
    /// [`log_error`](crate::RequestHandler::log_error), or with the server.
    Warning,
}

pub(crate) use LogLevel as Level;

/// Who is to blame when a file is not sent.
#[derive(Debug)]
pub(crate) enum FileFault {
    File(io::Error),
    Wire(io::Error),
}

/// As [`Wire::send_file`], by way of a buffer. What the wire does not take is read again.
pub(crate) fn copy_file<W: Wire + ?Sized>(
    wire: &mut W,
    file: &File,
    position: u64,
    most: u64,
) -> Result<usize, FileFault> {
    let mut buffer = [0; COPIED];
    let most = usize::try_from(most).unwrap_or(COPIED).min(COPIED);
    let room = buffer.get_mut(..most).unwrap_or_default();
    let count = read_at(file, room, position).map_err(FileFault::File)?;
    match buffer.get(..count) {
        None | Some([]) => Ok(0),
        Some(bytes) => wire.write(bytes).map_err(FileFault::Wire),
    }
}

/// So much of a file is on a thread's stack when it is copied.
const COPIED: usize = 16 * 1024;

#[cfg(unix)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, position)
}

#[cfg(windows)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, position)
}

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Input,
    Room,
    /// What a handle on the response has to say, or one of the others.
    Notice(Others),
}

/// What else is waited for beside a notice.
#[expect(clippy::struct_excessive_bools, reason = "each is waited for or not, whatever the others are")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Others {
    pub(crate) input: bool,
    pub(crate) room: bool,
    /// The client ends its half, or is gone.
    pub(crate) end: bool,
    /// Nothing more can be sent to the client, which is told for ever once it is so.
    pub(crate) loss: bool,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// Everything is sent, and everything that was received is read.
    Plain,
    /// There is input that nobody will read, or more of it may come. It is waited for and dropped, within bounds:
    /// closing at once would make the system send a reset, and the reset takes the response away from the client (RFC 9112
    /// section 9.6).
    Linger,
    /// With a reset, so that the client does not take a truncated response for a whole one.
    Reset,
}

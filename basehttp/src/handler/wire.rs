//! What a handler may ask of the outside world.

use std::any::Any;
use std::fs::File;
use std::io::{self, IoSlice};
use std::time::Duration;

use crate::proto::fault::Fault;

pub(crate) use super::address::Announced;
use super::facts::Facts;
use crate::sync::Arc;

/// The other end of a connection, and the log: a connection of the server, or the memory of [`testing`](crate::testing).
pub(crate) trait Wire: Send {
    /// Reads what has arrived. `Ok(0)` is the end of the input; [`WouldBlock`](io::ErrorKind::WouldBlock) means that nothing
    /// has arrived yet.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes as much as fits. [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing does.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Like [`write`](Self::write), for several pieces in order.
    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Writes as much as fits of `most` bytes of a file, from `position` on. `Ok(0)` is the end of the file;
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) as a fault of the wire means that nothing fits.
    fn send_file(&mut self, file: &File, position: u64, most: u64) -> Result<usize, FileFault> {
        copy_file(self, file, position, most)
    }

    /// Sends what earlier writes have left in the wire itself. [`WouldBlock`](io::ErrorKind::WouldBlock) if some of it must
    /// wait. For wires that hold data back: those that encrypt.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Reads what a proxy in front announces before its client may speak, if it has to announce something.
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if not all of it has arrived.
    fn preface(&mut self) -> io::Result<Option<Announced>> {
        Ok(None)
    }

    /// Whether the last read has left input that had arrived, so that other connections have their turn. Its connection is
    /// not silent, although that read was [`WouldBlock`](io::ErrorKind::WouldBlock).
    fn has_rest(&self) -> bool {
        false
    }

    /// Output has found no room for this long, on and off, when the connection is about to be closed.
    fn has_been_slow(&mut self, _time: Duration) {}

    /// Whether the client ends its input with a message, which may arrive at any time after its last request.
    fn has_closing_message(&self) -> bool {
        false
    }

    /// Reads input that is dropped, once nothing more is sent. `scratch` is left with bytes of no meaning.
    fn drop_input(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        self.read(scratch)
    }

    /// Whether a handshake is still under way. It has a deadline of its own.
    fn is_in_handshake(&self) -> bool {
        false
    }

    /// A fault that applies to all input from this wire.
    fn fault(&self) -> Option<Fault> {
        None
    }

    /// Blocks the calling thread until a read or write is worth another attempt. [`TimedOut`](io::ErrorKind::TimedOut) if that
    /// takes longer than `timeout`.
    fn wait(&mut self, want: Want, timeout: Duration) -> io::Result<()>;

    /// The next read is of a body that the client has yet to send, with no wait before it. For wires that cannot be polled.
    #[cfg(all(feature = "cgi", unix))]
    fn await_body(&mut self) {}

    /// What is known of the client without a read or a write. The default suits memory, which waits for whatever comes.
    fn presence(&self) -> Presence {
        Presence::There
    }

    /// Whether the client has reset the connection, as far as that is known without a read or a write.
    fn is_reset(&self) -> bool {
        self.presence() == Presence::Gone
    }

    /// Makes a wire from another socket, whose type the server knows. Its events become notices to the connection. For wires
    /// of a server.
    fn join(&mut self, _far: Box<dyn Any + Send>) -> io::Result<Box<dyn Wire>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, NO_SOCKET))
    }

    /// How a handle on a detached response notifies the connection. `None` if the connection can do only one thing at a time.
    fn notifier(&self) -> Option<Arc<dyn Notifier>> {
        None
    }

    /// The connection is about to look at what handles have left: notices from now on count as new.
    fn clear_notice(&mut self) {}

    /// Handles may have room to send again.
    fn free_room(&mut self) {}

    /// What a handler may ask about the connection. For wires that have one.
    fn facts(&self) -> Option<&dyn Facts> {
        None
    }

    /// A request has arrived, and `unsent` bytes of earlier responses are still to be written. With `head` it is a HEAD
    /// request, whose response has no body. For wires that keep track of it.
    fn begin_request(&mut self, _unsent: usize, _head: bool) {}

    /// The connection now waits for a request. For wires that keep track of it.
    fn begin_idle(&mut self) {}

    /// Whether the connection must end after the current response.
    fn is_last_request(&self) -> bool;

    /// Whether the server is being shut down.
    fn is_stopping(&self) -> bool;

    /// Whether the server has cut the connection, at the end of a shutdown's grace period.
    fn is_cut(&self) -> bool {
        false
    }

    /// A response with this status was made, by the route with this number if there was one. For wires that count.
    fn responded(&mut self, _status: u16, _route: Option<u16>) {}

    /// Announces the end of the server's half, if the wire's protocol has a message for it; [`flush`](Self::flush) sends it.
    fn announce_end(&mut self) {}

    /// Ends the server's half of the connection.
    fn shutdown_write(&mut self);

    /// Makes the end of the connection a reset.
    fn reset(&mut self);

    /// The response is cut short, however the connection ends. For wires that must report it.
    fn cut_short(&mut self) {}

    /// Takes a log line, including its line end. True if so many lines have gathered that they should be written.
    fn log(&mut self, line: &str, level: Level) -> bool;
}

const NO_SOCKET: &str = "relay() needs a connection of a server: in `testing`, and over a stream of your own (serve_stream), nothing \
    can wait for two sockets";

/// How other threads with a handle on a response reach the connection. It does not keep the connection open.
pub(crate) trait Notifier: Send + Sync {
    /// A handle has left something: the connection resumes, or a thread that waits for it.
    fn notify(&self);

    /// Blocks the calling thread, like [`Wire::wait`], but without holding the connection's lock.
    fn wait(&self, want: Want, timeout: Duration) -> io::Result<()>;

    /// A handle has found no room, and holds the connection's lock: room freed from now on counts as new.
    fn clear_room(&self);

    /// Whether this works while another thread waits for input.
    fn works_beside_input(&self) -> bool {
        true
    }

    /// Blocks the calling thread until room is freed, up to `timeout`. Without another sender, it also returns when the
    /// client may have taken something.
    fn wait_for_room(&self, timeout: Duration, has_sender: bool) -> io::Result<()>;
}

/// Whether a client is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    There,
    /// It sends no more. It may have gone, or it may be waiting for the response: TCP only reports the end of its half.
    Done,
    /// It takes nothing more, either.
    Gone,
}

/// How important a log line is; see [`ServerBuilder::log_line`](crate::ServerBuilder::log_line). A higher level compares as
/// greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogLevel {
    /// An answered request, or a message from a handler: everything that does not go through
    /// [`log_error`](crate::RequestHandler::log_error).
    #[default]
    Info,
    /// A problem: a request that cannot be fulfilled or a handler that fails, both of which go through
    /// [`log_error`](crate::RequestHandler::log_error), or a problem of the server itself.
    Warning,
}

pub(crate) use LogLevel as Level;

/// What failed when a file was not sent.
#[derive(Debug)]
pub(crate) enum FileFault {
    File(io::Error),
    Wire(io::Error),
}

/// Like [`Wire::send_file`], by way of a buffer. Bytes that the wire does not take are read again.
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

/// How much of a file is on the thread's stack while it is copied.
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
    /// A notice from a handle on the response, or one of the others.
    Notice(Others),
}

/// What else to wait for besides a notice.
#[expect(clippy::struct_excessive_bools, reason = "each is waited for or not, whatever the others are")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Others {
    pub(crate) input: bool,
    pub(crate) room: bool,
    /// The client ends its half, or has gone.
    pub(crate) end: bool,
    /// Nothing more can be sent to the client. Once true, this is reported at every wait.
    pub(crate) loss: bool,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// Everything is sent, and all input has been read.
    Plain,
    /// There is unread input, or more may arrive. It is awaited and dropped, within bounds: if we closed at once, the system
    /// would send a reset, which can destroy the response before the client has read it (RFC 9112 section 9.6).
    Linger,
    /// Ends with a reset, so that the client does not take a truncated response for a complete one.
    Reset,
}

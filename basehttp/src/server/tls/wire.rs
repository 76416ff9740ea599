//! The wire of an encrypted connection, around the wire of its socket. It does not block either: the handshake proceeds in
//! the connection's turns, as far as records have arrived.
//!
//! Data that is decrypted and not yet read causes no event, so a connection must read before it waits for input. Data that
//! is encrypted and not yet sent must be waited for; `flush` does that.

use std::any::Any;
use std::io::{self, IoSlice, Read, Write};
use std::time::{Duration, Instant};

use rustls::{ProtocolVersion, ServerConfig, ServerConnection};

use crate::handler::Address;
use crate::handler::connection_io::READING_TIME;
use crate::handler::facts::Facts;
use crate::handler::wire::{Announced, Level, Notifier, Presence, Want, Wire};
use crate::proto::fault::Fault;
use crate::server::transport::Socket;
use crate::sync::Arc;

pub(in crate::server) struct TlsSocket {
    socket: Socket,
    session: ServerConnection,
    mode: Mode,
    /// What was read to detect the mode, and not yet used.
    first: Vec<u8>,
    /// Bytes of records that have arrived without data, since the handshake or since the last data.
    barren: usize,
    /// The connection must not end with a TLS close: it has failed, or its writing half is shut down.
    is_broken: bool,
    /// The client has been sent an alert that says what it did wrong.
    has_objected: bool,
    /// The last read has left input to the next turn.
    has_rest: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Nothing has arrived.
    Unknown,
    Tls,
    /// The client speaks HTTP without TLS. It gets an answer that says so.
    Plain,
}

/// The first byte of a TLS record that begins a handshake: RFC 8446 section 5.1.
const HANDSHAKE: u8 = 22;

/// How much is encrypted at a time, before it waits for the client.
const PIECE: usize = 64 * 1024;

/// Enough to detect what a client speaks, and usually most of its first message.
const FIRST: usize = 1024;

/// How many bytes of records without data one call handles: more than the longest record (RFC 8446 section 5.2), which gives
/// its data only as a whole.
const BARREN_A_CALL: usize = 20 * 1024;

/// How many bytes may arrive in consecutive records without data. RFC 8446 has no use for so many: a client that takes long
/// responses asks for a new key now and then (27 bytes), and one that hides its traffic pattern may send an empty record
/// (5.4). Each such record costs the server far more than the client, which only has to replay what it recorded once.
const MOST_BARREN: usize = 64 * 1024;

impl TlsSocket {
    pub(in crate::server) fn new(socket: Socket, config: Arc<ServerConfig>) -> Self {
        let mut session = ServerConnection::new(config).expect("it was tried when the settings were made");
        session.set_buffer_limit(Some(PIECE));
        let (mode, first) = (Mode::Unknown, Vec::new());
        Self {
            socket,
            session,
            mode,
            first,
            barren: 0,
            is_broken: false,
            has_objected: false,
            has_rest: false,
        }
    }

    /// Detects what the client speaks.
    fn look(&mut self) -> io::Result<()> {
        let mut first = [0; FIRST];
        let count = self.socket.read(&mut first)?;
        let first = first.get(..count).unwrap_or_default();
        self.mode = match first.first() {
            Some(&HANDSHAKE) => Mode::Tls,
            // The name of a method, or an empty line before it. Anything else is left to rustls to reject.
            Some(byte) if byte.is_ascii_uppercase() || matches!(byte, b'\r' | b'\n') => Mode::Plain,
            _ => Mode::Tls,
        };
        self.first = first.to_vec();
        Ok(())
    }

    fn read_plain(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.first.is_empty() {
            return self.socket.read(buffer);
        }
        let count = self.first.as_slice().read(buffer)?;
        self.first.drain(..count);
        Ok(count)
    }

    fn read_tls(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut call = Call::default();
        self.has_rest = false;
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // The connection has ended without a TLS close, as many clients leave it. A truncated body is detected by
                // its length.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                read => {
                    self.barren = 0;
                    return read;
                }
            }
            if self.barren > MOST_BARREN {
                return Err(self.end_barren());
            }
            if call.is_enough() {
                self.has_rest = true;
                return Err(self.socket.leave_rest());
            }
            let is_handshake = self.session.is_handshaking();
            let came = if self.first.is_empty() {
                self.session.read_tls(&mut Incoming(&mut self.socket))
            } else {
                let count = self.session.read_tls(&mut self.first.as_slice())?;
                self.first.drain(..count);
                Ok(count)
            };
            match came {
                Ok(count) => {
                    call.barren += count;
                    self.barren += if is_handshake { 0 } else { count };
                }
                Err(error) => {
                    // The client may be waiting for the server's part of the handshake.
                    let _ = self.send();
                    return Err(error);
                }
            }
            // The costly part is about to begin, perhaps after a long wait in the lane. A client that has gone needs no
            // answer, and a client that has shut down its writing half cannot finish a handshake.
            let is_begun = self.session.negotiated_cipher_suite().is_some();
            if is_handshake && !is_begun && self.socket.is_half_closed() {
                self.is_broken = true;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            if let Err(error) = self.session.process_new_packets() {
                // This sends the alert to the client, if possible.
                let _ = self.send();
                (self.is_broken, self.has_objected) = (true, true);
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
            let _ = self.send();
        }
    }

    /// Ends a connection that is of no use. rustls has no alert for it.
    fn end_barren(&mut self) -> io::Error {
        let text = format!("closed after {MOST_BARREN} bytes of TLS records without data");
        // After the last response it does not matter how the connection ends.
        if !std::mem::replace(&mut self.is_broken, true) {
            self.socket.warn(&text);
        }
        io::Error::new(io::ErrorKind::InvalidData, text)
    }

    /// Sends what is encrypted.
    fn send(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut Outgoing(&mut self.socket))?;
        }
        Ok(())
    }

    fn end_tls(&mut self) {
        if self.mode == Mode::Tls && !self.is_broken {
            self.session.send_close_notify();
            let _ = self.send();
        }
    }
}

/// What one call has handled of records without data.
#[derive(Default)]
struct Call {
    barren: usize,
    until: Option<Instant>,
}

impl Call {
    /// Whether other connections should have their turn. The clock is read only from the second look at the socket on.
    fn is_enough(&mut self) -> bool {
        if self.barren == 0 {
            return false;
        }
        let now = Instant::now();
        now >= *self.until.get_or_insert(now + READING_TIME) || self.barren > BARREN_A_CALL
    }
}

impl Wire for TlsSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.mode == Mode::Unknown {
            self.look()?;
        }
        match self.mode {
            Mode::Plain => self.read_plain(buffer),
            _ => self.read_tls(buffer),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.mode == Mode::Plain {
            return self.socket.write_vectored(pieces);
        }
        // What was taken before must be sent first: otherwise it would grow without limit.
        self.send()?;
        let count = self.session.writer().write_vectored(pieces)?;
        match self.send() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(count),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        // After the server's half is shut down nothing is sent, whatever rustls still wants to send.
        if self.is_broken { Ok(()) } else { self.send() }
    }

    fn preface(&mut self) -> io::Result<Option<Announced>> {
        self.socket.preface()
    }

    fn has_rest(&self) -> bool {
        self.has_rest
    }

    fn has_been_slow(&mut self, time: Duration) {
        self.socket.has_been_slow(time);
    }

    /// A reset would destroy an alert as it would destroy a response. A handshake whose time is up has neither.
    fn has_closing_message(&self) -> bool {
        self.mode == Mode::Tls && (self.has_objected || !self.session.is_handshaking())
    }

    /// After an error rustls decrypts nothing more. What follows gains the client no time, as records without data do not.
    fn drop_input(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        if !self.has_objected {
            return self.read(scratch);
        }
        let mut dropped = 0;
        while dropped <= BARREN_A_CALL {
            match self.socket.read(scratch)? {
                0 => return Ok(0),
                count => dropped += count,
            }
        }
        Err(self.socket.leave_rest())
    }

    fn is_in_handshake(&self) -> bool {
        self.mode == Mode::Unknown || (self.mode == Mode::Tls && self.session.is_handshaking())
    }

    fn fault(&self) -> Option<Fault> {
        (self.mode == Mode::Plain).then_some(Fault::PlainHttp)
    }

    fn wait(&mut self, want: Want, timeout: Duration) -> io::Result<()> {
        self.socket.wait(want, timeout)
    }

    fn presence(&self) -> Presence {
        self.socket.presence()
    }

    fn is_reset(&self) -> bool {
        self.socket.is_reset()
    }

    fn join(&mut self, far: Box<dyn Any + Send>) -> io::Result<Box<dyn Wire>> {
        self.socket.join(far)
    }

    fn notifier(&self) -> Option<Arc<dyn Notifier>> {
        self.socket.notifier()
    }

    fn clear_notice(&mut self) {
        self.socket.clear_notice();
    }

    fn free_room(&mut self) {
        self.socket.free_room();
    }

    fn facts(&self) -> Option<&dyn Facts> {
        Some(self)
    }

    fn is_last_request(&self) -> bool {
        self.socket.is_last_request()
    }

    fn is_stopping(&self) -> bool {
        self.socket.is_stopping()
    }

    fn is_cut(&self) -> bool {
        self.socket.is_cut()
    }

    fn responded(&mut self, status: u16, route: Option<u16>) {
        self.socket.responded(status, route);
    }

    fn announce_end(&mut self) {
        if self.mode == Mode::Tls && !self.is_broken {
            self.session.send_close_notify();
        }
    }

    fn shutdown_write(&mut self) {
        self.end_tls();
        self.is_broken = true;
        self.socket.shutdown_write();
    }

    fn reset(&mut self) {
        self.is_broken = true;
        self.socket.reset();
    }

    fn log(&mut self, line: &str, level: Level) -> bool {
        self.socket.log(line, level)
    }
}

impl Facts for TlsSocket {
    fn local_address(&self) -> Option<Address> {
        self.socket.facts()?.local_address()
    }

    #[cfg(all(feature = "peer-credentials", unix))]
    fn peer_credentials(&self) -> Option<crate::handler::PeerCredentials> {
        self.socket.facts()?.peer_credentials()
    }

    fn tls_version(&self) -> Option<&'static str> {
        match self.session.protocol_version()? {
            ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
            ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
            other => other.as_str(),
        }
    }

    fn server_name(&self) -> Option<&str> {
        self.session.server_name()
    }

    fn client_certificates(&self) -> Vec<Vec<u8>> {
        let certificates = self.session.peer_certificates().unwrap_or_default();
        certificates.iter().map(|certificate| certificate.to_vec()).collect()
    }
}

/// RFC 8446 section 6.1: an orderly close is announced, so that the peer can distinguish it from a truncation.
impl Drop for TlsSocket {
    fn drop(&mut self) {
        if !self.is_in_handshake() {
            self.end_tls();
        }
    }
}

struct Incoming<'a>(&'a mut Socket);

impl Read for Incoming<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

struct Outgoing<'a>(&'a mut Socket);

impl Write for Outgoing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

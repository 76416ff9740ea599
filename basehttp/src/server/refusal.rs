//! The answer to a connection above the limit.

use std::io;
use std::time::{Duration, Instant};

use super::counters::Refused;
use super::transport::Socket;
use super::turn::{AnyConnection, Turn, TurnContext};
use crate::handler::wire::{Want, Wire};
use crate::proto::status::HTTPStatus;

pub(super) struct Refusal {
    wire: Socket,
    phase: RefusalPhase,
    _counted: Refused,
}

enum RefusalPhase {
    Response,
    Linger { left: usize, until: Instant },
}

/// Ready-made, since it is needed under load (RFC 9110 sections 15.6.4 and 10.2.3).
const RESPONSE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

const PATIENCE: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 64 * 1024;

impl Refusal {
    pub(super) fn new(wire: Socket, refused: Refused) -> Self {
        Self { wire, phase: RefusalPhase::Response, _counted: refused }
    }
}

impl AnyConnection for Refusal {
    fn turn(&mut self, _context: &mut dyn TurnContext, expired: bool) -> Turn {
        if matches!(self.phase, RefusalPhase::Response) {
            // An empty send buffer has room for it; if it has none, the client is not reading.
            if self.wire.write(RESPONSE).is_err() {
                return Turn::Over;
            }
            self.wire.responded(HTTPStatus::SERVICE_UNAVAILABLE.code(), None);
            self.wire.shutdown_write();
            self.phase = RefusalPhase::Linger { left: LINGER_BYTES, until: Instant::now() + PATIENCE };
        }
        let mut scratch = [0; 4096];
        while let RefusalPhase::Linger { left, until } = self.phase {
            match self.wire.read(&mut scratch) {
                Ok(count @ 1..) if count < left => {
                    self.phase = RefusalPhase::Linger { left: left - count, until }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !expired => {
                    return Turn::Later(Want::Input, until.saturating_duration_since(Instant::now()));
                }
                _ => break,
            }
        }
        Turn::Over
    }

    fn speaks_first(&self) -> bool {
        true
    }

    fn is_idle(&self) -> bool {
        false
    }

    fn is_answered(&self) -> bool {
        matches!(self.phase, RefusalPhase::Linger { .. })
    }

    fn refuse(&mut self) -> bool {
        false
    }
}

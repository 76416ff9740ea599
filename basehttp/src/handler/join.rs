//! Joins a connection with another socket.

use std::any::Any;
use std::io;
use std::time::Duration;

use super::BaseHTTPRequestHandler;
use super::connection_io::HandleKind;
use super::handle::{HAS_HANDLE, NO_REQUEST, invalid};
use super::message::Message;
use crate::proto::connection::Phase;

impl<M: Message> BaseHTTPRequestHandler<M> {
    /// Joins the connection with a socket, whose type the server knows, once the method has returned.
    pub(crate) fn join(&self, far: Box<dyn Any + Send>, patience: Option<Duration>) -> io::Result<()> {
        if self.vars().phase() != Phase::Handler {
            return Err(invalid(NO_REQUEST));
        }
        if self.io().is_detached() {
            return Err(invalid(HAS_HANDLE));
        }
        self.io().begin_upgraded()?;
        let read_ahead = self.rfile.take_read_ahead()?;
        let mut io = self.io();
        let far = io.join(far)?;
        io.begin_detached(HandleKind::Relay).ok_or_else(|| invalid(HAS_HANDLE))?;
        io.begin_relay(far, read_ahead, patience);
        Ok(())
    }
}

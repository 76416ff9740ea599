//! What has gone wrong with a connection in the current request. The server decides by this record, never by the error that the
//! handler returned.

use std::io;

use crate::proto::fault::Fault;
use crate::proto::status::HTTPStatus;

/// What happened to a connection while a handler ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionError {
    /// The client went away, or the server has cut the connection.
    ClientGone,
    /// It was too slow, for the deadline that this setting has.
    TimedOut(&'static str),
    /// The framing of the request's body is broken.
    Fault(Fault),
    /// The body is not what the handler wants, or larger, which this status says.
    Body(HTTPStatus),
    /// A file of the response lacks so many bytes, or they cannot be read.
    File { left: u64, kind: io::ErrorKind },
    /// A HEAD response was complete, and the handler was told so.
    HeadAnswered,
}

#[derive(Debug, Default)]
pub(super) struct Errors {
    /// What happened first: what follows from it says nothing more.
    first: Option<ConnectionError>,
    /// The same, until somebody has asked for it to log it.
    unreported: Option<ConnectionError>,
    /// A client that goes away is none to be told of.
    pub(super) expects_end: bool,
    /// The failure of the handler was reported.
    pub(super) handler_failed: bool,
}

impl Errors {
    #[inline]
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn record(&mut self, error: ConnectionError) {
        if !self.are_fatal() {
            self.first = Some(error);
            self.unreported =
                Some(error).filter(|_| !(self.expects_end && error == ConnectionError::ClientGone));
        }
    }

    #[inline]
    pub(super) fn first(&self) -> Option<ConnectionError> {
        self.first
    }

    /// Whether the connection is of no more use. One with an answered HEAD is.
    #[inline]
    pub(super) fn are_fatal(&self) -> bool {
        !matches!(self.first, None | Some(ConnectionError::HeadAnswered))
    }

    pub(super) fn are_none(&self) -> bool {
        !self.are_fatal() && !self.has_unreported()
    }

    /// For the one who asks first.
    pub(super) fn take_unreported(&mut self) -> Option<ConnectionError> {
        self.unreported.take()
    }

    #[inline]
    pub(super) fn has_unreported(&self) -> bool {
        self.unreported.is_some()
    }
}

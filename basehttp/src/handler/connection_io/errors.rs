//! What went wrong with a connection in the current request. The server decides by this record, never by the error that the
//! handler returned.

use std::io;

use crate::proto::fault::Fault;
use crate::proto::status::HTTPStatus;

/// What happened to a connection while a handler ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionError {
    /// The client went away, or the server has cut the connection.
    ClientGone,
    /// The client missed the deadline of this setting.
    TimedOut(&'static str),
    /// The framing of the request's body is malformed.
    Fault(Fault),
    /// The handler refused the body, or it is too large; the status says which.
    Body(HTTPStatus),
    /// This many bytes of a file in the response are missing, or cannot be read.
    File { left: u64, kind: io::ErrorKind },
    /// A HEAD response was complete, and the handler was told so.
    HeadAnswered,
}

#[derive(Debug, Default)]
pub(super) struct Errors {
    /// The first error: later ones follow from it.
    first: Option<ConnectionError>,
    /// The same, until it has been fetched for the log.
    unreported: Option<ConnectionError>,
    /// Whether it is normal that the client goes, so that it is not reported.
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

    /// Whether the connection cannot be used any more. After an answered HEAD it can.
    #[inline]
    pub(super) fn are_fatal(&self) -> bool {
        !matches!(self.first, None | Some(ConnectionError::HeadAnswered))
    }

    pub(super) fn are_none(&self) -> bool {
        !self.are_fatal() && !self.has_unreported()
    }

    /// The error that has not been reported yet. Returned once.
    pub(super) fn take_unreported(&mut self) -> Option<ConnectionError> {
        self.unreported.take()
    }

    #[inline]
    pub(super) fn has_unreported(&self) -> bool {
        self.unreported.is_some()
    }
}

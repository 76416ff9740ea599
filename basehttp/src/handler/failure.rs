//! How a handler failed, and what the hook `handle_error` is told of it.

use std::fmt::{self, Display, Write as _};

use super::address::Address;
use super::log_line::Escaped;
use crate::proto::misuse::Misuse;

/// How a handler failed.
#[derive(Clone, Copy)]
pub(crate) enum HandlerFailure<'a> {
    Error(&'a str),
    Panic(&'a str),
}

impl HandlerFailure<'_> {
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Error(message) | Self::Panic(message) => message,
        }
    }

    pub(crate) fn is_panic(&self) -> bool {
        matches!(self, Self::Panic(_))
    }

    pub(super) fn cites(&self, misuse: &Misuse) -> bool {
        self.message().contains(&misuse.to_string())
    }
}

impl Display for HandlerFailure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(message) => f.write_str(message),
            Self::Panic(message) => write!(f, "panicked: {message}"),
        }
    }
}

/// The failure of a handler, as the hook [`handle_error`](crate::ServerBuilder::handle_error) gets it.
#[derive(Clone, Debug)]
pub struct HandlerError {
    client_address: Address,
    requestline: String,
    message: String,
    panicked: bool,
}

impl HandlerError {
    /// The failure of a handler in its current request.
    pub(super) fn new(client_address: Address, requestline: String, failure: &HandlerFailure<'_>) -> Self {
        Self { requestline, ..Self::early(client_address, failure) }
    }

    /// A failure before there is a handler.
    pub(crate) fn early(client_address: Address, failure: &HandlerFailure<'_>) -> Self {
        let (message, panicked) = (failure.message().to_owned(), failure.is_panic());
        Self { client_address, requestline: String::new(), message, panicked }
    }

    /// The client's address.
    pub fn client_address(&self) -> &Address {
        &self.client_address
    }

    /// The request line of the request that failed. It is what the client sent: escape it where you show it.
    pub fn requestline(&self) -> &str {
        &self.requestline
    }

    /// The text of the error that the handler returned, or of its panic.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the handler panicked.
    pub fn is_panic(&self) -> bool {
        self.panicked
    }
}

impl std::error::Error for HandlerError {}

/// What failed, for whom and why, on one line: control characters are escaped.
impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.panicked { "panicked" } else { "failed" };
        write!(f, "{} {:?} {how}: ", self.client_address, self.requestline)?;
        Escaped(f).write_str(&self.message)
    }
}

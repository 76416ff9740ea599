//! The failure of a handler, and its form for the hook `handle_error`.

use std::error::Error;
use std::fmt::{self, Display, Write as _};

use super::address::Address;
use super::http_error::HttpError;
use super::log_line::Escaped;
use super::returned_error::ReturnedError;
use crate::proto::misuse::Misuse;

/// How a handler failed.
#[derive(Clone, Copy)]
pub(crate) enum HandlerFailure<'a> {
    /// It returned an error: the error's text, and the error.
    Returned(&'a str, &'a ReturnedError),
    /// It made another mistake, which this text describes.
    Error(&'a str),
    Panic(&'a str),
}

impl<'a> HandlerFailure<'a> {
    pub(crate) fn message(&self) -> &'a str {
        match self {
            Self::Returned(message, _) | Self::Error(message) | Self::Panic(message) => message,
        }
    }

    /// The returned error, if it was kept as an error.
    fn error(&self) -> Option<&'a (dyn Error + 'static)> {
        match self {
            Self::Returned(_, error) => error.error(),
            Self::Error(_) | Self::Panic(_) => None,
        }
    }

    /// The `HttpError` that decides the response.
    pub(super) fn http(&self) -> Option<&'a HttpError> {
        match self {
            Self::Returned(_, error) => error.http(),
            Self::Error(_) | Self::Panic(_) => None,
        }
    }

    pub(crate) fn is_panic(&self) -> bool {
        matches!(self, Self::Panic(_))
    }

    pub(super) fn cites(&self, misuse: &Misuse) -> bool {
        let message = self.message();
        // `unwrap` shows it in its own form.
        message.contains(&misuse.to_string()) || (self.is_panic() && message.contains(&format!("{misuse:?}")))
    }
}

impl Display for HandlerFailure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Returned(message, _) | Self::Error(message) => f.write_str(message),
            Self::Panic(message) => write!(f, "panicked: {message}"),
        }
    }
}

/// The failure of a handler, which the hook [`handle_error`](crate::ServerBuilder::handle_error) gets.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc::channel;
/// use basehttp::prelude::*;
/// use basehttp::testing::TestServer;
///
/// struct Shop { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Shop {
///     fn do_GET(&self) -> Result<String, std::num::ParseIntError> {
///         let eggs: u32 = "many".parse()?;
///         Ok(format!("{eggs} eggs"))
///     }
/// }
///
/// let (alarm, alarms) = channel();
/// let builder = HTTPServer::builder().handle_error(move |error| {
///     let text = format!("{}: {}", error.requestline(), error.message());
///     let _ = alarm.send((text, error.is_panic()));
/// });
/// let server = TestServer::with(builder, |base| Shop { base });
/// server.exchange(b"GET /eggs HTTP/1.0\r\n\r\n")?;
/// let text = "GET /eggs HTTP/1.0: invalid digit found in string".to_owned();
/// assert_eq!(alarms.recv().unwrap(), (text, false));
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Debug)]
pub struct HandlerError<'a> {
    client_address: Address,
    requestline: String,
    message: String,
    panicked: bool,
    error: Option<&'a (dyn Error + 'static)>,
}

impl<'a> HandlerError<'a> {
    /// The failure of a handler in its current request.
    pub(super) fn new(client_address: Address, requestline: String, failure: &HandlerFailure<'a>) -> Self {
        Self { requestline, ..Self::early(client_address, failure) }
    }

    /// A failure before the handler exists.
    pub(crate) fn early(client_address: Address, failure: &HandlerFailure<'a>) -> Self {
        let (message, panicked) = (failure.message().to_owned(), failure.is_panic());
        Self { client_address, requestline: String::new(), message, panicked, error: failure.error() }
    }

    /// The client's address.
    pub fn client_address(&self) -> &Address {
        &self.client_address
    }

    /// The request line of the request that failed. It is client input: escape it before you show it.
    pub fn requestline(&self) -> &str {
        &self.requestline
    }

    /// The text of the error that the handler returned, or the message of its panic.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The error itself, if the method returned a type that implements [`Error`] and borrows nothing, or a type that contains
    /// such an error (`Box<dyn Error>`, `anyhow::Error`). Use it to look for your own type or to walk through the causes.
    ///
    /// Neither the error nor the `HandlerError` can be sent to another thread. Copy what you need elsewhere.
    ///
    /// ```
    /// use basehttp::HTTPServer;
    ///
    /// let builder = HTTPServer::builder().handle_error(|failure| {
    ///     let error = failure.error().and_then(|error| error.downcast_ref::<std::io::Error>());
    ///     if error.is_some_and(|error| error.kind() == std::io::ErrorKind::StorageFull) {
    ///         eprintln!("the disk is full");
    ///     }
    /// });
    /// ```
    pub fn error(&self) -> Option<&'a (dyn Error + 'static)> {
        self.error
    }

    /// Whether the handler panicked.
    pub fn is_panic(&self) -> bool {
        self.panicked
    }
}

impl Error for HandlerError<'_> {}

/// One line with the client, the request and the reason. Control characters are escaped.
impl Display for HandlerError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.panicked { "panicked" } else { "failed" };
        write!(f, "{} {:?} {how}: ", self.client_address, self.requestline)?;
        Escaped(f).write_str(&self.message)
    }
}

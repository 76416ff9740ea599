//! An error that carries its own response.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Display};
use std::io;

use super::response_code::{Field, ResponseCode};
use super::text::shortened;
use crate::proto::status::HTTPStatus;

/// An error that carries its own response: a status code and a message for the client.
///
/// A method returns it, and [`send_error`](crate::RequestHandler::send_error) sends it, so an override of `send_error` decides
/// how it looks. It is also found inside other errors: a `Box<dyn Error>`, an [`io::Error`](std::io::Error), an error with
/// added context, or whatever `?` converted it to. The context is for the log; the client gets only the message of the
/// `HttpError`.
///
/// Other errors that a method returns are answered with 500, and the client does not see their text, unless they are responses
/// ([`IntoResponse`](crate::IntoResponse)).
///
/// ```
/// use basehttp::HttpError;
/// use basehttp::prelude::*;
///
/// struct Users { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Users {
///     #[route(GET, "/users/{id}")]
///     fn user(&self, id: u32) -> Result<&str, HttpError> {
///         if id == 7 { Ok("Ann") } else { Err(HttpError::new(404, "No such user")) }
///     }
/// }
///
/// let client = basehttp::testing::client(|base| Users { base });
/// assert_eq!(client.get("/users/7").text(), "Ann");
/// assert_eq!((client.get("/users/8").status, &*client.get("/users/8").reason), (404, "No such user"));
/// ```
#[derive(Clone, Debug)]
pub struct HttpError {
    status: HTTPStatus,
    message: Option<Cow<'static, str>>,
    explanation: Option<Cow<'static, str>>,
    fields: Vec<Field>,
}

impl HttpError {
    /// An error with this code and message. The message appears in the status line and in the page.
    #[expect(clippy::needless_pass_by_value, reason = "codes are small, and given as literals")]
    pub fn new(code: impl ResponseCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: Some(message.into()), ..Self::from(code.status()) }
    }

    /// A 400: what the client has sent, and why it is refused. The reason may quote client input of any length, so it is cut.
    pub(super) fn bad(what: &str, why: &dyn Display) -> Self {
        let why = why.to_string();
        let (why, more) = shortened(&why, 200);
        Self::new(HTTPStatus::BAD_REQUEST, format!("Bad {what}: {why}{more}"))
    }

    /// This error with a longer text for the page.
    #[must_use]
    pub fn with_explanation(self, explanation: impl Into<Cow<'static, str>>) -> Self {
        Self { explanation: Some(explanation.into()), ..self }
    }

    /// This error with an additional header field for its response, for example `WWW-Authenticate` for 401.
    ///
    /// ```
    /// use basehttp::HttpError;
    ///
    /// let error = HttpError::new(401, "Log in first").with_header("WWW-Authenticate", "Basic realm=\"notes\"");
    /// # assert_eq!(error.status(), 401);
    /// ```
    #[must_use]
    pub fn with_header(mut self, name: impl Into<Cow<'static, str>>, value: impl Display) -> Self {
        self.fields.push((name.into(), value.to_string()));
        self
    }

    /// The status code.
    pub fn status(&self) -> HTTPStatus {
        self.status
    }
}

/// An error with the standard message of its code.
impl From<HTTPStatus> for HttpError {
    fn from(status: HTTPStatus) -> Self {
        Self { status, message: None, explanation: None, fields: Vec::new() }
    }
}

/// An error with the standard message of its code.
impl From<u16> for HttpError {
    fn from(code: u16) -> Self {
        HTTPStatus::new(code).into()
    }
}

impl Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_deref().or_else(|| self.status.phrase()) {
            Some(message) => write!(f, "{message} ({})", self.status.code()),
            None => write!(f, "{}", self.status.code()),
        }
    }
}

impl Error for HttpError {}

/// For methods that return [`io::Result`]. The server finds the `HttpError` inside.
impl From<HttpError> for io::Error {
    fn from(error: HttpError) -> Self {
        Self::other(error)
    }
}

impl ResponseCode for HttpError {
    fn status(&self) -> HTTPStatus {
        self.status
    }

    fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    fn explain(&self) -> Option<&str> {
        self.explanation.as_deref()
    }

    fn fields(&self) -> &[Field] {
        &self.fields
    }
}

//! The codes that `send_response` and `send_error` take.

use std::borrow::Cow;

use crate::proto::status::HTTPStatus;

/// A status code, alone, with a message, or with a message and an explanation: the arguments of Python's
/// `send_error(code[, message[, explain]])`.
///
/// It is implemented for `u16` (so that a literal needs no type), for [`HTTPStatus`], for `http::StatusCode` with the feature
/// `http`, and for tuples of one of them with one or two values that implement `AsRef<str>`: `404`, `(404, "No such page")`,
/// `(404, "No such page", format!("Nothing is called {name}."))`.
///
/// # Examples
///
/// ```
/// use std::io;
/// use basehttp::prelude::*;
///
/// /// Why an order is refused.
/// enum Refusal {
///     SoldOut,
///     UnknownItem,
/// }
///
/// impl ResponseCode for Refusal {
///     fn status(&self) -> HTTPStatus {
///         match self {
///             Self::SoldOut => HTTPStatus::CONFLICT,
///             Self::UnknownItem => HTTPStatus::NOT_FOUND,
///         }
///     }
///
///     fn message(&self) -> Option<&str> {
///         Some(match self {
///             Self::SoldOut => "Sold out",
///             Self::UnknownItem => "No such item",
///         })
///     }
/// }
///
/// struct Shop { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Shop {
///     #[route(POST, "/orders/{item}")]
///     fn order(&self, item: &str) -> io::Result<()> {
///         match item {
///             "eggs" => self.send_error(Refusal::SoldOut),
///             "spam" => self.send_error((410, "Gone", "Spam is off the menu.")),
///             _ => self.send_error(Refusal::UnknownItem),
///         }
///     }
/// }
///
/// let client = basehttp::testing::client(|base| Shop { base });
/// let answer = |item: &str| {
///     let response = client.post(&format!("/orders/{item}"), "text/plain", "");
///     (response.status, response.reason)
/// };
/// assert_eq!(answer("eggs"), (409, "Sold out".into()));
/// assert_eq!(answer("spam"), (410, "Gone".into()));
/// assert_eq!(answer("tea"), (404, "No such item".into()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a status code",
    label = "expected a `u16`, an `HTTPStatus`, or a tuple `(code, message)` or `(code, message, explanation)`",
    note = "write `404`, `(404, \"No such page\")` or `HTTPStatus::NOT_FOUND`"
)]
#[doc(alias("status"))]
pub trait ResponseCode {
    /// The code.
    fn status(&self) -> HTTPStatus;

    /// The message for the status line; `None` is the standard one.
    fn message(&self) -> Option<&str> {
        None
    }

    /// The explanation for the error page; `None` is the standard one.
    fn explain(&self) -> Option<&str> {
        None
    }

    /// The header fields of the response, names and values: those of an [`HttpError`](crate::HttpError), for example
    /// `WWW-Authenticate` with 401.
    fn fields(&self) -> &[(Cow<'static, str>, String)] {
        &[]
    }
}

/// A header field: name and value.
pub(crate) type Field = (Cow<'static, str>, String);

/// A code whose type is erased.
pub(super) struct AnyCode<'a>(pub(super) &'a dyn ResponseCode);

impl ResponseCode for AnyCode<'_> {
    fn status(&self) -> HTTPStatus {
        self.0.status()
    }

    fn message(&self) -> Option<&str> {
        self.0.message()
    }

    fn explain(&self) -> Option<&str> {
        self.0.explain()
    }

    fn fields(&self) -> &[Field] {
        self.0.fields()
    }
}

impl ResponseCode for u16 {
    fn status(&self) -> HTTPStatus {
        HTTPStatus::new(*self)
    }
}

impl ResponseCode for HTTPStatus {
    fn status(&self) -> HTTPStatus {
        *self
    }
}

#[cfg(feature = "http")]
impl ResponseCode for http::StatusCode {
    fn status(&self) -> HTTPStatus {
        HTTPStatus::new(self.as_u16())
    }
}

impl<C: ResponseCode, M: AsRef<str>> ResponseCode for (C, M) {
    fn status(&self) -> HTTPStatus {
        self.0.status()
    }

    fn message(&self) -> Option<&str> {
        Some(self.1.as_ref())
    }
}

impl<C: ResponseCode, M: AsRef<str>, E: AsRef<str>> ResponseCode for (C, M, E) {
    fn status(&self) -> HTTPStatus {
        self.0.status()
    }

    fn message(&self) -> Option<&str> {
        Some(self.1.as_ref())
    }

    fn explain(&self) -> Option<&str> {
        Some(self.2.as_ref())
    }
}

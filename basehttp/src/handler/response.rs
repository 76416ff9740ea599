//! Responses as values, which a method returns instead of writing them.

use std::borrow::Cow;
use std::fmt::{self, Display};

use super::http_error::HttpError;
use super::link::fit_for_a_target;
use super::payload::Payload;
use super::response_code::{Field, ResponseCode};
use super::returned_error::ReturnedError;
use crate::proto::status::HTTPStatus;
use crate::sync::Arc;

/// A response as a value: status, header fields, and a complete body.
///
/// Most methods do not need it: they can return text, bytes, `Json<T>` or a pair of a status and a value ([`IntoResponse`]).
/// [`with_status`](IntoResponse::with_status) and [`with_header`](IntoResponse::with_header) turn any of these into a
/// `Response`. A method whose branches have values of different types returns `Response`.
///
/// The server sends it with [`send_response`](crate::RequestHandler::send_response), `send_header` and `end_headers`, so your
/// overrides of them apply. It adds `Content-Length`.
///
/// ```
/// use basehttp::prelude::*;
/// use basehttp::{Redirect, Response};
///
/// struct Site { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Site {
///     #[route(GET, "/{name}")]
///     fn page(&self, name: &str) -> Response {
///         match name {
///             "old" => Redirect::to("/new").into_response(),
///             "new" => "Here it is".with_header("Cache-Control", "max-age=60"),
///             _ => Response::new(410),
///         }
///     }
/// }
///
/// let client = basehttp::testing::client(|base| Site { base });
/// assert_eq!(client.get("/old").header("location"), Some("/new"));
/// assert_eq!(client.get("/new").header("cache-control"), Some("max-age=60"));
/// assert_eq!(client.get("/other").status, 410);
/// ```
#[must_use = "a method returns it, and the server sends it"]
pub struct Response(Option<Box<Kind>>);

/// A response that the method has not written itself.
pub(super) enum Kind {
    Value(ValueParts),
    /// The handler's error page.
    Error(HttpError),
    /// The value could not be converted to bytes.
    Failed(ReturnedError),
}

/// The parts of a response that is to be sent.
pub(super) struct ValueParts {
    pub(super) code: Code,
    pub(super) fields: Vec<Field>,
    pub(super) body: Option<Payload>,
}

/// A status, with its message unless that is the standard one.
pub(super) struct Code {
    status: HTTPStatus,
    message: Option<String>,
}

impl ResponseCode for Code {
    fn status(&self) -> HTTPStatus {
        self.status
    }

    fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl Response {
    /// The response that the method has written itself.
    pub(super) const WRITTEN: Self = Self(None);

    /// A response without a body.
    #[expect(clippy::needless_pass_by_value, reason = "codes are small, and given as literals")]
    pub fn new(code: impl ResponseCode) -> Self {
        Self::empty(Code::of(&code))
    }

    /// A response with these bytes as its body and status 200. It takes the bytes over without a copy.
    ///
    /// ```
    /// use basehttp::Response;
    ///
    /// static LOGO: &[u8] = &[0x89, b'P', b'N', b'G'];
    ///
    /// let response = Response::of_bytes("image/png", LOGO);
    /// ```
    pub fn of_bytes(content_type: impl Into<Cow<'static, str>>, body: impl Into<Payload>) -> Self {
        let fields = vec![("Content-Type".into(), content_type.into().into_owned())];
        Self::of(Kind::Value(ValueParts { code: Code::of(&HTTPStatus::OK), fields, body: Some(body.into()) }))
    }

    /// A response for a value that cannot be converted to bytes: a 500. The error is logged and reported like one that the
    /// method returns.
    pub fn failed(error: impl std::error::Error + 'static) -> Self {
        Self::of(Kind::Failed(ReturnedError::plain(error)))
    }

    fn empty(code: Code) -> Self {
        Self::of(Kind::Value(ValueParts { code, fields: Vec::new(), body: None }))
    }

    fn of(kind: Kind) -> Self {
        Self(Some(Box::new(kind)))
    }

    /// Whether it is a 5xx. An [`HttpError`] is the method's decision, and logged by its error page.
    pub(super) fn is_server_error(&self) -> bool {
        matches!(self.0.as_deref(), Some(Kind::Value(value)) if value.code.status.code() >= 500)
    }

    /// `None` if the method has written the response itself.
    pub(super) fn into_kind(self) -> Option<Kind> {
        self.0.map(|kind| *kind)
    }

    fn set_code(mut self, code: &impl ResponseCode) -> Self {
        match self.0.as_deref_mut() {
            None => return Self::empty(Code::of(code)),
            Some(Kind::Value(value)) => value.code = Code::of(code),
            // A value that is missing or has failed must not become a success.
            Some(Kind::Error(_) | Kind::Failed(_)) => {}
        }
        self
    }
}

impl Code {
    fn of(code: &impl ResponseCode) -> Self {
        Self { status: code.status(), message: code.message().map(str::to_owned) }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Response");
        match self.0.as_deref() {
            Some(Kind::Value(value)) => debug
                .field("status", &value.code.status.code())
                .field("headers", &value.fields)
                .field("body", &value.body),
            Some(Kind::Error(error)) => debug.field("error", error),
            Some(Kind::Failed(error)) => debug.field("failed", error),
            None => &mut debug,
        };
        debug.finish_non_exhaustive()
    }
}

/// A value that a method returns and the server sends.
///
/// | value | response |
/// |---|---|
/// | `&str`, `String`, `Cow<str>`, `Box<str>`, `Arc<str>` | 200, `text/plain; charset=utf-8` |
/// | `&[u8]`, `Vec<u8>`, `[u8; N]`, `Box<[u8]>`, `Arc<[u8]>`, [`Payload`] | 200, `application/octet-stream` |
/// | [`Html<T>`](Html) | 200, `text/html; charset=utf-8` |
/// | `Json<T>` (feature `json`) | 200, `application/json` |
/// | `(code, value)`, for example `(201, "made")` | the value's, with this status |
/// | [`HTTPStatus`] | that status, without a body |
/// | [`Redirect`] | 303 and `Location` |
/// | `Option<V>` | the value's, or 404 |
/// | [`HttpError`] | its error page |
/// | `()` | the one that the method has written |
///
/// With a status that has no content (204, 205, 304), the content of the value is left out, and the log says so.
///
/// A method may also return a `Result` of one of them. An error of your own with `IntoResponse` is sent as that response; so are
/// `Response`, `Redirect` and `(409, value)`. Such an error is logged only if its status is 5xx. If a part of another response was
/// sent, or the error comes from a fault of the client, it is an error like any other. An [`HttpError`], or an error with one
/// among its causes, is sent as its error page; an [`HTTPStatus`] or a `u16` as the page of that status. Any other error must
/// implement `Display`: it is logged, and the client gets 500.
///
/// To implement it for your own type, convert the type to one of these values:
///
/// ```
/// use basehttp::prelude::*;
/// use basehttp::Response;
///
/// struct Celsius(f64);
///
/// impl IntoResponse for Celsius {
///     fn into_response(self) -> Response {
///         format!("{} °C", self.0).with_header("Cache-Control", "no-store")
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a response",
    label = "expected `()`, a type with `IntoResponse`, or a `Result` of one of them",
    note = "return text, bytes, `Json<T>`, `Html<T>`, `(u16, value)`, `Option<value>`, `HTTPStatus`, `Redirect` or `Response`",
    note = "or write the response with `self.send_response(...)` and `self.wfile`, and return `io::Result<()>`"
)]
pub trait IntoResponse: Sized {
    /// Converts the value to a response.
    fn into_response(self) -> Response;

    /// The response with another status, or another message with it: `Json(user).with_status(201)`. An error, such as that of
    /// an `Option` that is `None`, keeps its status.
    fn with_status(self, code: impl ResponseCode) -> Response {
        self.into_response().set_code(&code)
    }

    /// The response with an additional header field. `Content-Type` replaces the value's own. An error, such as that of an
    /// `Option` that is `None`, does not get the field: [`HttpError::with_header`] is for errors.
    fn with_header(self, name: impl Into<Cow<'static, str>>, value: impl Display) -> Response {
        let mut response = self.into_response();
        let name = name.into();
        match response.0.as_deref_mut() {
            Some(Kind::Value(ValueParts { fields, .. })) => {
                if name.eq_ignore_ascii_case("Content-Type") {
                    fields.retain(|(name, _)| !name.eq_ignore_ascii_case("Content-Type"));
                }
                fields.push((name, value.to_string()));
                response
            }
            // A field about the value, such as how long it may be cached, does not apply to an error page.
            Some(Kind::Error(_) | Kind::Failed(_)) => response,
            None => Response::new(HTTPStatus::OK).with_header(name, value),
        }
    }
}

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

/// The response that the method has written itself.
impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::WRITTEN
    }
}

impl IntoResponse for &str {
    fn into_response(self) -> Response {
        Response::of_bytes(TEXT, self.to_owned())
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Response {
        Response::of_bytes(TEXT, self)
    }
}

impl IntoResponse for &String {
    fn into_response(self) -> Response {
        self.as_str().into_response()
    }
}

impl IntoResponse for Cow<'_, str> {
    fn into_response(self) -> Response {
        self.into_owned().into_response()
    }
}

impl IntoResponse for Box<str> {
    fn into_response(self) -> Response {
        Response::of_bytes(TEXT, self)
    }
}

impl IntoResponse for Arc<str> {
    fn into_response(self) -> Response {
        Response::of_bytes(TEXT, self)
    }
}

impl IntoResponse for &[u8] {
    fn into_response(self) -> Response {
        Response::of_bytes(BYTES, self.to_owned())
    }
}

impl<const N: usize> IntoResponse for &[u8; N] {
    fn into_response(self) -> Response {
        self.as_slice().into_response()
    }
}

impl<const N: usize> IntoResponse for [u8; N] {
    fn into_response(self) -> Response {
        Response::of_bytes(BYTES, self)
    }
}

impl IntoResponse for Box<[u8]> {
    fn into_response(self) -> Response {
        Response::of_bytes(BYTES, self)
    }
}

impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Response {
        Response::of_bytes(BYTES, self)
    }
}

impl IntoResponse for Arc<[u8]> {
    fn into_response(self) -> Response {
        Response::of_bytes(BYTES, self)
    }
}

impl IntoResponse for Payload {
    fn into_response(self) -> Response {
        Response::of_bytes(BYTES, self)
    }
}

#[cfg(feature = "bytes")]
impl IntoResponse for bytes::Bytes {
    fn into_response(self) -> Response {
        Response::of_bytes(BYTES, self)
    }
}

/// A response with this status and without a body.
impl IntoResponse for HTTPStatus {
    fn into_response(self) -> Response {
        Response::new(self)
    }
}

/// The error page of this error.
impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        Response::of(Kind::Error(self))
    }
}

/// A value with another status.
impl<C: ResponseCode, V: IntoResponse> IntoResponse for (C, V) {
    fn into_response(self) -> Response {
        self.1.with_status(self.0)
    }
}

/// A value, or a 404 if there is none.
impl<V: IntoResponse> IntoResponse for Option<V> {
    fn into_response(self) -> Response {
        match self {
            Some(value) => value.into_response(),
            None => HttpError::from(HTTPStatus::NOT_FOUND).into_response(),
        }
    }
}

/// Text that is an HTML page. Escape all text that comes from others: [`html_escape`](crate::html_escape).
///
/// ```
/// use basehttp::{Html, html_escape};
///
/// fn page(name: &str) -> Html<String> {
///     Html(format!("<h1>Hello, {}!</h1>", html_escape(name)))
/// }
/// # assert_eq!(page("<b>").0, "<h1>Hello, &lt;b&gt;!</h1>");
/// ```
#[derive(Clone, Debug)]
pub struct Html<T>(pub T);

impl<T: Into<String>> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        Response::of_bytes("text/html; charset=utf-8", self.0.into())
    }
}

/// A response that sends the client to another address.
///
/// Characters that are not allowed in a URL, including line ends, are percent-encoded. An address that comes from the client
/// may lead to another site: check it first.
///
/// ```
/// use basehttp::prelude::*;
/// use basehttp::Redirect;
///
/// struct Site { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Site {
///     #[route(POST, "/login")]
///     fn login(&self) -> Redirect {
///         Redirect::to("/welcome")
///     }
/// }
///
/// let response = basehttp::testing::client(|base| Site { base }).post("/login", "text/plain", "");
/// assert_eq!((response.status, response.header("location")), (303, Some("/welcome")));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a method returns it, and the server sends it"]
pub struct Redirect {
    status: HTTPStatus,
    location: String,
}

impl Redirect {
    /// 303: the client retrieves the other address, whatever the method of this request was. Use it after a form.
    pub fn to(location: impl AsRef<str>) -> Self {
        Self::with(HTTPStatus::SEE_OTHER, location.as_ref())
    }

    /// 307: the client sends the same request to the other address, and uses this one again the next time.
    pub fn temporary(location: impl AsRef<str>) -> Self {
        Self::with(HTTPStatus::TEMPORARY_REDIRECT, location.as_ref())
    }

    /// 308: the client sends the same request to the other address, now and in the future. Browsers remember it for a long time.
    pub fn permanent(location: impl AsRef<str>) -> Self {
        Self::with(HTTPStatus::PERMANENT_REDIRECT, location.as_ref())
    }

    fn with(status: HTTPStatus, location: &str) -> Self {
        Self { status, location: fit_for_a_target(location) }
    }
}

impl IntoResponse for Redirect {
    fn into_response(self) -> Response {
        Response::new(self.status).with_header("Location", self.location)
    }
}

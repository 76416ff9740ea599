//! Bodies of HTML forms.

use serde::de::DeserializeOwned;

use super::arguments::FromBody;
use super::http_error::HttpError;
use crate::proto::grammar::percent_decoded;
use crate::proto::parameters::Parameters;
use crate::proto::status::HTTPStatus;

/// A form, as the argument of a route: the body of a request with `Content-Type: application/x-www-form-urlencoded`, as a browser
/// sends it for `<form method="post">`. For any other type the response is a 415, sent before the body is read. If the body is
/// not a valid form for `T`, the response is a 400.
///
/// A repeated field, such as that of several checkboxes, is a `Vec`. For a form with files, use
/// [`multipart`](crate::BaseHTTPRequestHandler::multipart).
///
/// A browser sends a form to any site that a page names. If your form changes something, check `Origin` or `Sec-Fetch-Site`, or
/// put a secret into the form.
///
/// ```
/// use basehttp::Form;
/// use basehttp::prelude::*;
///
/// #[derive(serde::Deserialize)]
/// struct Guest { name: String, age: Option<u8> }
///
/// struct Guests { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Guests {
///     #[route(POST, "/guests")]
///     fn add(&self, Form(guest): Form<Guest>) -> String {
///         format!("Hello, {}!", guest.name)
///     }
/// }
///
/// let client = basehttp::testing::client(|base| Guests { base });
/// let post = |body| client.post("/guests", "application/x-www-form-urlencoded", body);
/// assert_eq!(post("name=Ann+Lee&age=30").text(), "Hello, Ann Lee!");
/// assert_eq!(post("name=Ann&age=old").status, 400);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Form<T>(pub T);

const FORM: &str = "application/x-www-form-urlencoded";

impl<T: DeserializeOwned> FromBody for Form<T> {
    fn check_type(content_type: Option<&Parameters>) -> Result<(), HttpError> {
        if content_type.is_some_and(|content_type| content_type.is(FORM)) {
            return Ok(());
        }
        let error = HttpError::new(HTTPStatus::UNSUPPORTED_MEDIA_TYPE, format!("Send {FORM}"));
        Err(error.with_header("Accept", FORM))
    }

    fn from_body(body: Vec<u8>) -> Result<Self, HttpError> {
        // `serde_html_form` would replace invalid bytes. The separators of the fields are ASCII, so the whole is UTF-8 if its
        // parts are.
        if std::str::from_utf8(&percent_decoded(&body)).is_err() {
            return Err(HttpError::bad("form", &"it is not UTF-8"));
        }
        serde_html_form::from_bytes(&body).map(Self).map_err(|error| HttpError::bad("form", &error))
    }
}

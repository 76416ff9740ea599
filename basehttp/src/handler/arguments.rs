//! The sources of a route's arguments: segments of the path, values of the query, the body.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Display};
use std::str::FromStr;

use super::http_error::HttpError;
use crate::proto::parameters::Parameters;
use crate::proto::status::HTTPStatus;

/// The reason why a part of a request cannot become an argument. If the part is in the query, the client gets to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentError(String);

impl ArgumentError {
    /// An error with a reason, for example `"must be a year"`.
    pub fn new(reason: impl Display) -> Self {
        Self(reason.to_string())
    }
}

impl Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for ArgumentError {}

/// The marker of [`FromPath`] and [`FromQuery`] for your own types. The markers keep the implementations apart.
#[derive(Clone, Copy, Debug)]
pub enum Own {}

/// The marker for types with `FromStr`.
#[derive(Clone, Copy, Debug)]
pub enum Parsed {}

/// The marker for `&str`.
#[derive(Clone, Copy, Debug)]
pub enum Borrowed {}

/// The marker for one value of a query.
#[derive(Clone, Copy, Debug)]
pub struct One<K>(K);

/// The marker for a value of a query that may be missing.
#[derive(Clone, Copy, Debug)]
pub struct Optional<K>(K);

/// The marker for all values of a query with one key.
#[derive(Clone, Copy, Debug)]
pub struct Many<K>(K);

/// A type for a route's argument that is named in the path of the pattern: `/users/{id}`.
///
/// It is implemented for `&str`, for `String`, and for every type with `FromStr`, so you rarely implement it yourself. If the
/// segment cannot be converted, the response is a 404. The parameter `K` keeps the implementations apart. Leave it out for
/// your own type, which must then not implement `FromStr`.
///
/// ```
/// use basehttp::{ArgumentError, FromPath};
///
/// /// `/days/2026-11-30`.
/// struct Day<'a> { year: &'a str, rest: &'a str }
///
/// impl<'a> FromPath<'a> for Day<'a> {
///     fn from_path(text: &'a str) -> Result<Self, ArgumentError> {
///         let (year, rest) = text.split_once('-').ok_or(ArgumentError::new("must be a date"))?;
///         Ok(Self { year, rest })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from the path",
    label = "`{Self}` does not implement `std::str::FromStr`",
    note = "an argument from the path is a `&str`, a `String`, or a type with `std::str::FromStr` whose error implements `Display`"
)]
pub trait FromPath<'a, K = Own>: Sized {
    /// Makes the value from the decoded text, which is not empty.
    ///
    /// # Errors
    /// The reason. The client gets a 404 without it.
    fn from_path(text: &'a str) -> Result<Self, ArgumentError>;
}

impl<T: FromStr<Err: Display>> FromPath<'_, Parsed> for T {
    fn from_path(text: &str) -> Result<Self, ArgumentError> {
        text.parse().map_err(ArgumentError::new)
    }
}

impl<'a> FromPath<'a, Borrowed> for &'a str {
    fn from_path(text: &'a str) -> Result<Self, ArgumentError> {
        Ok(text)
    }
}

/// A type for a route's argument that is named in the query of the pattern: `/users?{name}&{limit}`.
///
/// It is implemented for every type that can be made from a part of the path ([`FromPath`]), for an `Option` of it if the key
/// may be missing, and for a `Vec` of it if the key may be repeated. Percent-encoding and plus signs are decoded. If the key
/// is missing or its value cannot be converted, the response is a 400 with the name of the key. For an `Option`, an empty
/// value that cannot be converted counts as missing, since HTML forms send empty inputs: `?limit=` is `None` for an
/// `Option<u32>`, and `Some("")` for an `Option<&str>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from the query",
    label = "neither `{Self}` nor the type in it implements `std::str::FromStr`",
    note = "an argument from the query is a `&str`, a `String`, a type with `std::str::FromStr` whose error implements `Display`, or an \
        `Option` or a `Vec` of one of them"
)]
pub trait FromQuery<'a, K = Own>: Sized {
    /// Makes the value from the decoded values of its key, in the order of the query.
    ///
    /// # Errors
    /// The reason, which the client gets to read.
    fn from_query(values: &'a [Cow<'a, str>]) -> Result<Self, ArgumentError>;
}

impl<'a, T: FromPath<'a, K>, K> FromQuery<'a, One<K>> for T {
    fn from_query(values: &'a [Cow<'a, str>]) -> Result<Self, ArgumentError> {
        T::from_path(values.first().ok_or_else(|| ArgumentError::new("it is missing"))?)
    }
}

impl<'a, T: FromPath<'a, K>, K> FromQuery<'a, Optional<K>> for Option<T> {
    fn from_query(values: &'a [Cow<'a, str>]) -> Result<Self, ArgumentError> {
        let Some(value) = values.first() else { return Ok(None) };
        match T::from_path(value) {
            // An HTML form sends an input that was left empty as `limit=`.
            Err(_) if value.is_empty() => Ok(None),
            made => made.map(Some),
        }
    }
}

impl<'a, T: FromPath<'a, K>, K> FromQuery<'a, Many<K>> for Vec<T> {
    fn from_query(values: &'a [Cow<'a, str>]) -> Result<Self, ArgumentError> {
        values.iter().map(|value| T::from_path(value)).collect()
    }
}

/// A type for the one argument of a route that its pattern does not name: the body of the request.
///
/// It is implemented for `Vec<u8>` and `String`, and with the features `json` and `form` for `Json<T>` and `Form<T>`. The body may
/// have up to 2 MiB, or the `limit` in `#[route(.., limit = ...)]`; for a longer one the response is a 413.
///
/// ```
/// use basehttp::{FromBody, HttpError, Parameters};
///
/// struct Lines(Vec<String>);
///
/// impl FromBody for Lines {
///     fn check_type(content_type: Option<&Parameters>) -> Result<(), HttpError> {
///         let is_text = content_type.is_some_and(|content_type| content_type.is("text/plain"));
///         if is_text { Ok(()) } else { Err(HttpError::new(415, "Send text/plain")) }
///     }
///
///     fn from_body(body: Vec<u8>) -> Result<Self, HttpError> {
///         Ok(Self(String::from_body(body)?.lines().map(str::to_owned).collect()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from the body",
    label = "the pattern does not name this argument, so it takes the body",
    note = "to take it from the path or the query, write `/{{name}}` or `?{{name}}` in the pattern",
    note = "an argument from the body is a `Json<T>`, a `Form<T>`, a `String`, a `Vec<u8>`, or a type with `basehttp::FromBody`"
)]
pub trait FromBody: Sized {
    /// Checks the `Content-Type` before the body is read, so that a client that waits for `100 Continue` need not send the body.
    ///
    /// # Errors
    /// The response, for example a 415.
    fn check_type(_content_type: Option<&Parameters>) -> Result<(), HttpError> {
        Ok(())
    }

    /// Makes the value from the body.
    ///
    /// # Errors
    /// The response, for example a 400.
    fn from_body(body: Vec<u8>) -> Result<Self, HttpError>;
}

impl FromBody for Vec<u8> {
    fn from_body(body: Vec<u8>) -> Result<Self, HttpError> {
        Ok(body)
    }
}

/// Text in UTF-8. For other bytes, the response is a 400.
impl FromBody for String {
    fn from_body(body: Vec<u8>) -> Result<Self, HttpError> {
        Self::from_utf8(body).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            HttpError::new(HTTPStatus::BAD_REQUEST, format!("Bad text: byte {place} is not UTF-8"))
        })
    }
}

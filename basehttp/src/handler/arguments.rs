//! What the arguments of a route are made of: segments of the path, values of the query, the body.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Display};
use std::str::FromStr;

use super::http_error::HttpError;
use crate::proto::parameters::Parameters;
use crate::proto::status::HTTPStatus;

/// Why a part of a request is not what an argument needs. The client reads it, where the part is of the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentError(String);

impl ArgumentError {
    /// For a reason, as `"has to be a year"`.
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

/// How the implementations of [`FromPath`] and [`FromQuery`] are told apart: types of one's own have this one.
#[derive(Clone, Copy, Debug)]
pub enum Own {}

/// For types with `FromStr`.
#[derive(Clone, Copy, Debug)]
pub enum Parsed {}

/// For `&str`.
#[derive(Clone, Copy, Debug)]
pub enum Borrowed {}

/// For one value of a query.
#[derive(Clone, Copy, Debug)]
pub struct One<K>(K);

/// For a value of a query that may be missing.
#[derive(Clone, Copy, Debug)]
pub struct Optional<K>(K);

/// For all values of a query with one key.
#[derive(Clone, Copy, Debug)]
pub struct Many<K>(K);

/// What an argument of a route is made of whose name stands in the path of the pattern: `/users/{id}`.
///
/// It is there for `&str`, for `String`, and for every type with `FromStr`, so that it is rarely implemented. What cannot be made
/// of the segment is answered 404. The parameter `K` tells the implementations apart; leave it out for a type of your own, which
/// must not have `FromStr` then.
///
/// ```
/// use basehttp::{ArgumentError, FromPath};
///
/// /// `/days/2026-11-30`.
/// struct Day<'a> { year: &'a str, rest: &'a str }
///
/// impl<'a> FromPath<'a> for Day<'a> {
///     fn from_path(text: &'a str) -> Result<Self, ArgumentError> {
///         let (year, rest) = text.split_once('-').ok_or(ArgumentError::new("has to be a date"))?;
///         Ok(Self { year, rest })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made of a part of the path",
    label = "`{Self}` does not implement `std::str::FromStr`",
    note = "a parameter of the path is `&str`, `String`, or any type with `std::str::FromStr` whose error can be displayed"
)]
pub trait FromPath<'a, K = Own>: Sized {
    /// Makes the value of decoded text, which is not empty.
    ///
    /// # Errors
    /// A reason, for the log of whoever looks for it: the client gets 404.
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

/// What an argument of a route is made of whose name stands in the query of the pattern: `/users?{name}&{limit}`.
///
/// It is there for whatever can be made of a part of the path ([`FromPath`]), for an `Option` of it, where the key may be missing, and
/// for a `Vec` of it, where it may be repeated. Percent-encoding and plus signs are decoded. A key that is missing, and what cannot be
/// made of its value, are answered 400 with the name of the key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made of a part of the query",
    label = "neither `{Self}` nor what is in it implements `std::str::FromStr`",
    note = "a parameter of the query is `&str`, `String`, any type with `std::str::FromStr` whose error can be displayed, or an `Option` or \
        a `Vec` of one of them"
)]
pub trait FromQuery<'a, K = Own>: Sized {
    /// Makes the value of what the key had, in the order of the query.
    ///
    /// # Errors
    /// A reason, which the client reads.
    fn from_query(values: &'a [Cow<'a, str>]) -> Result<Self, ArgumentError>;
}

impl<'a, T: FromPath<'a, K>, K> FromQuery<'a, One<K>> for T {
    fn from_query(values: &'a [Cow<'a, str>]) -> Result<Self, ArgumentError> {
        T::from_path(values.first().ok_or_else(|| ArgumentError::new("it is missing"))?)
    }
}

impl<'a, T: FromPath<'a, K>, K> FromQuery<'a, Optional<K>> for Option<T> {
    fn from_query(values: &'a [Cow<'a, str>]) -> Result<Self, ArgumentError> {
        values.first().map(|value| T::from_path(value)).transpose()
    }
}

impl<'a, T: FromPath<'a, K>, K> FromQuery<'a, Many<K>> for Vec<T> {
    fn from_query(values: &'a [Cow<'a, str>]) -> Result<Self, ArgumentError> {
        values.iter().map(|value| T::from_path(value)).collect()
    }
}

/// What the argument of a route is made of that its pattern does not name: the body of the request.
///
/// It is there for `Vec<u8>` and `String`, and with the features `json` and `form` for `Json<T>` and `Form<T>`. The body may have up to
/// 2 MiB, or what `#[route(.., limit = ...)]` says; a longer one is answered 413.
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
    message = "the argument of type `{Self}` gets nothing",
    label = "neither a parameter of the pattern nor a body",
    note = "name it in the pattern, `/{{name}}` or `?{{name}}`, or make it a body: `Json<T>`, `Form<T>`, `Vec<u8>`, `String`"
)]
pub trait FromBody: Sized {
    /// Looks at the `Content-Type` before the body is read, so that a client which waits for `100 Continue` need not send it.
    ///
    /// # Errors
    /// The answer, as 415.
    fn check_type(_content_type: Option<&Parameters>) -> Result<(), HttpError> {
        Ok(())
    }

    /// Makes the value of the body.
    ///
    /// # Errors
    /// The answer, as 400.
    fn from_body(body: Vec<u8>) -> Result<Self, HttpError>;
}

impl FromBody for Vec<u8> {
    fn from_body(body: Vec<u8>) -> Result<Self, HttpError> {
        Ok(body)
    }
}

/// Text in UTF-8. Other bytes are answered 400.
impl FromBody for String {
    fn from_body(body: Vec<u8>) -> Result<Self, HttpError> {
        Self::from_utf8(body).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            HttpError::new(HTTPStatus::BAD_REQUEST, format!("Bad text: byte {place} is no UTF-8"))
        })
    }
}

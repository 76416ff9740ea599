//! Functions that extract a route's arguments from a request, for the calls that the attribute generates.
#![allow(clippy::missing_errors_doc, reason = "only the attribute calls them")]

use std::borrow::Cow;
use std::fmt::Display;

use super::arguments::{FromBody, FromPath, FromQuery};
use super::base::BaseHTTPRequestHandler;
use super::http_error::HttpError;
use super::message::Message;
use super::outcome::NoValue;
use super::route::RouteTarget;
use crate::proto::grammar::{decoded_bytes, percent_decoded};
use crate::proto::parameters::Parameters;
use crate::proto::status::HTTPStatus;

/// The limit on a body, in bytes, unless its route has a `limit`: the usual default of web frameworks.
pub const BODY_LIMIT: usize = 2 << 20;

impl<M: Message> BaseHTTPRequestHandler<M> {
    /// The target of the current request, as the routes see it.
    #[doc(hidden)]
    pub fn __route_target(&self) -> RouteTarget<'_> {
        RouteTarget::new(self.request().route_target())
    }
}

/// The argument that is made from the body, which may have at most `limit` bytes.
pub fn body_argument<T: FromBody, M: Message>(
    (base, limit): (&BaseHTTPRequestHandler<M>, usize),
) -> Result<T, NoValue> {
    let content_type = base.request().values("Content-Type").next().map(Parameters::parse_bytes);
    T::check_type(content_type.as_ref())?;
    Ok(T::from_body(base.read_body(limit)?)?)
}

/// The text of a segment.
pub fn segment<'a>(target: &'a RouteTarget<'_>, index: usize) -> Result<Cow<'a, str>, NoValue> {
    decoded_path(target.segment(index))
}

/// The text of this segment and all that follow.
pub fn rest<'a>(target: &'a RouteTarget<'_>, index: usize) -> Result<Cow<'a, str>, NoValue> {
    decoded_path(target.rest(index))
}

/// The argument that is made from a part of the path.
pub fn path_argument<'a, T: FromPath<'a, K>, K>(text: &'a str) -> Result<T, NoValue> {
    T::from_path(text).map_err(|_| not_found())
}

/// The values of a key of the query.
pub fn values<'a>(target: &'a RouteTarget<'_>, key: &str) -> Result<Vec<Cow<'a, str>>, NoValue> {
    let query = target.query();
    let mut values = Vec::new();
    if query.is_empty() {
        return Ok(values);
    }
    for pair in query.split(|byte| *byte == b'&') {
        let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at(equals);
        if spells(name, key.as_bytes()) {
            let value = decoded_query(value.get(1..).unwrap_or_default());
            values.push(text(value).ok_or_else(|| bad_parameter(key, &"it is not UTF-8"))?);
        }
    }
    Ok(values)
}

/// The argument that is made from a part of the query.
pub fn query_argument<'a, T: FromQuery<'a, K>, K>(
    key: &str,
    values: &'a [Cow<'a, str>],
) -> Result<T, NoValue> {
    T::from_query(values).map_err(|error| bad_parameter(key, &error))
}

fn not_found() -> NoValue {
    HttpError::from(HTTPStatus::NOT_FOUND).into()
}

fn bad_parameter(key: &str, why: &dyn Display) -> NoValue {
    HttpError::bad(&format!("parameter {key}"), why).into()
}

fn decoded_path(bytes: &[u8]) -> Result<Cow<'_, str>, NoValue> {
    text(percent_decoded(bytes)).ok_or_else(not_found)
}

/// Whether a name decodes to this key. Compares without a copy, since a query may have thousands of names.
fn spells(name: &[u8], key: &[u8]) -> bool {
    decoded_bytes(name, b' ').eq(key.iter().copied())
}

/// Decodes a value as browsers encode it in forms.
fn decoded_query(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.contains(&b'+') {
        Cow::Owned(decoded_bytes(bytes, b' ').collect())
    } else {
        percent_decoded(bytes)
    }
}

fn text(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values_of(query: &str, key: &str) -> Result<Vec<String>, u16> {
        let target = RouteTarget::new(Cow::Owned(format!("/?{query}").into_bytes()));
        match values(&target, key) {
            Ok(values) => Ok(values.into_iter().map(Cow::into_owned).collect()),
            Err(NoValue::Error(error)) => Err(error.http().map_or(500, |http| http.status().code())),
            Err(NoValue::Response(..)) => unreachable!("a query has no response"),
        }
    }

    #[test]
    fn the_values_of_a_key() {
        for (query, key, expected) in [
            ("", "a", &[][..]),
            ("a", "a", &[""]),
            ("a=", "a", &[""]),
            ("=", "a", &[]),
            ("=1", "", &["1"]),
            ("b=1&a=2&a=3&ab=4&a", "a", &["2", "3", ""]),
            ("a=b+c%20d%2Be", "a", &["b c d+e"]),
            ("%61=1&a%20b=2&a+b=3", "a b", &["2", "3"]),
            ("a=b=c?d/e", "a", &["b=c?d/e"]),
            ("a=%", "a", &["%"]),
            ("%=1&%6=2&%zz=3&a%=4", "%", &["1"]),
            ("%zz=3&%=1", "%zz", &["3"]),
            ("a%=4&a%25=5&a=6", "a%", &["4", "5"]),
            ("x[]=1", "x[]", &["1"]),
            ("\u{e9}=\u{e8}", "\u{e9}", &["\u{e8}"]),
            ("a=%C3%A9", "a", &["\u{e9}"]),
            ("b=%ff", "a", &[]),
        ] {
            assert_eq!(
                values_of(query, key).as_deref(),
                Ok(&*expected.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>()),
                "{query}"
            );
        }
        assert_eq!(values_of("a=%ff", "a"), Err(400));
    }
}

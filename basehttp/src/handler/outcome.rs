//! The values that a method may return, and how the attribute distinguishes their kinds.
//!
//! The attribute sees the method's value but not its type. It finds the kind of the value by a method call on [`probe`]: the compiler
//! takes the first of the traits in [`kinds`] that fits, since each needs one reference less than the one before.
#![allow(clippy::missing_errors_doc, reason = "the error is the one that a method has returned")]

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt::Display;
use std::io;
use std::marker::PhantomData;

use super::http_error::HttpError;
use super::payload::Payload;
use super::response::{Html, IntoResponse, Response};
use super::response_code::ResponseCode;
use super::returned_error::{ReturnedError, text_of};
use crate::proto::status::HTTPStatus;
use crate::sync::Arc;

/// The outcome of a method: its response, or why there is none.
pub type Answer = Result<Response, NoValue>;

/// Why a method has no value.
pub enum NoValue {
    /// Its error.
    Error(ReturnedError),
    /// The response that its error is, and the error's text.
    Response(Response, String),
}

impl<E: Into<ReturnedError>> From<E> for NoValue {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Converts the value of a method to its response.
pub fn answer<V: IntoResponse>(value: Result<V, NoValue>) -> Answer {
    value.map(IntoResponse::into_response)
}

/// What the guard of a block of routes can return: whether the request continues.
#[diagnostic::on_unimplemented(
    message = "a guard cannot return `{Self}`",
    label = "expected `Result<(), E>`, `bool` or `Result<bool, E>`",
    note = "with `Ok(())` or `true` the request continues, and an `Err` answers it; a guard that returns `false` has sent the response itself"
)]
pub trait GoesOn {
    /// The end of the request, unless it continues.
    fn refusal(self) -> Option<Response>;
}

/// With `false`, the guard has written the response.
impl GoesOn for bool {
    fn refusal(self) -> Option<Response> {
        (!self).then_some(Response::WRITTEN)
    }
}

/// A guard that refuses a request by its error alone.
impl GoesOn for () {
    fn refusal(self) -> Option<Response> {
        None
    }
}

/// The answer of a guard: `Some` ends the request.
pub fn refusal(value: Result<impl GoesOn, NoValue>) -> Option<Answer> {
    match value {
        Ok(value) => value.refusal().map(Ok),
        Err(error) => Some(Err(error)),
    }
}

/// Stands for a value whose kind is wanted.
pub struct Probe<T>(PhantomData<T>);

/// See [`kinds`].
pub fn probe<T>(_: &T) -> Probe<T> {
    Probe(PhantomData)
}

/// An error that can be displayed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned as an error",
    label = "expected an `HttpError`, a status, or a type with `std::fmt::Display` or `IntoResponse`",
    note = "an error with `Display` is written to the log, and the client gets 500",
    note = "an error of your own with `IntoResponse` is sent as the response",
    note = "to send a value as the error, give it a status: `(500, value)`"
)]
pub trait Displayable: Display {}

impl<E: Display> Displayable for E {}

/// The kinds of values, the most specific one first.
#[allow(missing_docs, reason = "only the attribute names them")]
pub mod kinds {
    use super::{
        Arc, Cow, Display, Displayable, Error, HTTPStatus, Html, HttpError, IntoResponse, NoValue, Payload,
        Probe, ResponseCode, ReturnedError, text_of,
    };

    /// A `Result` whose error is a status.
    pub struct OfStatus;
    /// One whose error is a response, and has a text for the log.
    pub struct OfShownResponse;
    /// One whose error is a response and nothing else.
    pub struct OfResponse;
    /// One whose error implements `Error` and borrows nothing.
    pub struct OfError;
    /// One whose error wraps an error.
    pub struct Around;
    /// One whose error wraps an error that may go to another thread.
    pub struct AroundShared;
    /// A `Result` whose error can be displayed.
    pub struct OfText;
    /// One with any other error, which the compiler refuses.
    pub struct OfOther;
    /// Not a `Result`.
    pub struct Value;

    /// The kinds that need no error with `'static`: those for an error that borrows.
    pub mod borrowed {
        pub use super::{IsOfKnown, IsOfOther, IsOfResponse, IsOfShownResponse, IsOfText, IsValue};
    }

    /// An error of a type of this crate or of the standard library that implements `IntoResponse`.
    ///
    /// Text is a message for the log, and must not reach the client. Bytes, JSON and the like would be sent with 200.
    pub trait IsOfKnown {
        type Kind;

        fn __kind(&self) -> Self::Kind;
    }

    macro_rules! known {
        ($kind:ident: $($(#[$attr:meta])* [$($generics:tt)*] $error:ty,)*) => {
            $(
                $(#[$attr])*
                impl<$($generics)* V> IsOfKnown for &&&&&&&&Probe<Result<V, $error>> {
                    type Kind = $kind;

                    fn __kind(&self) -> $kind {
                        $kind
                    }
                }
            )*
        };
    }

    known! { OfText: ['a,] &'a str, [] String, ['a,] &'a String, ['a,] Cow<'a, str>, [] Box<str>, [] Arc<str>, }
    known! { OfError: [] HttpError, }
    known! { OfStatus: [] HTTPStatus, [] u16, #[cfg(feature = "http")] [] http::StatusCode, }
    known! {
        OfOther:
        [] (),
        ['a,] &'a [u8],
        ['a, const N: usize,] &'a [u8; N],
        [const N: usize,] [u8; N],
        [] Box<[u8]>,
        [] Vec<u8>,
        [] Arc<[u8]>,
        [] Payload,
        [T,] Html<T>,
        [T,] Option<T>,
        #[cfg(feature = "bytes")] [] bytes::Bytes,
        #[cfg(feature = "json")] [T,] crate::Json<T>,
    }

    pub trait IsOfShownResponse {
        fn __kind(&self) -> OfShownResponse {
            OfShownResponse
        }
    }

    pub trait IsOfResponse {
        fn __kind(&self) -> OfResponse {
            OfResponse
        }
    }

    pub trait IsOfError {
        fn __kind(&self) -> OfError {
            OfError
        }
    }

    pub trait IsAround {
        fn __kind(&self) -> Around {
            Around
        }
    }

    pub trait IsAroundShared {
        fn __kind(&self) -> AroundShared {
            AroundShared
        }
    }

    pub trait IsOfText {
        fn __kind(&self) -> OfText {
            OfText
        }
    }

    pub trait IsOfOther {
        fn __kind(&self) -> OfOther {
            OfOther
        }
    }

    pub trait IsValue {
        fn __kind(&self) -> Value {
            Value
        }
    }

    impl<V, E: IntoResponse + Display> IsOfShownResponse for &&&&&&&Probe<Result<V, E>> {}
    impl<V, E: IntoResponse> IsOfResponse for &&&&&&Probe<Result<V, E>> {}
    impl<V, E: Error + 'static> IsOfError for &&&&&Probe<Result<V, E>> {}
    impl<V, E: AsRef<dyn Error + 'static> + Display + 'static> IsAround for &&&&Probe<Result<V, E>> {}
    impl<V, E: AsRef<dyn Error + Send + Sync + 'static> + Display + 'static> IsAroundShared
        for &&&Probe<Result<V, E>>
    {
    }
    impl<V, E: Display> IsOfText for &&Probe<Result<V, E>> {}
    impl<V, E> IsOfOther for &Probe<Result<V, E>> {}
    impl<T> IsValue for Probe<T> {}

    impl OfStatus {
        pub fn keep<V, E: ResponseCode>(self, value: Result<V, E>) -> Result<V, NoValue> {
            value.map_err(|code| NoValue::from(HttpError::from(code.status())))
        }
    }

    impl OfResponse {
        pub fn keep<V, E: IntoResponse>(self, value: Result<V, E>) -> Result<V, NoValue> {
            let text = || "the method returned a response as its error".to_owned();
            value.map_err(|error| NoValue::Response(error.into_response(), text()))
        }
    }

    impl OfShownResponse {
        pub fn keep<V, E: IntoResponse + Display>(self, value: Result<V, E>) -> Result<V, NoValue> {
            value.map_err(|error| {
                let text = text_of(&error);
                NoValue::Response(error.into_response(), text)
            })
        }
    }

    impl OfError {
        pub fn keep<V, E: Error + 'static>(self, value: Result<V, E>) -> Result<V, NoValue> {
            value.map_err(|error| ReturnedError::plain(error).into())
        }
    }

    impl Around {
        pub fn keep<V, E: AsRef<dyn Error + 'static> + Display + 'static>(
            self,
            value: Result<V, E>,
        ) -> Result<V, NoValue> {
            value.map_err(|error| ReturnedError::around(error).into())
        }
    }

    impl AroundShared {
        pub fn keep<V, E: AsRef<dyn Error + Send + Sync + 'static> + Display + 'static>(
            self,
            value: Result<V, E>,
        ) -> Result<V, NoValue> {
            value.map_err(|error| ReturnedError::around_shared(error).into())
        }
    }

    impl OfText {
        pub fn keep<V, E: Display>(self, value: Result<V, E>) -> Result<V, NoValue> {
            value.map_err(|error| ReturnedError::text_alone(error).into())
        }
    }

    impl OfOther {
        pub fn keep<V, E: Displayable>(self, value: Result<V, E>) -> Result<V, NoValue> {
            value.map_err(|error| ReturnedError::text_alone(error).into())
        }
    }

    impl Value {
        pub fn keep<V>(self, value: V) -> Result<V, NoValue> {
            Ok(value)
        }
    }
}

/// What a closure that continues a response can return ([`Later::resume`](crate::Later::resume)): `()`, a value with
/// [`IntoResponse`], or a `Result` of one of them whose error implements `Display`.
///
/// An error is answered with 500, or with its own status if it is an [`HttpError`], an [`HTTPStatus`], a `u16`, or an error with an
/// `HttpError` among its causes. Unlike in a method, an error of your own with `IntoResponse` is a 500 too: convert it with
/// `map_err` to an `HttpError`, or return its response as the value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a response",
    label = "expected `()`, a type with `IntoResponse`, or a `Result` of one of them whose error implements `Display`",
    note = "return text, bytes, `Json<T>`, `Html<T>`, `(u16, value)`, `Option<value>`, `HTTPStatus`, `Redirect` or `Response`"
)]
pub trait Outcome {
    /// The response, or the error.
    #[doc(hidden)]
    fn __answer(self) -> Answer;
}

impl<V: IntoResponse> Outcome for V {
    fn __answer(self) -> Answer {
        Ok(self.into_response())
    }
}

/// Without the attribute, only the usual types of errors can be told apart.
impl<V: IntoResponse, E: Display + 'static> Outcome for Result<V, E> {
    fn __answer(self) -> Answer {
        self.map(IntoResponse::into_response).map_err(|error| {
            let mut error = Some(error);
            let error: &mut dyn Any = &mut error;
            if let Some(error) = taken::<HttpError>(error) {
                return error.into();
            }
            if let Some(status) = taken::<HTTPStatus>(error) {
                return HttpError::from(status).into();
            }
            if let Some(code) = taken::<u16>(error) {
                return HttpError::from(code).into();
            }
            #[cfg(feature = "http")]
            if let Some(code) = taken::<http::StatusCode>(error) {
                return HttpError::from(code.status()).into();
            }
            if let Some(error) = taken::<io::Error>(error) {
                return error.into();
            }
            if let Some(error) = taken::<Box<dyn Error>>(error) {
                return ReturnedError::around(error).into();
            }
            if let Some(error) = taken::<Box<dyn Error + Send + Sync>>(error) {
                return ReturnedError::around_shared(error).into();
            }
            ReturnedError::text_alone(
                taken::<E>(error).expect("the error is of type E and has not been taken"),
            )
            .into()
        })
    }
}

fn taken<E: 'static>(error: &mut dyn Any) -> Option<E> {
    error.downcast_mut::<Option<E>>().and_then(Option::take)
}

//! The values that a method may return, and how the attribute distinguishes their kinds.
//!
//! The attribute has the method's value but not its type. It determines the kind by a method call on [`probe`]: the compiler
//! takes the first of the traits in [`kinds`] that fits, since each needs one reference less than the one before.
#![allow(clippy::missing_errors_doc, reason = "the error is one that a method has returned")]

use std::any::Any;
use std::error::Error;
use std::fmt::Display;
use std::io;
use std::marker::PhantomData;

use super::http_error::HttpError;
use super::response::{IntoResponse, Response};
use super::returned_error::ReturnedError;

/// The result of a method: its response, or the error that it returned.
pub type Answer = Result<Response, ReturnedError>;

/// Converts the value of a method to its response.
pub fn answer<V: IntoResponse>(value: Result<V, ReturnedError>) -> Answer {
    value.map(IntoResponse::into_response)
}

/// The value that the guard of a block of routes returns: whether the request continues.
#[diagnostic::on_unimplemented(
    message = "a guard cannot return `{Self}`",
    label = "expected `bool` or `Result<bool, E>`",
    note = "a guard returns `true` to let the request continue, or sends a response and returns `false`; `Result<(), HttpError>` \
        works as well"
)]
pub trait GoesOn {
    /// Whether the request continues.
    fn goes_on(self) -> bool;
}

impl GoesOn for bool {
    fn goes_on(self) -> bool {
        self
    }
}

/// For a guard that refuses a request by its error only.
impl GoesOn for () {
    fn goes_on(self) -> bool {
        true
    }
}

/// The answer of a guard that refuses the request, or `None` if the request continues.
pub fn refusal(value: Result<impl GoesOn, ReturnedError>) -> Option<Answer> {
    match value {
        Ok(value) => (!value.goes_on()).then(|| Ok(Response::WRITTEN)),
        Err(error) => Some(Err(error)),
    }
}

/// Stands for a value whose kind is to be determined.
pub struct Probe<T>(PhantomData<T>);

/// See [`kinds`].
pub fn probe<T>(_: &T) -> Probe<T> {
    Probe(PhantomData)
}

/// An error that can be displayed.
#[diagnostic::on_unimplemented(
    message = "a method cannot return `{Self}` as its error",
    label = "the error must be displayed, and `{Self}` does not implement `std::fmt::Display`",
    note = "a method may return any error that can be displayed: it is written to the log, and the client gets 500"
)]
pub trait Displayable: Display {}

impl<E: Display> Displayable for E {}

/// The kinds of values, the most specific first.
#[allow(missing_docs, reason = "only the attribute names them")]
pub mod kinds {
    use super::{Display, Displayable, Error, Probe, ReturnedError};

    /// A `Result` whose error implements `Error` and borrows nothing.
    pub struct OfError;
    /// A `Result` whose error contains an error.
    pub struct Around;
    /// A `Result` whose error contains an error that is `Send + Sync`.
    pub struct AroundShared;
    /// A `Result` whose error can be displayed.
    pub struct OfText;
    /// Any other `Result`, which the compiler refuses.
    pub struct OfOther;
    /// Not a `Result`.
    pub struct Value;

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

    impl<V, E: Error + 'static> IsOfError for &&&&&Probe<Result<V, E>> {}
    impl<V, E: AsRef<dyn Error + 'static> + Display + 'static> IsAround for &&&&Probe<Result<V, E>> {}
    impl<V, E: AsRef<dyn Error + Send + Sync + 'static> + Display + 'static> IsAroundShared
        for &&&Probe<Result<V, E>>
    {
    }
    impl<V, E: Display> IsOfText for &&Probe<Result<V, E>> {}
    impl<V, E> IsOfOther for &Probe<Result<V, E>> {}
    impl<T> IsValue for Probe<T> {}

    impl OfError {
        pub fn keep<V, E: Error + 'static>(self, value: Result<V, E>) -> Result<V, ReturnedError> {
            value.map_err(ReturnedError::plain)
        }
    }

    impl Around {
        pub fn keep<V, E: AsRef<dyn Error + 'static> + Display + 'static>(
            self,
            value: Result<V, E>,
        ) -> Result<V, ReturnedError> {
            value.map_err(ReturnedError::around)
        }
    }

    impl AroundShared {
        pub fn keep<V, E: AsRef<dyn Error + Send + Sync + 'static> + Display + 'static>(
            self,
            value: Result<V, E>,
        ) -> Result<V, ReturnedError> {
            value.map_err(ReturnedError::around_shared)
        }
    }

    impl OfText {
        pub fn keep<V, E: Display>(self, value: Result<V, E>) -> Result<V, ReturnedError> {
            value.map_err(ReturnedError::text_alone)
        }
    }

    impl OfOther {
        pub fn keep<V, E: Displayable>(self, value: Result<V, E>) -> Result<V, ReturnedError> {
            value.map_err(ReturnedError::text_alone)
        }
    }

    impl Value {
        pub fn keep<V>(self, value: V) -> Result<V, ReturnedError> {
            Ok(value)
        }
    }
}

/// The values that a closure for [`Later::resume`](crate::Later::resume) may return, the same as those of a `do_*` method: `()`,
/// a value, or a `Result` of one of them with an error that can be displayed.
#[diagnostic::on_unimplemented(
    message = "a response cannot be made from `{Self}`",
    label = "expected `()`, a value, or a `Result` of one of them with an error that can be displayed",
    note = "values are text, bytes, `Json<T>`, `(u16, value)` and others: see `IntoResponse`"
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

/// Without a macro, only the usual types can be recognised as errors; any other is kept as its text.
impl<V: IntoResponse, E: Display + 'static> Outcome for Result<V, E> {
    fn __answer(self) -> Answer {
        self.map(IntoResponse::into_response).map_err(|error| {
            let mut error = Some(error);
            let error: &mut dyn Any = &mut error;
            if let Some(error) = taken::<HttpError>(error) {
                return error.into();
            }
            if let Some(error) = taken::<io::Error>(error) {
                return error.into();
            }
            if let Some(error) = taken::<Box<dyn Error>>(error) {
                return ReturnedError::around(error);
            }
            if let Some(error) = taken::<Box<dyn Error + Send + Sync>>(error) {
                return ReturnedError::around_shared(error);
            }
            ReturnedError::text_alone(
                taken::<E>(error).expect("the error is of type E and has not been taken"),
            )
        })
    }
}

fn taken<E: 'static>(error: &mut dyn Any) -> Option<E> {
    error.downcast_mut::<Option<E>>().and_then(Option::take)
}

//! What a method may return, and how the attribute tells the kinds apart.
//!
//! The attribute has the method's value and no type. It asks [`probe`] for its kind by a method call: the compiler takes the first
//! of the traits in [`kinds`] that fits, since each needs one reference less than the one before.
#![allow(clippy::missing_errors_doc, reason = "what is given is an error that a method has returned")]

use std::any::Any;
use std::error::Error;
use std::fmt::Display;
use std::io;
use std::marker::PhantomData;

use super::http_error::HttpError;
use super::response::{IntoResponse, Response};
use super::returned_error::ReturnedError;

/// What has come of a method: its response, or why there is none.
pub type Answer = Result<Response, ReturnedError>;

/// The response that a value stands for.
pub fn answer<V: IntoResponse>(value: Result<V, ReturnedError>) -> Answer {
    value.map(IntoResponse::into_response)
}

/// Whether the request goes on, as the method says that a block of routes has for its guard.
#[diagnostic::on_unimplemented(
    message = "a guard cannot return `{Self}`",
    label = "expected `bool` or `Result<bool, E>`",
    note = "a guard says whether the request goes on: `true` lets it, and a guard that returns `false` has sent a response; \
        `Result<(), HttpError>` does as well"
)]
pub trait GoesOn {
    /// Whether it does.
    fn goes_on(self) -> bool;
}

impl GoesOn for bool {
    fn goes_on(self) -> bool {
        self
    }
}

/// A guard that has nothing to say but its error.
impl GoesOn for () {
    fn goes_on(self) -> bool {
        true
    }
}

/// What a guard says: `Some` is the end of the request.
pub fn refusal(value: Result<impl GoesOn, ReturnedError>) -> Option<Answer> {
    match value {
        Ok(value) => (!value.goes_on()).then(|| Ok(Response::WRITTEN)),
        Err(error) => Some(Err(error)),
    }
}

/// Stands for a value of which the kind is asked.
pub struct Probe<T>(PhantomData<T>);

/// See [`kinds`].
pub fn probe<T>(_: &T) -> Probe<T> {
    Probe(PhantomData)
}

/// An error that has to be displayed.
#[diagnostic::on_unimplemented(
    message = "a method cannot return `{Self}` as its error",
    label = "the error has to be displayed, and `{Self}` does not implement `std::fmt::Display`",
    note = "the error of a method's `Result` is anything that can be displayed: it is written to the log, and the client gets 500"
)]
pub trait Displayable: Display {}

impl<E: Display> Displayable for E {}

/// The kinds of values, from what is known best.
#[allow(missing_docs, reason = "the attribute names them, and nobody else")]
pub mod kinds {
    use super::{Display, Displayable, Error, Probe, ReturnedError};

    /// A `Result` whose error is one, and borrows nothing.
    pub struct OfError;
    /// One whose error has an error in it.
    pub struct Around;
    /// One whose error has an error in it that any thread may have.
    pub struct AroundShared;
    /// One whose error can be displayed.
    pub struct OfText;
    /// Another one, which the compiler refuses.
    pub struct OfOther;
    /// No `Result`.
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

/// What a closure may return that goes on with a response ([`Later::resume`](crate::Later::resume)): what a `do_*` method may, `()`, a value,
/// or a `Result` of one of them with an error that can be displayed.
#[diagnostic::on_unimplemented(
    message = "a response cannot be made of `{Self}`",
    label = "expected `()`, a value, or a `Result` of one of them with an error that can be displayed",
    note = "values are text, bytes, `Json<T>`, `(u16, value)` and others: see `IntoResponse`"
)]
pub trait Outcome {
    /// The response, or why there is none.
    #[doc(hidden)]
    fn __answer(self) -> Answer;
}

impl<V: IntoResponse> Outcome for V {
    fn __answer(self) -> Answer {
        Ok(self.into_response())
    }
}

/// Whether the error is one can be asked of the usual types alone, where no macro has looked.
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
            ReturnedError::text_alone(taken::<E>(error).expect("it is of that type, and nobody has taken it"))
        })
    }
}

fn taken<E: 'static>(error: &mut dyn Any) -> Option<E> {
    error.downcast_mut::<Option<E>>().and_then(Option::take)
}

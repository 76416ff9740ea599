//! The `do_*` methods of a handler, as the attribute lists them.

use std::fmt::Display;

/// A row of the dispatch table: a request method and the function that answers it.
pub struct Method<H: 'static> {
    pub(crate) name: &'static str,
    pub(crate) function: &'static str,
    pub(crate) call: fn(&mut H) -> Option<String>,
}

impl<H> Method<H> {
    /// The row for the request method `name`, answered by `function`; `call` returns why it failed.
    pub const fn new(name: &'static str, function: &'static str, call: fn(&mut H) -> Option<String>) -> Self {
        Self { name, function, call }
    }
}

/// What a `do_*` method may return: `()`, or `Result<(), E>` with an error that can be displayed.
#[diagnostic::on_unimplemented(
    message = "a `do_*` method cannot return `{Self}`",
    label = "expected `()` or `Result<(), E>` where `E: Display`",
    note = "write the response with `self.send_response(...)` and `self.wfile`, and return `io::Result<()>`"
)]
pub trait Outcome {
    /// Why the method failed.
    fn failure(self) -> Option<String>;
}

impl Outcome for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Display> Outcome for Result<(), E> {
    fn failure(self) -> Option<String> {
        // The alternate form has the whole chain of causes, where the type knows one.
        self.err().map(|error| format!("{error:#}"))
    }
}

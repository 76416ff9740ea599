//! The table of a handler's `do_*` methods, which the attribute generates.

use super::outcome::Answer;

/// A row of the dispatch table: a request method and the function that answers it.
pub struct Method<H: 'static> {
    pub(crate) name: &'static str,
    pub(crate) function: &'static str,
    pub(crate) call: fn(&mut H) -> Answer,
}

impl<H> Method<H> {
    /// The row for the request method `name`, answered by `function`.
    pub const fn new(name: &'static str, function: &'static str, call: fn(&mut H) -> Answer) -> Self {
        Self { name, function, call }
    }

    /// Whether it is for this request method. The names are so short that a call of `memcmp` would cost more than this loop.
    #[inline]
    pub fn is_for(&self, command: &str) -> bool {
        let (name, command) = (self.name.as_bytes(), command.as_bytes());
        name.len() == command.len() && name.iter().zip(command).all(|(a, b)| a == b)
    }
}
